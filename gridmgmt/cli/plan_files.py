"""gridmgmt plan import: official grids from a file, looked at, repaired as accepted, and judged."""

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
    defects: Annotated[Path | None, typer.Option(help="Write the defects to this .gpkg or .geojson.")] = None,
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
        land = read_communities(communities, crs=communities_crs)
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
