"""Races of idempotency: one request sent several times at once, some with another body under the same id.

The first that is stored is the one; whoever sent the same content is answered as the first, whoever sent
other content is refused (``content_differs``). One effect each, whatever the order.
"""

import asyncio
import json
import random
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
from shapely.geometry import shape

from gridmgmt.demo.play import random_point, uuid7
from tests.fuzz.target import Target

AT_ONCE = 32
CHANGED_SHARE = 0.1


@dataclass(slots=True)
class Raced:
    """What came of it."""

    ids: int = 0
    sent: int = 0
    changed: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


Answers = dict[str, list[tuple[bytes, int, dict[str, Any]]]]


def race(target: Target, dsn: str, *, ids: int, seed: int) -> Raced:
    """Send every id one to five times at once and look what is stored.

    Parameters
    ----------
    dsn : libpq connection string of the target's database.
    """
    return asyncio.run(_race(target, dsn, ids, random.Random(seed)))


async def _race(target: Target, dsn: str, ids: int, rng: random.Random) -> Raced:
    raced = Raced(ids=ids)
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=f"{target.base_url}/api/v1", limits=limits, timeout=60, trust_env=False,
        headers={"Authorization": "Bearer as-demo-acceptor", "Content-Type": "application/json"},
    ) as client:  # fmt: skip
        cells = (await client.get("/cells")).json()["features"]
        shapes = [shape(feature["geometry"]) for feature in cells]
        requests = [(key, body) for _ in range(ids) for key, body in _sendings(rng, shapes, raced)]
        # Near enough to each other that all of one id are under way at once, in an order of their own.
        answers: Answers = defaultdict(list)
        gate = asyncio.Semaphore(AT_ONCE)

        async def send(key: str, body: bytes) -> None:
            async with gate:
                answer = await client.post("/reports", content=body)
            raced.statuses[answer.status_code] += 1
            answers[key].append((body, answer.status_code, answer.json()))

        for start in range(0, len(requests), 2_000):
            await asyncio.gather(*(send(*one) for one in requests[start : start + 2_000]))
    raced.sent = len(requests)
    raced.wrong.extend(await asyncio.to_thread(_judge, answers, dsn))
    return raced


def _sendings(rng: random.Random, shapes: list[Any], raced: Raced) -> list[tuple[str, bytes]]:
    point = random_point(rng.choice(shapes), rng)
    now = datetime.now(UTC)
    key = str(uuid7(now, rng))
    body = {
        "id": key,
        "category": "matter:06036",
        "description": f"楼道堆物 {key}",
        # By telephone: this one needs no photo.
        "source": "hotline_12345",
        "position": {"lon": point.x, "lat": point.y, "datum": "wgs84"},
        "observed_at": (now - timedelta(minutes=rng.uniform(5, 300))).isoformat(),
        "photos": [],
    }
    times = rng.randint(1, 5)
    sendings = [(key, json.dumps(body).encode()) for _ in range(times)]
    if rng.random() < CHANGED_SHARE:
        raced.changed += 1
        other = body | {"description": f"别的内容 {uuid.UUID(int=rng.getrandbits(128))}"}
        sendings[rng.randrange(times)] = (key, json.dumps(other).encode())
    rng.shuffle(sendings)
    return sendings


def _judge(answers: Answers, dsn: str) -> list[str]:
    with psycopg.connect(dsn, autocommit=True) as db:
        stored = {key for (key,) in db.execute("select cast(id as text) from app.reports")}
        query = "select cast(report_id as text), count(*) from app.cases group by 1"
        cases = dict(db.execute(query).fetchall())
        query = "select object_id, count(*) from app.audit_log where action = 'report:submit' group by 1"
        audited = dict(db.execute(query).fetchall())
    wrong = []
    for key, given in answers.items():
        effects = (key in stored, cases.get(key, 0), audited.get(key, 0))
        if effects != (True, 1, 1):
            wrong.append(f"{key}: stored, cases, audit lines {effects}")
        # Words may be stored sealed, so what was taken in is told by the answers.
        taken = {json.loads(body)["description"] for body, status, _ in given if status in {200, 201}}
        if len(taken) != 1:
            wrong.append(f"{key}: {len(taken)} contents were taken in")
        wrong += _judge_answers(key, given, next(iter(taken), ""))
    return wrong


def _judge_answers(key: str, given: list[tuple[bytes, int, dict[str, Any]]], stored: str) -> list[str]:
    wrong, first = [], None
    for body, status, answer in given:
        if json.loads(body)["description"] != stored:
            if (status, answer.get("code")) != (409, "content_differs"):
                wrong.append(f"{key}: other content was answered {status} {answer.get('code')}")
        elif status != 201 or answer != (first := first or answer):
            wrong.append(f"{key}: the same content was answered {status}, or otherwise than before")
    return wrong
