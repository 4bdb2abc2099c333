"""The server measures how far a verifier stood from the case, keeps the distance and not the position."""

import math
from typing import Any
from uuid import uuid4

import pytest

from gridmgmt.domain.case import Case
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import ContentDiffers, MissingFact
from gridmgmt.services import handling, reading
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases
from gridmgmt.storage.db import Db
from tests.builders_street import Street

METRE_DEG = 1 / 111_195


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def handled(street: Street) -> tuple[Case, dict[str, float]]:
    case = street.handled(street.report())
    row = reading.case_detail(street.db, street.leader_of(case.cell_code), street.now, street.books, case.id)
    return case, row["label_position"]


def at(place: dict[str, float], north_m: float, accuracy_m: float = 6.0) -> dict[str, Any]:
    return {"lon": place["lon"], "lat": place["lat"] + north_m * METRE_DEG, "accuracy_m": accuracy_m}


def last_facts(street: Street, case: Case) -> dict[str, Any]:
    return dict(cases.history(street.db, case.id)[-1].facts)


def test_a_verification_at_the_place_is_kept_with_its_distance_and_without_the_position(
    street: Street,
) -> None:
    case, place = handled(street)
    verifier = street.leader_of(case.cell_code)
    street.act(case, Action.PASS_VERIFICATION, verifier, opinion="已恢复", place=at(place, 30))
    kept = last_facts(street, case)["place"]
    assert (kept["standing"], kept["basis"], kept["accuracy_m"]) == ("at_place", "point", 6.0)
    assert math.isclose(kept["distance_m"], 30, abs_tol=0.5)
    assert set(kept) == {"standing", "distance_m", "accuracy_m", "basis"}


def test_from_far_away_it_takes_a_reason_and_both_are_kept(street: Street) -> None:
    case, place = handled(street)
    verifier = street.leader_of(case.cell_code)
    with pytest.raises(MissingFact) as refused:
        street.act(case, Action.PASS_VERIFICATION, verifier, opinion="好", place=at(place, 2000))
    assert (refused.value.facts["standing"], refused.value.facts["missing"]) == ("away", ["place_reason"])
    assert math.isclose(refused.value.facts["distance_m"], 2000, rel_tol=0.01)
    why = "单位已发来现场视频"
    facts = {"opinion": "好", "place": at(place, 2000), "place_reason": why}
    street.act(case, Action.PASS_VERIFICATION, verifier, **facts)
    kept = last_facts(street, case)
    assert (kept["place"]["standing"], kept["place_reason"]) == ("away", why)


def test_the_senders_own_word_about_the_distance_is_not_taken(street: Street) -> None:
    case, place = handled(street)
    claimed = at(place, 2000) | {"distance_m": 3.0, "standing": "at_place"}
    with pytest.raises(MissingFact):
        street.act(
            case, Action.PASS_VERIFICATION, street.leader_of(case.cell_code), opinion="好", place=claimed
        )


def test_sent_again_it_is_the_same_command_and_another_opinion_is_not(street: Street) -> None:
    case, place = handled(street)
    verifier, version = street.leader_of(case.cell_code), street.case(case.id).version
    facts = {"opinion": "已恢复", "place": at(place, 12)}
    command = handling.Act(uuid4(), case.id, Action.PASS_VERIFICATION, version, facts)
    done = handling.act(street.db, verifier, street.now, street.books, command)
    assert handling.act(street.db, verifier, street.now, street.books, command) == done
    other = handling.Act(command.command_id, case.id, command.action, version, facts | {"opinion": "未恢复"})
    with pytest.raises(ContentDiffers):
        handling.act(street.db, verifier, street.now, street.books, other)
