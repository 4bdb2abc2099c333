"""Signs of life of the background processes, by the database's clock alone.

Whoever reads them compares with the same clock, so a machine whose own clock is wrong neither hides a
dead process nor accuses a living one.
"""

from typing import Literal
from uuid import UUID

from sqlalchemy import text

from gridmgmt.storage.db import Db

Kind = Literal["worker", "sealer", "backup", "drill"]

_BEAT = text("""
    insert into app.heartbeats as h (instance, kind, started_at, beat_at)
    values (:instance, :kind, clock_timestamp(), clock_timestamp())
    on conflict (instance) do update set beat_at = clock_timestamp() where h.kind = excluded.kind
""")
# Who has been silent for a day is not coming back.
_FORGET = text("delete from app.heartbeats where beat_at < clock_timestamp() - interval '1 day'")
_AGES = text("""
    select kind, extract(epoch from clock_timestamp() - max(beat_at))::float as age_s
      from app.heartbeats group by kind
""")


def beat(db: Db, kind: Kind, instance: UUID) -> None:
    """Say that this process lives; the long dead are forgotten."""
    db.execute(_BEAT, {"instance": instance, "kind": kind})
    db.execute(_FORGET)


def ages_s(db: Db) -> dict[str, float]:
    """Seconds since the last sign of life, by kind of process; kinds that never gave one are absent."""
    return {row.kind: row.age_s for row in db.execute(_AGES)}
