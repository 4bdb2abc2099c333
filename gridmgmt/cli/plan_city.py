"""gridmgmt plan city: every street of a city, on processes of this machine or of a cluster."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console, progress

if TYPE_CHECKING:
    import geopandas as gpd

    from gridmgmt.planning.city import Street
    from gridmgmt.planning.city_ledger import Entry

LAYERS = (".gpkg", ".parquet")
STREET_DIGITS = 9


def city(  # noqa: PLR0913  each option is one thing that a planner may say
    atoms: Annotated[
        Path, typer.Argument(help="A .gpkg or .parquet of all atoms, or a folder with one a street.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for one file a street and the ledger.")],
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 plans in this one.")] = 2,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask cluster: tcp://host:8786.")] = None,
    preset: Annotated[str, typer.Option(help="How long to look, and for what.")] = "city",
    seed: Annotated[int, typer.Option(help="Same input and seed, same plan.")] = 0,
    demand: Annotated[str, typer.Option(help="Column to balance.")] = "households",
    street: Annotated[
        str | None, typer.Option(help="Column of the street; else nine digits of community_code.")
    ] = None,
    own_cell: Annotated[bool, typer.Option(help="An atom above the band gets a cell of its own.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Plan many streets. What is finished is not planned again; a broken street does not stop the rest.

    Atoms have atom_id, community_code, households and polygons in a metric CRS. Exit code 0 when every street
    has a plan, 1 when one has not; the ledger says which and why.
    """
    from gridmgmt.errors import InvalidInput
    from gridmgmt.planning.city import plan_city
    from gridmgmt.planning.city_ledger import Order
    from gridmgmt.planning.search.presets import preset_named

    preset_named(preset)
    if atoms.is_dir() and atoms.resolve() == out.resolve():
        raise InvalidInput("Name another folder for the plans than that of the atoms.", argument="out")
    streets = _streets(atoms, street)
    order = Order(preset, seed, demand, "own_cell" if own_cell else "refuse")
    with progress(quiet=quiet) as bar:
        task = bar.add_task("planning streets", total=len(streets))
        entries = plan_city(
            streets, out, order, workers=workers, scheduler=scheduler, told=lambda _: bar.advance(task)
        )
    _tell(entries)
    if any(entry.status == "failed" for entry in entries):
        raise typer.Exit(1)


def _streets(path: Path, column: str | None) -> "list[Street]":
    from gridmgmt.errors import InvalidInput, NotFound
    from gridmgmt.planning.city import Street

    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in LAYERS)
        if not files:
            raise NotFound("The folder has no .gpkg and no .parquet.", kind="file", name=path.name)
        return [Street(file.stem, functools.partial(_read, file)) for file in files]
    frame = _read(path)
    if column is None and "community_code" in frame:
        codes = frame["community_code"].astype(str).str.slice(0, STREET_DIGITS)
    elif column is not None and column in frame:
        codes = frame[column].astype(str)
    else:
        raise InvalidInput("The atoms have no column of streets.", column=column or "community_code")
    rows = frame.groupby(codes, sort=True).indices
    return [Street(str(code), functools.partial(frame.take, at)) for code, at in rows.items()]


def _read(path: Path) -> "gpd.GeoDataFrame":
    import geopandas as gpd
    import pyogrio
    from pyogrio.errors import DataSourceError

    from gridmgmt.errors import InvalidInput, NotFound

    if not path.is_file():
        raise NotFound(f"No such file: {path.name}", kind="file", name=path.name)
    try:
        if path.suffix == ".parquet":
            return gpd.read_parquet(path)
        layers = pyogrio.list_layers(path)[:, 0].tolist()
        return gpd.read_file(path, layer="atoms" if "atoms" in layers else None)
    except (DataSourceError, ValueError, OSError) as error:
        raise InvalidInput(f"{path.name} cannot be read as a layer.", name=path.name) from error


def _tell(entries: "list[Entry]") -> None:
    table = Table("street", "status", "cells", "deviation", "shape", "in band", "why not")
    for entry in entries:
        card = entry.card
        figures = ("", "", "", "") if card is None else (
            str(card["cells"]),
            f"{card['deviation_mean_share']:.1%} ≥ {card['bound_mean_share']:.1%}",
            f"{card['polsby_popper_mean']:.2f}",
            f"{card['in_band_share']:.1%}",
        )  # fmt: skip
        why = "" if entry.error is None else f"{entry.error}: {entry.message}"
        table.add_row(entry.street, entry.status, *figures, why)
    console.print(table)
    counts = {s: sum(e.status == s for e in entries) for s in ("planned", "taken_over", "failed")}
    console.print(
        f"{counts['planned']} planned, {counts['taken_over']} taken over, {counts['failed']} failed"
    )
