"""gridmgmt plan, continued: drafts and their moves, owners of points, what-if replays, retired codes.

Whoever has these commands has the database; a person is named all the same (``--as``), so that the history
says whose hand it was, and that drawing and reviewing are two hands holds here too.
"""

import csv
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gridmgmt.cli.console import console, reading, settings_with_database
from gridmgmt.cli.plan import Street, app

__all__ = ["app"]

if TYPE_CHECKING:
    from gridmgmt.domain.org import Actor
    from gridmgmt.services.what_if import Answer
    from gridmgmt.storage.db import Db

Login = Annotated[str, typer.Option("--as", help="Login of the person whose hand it is.")]
PlanId = Annotated[str, typer.Argument(help="Id of the plan.")]
_LAYERS = {".gpkg": "cells", ".geojson": None}


@contextmanager
def _as_person(login: str, subdistrict: str, *, read_only: bool = False) -> "Iterator[tuple[Db, Actor]]":
    """A transaction of a person, in his roles in a subdistrict."""
    from gridmgmt.domain.org import Actor
    from gridmgmt.errors import NotFound
    from gridmgmt.storage import deputies, people
    from gridmgmt.storage.db import act_as, make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    engine = make_engine(settings_with_database().require_database_url(), pool_size=1)
    try:
        with transaction(engine, Acting.door(), read_only=read_only) as db:
            person_id = people.person_named(db, login)
            roles = deputies.roles_in(db, person_id, subdistrict) if person_id else frozenset()
            if person_id is None or not roles:
                raise NotFound("Nobody of that login has a role there.", kind="person", login=login)
            actor = Actor(person_id, login, frozenset(roles), frozenset({subdistrict}))
            act_as(db, Acting.of(actor))
            yield db, actor
    finally:
        engine.dispose()


def _instant(text: str) -> datetime:
    from gridmgmt.errors import InvalidInput

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise InvalidInput("Write a time like 2026-12-01T00:00:00+08:00.", given=text[:40])
    return read.astimezone(UTC)


def _id(text: str) -> uuid.UUID:
    from gridmgmt.errors import InvalidInput

    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInput("That is no id of a plan; see gridmgmt plan list.", given=text[:40]) from None


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(help="GeoJSON FeatureCollection, one polygon a cell.")],
    login: Login,
    start: Annotated[str, typer.Option("--from", help="When it shall take effect, with its zone.")],
    base_map: Annotated[str, typer.Option(help="The base map that the cells were cut on.")],
    *,
    synthetic: Annotated[bool, typer.Option(help="Something of it is made up.")] = False,
    subdistrict: Street = "120116005",
) -> None:
    """Store a draft: number its cells by the standard, keep the codes of cells that stay as they are."""
    import shapely

    from gridmgmt.adapters.bounded import read_cells
    from gridmgmt.errors import NotFound
    from gridmgmt.geo.gate import frame_of
    from gridmgmt.services import plan_drafts
    from gridmgmt.storage import grids

    if not file.is_file():
        raise NotFound(f"There is no file {file.name}.", kind="file")
    now = datetime.now(UTC)
    with _as_person(login, subdistrict) as (db, actor):
        row = grids.extent(db, subdistrict, now)
        if row is None:
            raise NotFound("No such subdistrict.", kind="subdistrict")
        frame = frame_of(shapely.box(row["w"], row["s"], row["e"], row["n"]))
        given = plan_drafts.Draft(
            uuid.uuid4(), subdistrict, read_cells(file.read_bytes(), frame), _instant(start), base_map,
            synthetic,
        )  # fmt: skip
        head, plan = plan_drafts.draw_from(db, actor, now, given)
    console.print(f"draft {head.id}: version {head.version}, {len(plan.cells)} cells", highlight=False)


@app.command("move")
def move(
    plan: PlanId,
    action: Annotated[str, typer.Argument(help="check, review, reject, publish, undo or withdraw.")],
    login: Login,
    *,
    opinion: Annotated[str, typer.Option(help="Needed to review.")] = "",
    reason: Annotated[str, typer.Option(help="Needed to reject, undo and withdraw.")] = "",
    start: Annotated[str, typer.Option("--from", help="To publish: when it takes effect.")] = "",
    subdistrict: Street = "120116005",
) -> None:
    """Take a plan a step further on its way, or back."""
    from gridmgmt.domain.planlife import PlanAction
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services import plan_life

    if action not in set(PlanAction):
        raise InvalidInput("There is no such action.", action=action, actions=[str(a) for a in PlanAction])
    facts: dict[str, Any] = {"opinion": opinion, "reason": reason}
    if start:
        facts["valid_from"] = _instant(start).isoformat()
    with _as_person(login, subdistrict) as (db, actor):
        command = plan_life.MovePlan(
            uuid.uuid4(), _id(plan), PlanAction(action), {n: v for n, v in facts.items() if v}
        )
        head = plan_life.move_plan(db, actor, datetime.now(UTC), command)
    console.print(f"version {head.version} is {head.status}", highlight=False)


