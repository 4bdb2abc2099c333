"""A thousand forgeries of a sealed log, by somebody who may do everything in the database.

Each forgery is made in a transaction that is rolled back, after the log was verified in it. Some forgers also
hold the sealing key; those are found by a head from outside and by nothing else, which is checked too.

``python -m tests.tampering --count 1000`` runs as many as wanted and keeps the figures in
``bench/results/tamper.json``; the tests run a seeded part of it.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from sqlalchemy import Engine, text

from gridmgmt.adapters.signing import SealKey, new_key
from gridmgmt.domain.canonical import canonical
from gridmgmt.domain.checkpoint import Head, Note
from gridmgmt.domain.merkle import Algorithm, Frontier, hash_of, leaf_hash
from gridmgmt.services.sealing import Sealer
from gridmgmt.storage import audit, schema
from gridmgmt.storage.db import Db, make_engine
from gridmgmt.storage.embedded import test_cluster
from gridmgmt.storage.seal import ROW_TEXT
from tests.builders_audit import check, heads_of, make_line, make_log, make_sealer, open_to_tampering
from tests.builders_cases import NOW

BATCHES = (40, 1, 25, 64, 3, 30, 50, 2, 45, 40)
WITNESSED = (3, 7)
"""Which heads somebody else holds; the rows after the last of them rest on the key alone."""


@dataclass(frozen=True, slots=True)
class Log:
    """A sealed log and what is known about it outside."""

    sealer: Sealer
    heads: Sequence[Note]
    outside: Sequence[Note]

    @property
    def size(self) -> int:
        return self.heads[-1].head.size

    @property
    def covered(self) -> int:
        return self.outside[-1].head.size


Forgery = Callable[[Db, random.Random, Log], None]


def run(db: Db, statement: str, **values: object) -> int:
    return db.execute(text(statement), values).rowcount


def id_at(db: Db, seq: int) -> int:
    query = text("select audit_id from app.audit_leaves where seq = :seq")
    return db.execute(query, {"seq": seq}).scalar_one()


def other_character(rng: random.Random, value: str) -> str:
    """The same text with one character changed."""
    place = rng.randrange(len(value))
    changed = rng.choice([c for c in "abcdef0123456789" if c != value[place].lower()])
    return value[:place] + changed + value[place + 1 :]


def change_a_row(db: Db, rng: random.Random, log: Log, *, below: int | None = None) -> None:
    """One byte of one column."""
    audit_id = id_at(db, rng.randrange(below or log.size))
    words = ("action", "object_kind", "object_id", "subdistrict_code")
    column = rng.choice([*words, "outcome", "code", "facts", "facts", "at", "actor_id", "xact", "id"])
    if column in words:
        query = text(f"select {column} from app.audit_log where id = :id")
        changed = other_character(rng, db.execute(query, {"id": audit_id}).scalar_one())
        run(db, f"update app.audit_log set {column} = :v where id = :id", v=changed, id=audit_id)
    elif column == "facts":
        found = db.execute(
            text("select facts::text from app.audit_log where id = :i"), {"i": audit_id}
        ).scalar_one()
        run(db, "update app.audit_log set facts = cast(:v as jsonb) where id = :id", id=audit_id,
            v=changed_json(rng, found))  # fmt: skip
    else:
        assignment = {
            "outcome": "outcome = case outcome when 'done' then 'refused' else 'done' end",
            "code": "code = coalesce(code || 'x', '')",
            "at": "at = at + interval '1 microsecond'",
            "actor_id": "actor_id = overlay(actor_id::text placing"
            " case right(actor_id::text, 1) when '0' then '1' else '0' end from 36)::uuid",
            "xact": "xact = xact + 1",
            "id": "id = 1000000 + id",
        }[column]
        if column == "id":
            run(db, "alter table app.audit_log alter column id drop identity")
        run(db, f"update app.audit_log set {assignment} where id = :id", id=audit_id)


def changed_json(rng: random.Random, found: str) -> str:
    """A JSON text with one character changed, so that it still is one and means something else."""
    while True:
        changed = other_character(rng, found)
        try:
            if orjson.loads(changed) != orjson.loads(found):
                return changed
        except ValueError:
            continue


def change_a_leaf(db: Db, rng: random.Random, log: Log) -> None:
    """One bit of a leaf."""
    bit = rng.randrange(256)
    run(db, "update app.audit_leaves set leaf = set_bit(leaf, :b, 1 - get_bit(leaf, :b)) where seq = :s",
        b=bit, s=rng.randrange(log.size))  # fmt: skip


def delete_rows(db: Db, rng: random.Random, log: Log) -> None:
    """A line, or a run of lines; perhaps their leaves; perhaps the others move up."""
    first, count = rng.randrange(log.size - 5), rng.choice([1, 1, 1, 2, 5])
    how = rng.choice(["line", "line and leaf", "leaf", "move up"])
    inside = "seq >= :a and seq < :b"
    values = {"a": first, "b": first + count}
    if how != "leaf":
        run(
            db,
            f"delete from app.audit_log where id in (select audit_id from app.audit_leaves where {inside})",
            **values,
        )
    if how != "line":
        run(db, f"delete from app.audit_leaves where {inside}", **values)
    if how == "move up":
        move(db, first + count, -count)


def move(db: Db, above: int, by: int) -> None:
    """Leaves get other places; by way of a place where none collide."""
    run(db, "update app.audit_leaves set seq = seq + 10000000 where seq >= :a", a=above)
    run(db, "update app.audit_leaves set seq = seq - 10000000 + :by where seq >= 10000000", by=by)


def insert_row(db: Db, rng: random.Random, log: Log) -> None:
    """A line that was never written; perhaps with a leaf, squeezed in."""
    seq = rng.randrange(log.size)
    # Below the cursor, where nobody looks for new lines; above it this would be a new line like any other.
    (audit_id,) = db.execute(text("""
        insert into app.audit_log
            (at, actor_id, subdistrict_code, action, object_kind, object_id, outcome, facts, xact)
        select at, actor_id, subdistrict_code, action, object_kind, object_id || '-forged', outcome, facts,
               least(xact, (select max(cursor_xact) from app.audit_checkpoints) - 1)
          from app.audit_log where id = :id returning id
    """), {"id": id_at(db, seq)}).one()  # fmt: skip
    if rng.random() < 0.5:
        move(db, seq, 1)
        found = db.execute(
            text(f"select {ROW_TEXT} from app.audit_log a where id = :id"), {"id": audit_id}
        ).scalar_one()
        leaf = leaf_hash(hash_of(log.sealer.algorithm), canonical(found))
        run(db, "insert into app.audit_leaves values (:s, :i, :l)", s=seq, i=audit_id, l=leaf)


def swap(db: Db, rng: random.Random, log: Log) -> None:
    """Two lines, two leaves, or two whole places change with each other."""
    one, other = rng.sample(range(log.size), 2)
    how = rng.choice(["facts", "leaf", "place"])
    if how == "facts":
        a, b = id_at(db, one), id_at(db, other)
        run(db, "update app.audit_log x set object_id = y.object_id, facts = y.facts from app.audit_log y"
            " where (x.id, y.id) in ((:a, :b), (:b, :a))", a=a, b=b)  # fmt: skip
    elif how == "leaf":
        run(db, "update app.audit_leaves x set leaf = y.leaf from app.audit_leaves y"
            " where (x.seq, y.seq) in ((:a, :b), (:b, :a))", a=one, b=other)  # fmt: skip
    else:
        for before, after in ((one, -1), (other, one), (-1, other)):
            run(db, "update app.audit_leaves set seq = :t where seq = :f", f=before, t=after)


def change_a_head(db: Db, rng: random.Random, log: Log) -> None:
    """A stored head: its text, its time, its kind, its number, or the whole of it."""
    no = rng.randint(1, len(log.heads))
    how = rng.choice(["note", "at", "kind", "delete", "edge and note", "size"])
    if how == "note":
        found = log.heads[no - 1].text
        run(
            db,
            "update app.audit_checkpoints set note = :n where no = :no",
            n=other_character(rng, found),
            no=no,
        )
    elif how == "delete" and no < len(log.heads):
        run(db, "delete from app.audit_checkpoints where no = :no", no=no)
    elif how == "edge and note":
        head = log.heads[no - 1].head
        forged = new_key(head.origin).sign(
            Head(head.origin, head.size, bytes(32), head.algorithm, no, head.at)
        )
        run(db, "update app.audit_checkpoints set note = :n where no = :no", n=forged.text, no=no)
    elif how == "size":
        run(db, "update app.audit_checkpoints set size = size - 1 where no = :no", no=no)
    elif how == "kind":
        run(db, "update app.audit_checkpoints set kind = 'recovery' where no = :no", no=no)
    else:
        run(db, "update app.audit_checkpoints set at = at + interval '1 second' where no = :no", no=no)


def resign_with_a_stolen_name(db: Db, rng: random.Random, log: Log) -> None:
    """Everything is hashed anew, but with a key of the forger's own."""
    change_a_row(db, rng, log)
    rehash(db, log, new_key(log.sealer.key.name))


