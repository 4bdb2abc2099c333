"""Components: accuracy classes and what must agree."""

from datetime import date

import pytest

from gridmgmt.domain.codes import ComponentCode, GridCode
from gridmgmt.domain.component import AccuracyClass, Component
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import LonLat


def make_component(**over):
    facts = {
        "code": ComponentCode("12011601001000042"),
        "name": "供水井盖",
        "cell_code": GridCode("120116005003007"),
        "position": LonLat(117.65, 39.03),
        "accuracy_class": AccuracyClass.A,
        "supervising_unit_code": "BH-CG",
        "surveyed_on": date(2026, 7, 1),
        **over,
    }
    return Component(**facts)


@pytest.mark.parametrize(
    ("name", "error_m", "accepted"),
    [
        ("A", 0.5, True), ("A", 0.51, False), ("B", 1.0, True), ("B", 1.01, False),
        ("C", 10.0, True), ("C", 10.01, False), ("C", -0.1, False), ("C", float("nan"), False),
    ],
)  # fmt: skip
def test_an_accuracy_class_accepts_errors_up_to_its_limit(name, error_m, accepted):
    assert accepted == AccuracyClass(name).accepts(error_m)


def test_the_class_of_a_component_is_read_from_its_code():
    assert "01001" == make_component().category_code


def test_a_component_changes_after_its_census():
    make_component(changed_on=date(2026, 7, 1))
    with pytest.raises(InvalidInput):
        make_component(changed_on=date(2026, 6, 30))


def test_a_component_stands_in_the_district_of_its_code():
    with pytest.raises(InvalidInput):
        make_component(cell_code=GridCode("120101005003007"))


def test_the_maintainer_mends_it_then_the_owner_then_the_department():
    component = make_component()
    assert "BH-CG" == component.responsible_unit_code
    assert "O" == make_component(owner_unit_code="O").responsible_unit_code
    assert "M" == make_component(owner_unit_code="O", maintaining_unit_code="M").responsible_unit_code
