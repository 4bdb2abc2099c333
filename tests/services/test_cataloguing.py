"""Tables are taken in when all of them are sound: a fault in one is named, and nothing is changed."""

from dataclasses import fields, replace

import pytest

from gridmgmt.demo.load import read_catalogue
from gridmgmt.errors import InvalidInput, NotFound
from gridmgmt.services import cataloguing
from gridmgmt.services.cataloguing import CatalogueTables
from tests.builders_cases import NOW
from tests.conftest import CHECKOUT

ON = NOW.date()


@pytest.fixture(scope="module")
def given() -> CatalogueTables:
    return read_catalogue(CHECKOUT / "data" / "catalogue")


def test_the_catalogue_of_the_demo_is_sound(given: CatalogueTables) -> None:
    made = cataloguing.check_tables(given, ON)
    assert made.find("matter:09006", ON).name == "占道经营"


TABLES = [f.name for f in fields(CatalogueTables) if f.name not in {"routing_rules", "work_hours"}]


@pytest.mark.parametrize("table", TABLES)
def test_a_faulty_row_is_named_with_its_table_and_number(given: CatalogueTables, table: str) -> None:
    rows = [dict(row) for row in getattr(given, table)]
    rows[1] = dict.fromkeys(rows[1], "")
    with pytest.raises(InvalidInput) as refusal:
        cataloguing.check_tables(replace(given, **{table: rows}), ON)
    assert 3 in {fault["row"] for fault in refusal.value.facts["faults"]}


def test_a_class_without_a_handling_limit_is_named(given: CatalogueTables) -> None:
    rows = [row for row in given.handling_limits if row["category"] != "*"]
    with pytest.raises(InvalidInput) as refusal:
        cataloguing.check_tables(replace(given, handling_limits=rows), ON)
    assert "LOCAL-TJ:matter:L08001" in refusal.value.facts["without_limit"]


@pytest.mark.parametrize(
    "over",
    [
        {"routing_rules": {"version": "1", "timezone": "Asia/Shanghai", "rules": [{"id": "R"}]}},
        {
            "work_hours": {
                "timezone": "Asia/Shanghai",
                "slots": [["18:00", "08:00"]],
                "official_years": [2026, 2026],
            }
        },
    ],
    ids=["rules", "hours"],
)
def test_a_faulty_document_is_refused(given: CatalogueTables, over: dict) -> None:
    with pytest.raises(InvalidInput):
        cataloguing.check_tables(replace(given, **over), ON)


def test_a_missing_table_is_named(tmp_path) -> None:
    with pytest.raises(NotFound, match=r"gbt_47678_5_2026\.csv"):
        read_catalogue(tmp_path)
