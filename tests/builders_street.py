"""The demo street for tests, in the domain's words: its people, a report, the moves of a case.

Everything happens at one fixed time unless told otherwise, in the connection that was given. All people
are synthetic. ``found_small_street`` makes a second, made-up subdistrict, for questions of scope.
"""

import hashlib
import itertools
import os
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import text

from gridmgmt.domain.case import Case
from gridmgmt.domain.codes import CommunityCode
from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.report import Source
from gridmgmt.domain.request import Request
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.domain.sessionrules import SessionKind, SessionLimits
from gridmgmt.domain.workflow import Action
from gridmgmt.geo.crs import Datum, LonLat, MetricZone, to_metric
from gridmgmt.services import asking, gridplans, handling, intake
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, cases, grids, people, photos, requests, sessions
from gridmgmt.storage.db import Db
from gridmgmt.storage.sessions import NewSession
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_geo import make_box

ROADSIDE_TRADE = "matter:09006"
"""占道经营: led by the street, dispatched by policy to the enforcement team."""
REFUSE = "matter:06010"
SORTING = "matter:06041"
"""垃圾未分类: the community of the cell handles it, policy ends at filing."""
WITHDRAWN = "matter:09008"
"""非法出版物销售: departments carry it out themselves."""
OFF_LIST = "LOCAL-TJ:matter:L09001"
"""部门交办报表填报: on no list."""
ENFORCEMENT, CLEANING = "HZD-01", "HZD-06"
_numbers = itertools.count(1)


