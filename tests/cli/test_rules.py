"""The commands of routing rules, on the demo street."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gridmgmt.cli import app
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_street import Street
from tests.conftest import CHECKOUT

DEMO = CHECKOUT / "data" / "catalogue" / "routing_rules_demo.json"
SINCE = ["--since", "2026-01-01"]


@pytest.fixture
def street(own_demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("GRIDMGMT_HOME", str(tmp_path))
    return own_demo_url


def rules(*words: str) -> Result:
    return CliRunner().invoke(app, ["rules", *words])


def changed(folder: Path, version: str, *new: dict[str, Any]) -> str:
    document = json.loads(DEMO.read_text(encoding="utf-8")) | {"version": version}
    base = {"reason": "试", "valid_from": "2026-01-01"}
    document["rules"] += [base | {"id": f"N-{i}", "order": 1 + i} | form for i, form in enumerate(new)]
    path = folder / f"{version}.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(path)


TRADE = {"when": {"category": ["09006"]}, "to": {"unit": "HZD-02"}}
CLOSED = {"when": {"category": ["09006"]}, "to": {"unit": "NOBODY"}}


def test_the_demo_rules_are_sound_and_a_faulty_set_ends_with_exit_code_one(
    street: str, tmp_path: Path
) -> None:
    sound = rules("lint", str(DEMO), "--json")
    assert (sound.exit_code, json.loads(sound.stdout)) == (0, []), sound.output
    faulty = rules("lint", changed(tmp_path, "faulty", CLOSED), "--json")
    assert faulty.exit_code == 1
    assert [f["fault"] for f in json.loads(faulty.stdout)] == ["target_unknown"]


def test_a_set_is_imported_once_shown_and_kept_out_while_it_has_errors(street: str, tmp_path: Path) -> None:
    assert rules("import", changed(tmp_path, "bad", CLOSED)).exit_code != 0
    good = changed(tmp_path, "good", TRADE)
    assert rules("import", good).exit_code == 0
    assert rules("import", good).exit_code != 0, "a version is published once"
    later = rules("import", changed(tmp_path, "later"), "--from", "2099-01-01")
    assert later.exit_code == 0, later.output
    document = rules("show", "--version", "good")
    assert json.loads(document.stdout)["version"] == "good"
    engine = make_engine(street, pool_size=1)
    with transaction(engine, NOBODY, read_only=True) as db:
        book = RuleBooks().current(db, "120116005")
    engine.dispose()
    assert [dated.rules.version for dated in book.rule_sets] == ["demo-2026-07", "good", "later"]


def test_a_draft_is_tried_on_the_past_and_changes_nothing(street: str, tmp_path: Path) -> None:
    engine = make_engine(street, pool_size=1)
    with transaction(engine, NOBODY) as db:
        case = Street(db, RuleBooks()).report()
    engine.dispose()
    draft = changed(tmp_path, "draft", TRADE)
    found = json.loads(rules("dry-run", draft, *SINCE, "--json").stdout)
    (item,) = [i for i in found["items"] if i["number"] == case.number]
    assert (item["unit_before"], item["unit_after"]) == (case.unit_code, "HZD-02")
    assert (item["rule_after"], item["text_rules"]) == ("N-0", [])
    (row,) = csv.DictReader(io.StringIO(rules("dry-run", draft, *SINCE, "--csv").stdout))
    assert row["unit_after"] == "HZD-02"
    told = rules("dry-run", draft, *SINCE)
    assert "1 cases, 1 differ" in told.stdout
    assert (
        rules("dry-run", str(DEMO), *SINCE).stdout.rstrip().splitlines()[-1].startswith("1 cases, 0 differ")
    )
