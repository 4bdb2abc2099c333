"""gridmgmt plan atoms: raw layers in, atoms and their borders out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gridmgmt.cli.console import console, progress

if TYPE_CHECKING:
    import geopandas as gpd

    from gridmgmt.planning.drawn import Drawn

Layer = Annotated[Path | None, typer.Option(help="Lines, or polygons whose outlines count.")]
WRITTEN = (".gpkg", ".parquet", ".geojson")


def atoms(  # noqa: PLR0913  one option a layer
    communities: Annotated[Path, typer.Argument(help="Polygons with a column of codes.")],
    roads: Annotated[Path, typer.Argument(help="Lines with their class (OpenStreetMap's highway).")],
    out: Annotated[Path, typer.Argument(help="Ends in .gpkg, .parquet or .geojson.")],
    rail: Layer = None,
    water: Layer = None,
    walls: Layer = None,
    buildings: Annotated[Path | None, typer.Option(help="Footprints; none is cut.")] = None,
    demand: Annotated[Path | None, typer.Option(help="Points or polygons with a column of demand.")] = None,
    largest: Annotated[float, typer.Option(help="Largest atom, m².")] = 20_000.0,
    smallest: Annotated[float, typer.Option(help="Smaller ones join a neighbour, m².")] = 2_000.0,
    most_demand: Annotated[
        float | None, typer.Option(help="Most demand of one atom, where possible.")
    ] = None,
    code: Annotated[str, typer.Option(help="Column of the communities' codes.")] = "code",
    road_class: Annotated[
        str, typer.Option(help="Column of the roads' class; 'none': all are lanes.")
    ] = "highway",
    households: Annotated[str, typer.Option(help="Column of the demand.")] = "households",
    extend: Annotated[float, typer.Option(help="A dead end is carried on to a line this near, m.")] = 30.0,
    narrow: Annotated[float, typer.Option(help="Strips narrower than this are shared out, m.")] = 40.0,
    keep_holes: Annotated[bool, typer.Option(help="Ground no community claims is somebody else's.")] = False,
    crs: Annotated[str | None, typer.Option(help="Metric CRS to draw in, as authority:code.")] = None,
) -> None:
    """Draw atoms, the smallest pieces of cells, from communities, roads and other layers.

    Files are GeoPackage, GeoParquet, GeoJSON or Shapefile. Layers in degrees are drawn in the 3° zone of the
    communities unless --crs says otherwise. A GeoPackage gets the layers atoms, borders, blocks and
    communities; other kinds of file get the atoms, and the borders beside them in NAME-borders.parquet.
    """
    from gridmgmt.errors import InvalidInput
    from gridmgmt.planning.drawing import STEPS, draw_atoms
    from gridmgmt.planning.drawn import Drawing

    if out.suffix not in WRITTEN:
        raise InvalidInput(f"Give a file that ends in {', '.join(WRITTEN)}.", suffix=out.suffix)
    land = _read(communities)
    if code not in land:
        raise InvalidInput(f"The communities have no column {code}.", argument="code", column=code)
    zone = crs or _zone_of(land)
    land = land.rename(columns={code: "code"}).to_crs(zone)
    paths = {"rail": rail, "water": water, "walls": walls, "buildings": buildings, "demand": demand}
    layers = {name: None if path is None else _read(path).to_crs(zone) for name, path in paths.items()}
    how = Drawing(
        road_class=None if road_class == "none" else road_class,
        extend_m=extend,
        narrower_than_m=narrow,
        keep_holes=keep_holes,
        most_demand=float("inf") if most_demand is None else most_demand,
        demand=households,
    )
    with progress() as bar:
        task = bar.add_task("drawing atoms", total=STEPS)
        drawn = draw_atoms(
            land,
            _read(roads).to_crs(zone),
            **layers,
            largest_m2=largest,
            smallest_m2=smallest,
            how=how,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    _write(drawn, out)
    _tell(drawn, out)


def _read(path: Path) -> "gpd.GeoDataFrame":
    import geopandas as gpd
    from pyogrio.errors import DataSourceError

    from gridmgmt.errors import InvalidInput, NotFound, WrongCrs

    if not path.is_file():
        raise NotFound(f"No such file: {path.name}", kind="file", name=path.name)
    try:
        frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (DataSourceError, ValueError, OSError) as error:
        raise InvalidInput(f"{path.name} cannot be read as a layer.", name=path.name) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InvalidInput(f"{path.name} has no geometry.", name=path.name)
    if frame.crs is None:
        raise WrongCrs(f"{path.name} says no CRS, and it is not guessed.", name=path.name)
    return frame


def _zone_of(land: "gpd.GeoDataFrame") -> Any:
    """The land's own CRS when it measures, else the 3° zone of its middle."""
    from gridmgmt.geo.crs import metric_zone_for, require_lonlat_bounds

    if not land.crs.is_geographic or land.geometry.is_empty.all():
        return land.crs
    west, south, east, north = (float(x) for x in land.total_bounds)
    require_lonlat_bounds(west, south, east, north)
    return int(metric_zone_for((west + east) / 2.0))


def _write(drawn: "Drawn", out: Path) -> None:
    borders = drawn.adjacency.to_frame(drawn.atoms)
    if out.suffix == ".gpkg":
        import pyogrio

        out.unlink(missing_ok=True)
        drawn.atoms.to_file(out, layer="atoms")
        drawn.blocks.to_file(out, layer="blocks")
        drawn.communities.to_file(out, layer="communities")
        pyogrio.write_dataframe(borders, out, layer="borders")
        return
    if out.suffix == ".parquet":
        drawn.atoms.to_parquet(out)
    else:
        drawn.atoms.to_file(out)
    borders.to_parquet(out.with_name(f"{out.stem}-borders.parquet"))


def _tell(drawn: "Drawn", out: Path) -> None:
    """What came out, and what was put right or left on the way."""
    from dataclasses import fields

    table = Table("finding", "value")
    for item in fields(drawn.findings):
        value = getattr(drawn.findings, item.name)
        if isinstance(value, dict):
            for reason, count in value.items():
                table.add_row(f"left out, {reason}", str(count))
        elif isinstance(value, tuple):
            more = "" if len(value) <= 5 else " …"
            table.add_row(item.name, f"{len(value)}" + (f": {', '.join(value[:5])}{more}" if value else ""))
        else:
            table.add_row(item.name, str(value))
    console.print(table)
    counts = f"{len(drawn.atoms)} atoms, {len(drawn.adjacency.pairs)} borders, {len(drawn.blocks)} blocks"
    console.print(f"{counts} → {out.name}")