def make_uuid7(number: int, at: datetime = NOW) -> UUID:
    """A phone's id (RFC 9562 §5.7) with a running number where a phone has random bits."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number)


def inner_point(shape: shapely.Polygon) -> LonLat:
    """A position well inside."""
    inside = shape.buffer(-2e-5)
    point = (shape if inside.is_empty else inside).point_on_surface()
    return LonLat(point.x, point.y)


def make_session(token_sha256: bytes, person_id: UUID, **over: Any) -> NewSession:
    """A session at a desk: an hour, used or not."""
    hour = timedelta(hours=1)
    values: dict[str, Any] = {"kind": SessionKind.CENTRE, "limits": SessionLimits(hour, hour)}
    return NewSession(token_sha256, person_id, **values | over)


class Street:
    """The street's people at work on one connection.

    Reports are filed by the grid worker of a cell unless told otherwise; moves are done by whoever is
    named, with the version that is stored.
    """

    def __init__(self, db: Db, books: RuleBooks, *, now: datetime = NOW, code: str = STREET) -> None:
        self.db, self.books, self.now, self.code = db, books, now, code
        self._people: dict[str, Actor] = {}

    @property
    def book(self) -> RuleBook:
        """The rules as they are now."""
        return self.books.current(self.db, self.code)

    @property
    def plan(self) -> IndexedPlan:
        """The plan in force."""
        return self.book.plan_at(self.now)

    @property
    def duty_cells(self) -> list[GridCell]:
        """Duty grids in the order of their codes."""
        return [c for c in self.plan.plan.cells if c.kind is CellKind.DUTY]

    def person(self, login: str) -> Actor:
        """Somebody by login, with roles and scope as stored."""
        if login not in self._people:
            found = people.person_named(self.db, login)
            assert found is not None, login
            token = os.urandom(32)
            sessions.open_session(self.db, make_session(token, found), self.now)
            actor = sessions.actor_of_session(self.db, token, self.now)
            assert actor is not None
            self._people[login] = actor
        return self._people[login]

    acceptor = property(lambda self: self.person("demo-acceptor"))
    shift_leader = property(lambda self: self.person("demo-shift"))
    dispatcher = property(lambda self: self.person("demo-dispatcher"))
    director = property(lambda self: self.person("demo-director"))
    district = property(lambda self: self.person("demo-district"))
    planner = property(lambda self: self.person("demo-planner"))

    def handler(self, unit_code: str) -> Actor:
        """The person of a unit."""
        return self.person(f"demo-unit-{unit_code.lower()}")

    def worker_of(self, cell_code: str) -> Actor:
        """The grid worker of a cell."""
        return self.person(self._login_in(cell_code, "worker"))

    def leader_of(self, cell_code: str) -> Actor:
        """The grid leader of a cell, who verifies."""
        return self.person(self._login_in(cell_code, "leader"))

    def _login_in(self, cell_code: str, duty: str) -> str:
        query = text(
            "select p.login from app.cell_workers w join app.people p on p.id = w.person_id"
            " where w.cell_code = :cell and w.duty = :duty order by w.id limit 1"
        )
        login: str = self.db.execute(query, {"cell": cell_code, "duty": duty}).scalar_one()
        return login

    def photo(self, by: Actor, name: str = "before") -> str:
        """The digest of a photo that counts as uploaded; no bytes are stored."""
        digest = hashlib.sha256(f"{by.id} {name}".encode()).hexdigest()
        row = {"sha256": digest, "media_type": "image/jpeg", "bytes": 9, "width": 3, "height": 3}
        stored = {**row, "received_at": self.now, "received_by": by.id, "subdistrict_code": self.code}
        photos.add(self.db, stored)
        return digest

    def command(self, by: Actor, cell: GridCell, **over: Any) -> intake.SubmitReport:
        """A well-formed report about a point inside a cell."""
        place = inner_point(cell.polygon)
        facts: dict[str, Any] = {
            "id": make_uuid7(next(_numbers), self.now),
            "category": ROADSIDE_TRADE,
            "description": "占道经营，影响通行",
            "source": Source.PATROL,
            "lon": place.lon,
            "lat": place.lat,
            "datum": Datum.WGS84,
            "accuracy_m": 8.0,
            "observed_at": self.now - timedelta(minutes=10),
            "photos": (self.photo(by),),
            "self_handled": False,
        }
        return intake.SubmitReport(**(facts | over))

    def send(self, by: Actor, command: intake.SubmitReport) -> intake.Answer:
        """Submit a report as it stands."""
        return intake.submit_report(self.db, by, self.now, self.books, command, "test-request")

    def report(self, by: Actor | None = None, cell: GridCell | None = None, **over: Any) -> Case:
        """A stored report's case."""
        cell = cell or self.duty_cells[0]
        by = by or self.worker_of(cell.code)
        answer = self.send(by, self.command(by, cell, **over))
        return self.case(answer.body["case_id"])

    def case(self, case_id: UUID | str) -> Case:
        """A case as it is stored now."""
        return cases.load(self.db, UUID(str(case_id)), self.shift_leader)

    def act(self, case: Case, action: Action, by: Actor, **facts: Any) -> Case:
        """Move a case; its version is looked up, so that tests chain moves of one ``case`` name."""
        version = self.case(case.id).version
        if action in ON_SITE and "place" not in facts:
            facts.setdefault("place_reason", "院门上锁")
        command = handling.Act(uuid.uuid4(), case.id, action, version, facts)
        return handling.act(self.db, by, self.now, self.books, command)

    def ask(self, case: Case, action: Action, by: Actor, **facts: Any) -> Request:
        """Ask for an action that needs somebody else's yes."""
        version = self.case(case.id).version
        return asking.ask(
            self.db, by, self.now, self.books,
            asking.AskCommand(uuid.uuid4(), case.id, action, version, facts),
        )  # fmt: skip

    def answer(
        self, request: Request, by: Actor, *, granted: bool = True, opinion: str = "同意", document: str = ""
    ) -> Request:
        """Grant or refuse a request."""
        command = asking.Answer(request.id, granted, opinion, document)
        return asking.answer(self.db, by, self.now, self.books, command)

    def handled(self, case: Case) -> Case:
        """Sign for and hand in the result, by whoever has the case."""
        by = self.handler_of(case)
        self.act(case, Action.SIGN_FOR, by)
        return self.act(case, Action.SUBMIT_RESULT, by, result="已清理", photos=[self.photo(by, "after")])

    def closed(self, case: Case) -> Case:
        """Verify by the grid leader and close by the shift leader."""
        self.act(case, Action.PASS_VERIFICATION, self.leader_of(case.cell_code), opinion="现场已恢复")
        return self.act(case, Action.CLOSE, self.shift_leader)

    def handler_of(self, case: Case) -> Actor:
        """Whoever handles: the assigned worker, else the unit's person."""
        case = self.case(case.id)
        if case.worker_id is not None:
            query = text("select login from app.people where id = :id")
            return self.person(self.db.execute(query, {"id": case.worker_id}).scalar_one())
        assert case.unit_code is not None
        return self.handler(case.unit_code)

    def later(self, **by: float) -> "Street":
        """The same street some time later."""
        return Street(self.db, self.books, now=self.now + timedelta(**by), code=self.code)

    def audited(self, object_kind: str, object_id: object) -> list[audit.AuditEntry]:
        """The audit lines about one object."""
        return audit.entries_about(self.db, object_kind, str(object_id), self.shift_leader)

    def requests_of(self, case: Case) -> list[dict[str, Any]]:
        """The requests about a case."""
        return requests.of_case(self.db, case.id)

    def events_of(self, case: Case) -> list[str]:
        """Kinds of the events about a case, in the order they were written."""
        query = text("select kind from app.outbox where case_id = :id order by id")
        return list(self.db.execute(query, {"id": case.id}).scalars())


