"""SYNTHETIC compounds of the demo subdistrict: blocks cut along invented walls, each part given a use.

Most parts are residential, in one of the styles of :mod:`gridmgmt.planning.demo_buildings`; a few are
dedicated sites (schools, a hospital, malls, markets, offices, parks), the ground of dedicated grids 专属网格.
Their names say 合成, synthetic. Pure functions; the random generator is an argument.
"""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.planning.coverage import GRID_M, GeomArray, noded_faces
from gridmgmt.planning.numbering import reading_order

DEDICATED_SITES: Final = (
    ("mall", 2),
    ("hospital", 1),
    ("school", 6),
    ("park", 3),
    ("market", 2),
    ("office", 2),
)
"""Uses of dedicated sites and how many of each."""


def draw_sites(blocks: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Cut the blocks into compounds and give each a use; SYNTHETIC."""
    cuts, blocks_ = [], np.asarray(blocks.geometry.array, dtype=object)
    for block in blocks_:
        cuts += _cuts(block, float(rng.uniform(28_000.0, 46_000.0)), rng)
    faces = noded_faces([*shapely.boundary(blocks_), *cuts])
    inner = shapely.point_on_surface(faces)
    face, block_of = shapely.STRtree(blocks_).query(inner, predicate="intersects")
    faces = faces[face]
    order = reading_order(shapely.get_coordinates(shapely.centroid(faces)), float(shapely.area(faces).sum()))
    faces, block_of = faces[order], block_of[order]
    use = _uses(faces, rng)
    frame = gpd.GeoDataFrame(
        {
            "site_id": [f"S{number:03d}" for number in range(1, len(faces) + 1)],
            "block_id": blocks["block_id"].to_numpy()[block_of],
            "use": use,
            "dedicated": np.isin(use, [kind for kind, _ in DEDICATED_SITES]),
            "synthetic": True,
        },
        geometry=gpd.GeoSeries(faces, crs=blocks.crs),
    )
    frame.insert(1, "name", _site_names(frame["use"]))
    return frame


def _cuts(block: Any, wanted_m2: float, rng: np.random.Generator) -> list[Any]:
    """Lines that divide a block across its longer side, again and again, until its parts are small enough."""
    if block.area < 1.6 * wanted_m2:
        return []
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(block))
    along, across = sorted((corners[1] - corners[0], corners[2] - corners[1]), key=lambda s: -np.hypot(*s))
    slender = np.hypot(*along) > 1.9 * np.hypot(*across)
    parts = 3 if slender and block.area < 3.6 * wanted_m2 else 2
    lines = []
    for number in range(1, parts):
        at = corners[0] + along * (number / parts + rng.uniform(-0.05, 0.05))
        lines.append(shapely.linestrings([at - 0.2 * across, at + 1.2 * across]))
    network = shapely.union_all([shapely.boundary(block), *lines], grid_size=GRID_M)
    pieces = shapely.get_parts(shapely.polygonize([network]))
    inside = pieces[shapely.contains(block, shapely.point_on_surface(pieces))]
    drawn = shapely.get_parts(shapely.intersection(shapely.multilinestrings(lines), block))
    return [*drawn, *(cut for piece in inside for cut in _cuts(piece, wanted_m2, rng))]


def _uses(faces: GeomArray, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Uses of the sites: a few dedicated ones, far from their like, the rest residential in three styles."""
    area = shapely.area(faces)
    xy = shapely.get_coordinates(shapely.centroid(faces))
    use = np.full(len(faces), "", dtype=object)
    use[area < 6_000.0] = "green"
    filled = area / shapely.area(shapely.minimum_rotated_rectangle(faces))
    limits = {"park": (8e3, 3e4), "market": (8e3, 3e4), "mall": (1.5e4, 4.5e4)}
    taken: list[int] = []
    for kind, count in DEDICATED_SITES:
        low, high = limits.get(kind, (1.6e4, 3.8e4))
        for _ in range(count):
            free = np.flatnonzero((use == "") & (area > low) & (area < high) & (filled > 0.85))
            away = np.full(len(free), 1e3)
            if taken:
                away = np.hypot(*(xy[free][:, None] - xy[taken][None]).transpose(2, 0, 1)).min(axis=1)
            pull = np.clip(away - 150.0, 1.0, 500.0) ** 2
            pick = int(free[rng.choice(len(free), p=pull / pull.sum())])
            use[pick] = kind
            taken.append(pick)
    homes = np.flatnonzero(use == "")
    # The north was built last: towers there, old rows in the south, both in between.
    height = (xy[homes, 1] - xy[:, 1].min()) / np.ptp(xy[:, 1])
    modern = rng.random(len(homes)) < 0.25 + 0.5 * height
    use[homes] = np.where(modern, np.where(rng.random(len(homes)) < 0.45, "tower", "mid_slab"), "old_slab")
    return use


_USE_NAMES: Final = {
    "old_slab": "里", "mid_slab": "园", "tower": "城", "green": "绿地", "school": "学校", "hospital": "医院",
    "mall": "商场", "park": "公园", "market": "市场", "office": "写字楼",
}  # fmt: skip


def _site_names(use: pd.Series) -> list[str]:
    number = use.groupby(use).cumcount() + 1
    return [f"合成{_USE_NAMES[kind]}{n:02d}" for kind, n in zip(use, number, strict=True)]
