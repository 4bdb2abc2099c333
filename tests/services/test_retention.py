"""What is past its period is erased with proof; a legal hold always wins; keys change while people read."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gridmgmt.adapters.keyring import FileKeyRing
from gridmgmt.domain.case import Case
from gridmgmt.domain.channel import Channel
from gridmgmt.domain.presence import Because
from gridmgmt.errors import (
    ContentDiffers,
    Erased,
    MissingFact,
    NotAllowed,
    NotFound,
    NotReady,
    UnderLegalHold,
)
from gridmgmt.services import confidences, escalating, notifying, oversight, resealing, retention
from gridmgmt.services.retention import Hold
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import confidences as kept
from gridmgmt.storage import ladders, notifications
from gridmgmt.storage.db import Db, make_engine, transaction
from gridmgmt.storage.retention import RetentionClass, set_period
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_privacy import confide, count, end, make_keys
from tests.builders_street import Street

CONTACT_DAYS, TEXT_DAYS = 180, 1095


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    return make_keys(tmp_path)


def hold(street: Street, case: Case, **over: object) -> Hold:
    made = Hold(
        **{"id": uuid.uuid4(), "case_id": case.id, "document_no": "津检〔2026〕1号", "reason": "调取证据"}
        | over
    )
    retention.place_hold(street.db, street.director, NOW, made)
    return made


def left(street: Street, case: Case) -> tuple[int, int]:
    return count(street.db, "contacts", case.report_id), count(street.db, "subject_keys", case.report_id)


def test_each_class_is_erased_when_its_own_period_is_over_and_not_a_day_before(
    street: Street, keys: FileKeyRing
) -> None:
    cases = {
        days: confide(street, keys) for days in (CONTACT_DAYS, CONTACT_DAYS + 1, TEXT_DAYS, TEXT_DAYS + 1)
    }
    running = confide(street, keys)
    for days, case in cases.items():
        end(street.db, case, days_ago=days)
    assert 4 == retention.erase_due(street.db, NOW)
    assert 0 == retention.erase_due(street.db, NOW)
    assert {CONTACT_DAYS: (1, 1), CONTACT_DAYS + 1: (0, 1), TEXT_DAYS: (0, 1), TEXT_DAYS + 1: (0, 0)} == {
        days: left(street, case) for days, case in cases.items()
    }
    assert (1, 1) == left(street, running)


def test_what_was_erased_is_proved_without_being_told(street: Street, keys: FileKeyRing) -> None:
    cases = [confide(street, keys) for _ in range(3)]
    for case in cases:
        end(street.db, case, days_ago=CONTACT_DAYS + 1)
    hold(street, cases[0])
    retention.erase_due(street.db, NOW)
    proof = street.db.execute(text("select * from app.purges")).one()
    assert ("contact", 2, 1, CONTACT_DAYS, False) == (
        proof.class_code, proof.erased, proof.held, proof.keep_days, proof.on_request,
    )  # fmt: skip
    (line,) = street.audited("purge", proof.id)
    assert {
        "class": "contact",
        "erased": 2,
        "held": 1,
        "erased_sha256": proof.erased_sha256.hex(),
    } == line.facts
    with pytest.raises(Exception, match="append-only"), street.db.begin_nested():
        street.db.execute(text("delete from app.purges"))


def told_long_ago(street: Street, case: Case, *, days: int) -> None:
    """The unit's person was told of a case so many days before NOW, in the inbox and by one channel."""
    row = notifications.Notification(
        id=uuid.uuid4(), subdistrict_code=street.code, person_id=street.acceptor.id, kind="case_dispatched",
        case_id=case.id, at=NOW - timedelta(days=days), facts={"number": case.number}, because=Because.DESK,
    )  # fmt: skip
    notifications.add(street.db, [row], [Channel.WEBHOOK])


def told_of(street: Street, case: Case) -> int:
    query = text("select count(*) from app.notifications where case_id = :id")
    return street.db.execute(query, {"id": case.id}).scalar_one()


