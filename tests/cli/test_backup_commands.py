"""The backup commands as an operator gives them: what they say, what they leave, how they end."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from gridmgmt.cli import app
from gridmgmt.storage import schema
from gridmgmt.storage.embedded import Cluster
from gridmgmt.storage.revision import head_revision
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import Login
from tests.observe.kept import logging_kept

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else "/var/tmp"
DAMAGED = 3
Run = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The home of an installation with a database and a photo, on a server that can be backed up."""
    directory = Path(tempfile.mkdtemp(prefix="gridmgmt-test-", dir=MEMORY))
    directory.chmod(0o755)
    cluster = Cluster(directory / "home" / "pg")
    (directory / "home").mkdir()
    prepare(cluster.up())
    schema.migrate(cluster.dsn(user=Login.MIGRATE))
    photo = directory / "home" / "photos" / "ab" / "cd" / "abcd"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a photo")
    yield directory / "home"
    for place in directory.glob("*/pg"):
        Cluster(place).destroy()
    shutil.rmtree(directory)


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on this installation; exit code and what it said."""
    for name in [name for name in os.environ if name.startswith("GRIDMGMT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GRIDMGMT_HOME", str(home))
    monkeypatch.setenv("GRIDMGMT_BACKUP_DIR", str(home.parent / "backups"))

    def run_it(*words: str) -> tuple[int, Any]:
        with logging_kept():
            done = CliRunner().invoke(app, ["backup", *words])
        said = done.stdout.strip()
        return done.exit_code, json.loads(said) if "--json" in words and done.exit_code in {
            0,
            DAMAGED,
        } else said

    return run_it


def test_from_taking_a_backup_to_working_on_with_it(run: Run, home: Path) -> None:
    status, made = run("create", "--json")
    assert (status, made["faults"], made["photos_files"]) == (0, [], 1)
    assert made["schema_revision"] == head_revision()
    assert set(made["keys"]) >= {"GRIDMGMT_SECRET_KEY"}
    status, listed = run("list", "--json")
    assert [b["label"] for b in listed] == [made["label"]]
    status, told = run("verify", "--json")
    assert (status, told["faults"]) == (0, [])
    assert told["notes"] == ["no WAL was received since: only the end of the base can be restored"]

    status, drilled = run("drill", "--json", "--in", str(home.parent))
    assert (status, drilled["faults"]) == (0, [])
    assert drilled["rows"]["schema_revision"] == 1
    assert [p.name for p in home.parent.glob("gridmgmt-drill-*")] == []

    back = home.parent / "back"
    status, recovered = run("restore", str(home.parent / "backups"), "--to", str(back), "--json")
    assert (status, recovered["missing_files"], recovered["keys_missing_here"]) == (0, 0, [])
    assert (back / "photos" / "ab" / "cd" / "abcd").read_bytes() == b"a photo"
    with psycopg.connect(recovered["url"].replace("+psycopg", "", 1)) as connection:
        entry = connection.execute(
            "select action, object_id, outcome, facts ->> 'label' from app.audit_log order by id desc limit 1"
        ).fetchone()
    assert entry == ("database:restore", made["label"], "done", made["label"])
    with psycopg.connect(Cluster(home / "pg").dsn().replace("+psycopg", "", 1)) as connection:
        runs = connection.execute("select what, outcome from app.backup_runs order by id").fetchall()
    assert runs == [("verified", "done"), ("created", "done"), ("drilled", "done")]


def test_damage_is_found_named_and_ends_with_a_code_of_its_own(run: Run, home: Path) -> None:
    if run("verify")[0] == 1:
        run("create")
    kept = home.parent / "backups" / "files" / "photos" / "ab" / "cd" / "abcd"
    whole = kept.read_bytes()
    kept.write_bytes(b"b" + whole[1:])
    try:
        status, told = run("verify", "--json")
        assert (status, told["faults"]) == (DAMAGED, ["damaged: files/photos/ab/cd/abcd"])
        status, said = run("restore", str(home.parent / "backups"), "--to", str(home.parent / "refused"))
        assert status == DAMAGED
        assert "damaged: files/photos" in said
        assert not (home.parent / "refused").exists()
    finally:
        kept.write_bytes(whole)


def test_a_time_without_a_zone_is_nobodys_guess(run: Run, home: Path) -> None:
    words = ("restore", str(home.parent / "backups"), "--to", str(home.parent / "never"), "--at")
    for wrong in ("2026-11-25T18:00:00", "yesterday"):
        assert run(*words, wrong)[0] == 1
    assert not (home.parent / "never").exists()
