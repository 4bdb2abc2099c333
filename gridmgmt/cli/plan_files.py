"""gridmgmt plan import and card: official grids taken in, and how good a plan is, own or imported."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console, progress

if TYPE_CHECKING:
    from gridmgmt.planning.official.importing import ImportResult

SHOWN = 12


def import_(  # noqa: PLR0913  each option answers one thing that a file may leave open
    file: Annotated[Path, typer.Argument(help="Cells: .shp, .gpkg, .geojson or .kml.")],
    communities: Annotated[Path, typer.Option(help="Communities in one of the same formats.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Kind of defect, id, or ID=choice to repair. May be given several times."),
    ] = None,
    defects: Annotated[Path | None, typer.Option(help="Write the defects to this .gpkg.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the plan to this .gpkg, when it is one.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the cells.")] = None,
    crs: Annotated[
        str | None, typer.Option(help="What the coordinates are in, whatever is declared.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a shapefile's texts: UTF-8 or GBK.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="MEANING=COLUMN for code, name, community_code, kind or households."),
    ] = None,
    communities_crs: Annotated[str | None, typer.Option(help="What the communities are in.")] = None,
    communities_encoding: Annotated[str | None, typer.Option(help="Of the communities' texts.")] = None,
    used: Annotated[
        Path | None, typer.Option(help="Codes ever issued, one a line; never given anew.")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Look at official grids, repair what is accepted, say whether the result is a plan.

    Without --accept nothing is repaired: the list of defects says what could be. Exit code 0 when the result
    keeps every rule, 1 when it does not.
    """
    from gridmgmt.errors import InvalidInput
    from gridmgmt.planning.coverage import to_geographic_frame
    from gridmgmt.planning.official.importing import STEPS, import_plan, read_communities

    columns = dict(pair.split("=", 1) for pair in column or [] if "=" in pair)
    if len(columns) != len(column or []):
        raise InvalidInput("Give a column as MEANING=COLUMN.", columns=column)
    issued = frozenset(used.read_text(encoding="ascii").split()) if used else frozenset()
    with progress(quiet=quiet) as bar:
        task = bar.add_task("reading communities", total=len(STEPS))
        land = read_communities(communities, crs=communities_crs, encoding=communities_encoding)
        result = import_plan(
            file,
            land,
            accept=accept or (),
            layer=layer,
            crs=crs,
            encoding=encoding,
            columns=columns,
            used=issued,
            progress=lambda step, number, _of: bar.update(task, description=step, completed=number - 1),
        )
        bar.update(task, completed=len(STEPS), description="done")
    _tell(result)
    if defects is not None:
        defects.unlink(missing_ok=True)
        result.defects_layer().to_file(defects)
        console.print(f"{len(result.defects)} defects → {defects}")
    if not result.adoptable:
        raise typer.Exit(1)
    if out is not None and result.cells is not None:
        out.unlink(missing_ok=True)
        to_geographic_frame(result.cells).to_file(out, layer="cells")
        to_geographic_frame(result.communities).to_file(out, layer="communities")
        console.print(f"{len(result.cells)} cells → {out}")


def _tell(result: "ImportResult") -> None:
    for note in result.notes:
        console.print(f"· {note}", highlight=False)
    if result.defects:
        console.print(_by_kind(result))
        console.print(_largest(result))
    for reason in result.why_not():
        console.print(f"[bold red]not a plan yet[/]: {reason}", highlight=False)
    if result.adoptable and result.cells is not None:
        console.print(
            f"[bold green]a plan[/]: {len(result.cells)} cells keep every rule that could be judged"
        )


def _by_kind(result: "ImportResult") -> Table:
    table = Table("kind", "", "severity", "found", "open", "proposed repair")
    kinds = {defect.kind: defect.kind.about for defect in result.defects}
    for kind, about in kinds.items():
        states = [state for defect, state in result.accepted.states if defect.kind is kind]
        still = str(len(states) - states.count("applied"))
        table.add_row(kind.value, about.chinese, about.severity.value, str(len(states)), still, about.repair)
    return table


def _largest(result: "ImportResult") -> Table:
    """The first open ones, the largest of each kind first; all of them are in --defects."""
    from gridmgmt.planning.official.defect import DefectKind

    table = Table("id", "cells", "size", "place (m)", "proposal", "choices", title="open defects")
    order = list(DefectKind)
    left = [defect for defect, state in result.accepted.states if state != "applied"]
    for defect in sorted(left, key=lambda d: (order.index(d.kind), -d.size))[:SHOWN]:
        place = "" if math.isnan(defect.x_m) else f"{defect.x_m:.1f} {defect.y_m:.1f}"
        size = f"{defect.size:.2f} {defect.unit}" if defect.unit != "count" else f"{defect.size:.0f}"
        choices = " ".join(defect.choices[:3])
        codes = " ".join(defect.codes[:3])
        table.add_row(defect.id, codes, size, place, defect.repair or defect.detail, choices)
    return table


def card(  # noqa: PLR0913  a plan and what is known around it
    plan: Annotated[Path, typer.Argument(help="Cells with code and households: .gpkg, .geojson, .shp.")],
    against: Annotated[
        Path | None, typer.Option(help="The plan it replaces: shown beside it, and who changes cell.")
    ] = None,
    communities: Annotated[
        Path | None, typer.Option(help="Communities; else the layer of that name, else from the cells.")
    ] = None,
    roads: Annotated[Path | None, typer.Option(help="Lines; their class in the column highway.")] = None,
    buildings: Annotated[
        Path | None, typer.Option(help="Footprints with building_id and households.")
    ] = None,
    cases: Annotated[Path | None, typer.Option(help="Points of open cases.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page to this .html.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write the figures to this .json.")] = None,
) -> None:
    """Measure a plan, or two side by side: rules, balance, shape, walking, roads, stability, seams.

    Exit code 0 when the plan keeps every rule and its seams are proved, 1 when not.
    """
    import orjson
    import pyogrio

    from gridmgmt.geo.crs import MetricZone
    from gridmgmt.planning.card import in_zone, plan_card, read_plan
    from gridmgmt.viz.plan_card import card_page

    ours = read_plan(plan, communities=communities)
    zone = MetricZone(ours.cells.crs.to_epsg())
    lines, houses, open_cases = (
        None if file is None else in_zone(pyogrio.read_dataframe(file), zone)
        for file in (roads, buildings, cases)
    )
    before = None if against is None else read_plan(against, communities=communities, zone=zone)
    known = {"lines": lines, "buildings": houses}
    measured = plan_card(plan.stem, ours, before=before, cases=open_cases, **known)
    pages = [(measured.as_facts(), ours.cells, ours.communities)]
    if before is not None and against is not None:
        name = against.stem if against.stem != plan.stem else f"{against.stem} (before)"
        pages.insert(0, (plan_card(name, before, **known).as_facts(), before.cells, before.communities))
    if out is not None:
        out.write_text(card_page(pages), encoding="utf-8")
        console.print(f"page → {out}", highlight=False)
    if json_ is not None:
        facts = [page[0] for page in pages]
        json_.write_bytes(orjson.dumps(facts[0] if len(facts) == 1 else facts, option=orjson.OPT_INDENT_2))
    for verdict in measured.report.verdicts:
        mark = "[green]holds[/]" if verdict.passed else f"[red]{verdict.count} fail[/]"
        console.print(f"{verdict.name}: {mark}", highlight=False)
    console.print(f"seams {'proved' if measured.proof.holds else '[red]not proved[/]'}", highlight=False)
    if not measured.passed:
        raise typer.Exit(1)
