"""A street that cannot be divided is refused with what is wrong and where; never a wrong plan."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from gridmgmt.errors import GridError, Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning.propose import propose_cells

CRS = int(MetricZone.CM_117E)
SIDE, EDGE = 10, 100.0
X, Y = 500_000.0, 4_300_000.0
Frames = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]


def square(column: float, row: float, size: float = 1.0) -> Polygon:
    return box(X + column * EDGE, Y + row * EDGE, X + (column + size) * EDGE, Y + (row + size) * EDGE)


def street() -> Frames:
    places = [(i, j) for i in range(SIDE) for j in range(SIDE)]
    atoms = gpd.GeoDataFrame(
        {"atom_id": [f"a{i}-{j}" for i, j in places], "households": 40},
        geometry=[square(i, j) for i, j in places],
        crs=CRS,
    )
    return communities(square(0, 0, SIDE)), atoms


def communities(*shapes: Polygon | MultiPolygon) -> gpd.GeoDataFrame:
    codes = [f"12011600500{n + 1}" for n in range(len(shapes))]
    names = ["甲", "乙"][: len(shapes)]
    return gpd.GeoDataFrame({"code": codes, "name": names}, geometry=list(shapes), crs=CRS)


def drawn(index: int, shape: object) -> Frames:
    land, atoms = street()
    shapes = atoms.geometry.to_numpy().copy()
    shapes[index] = shape
    return land, atoms.set_geometry(gpd.GeoSeries(shapes, index=atoms.index, crs=CRS))


def counted(column: object) -> Frames:
    land, atoms = street()
    return land, atoms.assign(households=column)


def swapped() -> Frames:
    land, atoms = street()
    return land, atoms.set_geometry(
        gpd.GeoSeries(shapely.transform(atoms.geometry.to_numpy(), lambda p: p[:, ::-1]), crs=CRS)
    )


def without_atoms() -> Frames:
    return communities(square(0, 0, SIDE), square(SIDE, 0, SIDE)), street()[1]


def repeated_and_left_out() -> Frames:
    # The area of all atoms is that of the community: no sum shows it.
    return drawn(55, square(5, 6))


def odd(value: float) -> np.ndarray:
    return np.where(np.arange(SIDE * SIDE) == 3, value, 40.0)


WRONG: dict[str, tuple[Callable[[], Frames], type[GridError], str]] = {
    "bow_tie": (
        lambda: drawn(0, Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])),
        InvalidInput, "a0-0",
    ),
    "empty": (lambda: drawn(1, Polygon()), InvalidInput, "a0-1"),
    "missing": (lambda: drawn(2, None), InvalidInput, "a0-2"),
    "point": (lambda: drawn(3, Point(X, Y)), InvalidInput, "a0-3"),
    "axes_exchanged": (swapped, InvalidInput, "a0-0"),
    "id_twice": (lambda: (street()[0], street()[1].assign(atom_id="x")), InvalidInput, "x"),
    "no_column": (lambda: (street()[0], street()[1].drop(columns="households")), InvalidInput, "households"),
    "words_for_numbers": (lambda: counted("40"), InvalidInput, "households"),
    "not_a_number": (lambda: counted(odd(np.nan)), InvalidInput, "a0-3"),
    "infinite": (lambda: counted(odd(np.inf)), InvalidInput, "a0-3"),
    "negative": (lambda: counted(odd(-1.0)), InvalidInput, "a0-3"),
    "no_rows": (lambda: (street()[0], street()[1].iloc[:0]), InvalidInput, "0"),
    "gap": (lambda: (street()[0], street()[1].drop(index=55)), InvalidInput, "a5-4"),
    "gap_at_the_edge": (lambda: (street()[0], street()[1].drop(index=0)), InvalidInput, "a0-1"),
    "overlap": (lambda: drawn(55, square(5, 5, 1.5)), InvalidInput, "a5-5"),
    "moved_by_half": (lambda: drawn(55, square(5.5, 5)), InvalidInput, "a5-5"),
    "repeated_and_left_out": (repeated_and_left_out, InvalidInput, "a5-6"),
    "exclave_without_atoms": (
        lambda: (communities(MultiPolygon([square(0, 0, SIDE), square(30, 0)])), street()[1]),
        InvalidInput, "甲",
    ),
    "communities_overlap": (
        lambda: (communities(box(X, Y, X + 700, Y + 1000), box(X + 500, Y, X + 1000, Y + 1000)), street()[1]),
        InvalidInput, "a5-0",
    ),
    "communities_leave_a_gap": (
        lambda: (communities(box(X, Y, X + 400, Y + 1000), box(X + 600, Y, X + 1000, Y + 1000)), street()[1]),
        InvalidInput, "a4-0",
    ),
    "community_without_atoms": (without_atoms, Infeasible, "乙"),
    "crosses_its_community": (
        lambda: (communities(box(X, Y, X + 450, Y + 1000), box(X + 450, Y, X + 1000, Y + 1000)), street()[1]),
        (Infeasible, InvalidInput), "a4-0",
    ),
    "no_crs": (lambda: (street()[0], street()[1].set_crs(None, allow_override=True)), WrongCrs, "None"),
    "two_crs": (lambda: (street()[0], street()[1].to_crs(int(MetricZone.CM_120E))), WrongCrs, str(CRS)),
    "degrees": (lambda: (street()[0].to_crs(4490), street()[1].to_crs(4490)), WrongCrs, "4490"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_street_that_cannot_be_divided_is_refused_with_its_place(name: str) -> None:
    make, error, named = WRONG[name]
    land, atoms = make()
    with pytest.raises(error) as refused:
        propose_cells(land, atoms, preset="flash")
    assert named in str(refused.value.facts.values())


def test_outlines_that_differ_by_less_than_the_tolerance_are_one_line() -> None:
    land, atoms = street()
    wider = land.set_geometry(land.geometry.buffer(0.9, join_style="mitre"))
    assert 10 == len(propose_cells(wider, atoms, preset="flash"))


def test_a_lake_that_is_no_land_of_the_community_needs_no_atom() -> None:
    land, atoms = street()
    around = land.set_geometry(land.geometry.difference(square(5, 5)))
    assert 99 * 40 == propose_cells(around, atoms.drop(index=55), preset="flash")["households"].sum()