def make_small_plan(code: str = ELSEWHERE, **over: Any) -> GridPlan:
    """A reviewed plan of two made-up cells side by side, 15 km east of the demo street."""
    frame = make_box(600.0, LonLat(117.85, 39.03))
    west, south, east, north = frame.bounds
    middle = (west + east) / 2
    community = f"{code}001"
    CommunityCode(community)
    halves = (shapely.box(west, south, middle, north), shapely.box(middle, south, east, north))
    facts: dict[str, Any] = {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"plan of {code}"),
        "subdistrict_code": code,
        "version": 1,
        "status": PlanStatus.REVIEWED,
        "valid_from": NOW - timedelta(days=2),
        "valid_to": None,
        "cells": tuple(
            GridCell(
                code=f"{community}{number:03d}",
                community_code=community,
                name=f"虚构网格{number}",
                kind=CellKind.DUTY,
                polygon=half,
                area_m2=float(to_metric(half, MetricZone.CM_117E).area),
                households=300 + number,
            )
            for number, half in enumerate(halves, start=1)
        ),
        "base_map_version": "made up",
        "synthetic": True,
        "zone": MetricZone.CM_117E,
    }
    return GridPlan(**(facts | over))


def outline_of(plan: GridPlan) -> shapely.MultiPolygon:
    """The ground that a small plan fills."""
    return shapely.MultiPolygon([shapely.union_all([c.polygon for c in plan.cells])])


def found_small_street(db: Db, code: str = ELSEWHERE) -> GridPlan:
    """A second subdistrict with one plan and four people: elsewhere-worker, -shift, -planner, -director."""
    plan = make_small_plan(code)
    outline = outline_of(plan)
    grids.add_subdistrict(
        db,
        {
            "code": code, "name": "虚构街道", "district_code": code[:6], "district_name": "虚构区",
            "head": "（虚构）", "outline_note": "made up", "valid_from": date(2026, 1, 1),
            "approval_no": None, "calendar_id": "tianjin",
        },
        outline,
    )  # fmt: skip
    community = {"code": f"{code}001", "subdistrict_code": code, "name": "虚构社区", "kind": "residents"}
    grids.add_communities(db, [{**community, "outline": outline}])
    posts = {"worker": Role.GRID_WORKER, "shift": Role.SHIFT_LEADER, "planner": Role.PLANNER,
             "director": Role.DIRECTOR}  # fmt: skip
    ids = {post: uuid.uuid5(uuid.NAMESPACE_URL, f"{code} {post}") for post in posts}
    people.add_people(
        db,
        [
            {"id": ids[post], "login": f"elsewhere-{post}", "name": f"虚构{post}", "unit_code": None,
             "active": True, "synthetic": True}
            for post in posts
        ],
        [{"person_id": ids[p], "role": role, "subdistrict_code": code} for p, role in posts.items()],
        [
            {"cell_code": cell.code, "subdistrict_code": code, "person_id": ids["worker"],
             "duty": "worker", "valid_from": date(2026, 1, 1), "valid_to": None, "on_leave": False}
            for cell in plan.cells
        ],
    )  # fmt: skip
    planner = Actor(ids["planner"], "虚构planner", frozenset({Role.PLANNER}), frozenset({code}))
    return gridplans.publish_plan(db, planner, NOW, plan, outline, {})


def elsewhere_street(db: Db, books: RuleBooks) -> Street:
    """The people of the second subdistrict at work."""
    return _Elsewhere(db, books, code=ELSEWHERE)


class _Elsewhere(Street):
    shift_leader = property(lambda self: self.person("elsewhere-shift"))
    planner = property(lambda self: self.person("elsewhere-planner"))


def stranger(actor: Actor) -> Actor:
    """The same person with the same roles, but in another subdistrict."""
    return replace(actor, subdistricts=frozenset({ELSEWHERE}))


def as_utc(stamp: str) -> datetime:
    """The instant of an answer's time."""
    return datetime.fromisoformat(stamp).astimezone(UTC)
