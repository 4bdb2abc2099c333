"""Limits of geometry at rest: a row that no way in should have let through is refused by its table."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import Db
from tests.builders_attack import circle, scribble, square
from tests.builders_street import Street

REFUSED = {"23514", "22023", "XX000"}
"""Check constraint; what is not of the column's type; text that PostGIS cannot read."""


def polygon(*rings: list[list[float]]) -> str:
    inside = ",".join("(" + ",".join(f"{x!r} {y!r}" for x, y in ring) + ")" for ring in rings)
    return f"SRID=4490;POLYGON({inside})"


def multi(ewkt: str) -> str:
    return ewkt.replace("POLYGON(", "MULTIPOLYGON((") + ")"


BAD_POLYGONS = {
    "bow_tie": polygon([[117.6, 39.0], [117.7, 39.1], [117.7, 39.0], [117.6, 39.1], [117.6, 39.0]]),
    "spike": polygon([[117.6, 39.0], [117.7, 39.0], [117.7, 39.1], [117.7, 39.0], [117.6, 39.0]]),
    "scribble": polygon(scribble(200)),
    "hole_outside": polygon(square(edge=0.001), square(117.9, edge=0.001)),
    "too_many_vertices": polygon(circle(20_001)),
    "abroad": polygon(square(2.3, 48.8)),
    "axes_exchanged": polygon([[y, x] for x, y in square()]),
    "half_abroad": polygon(square(135.99)),
    "empty": "SRID=4490;POLYGON EMPTY",
    "open_ring": polygon(square()[:-1]),
    "not_finite": polygon([[117.6, 39.0], [117.7, 39.0], [float("nan"), 39.1], [117.6, 39.0]]),
    "infinite": polygon([[117.6, 39.0], [117.7, 39.0], [float("inf"), 39.1], [117.6, 39.0]]),
    "height": "SRID=4490;POLYGON Z((117.6 39 1,117.7 39 1,117.7 39.1 1,117.6 39 1))",
    "wrong_reference_system": polygon(square()).replace("4490", "4326"),
}
BAD_POINTS = {
    "not_finite": "SRID=4490;POINT(nan 39)",
    "infinite": "SRID=4490;POINT(117.6 inf)",
    "empty": "SRID=4490;POINT EMPTY",
    "abroad": "SRID=4490;POINT(-0.1 51.5)",
    "axes_exchanged": "SRID=4490;POINT(39 117.6)",
    "wrong_type": polygon(square()),
}
POLYGON_COLUMNS = {
    "subdistricts": ("outline", multi), "communities": ("outline", multi),
    "grid_cells": ("geom", str), "base_features": ("geom", str),
}  # fmt: skip


def outcome(db: Db, table: str, column: str, value: str) -> str | None:
    """SQLSTATE of writing a value into a row of a table; None when it is taken."""
    one = f"(select ctid from app.{table} limit 1)"
    query = text(f"update app.{table} set {column} = cast(:value as geometry) where ctid = {one}")
    try:
        with db.begin_nested() as tried:
            # Without triggers: who may move a border is another rule; its refusal would hide a lost limit.
            db.execute(text("set local session_replication_role = replica"))
            changed = db.execute(query, {"value": value}).rowcount
            tried.rollback()
    except DBAPIError as refused:
        return str(getattr(refused.orig, "sqlstate", None))
    assert changed, f"{table} has no rows to try it on"
    return None


@pytest.mark.parametrize("table", POLYGON_COLUMNS)
def test_no_bad_polygon_can_be_stored(db: Db, table: str) -> None:
    column, as_column = POLYGON_COLUMNS[table]
    outcomes = {name: outcome(db, table, column, as_column(bad)) for name, bad in BAD_POLYGONS.items()}
    assert {name: state for name, state in outcomes.items() if state not in REFUSED} == {}
    for good in (polygon(square()), polygon(circle(20_000)), polygon(square(73.0, 3.0))):
        assert outcome(db, table, column, as_column(good)) is None


@pytest.mark.parametrize("name", BAD_POINTS)
def test_no_bad_point_can_be_stored(db: Db, books: RuleBooks, name: str) -> None:
    Street(db, books).report()
    assert outcome(db, "cases", "place", BAD_POINTS[name]) in REFUSED
    assert outcome(db, "cases", "place", "SRID=4490;POINT(117.6 39)") is None


@pytest.mark.parametrize(
    ("lon", "lat", "accuracy"),
    [
        ("'nan'", "39", "1"), ("'infinity'", "39", "1"), ("181", "39", "1"), ("117", "-91", "1"),
        ("117", "'-infinity'", "1"), ("117", "39", "'nan'"), ("117", "39", "-1"), ("117", "39", "'infinity'"),
    ],
)  # fmt: skip
def test_no_position_that_is_none_can_be_stored(
    db: Db, books: RuleBooks, lon: str, lat: str, accuracy: str
) -> None:
    Street(db, books).report()
    columns = "subdistrict_code, reporter_id, source, category, description, datum, self_handled, observed_at"
    rest = "received_at, content_sha256, answer"
    query = text(
        f"insert into app.reports (id, {columns}, {rest}, lon, lat, accuracy_m)"
        f" select gen_random_uuid(), {columns}, {rest}, {lon}, {lat}, {accuracy} from app.reports limit 1"
    )
    with pytest.raises(DBAPIError) as refused, db.begin_nested():
        db.execute(query)
    assert getattr(refused.value.orig, "sqlstate", None) == "23514"


def test_every_geometry_column_has_its_limits(engine: Engine) -> None:
    query = text("""
        select g.f_table_name || '.' || g.f_geometry_column from geometry_columns g
         where g.f_table_schema = 'app' and not exists (
               select from pg_constraint c
                where c.conrelid = cast('app.' || quote_ident(g.f_table_name) as regclass) and c.contype = 'c'
                  and pg_get_constraintdef(c.oid) ilike '%st_npoints(' || g.f_geometry_column || ')%'
                  and pg_get_constraintdef(c.oid) ilike '%st_isvalid(' || g.f_geometry_column || ')%'
                  and pg_get_constraintdef(c.oid) like '%' || g.f_geometry_column || ' @ %')
    """)
    with engine.connect() as connection:
        assert list(connection.execute(query).scalars()) == []
        query = text("select distinct srid from geometry_columns where f_table_schema = 'app'")
        srids = connection.execute(query)
        assert list(srids.scalars()) == [4490]
