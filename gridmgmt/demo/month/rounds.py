"""What goes round every day: patrols, inboxes; and who is away when."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import shapely

from gridmgmt.demo.month.diary import Life
from gridmgmt.demo.month.office import Office
from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.patrolshift import Given, Told
from gridmgmt.geo.crs import Datum
from gridmgmt.services import inbox, patrolling, standing_in

_RULES = CoverageRules()
_POINTS = 24
_INSIDE_DEG = 1e-4


def working_days(o: Office) -> Iterator[datetime]:
    """Midnights of the month's working days."""
    zone = o.calendar.local(o.plan.start).date()
    for n in range(o.plan.days):
        day = zone + timedelta(days=n)
        if o.calendar.next_working_day(day) == day:
            yield o.calendar.utc(day, timedelta(0))


def patrol(o: Office, rng: random.Random, cell: GridCell, first: int) -> Life:
    """One worker's patrols: signed on in the morning, walked, signed off."""
    worker = o.worker(cell.code)
    for midnight in list(working_days(o))[first :: o.plan.patrol_every]:
        yield midnight + timedelta(hours=8, minutes=rng.uniform(25, 50))
        on_at, shift = o.now, o.new_id()
        with o.acting(worker) as db:
            command = patrolling.SignOn(shift, Told(on_at, on_at))
            patrolling.sign_on(db, worker, on_at, o.books, _RULES, command)
        o.shifts[worker.id] = shift
        yield midnight + timedelta(hours=11, minutes=rng.uniform(0, 50))
        walk = list(_walk(rng, cell, on_at, o.now))
        with o.acting(worker) as db:
            batch = patrolling.Batch(o.now, Datum.WGS84, walk)
            patrolling.add_track(db, worker, o.now, o.books, _RULES, shift, batch)
        yield midnight + timedelta(hours=17, minutes=rng.uniform(30, 55))
        with o.acting(worker) as db:
            patrolling.sign_off(db, worker, o.now, o.books, _RULES, shift, Told(o.now, o.now))
        del o.shifts[worker.id]
        o.done["patrol"] += 1


def _walk(rng: random.Random, cell: GridCell, began: datetime, now: datetime) -> Iterator[Given]:
    """Positions along the cell's border, a little inside, some minutes apart."""
    inner = cell.polygon.buffer(-_INSIDE_DEG)
    ground = inner if isinstance(inner, shapely.Polygon) and not inner.is_empty else cell.polygon
    for number in range(_POINTS):
        share = number / _POINTS
        point = ground.boundary.interpolate(share, normalized=True)
        yield Given(number, began + (now - began) * share, point.x, point.y, rng.uniform(5, 15))


def inboxes(o: Office) -> Life:
    """Some read what they were told and acknowledge it each afternoon; the others' rungs are passed on."""
    readers = (o.desk(Role.DISPATCHER), o.unit("HZD-01"), o.unit("HZD-06"), o.leader(o.cells[0].code))
    for midnight in list(working_days(o)):
        yield midnight + timedelta(hours=15, minutes=47, seconds=11)
        for reader in readers:
            _read(o, reader)


def _read(o: Office, reader: Actor) -> None:
    with o.acting(reader) as db:
        found = inbox.read(db, reader, before=None, unread=True, limit=200)["items"]
    owed = [n for n in found if n["rung"] is not None and n["acknowledged_at"] is None]
    for one in sorted(owed, key=lambda n: (str(n["case_id"]), n["at"], n["rung"], n["kind"])):
        with o.acting(reader) as db:
            inbox.acknowledge(db, reader, o.now, UUID(str(one["id"])))
        o.done["acknowledge"] += 1
    with o.acting(reader) as db:
        inbox.mark_read(db, reader, o.now, o.now)


def leave(o: Office) -> Life:
    """The shift leader is away for two working days; the supervisor stands in for him."""
    days = list(working_days(o))[2:4]
    yield days[0] - timedelta(hours=12)
    director, own, deputy = o.desk(Role.DIRECTOR), o.desk(Role.SHIFT_LEADER), o.desk(Role.SUPERVISOR)
    until = days[-1] + timedelta(days=1)
    with o.acting(director) as db:
        command = standing_in.NameDeputy(o.new_id(), own.id, deputy.id, Role.SHIFT_LEADER, days[0], until)
        standing_in.name_deputy(db, director, o.now, command)
    o.done["deputy named"] += 1
    yield days[0] + timedelta(hours=1)
    o.away = True
    yield until - timedelta(hours=1)
    o.away = False
