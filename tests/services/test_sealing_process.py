"""The sealing process and the commands: remembered heads, witnesses, keys, and what exit codes mean."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gridmgmt import sealer as process
from gridmgmt.adapters import signing, witness
from gridmgmt.cli import app
from gridmgmt.cli.console import configure_logging
from gridmgmt.domain.checkpoint import HeadKind
from gridmgmt.errors import NotFound
from gridmgmt.sealer import Sealing
from gridmgmt.settings import Environment, Settings
from gridmgmt.storage import seal
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_audit import begin_with_nothing, open_to_tampering, write
from tests.builders_cases import NOW


@pytest.fixture(autouse=True)
def _heard() -> None:
    """Other tests of the same process may have silenced warnings."""
    configure_logging("info")


@pytest.fixture
def url(clone, empty_template: str) -> str:
    """A migrated database of the test's own."""
    return begin_with_nothing(str(clone(empty_template)))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url, pool_size=3)
    yield made
    made.dispose()


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=url, audit_witness_dir=tmp_path / "witness")


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run ``gridmgmt audit``; (exit code, output)."""
    monkeypatch.setenv("GRIDMGMT_HOME", str(settings.home))
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["audit", *map(str, arguments)])
        return done.exit_code, done.output

    return run


def test_all_that_waits_is_sealed_and_the_newest_head_is_remembered(
    engine: Engine, settings: Settings
) -> None:
    write(engine, 3)
    assert Sealing(engine, settings).drain(NOW) == 3
    with transaction(engine, NOBODY) as db:
        name = seal.database_name(db)
        last = seal.last_checkpoint(db)
    remembered = process.memory_of(settings, name).recall()
    assert last is not None
    assert remembered is not None
    assert remembered.text == last.note
    assert Sealing(engine, settings).drain(NOW) == 0


def test_production_never_makes_a_key_by_itself(engine: Engine, settings: Settings) -> None:
    production = settings.model_copy(update={"environment": Environment.PRODUCTION})
    write(engine, 1)
    with pytest.raises(NotFound, match="key create"):
        Sealing(engine, production).turn(NOW)
    assert not production.audit_key_file.exists()


def test_the_witness_gets_one_head_a_day_by_chinas_calendar(engine: Engine, settings: Settings) -> None:
    sealing = Sealing(engine, settings)
    for hours in (0, 1, 13, 14, 15):  # NOW is 10:00 in China; midnight comes after fourteen hours
        write(engine, 1)
        sealing.turn(NOW + timedelta(hours=hours))
    days = [note.head.at for note in witness.read_heads(settings.audit_witness_dir)]
    assert days == [NOW, NOW + timedelta(hours=14)]


def test_a_witness_that_is_away_holds_up_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "witness").write_text("no directory", encoding="ascii")
    write(engine, 1)
    with capture_logs() as logged:
        Sealing(engine, settings).turn(NOW)
    assert [line["event"] for line in logged] == ["audit_witness_not_reached"]
    with transaction(engine, NOBODY) as db:
        assert seal.last_checkpoint(db) is not None


class Once(threading.Event):
    """Ends a loop at its first pause, and keeps how long that would have been."""

    def wait(self, timeout: float | None = None) -> bool:
        self.pause_s = timeout
        self.set()
        return True


def paused(sealing: Sealing, clock: datetime) -> tuple[float | None, list[str]]:
    stop = Once()
    with capture_logs() as logged:
        sealing.run(stop, clock=lambda: clock)
    return stop.pause_s, [line["event"] for line in logged]


def test_the_loop_says_once_a_minute_that_the_log_differs_and_seals_nothing(
    engine: Engine, settings: Settings
) -> None:
    write(engine, 2)
    Sealing(engine, settings).turn(NOW)
    with transaction(engine, NOBODY) as db:
        open_to_tampering(db)
        for table in ("audit_checkpoints", "audit_leaves"):
            db.execute(text(f"delete from app.{table}"))
    assert paused(Sealing(engine, settings), NOW) == (60.0, ["audit_log_differs"])
    with transaction(engine, NOBODY) as db:
        assert seal.last_checkpoint(db) is None


def test_the_loop_outlives_a_fault(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(process.sealing, "seal", fail)
    assert paused(Sealing(engine, settings), NOW) == (10.0, ["audit_sealing_failed"])


def test_a_quiet_loop_looks_again_after_two_seconds(engine: Engine, settings: Settings) -> None:
    assert paused(Sealing(engine, settings), NOW) == (2.0, [])


def test_a_rotation_puts_the_new_key_in_place_and_can_be_finished_after_a_crash(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(engine, 1)
    Sealing(engine, settings).turn(NOW)
    old = signing.load_key_file(settings.audit_key_file, settings.audit_origin)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(process, "_put_in_place", crash)
        with pytest.raises(KeyboardInterrupt):
            process.rotate_key(engine, settings, NOW)
    note = process.rotate_key(engine, settings, NOW)
    assert (note.head.kind, note.head.no) == (HeadKind.KEY_ROTATION, 2), "rotated once, not twice"
    new = signing.load_key_file(settings.audit_key_file, settings.audit_origin)
    assert new.public_key != old.public_key
    write(engine, 1)
    assert Sealing(engine, settings).drain(NOW) == 1


# Commands.


def test_exit_codes_tell_sound_from_changed_from_unknown(
    command: Callable[..., tuple[int, str]], engine: Engine
) -> None:
    assert command("verify")[0] == 2, "nothing sealed, no key"
    write(engine, 5)
    assert command("seal", "--once") == (0, "5 lines sealed\n")
    code, said = command("verify", "--no-record")
    assert (code, "sound" in said) == (0, True)
    with transaction(engine, NOBODY) as db:
        open_to_tampering(db)
        db.execute(text("update app.audit_log set outcome = 'refused' where id = (select audit_id from"
                        " app.audit_leaves where seq = 3)"))  # fmt: skip
    code, said = command("verify")
    assert code == 1
    assert "NOT SOUND: first at 3: row_changed" in said


def test_a_report_for_programs_is_one_json_document(
    command: Callable[..., tuple[int, str]], engine: Engine
) -> None:
    assert json.loads(command("verify", "--json")[1])["sound"] is None
    write(engine, 2)
    command("seal", "--once")
    code, said = command("verify", "--json")
    report = json.loads(said)
    assert (code, report["sound"], report["size"], report["rows"], report["first"]) == (0, True, 2, 2, None)
    with transaction(engine, NOBODY) as db:
        facts = db.execute(text("select facts from app.audit_log where action = 'audit:verify'")).scalar_one()
    assert facts["sound"] is True


def test_heads_are_exported_and_heard(
    command: Callable[..., tuple[int, str]], engine: Engine, tmp_path: Path
) -> None:
    assert command("head", "show")[0] != 0
    write(engine, 2)
    command("seal", "--once")
    assert command("head", "export", tmp_path / "out")[0] == 0
    shown = command("head", "show")[1]
    assert [n.text for n in witness.read_heads(tmp_path / "out")] == [shown]
    report = json.loads(command("verify", "--json", "--checkpoint", tmp_path / "out")[1])
    assert report["covered_size"] == 2
    with transaction(engine, NOBODY) as db:
        open_to_tampering(db)
        for table in ("audit_checkpoints", "audit_leaves", "audit_log"):
            db.execute(text(f"delete from app.{table}"))
    code, said = command("verify", "--checkpoint", tmp_path / "out" / "heads.jsonl")
    assert (code, "head_beyond" in said) == (1, True)


def test_keys_are_made_shown_and_rotated_by_command(
    command: Callable[..., tuple[int, str]], engine: Engine, tmp_path: Path
) -> None:
    made = command("key", "create")
    assert made == command("key", "public")
    assert command("key", "create")[0] == 1
    write(engine, 1)
    command("seal", "--once")
    (tmp_path / "old.pub").write_text(made[1], encoding="ascii")
    assert "kind key_rotation" in command("key", "rotate")[1]
    assert command("key", "public")[1] != made[1]
    for trusted in ((), ("--key", tmp_path / "old.pub")):
        assert command("verify", "--no-record", *trusted)[0] == 0


def test_a_recovery_is_declared_by_command(command: Callable[..., tuple[int, str]], engine: Engine) -> None:
    write(engine, 2)
    command("seal", "--once")
    with transaction(engine, NOBODY) as db:
        open_to_tampering(db)
        for table in ("audit_checkpoints", "audit_leaves", "audit_log"):
            db.execute(text(f"delete from app.{table}"))
    write(engine, 1)
    assert command("seal", "--once")[0] != 0
    code, said = command("recover", "--by", "王", "--reason", "盘坏", "--restored-to", "2026-11-22T00:00:00")
    assert (code, "kind recovery" in said, "lost-size 2" in said) == (0, True, True)
    write(engine, 1)
    assert command("seal", "--once") == (0, "1 lines sealed\n")
