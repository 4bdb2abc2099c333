"""``verify``: every forgery is found, the first bad row is named, and what is sound is called so."""

import itertools
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gridmgmt.domain.merkle import Algorithm
from gridmgmt.errors import NotFound
from gridmgmt.services import seal_check
from gridmgmt.storage import audit
from gridmgmt.storage.db import Db, make_engine, transaction
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
from tests.tampering import (
    FORGERIES,
    ONLY_A_WITNESS_SEES,
    Log,
    forge_many,
    id_at,
    make_tampered_log,
)

FORGED = 66
"""Six of each kind; ``make tamper`` runs a thousand."""


@pytest.fixture(scope="module")
def log_engine(own_empty_url: str) -> Iterator[Engine]:
    engine = make_engine(begin_with_nothing(own_empty_url), pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def log(log_engine: Engine) -> Iterator[Log]:
    with tempfile.TemporaryDirectory() as directory:
        yield make_tampered_log(log_engine, Path(directory), Algorithm.SM3)


@pytest.fixture
def opened(log_engine: Engine, log: Log) -> Iterator[Db]:
    """A superuser's transaction on the log, undone afterwards."""
    with log_engine.connect() as db:
        began = db.begin()
        open_to_tampering(db)
        yield db
        began.rollback()


def told(report: seal_check.Report) -> list[seal_check.Finding]:
    return [f for f in report.findings if f.kind != "guard_missing"]


def test_an_untouched_log_is_sound_whatever_is_held_against_it(log_engine: Engine, log: Log) -> None:
    with transaction(log_engine, NOBODY, read_only=True) as db:
        report = check(db, log.sealer, log.heads)
    assert (report.sound, report.first, report.warnings) == (True, None, [])
    assert (report.size, report.rows, report.covered_size) == (log.size, log.size, log.size)
    assert report.root == log.heads[-1].head.root.hex()


def test_every_forgery_is_found_and_the_key_holders_by_a_witness_alone(log_engine: Engine, log: Log) -> None:
    outcomes = forge_many(log_engine, log, FORGED, seed=7)
    assert [] == [o for o in outcomes if not o.found]
    unseen = {o.forgery for o in outcomes if not o.found_without_witness}
    assert unseen == {f.__name__ for f in ONLY_A_WITNESS_SEES}
    assert {o.forgery for o in outcomes} == {f.__name__ for f in FORGERIES}


def test_the_first_bad_row_is_named(opened: Db, log: Log) -> None:
    for seq in (120, 41):
        query = text("update app.audit_log set facts = '{}' where id = :id")
        opened.execute(query, {"id": id_at(opened, seq)})
    report = check(opened, log.sealer, log.outside)
    first = report.first
    assert first is not None
    assert (first.kind, first.seq, first.audit_id) == ("row_changed", 41, id_at(opened, 41))


def test_a_row_whose_leaf_was_changed_with_it_is_narrowed_down_to_its_batch(opened: Db, log: Log) -> None:
    from tests.tampering import leaf_hash, hash_of, canonical, ROW_TEXT  # noqa: PLC0415,I001

    audit_id = id_at(opened, 70)
    opened.execute(text("update app.audit_log set action = 'thing:other' where id = :id"), {"id": audit_id})
    line = opened.execute(text(f"select {ROW_TEXT} from app.audit_log a where id = :id"), {"id": audit_id})
    leaf = leaf_hash(hash_of(log.sealer.algorithm), canonical(line.scalar_one()))
    opened.execute(text("update app.audit_leaves set leaf = :l where seq = 70"), {"l": leaf})
    (finding,) = told(check(opened, log.sealer))
    assert (finding.kind, finding.seq, finding.until) == ("batch_changed", 66, 129)


def test_an_emptied_log_is_found_by_any_head(opened: Db, log: Log) -> None:
    for table in ("audit_checkpoints", "audit_leaves", "audit_log"):
        opened.execute(text(f"delete from app.{table}"))
    with pytest.raises(NotFound):
        check(opened, log.sealer)
    (finding,) = check(opened, log.sealer, log.outside).findings
    assert finding.kind == "head_beyond"


def test_a_part_of_the_time_reads_fewer_rows_and_still_all_heads(log_engine: Engine, log: Log) -> None:
    since, until = NOW + timedelta(minutes=2), NOW + timedelta(minutes=4)
    with transaction(log_engine, NOBODY, read_only=True) as db:
        report = check(db, log.sealer, since=since, until=until)
    assert (report.sound, report.rows, report.heads) == (True, 25 + 64 + 3, len(log.heads))


def test_a_change_outside_that_time_is_left_to_the_next_full_run(opened: Db, log: Log) -> None:
    query = text("update app.audit_log set facts = '{}' where id = :id")
    opened.execute(query, {"id": id_at(opened, 200)})
    early = check(opened, log.sealer, until=NOW)
    assert (told(early), early.rows) == ([], 40)


def test_memory_is_bounded_by_a_piece(monkeypatch: pytest.MonkeyPatch, log_engine: Engine, log: Log) -> None:
    sizes = []
    plain = seal_check.seal_check.pieces

    def counted(*args, **kwargs):
        found = plain(*args, **kwargs)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(seal_check, "PIECE", 7)
    monkeypatch.setattr(seal_check.seal_check, "pieces", counted)
    steps = []
    with transaction(log_engine, NOBODY, read_only=True) as db:
        report = seal_check.verify(
            db, seal_check.Asked([log.sealer.key.public_key]), NOW, lambda d, _: steps.append(d)
        )
    assert report.sound
    assert max(sizes) == 7
    assert steps == [0, *itertools.takewhile(lambda n: n < log.size, itertools.count(7, 7)), log.size]


def test_a_head_that_nobody_trusted_signed_is_no_witness(
    log_engine: Engine, log: Log, tmp_path: Path
) -> None:
    stranger = make_sealer(tmp_path)
    forged = stranger.key.sign(log.heads[2].head)
    with transaction(log_engine, NOBODY, read_only=True) as db:
        report = check(db, log.sealer, [forged])
    assert [f.kind for f in report.findings] == ["outside_signature_bad"]


def test_lines_that_wait_for_long_are_a_warning_and_no_forgery(log_engine: Engine, log: Log) -> None:
    with log_engine.connect() as db, db.begin() as began:
        audit.append(db, [make_line(at=NOW - timedelta(seconds=61))])
        report = check(db, log.sealer)
        began.rollback()
    assert (report.sound, report.waiting, round(report.oldest_waiting_s)) == (True, 1, 61)
    assert "wait for the sealer" in report.warnings[0]


def test_a_line_that_claims_an_earlier_time_is_sealed_when_it_was_added_and_warned_about(
    clone, empty_template: str, tmp_path: Path
) -> None:
    engine = make_engine(clone(empty_template), pool_size=2)
    sealer = make_sealer(tmp_path)
    make_log(engine, sealer, [2])
    write(engine, 1, at=NOW - timedelta(hours=2))
    seal_all(engine, sealer)
    with transaction(engine, NOBODY, read_only=True) as db:
        report = check(db, sealer)
    engine.dispose()
    assert (report.sound, report.warnings) == (
        True,
        ["1 lines bear a time an hour or more before they were sealed"],
    )


def test_a_guard_that_sleeps_is_found(log_engine: Engine, log: Log) -> None:
    with log_engine.connect() as db, db.begin() as began:
        db.execute(text("set local app.migration = 'test'"))
        db.execute(text("alter table app.audit_log disable trigger append_only"))
        db.execute(text("alter event trigger guard_audit_removal disable"))
        db.execute(text("alter table app.units disable trigger keep_image"))
        report = check(db, log.sealer)
        began.rollback()
    assert [f.detail.split(" is ")[0] for f in report.findings] == [
        "append_only on app.audit_log",
        "guard_audit_removal",
        "keep_image on app.units",
    ]
