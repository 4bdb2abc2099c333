"""A made-up town of official cells, faults to plant in it, files of every kind. No real place is meant."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from shapely.affinity import translate

from gridmgmt.geo.crs import GEOGRAPHIC, Datum
from gridmgmt.geo.datum import geometry_in_datum
from gridmgmt.planning.coverage import dissolve
from tests.builders_planning import at, make_frame

COLUMNS, ROWS, SIDE_M = 8, 6, 120.0
NAMES_ZH = {
    "code": "网格编码", "name": "网格名称", "community_code": "社区编码", "kind": "网格类型",
    "households": "户数",
}  # fmt: skip


def make_official(seed: int = 1, side_m: float = SIDE_M) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """48 crooked cells in four communities of 4 by 3, on the lattice, and the communities: no fault."""
    rng = np.random.default_rng(seed)
    east, north = np.meshgrid(np.arange(COLUMNS + 1) * side_m, np.arange(ROWS + 1) * side_m)
    inner = np.zeros((2, ROWS + 1, COLUMNS + 1))
    inner[:, 1:-1, 1:-1] = rng.uniform(-15, 15, (2, ROWS - 1, COLUMNS - 1))
    x0, y0 = at(0, 0)
    nodes = np.round(np.stack([x0 + east + inner[0], y0 + north + inner[1]], axis=-1), 2)
    shapes, members = [], []
    for y in range(ROWS):
        for x in range(COLUMNS):
            ring = [nodes[y, x], nodes[y, x + 1], nodes[y + 1, x + 1], nodes[y + 1, x]]
            shapes.append(shapely.Polygon(ring))
            members.append(2 * (y // 3) + x // 4)
    homes = [f"120116005{n + 1:03d}" for n in members]
    count = dict.fromkeys(homes, 0)
    codes = []
    for home in homes:
        count[home] += 1
        codes.append(f"{home}{count[home]:03d}")
    cells = make_frame(
        shapes,
        code=codes,
        name=[f"合成社区{n + 1}第{code[-3:]}网格" for n, code in zip(members, codes, strict=True)],
        community_code=homes,
        kind=["duty"] * len(shapes),
        households=[str(n) for n in rng.integers(310, 490, len(shapes))],
    )
    land = dissolve(np.asarray(shapes, dtype=object), np.asarray(members))
    communities = make_frame(
        list(land), code=sorted(set(homes)), name=[f"合成社区{n}" for n in range(1, len(land) + 1)]
    )
    return cells, communities


def row_at(x: int, y: int) -> int:
    """Row of the cell in column ``x`` and row ``y``, from the south-west."""
    return y * COLUMNS + x


def slid_east(cells: gpd.GeoDataFrame, row: int, by_m: float) -> shapely.Polygon:
    """The cell with its eastern side moved: its corners slide along the sides of the row of cells.

    So the neighbours in the north and south are left alone; only the eastern one gains or loses.
    """
    ring = shapely.get_coordinates(cells.geometry[row])[:4].copy()
    beyond = shapely.get_coordinates(cells.geometry[row + 1])[:4]
    slid = ring.copy()
    for corner, inner, outer in ((1, 0, beyond[1]), (2, 3, beyond[2])):
        towards = outer if by_m > 0 else ring[inner]
        way = towards - ring[corner]
        slid[corner] = np.round(ring[corner] + way * abs(by_m) / np.hypot(*way), 2)
    if by_m > 0:
        return shapely.Polygon([ring[0], ring[1], slid[1], slid[2], ring[2], ring[3]])
    return shapely.Polygon([ring[0], slid[1], slid[2], ring[3]])


def beyond_south(shape: shapely.Polygon, by_m: float) -> shapely.Polygon:
    """The cell on the southern rim with its southern side moved south."""
    ring = shapely.get_coordinates(shape)[:4]
    return shapely.Polygon([ring[0] - [0, by_m], ring[1] - [0, by_m], *ring[1:], ring[0]])


@dataclass(frozen=True)
class Plant:
    """A fault: what it does to the cells around a row, what must be found, and what may be found besides."""

    kind: str
    plant: Callable[[gpd.GeoDataFrame, int], gpd.GeoDataFrame]
    besides: frozenset[str] = frozenset()
    where: tuple[int, int] | None = None
    """Column and row, for faults that need the rim or a border of communities; else anywhere inside."""


def _shaped(change: Callable[[shapely.Polygon], shapely.Geometry | None]):
    def plant(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
        shapes = cells.geometry.to_numpy().copy()
        shapes[row] = change(shapes[row])
        return cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))

    return plant


def _valued(column: str, value: Callable[[str], object]):
    def plant(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
        changed = cells.copy()
        changed[column] = changed[column].astype(object)
        changed.loc[row, column] = value(cells.loc[row, column])
        return changed

    return plant


def _appended(change: Callable[[shapely.Polygon], shapely.Polygon]):
    def plant(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
        extra = cells.iloc[[row]].copy()
        extra["code"] = extra["community_code"] + "900"
        extra = extra.set_geometry(
            gpd.GeoSeries([change(cells.geometry[row])], index=extra.index, crs=cells.crs)
        )
        return gpd.GeoDataFrame(pd.concat([cells, extra], ignore_index=True), crs=cells.crs)

    return plant


def _looped(shape: shapely.Polygon) -> shapely.Polygon:
    """A side that runs back over itself in a loop."""
    ring = shapely.get_coordinates(shape)[:4]
    a, b = ring[0], ring[1]
    inward = np.array([0.0, 8.0])
    near, far = a + 0.4 * (b - a), a + 0.6 * (b - a)
    return shapely.Polygon([a, far, near + inward, far + inward, near, *ring[1:]])


def _exclave(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
    """A box inside the cell two columns east belongs to this one."""
    shapes = cells.geometry.to_numpy().copy()
    middle = shapes[row + 2].centroid
    box = shapely.box(*np.round([middle.x - 5, middle.y - 5, middle.x + 5, middle.y + 5], 2))
    shapes[row + 2] = shapes[row + 2].difference(box)
    shapes[row] = shapely.MultiPolygon([shapes[row], box])
    return cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))


def _slid(by_m: float, *, neighbour_yields: bool = False):
    """The eastern side moves; the neighbour's western side with it, or not."""

    def plant(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
        shapes = cells.geometry.to_numpy().copy()
        shapes[row] = slid_east(cells, row, by_m)
        if neighbour_yields:
            ring = shapely.get_coordinates(shapes[row + 1])[:4].copy()
            ring[[0, 3]] = shapely.get_coordinates(shapes[row])[[2, 3]]
            shapes[row + 1] = shapely.Polygon(ring)
        return cells.set_geometry(gpd.GeoSeries(shapes, crs=cells.crs))

    return plant


def _dropped(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
    return cells.drop(index=[row]).reset_index(drop=True)


def _straight_noded(shape: shapely.Polygon) -> shapely.Polygon:
    """A vertex in the middle of the eastern side, as near to it as the lattice lets it be."""
    ring = shapely.get_coordinates(shape)[:4]
    return shapely.Polygon([*ring[:2], (ring[1] + ring[2]) / 2, *ring[2:]])


def _same_code(cells: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
    changed = cells.copy()
    changed.loc[row, "code"] = changed.loc[row + 1, "code"]
    return changed


_BROKEN = frozenset({"gap", "gap_sliver", "multipart", "overlap", "overlap_sliver", "border_unmatched"})

PLANTS = (
    Plant("geometry_missing", _appended(lambda _: None)),
    Plant("self_crossing", _shaped(_looped), _BROKEN),
    Plant("duplicate_cell", _appended(lambda shape: shape)),
    Plant("cell_outside", _appended(lambda shape: translate(shape, 0.0, 3000.0))),
    Plant("gap_sliver", _slid(-0.2)),
    Plant("gap", _slid(-6.0)),
    Plant("gap_large", _dropped),
    Plant("overlap_sliver", _slid(0.2)),
    Plant("overlap", _slid(6.0)),
    Plant("outside_sliver", _shaped(lambda s: beyond_south(s, 0.2)), where=(2, 0)),
    Plant("outside", _shaped(lambda s: beyond_south(s, 6.0)), where=(5, 0)),
    Plant("crosses_sliver", _slid(0.2, neighbour_yields=True), where=(3, 4)),
    Plant("crosses_community", _slid(6.0, neighbour_yields=True), where=(3, 1)),
    Plant("multipart", _exclave),
    Plant("border_unmatched", _shaped(_straight_noded)),
    Plant("code_missing", _valued("code", lambda _: None)),
    Plant("code_malformed", _valued("code", lambda code: f" {code}.0")),
    Plant("code_duplicate", _same_code),
    Plant("code_of_other_community", _valued("code", lambda code: f"120116005077{code[-3:]}")),
    Plant("kind_unknown", _valued("kind", lambda _: "不明")),
    Plant("households_malformed", _valued("households", lambda _: "约四百")),
)


def write_shp(
    file: Path,
    frame: gpd.GeoDataFrame,
    *,
    encoding: str = "GBK",
    prj: bool = True,
    cpg: str | None = "GBK",
    names: dict[str, str] = NAMES_ZH,
) -> Path:
    """A shapefile as offices send it: Chinese names of columns, texts in GBK, side files present or not."""
    pyogrio.write_dataframe(frame.rename(columns=names), file, driver="ESRI Shapefile", encoding=encoding)
    file.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        file.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    if not prj:
        file.with_suffix(".prj").unlink()
    return file


def relabelled(frame: gpd.GeoDataFrame, crs: object) -> gpd.GeoDataFrame:
    """The same numbers under another name."""
    return frame.set_crs(crs, allow_override=True)


def exchanged(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """x and y exchanged in every vertex."""
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))


def in_offset_datum(frame: gpd.GeoDataFrame, datum: Datum) -> gpd.GeoDataFrame:
    """The cells as a commercial map service has them, labelled as if nothing were the matter."""
    degrees = frame.to_crs(GEOGRAPHIC)
    shapes = geometry_in_datum(degrees.geometry.to_numpy(), datum)
    return degrees.set_geometry(gpd.GeoSeries(shapes, crs=GEOGRAPHIC))
