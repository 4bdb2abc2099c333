"""Cases are written whole, found again as they were, and moved by one hand at a time."""

import threading
import uuid
from dataclasses import fields, replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from sqlalchemy import Engine, text

from gridmgmt.domain.case import Case, advance
from gridmgmt.domain.clocks import Milestone
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import NotFound, StaleVersion
from gridmgmt.geo.crs import LonLat
from gridmgmt.services.handling import clocks_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases, commands
from gridmgmt.storage.cases import Asked
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW, STREET
from tests.builders_street import ENFORCEMENT, REFUSE, Street, inner_point, stranger


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def rows(db: Db, table: str) -> int:
    return int(db.execute(text(f"select count(*) from app.{table}")).scalar_one())


WRITTEN = ("reports", "report_photos", "cases", "case_steps", "outbox", "audit_log")


def test_a_report_is_stored_with_case_history_events_and_audit_or_not_at_all(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    before = {table: rows(street.db, table) for table in WRITTEN}
    street.send(by, command)
    added = {table: rows(street.db, table) - before[table] for table in WRITTEN}
    assert added == {
        "reports": 1,
        "report_photos": 1,
        "cases": 1,
        "case_steps": 4,
        "outbox": 4,
        "audit_log": 1,
    }


def test_the_same_id_is_stored_once_and_the_second_writes_nothing_at_all(street: Street, monkeypatch) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    seen: list[cases.Intake] = []
    store = cases.store_intake
    monkeypatch.setattr(cases, "store_intake", lambda db, given: seen.extend(given) or store(db, given))
    street.send(by, command)
    before = {table: rows(street.db, table) for table in WRITTEN}
    assert store(street.db, seen) == frozenset()
    assert {table: rows(street.db, table) for table in WRITTEN} == before


def test_a_case_comes_back_with_every_field_as_it_was_saved(street: Street) -> None:
    """Every field is given a value of its own, so that no two can be swapped unnoticed."""
    case = street.report()
    hour = timedelta(hours=1)
    full = replace(
        case,
        state=State.ON_HOLD,
        version=case.version + 1,
        needs_confirmation=True,
        needs_feedback=True,
        confirmed=False,
        unit_code=ENFORCEMENT,
        worker_id=street.acceptor.id,
        area_class="outer",
        filing_condition="missing",
        milestones=(
            Milestone("stop_work", 4, LimitUnit.WORKING_HOUR, NOW + 20 * hour, NOW + 21 * hour),
            Milestone("penalty", 7, LimitUnit.WORKING_DAY, NOW + 22 * hour),
        ),
        rule_id="R-X",
        limit_amount=7,
        limit_unit=LimitUnit.NATURAL_HOUR,
        **{
            name: NOW + number * hour
            for number, name in enumerate(
                ("clock_started_at", "clock_paused_at", "due_at", "stage_due_at", "filed_at", "dispatched_at",
                 "signed_at", "handled_at", "verified_at", "closed_at", "sign_due_at"), start=1,
            )
        },
        ruled=True,
        rework_count=3,
        return_count=4, extension_count=4,
        merged_into=uuid.uuid4(),
        acted=MappingProxyType({street.acceptor.id: Axis.SUPERVISION, street.dispatcher.id: Axis.COMMAND}),
    )  # fmt: skip
    plain = {f.name for f in fields(Case) if getattr(full, f.name) == getattr(case, f.name)}
    assert plain == {
        "id", "number", "report_id", "subdistrict_code", "community_code", "cell_code", "plan_id",
        "category", "source", "reported_by", "reported_at", "unit_code",
    }, "every field that a move may change has another value now"  # fmt: skip
    save(street, case, full)
    assert street.case(case.id) == full


def save(street: Street, case: Case, after: Case) -> None:
    book = street.book
    decision = advance(
        case, Action.SIGN_FOR, street.handler(ENFORCEMENT), NOW, clocks=clocks_of(book, case, NOW)
    )
    cases.save(street.db, replace(decision, case=after), [])


def test_history_comes_back_in_order_with_its_facts_and_articles(street: Street) -> None:
    case = street.handled(street.report())
    steps = cases.history(street.db, case.id)
    assert [s.seq for s in steps] == [1, 2, 3, 4, 5, 6]
    assert [s.action for s in steps] == ["report", "accept", "file", "dispatch", "sign_for", "submit_result"]
    assert [(s.from_state, s.to_state) for s in steps[3:5]] == [
        (State.FILED, State.HANDLING), (State.HANDLING, State.HANDLING),
    ]  # fmt: skip
    assert steps[-1].facts["result"] == "已清理"
    assert [s.article for s in steps] == ["22-1", "14-1", "7-1", "22-2", "22-1", "22-1"]
    assert len(steps) == case.version


def test_a_decision_on_an_old_version_is_not_saved(street: Street) -> None:
    case = street.report()
    street.act(case, Action.SIGN_FOR, street.handler(ENFORCEMENT))
    before = rows(street.db, "case_steps")
    with pytest.raises(StaleVersion):
        save(street, case, replace(case, version=case.version + 1))
    assert rows(street.db, "case_steps") == before


def test_a_command_is_remembered_with_its_case(street: Street) -> None:
    case = street.report()
    assert commands.done_by_command(street.db, uuid.uuid4()) is None
    street.act(case, Action.SIGN_FOR, street.handler(ENFORCEMENT))
    query = text("select command_id from app.case_steps where case_id = :id and command_id is not null")
    command_id = street.db.execute(query, {"id": case.id}).scalar_one()
    before = commands.done_by_command(street.db, command_id)
    assert before is not None
    assert (before.case_id, before.action, before.facts) == (case.id, "sign_for", {})


def test_a_case_of_another_subdistrict_is_as_absent_as_one_that_never_was(street: Street) -> None:
    case = street.report()
    foreign = stranger(street.shift_leader)
    with pytest.raises(NotFound) as hidden:
        cases.load(street.db, case.id, foreign)
    with pytest.raises(NotFound) as absent:
        cases.load(street.db, uuid.uuid4(), foreign)
    assert (hidden.value.message, hidden.value.facts) == (absent.value.message, absent.value.facts)
    assert cases.stored_report(street.db, case.report_id, foreign) is None
    assert cases.stored_report(street.db, case.report_id, street.shift_leader) is not None


def test_open_cases_nearby_are_found_and_closed_or_far_ones_are_not(street: Street) -> None:
    near, far = street.duty_cells[0], street.duty_cells[-1]
    place = inner_point(near.polygon)
    open_case = street.report(cell=near)
    closed = street.closed(street.handled(street.report(cell=near)))
    street.report(cell=far)
    look, without_place = cases.look_before_intake(
        street.db,
        [Asked(uuid.uuid4(), STREET, [], place), Asked(uuid.uuid4(), STREET, [], None)],
        NOW - timedelta(days=14),
    )
    assert [n.case_id for n in look.nearby] == [open_case.id]
    assert closed.id not in {n.case_id for n in look.nearby}
    assert look.nearby[0].place == pytest.approx(LonLat(*place))
    assert without_place.nearby == ()


def test_the_look_before_intake_tells_what_is_stored_and_which_photos_are_known(street: Street) -> None:
    by = street.worker_of(street.duty_cells[0].code)
    command = street.command(by, street.duty_cells[0])
    told = street.send(by, command)
    look, elsewhere = cases.look_before_intake(
        street.db,
        [
            Asked(command.id, STREET, [*command.photos, "0" * 64], None),
            Asked(command.id, "120116006", command.photos, None),
        ],
        NOW,
    )
    assert look.photos_known == frozenset(command.photos)
    assert look.stored_answer == told.body
    assert (elsewhere.stored_content, elsewhere.photos_known) == (None, frozenset())


def test_numbers_of_cases_are_all_different(street: Street) -> None:
    numbers = [street.report(category=REFUSE).number for _ in range(25)]
    assert len(set(numbers)) == 25


# Two at once: these commit, so they have a street of their own.


@pytest.fixture(scope="module")
def own_engine(own_demo_url: str):
    engine = make_engine(own_demo_url, pool_size=4)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def own_books() -> RuleBooks:
    return RuleBooks()


def committed_case(engine: Engine, books: RuleBooks) -> Case:
    with transaction(engine, NOBODY) as db:
        return Street(db, books, now=NOW + timedelta(seconds=1)).report(id=uuid.uuid4())


def wait_until_blocked(engine: Engine, pid: int) -> None:
    """Returns when the server says that this backend waits for another one."""
    with transaction(engine, NOBODY, read_only=True) as db:
        query = text("select cardinality(pg_blocking_pids(:pid)) > 0")
        while not db.execute(query, {"pid": pid}).scalar_one():
            pass


def move_at_once(engine: Engine, first, second) -> list[object]:
    """Run ``second`` in a thread until it waits for ``first``, then commit ``first``; both outcomes."""
    outcomes: list[object] = [None, None]
    began, pids = threading.Event(), []

    def follow() -> None:
        try:
            with transaction(engine, NOBODY) as db:
                pids.append(db.execute(text("select pg_backend_pid()")).scalar_one())
                began.set()
                outcomes[1] = second(db)
        except StaleVersion as refused:
            outcomes[1] = refused

    with transaction(engine, NOBODY) as db:
        outcomes[0] = first(db)
        thread = threading.Thread(target=follow)
        thread.start()
        began.wait(10)
        wait_until_blocked(engine, pids[0])
    thread.join(10)
    return outcomes


def test_of_two_who_save_at_once_one_wins_and_the_other_is_told(
    own_engine: Engine, own_books: RuleBooks
) -> None:
    case = committed_case(own_engine, own_books)

    def write(db: Db) -> str:
        street = Street(db, own_books)
        decision = advance(
            case, Action.SIGN_FOR, street.handler(ENFORCEMENT), NOW,
            clocks=clocks_of(street.book, case, NOW),
        )  # fmt: skip
        cases.save(db, decision, [])
        return "saved"

    first, second = move_at_once(own_engine, write, write)
    assert first == "saved"
    assert isinstance(second, StaleVersion)
    with transaction(own_engine, NOBODY, read_only=True) as db:
        assert len(cases.history(db, case.id)) == case.version + 1


def test_whoever_locks_a_case_is_waited_for(own_engine: Engine, own_books: RuleBooks) -> None:
    case = committed_case(own_engine, own_books)
    with transaction(own_engine, NOBODY) as db:
        leader = Street(db, own_books).shift_leader

    def raise_version(db: Db) -> int:
        loaded = cases.load(db, case.id, leader, lock=True)
        db.execute(text("update app.cases set version = version + 1 where id = :id"), {"id": case.id})
        return loaded.version

    assert move_at_once(own_engine, raise_version, raise_version) == [case.version, case.version + 1]
