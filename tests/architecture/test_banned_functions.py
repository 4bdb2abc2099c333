"""Functions that the application never calls, because one call may cost minutes or the whole cluster.

Measured on PostGIS 3.3 with GEOS 3.11: repairing a 500-vertex scribble runs for minutes, and interrupting it
crashes the cluster; simplifying and intersecting large input ignores any statement timeout.
What is drawn by planners from their own data is drawn in ``gridmgmt.planning``, which sees nothing that came
over HTTP; what it may use stands in ``ALLOWED`` and nowhere else.
"""

import re

from tests.architecture.sources import ROOT, name_of, python_files, text_of

SQL_FUNCTIONS = (
    "st_makevalid", "st_generatepoints", "st_hexagongrid", "st_squaregrid", "st_hexagon", "st_square",
    "st_segmentize", "st_subdivide", "st_buffer", "st_delaunaytriangles", "st_voronoi", "st_polygonize",
    "st_estimatedextent", "st_simplify", "st_intersection", "st_union", "st_node", "st_memunion", "st_split",
    "st_symdifference", "st_difference", "st_minimumboundingcircle", "st_concavehull", "st_buildarea",
    "st_offsetcurve", "st_maximuminscribedcircle", "st_clusterkmeans", "st_geomfromgeojson", "st_geomfromgml",
    "st_geomfromkml", "pg_sleep", "pg_read_file", "lo_import", "dblink", "copy_from_program",
)  # fmt: skip
SHAPELY_FUNCTIONS = (
    "make_valid", "node", "polygonize", "polygonize_full", "voronoi_polygons", "delaunay_triangles",
    "concave_hull", "segmentize", "offset_curve", "build_area", "snap", "from_geojson", "from_wkt", "loads",
)  # fmt: skip
# File and function. All of it is planning: planners' own roads, water and buildings, never what came by HTTP.
# Making valid is bounded there by MOST_CROSSING_VERTICES and runs in the planner's own command.
ALLOWED = {
    ("gridmgmt/planning/official/inspection.py", "make_valid"),
    ("gridmgmt/planning/coverage.py", "polygonize"),
    ("gridmgmt/planning/demo_sites.py", "polygonize"),
    ("gridmgmt/planning/faces.py", "polygonize_full"),
    ("gridmgmt/planning/tessellation.py", "segmentize"),
    ("gridmgmt/planning/tessellation.py", "voronoi_polygons"),
}
# The guards of plans (decision 0026): triggers that only planners' writes reach, over cells that passed the
# table's limits (valid, bounded, in China) and, from the application, have at most 2,000 vertices each.
ALLOWED_IN_SQL = {
    "gridmgmt/storage/migrations/versions/0016_plans.py": {
        "st_intersection", "st_difference", "st_symdifference",
    },
}  # fmt: skip
_SQL = re.compile(rf"(?i:\b({'|'.join(SQL_FUNCTIONS)})\w*\s*\()")
_SHAPELY = re.compile(rf"\bshapely\.({'|'.join(SHAPELY_FUNCTIONS)})\s*\(|\.(make_valid)\(")
PROJECT = python_files("gridmgmt", "api")


def test_no_sql_calls_a_banned_function() -> None:
    migrations = sorted((ROOT / "gridmgmt/storage/migrations/versions").glob("*.py"))
    found = {
        (name_of(path), match[1].lower())
        for path in (*PROJECT, *migrations)
        for match in _SQL.finditer(text_of(path))
    }
    allowed = {(path, function) for path, functions in ALLOWED_IN_SQL.items() for function in functions}
    assert found - allowed == set()
    assert allowed - found == set(), "what is allowed is also used"


def test_no_python_calls_a_banned_function_but_planning_where_it_says_so() -> None:
    found = {
        (name_of(path), next(filter(None, match.groups())))
        for path in PROJECT
        for match in _SHAPELY.finditer(text_of(path))
    }
    assert found - ALLOWED == set()
    assert ALLOWED - found == set(), "what is allowed is also used"


def test_the_lint_sees_them() -> None:
    for line in ("select ST_MakeValid(geom)", "st_simplifypreservetopology (g, 1)", "ST_VoronoiPolygons(g)"):
        assert _SQL.search(line)
    for line in ("shapely.make_valid(g)", "g.make_valid()", "shapely.from_geojson(text)"):
        assert _SHAPELY.search(line)
    assert not _SQL.search("st_isvalid(geom)")
