"""``gridmgmt audit verify``: read the whole log again and say the first row that is not as it was sealed.

Three things are held against each other: the lines as they are now, the leaves and heads that the sealer
left, and heads that lie outside the database. A change of lines alone, or of lines and leaves, is found by
the heads; a rewriting of everything, signatures included, only by a head from outside that is older
than the rewriting and covers the row. What no head from outside covers rests on the key alone.

The log is read in pieces of a fixed size; memory does not grow with it.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gridmgmt.adapters.signing import is_signed_by
from gridmgmt.domain.canonical import canonical
from gridmgmt.domain.checkpoint import HeadKind, Note, instant, parse_note
from gridmgmt.domain.merkle import Algorithm, Frontier, hash_of, leaf_hash
from gridmgmt.errors import InvalidInput, NotFound
from gridmgmt.services.key_chain import trusted_keys
from gridmgmt.storage import seal, seal_check
from gridmgmt.storage.db import Db
from gridmgmt.storage.seal import Checkpoint

PIECE = 20_000
_MOST_FINDINGS = 100
BACKLOG_ALARM = timedelta(seconds=60)
_LATE = timedelta(hours=1)
_AT = '"at" : "'

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``seq`` is the first place in the tree that it concerns, ``until`` the last.

    ``seq`` is None where no place can be named: a head from outside that the log cannot account for.
    """

    kind: str
    detail: str
    seq: int | None = None
    until: int | None = None
    audit_id: int | None = None


@dataclass
class Report:
    """What a verification found. ``rows`` were read again, of ``size`` in the tree."""

    size: int
    root: str
    rows: int = 0
    heads: int = 0
    heads_from_outside: int = 0
    covered_size: int = 0
    """Rows that some head from outside covers: for these, not even the key's holder can have lied."""
    waiting: int = 0
    oldest_waiting_s: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The finding with the lowest place; one without a place when there is no other."""
        placed = sorted((f for f in self.findings if f.seq is not None), key=lambda f: f.seq or 0)
        return placed[0] if placed else next(iter(self.findings), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check a log with.

    Parameters
    ----------
    keys : public keys that are trusted from the start.
    heads : heads from outside the database.
    since, until : read again only lines that were sealed in this time; leaves and heads are always read
        from the first to the last.
    accepted_recoveries : numbers of recovery heads whose loss an auditor has accepted.
    images : also compare watched tables' rows with their last image.
    """

    keys: Sequence[bytes]
    heads: Sequence[Note] = ()
    since: datetime | None = None
    until: datetime | None = None
    accepted_recoveries: frozenset[int] = frozenset()
    images: bool = True


def verify(db: Db, asked: Asked, now: datetime, tell: Tell = lambda _done, _of: None) -> Report:
    """Check everything.

    Parameters
    ----------
    tell : gets (rows done, rows in all) after each piece.

    Raises
    ------
    NotFound
        Nothing has been sealed yet.
    """
    seal_check.prepare(db)
    last = seal.last_checkpoint(db)
    if last is None:
        if asked.heads:
            detail = "heads from outside exist, but the log has none: it was emptied"
            return Report(0, "", findings=[Finding("head_beyond", detail)])
        raise NotFound("Nothing has been sealed yet.", kind="checkpoint")
    run = _Run(db, asked, last)
    run.read(tell)
    run.look_beyond()
    report = run.report
    report.waiting, oldest = seal.oldest_waiting(db)
    if oldest is not None:
        report.oldest_waiting_s = (now - oldest).total_seconds()
        if now - oldest > BACKLOG_ALARM:
            report.warnings.append(
                f"{report.waiting} lines wait for the sealer, the oldest for {report.oldest_waiting_s:.0f} s"
            )
    for guard in seal_check.missing_guards(db):
        report.findings.append(Finding("guard_missing", f"{guard} is absent or switched off"))
    if asked.images:
        report.findings += itertools.islice(_images(db), _MOST_FINDINGS)
    return report


def _images(db: Db) -> Iterator[Finding]:
    for table in seal_check.watched_tables(db):
        for key, what in seal_check.rows_unlike_their_image(db, table):
            yield Finding("row_unlike_its_image", f"{table.name} {key}: {what}")