@app.command()
def show(plan: PlanId, login: Login, subdistrict: Street = "120116005") -> None:
    """A plan's history, and what may be done to it next."""
    from gridmgmt.services import plan_life

    with _as_person(login, subdistrict, read_only=True) as (db, actor):
        found = plan_life.plan_facts(db, actor, datetime.now(UTC), _id(plan))
    table = Table("", "action", "to", "by", "at", "facts")
    for line in found["history"]:
        said = ", ".join(f"{n}: {v}" for n, v in line["facts"].items() if n in {"opinion", "reason"})
        table.add_row(
            str(line["seq"]), line["action"], line["to_status"], line["actor_name"],
            line["at"].isoformat(), said,
        )  # fmt: skip
    console.print(f"version {found['version']}: {found['status']} {found['status_name']}", highlight=False)
    console.print(table)
    console.print("next: " + (", ".join(o["action"] for o in found["legal"]) or "nothing"), highlight=False)


@app.command()
def owner(
    lon: Annotated[float, typer.Argument(help="Degrees east.")],
    lat: Annotated[float, typer.Argument(help="Degrees north.")],
    *,
    at: Annotated[str, typer.Option("--at", help="Any past or future time, with its zone; now.")] = "",
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
    subdistrict: Street = "120116005",
) -> None:
    """Who owned a point at a time: the cell, its plan, the people on its roster."""
    from gridmgmt.domain.org import SYSTEM_ACTOR_ID, Actor, Role
    from gridmgmt.errors import InvalidInput
    from gridmgmt.geo.crs import Datum
    from gridmgmt.services import gridplans
    from gridmgmt.services.rulebooks import RuleBooks
    from gridmgmt.storage.rights.walls import Acting

    if datum not in set(Datum):
        raise InvalidInput("There is no such datum.", datum=datum, known=[str(d) for d in Datum])
    when = _instant(at) if at else datetime.now(UTC)
    reader = Actor(SYSTEM_ACTOR_ID, "command line", frozenset({Role.PLANNER}), frozenset({subdistrict}))
    url = settings_with_database().require_database_url()
    with reading(url, Acting.rules(subdistrict)) as db:
        found = gridplans.cell_at(db, reader, RuleBooks(), lon, lat, Datum(datum), when)
    until = found["plan_valid_to"]
    console.print(f"{found['code']} {found['name']}, {found['community_name']}", highlight=False)
    console.print(
        f"version {found['plan_version']}, {found['plan_valid_from'].isoformat()} to"
        f" {until.isoformat() if until else 'further notice'}",
        highlight=False,
    )
    for person in found["people"]:
        console.print(f"{person['duty']}: {person['name']}", highlight=False)


@app.command("what-if")
def what_if_(  # noqa: PLR0913  one option a thing to choose
    plan: PlanId,
    login: Login,
    *,
    since: Annotated[str, typer.Option(help="First instant; a year ago.")] = "",
    until: Annotated[str, typer.Option(help="First instant that is left out; now.")] = "",
    effort: Annotated[float, typer.Option(min=1, help="Minutes of work that a case costs (assumed).")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="Cells to .gpkg, .geojson, .parquet or .csv.")] = None,
    tables: Annotated[Path | None, typer.Option(help="Directory for workers.csv and cases.csv.")] = None,
    subdistrict: Street = "120116005",
) -> None:
    """Last year's cases through a plan, beside the one in force: load, expected overdue, who gets what."""
    from gridmgmt.services import what_if
    from gridmgmt.services.rulebooks import RuleBooks

    now = datetime.now(UTC)
    end = _instant(until) if until else now
    question = what_if.Question(
        _id(plan), _instant(since) if since else end - timedelta(days=365), end, effort
    )
    with _as_person(login, subdistrict, read_only=True) as (db, actor):
        answer = what_if.ask(db, actor, now, RuleBooks(), question)
    table = Table("", "now", "then", title=f"version {answer.before.version} → {answer.plan.version}")
    totals = answer.outcome.totals
    for name in ("expected_overdue", "most_minutes_of_a_worker"):
        before, after = (f"{totals[f'{name}_{when}']:.0f}" for when in ("before", "after"))
        table.add_row(name.replace("_", " "), before, after)
    for name in ("cases", "cases_changing_cell", "open_cases_changing_cell", "households_changing_cell"):
        table.add_row(name.replace("_", " "), "", f"{totals[name]:.0f}")
    console.print(table)
    if out is not None:
        _write_cells(answer, out)
    if tables is not None:
        _write_tables(answer, tables)


