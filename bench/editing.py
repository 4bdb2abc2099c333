"""Editing by hand: how long an edit takes with its card, on a SYNTHETIC street of 2,000 atoms.

``python -m bench.editing`` prints milliseconds. Voronoi atoms in fifteen communities, divided by the engine;
then one or two atoms at a time are moved across borders, one edit after another as a hand would, each with
the whole report card; the state that the map is sent is timed too, and the card computed from polygons.
"""

import statistics
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning.coverage import dissolve, noded_faces
from gridmgmt.planning.editing import Desk, Refusal, lay_out
from gridmgmt.planning.editing_scene import Sheet
from gridmgmt.planning.evaluate import report_card
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.propose import propose_cells
from tests.builders_planning import make_frame, make_roads

ATOMS, COMMUNITIES, EDITS, SEED = 2_000, (5, 3), 300, 7
SIDE_M = 1_800.0
CORNER = (555_000.0, 4_322_000.0)


def street(seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Communities, atoms, buildings and roads."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0.0, SIDE_M, (ATOMS, 2)) + CORNER
    land = shapely.box(*CORNER, CORNER[0] + SIDE_M, CORNER[1] + SIDE_M)
    edges = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=land, only_edges=True)
    faces = noded_faces([shapely.intersection(edges, land), land.boundary])
    middle = shapely.get_coordinates(shapely.point_on_surface(faces)) - CORNER
    column, row = (np.minimum(middle / SIDE_M * COMMUNITIES, np.array(COMMUNITIES) - 1)).astype(int).T
    home = np.unique(column + row * COMMUNITIES[0], return_inverse=True)[1]
    households = np.minimum(rng.gamma(1.2, 20.0, len(faces)), 200).round().astype(int)
    crs = int(MetricZone.CM_117E)
    atoms = gpd.GeoDataFrame(
        {"atom_id": [f"A{n:04d}" for n in range(len(faces))], "households": households},
        geometry=faces,
        crs=crs,
    )
    codes = [f"120116005{n + 1:03d}" for n in range(home.max() + 1)]
    communities = gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=dissolve(faces, home), crs=crs)
    houses = shapely.buffer(shapely.point_on_surface(faces), 2.0, quad_segs=1)
    buildings = make_frame(
        list(houses), building_id=atoms["atom_id"].tolist(), households=households.tolist()
    )
    return communities, atoms, buildings, make_roads(SIDE_M, SIDE_M, 150.0)


def timed(samples: list[float]) -> str:
    """Median, ninety-fifth percentile and largest, in milliseconds."""
    ordered = sorted(1000.0 * sample for sample in samples)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):6.1f} ms, p95 {p95:6.1f} ms, largest {ordered[-1]:6.1f} ms"


def main() -> None:
    """Measure and print."""
    communities, atoms, buildings, roads = street(SEED)
    cells = number_cells(propose_cells(communities, atoms, preset="fast", seed=SEED))
    desk = lay_out(communities, atoms, cells, lines=roads, buildings=buildings)
    sheet = Sheet(desk)
    rng = np.random.default_rng(SEED)
    edits, refusals, states, fresh = [], [], [], []
    while len(edits) < EDITS:
        atom = int(rng.integers(desk.ground.count))
        near = desk.ground.neighbours(atom)
        taken = near[: int(rng.integers(1, 3))]
        begun = time.perf_counter()
        outcome = desk.move(taken, int(desk.now.label[atom]))
        took = time.perf_counter() - begun
        if isinstance(outcome, Refusal):
            refusals.append(took)
            continue
        edits.append(took)
        desk = outcome
        sheet = replace(sheet, desk=desk)
        begun = time.perf_counter()
        sheet.state()
        states.append(time.perf_counter() - begun)
        if len(edits) % 60 == 0:
            frame = desk.cells()
            begun = time.perf_counter()
            report_card(frame, desk.atoms(frame), communities, lines=roads, buildings=buildings)
            fresh.append(time.perf_counter() - begun)
    assert isinstance(desk, Desk)
    print(f"SYNTHETIC, seed {SEED}: {len(atoms)} atoms, {len(communities)} communities, {len(cells)} cells")
    print(f"edit with its card       {timed(edits)}  ({len(edits)} edits)")
    print(f"refusal                  {timed(refusals)}  ({len(refusals)})")
    print(f"state for the map        {timed(states)}")
    print(f"card from the polygons   {timed(fresh)}")
    community = [str(communities["code"].iloc[0])]
    for name, asked in (
        ("halve a cell", lambda: desk.split(0)),
        ("optimise a community", lambda: desk.reoptimise(communities=community)),
        ("optimise all", desk.reoptimise),
    ):
        asked()
        begun = time.perf_counter()
        asked()
        print(f"{name:24} {1000.0 * (time.perf_counter() - begun):6.1f} ms")


if __name__ == "__main__":
    main()
