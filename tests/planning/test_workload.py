"""Demand per atom: everyone is counted once, in a named unit."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmgmt.errors import InvalidInput, WrongCrs
from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning.workload import with_households, with_incidents
from tests.builders_planning import at, make_box, make_frame, make_lattice

ATOMS = make_lattice(2, 1).drop(columns="households")


def make_homes(*households: float) -> gpd.GeoDataFrame:
    shapes = [make_box(10 + 60 * n, 10, 30 + 60 * n, 20) for n in range(len(households))]
    return make_frame(shapes, households=list(households))


def test_households_of_an_atom_are_those_of_its_buildings():
    assert [30, 12] == with_households(ATOMS, make_homes(10, 20, 12))["households"].tolist()


@pytest.mark.parametrize("wrong", [-1, np.nan, 2.5, np.inf])
def test_households_are_whole_and_not_negative(wrong):
    with pytest.raises(InvalidInput):
        with_households(ATOMS, make_homes(wrong))


def test_households_outside_all_atoms_are_not_dropped_silently():
    far = make_homes(5).set_geometry(gpd.GeoSeries([make_box(900, 0, 910, 10)], crs=ATOMS.crs))
    with pytest.raises(InvalidInput) as refusal:
        with_households(ATOMS, far)
    assert 5 == refusal.value.facts["households"]


def test_an_empty_shed_outside_all_atoms_is_no_matter():
    far = make_homes(0).set_geometry(gpd.GeoSeries([make_box(900, 0, 910, 10)], crs=ATOMS.crs))
    assert [0, 0] == with_households(ATOMS, far)["households"].tolist()


def test_incidents_are_counted_per_year_and_on_a_border_for_the_first_atom():
    points = make_frame([shapely.Point(at(x, 50)) for x in (10, 100, 150, 500)], hours=[2.0, 4.0, 6.0, 99.0])
    counted = with_incidents(ATOMS, points, years=2.0, handling_h="hours")
    assert [1.0, 0.5] == counted["incidents_per_year"].tolist()
    assert [3.0, 3.0] == counted["handling_h_per_year"].tolist()


@pytest.mark.parametrize("years", [0.0, -1.0, np.nan])
def test_a_record_has_a_length(years):
    with pytest.raises(InvalidInput):
        with_incidents(ATOMS, make_frame([shapely.Point(at(1, 1))]), years=years)


def test_layers_in_two_zones_are_refused():
    with pytest.raises(WrongCrs):
        with_households(ATOMS, make_homes(1).set_crs(int(MetricZone.CM_120E), allow_override=True))