def _write_cells(answer: "Answer", file: Path) -> None:
    import geopandas as gpd

    from gridmgmt.errors import InvalidInput
    from gridmgmt.geo.crs import GEOGRAPHIC

    if file.suffix not in {*_LAYERS, ".parquet", ".csv"}:
        raise InvalidInput("Give a file that ends in .gpkg, .geojson, .parquet or .csv.", suffix=file.suffix)
    rows = [
        {
            "code": c.code, "heir_of": c.heir_of, "worker": answer.names.get(c.worker or ""),
            "worker_assumed": c.code in answer.assumed_workers, "households": c.households,
            "households_joined": c.households_joined, "open_cases_joined": c.open_cases_joined,
            "cases_before": c.before.cases, "cases": c.after.cases, "minutes": c.after.minutes,
            "overdue_before": c.before.overdue, "overdue": c.after.overdue,
            "longest_wait_min": c.after.longest_wait_min,
        }
        for c in answer.outcome.cells
    ]  # fmt: skip
    if file.suffix == ".csv":
        _write_csv(file, rows)
    else:
        polygons = {c.code: c.polygon for c in answer.plan.cells}
        frame = gpd.GeoDataFrame(
            rows, geometry=[polygons[c.code] for c in answer.outcome.cells], crs=GEOGRAPHIC
        )
        if file.suffix == ".parquet":
            frame.to_parquet(file)
        else:
            frame.to_file(file, layer=_LAYERS[file.suffix])
    console.print(f"{len(rows)} cells → {file}", highlight=False)


def _write_tables(answer: "Answer", directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    name = answer.names.get
    workers = [
        {
            "worker": name(w.worker, ""), "cells_before": " ".join(w.cells_before),
            "cells": " ".join(w.cells_after), "cases_before": w.before.cases, "cases": w.after.cases,
            "minutes_before": w.before.minutes, "minutes": w.after.minutes,
            "overdue_before": w.before.overdue, "overdue": w.after.overdue,
        }
        for w in answer.outcome.workers
    ]  # fmt: skip
    moved = [
        {
            "number": m.number, "category": m.category, "open": m.open, "from_cell": m.from_cell,
            "to_cell": m.to_cell, "from_worker": name(m.from_worker or ""),
            "to_worker": name(m.to_worker or ""),
        }
        for m in answer.outcome.moved
    ]  # fmt: skip
    _write_csv(directory / "workers.csv", workers)
    _write_csv(directory / "cases.csv", moved)
    console.print(f"{len(workers)} workers and {len(moved)} cases → {directory}", highlight=False)


def _write_csv(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]) if rows else ["number"])
        writer.writeheader()
        writer.writerows(rows)


@app.command("retire-codes")
def retire_codes(
    file: Annotated[Path, typer.Argument(help="Text, one code of 15 digits a line.")],
    note: Annotated[str, typer.Option(help="Where they were in use, such as 区网格中心 2019.")],
    subdistrict: Street = "120116005",
) -> None:
    """Name codes of official grids from before this platform, so that no plan is given one of them."""
    from gridmgmt.domain.codes import GridCode
    from gridmgmt.errors import InvalidInput, NotFound
    from gridmgmt.storage import grids
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    if not file.is_file():
        raise NotFound(f"There is no file {file.name}.", kind="file")
    codes = [GridCode(line.strip()) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    strangers = sorted(c.text for c in codes if c.subdistrict_code != subdistrict)
    if strangers or not note.strip():
        raise InvalidInput("Codes of one subdistrict, with a note where they were in use.", codes=strangers)
    engine = make_engine(settings_with_database().require_migration_url(), pool_size=1)
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            new = grids.retire_codes(db, subdistrict, [c.text for c in codes], note.strip())
    finally:
        engine.dispose()
    console.print(f"{new} of {len(codes)} codes are new here; none of them is given again", highlight=False)
