"""What the health checks, the watchdog and the metrics read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from gridmgmt.storage import heartbeats, seal
from gridmgmt.storage.db import Db
from gridmgmt.storage.revision import current_revision, head_revision
from gridmgmt.storage.rights import policies


@dataclass(frozen=True, slots=True)
class Look:
    """The installation at one instant; ages and delays in seconds.

    ``waiting``, ``oldest_s``: events not delivered; ``unannounced``, ``latest_s``: deadlines that passed
    and that nobody was told of; ``heartbeats``: since the last sign of life, by kind of process;
    ``backup_age_s``: since a backup was finished, None: never; ``rights``: how they
    deviate from those written, None: not at all; ``unsealed``, ``unsealed_s``: lines of the
    audit log that wait for the sealer, and the oldest one's age; ``ladder_aside``: cases whose looks for the
    ladder fail; ``stale_s``: since when open deadlines are computed anew and are not done, 0: they are;
    ``not_computed``: open deadlines that could not be.
    """

    revision: str | None
    wanted: str
    plans: int = 0
    waiting: int = 0
    oldest_s: float = 0.0
    unannounced: int = 0
    latest_s: float = 0.0
    heartbeats: Mapping[str, float] = field(default_factory=dict)
    backup_age_s: float | None = None
    rights: str | None = None
    ladder_aside: int = 0
    stale_s: float = 0.0
    not_computed: int = 0
    unsealed: int = 0
    unsealed_s: float = 0.0


_FACTS = text("""
    select (select count(*) from app.grid_plans where status = 'published'
              and valid_from <= :now and (valid_to is null or valid_to > :now)) as plans,
           k.stale_s, k.not_computed,
           (select count(*) from app.case_ladders where failures > 0) as ladder_aside,
           w.waiting, w.oldest_s, o.unannounced, o.latest_s,
           (select extract(epoch from clock_timestamp() - max(at))::float from app.backup_runs
              where what = 'created' and outcome = 'done') as backup_age_s
      from (select count(*) as waiting,
                   coalesce(extract(epoch from cast(:now as timestamptz) - min(at)), 0)::float as oldest_s
              from app.outbox where delivered_at is null) w,
           (select coalesce(extract(epoch from cast(:now as timestamptz) - min(since)), 0)::float as stale_s,
                   coalesce(sum(failed), 0)::int as not_computed
              from app.clock_standings) k,
           (select count(*) as unannounced,
                   coalesce(extract(epoch from cast(:now as timestamptz) - min(stage_due_at)), 0)::float
                       as latest_s
              from app.cases
             where state not in ('closed', 'rejected', 'merged', 'voided')
               and stage_due_at < :now and overdue_announced_for is distinct from stage_due_at) o
""")


def look(db: Db, now: datetime) -> Look:
    """The facts, as far as the schema is there.

    Parameters
    ----------
    now : what the records' times are compared with. Heartbeats and backups are compared with the
        database's clock, which wrote them.
    """
    revision, wanted = current_revision(db), head_revision()
    if revision != wanted:
        return Look(revision, wanted)
    row = db.execute(_FACTS, {"now": now}).one()
    unsealed, oldest_at = seal.oldest_waiting(db)
    return Look(
        revision,
        wanted,
        **row._mapping,
        heartbeats=heartbeats.ages_s(db),
        rights=policies.deviation(db),
        unsealed=unsealed,
        unsealed_s=(now - oldest_at).total_seconds() if oldest_at else 0.0,
    )


def clock(db: Db) -> datetime:
    """The database's own time."""
    now: datetime = db.execute(text("select clock_timestamp()")).scalar_one()
    return now
