"""The sealer: nothing is left out, nothing sealed twice, and a log that was changed is not sealed on."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gridmgmt.adapters.signing import is_signed_by, new_key
from gridmgmt.domain.checkpoint import HeadKind
from gridmgmt.domain.merkle import Algorithm
from gridmgmt.errors import AuditLogDiffers
from gridmgmt.services import sealing
from gridmgmt.services.sealing import BATCH, Sealer
from gridmgmt.storage import audit, seal
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_audit import (
    begin_with_nothing,
    check,
    make_line,
    make_log,
    make_sealer,
    open_to_tampering,
    seal_all,
    write,
)
from tests.builders_cases import NOW


@pytest.fixture
def log_engine(clone, empty_template: str) -> Iterator[Engine]:
    """A migrated database of the test's own."""
    engine = make_engine(begin_with_nothing(clone(empty_template)), pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return make_sealer(tmp_path)


def places(engine: Engine) -> list[int]:
    with transaction(engine, NOBODY, read_only=True) as db:
        return list(db.execute(text("select seq from app.audit_leaves order by seq")).scalars())


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_was_written_is_sealed_without_gaps_and_verifies(
    log_engine: Engine, tmp_path: Path, algorithm: Algorithm
) -> None:
    sealer = make_sealer(tmp_path, algorithm=algorithm)
    heads = make_log(log_engine, sealer, [3, 1, 5])
    assert [h.head.size for h in heads] == [3, 4, 9]
    assert [h.head.no for h in heads] == [1, 2, 3]
    assert places(log_engine) == list(range(9))
    with transaction(log_engine, NOBODY) as db:
        report = check(db, sealer, heads)
    assert (report.sound, report.rows, report.heads, report.covered_size) == (True, 9, 3, 9)


def test_nothing_to_seal_makes_no_head(log_engine: Engine, sealer: Sealer) -> None:
    assert seal_all(log_engine, sealer) is None
    write(log_engine, 1)
    assert seal_all(log_engine, sealer) is not None
    assert seal_all(log_engine, sealer) is None


def test_a_head_covers_a_thousand_lines_at_most_and_says_that_more_wait(
    log_engine: Engine, sealer: Sealer
) -> None:
    write(log_engine, BATCH + 1)
    with transaction(log_engine, NOBODY) as db:
        first = sealing.seal(db, sealer, NOW)
    assert first is not None
    assert (first.rows, first.more) == (BATCH, True)
    with transaction(log_engine, NOBODY) as db:
        second = sealing.seal(db, sealer, NOW)
    assert second is not None
    assert (second.rows, second.more, second.note.head.size) == (1, False, BATCH + 1)


def test_a_transaction_that_commits_late_is_sealed_late_and_never_left_behind(
    log_engine: Engine, sealer: Sealer
) -> None:
    with log_engine.connect() as slow, slow.begin():
        audit.append(slow, [make_line()])
        write(log_engine, 2)
        seal_all(log_engine, sealer)
        assert places(log_engine) == [0, 1]
    write(log_engine, 1)
    seal_all(log_engine, sealer)
    assert places(log_engine) == [0, 1, 2, 3]
    with transaction(log_engine, NOBODY) as db:
        assert seal.oldest_waiting(db) == (0, None)
        assert check(db, sealer).sound


def test_many_writers_and_two_sealers_leave_no_gap_and_no_fork(log_engine: Engine, sealer: Sealer) -> None:
    writers = [threading.Thread(target=lambda: [write(log_engine, 3) for _ in range(15)]) for _ in range(6)]
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            with transaction(log_engine, NOBODY) as db:
                sealing.seal(db, sealer, NOW)

    sealers = [threading.Thread(target=work) for _ in range(2)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    for thread in sealers:
        thread.join(60)
    seal_all(log_engine, sealer)
    assert places(log_engine) == list(range(6 * 15 * 3))
    with transaction(log_engine, NOBODY) as db:
        assert check(db, sealer).sound


def test_a_rolled_back_change_leaves_nothing_to_seal(log_engine: Engine, sealer: Sealer) -> None:
    with log_engine.connect() as connection:
        began = connection.begin()
        audit.append(connection, [make_line()])
        began.rollback()
    write(log_engine, 1)
    seal_all(log_engine, sealer)
    assert places(log_engine) == [0]


# What stops the sealer.


def test_another_key_does_not_go_on_without_a_rotation(
    log_engine: Engine, sealer: Sealer, tmp_path: Path
) -> None:
    make_log(log_engine, sealer, [2])
    write(log_engine, 1)
    with pytest.raises(AuditLogDiffers, match="not signed by this key"):
        seal_all(log_engine, make_sealer(tmp_path))


def test_a_log_keeps_the_hash_function_that_it_began_with(
    log_engine: Engine, sealer: Sealer, tmp_path: Path
) -> None:
    make_log(log_engine, sealer, [2])
    write(log_engine, 1)
    with pytest.raises(AuditLogDiffers, match="another hash function"):
        seal_all(log_engine, make_sealer(tmp_path, key=sealer.key, algorithm=Algorithm.SM3))


def test_a_tree_whose_edge_was_changed_is_not_grown(log_engine: Engine, sealer: Sealer) -> None:
    make_log(log_engine, sealer, [2])
    with transaction(log_engine, NOBODY) as db:
        open_to_tampering(db)
        db.execute(text("update app.audit_checkpoints set edge = decode(repeat('00', 32), 'hex')"))
    write(log_engine, 1)
    with pytest.raises(AuditLogDiffers, match="does not fit"):
        seal_all(log_engine, sealer)


def roll_back(engine: Engine, size: int, no: int) -> None:
    """The log as an older backup has it."""
    with transaction(engine, NOBODY) as db:
        open_to_tampering(db)
        gone = "(select audit_id from app.audit_leaves where seq >= :size)"
        db.execute(text(f"delete from app.audit_log where id in {gone}"), {"size": size})
        db.execute(text("delete from app.audit_leaves where seq >= :size"), {"size": size})
        db.execute(text("delete from app.audit_checkpoints where no > :no"), {"no": no})


def test_a_log_that_was_rolled_back_is_not_resealed_in_silence(log_engine: Engine, sealer: Sealer) -> None:
    make_log(log_engine, sealer, [2, 2])
    roll_back(log_engine, 2, 1)
    write(log_engine, 5)
    with pytest.raises(AuditLogDiffers, match="forgotten a head"):
        seal_all(log_engine, sealer)


def test_a_declared_recovery_is_a_line_and_a_head_and_is_found_until_it_is_accepted(
    log_engine: Engine, sealer: Sealer
) -> None:
    heads = make_log(log_engine, sealer, [2, 2])
    roll_back(log_engine, 2, 1)
    write(log_engine, 1)
    with transaction(log_engine, NOBODY) as db:
        note = sealing.declare_recovery(
            db, sealer, NOW + timedelta(hours=1), by="运维员", reason="磁盘损坏", restored_to=NOW
        )
    sealer.memory.remember(note)
    assert note.head.kind is HeadKind.RECOVERY
    assert note.head.facts == {"kept-size": "2", "lost-size": "4"}
    write(log_engine, 3)
    seal_all(log_engine, sealer, NOW + timedelta(hours=2))
    with transaction(log_engine, NOBODY) as db:
        row = db.execute(text("select facts from app.audit_log where action = 'audit:recovery'")).scalar_one()
        assert (row["by"], row["reason"], row["lost_size"]) == ("运维员", "磁盘损坏", 4)
        found = check(db, sealer, heads)
        assert [(f.kind, f.seq, f.until) for f in found.findings if f.kind != "guard_missing"] == [
            ("lost_in_recovery", 2, 3)
        ]
        accepted = check(db, sealer, heads, accepted_recoveries=frozenset({note.head.no}))
        assert [f.kind for f in accepted.findings if f.kind != "guard_missing"] == []
        assert "accepted recovery" in accepted.warnings[0]


def test_after_a_dump_was_restored_into_a_younger_cluster_sealing_waits_for_the_declaration(
    log_engine: Engine, sealer: Sealer
) -> None:
    make_log(log_engine, sealer, [2])
    with transaction(log_engine, NOBODY) as db:
        open_to_tampering(db)
        # As if these had been written by transactions that this cluster will reach in years.
        db.execute(text("update app.audit_checkpoints set cursor_xact = cursor_xact + 1000000000"))
        audit.append(db, [make_line()])
        newest = "(select max(id) from app.audit_log)"
        db.execute(text(f"update app.audit_log set xact = xact + 1000000000 where id = {newest}"))
    write(log_engine, 1)
    with pytest.raises(AuditLogDiffers, match="younger"):
        seal_all(log_engine, sealer)
    with transaction(log_engine, NOBODY) as db:
        note = sealing.declare_recovery(db, sealer, NOW, by="x", reason="y", restored_to=NOW)
    sealer.memory.remember(note)
    assert note.head.size == 5, "two sealed before, two waiting, the declaration"
    write(log_engine, 1)
    again = seal_all(log_engine, sealer)
    assert again is not None
    assert again.head.size == 6


# Keys.


def test_a_rotation_ties_the_keys_together_in_both_directions(
    log_engine: Engine, sealer: Sealer, tmp_path: Path
) -> None:
    make_log(log_engine, sealer, [2])
    new = new_key(sealer.key.name)
    with transaction(log_engine, NOBODY) as db:
        note = sealing.rotate(db, sealer, new, NOW)
    sealer.memory.remember(note)
    assert is_signed_by(note, sealer.key.public_key)
    assert is_signed_by(note, new.public_key)
    after = make_sealer(tmp_path, key=new)
    make_log(log_engine, after, [2])
    with transaction(log_engine, NOBODY) as db:
        for known in (sealer, after):
            report = check(db, known)
            assert (report.sound, report.heads, report.size) == (True, 3, 4)
        stranger = make_sealer(tmp_path)
        assert {f.kind for f in check(db, stranger).findings} == {"signature_bad"}


def test_a_signature_counts_for_its_text_its_key_and_its_log_only(tmp_path: Path) -> None:
    key, other = new_key("a/log"), new_key("a/log")
    head = make_head()
    note = key.sign(head)
    assert is_signed_by(note, key.public_key)
    assert not is_signed_by(note, other.public_key)
    assert not is_signed_by(new_key("b/log").sign(head), key.public_key)
    assert not is_signed_by(type(note)(head, note.body + " ", note.signatures), key.public_key)


def make_head():
    from gridmgmt.domain.checkpoint import Head  # noqa: PLC0415

    return Head("a/log", 1, bytes(32), Algorithm.SHA256, 1, NOW)


def test_a_line_that_names_no_request_gets_the_transactions(log_engine: Engine) -> None:
    named, unnamed = str(uuid.uuid4()), str(uuid.uuid4())
    with transaction(log_engine, NOBODY) as db:
        db.execute(text("select set_config('app.request_id', 'req-of-tx', true)"))
        lines = [make_line(object_id=named, request_id="own"), make_line(object_id=unnamed)]
        audit.append(db, lines)
        found = dict(
            db.execute(
                text("select object_id, request_id from app.audit_log where object_kind = 'thing'")
            ).all()
        )
    assert (found[named], found[unnamed]) == ("own", "req-of-tx")
