"""Requests grown by hand: valid ones of every kind, each mutated where an attacker would.

Schemathesis reads the document; this reads minds. Deep and doubled JSON, positions that are none, geometry
where text is wanted, ids of others, words of SQL and of paths, cursors and tiles beyond everything, heads
too long, bodies that are packed or cut short. Nothing may be answered by a 5xx, whatever it is.
"""

import base64
import json
import random
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from gridmgmt.demo.play import uuid7
from tests.builders_attack import PROBES, probe
from tests.fuzz.target import CAST, Target

WORDS: tuple[object, ...] = (
    "' or 1=1 --",
    '"; drop table app.reports; --',
    "../../etc/passwd",
    "%00",
    "\x00",
    "\ud800",
    "\u202e",
    "😀" * 50,
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "null",
    "undefined",
    "",
    " ",
    "\r\nX-Injected: 1",
    "A" * 5_000,
    "pg_sleep(10)",
    "1; select pg_sleep(10)",
    -1,
    0,
    2**31,
    2**63,
    2**64,
    10**400,
    -(2**63) - 1,
    1e308,
    -1e308,
    5e-324,
    True,
    False,
    None,
    [],
    {},
    [[]],
    {"a": {}},
    [None] * 1000,
    "9" * 400,
    "NaN",
    "Infinity",
    "1e400",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "2026-11-23T08:00:00",
    "2026-11-23T24:00:00Z",
    "00000000-0000-0000-0000-000000000000",
    "matter:99999",
)
RAW: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b"[" * 50_000,
    b'{"a":' * 3_000,
    b'"' + b"x" * 900_000 + b'"',
    b"9" * 10_000,
    b"\x1f\x8b\x08\x00",
    b"--x\r\nContent-Disposition: form-data\r\n",
)


