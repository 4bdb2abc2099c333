"""Who is told: levels of the ladder, absent people and their deputies, and the audience of every event."""

from datetime import date, time, timedelta
from uuid import UUID

import pytest

from gridmgmt.domain.deputy import Deputyship
from gridmgmt.domain.events import EVENT_NAMES_ZH, EventKind
from gridmgmt.domain.ladder import DEFAULT_RUNGS, Level
from gridmgmt.domain.org import Role
from gridmgmt.domain.presence import Because, Recipient, Staff, StaffPerson
from gridmgmt.domain.recipients import AUDIENCES, TOLD_NOBODY, About, of_event, of_rung
from gridmgmt.domain.roster import EVERY_DAY, Leave, Roster, RosterEntry, RosterRole, Shift
from gridmgmt.domain.workflow import State
from tests.builders_cases import NOW, STREET

COMMUNITY = f"{STREET}003"
CELL = f"{COMMUNITY}007"
ON, TEN = date(2026, 11, 23), time(10)
WORKER, LEADER, HANDLER, OF_COMMUNITY, DISPATCHER, SHIFT, DIRECTOR, DISTRICT, OTHER, ACCEPTOR = (
    UUID(int=n) for n in range(10, 20)
)
PEOPLE = {
    WORKER: StaffPerson(WORKER, frozenset({Role.GRID_WORKER})),
    LEADER: StaffPerson(LEADER, frozenset({Role.GRID_WORKER})),
    HANDLER: StaffPerson(HANDLER, frozenset({Role.HANDLER}), "U1"),
    OF_COMMUNITY: StaffPerson(OF_COMMUNITY, frozenset({Role.HANDLER}), COMMUNITY),
    DISPATCHER: StaffPerson(DISPATCHER, frozenset({Role.DISPATCHER})),
    SHIFT: StaffPerson(SHIFT, frozenset({Role.SHIFT_LEADER})),
    DIRECTOR: StaffPerson(DIRECTOR, frozenset({Role.DIRECTOR})),
    DISTRICT: StaffPerson(DISTRICT, frozenset({Role.DISTRICT_OFFICER})),
    OTHER: StaffPerson(OTHER, frozenset({Role.HANDLER}), "U2"),
    ACCEPTOR: StaffPerson(ACCEPTOR, frozenset({Role.ACCEPTOR})),
}
ENTRIES = [
    RosterEntry(CELL, WORKER, RosterRole.WORKER, date(2026, 1, 1)),
    RosterEntry(CELL, LEADER, RosterRole.LEADER, date(2026, 1, 1)),
]
ABOUT = About(CELL, COMMUNITY, State.HANDLING, "U1", None, WORKER)


def make_staff(without=(), shifts=(), leaves=(), deputyships=(), at=TEN):
    people = [p for p in PEOPLE.values() if p.id not in without]
    return Staff(people, Roster(ENTRIES, shifts, leaves), deputyships, ON, at)


def make_leave(person, deputy=None):
    return Leave(person, ON, ON + timedelta(days=3), deputy)


def make_deputyship(person, deputy, role=Role.HANDLER):
    ends_at = NOW + timedelta(days=1)
    return Deputyship(UUID(int=99), STREET, person, deputy, role, NOW, ends_at, DIRECTOR, NOW)


def off_duty(person):
    """A shift that lies at night."""
    return Shift(person, EVERY_DAY, time(20), time(23), date(2026, 1, 1))


def who(found):
    return [(r.person_id, r.because) for r in found]


def test_the_default_ladder_goes_from_the_pavement_to_the_district():
    staff = make_staff()
    told = [who(of_rung(rung.levels, ABOUT, staff)) for rung in DEFAULT_RUNGS]
    assert told == [
        [(HANDLER, Because.UNIT), (WORKER, Because.GRID_WORKER)],
        [(HANDLER, Because.UNIT), (LEADER, Because.GRID_LEADER), (OF_COMMUNITY, Because.COMMUNITY)],
        [
            (DISPATCHER, Because.STREET), (SHIFT, Because.STREET), (DIRECTOR, Because.STREET),
            (DISTRICT, Because.DISTRICT),
        ],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "holder"),
    [
        (State.REPORTED, ACCEPTOR),
        (State.ACCEPTED, SHIFT),
        (State.FILED, DISPATCHER),
        (State.REFERRED, DISTRICT),
        (State.HANDLING, HANDLER),
        (State.ON_HOLD, HANDLER),
        (State.HANDLED, WORKER),
        (State.VERIFIED, SHIFT),
    ],
)
def test_the_first_rung_tells_whose_turn_it_is(state, holder):
    about = About(CELL, COMMUNITY, state, "U1", None, WORKER)
    assert of_rung([Level.HOLDER], about, make_staff())[0].person_id == holder


