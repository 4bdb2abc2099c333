"""A boundary changes with the city's approval number or not at all (article 5-2)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import shapely

from gridmgmt.domain.boundary import BoundaryChange, frame_around, require_approval, require_change
from gridmgmt.domain.org import Role
from gridmgmt.errors import InvalidCode, InvalidGeometry, InvalidInput, MissingFact, NotAllowed, NotReady
from gridmgmt.geo.crs import LonLat
from tests.builders_cases import ELSEWHERE, NOW, STREET, make_actor
from tests.builders_geo import make_box

OUTLINE = shapely.MultiPolygon([make_box()])
FAR = shapely.MultiPolygon([make_box(centre=LonLat(100.0, 30.0))])
FRAME = frame_around({STREET: OUTLINE})
LATER = NOW + timedelta(days=30)


def make_change(**over: Any) -> BoundaryChange:
    facts = {
        "id": UUID(int=8),
        "subdistrict_code": STREET,
        "approval_no": "津政函〔2026〕12号",
        "proposal_no": "津滨政报〔2026〕3号",
        "approved_on": date(2026, 11, 20),
        "valid_from": LATER,
        "outlines": {STREET: OUTLINE},
    }
    return BoundaryChange(**{**facts, **over})


def enter(change: BoundaryChange, role: Role = Role.DISTRICT_OFFICER, **over: Any) -> BoundaryChange:
    return require_change(change, make_actor(role), NOW, **{"frame": FRAME, "newest": None} | over)


@pytest.mark.parametrize("number", ["津政函〔2026〕12号", "津政办〔2025〕1号", "京政字〔1999〕12345号"])
def test_a_document_number_is_an_approval(number: str) -> None:
    assert require_approval(number) == number


@pytest.mark.parametrize("number", [None, "", "   "])
def test_without_a_number_the_boundary_stays(number: str | None) -> None:
    with pytest.raises(MissingFact) as refused:
        require_approval(number)
    assert (refused.value.article, refused.value.rule) == ("5-2", "R05")


@pytest.mark.parametrize(
    "number",
    [
        "12",
        "津政函(2026)12号",
        "津政函〔26〕12号",
        "津政函〔2026〕012号",
        "津政函〔2026〕12",
        "a\n〔2026〕1号",
    ],
)
def test_anything_else_is_no_number(number: str) -> None:
    with pytest.raises(InvalidCode) as refused:
        require_approval(number)
    assert (refused.value.article, refused.value.rule) == ("5-2", "R05")


def test_an_approved_change_may_be_entered_by_the_district() -> None:
    assert enter(make_change()) == make_change()
    for role in set(Role) - {Role.DISTRICT_OFFICER}:
        with pytest.raises(NotAllowed):
            enter(make_change(), role)


@pytest.mark.parametrize(
    ("over", "error"),
    [
        ({"approval_no": ""}, MissingFact),
        ({"proposal_no": " "}, MissingFact),
        ({"outlines": {f"{STREET}001": OUTLINE}}, MissingFact),
        ({"outlines": {STREET: OUTLINE, f"{ELSEWHERE}001": OUTLINE}}, InvalidInput),
        (
            {"outlines": {STREET: shapely.MultiPolygon([make_box(centre=LonLat(100.0, 30.0))])}},
            InvalidGeometry,
        ),
        ({"approved_on": date(2027, 6, 1)}, InvalidInput),
        ({"valid_from": NOW}, NotReady),
    ],
)
def test_what_is_missing_or_wrong_is_refused_with_article_and_rule(over: dict, error: type) -> None:
    with pytest.raises(error) as refused:
        enter(make_change(**over))
    assert (refused.value.article, refused.value.rule) == ("5-2", "R05")


def test_a_change_comes_after_those_that_are_known() -> None:
    enter(make_change(), newest=LATER - timedelta(seconds=1))
    with pytest.raises(NotReady):
        enter(make_change(), newest=LATER)