class _Run:
    """One reading of the tree from its first leaf to the last."""

    def __init__(self, db: Db, asked: Asked, last: Checkpoint) -> None:
        self.db, self.asked, self.last = db, asked, last
        self.report = Report(last.size, "")
        self._keys = trusted_keys(seal.turning_points(db), asked.keys)
        self._recoveries = self._signed_recoveries()
        self._algorithm = self._algorithm_of_the_log()
        self._tree = Frontier(self._algorithm)
        self._hash = hash_of(self._algorithm)
        self._outside = self._usable(asked.heads)
        self._next_no, self._size_before, self._root_broken = 1, 0, False
        self._range = _range(db, asked, last)
        self._late_before, self._late = "", 0

    def read(self, tell: Tell) -> None:
        """All leaves and heads; the lines of the range."""
        tell(0, self.last.size)
        for head in self._heads(-1, 0):
            self._check(head)
        for first in range(0, self.last.size, PIECE):
            beyond = min(first + PIECE, self.last.size)
            stops = iter([*self._heads(first, beyond), None])
            stop = next(stops)
            for seq, leaf in self._leaves(first, beyond):
                self._tree.append(leaf)
                while stop is not None and stop.size <= seq + 1:
                    self._check(stop)
                    stop = next(stops)
                if seq + 1 in self._outside:
                    self._hold_against(self._outside.pop(seq + 1))
            while stop is not None:
                self._check(stop)
                stop = next(stops)
            tell(beyond, self.last.size)
        self.report.root = self._tree.root().hex()
        if self._next_no != self.last.no + 1:
            self._find("head_missing", f"the heads end before number {self.last.no}")

    def look_beyond(self) -> None:
        """What lies past the last head, beneath the cursor, or only in the hands of witnesses."""
        if self._late:
            # A forged new line is sealed like a true one, but it cannot be sealed in the past.
            self.report.warnings.append(
                f"{self._late} lines bear a time an hour or more before they were sealed"
            )
        extra = seal_check.leaves_from(self.db, self.last.size)
        if extra:
            self._find("leaf_without_head", f"{extra} leaves lie outside the last head", self.last.size)
        lines = seal_check.lines_below(self.db, self.last.cursor)
        if lines != seal_check.sealed_lines_below(self.db, self.last.cursor):
            for audit_id, at in seal_check.lines_without_leaf(self.db, self.last.cursor, _MOST_FINDINGS):
                detail = f"line {audit_id} of {at.isoformat()} was put in below the seal"
                self._find("row_inserted", detail, audit_id=audit_id)
        for note in self._outside.values():
            self._hold_against(note)

    def _find(
        self,
        kind: str,
        detail: str,
        seq: int | None = None,
        *,
        until: int | None = None,
        audit_id: int | None = None,
    ) -> None:
        if len(self.report.findings) < _MOST_FINDINGS:
            self.report.findings.append(Finding(kind, detail, seq, until, audit_id))

    def _leaves(self, first: int, beyond: int) -> Iterator[tuple[int, bytes]]:
        """Leaves in order, each held against its line; a missing one is reported and left out."""
        begin, end = self._range
        inside = first < end and beyond > begin
        expected = first
        for seq, audit_id, leaf, text in seal_check.pieces(self.db, first, beyond, with_lines=inside):
            if seq != expected:
                self._find("seq_gap", f"no leaf at {expected}", expected, until=seq - 1)
            expected = seq + 1
            if text is None:
                self._find("row_missing", f"line {audit_id} is gone", seq, audit_id=audit_id)
            elif inside and begin <= seq < end:
                self.report.rows += 1
                place = text.find(_AT) + len(_AT)
                if text[place : place + len(self._late_before)] < self._late_before:
                    self._late += 1
                if leaf_hash(self._hash, canonical(text)) != leaf:
                    self._find("row_changed", f"line {audit_id} was changed", seq, audit_id=audit_id)
            yield seq, leaf
        if expected < beyond:
            self._find("seq_gap", f"no leaf at {expected}", expected, until=beyond - 1)

    def _heads(self, above: int, to: int) -> Iterable[Checkpoint]:
        return seal.checkpoints_between(self.db, above, to)

    def _algorithm_of_the_log(self) -> Algorithm:
        """As the last head says; when that cannot be read, which is reported in its turn, as others do."""
        first = next(iter(seal.checkpoints_between(self.db, -1, self.last.size)), self.last)
        notes = (self.last.note, *(n.text for n in self.asked.heads), first.note)
        for text in notes:
            with contextlib.suppress(InvalidInput):
                return parse_note(text).head.algorithm
        return Algorithm.SHA256

    def _signed_recoveries(self) -> list[Note]:
        """Recoveries that were declared, by number; what no trusted key signed is none."""
        found = []
        for turn in seal.turning_points(self.db):
            with contextlib.suppress(InvalidInput):
                note = parse_note(turn.note)
                signed = any(is_signed_by(note, key) for key in self._keys)
                if note.head.kind is HeadKind.RECOVERY and signed and "kept-size" in note.head.facts:
                    found.append(note)
        return found

    def _check(self, head: Checkpoint) -> None:
        """One stored head: numbered without gap, signed, and of exactly these leaves."""
        self.report.heads += 1
        if head.no != self._next_no:
            self._find("head_missing", f"head {self._next_no} is gone", self._size_before)
        self._next_no = head.no + 1
        begin, self._size_before = self._size_before, max(head.size, self._size_before)
        self._late_before = instant(head.at - _LATE)
        try:
            note = parse_note(head.note)
        except InvalidInput:
            self._find("head_changed", f"head {head.no} cannot be read", begin, until=head.size - 1)
            return
        said = note.head
        if (said.no, said.size, said.at, str(said.kind)) != (head.no, head.size, head.at, head.kind):
            self._find("head_changed", f"head {head.no} and its note differ", begin, until=head.size - 1)
        if not any(is_signed_by(note, key) for key in self._keys):
            detail = f"head {head.no} is not signed by a trusted key"
            self._find("signature_bad", detail, begin, until=head.size - 1)
        if self._tree.root() != said.root and not self._root_broken:
            # From here on every head differs: the first one tells where.
            self._root_broken = True
            detail = f"head {head.no} does not fit the leaves before it"
            self._find("batch_changed", detail, begin, until=head.size - 1)

    def _usable(self, heads: Sequence[Note]) -> dict[int, Note]:
        """Heads from outside by size; of several with one size that differ, the odd ones are reported."""
        by_size: dict[int, Note] = {}
        for note in sorted(heads, key=lambda n: n.head.size):
            if not any(is_signed_by(note, key) for key in self._keys):
                self._find(
                    "outside_signature_bad", f"head {note.head.no} from outside: no trusted key signed it"
                )
                continue
            self.report.heads_from_outside += 1
            other = by_size.setdefault(note.head.size, note)
            if other.head.root != note.head.root:
                self._find("outside_heads_differ", f"two heads of size {note.head.size} differ: a fork")
        if 0 in by_size:
            by_size.pop(0)
        return by_size

    def _hold_against(self, note: Note) -> None:
        """One head from outside against the tree as far as it has been read."""
        head = note.head
        if head.size == self._tree.size and head.root == self._tree.root():
            self.report.covered_size = max(self.report.covered_size, head.size)
            return
        recovery = self._recovery_that_lost(note)
        if recovery is not None:
            if recovery.head.no in self.asked.accepted_recoveries:
                self.report.warnings.append(
                    f"head {head.no} was lost in the accepted recovery {recovery.head.no}"
                )
                return
            kept = int(recovery.head.facts["kept-size"])
            detail = (
                f"head {head.no} ({head.size} rows) was lost in recovery {recovery.head.no}, not accepted yet"
            )
            self._find("lost_in_recovery", detail, kept, until=head.size - 1)
        elif head.size > self.last.size:
            detail = (
                f"head {head.no} from outside has {head.size} rows, the log {self.last.size}:"
                " its end was cut off or it was rolled back"
            )
            self._find("head_beyond", detail, self.last.size, until=head.size - 1)
        else:
            begin = self.report.covered_size
            detail = f"head {head.no} from outside ({head.size} rows) has another root: the log was rewritten"
            self._find("head_differs", detail, begin, until=head.size - 1)

    def _recovery_that_lost(self, note: Note) -> Note | None:
        for recovery in self._recoveries:
            facts = recovery.head.facts
            kept, lost = int(facts["kept-size"]), int(facts.get("lost-size", 0))
            if kept < note.head.size <= lost and note.head.at <= recovery.head.at:
                return recovery
        return None


def _range(db: Db, asked: Asked, last: Checkpoint) -> tuple[int, int]:
    """Places in the tree that were sealed in the time asked for; rounded outwards to whole batches."""
    begin = 0 if asked.since is None else seal.size_before(db, asked.since)
    end = last.size if asked.until is None else seal.size_after(db, asked.until, last.size)
    return begin, end
