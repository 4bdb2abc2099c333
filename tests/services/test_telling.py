"""Merged reports: every reporter is told before the case ends; a bad answer comes back as a new case."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.case import Case
from gridmgmt.domain.report import Source
from gridmgmt.domain.telling import Kind
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import ContentDiffers, MissingFact, NotAllowed, NotFound, NotReady
from gridmgmt.services import reading, telling
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import beside, feedbacks
from gridmgmt.storage.db import Db
from tests.builders_privacy import make_keys
from tests.builders_street import SORTING, Street, stranger


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return make_keys(tmp_path)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def waiting(street: Street, **over: Any) -> Case:
    """A resident's report at the acceptor's desk."""
    return street.report(street.acceptor, source=Source.WINDOW, **over)


def merged(street: Street, master: Case, **over: Any) -> Case:
    return street.act(waiting(street, **over), Action.MERGE, street.acceptor, master_id=str(master.id))


def tell(street: Street, case: Case, **over: Any) -> Any:
    facts: dict[str, Any] = {
        "id": uuid.uuid4(), "case_id": case.id, "kind": Kind.OUTCOME, "reached": True, "channel": "phone",
        "words": "已告知处理结果", "satisfied": None,
    }  # fmt: skip
    by = over.pop("by", street.acceptor)
    return telling.record(street.db, by, street.now, telling.TellCommand(**facts | over))


def verified(street: Street, case: Case) -> Case:
    return street.act(
        street.handled(case), Action.PASS_VERIFICATION, street.leader_of(case.cell_code), opinion="已恢复"
    )


def test_a_master_closes_only_after_every_merged_reporter_was_told(street: Street) -> None:
    master = street.report()
    first, second = merged(street, master), merged(street, master)
    verified(street, master)
    with pytest.raises(NotReady) as refused:
        street.act(master, Action.CLOSE, street.shift_leader)
    assert (refused.value.facts["guard"], refused.value.rule) == ("reporters_told", "R14b")
    assert set(refused.value.facts["cases"]) == {str(first.id), str(second.id)}
    tell(street, first)
    with pytest.raises(NotReady) as refused:
        street.act(master, Action.CLOSE, street.shift_leader)
    assert refused.value.facts["cases"] == [str(second.id)]
    tell(street, second, reached=False, words="电话三次无人接听", by=street.shift_leader)
    assert street.act(master, Action.CLOSE, street.shift_leader).state is State.CLOSED


def test_whoever_reported_on_duty_is_told_by_the_platform_and_holds_nothing_up(street: Street) -> None:
    master = street.report()
    repeated = street.report(category="LOCAL-TJ:matter:L08001")
    street.act(repeated, Action.MERGE, street.acceptor, master_id=str(master.id))
    verified(street, master)
    street.act(master, Action.CLOSE, street.shift_leader)
    query = text("select facts from app.outbox where case_id = :id and kind = 'reporter_told'")
    facts = street.db.execute(query, {"id": repeated.id}).scalar_one()
    assert (facts["reporter_id"], facts["master_number"]) == (str(repeated.reported_by), master.number)


def test_reports_that_were_merged_into_what_was_merged_are_owed_an_answer_too(street: Street) -> None:
    master, middle = street.report(), waiting(street)
    child = merged(street, middle)
    street.act(middle, Action.MERGE, street.acceptor, master_id=str(master.id))
    assert set(beside.look(street.db, master.id).untold) == {child.id, middle.id}
    assert feedbacks.master_of(street.db, child.id) == master.id


@pytest.mark.parametrize("ending", ["reject", "void"])
def test_a_master_is_not_turned_down_over_a_reporter_who_waits(street: Street, ending: str) -> None:
    if ending == "reject":
        master = waiting(street)
        child = merged(street, master)
        with pytest.raises(NotReady):
            street.act(master, Action.REJECT, street.acceptor, reason="不予受理")
        tell(street, child)
        assert street.act(master, Action.REJECT, street.acceptor, reason="不予受理").state is State.REJECTED
        return
    master = street.report(category=SORTING)
    child = merged(street, master)
    request = street.ask(master, Action.VOID, street.dispatcher, reason="误报")
    with pytest.raises(NotReady) as refused:
        street.answer(request, street.shift_leader)
    assert refused.value.facts["guard"] == "reporters_told"
    tell(street, child)
    street.answer(request, street.shift_leader)
    assert street.case(master.id).state is State.VOIDED


def test_a_report_merged_into_a_closed_case_is_answered_as_it_is_merged(street: Street) -> None:
    master = street.closed(street.handled(street.report()))
    late = waiting(street)
    with pytest.raises(MissingFact) as refused:
        street.act(late, Action.MERGE, street.acceptor, master_id=str(master.id))
    assert (refused.value.facts["missing"], refused.value.rule) == (["feedback"], "R14b")
    street.act(late, Action.MERGE, street.acceptor, master_id=str(master.id), feedback="已告知此前办理结果")
    assert beside.look(street.db, master.id).untold == ()
    assert [f["words"] for f in feedbacks.of_case(street.db, master.id)] == ["已告知此前办理结果"]


def test_only_the_desk_tells_and_only_inside_its_street(street: Street) -> None:
    case = merged(street, street.report())
    for by in (street.dispatcher, street.director, street.worker_of(case.cell_code)):
        with pytest.raises(NotAllowed):
            tell(street, case, by=by)
    with pytest.raises(NotFound):
        tell(street, case, by=stranger(street.acceptor))


@pytest.mark.parametrize("blank", ["", " ", "　"])
def test_a_record_says_how_and_in_which_words(street: Street, blank: str) -> None:
    case = merged(street, street.report())
    for name in ("channel", "words"):
        with pytest.raises(MissingFact) as refused:
            tell(street, case, **{name: blank})
        assert refused.value.facts["missing"] == [name]


def test_the_same_telling_again_is_one_and_another_under_its_id_is_refused(street: Street) -> None:
    case = merged(street, street.report())
    given = uuid.uuid4()
    first = tell(street, case, id=given)
    assert tell(street.later(minutes=3), case, id=given) == first
    with pytest.raises(ContentDiffers):
        tell(street, case, id=given, words="另一句话")
    assert len(feedbacks.of_case(street.db, case.id)) == 1


def test_what_was_said_keeps_no_number(street: Street) -> None:
    case = merged(street, street.report())
    assert "13800001234" not in tell(street, case, words="打了13800001234，已告知").words


# After closing.


def test_a_revisit_asks_about_a_closed_case_and_keeps_the_answer(street: Street) -> None:
    case = street.report()
    with pytest.raises(NotReady) as refused:
        tell(street, case, kind=Kind.REVISIT, satisfied=True)
    assert refused.value.facts["guard"] == "closed_case"
    street.closed(street.handled(case))
    with pytest.raises(MissingFact):
        tell(street, case, kind=Kind.REVISIT)
    with pytest.raises(NotReady):
        tell(street, case, kind=Kind.REVISIT, reached=False, satisfied=False)
    tell(street, case, kind=Kind.REVISIT, satisfied=False, words="路面仍未清理干净")
    again = street.act(case, Action.REOPEN, street.shift_leader, reason="回访不满意")
    assert (again.state, again.rework_count) == (State.HANDLING, 1)


def follow_up(street: Street, keys: KeyRing, case: Case, **over: Any) -> uuid.UUID:
    by = over.pop("by", street.acceptor)
    facts = {"id": uuid.uuid4(), "earlier_id": case.id, "reason": "回访不满意"} | over
    command = telling.FollowUp(**facts)
    return telling.follow_up(street.db, keys, by, street.now, street.books, command, "test-request")


def test_after_the_window_a_bad_answer_is_a_new_case_linked_to_the_old_one(
    street: Street, keys: KeyRing
) -> None:
    old = street.closed(street.handled(street.report()))
    with pytest.raises(NotReady) as refused:
        follow_up(street, keys, old)
    assert refused.value.facts["guard"] == "reopen_instead"
    later = street.later(days=16)
    made = later.case(follow_up(later, keys, old))
    assert (made.category, made.cell_code, made.source) == (old.category, old.cell_code, old.source)
    assert street.case(old.id).state is State.CLOSED
    shown = reading.case_detail(street.db, street.acceptor, later.now, street.books, made.id)["beside"]
    assert shown["follows"] == {"case_id": old.id, "number": old.number}
    shown = reading.case_detail(street.db, street.acceptor, later.now, street.books, old.id)["beside"]
    assert shown["followed_by"] == [{"case_id": made.id, "number": made.number}]


def test_a_follow_up_is_opened_once_by_whoever_registers_with_a_reason(street: Street, keys: KeyRing) -> None:
    old = street.closed(street.handled(street.report()))
    later, given = street.later(days=16), uuid.uuid4()
    with pytest.raises(MissingFact):
        follow_up(later, keys, old, reason=" ")
    for by in (street.dispatcher, street.shift_leader):
        with pytest.raises(NotAllowed):
            follow_up(later, keys, old, by=by)
    first = follow_up(later, keys, old, id=given)
    assert follow_up(street.later(days=17), keys, old, id=given) == first
    another = street.closed(street.handled(street.report()))
    with pytest.raises(ContentDiffers):
        follow_up(later, keys, another, id=given)
