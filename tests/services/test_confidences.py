"""What a resident confides lies sealed and apart, is shown short, and in full only for a purpose."""

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.adapters.keyring import FileKeyRing
from gridmgmt.domain.case import Case
from gridmgmt.domain.org import Actor
from gridmgmt.domain.personal import Contact
from gridmgmt.domain.purposes import Purpose
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import (
    BeyondPurpose,
    ContentDiffers,
    Erased,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    QuotaSpent,
    SealBroken,
)
from gridmgmt.services import confidences, reading
from gridmgmt.services.confidences import Reveal
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_privacy import CONTACT, PHONE, WORDS, confide, count, dump, make_keys
from tests.builders_street import Street


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    return make_keys(tmp_path)


def told(street: Street, keys: FileKeyRing, case: Case, by: Actor | None = None) -> dict[str, Any]:
    actor = by or street.shift_leader
    detail = reading.case_detail(street.db, actor, street.now, street.books, case.id)
    return confidences.told_shortly(street.db, keys, actor, detail)["report"]


def look(street: Street, keys: FileKeyRing, case: Case, by: Actor, **over: Any) -> dict[str, Any]:
    facts = {
        "id": uuid.uuid4(),
        "case_id": case.id,
        "purpose": Purpose.CALLBACK,
        "note": "回访办理结果",
    } | over
    return confidences.reveal(street.db, keys, by, street.now, Reveal(**facts), "test-request", most_a_day=20)


def test_nothing_of_what_was_confided_lies_readable_in_the_database(
    street: Street, keys: FileKeyRing
) -> None:
    confide(street, keys)
    kept = dump(street.db)
    for secret in (PHONE, "张三", WORDS):
        assert secret not in kept


def test_a_case_shows_it_short(street: Street, keys: FileKeyRing) -> None:
    report = told(street, keys, confide(street, keys, description=f"请打{PHONE}"))
    assert {"name": "张*", "phone": "138****1234"} == report["contact"]
    assert ("请打138****1234", True, False) == (report["description"], report["shortened"], report["erased"])


def test_a_report_that_confides_nothing_is_stored_as_before(street: Street, keys: FileKeyRing) -> None:
    case = street.report()
    report = told(street, keys, case)
    assert ("占道经营，影响通行", None, False) == (
        report["description"],
        report["contact"],
        report["shortened"],
    )
    assert 0 == count(street.db, "subject_keys") == count(street.db, "contacts")
    assert confidences.confided(keys, case.report_id, Source.PATROL, "占道经营，影响通行", None) is None


def test_a_report_without_a_contact_makes_no_further_statement(street: Street, db: Db) -> None:
    import sqlalchemy as sa  # noqa: PLC0415

    seen: list[str] = []
    listen = lambda conn, cursor, statement, *rest: seen.append(statement)  # noqa: E731
    command = street.command(street.worker_of(street.duty_cells[0].code), street.duty_cells[0])
    street.book  # noqa: B018  loaded before
    sa.event.listen(db.engine, "before_cursor_execute", listen)
    try:
        street.send(street.worker_of(street.duty_cells[0].code), command)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", listen)
    assert [] == [s for s in seen if "contacts" in s or "subject_keys" in s]


def test_a_patrols_text_that_holds_a_number_is_sealed_too(street: Street, keys: FileKeyRing) -> None:
    case = confide(
        street, keys, contact=None, source=Source.PATROL, description=f"店主电话{PHONE}",
        by=street.worker_of(street.duty_cells[0].code),
    )  # fmt: skip
    assert PHONE not in dump(street.db)
    assert "店主电话138****1234" == told(street, keys, case)["description"]


def test_a_contact_with_a_patrols_report_is_refused(street: Street, keys: FileKeyRing) -> None:
    with pytest.raises(InvalidInput, match="from outside"):
        confide(street, keys, source=Source.PATROL)
    assert 0 == count(street.db, "contacts")


def test_the_same_report_again_is_the_same_and_with_another_contact_another(
    street: Street, keys: FileKeyRing
) -> None:
    case = confide(street, keys)
    photos = tuple(told(street, keys, case)["photos"])
    again = {"id": case.report_id, "photos": photos}
    assert case.id == confide(street, keys, **again).id
    with pytest.raises(ContentDiffers):
        confide(street, keys, contact=Contact("张三", "13800001235"), **again)
    with pytest.raises(ContentDiffers):
        confide(street, keys, contact=None, **again)
    assert 1 == count(street.db, "contacts")


def test_the_digest_of_a_confiding_report_cannot_be_tried_without_the_keys(
    street: Street, keys: FileKeyRing, tmp_path: Path
) -> None:
    case = confide(street, keys)
    other = make_keys(tmp_path / "other")
    query = text("select content_sha256 from app.reports where id = :id")
    stored = street.db.execute(query, {"id": case.report_id}).scalar_one()
    photos = tuple(told(street, keys, case)["photos"])
    street.db.execute(text("alter table app.cases disable trigger all"))
    with pytest.raises(ContentDiffers):
        confide(street, other, id=case.report_id, photos=photos)
    assert 32 == len(stored)