def test_what_people_were_told_is_erased_with_its_deliveries_a_year_later(street: Street) -> None:
    case = street.report()
    end(street.db, case, days_ago=300)
    told_long_ago(street, case, days=365)
    assert 0 == retention.erase_due(street.db, NOW)
    told_long_ago(street, case, days=366)
    assert 1 == retention.erase_due(street.db, NOW)
    assert (1, 1) == (told_of(street, case), count(street.db, "deliveries"))
    proof = street.db.execute(text("select * from app.purges")).one()
    assert ("notification", 1, 0, 365) == (proof.class_code, proof.erased, proof.held, proof.keep_days)
    (line,) = street.audited("purge", proof.id)
    assert (1, "notification") == (line.facts["erased"], line.facts["class"])


def test_what_was_told_of_an_open_or_a_held_case_is_kept(street: Street) -> None:
    running, held, ended = (street.report() for _ in range(3))
    for case in (running, held, ended):
        told_long_ago(street, case, days=1000)
    for case in (held, ended):
        end(street.db, case, days_ago=500)
    hold(street, held)
    assert 1 == retention.erase_due(street.db, NOW)
    assert [1, 1, 0] == [told_of(street, case) for case in (running, held, ended)]
    assert 1 == street.db.execute(text("select held from app.purges")).scalar_one()


def test_the_rungs_that_a_case_passed_outlive_what_people_were_told(street: Street) -> None:
    case = street.report()
    oversight.deliver(street.db, NOW)
    notifying.tell(street.db, NOW, street.books, ())
    escalating.climb(street.db, NOW + timedelta(days=3), street.books, ())
    end(street.db, case, days_ago=0)
    rungs = ladders.steps_of(street.db, case.id)
    assert rungs
    assert retention.erase_due(street.db, NOW + timedelta(days=800)) > 0
    assert (0, rungs) == (told_of(street, case), ladders.steps_of(street.db, case.id))


