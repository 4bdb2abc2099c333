"""Clients that remember what they were told, and what they were not.

Three classes: ``ok`` was acknowledged, ``refused`` was answered with a reason, all else is ``unknown``:
no answer, a broken one, or 503. What is unknown may have happened once or not at all, never twice; a client
sends it again under the same id until it knows, except the few it gives up, as a phone does that falls into
water.
"""

import asyncio
import hashlib
import io
import random
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from PIL import Image

from gridmgmt.demo.play import uuid7

CATEGORY = "matter:06036"
_LONGEST_S = 30.0
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_GIVES_UP = 0.04
_SIGNS = 0.4


@dataclass(slots=True)
class Entry:
    """One thing that a client did, by its id: what became of it, and how often it was sent."""

    kind: str
    outcome: str = "unknown"
    sent: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Ledger:
    """Everything that all clients did in a run."""

    entries: dict[str, Entry] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    hangs: int = 0
    faults: list[str] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    """Delivery numbers that the listener to the stream received, in order."""
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each report that is acknowledged."""

    def of(self, kind: str, outcome: str) -> dict[str, Entry]:
        """Entries of a kind with an outcome."""
        return {k: e for k, e in self.entries.items() if (e.kind, e.outcome) == (kind, outcome)}

    async def next_acknowledgements(self, count: int) -> None:
        """Wait until so many more reports were acknowledged."""
        for _ in range(count):
            self.acknowledged.clear()
            await self.acknowledged.wait()

    def count(self) -> dict[str, int]:
        """How many of each kind and outcome."""
        return dict(sorted(Counter(f"{e.kind} {e.outcome}" for e in self.entries.values()).items()))


def in_letters(key: str) -> str:
    """An id as letters: eleven digits in a row would be masked like the number of a telephone."""
    return key.translate(_LETTERS)


class Client:
    """A person at a device."""

    def __init__(self, base_url: str, facts: Mapping[str, Any], ledger: Ledger, rng: random.Random) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_LONGEST_S, trust_env=False)
        self._facts, self._ledger, self._rng = facts, ledger, rng
        self._token: str | None = None
        self.stopping = asyncio.Event()

    async def close(self) -> None:
        """Put the device away."""
        await self._http.aclose()

    async def ask(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """One request; None when there was no answer, or none that says whether it was carried out."""
        try:
            if self._token is None:
                body = {"person_id": self._facts["id"]}
                signed = await self._http.post("/api/v1/demo/sign-in", json=body)
                self._note(signed, "sign-in")
                self._http.cookies.clear()
                if signed.status_code != 200:
                    return None
                self._token = signed.cookies["gridmgmt_session"]
            headers = {"Authorization": f"Bearer {self._token}", **request.pop("headers", {})}
            answer = await self._http.request(method, f"/api/v1{path}", headers=headers, **request)
        except httpx.TimeoutException:
            self._ledger.hangs += 1
            return None
        except httpx.HTTPError:
            return None
        self._note(answer, path)
        if answer.status_code == 401:
            self._token = None
            return None
        return answer if answer.status_code < 500 else None

    def _note(self, answer: httpx.Response, path: str) -> None:
        self._ledger.statuses[answer.status_code] += 1
        if answer.status_code == 500:
            self._ledger.faults.append(f"500 {path} {answer.text[:200]}")

    async def do(
        self, key: str, kind: str, method: str, path: str, /, **request: Any
    ) -> httpx.Response | None:
        """Do a thing until it is known what became of it; the answer, or None when it was given up."""
        entry = self._ledger.entries.setdefault(key, Entry(kind))
        pause_s = 0.05
        while True:
            entry.sent += 1
            answer = await self.ask(method, path, **request)
            if answer is not None:
                good = answer.status_code in {200, 201}
                entry.outcome = "ok" if good else "refused"
                entry.facts = answer.json()
                if good and kind == "report":
                    self._ledger.acknowledged.set()
                return answer if good else None
            if self._rng.random() < _GIVES_UP:
                return None
            pause_s = min(1.0, pause_s * 2) * self._rng.uniform(0.5, 1.0)
            await asyncio.sleep(pause_s)

    async def photo(self) -> str | None:
        """Upload a photo of its own; its digest once it is stored."""
        buffer = io.BytesIO()
        Image.new("RGB", (16, 8), (1, 2, 3)).save(buffer, "JPEG", comment=uuid.uuid4().bytes.hex().encode())
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        stored = await self.do(
            digest,
            "photo",
            "PUT",
            f"/photos/{digest}",
            content=content,
            headers={"Content-Type": "image/jpeg"},
        )
        return digest if stored else None

    async def report(self, place: Mapping[str, float], photo: str) -> Mapping[str, Any] | None:
        """File a report; what the server made of it."""
        now = datetime.now(UTC)
        key = str(uuid7(now, self._rng))
        body = {
            "id": key,
            "category": CATEGORY,
            "description": f"楼道堆物 {in_letters(key)}",
            "position": {**place, "datum": "wgs84", "accuracy_m": 8.0},
            # Long enough ago for a server whose clock goes wrong by two hours.
            "observed_at": (now - timedelta(hours=5)).isoformat(),
            "photos": [photo],
        }
        answer = await self.do(key, "report", "POST", "/reports", json=body)
        return answer.json() if answer else None

    async def keep_reporting(self, cells: Mapping[str, list[dict[str, float]]], pause_s: float) -> None:
        """Report from one's own cells, and sign for what comes back, until told to stop."""
        places = [place for code in self._facts["cell_codes"] for place in cells[code]]
        photo = None
        while not self.stopping.is_set():
            if photo is None or self._rng.random() < 0.3:
                photo = await self.photo() or photo
            told = await self.report(self._rng.choice(places), photo) if photo else None
            if told and self._rng.random() < _SIGNS:
                await self.sign_for(told["case_id"])
            await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.5))

    async def sign_for(self, case_id: str) -> None:
        """Sign for a case that was dispatched to this person, if it was."""
        shown = await self.ask("GET", f"/cases/{case_id}")
        if shown is None or shown.status_code != 200:
            return
        case = shown.json()
        if case["state"] == "handling" and case["worker_id"] == self._facts["id"]:
            command = str(uuid.uuid4())
            body = {"command_id": command, "action": "sign_for", "version": case["version"], "facts": {}}
            await self.do(command, "move", "POST", f"/cases/{case_id}/actions", json=body)

    async def keep_listening(self) -> None:
        """Listen to the stream, going on after the last number heard, until told to stop."""
        while not self.stopping.is_set():
            if await self.ask("GET", "/me") is None:
                await asyncio.sleep(0.2)
                continue
            headers = {"Authorization": f"Bearer {self._token}"}
            if self._ledger.heard:
                headers["Last-Event-ID"] = str(self._ledger.heard[-1])
            try:
                async with self._http.stream(
                    "GET", "/api/v1/stream", headers=headers, timeout=20.0
                ) as stream:
                    async for line in stream.aiter_lines():
                        if line.startswith("id: "):
                            self._ledger.heard.append(int(line[4:]))
                        if self.stopping.is_set():
                            return
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
