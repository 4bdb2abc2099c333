"""The people of the demo street at work: each thing they do is one transaction of one person.

Everything goes through the services that the API uses, with the rights that the person has: PostgreSQL
refuses here what it refuses there. Pictures are named and not drawn: the month needs no bytes of them.
"""

import hashlib
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from gridmgmt.demo.month.diary import Diary
from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.demo.play import random_point, uuid7
from gridmgmt.domain.case import Case
from gridmgmt.domain.grid import CellKind, GridCell
from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.report import Source
from gridmgmt.domain.sessionrules import SessionTimes
from gridmgmt.domain.workflow import Action
from gridmgmt.domain.worktime import LimitUnit, WorkCalendar, add_working_time, elapsed
from gridmgmt.geo.crs import Datum
from gridmgmt.services import handling, intake, standing_in
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.sessions import demo_people, open_demo_session
from gridmgmt.storage import board, cases, photos
from gridmgmt.storage.board import CaseFilter
from gridmgmt.storage.db import Db, transaction
from gridmgmt.storage.rights.walls import Acting

_TIMES = SessionTimes()


class Office:
    """The street at one moment of the month.

    Parameters
    ----------
    engine : of the API's login.
    """

    def __init__(self, engine: Engine, books: RuleBooks, plan: MonthPlan) -> None:
        self.engine, self.books, self.plan = engine, books, plan
        self.diary = Diary(plan.start)
        self.done: Counter[str] = Counter()
        self.shifts: dict[UUID, UUID] = {}
        self._ids = random.Random(plan.seed)  # noqa: S311  a drawn month, no secret
        self._sign_everybody_in()
        code = min(self.desk(Role.SHIFT_LEADER).subdistricts)
        with transaction(engine, Acting.of(self.desk(Role.SHIFT_LEADER))) as db:
            book = books.current(db, code)
        self.code, self.calendar = code, book.calendar
        duty = [c for c in book.plan_at(plan.start).plan.cells if c.kind is CellKind.DUTY]
        self.cells: list[GridCell] = duty[: plan.workers]

    def _sign_everybody_in(self) -> None:
        with transaction(self.engine, Acting.door(), read_only=True) as db:
            people = demo_people(db)["people"]
        self._by_role: dict[str, list[Actor]] = {}
        self._by_unit: dict[str, Actor] = {}
        self._by_id: dict[UUID, Actor] = {}
        for facts in people:
            digest = hashlib.sha256(f"{self.plan.seed} {facts['login']} {self.plan.start}".encode()).digest()
            with transaction(self.engine, Acting.door()) as db:
                actor = open_demo_session(db, facts["id"], digest, self.now, _TIMES)
            self._by_id[actor.id] = actor
            for role in actor.roles:
                self._by_role.setdefault(role, []).append(actor)
            if actor.unit_code:
                self._by_unit[actor.unit_code] = actor
        walkers = self._by_role[Role.GRID_WORKER]
        self._workers = {min(a.cell_codes): a for a in walkers if len(a.cell_codes) == 1}
        self._leaders = {cell: a for a in walkers if len(a.cell_codes) > 1 for cell in a.cell_codes}

    away = False
    """Whether the shift leader is away."""

    # Who

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.diary.now

    def desk(self, role: Role) -> Actor:
        """The one person at a desk."""
        return self._by_role[role][0]

    def unit(self, code: str) -> Actor:
        """The person of a unit."""
        return self._by_unit[code]

    def worker(self, cell_code: str) -> Actor:
        """The grid worker of a cell."""
        return self._workers[cell_code]

    def leader(self, cell_code: str) -> Actor:
        """The grid leader of a cell, who verifies."""
        return self._leaders[cell_code]

    def handler(self, case: Case) -> Actor:
        """Whoever has a case: the assigned worker, else the unit's own person."""
        return self._by_id[case.worker_id] if case.worker_id else self._by_unit[str(case.unit_code)]

    def shift_leader(self) -> Actor:
        """The shift leader, or whoever stands in for him now."""
        own, deputy = self.desk(Role.SHIFT_LEADER), self.desk(Role.SUPERVISOR)
        if not self.away:
            return own
        with self.acting(deputy) as db:
            self.done["deputy acts"] += 1
            return standing_in.standing_in_for(db, deputy, own.id, self.now)

    def has_cases(self) -> bool:
        """Whether anything was reported here before."""
        reader = self.desk(Role.SHIFT_LEADER)
        with self.acting(reader) as db:
            return bool(board.list_cases(db, reader, CaseFilter(), limit=1))

    # When

    def work(self, minutes: float) -> datetime:
        """The moment after so much working time."""
        return add_working_time(self.now, timedelta(minutes=minutes), self.calendar)

    def share_of_month(self, share: float) -> datetime:
        """The moment at which that share of the month's working time is over."""
        calendar: WorkCalendar = self.calendar
        total = elapsed(self.plan.start, self.plan.end, LimitUnit.WORKING_HOUR, calendar)
        return add_working_time(self.plan.start, total * share, calendar)

    # What

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Db]:
        """One transaction of one person."""
        with transaction(self.engine, Acting.of(actor)) as db:
            yield db

    def new_id(self) -> UUID:
        """An id as a client makes one."""
        return uuid.UUID(int=self._ids.getrandbits(128), version=4)

    def report(
        self, rng: random.Random, by: Actor, cell: GridCell, category: str, source: Source, **over: Any
    ) -> Case:
        """A report and the case that it becomes."""
        point = random_point(cell.polygon, rng)
        with self.acting(by) as db:
            facts: dict[str, Any] = {
                "id": uuid7(self.now, self._ids), "category": category, "description": "合成数据：现场情况",
                "source": source, "lon": point.x, "lat": point.y, "datum": Datum.WGS84,
                "accuracy_m": rng.uniform(4, 25), "observed_at": self.now - timedelta(minutes=3),
                "photos": (self._photo(db, by, "before"), self._photo(db, by, "after")),
                "self_handled": False,
            }  # fmt: skip
            command = intake.SubmitReport(**facts | over)
            answer = intake.submit_report(db, by, self.now, self.books, command, f"month-{facts['id']}")
            self.done["report"] += 1
            return cases.load(db, UUID(answer.body["case_id"]), by)

    def _photo(self, db: Db, by: Actor, name: str) -> str:
        digest = hashlib.sha256(f"{by.id} {self.now} {name}".encode()).hexdigest()
        row = {"sha256": digest, "media_type": "image/jpeg", "bytes": 9, "width": 3, "height": 3}
        photos.add(db, {**row, "received_at": self.now, "received_by": by.id, "subdistrict_code": self.code})
        return digest

    def case(self, case: Case) -> Case:
        """The case as it is now."""
        reader = self.desk(Role.SHIFT_LEADER)
        with self.acting(reader) as db:
            return cases.load(db, case.id, reader)

    def act(self, case: Case, action: Action, by: Actor, **facts: Any) -> Case:
        """Move a case."""
        with self.acting(by) as db:
            if action is Action.SUBMIT_RESULT:
                facts["photos"] = [self._photo(db, by, "result")]
            if action in ON_SITE:
                seen = {"place": {"unavailable": "synthetic"}, "place_reason": "合成数据：无人到过现场"}
                facts |= seen
            command = handling.Act(self.new_id(), case.id, action, case.version, facts)
            moved = handling.act(db, by, self.now, self.books, command)
        self.done[action] += 1
        return moved