def test_a_hold_stops_erasing_until_it_ends(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    end(street.db, case, days_ago=TEXT_DAYS + 1)
    placed = hold(street, case)
    assert 0 == retention.erase_due(street.db, NOW)
    with pytest.raises(UnderLegalHold) as refused:
        retention.erase_on_request(street.db, street.director, NOW, case.id, "本人申请删除", "r")
    assert ("46", "R46") == (refused.value.article, refused.value.rule)
    assert (1, 1) == left(street, case)
    retention.end_hold(street.db, street.director, NOW, placed.id, "津检〔2026〕2号")
    assert 2 == retention.erase_due(street.db, NOW)
    assert ["hold:end", "hold:place"] == sorted(
        e.action for e in street.audited("case", case.id) if e.action.startswith("hold")
    )


def test_two_holds_end_one_by_one(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    end(street.db, case, days_ago=TEXT_DAYS + 1)
    first, second = hold(street, case), hold(street, case)
    retention.end_hold(street.db, street.director, NOW, first.id, "津检〔2026〕2号")
    assert 0 == retention.erase_due(street.db, NOW)
    with pytest.raises(NotReady):
        retention.end_hold(street.db, street.director, NOW, first.id, "津检〔2026〕2号")
    assert [second.id] == [
        row["id"] for row in retention.holds(street.db, street.director, ended=False, limit=9)
    ]
    assert 2 == len(retention.holds(street.db, street.director, ended=True, limit=9))


def test_a_hold_names_its_document_and_comes_from_who_may(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    with pytest.raises(MissingFact):
        hold(street, case, document_no=" ")
    with pytest.raises(NotAllowed):
        retention.place_hold(
            street.db, street.dispatcher, NOW, Hold(uuid.uuid4(), case.id, "1号", "调取证据")
        )
    placed = hold(street, case)
    hold(street, case, id=placed.id)
    with pytest.raises(ContentDiffers):
        hold(street, case, id=placed.id, document_no="另一号")
    with pytest.raises(NotFound):
        retention.end_hold(street.db, street.director, NOW, uuid.uuid4(), "1号")


def test_a_resident_may_ask_for_it_once_the_case_has_ended(street: Street, keys: FileKeyRing) -> None:
    case = confide(street, keys)
    with pytest.raises(NotReady) as refused:
        retention.erase_on_request(street.db, street.director, NOW, case.id, "本人申请删除", "r")
    assert "case_ended" == refused.value.facts["guard"]
    end(street.db, case, days_ago=1)
    with pytest.raises(NotAllowed):
        retention.erase_on_request(street.db, street.shift_leader, NOW, case.id, "本人申请删除", "r")
    erased = retention.erase_on_request(street.db, street.director, NOW, case.id, "本人申请删除", "r")
    assert {"contact": 1, "resident_text": 1} == erased
    row = kept.of_case(street.db, street.acceptor, case.id)
    assert row
    assert confidences.opened(keys, row) == confidences.Plain("", None, erased=True)
    assert 2 == len([e for e in street.audited("case", case.id) if e.action == "personal:erase"])


def test_an_office_sets_its_own_period_and_says_where_it_comes_from(
    street: Street, keys: FileKeyRing
) -> None:
    case = confide(street, keys)
    end(street.db, case, days_ago=31)
    set_period(street.db, RetentionClass.CONTACT, 30, "街道办〔2026〕3号")
    assert 1 == retention.erase_due(street.db, NOW)


def test_a_dump_taken_before_is_unreadable_once_the_months_key_is_destroyed(
    street: Street, keys: FileKeyRing
) -> None:
    case = confide(street, keys)
    before = kept.of_case(street.db, street.acceptor, case.id)
    assert before
    assert confidences.opened(keys, before).contact
    later = NOW + timedelta(days=70)
    assert 0 == retention.destroy_unused_keys(street.db, keys, later)
    end(street.db, case, days_ago=0)
    retention.erase_on_request(street.db, street.director, NOW, case.id, "本人申请删除", "r")
    # This month's keys may be sealing something just now.
    assert 0 == retention.destroy_unused_keys(street.db, keys, NOW)
    assert 2 == retention.destroy_unused_keys(street.db, keys, later)
    with pytest.raises(Erased):
        confidences.opened(keys, before)


def test_values_are_sealed_anew_in_batches_until_none_is_left(street: Street, keys: FileKeyRing) -> None:
    cases = [confide(street, keys) for _ in range(5)]
    assert 0 == resealing.reseal_some(street.db, keys)
    for name in ("contacts", "subject_keys"):
        keys.keys.add(name, "2026-11")
    batches = []
    while batches[-1:] != [0]:
        batches.append(resealing.reseal_some(street.db, keys, limit=2))
    assert [6, 6, 3, 0] == batches
    for case in cases:
        row = kept.of_case(street.db, street.acceptor, case.id)
        assert row
        assert row.phone
        assert keys.is_current(row.phone)
        assert confidences.opened(keys, row).contact
    # A day later the keys that were replaced seal nothing and go.
    assert 2 == retention.destroy_unused_keys(street.db, keys, NOW + timedelta(days=30))
    assert [] == keys.replaced("contacts") == keys.replaced("subject_keys")


@pytest.fixture
def own_engine(own_demo_url: str) -> Iterator[Engine]:
    engine = make_engine(own_demo_url, pool_size=6)
    yield engine
    engine.dispose()


def test_while_keys_change_no_read_fails(own_engine: Engine, tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    with transaction(own_engine, NOBODY) as db:
        street = Street(db, RuleBooks())
        reports = [confide(street, keys).report_id for _ in range(12)]
        reader = street.acceptor
    failed: list[BaseException] = []
    done, reads = threading.Event(), []

    def read(number: int) -> None:
        ring, seen = make_keys(tmp_path), 0
        try:
            while not done.is_set() or seen < 12:
                with transaction(own_engine, NOBODY, read_only=True) as db:
                    row = kept.of_report(db, reader, reports[(seen + number) % 12])
                    assert row
                    assert confidences.opened(ring, row).contact
                seen += 1
        except BaseException as exc:  # noqa: BLE001  whatever it is, the test wants to know
            failed.append(exc)
        reads.append(seen)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        for name in ("contacts", "subject_keys"):
            keys.keys.add(name, "2026-11")
        keys.keys.change_kek()
        while True:
            with transaction(own_engine, NOBODY) as db:
                if not resealing.reseal_some(db, keys, limit=5):
                    break
    done.set()
    for thread in threads:
        thread.join(30)
    assert [] == failed
    assert 3 == len(reads)
