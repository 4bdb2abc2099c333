"""gridmgmt plan: plans and their files, files that are to become plans, and how good a plan is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridmgmt.cli import plan_files
from gridmgmt.cli.console import console, reading, settings_with_database
from gridmgmt.cli.plan_atoms import atoms
from gridmgmt.cli.plan_city import city

app = typer.Typer(help="Grid plans.", no_args_is_help=True)
app.command("import")(plan_files.import_)
app.command("card")(plan_files.card)
app.command("atoms")(atoms)
app.command("city")(city)
Street = Annotated[str, typer.Option("--subdistrict", help="Nine-digit code.")]


@app.command("list")
def list_(subdistrict: Street = "120116005") -> None:
    """Plans of a subdistrict, newest first: drafts, past, present and future."""
    from gridmgmt.domain.org import system_actor
    from gridmgmt.storage import grids
    from gridmgmt.storage.rights.walls import Acting

    url = settings_with_database().require_database_url()
    with reading(url, Acting.rules(subdistrict)) as db:
        plans = grids.list_plans(db, system_actor(subdistrict))
    table = Table("version", "status", "valid from", "valid to", "cells", "base map", "synthetic")
    # Whole at any width: it is what the next command asks for.
    table.add_column("id", min_width=36, no_wrap=True)
    for plan in plans:
        table.add_row(
            str(plan["version"]),
            plan["status"],
            plan["valid_from"].isoformat(),
            plan["valid_to"].isoformat() if plan["valid_to"] else "—",
            str(plan["cells"]),
            plan["base_map_version"],
            "yes" if plan["synthetic"] else "no",
            str(plan["id"]),
        )
    console.print(table)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Ends in .gpkg, .geojson or .parquet.")],
    subdistrict: Street = "120116005",
) -> None:
    """Write the cells of the plan in force to GeoPackage, GeoJSON or GeoParquet."""
    import geopandas as gpd

    from gridmgmt.errors import InvalidInput, PlanNotInForce
    from gridmgmt.geo.crs import GEOGRAPHIC
    from gridmgmt.storage import grids
    from gridmgmt.storage.rights.walls import Acting

    if file.suffix not in {".gpkg", ".geojson", ".parquet"}:
        raise InvalidInput("Give a file that ends in .gpkg, .geojson or .parquet.", suffix=file.suffix)
    now = datetime.now(UTC)
    url = settings_with_database().require_database_url()
    with reading(url, Acting.rules(subdistrict)) as db:
        plan = next((p for p in grids.published_plans(db, subdistrict) if p.in_force(now)), None)
    if plan is None:
        raise PlanNotInForce("No grid plan is in force today.", article="21-1", rule="R21a")
    names = ("code", "community_code", "name", "kind", "households", "area_m2")
    frame = gpd.GeoDataFrame(
        [{n: getattr(c, n) for n in names} | {"synthetic": plan.synthetic} for c in plan.cells],
        geometry=[c.polygon for c in plan.cells],
        crs=GEOGRAPHIC,
    )
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    else:
        frame.to_file(file, layer="cells" if file.suffix == ".gpkg" else None)
    console.print(f"{len(frame)} cells of version {plan.version} → {file}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="GeoJSON FeatureCollection, one polygon a cell.")],
    subdistrict: Street = "120116005",
) -> None:
    """Check a file of cells as it would be taken: limits, validity, place. Changes nothing."""
    import shapely

    from gridmgmt.adapters.bounded import read_cells
    from gridmgmt.errors import NotFound
    from gridmgmt.geo.gate import frame_of
    from gridmgmt.storage import grids
    from gridmgmt.storage.rights.walls import Acting

    url = settings_with_database().require_database_url()
    with reading(url, Acting.rules(subdistrict)) as db:
        row = grids.extent(db, subdistrict, datetime.now(UTC))
    if row is None or not file.is_file():
        raise NotFound("No such subdistrict or file.", kind="file" if row else "subdistrict")
    frame = frame_of(shapely.box(row["w"], row["s"], row["e"], row["n"]))
    cells = read_cells(file.read_bytes(), frame)
    console.print(f"{len(cells)} cells can be taken")
