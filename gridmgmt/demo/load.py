"""Load the demo subdistrict into an empty database: places, people, rules, a published plan.

Planning runs here on the files of ``data/demo`` exactly as it would on a planner's own files; nothing
of the plan is precomputed. What is synthetic is stored as synthetic.
"""

import csv
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import shapely
from sqlalchemy import Engine

from gridmgmt.demo.people import make_people
from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import NotFound
from gridmgmt.planning.demo_patrol import demo_patrols
from gridmgmt.planning.demo_plan import DemoStreet, build_demo_plan
from gridmgmt.planning.demo_street import SUBDISTRICT_CODE, SUBDISTRICT_NAME, ZONE
from gridmgmt.planning.evaluate import report_card
from gridmgmt.services import cataloguing, gridplans
from gridmgmt.services.cataloguing import CatalogueTables
from gridmgmt.storage import grids, patrols, people
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

CALENDAR_ID = "tianjin"
SEED = 5
_BASE_MAP = "OpenStreetMap 2024-12-14"
_OUTLINE_NOTE = "边界为示意，非法定界线 · illustrative outline, not the legal boundary"
_CITY = ZoneInfo("Asia/Shanghai")

Tell = Callable[[str, int, int], None]


def load_demo(engine: Engine, data_dir: Path, now: datetime, tell: Tell) -> dict[str, Any]:
    """Plan the street and load everything in one transaction; returns the plan's report card.

    Parameters
    ----------
    engine : of a login that may set up (``gridmgmt_migrate``).
    data_dir : with ``demo`` and ``catalogue``.
    tell : called as (step, done, of) while the work goes on.

    Raises
    ------
    NotFound
        An input file is missing.
    InvalidInput, PlanNotAdoptable
        The inputs break a rule; nothing is loaded.
    """
    given = read_catalogue(data_dir / "catalogue")
    cataloguing.check_tables(given, now.date())
    tell("dividing the street into duty grids", 0, 29)
    metric = build_demo_plan(
        data_dir / "demo",
        seed=SEED,
        progress=lambda done, of: tell("dividing the street into duty grids", done, of),
    )
    card = report_card(
        metric.cells, metric.atoms, metric.communities, lines=metric.roads, buildings=metric.buildings
    )
    street = metric.to_geographic()
    plan = _plan(street, now)
    with transaction(engine, Acting.setup([SUBDISTRICT_CODE])) as db:
        tell("loading places, people and rules", 0, 1)
        cataloguing.add_calendar(db, given, CALENDAR_ID, now)
        outline = _multi(street.outline.geometry.iat[0])
        grids.add_subdistrict(db, _subdistrict(now), outline)
        cataloguing.add_tables(db, given, SUBDISTRICT_CODE, now)
        grids.add_communities(db, list(_communities(street)))
        grids.add_base_features(db, list(_base_features(street)))
        _add_people(db, plan, given, now)
        gridplans.publish_plan(db, _planner(), now, plan, outline, card.as_facts())
        for patrol in demo_patrols(metric.roads, metric.cells):
            patrols.add_plan(db, patrol, _planner().id, now)
        tell("loading places, people and rules", 1, 1)
    return card.as_facts()


def read_catalogue(directory: Path) -> CatalogueTables:
    """The tables of ``data/catalogue`` as text.

    Raises
    ------
    NotFound
        A table is missing.
    """
    return CatalogueTables(
        categories=[*_rows(directory / "gbt_47678_5_2026.csv"), *_rows(directory / "local_tj_demo.csv")],
        handling_limits=_rows(directory / "handling_limits.csv"),
        stage_limits=_rows(directory / "stage_limits.csv"),
        filing_conditions=_rows(directory / "filing_conditions.csv"),
        closing_conditions=_rows(directory / "closing_conditions.csv"),
        handling_milestones=_rows(directory / "handling_milestones.csv"),
        category_synonyms=_rows(directory / "category_synonyms_demo.csv"),
        category_phrases=_rows(directory / "category_phrases_demo.csv"),
        duty_items=_rows(directory / "duty_list_demo.csv"),
        units=_rows(directory / "units_demo.csv"),
        routing_rules=_document(directory / "routing_rules_demo.json"),
        work_hours=_document(directory / "work_hours.json"),
    )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(f"The table {path.name} is missing.", file=path.name)
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    with _existing(path).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _document(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_existing(path).read_text(encoding="utf-8"))
    return loaded