@dataclass(slots=True)
class Grown:
    """What came of it."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def grow(target: Target, *, requests: int, seed: int) -> Grown:
    """Send so many mutated requests in all roles, one after another."""
    rng = random.Random(seed)
    grown = Grown()
    with httpx.Client(base_url=target.base_url, timeout=60, trust_env=False) as client:
        garden = _Garden(client, rng)
        kinds = garden.kinds()
        while grown.sent < requests:
            request = rng.choice(kinds)()
            answer = client.send(request)
            grown.sent += 1
            grown.statuses[answer.status_code] += 1
            if fault := _fault(answer):
                grown.wrong.append(f"{request.method} {request.url!s:.200} {fault}")
    grown.wrong.extend(_on_the_wire(target, grown))
    return grown


def _fault(answer: httpx.Response) -> str | None:
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 400:
        if answer.headers.get("content-type") != "application/problem+json":
            return f"{answer.status_code} without a problem document"
        if not answer.json().get("code"):
            return f"{answer.status_code} without a code"
    if "x-injected" in answer.headers or "content-security-policy" not in answer.headers:
        return "headers"
    return None


class _Garden:
    """Makes requests; holds what real ones need."""

    def __init__(self, client: httpx.Client, rng: random.Random) -> None:
        self._client, self._rng = client, rng
        listed = self._get("acceptor", "/cases?limit=50").json()["items"]
        self._cases = [case["id"] for case in listed] or [str(uuid.uuid4())]
        self._version = {case["id"]: case["version"] for case in listed}
        self._place = self._get("acceptor", "/extent").json()["centre"]

    def kinds(self) -> list[Callable[[], httpx.Request]]:
        """One maker for each kind of request; reports and moves, the ways in, count thrice."""
        return [
            *[self.report] * 3,
            *[self.move] * 3,
            self.ask,
            self.question,
            self.tile,
            self.cursor,
            self.raw,
            self.probe,
            self.photo,
            self.headers,
        ]

    def _get(self, role: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer as-{CAST[role]}"}
        return self._client.get(f"/api/v1{path}", headers=headers)

    def _as_somebody(self) -> dict[str, str]:
        role = self._rng.choice([*CAST, "", "acceptor", "grid_worker"])
        return {"Authorization": f"Bearer as-{CAST[role]}"} if role else {}

    def _request(self, method: str, path: str, **more: Any) -> httpx.Request:
        headers = self._as_somebody() | more.pop("headers", {})
        return self._client.build_request(method, f"/api/v1{path}", headers=headers, **more)

    def _json(self, method: str, path: str, body: object) -> httpx.Request:
        content = json.dumps(body).encode("utf-8", "surrogatepass")
        return self._request(method, path, content=content, headers={"Content-Type": "application/json"})

    def _mutated(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body with one to three of its values replaced, removed or joined by others."""
        changed = json.loads(json.dumps(body))
        for _ in range(self._rng.randint(0, 3)):
            holder = self._rng.choice([changed, *(v for v in changed.values() if isinstance(v, dict))])
            key = self._rng.choice([*holder, "extra", "__proto__", "id\u0000"]) if holder else "extra"
            if self._rng.random() < 0.15:
                holder.pop(key, None)
            else:
                holder[key] = self._rng.choice(WORDS)
        return changed

    def report(self) -> httpx.Request:
        """A report, nearly."""
        lon, lat = self._place
        now = datetime.now(UTC)
        body = {
            "id": str(uuid7(now, self._rng)),
            "category": "matter:06036",
            "description": "x",
            "source": "hotline_12345",
            "observed_at": (now - timedelta(minutes=5)).isoformat(),
            "photos": [],
            "position": {
                "lon": lon,
                "lat": lat,
                "datum": self._rng.choice(["wgs84", "gcj02", "bd09", "cgcs2000"]),
            },
            "self_handled": False,
        }
        return self._json("POST", "/reports", self._mutated(body))

    def _case(self) -> str:
        return self._rng.choice([*self._cases, str(uuid.UUID(int=self._rng.getrandbits(128)))])

    def move(self) -> httpx.Request:
        """A move, nearly."""
        case = self._case()
        action = self._rng.choice(
            [
                "accept",
                "reject",
                "file",
                "dispatch",
                "sign_for",
                "submit_result",
                "close",
                "merge",
                "rule",
                "reopen",
            ]
        )
        names = (
            "reason",
            "unit_code",
            "worker_id",
            "master_id",
            "photos",
            "result",
            "resume_on",
            "amount",
            "unit",
        )
        facts = {name: self._rng.choice(WORDS) for name in self._rng.sample(names, 3)}
        body = {
            "command_id": str(uuid.UUID(int=self._rng.getrandbits(128))),
            "action": action,
            "version": self._version.get(case, 1),
            "facts": facts,
        }
        return self._json("POST", f"/cases/{case}/actions", self._mutated(body))

    def ask(self) -> httpx.Request:
        """A request that waits for approval, or the approval, nearly."""
        case = self._case()
        if self._rng.random() < 0.3:
            body: dict[str, Any] = {"granted": True, "opinion": "x"}
            return self._json("POST", f"/requests/{case}/decision", self._mutated(body))
        facts = {name: self._rng.choice(WORDS) for name in ("reason", "amount", "unit", "resume_on")}
        body = {
            "id": str(uuid.uuid4()),
            "action": "extend",
            "version": self._version.get(case, 1),
            "facts": facts,
        }
        return self._json("POST", f"/cases/{case}/requests", self._mutated(body))

    def question(self) -> httpx.Request:
        """A question with odd values."""
        path, names = self._rng.choice(
            [
                ("/cases", ["state", "cell", "category", "mine", "limit", "cursor", "updated_after"]),
                ("/heat", ["resolution", "since", "until", "state"]),
                ("/cells", ["plan", "on"]),
                ("/cells/at", ["lon", "lat", "datum", "on"]),
                ("/categories", ["on"]),
                (f"/cases/{self._word(100)}", ["x"]),
                (f"/photos/{self._word(100)}", ["x"]),
            ]
        )
        chosen = self._rng.sample(names, self._rng.randint(1, min(3, len(names))))
        values = "&".join(
            f"{n}={quote(str(self._rng.choice(WORDS))[:2000].encode('utf-8', 'replace'), safe='%')}"
            for n in chosen
        )
        return self._request("GET", f"{path}?{values}")

    def _word(self, longest: int) -> str:
        """Any of the words as a part of an address; some keep their percent signs."""
        word = str(self._rng.choice(WORDS))[:longest].encode("utf-8", "replace")
        return quote(word, safe=self._rng.choice(["", "%"]))

    def tile(self) -> httpx.Request:
        """A tile that is hardly one."""
        numbers = [
            *range(-2, 24),
            2**20,
            2**31,
            2**63,
            10**30,
            "1.5",
            "x",
            "%00",
            "0x1",
            "１",
            "-0",
            "+1",
            "1e3",
            "",
        ]
        z, x, y = (self._rng.choice(numbers) for _ in range(3))
        layer = self._rng.choice(
            ["cells", "communities", "blocks", "roads", "buildings", "x' or 1=1", "cells%00"]
        )
        return self._request("GET", f"/tiles/{quote(layer, safe='%')}/{z}/{x}/{y}.mvt")

    def cursor(self) -> httpx.Request:
        """A cursor that was made elsewhere."""
        inside = self._rng.choice(
            [
                b"x",
                b"[]",
                b"{}",
                b"[1,2]",
                b'["2026-11-23T08:00:00Z","x"]',
                b'["9999-12-31T23:59:59+00:00",1]',
                json.dumps([self._rng.choice(WORDS), str(uuid.uuid4())]).encode("utf-8", "surrogatepass"),
                json.dumps(["0001-01-01T00:00:00+14:00", str(uuid.uuid4())]).encode(),
                b"[" * 80,
            ]
        )
        return self._request("GET", f"/cases?cursor={quote(base64.urlsafe_b64encode(inside)[:200])}")

    def raw(self) -> httpx.Request:
        """A body that is no request at all."""
        path = self._rng.choice(["/reports", "/demo/sign-in", f"/cases/{self._case()}/actions"])
        kind = self._rng.choice(
            ["application/json", "text/plain", "multipart/form-data", "application/xml", "x"]
        )
        return self._request("POST", path, content=self._rng.choice(RAW), headers={"Content-Type": kind})

    def probe(self) -> httpx.Request:
        """Geometry made to be expensive, in the place of anything."""
        content = probe(self._rng.choice(list(PROBES)))[:900_000]
        path = self._rng.choice(["/reports", f"/cases/{self._case()}/actions"])
        if self._rng.random() < 0.5:
            return self._request("POST", path, content=content, headers={"Content-Type": "application/json"})
        inside = content[:20_000].decode("latin-1")
        body = {
            "command_id": str(uuid.uuid4()),
            "action": "reject",
            "version": 1,
            "facts": {"reason": inside},
        }
        return self._json("POST", path, body)

    def photo(self) -> httpx.Request:
        """Bytes that are no photo."""
        digest = f"{self._rng.getrandbits(256):064x}"
        kind = self._rng.choice(["image/jpeg", "image/png", "image/svg+xml", "text/html", ""])
        return self._request(
            "PUT", f"/photos/{digest}", content=self._rng.choice(RAW), headers={"Content-Type": kind}
        )

    def headers(self) -> httpx.Request:
        """A head that nobody sends."""
        name = self._rng.choice(
            [
                "Authorization",
                "Cookie",
                "X-Request-Id",
                "Last-Event-ID",
                "If-None-Match",
                "Origin",
                "Host",
                "Content-Encoding",
                "X-Forwarded-For",
                "Range",
                "Accept",
                "Sec-Fetch-Site",
            ]
        )
        value = self._rng.choice(
            [b"", b"\xff" * 50, b"x" * 9_000, b"Bearer", b"Bearer \xe9", b"%00", b"0", b"a=b; c"]
        )
        path = self._rng.choice(["/me", "/board", "/stream", "/extent", "/tiles/cells/14/13542/6237.mvt"])
        ordinary = [(k.encode(), v.encode()) for k, v in self._as_somebody().items()]
        given = [*(pair for pair in ordinary if pair[0] != name.encode()), (name.encode(), value)]
        return self._client.build_request("GET", f"/api/v1{path}", headers=given)


_POST = b"POST /api/v1/reports HTTP/1.1\r\nHost: x\r\n"
_WIRE = (
    b"GET /api/v1/me HTTP/1.1\r\n\r\n",
    b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    _POST + b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n",
    _POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    b"GET /api/v1/me HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nA\x00: b\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%zz%f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
)


def _on_the_wire(target: Target, grown: Grown) -> Iterator[str]:
    """What no client library sends: half requests, two lengths, another protocol."""
    address = urlsplit(target.base_url)
    for said in _WIRE:
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as wire:
            wire.sendall(said)
            wire.shutdown(socket.SHUT_WR)
            try:
                answered = wire.recv(4096)
            except OSError:
                answered = b""
        grown.sent += 1
        if b" 5" in answered[:14]:
            yield f"{said[:60]!r} {answered[:60]!r}"
