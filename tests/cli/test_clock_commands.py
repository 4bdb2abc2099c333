"""The commands that change calendars and limits: dry, for good, and what the open cases make of it."""

import csv
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from gridmgmt.cli import app
from gridmgmt.domain.case import Case
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import calendars, grids
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import STREET
from tests.builders_street import Street
from tests.conftest import CHECKOUT

WHY = ["--why", "示例通知"]
LIMITS = CHECKOUT / "data" / "catalogue" / "handling_limits.csv"


@pytest.fixture
def url(own_demo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("GRIDMGMT_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return own_demo_url


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def late_case(url: str) -> Case:
    """Dispatched at 16:00 on Monday 2026-11-23 with four working hours."""
    engine = make_engine(url, pool_size=1)
    with transaction(engine, NOBODY) as db:
        case = Street(db, RuleBooks()).later(hours=6).report()
    engine.dispose()
    return case


def stored(url: str, case_id: UUID) -> Case:
    engine = make_engine(url, pool_size=1)
    with transaction(engine, NOBODY, read_only=False) as db:
        case = Street(db, RuleBooks()).case(case_id)
    engine.dispose()
    return case


def calendar_version(url: str) -> int:
    engine = make_engine(url, pool_size=1)
    with transaction(engine, NOBODY, read_only=True) as db:
        version = calendars.load_calendar(db, "tianjin").version
    engine.dispose()
    return version


def test_a_day_is_tried_first_and_then_settled_and_moves_the_open_cases(url: str) -> None:
    case = late_case(url)
    before = stored(url, case.id)
    given = ["calendar", "set-day", "2026-11-24", "off", *WHY, "--source", "示例文件"]
    dry = run(*given, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "would change" in dry.output
    assert case.number in dry.output
    assert (stored(url, case.id), calendar_version(url)) == (before, 1)
    done = run(*given)
    assert done.exit_code == 0, done.output
    after = stored(url, case.id)
    assert after.due_at is not None
    assert before.due_at is not None
    assert (after.due_at - before.due_at).days == 1
    again = run("clocks", "recompute", *WHY)
    assert " 0 changed, 0 could not be computed" in again.output


def test_a_year_is_taken_in_from_a_file_and_shown(url: str, tmp_path: Path) -> None:
    file = tmp_path / "2027.csv"
    file.write_text("day,working\n2027-01-01,0\n2027-01-02,1\n", encoding="utf-8")
    given = ["calendar", "import", str(file), *WHY, "--year", "2027"]
    assert run(*given).exit_code != 0, "no source"
    taken = run(*given, "--source", "示例文件")
    assert "known until 2027-12-31" in taken.output, taken.output
    shown = run("calendar", "show", "--year", "2027")
    assert "2027-01-02" in shown.output
    assert "示例通知" in shown.output
    file.write_text("day,working\n2027-01-01,perhaps\n2027-01-01,0\n", encoding="utf-8")
    refused = run(*given, "--source", "示例文件")
    assert refused.exit_code != 0


def test_limits_are_taken_in_only_as_a_whole_that_agrees(url: str, tmp_path: Path) -> None:
    case = late_case(url)
    with LIMITS.open(encoding="utf-8", newline="") as rows:
        (trade,) = [r for r in csv.DictReader(rows) if r["category"] == "09006"]
    file = tmp_path / "handling_limits.csv"

    def write(row: dict[str, str]) -> None:
        with file.open("w", encoding="utf-8", newline="") as out:
            sheet = csv.DictWriter(out, fieldnames=list(row))
            sheet.writeheader()
            sheet.writerow(row)

    write(trade | {"amount": "9"})
    dry = run("catalogue", "import", str(file), *WHY, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert stored(url, case.id).limit_amount == case.limit_amount
    assert run("catalogue", "import", str(file), *WHY).exit_code == 0
    assert stored(url, case.id).limit_amount == 9
    write(trade | {"category": "06001", "amount": "9"})
    assert run("catalogue", "import", str(file), *WHY).exit_code != 0, "the milestones say twenty days"


def test_communities_get_an_area_class_that_some_limit_is_for(
    own_demo_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDMGMT_DATABASE_URL", own_demo_url)
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "areas.csv"
    engine = make_engine(own_demo_url, pool_size=1)

    def areas(*rows: str, dry: bool = False) -> tuple[int, str]:
        file.write_text("community_code,area_class\n" + "\n".join(rows) + "\n", encoding="utf-8")
        given = ["catalogue", "areas", str(file), "--subdistrict", STREET, *(["--dry-run"] if dry else [])]
        done = CliRunner().invoke(app, given)
        return done.exit_code, done.output

    def kept() -> dict[str, str]:
        with transaction(engine, NOBODY) as db:
            return {code: area for code, (_, area) in grids.area_classes(db, STREET).items()}

    with transaction(engine, NOBODY) as db:
        db.execute(
            text(
                "insert into app.handling_limits (category, area_class, condition, amount, unit, source,"
                " valid_from) select category, 'outer', condition, amount, unit, source, valid_from"
                " from app.handling_limits limit 1"
            )
        )
    first = min(kept())
    assert areas(f"{first},outer", dry=True)[0] == 0
    assert set(kept().values()) == {""}
    assert areas(f"{first},outer")[0] == 0
    assert kept()[first] == "outer"
    assert "outer" in CliRunner().invoke(app, ["catalogue", "areas", "--subdistrict", STREET]).output
    for bad in (f"{first},moon", "120101001001,outer", f"{first},outer\n{first},"):
        assert areas(bad)[0] != 0
    assert areas(f"{first},")[0] == 0
    assert set(kept().values()) == {""}
    engine.dispose()