def _subdistrict(now: datetime) -> dict[str, Any]:
    return {
        "code": SUBDISTRICT_CODE,
        "name": SUBDISTRICT_NAME,
        "district_code": SUBDISTRICT_CODE[:6],
        "district_name": "滨海新区",
        "head": "街道主任（示例）",
        "outline_note": _OUTLINE_NOTE,
        "valid_from": date(now.year, 1, 1),
        "approval_no": None,
        "calendar_id": CALENDAR_ID,
    }


def _multi(shape: Any) -> shapely.MultiPolygon:
    return shape if isinstance(shape, shapely.MultiPolygon) else shapely.MultiPolygon([shape])


def _communities(street: DemoStreet) -> Iterator[dict[str, Any]]:
    for row in street.communities.itertuples():
        kind = "villagers" if "村" in row.name else "residents"
        yield {
            "code": row.code,
            "subdistrict_code": SUBDISTRICT_CODE,
            "name": row.name.removesuffix("居委会"),
            "kind": kind,
            "outline": _multi(row.geometry),
        }


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _features(
    frame: gpd.GeoDataFrame, layer: str, kind: str | None, *, synthetic: bool
) -> Iterator[dict[str, Any]]:
    for row in frame.to_dict("records"):
        yield {
            "subdistrict_code": SUBDISTRICT_CODE,
            "layer": layer,
            "kind": _text_or_none(row.get("kind")) or _text_or_none(row.get("highway")) or kind or layer,
            "name": _text_or_none(row.get("name")),
            "households": int(row["households"]) if layer == "buildings" else None,
            "synthetic": synthetic,
            "geom": row["geometry"],
        }


def _base_features(street: DemoStreet) -> Iterator[dict[str, Any]]:
    yield from _features(street.blocks, "blocks", "block", synthetic=False)
    yield from _features(street.roads, "roads", "road", synthetic=False)
    yield from _features(street.buildings, "buildings", "building", synthetic=True)


def _plan(street: DemoStreet, now: datetime) -> GridPlan:
    # In force since yesterday, so that reports observed in the last hours fall under it too.
    local_today = now.astimezone(_CITY).replace(hour=0, minute=0, second=0, microsecond=0)
    return GridPlan(
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"gridmgmt:demo:{SUBDISTRICT_CODE}:1"),
        subdistrict_code=SUBDISTRICT_CODE,
        version=1,
        status=PlanStatus.REVIEWED,
        valid_from=(local_today - timedelta(days=1)).astimezone(UTC),
        valid_to=None,
        cells=tuple(
            GridCell(
                code=row.code,
                community_code=row.community_code,
                name=row.name,
                kind=CellKind(row.kind),
                polygon=row.geometry,
                area_m2=float(row.area_m2),
                households=int(row.households),
            )
            for row in street.cells.itertuples()
        ),
        base_map_version=_BASE_MAP,
        synthetic=True,
        zone=ZONE,
    )


def _planner() -> Actor:
    planner = uuid.UUID(int=0)
    made = make_people(SUBDISTRICT_CODE, (), (), seed=SEED, since=date.min)
    for role in made.roles:
        if role["role"] is Role.PLANNER:
            planner = role["person_id"]
    return Actor(planner, "planner", frozenset({Role.PLANNER}), frozenset({SUBDISTRICT_CODE}))


def _add_people(db: Any, plan: GridPlan, given: CatalogueTables, now: datetime) -> None:
    cells = [c.code for c in plan.cells]
    units = [row["code"] for row in given.units if row["active"] == "1"]
    made = make_people(SUBDISTRICT_CODE, cells, units, seed=SEED, since=(now - timedelta(days=2)).date())
    people.add_people(db, made.people, made.roles, made.roster)
