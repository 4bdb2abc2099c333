"""After a run: does the database hold what the clients were told, once, with its whole history?

Reads as the superuser and past every wire, with SQL of its own: it shares no code with what it judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.ledger import Ledger, in_letters


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ids or descriptions of everything that is not as it must be; all empty is what is promised."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, and not there (or not as it was acknowledged)."""
    doubled: list[str] = field(default_factory=list)
    """There more than once."""
    invented: list[str] = field(default_factory=list)
    """There, although it was refused or never sent."""
    broken: list[str] = field(default_factory=list)
    """History, case and report, outbox, stream: what does not fit together."""
    unaudited: list[str] = field(default_factory=list)
    """Changes without exactly one line in the audit log."""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether everything is as promised."""
        return not (self.lost or self.doubled or self.invented or self.broken or self.unaudited)

    @property
    def waiting(self) -> bool:
        """Whether all that is wrong is that events wait: written after the outbox was seen empty, perhaps."""
        others = self.lost or self.doubled or self.invented or self.unaudited
        return not others and bool(self.broken) and all(b.startswith(f"{UNDELIVERED}: ") for b in self.broken)


def verify(dsn: str, ledger: Ledger) -> Verdict:
    """Hold the ledgers against the database.

    Parameters
    ----------
    dsn : libpq connection string of the superuser.
    """
    with psycopg.connect(dsn, autocommit=True) as db:
        found = Verdict(counts=ledger.count())
        _reports(db, ledger, found)
        _moves(db, ledger, found)
        _photos(db, ledger, found)
        found.broken.extend(_inconsistencies(db))
        found.broken.extend(_unheard(db, ledger))
        found.unaudited.extend(_without_audit_line(db))
    return found


def _column(db: psycopg.Connection[Any], query: str, *values: object) -> list[str]:
    return [str(row[0]) for row in db.execute(query, values)]


def _reports(db: psycopg.Connection[Any], ledger: Ledger, found: Verdict) -> None:
    there = dict(db.execute("select cast(id as text), description from app.reports").fetchall())
    for key, entry in ledger.of("report", "ok").items():
        if not there.get(key, "").endswith(in_letters(key)):
            found.lost.append(f"report {key}")
        elif not _is(
            db, "select 1 from app.cases where id = %s and report_id = %s", entry.facts["case_id"], key
        ):
            found.lost.append(f"case of report {key}")
    known = {k for k, e in ledger.entries.items() if e.kind == "report" and e.outcome != "refused"}
    found.invented.extend(f"report {key}" for key in there if key not in known)
    found.doubled.extend(
        _column(db, "select description from app.reports group by description having count(*) > 1")
    )


def _is(db: psycopg.Connection[Any], query: str, *values: object) -> bool:
    return db.execute(query, values).fetchone() is not None


def _moves(db: psycopg.Connection[Any], ledger: Ledger, found: Verdict) -> None:
    query = "select cast(command_id as text) from app.case_steps where command_id is not null"
    there = _column(db, query)
    found.lost.extend(f"move {key}" for key in ledger.of("move", "ok") if key not in set(there))
    found.invented.extend(f"move {key}" for key in ledger.of("move", "refused") if key in set(there))
    found.doubled.extend(sorted({f"move {key}" for key in there if there.count(key) > 1}))


def _photos(db: psycopg.Connection[Any], ledger: Ledger, found: Verdict) -> None:
    """Rows; that their bytes are there and have their digests is read by ``gridmgmt evidence scrub``."""
    there = set(_column(db, "select sha256 from app.photos"))
    found.lost.extend(f"photo {digest}" for digest in ledger.of("photo", "ok") if digest not in there)


UNDELIVERED = "event that was not delivered"
_RULES = {
    "report without exactly one case": """
        select r.id from app.reports r
         where 1 <> (select count(*) from app.cases c where c.report_id = r.id)""",
    "history with a gap": """
        select c.id from app.cases c left join app.case_steps s on s.case_id = c.id group by c.id, c.version
        having count(s.seq) <> c.version or min(s.seq) <> 1 or max(s.seq) <> c.version""",
    "history that does not follow from itself": """
        select case_id from (
            select case_id, from_state, lag(to_state) over (partition by case_id order by seq) as before, seq
              from app.case_steps) s
         where seq > 1 and from_state is distinct from before""",
    "case in another state than its last step": """
        select c.id from app.cases c join app.case_steps s on s.case_id = c.id and s.seq = c.version
         where s.to_state <> c.state""",
    "report without its photo": """
        select r.id from app.reports r
         where not exists (select from app.report_photos p where p.report_id = r.id)""",
    UNDELIVERED: """
        select id from app.outbox where delivery_no is null or delivered_at is null""",
    "event delivered twice": """
        select delivery_no from app.outbox where delivery_no is not null
         group by delivery_no having count(*) > 1""",
    "case without its first event": """
        select c.id from app.cases c where not exists (select from app.outbox o where o.case_id = c.id)""",
}


def _inconsistencies(db: psycopg.Connection[Any]) -> Iterator[str]:
    for rule, query in _RULES.items():
        yield from (f"{rule}: {one}" for one in _column(db, query))


def _unheard(db: psycopg.Connection[Any], ledger: Ledger) -> Iterator[str]:
    """The stream: in order, nothing twice, and nothing missing between the first and the last heard."""
    heard = list(ledger.heard)
    if heard != sorted(set(heard)):
        yield "stream out of order or twice"
    if heard:
        # That somebody's inbox changed is told to its owner alone.
        query = """
            select delivery_no from app.outbox
             where delivery_no between %s and %s and kind <> 'inbox_changed'"""
        sent = {int(n) for n in _column(db, query, heard[0], heard[-1])}
        yield from (f"stream missed {n}" for n in sorted(sent - set(heard)))


# Of two uploads of one photo at once both are audited: exactly one line is asked of what has one effect.
_AUDITED = {
    "report": """
        select r.id from app.reports r where 1 <> (
            select count(*) from app.audit_log a where a.object_kind = 'report' and a.outcome = 'done'
               and a.object_id = cast(r.id as text) and a.action = 'report:submit')""",
    "move": """
        select s.command_id from app.case_steps s where s.command_id is not null and 1 <> (
            select count(*) from app.audit_log a where a.object_kind = 'case' and a.outcome = 'done'
               and a.object_id = cast(s.case_id as text) and a.action = 'case:' || s.action
               and a.facts ->> 'version' = cast(s.seq as text))""",
    "photo": """
        select p.sha256 from app.photos p where 0 = (
            select count(*) from app.audit_log a where a.object_kind = 'photo' and a.outcome = 'done'
               and a.object_id = p.sha256 and a.action = 'photo:store')""",
}


def _without_audit_line(db: psycopg.Connection[Any]) -> Iterator[str]:
    for kind, query in _AUDITED.items():
        yield from (f"{kind} {one}" for one in _column(db, query))
