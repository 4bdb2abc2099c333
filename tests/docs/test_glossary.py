"""The glossary's names exist in the code, and its words are used for one thing each."""

import csv
from enum import Enum
from importlib import import_module

import pytest

from gridmgmt.domain.org import Role
from gridmgmt.domain.workflow import Action
from tests.architecture.sources import ROOT

with (ROOT / "docs" / "glossary.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
NAMES = sorted({name for row in ROWS for name in row["names"].split(";") if name})


@pytest.mark.parametrize("name", NAMES)
def test_the_code_has_the_glossarys_name(name: str) -> None:
    package, module, *rest = name.split(".")
    found: object = import_module(f"gridmgmt.{package}.{module}")
    for part in rest:
        found = getattr(found, part)
    assert isinstance(found, (type, Enum))


def test_a_term_without_a_name_says_that_it_is_not_built() -> None:
    silent = [row["english"] for row in ROWS if not row["names"] and "not built" not in row["note"]]
    assert ["swift response to public complaints"] == silent


def test_no_term_is_explained_twice() -> None:
    for column in ("chinese", "english"):
        terms = [row[column] for row in ROWS]
        assert sorted(set(terms)) == sorted(terms)


def test_every_post_of_people_is_in_the_glossary() -> None:
    people = {f"domain.org.Role.{role.name}" for role in Role} - {
        "domain.org.Role.DISTRICT_OFFICER",
        "domain.org.Role.PLANNER",
        "domain.org.Role.ADMINISTRATOR",
        "domain.org.Role.AUDITOR",
        "domain.org.Role.SYSTEM",
    }
    assert people <= set(NAMES)


def test_every_step_of_the_loop_is_in_the_glossary() -> None:
    steps = (
        Action.ACCEPT,
        Action.FILE,
        Action.DISPATCH,
        Action.SUBMIT_RESULT,
        Action.PASS_VERIFICATION,
        Action.CLOSE,
    )
    assert {f"domain.workflow.Action.{action.name}" for action in steps} <= set(NAMES)
