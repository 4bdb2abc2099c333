"""Plans to be edited in tests: small lattices with two communities, a dedicated grid and buildings."""

import geopandas as gpd
import numpy as np

from gridmgmt.planning.editing import Desk, lay_out
from tests.builders_planning import make_box, make_communities, make_frame, make_lattice, make_roads

WIDE, HIGH = 8, 5
BAND = (100.0, 220.0)


def make_edited(seed: int = 1, *, wide: int = WIDE, high: int = HIGH) -> dict[str, gpd.GeoDataFrame]:
    """Two communities, west and east, in cells of two columns each; the north-east corner is dedicated."""
    rng = np.random.default_rng(seed)
    atoms = make_lattice(wide, high, households=rng.integers(0, 40, wide * high).tolist())
    column = np.arange(wide * high) % wide
    home = (column >= wide // 2).astype(int)
    label = column // 2
    label[wide - 1] = label.max() + 1
    atoms["block_id"] = [f"B{n // 4}" for n in column]
    atoms["site_id"] = [f"S{n % 7}" for n in range(len(atoms))]
    communities = make_communities(atoms, home.tolist())
    codes, number = [], {}
    for cell in range(label.max() + 1):
        code = communities["code"].iloc[home[label == cell][0]]
        dedicated = cell == label.max()
        number[code] = number.get(code, 0) + 1
        codes.append(f"{code}{801 if dedicated else number[code]:03d}")
    atoms["cell_code"] = [codes[cell] for cell in label]
    cells = gpd.GeoDataFrame(
        {
            "code": codes,
            "kind": ["duty"] * label.max() + ["dedicated"],
            "community_code": [code[:12] for code in codes],
            "name": [f"合成{code[-3:]}" for code in codes],
        },
        geometry=atoms.dissolve("cell_code").loc[codes].geometry.to_numpy(),
        crs=atoms.crs,
    )
    houses = [
        make_box(x * 100 + 20, y * 100 + 20, x * 100 + 60, y * 100 + 45)
        for y in reversed(range(high))
        for x in range(wide)
    ]
    buildings = make_frame(
        houses,
        building_id=[f"H{n:02d}" for n in range(len(houses))],
        households=atoms["households"].tolist(),
    )
    roads = make_roads(wide * 100.0, high * 100.0, 200.0)
    return {
        "communities": communities,
        "atoms": atoms,
        "cells": cells,
        "buildings": buildings,
        "lines": roads,
    }


def make_desk(seed: int = 1, **over: int) -> Desk:
    """The plan of :func:`make_edited` on the desk."""
    made = make_edited(seed, **over)
    return lay_out(
        made["communities"], made["atoms"], made["cells"], lines=made["lines"], buildings=made["buildings"],
        band=BAND,
    )  # fmt: skip