def test_every_open_state_has_somebody_whose_turn_it_is():
    for state in State:
        if not state.is_final:
            assert of_rung([Level.HOLDER], About(CELL, COMMUNITY, state, "U1"), make_staff())


def test_somebody_on_leave_is_replaced_by_the_deputy_of_his_leave_with_the_reason():
    staff = make_staff(leaves=[make_leave(HANDLER, OTHER)])
    (found,) = of_rung([Level.HOLDER], ABOUT, staff)
    assert found == Recipient(OTHER, Because.UNIT, HANDLER, "on leave")


def test_a_deputyship_in_force_stands_before_the_deputy_of_the_leave():
    staff = make_staff(leaves=[make_leave(HANDLER, SHIFT)], deputyships=[make_deputyship(HANDLER, OTHER)])
    (found,) = of_rung([Level.HOLDER], ABOUT, staff)
    assert (found.person_id, found.instead_of, found.absence) == (OTHER, HANDLER, "on leave")
    without_leave = make_staff(deputyships=[make_deputyship(HANDLER, OTHER)])
    (found,) = of_rung([Level.HOLDER], ABOUT, without_leave)
    assert (found.person_id, found.absence) == (OTHER, "deputy in force")


def test_a_deputy_who_is_away_himself_is_not_told_and_has_no_deputy_of_his_own():
    leaves = [make_leave(HANDLER, OTHER), make_leave(OTHER, SHIFT)]
    (found,) = of_rung([Level.HOLDER], ABOUT, make_staff(leaves=leaves))
    assert found == Recipient(HANDLER, Because.UNIT, absence="on leave"), "better told late than nobody"


def test_whoever_is_off_duty_is_passed_over_while_a_colleague_is_there():
    staff = make_staff(shifts=[off_duty(DISPATCHER), off_duty(DIRECTOR)])
    assert who(of_rung([Level.STREET], ABOUT, staff)) == [(SHIFT, Because.STREET)]
    nobody = make_staff(shifts=[off_duty(p) for p in (DISPATCHER, SHIFT, DIRECTOR)])
    found = of_rung([Level.STREET], ABOUT, nobody)
    assert {r.absence for r in found} == {"off duty"}
    assert len(found) == 3


def test_a_level_without_people_hands_over_to_the_next_one_above():
    staff = make_staff(without=[LEADER, OF_COMMUNITY])
    assert {b for _, b in who(of_rung([Level.GRID_LEADER], ABOUT, staff))} == {Because.STREET}
    assert of_rung([Level.GRID_WORKER], ABOUT, make_staff(without=PEOPLE)) == []


def test_each_person_is_told_once_by_the_first_reason():
    about = About(CELL, COMMUNITY, State.HANDLING, COMMUNITY, OF_COMMUNITY)
    found = of_rung([Level.HOLDER, Level.COMMUNITY], about, make_staff())
    assert who(found) == [(OF_COMMUNITY, Because.WORKER)]


def test_every_event_has_an_audience_or_stands_among_those_that_have_none():
    assert set(AUDIENCES) & TOLD_NOBODY == set()
    assert set(AUDIENCES) | TOLD_NOBODY == set(EventKind)
    assert set(EVENT_NAMES_ZH) == set(EventKind)


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        (EventKind.CASE_DISPATCHED, {}, {HANDLER}),
        (EventKind.CASE_CLOSED, {}, {WORKER}),
        (EventKind.REPORT_REJECTED, {}, {WORKER}),
        (EventKind.RESULT_SUBMITTED, {}, {WORKER}),
        (EventKind.REQUEST_MADE, {}, {DISPATCHER, SHIFT, DIRECTOR}),
        (EventKind.REQUEST_DECIDED, {"asked_by": OTHER}, {OTHER, HANDLER}),
        (EventKind.CALL_ISSUED, {"unit_code": "U2"}, {OTHER}),
        (EventKind.SUPERVISION_ORDERED, {"unit_code": None}, {DISPATCHER}),
        (EventKind.CASE_REFERRED, {}, {DISTRICT}),
        (EventKind.DEPUTY_NAMED, {"person_id": str(HANDLER), "deputy_id": str(OTHER)}, {HANDLER, OTHER}),
        (EventKind.CASE_FILED, {}, set()),
    ],
)
def test_an_event_reaches_whom_it_concerns(kind, facts, expected):
    assert {r.person_id for r in of_event(kind, facts, ABOUT, make_staff())} == expected


def test_a_reporter_who_does_not_work_here_is_told_by_a_person_and_not_by_this():
    about = About(CELL, COMMUNITY, State.CLOSED, "U1", None, UUID(int=1000))
    assert of_event(EventKind.CASE_CLOSED, {}, about, make_staff()) == []


def test_an_event_about_no_case_tells_nobody_of_a_case():
    assert of_event(EventKind.CASE_DISPATCHED, {}, None, make_staff()) == []