def test_a_look_in_full_needs_a_purpose_and_is_on_record(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    asked = uuid.uuid4()
    shown = look(street, keys, case, street.acceptor, id=asked, note=f"回电{PHONE}")
    assert {"name": "张三", "phone": PHONE} == shown["contact"]
    assert WORDS == shown["description"]
    line = next(e for e in street.audited("case", case.id) if e.action == "personal:reveal")
    assert (street.acceptor.id, "callback", str(asked)) == (
        line.actor_id, line.facts["purpose"], line.facts["reveal_id"],
    )  # fmt: skip
    note = street.db.execute(text("select note from app.reveals where id = :id"), {"id": asked}).scalar_one()
    assert "回电138****1234" == note
    with pytest.raises(BeyondPurpose):
        look(street, keys, case, street.acceptor, purpose=Purpose.STATISTICS)
    with pytest.raises(MissingFact):
        look(street, keys, case, street.acceptor, note=" ")


def test_after_twenty_looks_in_a_day_it_is_enough(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    first = uuid.uuid4()
    look(street, keys, case, street.acceptor, id=first)
    for _ in range(19):
        look(street, keys, case, street.acceptor)
    with pytest.raises(QuotaSpent) as refused:
        look(street, keys, case, street.acceptor)
    assert 20 == refused.value.facts["limit"]
    # The same look again counts once; somebody else has his own; a day later it is a new day.
    look(street, keys, case, street.acceptor, id=first)
    look(street, keys, case, street.shift_leader)
    look(street.later(hours=24), keys, case, street.acceptor)


def test_an_id_of_another_look_is_refused(street: Street, keys: FileKeyRing) -> None:
    case, other = confide(street, keys), confide(street, keys)
    asked = uuid.uuid4()
    look(street, keys, case, street.acceptor, id=asked)
    with pytest.raises(ContentDiffers):
        look(street, keys, other, street.acceptor, id=asked)


def test_a_handler_looks_only_into_what_was_given_to_his_unit(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    leader = street.leader_of(case.cell_code)
    assert look(street, keys, case, leader)["contact"]
    elsewhere = street.worker_of(street.duty_cells[-1].code)
    with pytest.raises(NotAllowed):
        look(street, keys, case, elsewhere)
    with pytest.raises(NotAllowed):
        look(street, keys, case, street.handler("HZD-01"))
    with pytest.raises(NotAllowed):
        look(street, keys, case, street.person("demo-supervisor"))


def test_outside_his_scope_there_is_no_case_to_look_into(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    stranger = replace(street.acceptor, subdistricts=frozenset({"120116006"}))
    with pytest.raises(NotFound):
        look(street, keys, case, stranger)
    assert [] == confidences.cases_of_phone(street.db, keys, stranger, NOW, PHONE, limit=9)


def test_a_caller_is_found_by_his_number_however_it_is_written(street: Street, keys: FileKeyRing) -> None:
    first = confide(street, keys)
    second = confide(street, keys, contact=Contact(None, "+86 138 0000 1234"))
    confide(street, keys, contact=Contact("李四", "13900001234"))
    found = confidences.cases_of_phone(street.db, keys, street.acceptor, NOW, "138-0000-1234", limit=9)
    assert {first.id, second.id} == {row["case_id"] for row in found}
    with pytest.raises(NotAllowed):
        confidences.cases_of_phone(street.db, keys, street.dispatcher, NOW, PHONE, limit=9)


def test_a_value_moved_to_another_report_does_not_open(street: Street, keys: FileKeyRing) -> None:
    one, other = confide(street, keys), confide(street, keys, contact=Contact("李四", "13900001234"))
    street.db.execute(
        text(
            "update app.contacts a set phone = b.phone from app.contacts b"
            " where a.report_id = :a and b.report_id = :b"
        ),
        {"a": one.report_id, "b": other.report_id},
    )
    with pytest.raises(SealBroken):
        told(street, keys, one)


def test_without_its_key_the_text_is_erased_and_the_case_still_reads(
    street: Street, keys: FileKeyRing
) -> None:
    case = confide(street, keys, contact=None)
    street.db.execute(text("delete from app.subject_keys"))
    assert ("", True) == (told(street, keys, case)["description"], told(street, keys, case)["erased"])
    with pytest.raises(Erased):
        look(street, keys, case, street.acceptor)


def test_numbers_in_facts_and_opinions_are_stored_short(street: Street, keys: FileKeyRing) -> None:
    case = street.report(category="matter:06041")
    street.act(case, Action.DISPATCH, street.dispatcher, unit_code="HZD-06")
    by = street.handler_of(case)
    asked = street.ask(case, Action.SEND_BACK, by, reason=f"联系{PHONE}", basis="不属本单位")
    street.answer(asked, street.dispatcher, granted=False, opinion=f"请打{PHONE}")
    assert PHONE not in dump(street.db)
    assert "联系138****1234" == street.requests_of(case)[0]["facts"]["reason"]


def test_a_contact_may_be_a_name_alone(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys, contact=Contact("张三", None))
    assert {"name": "张*", "phone": None} == told(street, keys, case)["contact"]
    assert CONTACT.name == look(street, keys, case, street.acceptor)["contact"]["name"]


def test_a_look_is_counted_within_a_day_only(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    look(street, keys, case, street.acceptor)
    from gridmgmt.storage import confidences as kept  # noqa: PLC0415

    assert 1 == kept.reveals_since(street.db, street.acceptor, NOW + timedelta(hours=23))
    assert 0 == kept.reveals_since(street.db, street.acceptor, NOW + timedelta(hours=24))
