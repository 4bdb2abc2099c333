"""Functions that cost minutes or the server are not the application's to call, whoever finds a way in."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting, Wall
from tests.builders_cases import STREET

CALLS = {
    "st_makevalid": "st_makevalid(g)",
    "st_makevalid_structure": "st_makevalid(g, 'method=structure')",
    "st_generatepoints": "st_generatepoints(g, 50000000)",
    "st_hexagongrid": "st_hexagongrid(0.000001, g)",
    "st_squaregrid": "st_squaregrid(0.000001, g)",
    "st_segmentize": "st_segmentize(g, 0.0000001)",
    "st_subdivide": "st_subdivide(g, 5)",
    "st_buffer": "st_buffer(g, 1, 'quad_segs=20000000')",
    "st_buffer_plain": "st_buffer(g, 1)",
    "st_delaunaytriangles": "st_delaunaytriangles(g)",
    "st_voronoipolygons": "st_voronoipolygons(g)",
    "st_polygonize": "st_polygonize(array[g])",
    "st_simplifypreservetopology": "st_simplifypreservetopology(g, 1)",
    "st_node": "st_node(g)",
    "st_estimatedextent": "st_estimatedextent('app', 'cases', 'place')",
}
_SHAPE = "(select st_makeenvelope(117, 39, 118, 40, 4490) as g) x"


@pytest.mark.parametrize("name", CALLS)
def test_no_wall_may_call_a_banned_function(engine: Engine, name: str) -> None:
    for wall in Wall:
        acting = Acting(wall, subdistricts=frozenset({STREET}))
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f"set local role gridmgmt_{acting.wall}")
            with pytest.raises(ProgrammingError) as refused:
                connection.execute(text(f"select {CALLS[name]} from {_SHAPE}"))
            assert getattr(refused.value.orig, "sqlstate", None) == "42501", wall


def test_what_the_application_calls_is_left_to_it(engine: Engine) -> None:
    with transaction(engine, Acting.system({STREET}), read_only=True) as db:
        used = "st_isvalid(g), st_npoints(g), st_transform(g, 3857), st_asmvtgeom(g, g), st_intersects(g, g)"
        assert len(db.execute(text(f"select {used} from {_SHAPE}")).one()) == 5