def cut_the_end_but_not_the_heads(db: Db, rng: random.Random, log: Log) -> None:
    """The last lines and leaves go, the heads stay."""
    cut(db, rng.randrange(1, log.size))


def cut(db: Db, size: int) -> None:
    run(
        db,
        "delete from app.audit_log where id in (select audit_id from app.audit_leaves where seq >= :s)",
        s=size,
    )
    run(db, "delete from app.audit_leaves where seq >= :s", s=size)


def cut_the_end(db: Db, rng: random.Random, log: Log) -> None:
    """The last lines, leaves and heads go."""
    head = rng.choice([h.head for h in log.heads if h.head.size < log.covered])
    cut(db, head.size)
    run(db, "delete from app.audit_checkpoints where no > :no", no=head.no)


def roll_back_and_go_on(db: Db, rng: random.Random, log: Log) -> None:
    """An older state comes back, and other lines are sealed with the true key."""
    cut_the_end(db, rng, log)
    before = db.execute(text("select count(*) from app.audit_leaves")).scalar_one()
    count = rng.randint(1, 300)
    audit.append(db, [make_line() for _ in range(count)])
    run(db, "insert into app.audit_leaves select :b + row_number() over (order by id) - 1, id, ''"
        " from app.audit_log a where not exists"
        " (select from app.audit_leaves l where l.audit_id = a.id)", b=before)  # fmt: skip
    last = heads_of(db)[-1].head
    run(db, "insert into app.audit_checkpoints"
        " select no + 1, :size, at, 'seal', '', public_key, '',"
        " cursor_xact, cursor_id from app.audit_checkpoints where no = :no",
        size=before + count, no=last.no)  # fmt: skip
    rehash(db, log, log.sealer.key)


