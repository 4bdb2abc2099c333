"""A word about a place is measured there, or comes with a reason; the distance is kept as it was."""

import math
from typing import Any

import pytest

from gridmgmt.domain.onsite import (
    MEASURED,
    MOST_REASON,
    NEAR_M,
    ON_SITE,
    VAGUE_M,
    Sent,
    measured,
    read_place,
    standing,
)
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import InvalidInput, MissingFact
from tests.builders_cases import make_case, move

AT_PLACE = measured(Sent(117.2, 39.1, 12.0), 43.26, exact=True)
AWAY = measured(Sent(117.2, 39.1, 12.0), 1840.0, exact=True)
_WHERE = {Action.CONFIRM: State.REPORTED}
SAID = [(action, _WHERE.get(action, State.HANDLED)) for action in sorted(ON_SITE)]


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        (0, 5, "at_place"), (NEAR_M, 10, "at_place"), (NEAR_M + 0.1, 10, "uncertain"),
        (NEAR_M + 10, 10, "uncertain"), (NEAR_M + 10.1, 10, "away"), (300, 200, "uncertain"),
        (5, VAGUE_M, "at_place"), (5, VAGUE_M + 0.1, "uncertain"), (5, None, "uncertain"),
        (NEAR_M + 0.1, None, "uncertain"), (5000, 4000, "away"),
    ],
)  # fmt: skip
def test_nobody_comes_nearer_by_claiming_to_be_less_certain_and_a_vague_position_proves_nothing(
    distance_m: float, accuracy_m: float | None, expected: str
) -> None:
    assert standing(distance_m, accuracy_m) == expected


@pytest.mark.parametrize(("action", "state"), SAID)
@pytest.mark.parametrize("place", [None, AWAY, measured(Sent(unavailable=None), None, exact=False)])
def test_whoever_was_not_measured_at_the_place_says_why(
    action: Action, state: State, place: dict[str, Any] | None
) -> None:
    with pytest.raises(MissingFact) as refused:
        move(make_case(state), action, place=place, place_reason=" ")
    assert refused.value.facts["missing"] == ["place_reason"]
    step = move(make_case(state), action, place=place, place_reason="院门上锁，在门外看").step
    assert (step.facts["place"], step.facts["place_reason"]) == (place, "院门上锁，在门外看")


@pytest.mark.parametrize("reason", [False, 0, {"a": 1}, ["雨"], "雨" * (MOST_REASON + 1)])
@pytest.mark.parametrize("place", [AT_PLACE, AWAY, None])
def test_a_reason_is_a_text_of_bounded_length(reason: object, place: dict[str, Any] | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        move(make_case(State.HANDLED), Action.PASS_VERIFICATION, place=place, place_reason=reason)
    assert refused.value.facts["field"] == "place_reason"


@pytest.mark.parametrize(("action", "state"), SAID)
def test_whoever_was_measured_at_the_place_needs_no_reason(action: Action, state: State) -> None:
    decision = move(make_case(state), action, place=AT_PLACE, place_reason="")
    assert decision.step.facts["place"] == AT_PLACE
    told = decision.events[0].facts
    assert (told["place_standing"], told["distance_m"]) == ("at_place", 43.3)


def test_the_event_tells_the_distance_as_it_is_and_not_where_the_worker_was() -> None:
    told = move(make_case(State.HANDLED), Action.PASS_VERIFICATION, place=AWAY, place_reason="雨").events[0]
    assert (told.facts["place_standing"], told.facts["distance_m"]) == ("away", 1840.0)
    assert not {"lon", "lat", "accuracy_m"} & set(told.facts)
    blind = move(make_case(State.HANDLED), Action.PASS_VERIFICATION, place_reason="手机坏了").events[0]
    assert blind.facts["place_standing"] == "not_measured"


def test_what_is_kept_has_no_position() -> None:
    assert set(AWAY) == {"standing", "distance_m", "accuracy_m", "basis"}


@pytest.mark.parametrize("action", [a for a in Action if a not in MEASURED])
def test_no_other_action_takes_a_position(action: Action) -> None:
    with pytest.raises(InvalidInput):
        read_place(action, {"place": {"lon": 117.2, "lat": 39.1, "accuracy_m": 5}})
    assert read_place(action, {}) is None


@pytest.mark.parametrize(
    "place",
    [
        "here", [], {}, {"lon": 117.2}, {"lon": "117.2", "lat": 39.1}, {"lon": 181, "lat": 39.1},
        {"lon": 117.2, "lat": math.nan}, {"lon": 117.2, "lat": 39.1, "accuracy_m": -1},
        {"lon": 117.2, "lat": 39.1, "accuracy_m": True}, {"lon": 117.2, "lat": 39.1, "datum": "gcj02"},
        {"unavailable": "lazy"}, {"lon": 117.2, "lat": 39.1, "accuracy_m": math.inf},
    ],
)  # fmt: skip
def test_what_is_no_position_is_refused(place: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_place(Action.CONFIRM, {"place": place})
    assert refused.value.facts["field"] == "place"