def rehash_everything(db: Db, rng: random.Random, log: Log) -> None:
    """A row is changed, and leaves, tree, heads and signatures are made anew with the true key."""
    change_a_row(db, rng, log, below=log.covered)
    rehash(db, log, log.sealer.key)


def rehash(db: Db, log: Log, key: SealKey) -> None:
    """Leaves, heads and signatures that fit the lines as they are now."""
    hash_ = hash_of(log.sealer.algorithm)
    rows = db.execute(text(f"select l.seq, {ROW_TEXT} from app.audit_leaves l"
                           " join app.audit_log a on a.id = l.audit_id order by l.seq")).all()  # fmt: skip
    leaves = [leaf_hash(hash_, canonical(found)) for _, found in rows]
    run(db, "update app.audit_leaves l set leaf = x.leaf"
        " from unnest(cast(:s as bigint[]), cast(:l as bytea[])) as x"
        "(seq, leaf) where x.seq = l.seq", s=[seq for seq, _ in rows], l=leaves)  # fmt: skip
    tree = Frontier(log.sealer.algorithm)
    for no, size, at in db.execute(text("select no, size, at from app.audit_checkpoints order by no")).all():
        while tree.size < min(size, len(leaves)):
            tree.append(leaves[tree.size])
        note = key.sign(Head(key.name, size, tree.root(), log.sealer.algorithm, no, at))
        run(db, "update app.audit_checkpoints set note = :n, edge = :e, public_key = :k, kind = 'seal'"
            " where no = :no", n=note.text, e=b"".join(tree.edge), k=key.public_key, no=no)  # fmt: skip


WITHOUT_KEY: tuple[Forgery, ...] = (
    change_a_row, change_a_leaf, delete_rows, insert_row, swap, change_a_head, resign_with_a_stolen_name,
    cut_the_end_but_not_the_heads,
)  # fmt: skip
ONLY_A_WITNESS_SEES: tuple[Forgery, ...] = (cut_the_end, roll_back_and_go_on, rehash_everything)
FORGERIES = WITHOUT_KEY + ONLY_A_WITNESS_SEES


def make_tampered_log(engine: Engine, directory: Path, algorithm: Algorithm = Algorithm.SHA256) -> Log:
    """The log that is forged again and again."""
    sealer = make_sealer(directory, algorithm=algorithm)
    heads = make_log(engine, sealer, BATCHES)
    return Log(sealer, heads, [heads[i] for i in WITNESSED])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one forgery."""

    forgery: str
    found: bool
    found_without_witness: bool
    first_kind: str


def forge(engine: Engine, log: Log, forgery: Forgery, seed: int) -> Outcome:
    """Forge, verify with and without heads from outside, undo."""
    with engine.connect() as db:
        began = db.begin()
        open_to_tampering(db)
        forgery(db, random.Random(seed), log)
        with_witness = check(db, log.sealer, log.outside, images=False)
        alone = check(db, log.sealer, images=False)
        began.rollback()
    # The switched-off triggers are found too, but a careful forger switches them on again.
    told = [f for f in with_witness.findings if f.kind != "guard_missing"]
    told_alone = [f for f in alone.findings if f.kind != "guard_missing"]
    return Outcome(forgery.__name__, bool(told), bool(told_alone), told[0].kind if told else "")


def forge_many(engine: Engine, log: Log, count: int, seed: int) -> list[Outcome]:
    """Every kind in turn."""
    return [forge(engine, log, FORGERIES[i % len(FORGERIES)], seed * 1_000_003 + i) for i in range(count)]


def main() -> int:
    """Run, print, keep."""
    from bench.report import RESULTS, machine  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cluster = test_cluster()
    with cluster.shared(), tempfile.TemporaryDirectory() as directory:
        cluster.drop("tampering")
        url = cluster.ensure_database("tampering")
        schema.migrate(url)
        engine = make_engine(url, pool_size=2)
        log = make_tampered_log(engine, Path(directory))
        began = time.perf_counter()
        outcomes = forge_many(engine, log, options.count, options.seed)
        seconds = time.perf_counter() - began
        engine.dispose()
        cluster.drop("tampering")
    document = {
        "benchmark": "tamper",
        "on": datetime.now(UTC).date().isoformat(),
        "question": "Is every forgery of a sealed log found, by a superuser and by a holder of the key?",
        "count": len(outcomes),
        "found": sum(o.found for o in outcomes),
        "found_without_witness": sum(o.found_without_witness for o in outcomes),
        "by_forgery": {
            f.__name__: {
                "count": len(mine := [o for o in outcomes if o.forgery == f.__name__]),
                "found": sum(o.found for o in mine),
                "found_without_witness": sum(o.found_without_witness for o in mine),
                "first_finding": dict(Counter(o.first_kind for o in mine)),
            }
            for f in FORGERIES
        },
        "facts": {
            "seed": options.seed, "rows": log.size, "heads": len(log.heads), "rows_witnessed": log.covered,
            "seconds": round(seconds, 1), "as_of": NOW.isoformat(), "rows_are": "synthetic",
        },
        "machine": machine(),
    }  # fmt: skip
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    missed = [o for o in outcomes if not o.found]
    if options.count >= 1000:
        path = RESULTS / "tamper.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
