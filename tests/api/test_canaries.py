"""Fifty numbers are sent wherever something can be sent, and found nowhere but where they may be.

Mobile and identity numbers that belong to nobody go through reports, moves, requests, reveals, exports,
holds, searches, mistakes and a fault of our own. Then the database, the logs, the events, the files and
every answer are searched for them. They may stand in two kinds of answer: a contact revealed, and an
export taken away, each with a purpose.
"""

import io
import itertools
import json
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gridmgmt import worker as background
from gridmgmt.cli.console import configure_logging
from gridmgmt.domain.personal import identity_check
from gridmgmt.keeping import Keeping
from gridmgmt.services import reading
from tests.api.client import Person, Server
from tests.builders_privacy import dump
from tests.builders_street import SORTING

PHONES = [f"1990000{n:04}" for n in range(4321, 4346)]
IDENTITIES = [(first := f"99000019000101{n:03}") + identity_check(first) for n in range(25)]
CANARIES = PHONES + IDENTITIES
MAY_CARRY = ("/reveal", "/file")


class Planter:
    """Hands out canaries round about, and keeps every answer."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[tuple[str, str]] = []
        self._phones, self._all = itertools.cycle(PHONES), itertools.cycle(CANARIES)
        self.sent: set[str] = set()
        server.forget()
        server.client = self._listened(server.client)

    def person(self, login: str) -> Person:
        """Somebody signed in whose answers are kept."""
        person = self.server.person(login).step_up()
        self._listened(person.http)
        return person

    def _listened(self, client: httpx.Client) -> httpx.Client:
        def keep(response: httpx.Response) -> None:
            if "event-stream" not in response.headers.get("content-type", ""):
                response.read()
                self.answers.append((response.request.url.path, f"{response.headers!r} {response.text}"))

        client.event_hooks = {"response": [keep]}
        return client

    def canary(self, among: Iterator[str] | None = None) -> str:
        """The next one."""
        given = next(among or self._all)
        self.sent.add(given)
        return given

    @property
    def phone(self) -> str:
        """The next telephone number."""
        return self.canary(self._phones)

    @property
    def text(self) -> str:
        """A sentence with the next canary."""
        return f"情况说明 {self.canary()} 请处理"


@pytest.fixture(scope="module")
def log(server: Server) -> Iterator[io.StringIO]:
    """Everything that is logged from now on, in the very words of the log; a server sets up its own first."""
    kept, before = io.StringIO(), sys.stderr
    sys.stderr = kept
    try:
        configure_logging("debug")
    finally:
        sys.stderr = before
    yield kept
    configure_logging("error")


@pytest.fixture(scope="module")
def planted(server: Server, log: io.StringIO, directory: Path) -> Planter:
    """Everything is sent once; each test looks in one place."""
    plant = Planter(server)
    for _ in range(5):
        _reports_and_moves(plant)
    _exports(plant)
    _holds_and_erasure(plant)
    _mistakes(plant)
    _fault_of_ours(plant)
    return plant


def _report(plant: Planter, **over: Any) -> dict[str, Any]:
    worker, acceptor = plant.person("demo-worker-001"), plant.person("demo-acceptor")
    contact = {"name": plant.text[:40], "phone": plant.phone}
    draft = {"source": "hotline_12345", "contact": contact, "description": plant.text, "category": SORTING}
    answer = acceptor.post("/reports", acceptor.draft(**draft | over, position=worker.draft()["position"]))
    assert answer.status_code == 201, answer.text
    return acceptor.get(f"/cases/{answer.json()['case_id']}").json()


def _reports_and_moves(plant: Planter) -> None:
    worker, shift = plant.person("demo-worker-001"), plant.person("demo-shift")
    dispatcher, acceptor = plant.person("demo-dispatcher"), plant.person("demo-acceptor")
    patrol = worker.report(category=SORTING, description=plant.text)
    asked = dispatcher.ask(patrol, "void", reason=plant.text, extra={"deep": [plant.text]}).json()
    shift.post(f"/requests/{asked['id']}/decision", {"granted": False, "opinion": plant.text})
    dispatcher.moved(patrol, "dispatch", unit_code="HZD-06", remark=plant.text)
    case = _report(plant)
    acceptor.act(case, "reject", reason=plant.text)
    acceptor.act(case, "accept", remark=plant.text)
    body = {"id": str(uuid.uuid4()), "purpose": "callback", "note": plant.text}
    assert acceptor.post(f"/cases/{case['id']}/reveal", body).status_code == 200
    acceptor.post("/contacts/cases", {"phone": plant.phone})
    shift.get(f"/cases/{case['id']}")
    shift.get("/cases")
    shift.get("/board")


def _exports(plant: Planter) -> None:
    shift, director = plant.person("demo-shift"), plant.person("demo-director")
    keeping = _keeping(plant)
    fields = ["number", "description", "contact_name", "contact_phone", "lon", "lat"]
    for kind in ("csv", "geojson", "gpkg"):
        wanted = {
            "id": str(uuid.uuid4()),
            "purpose": "legal",
            "note": plant.text,
            "format": kind,
            "fields": fields,
        }
        assert shift.post("/exports", wanted).status_code == 202
        director.post(f"/exports/{wanted['id']}/decision", {"granted": True, "opinion": plant.text})
        keeping(plant.server.engine, plant.server.clock.at)
        taken = shift.post(f"/exports/{wanted['id']}/file", {"purpose": "legal"})
        assert taken.status_code == 200
        assert any(canary.encode() in taken.content for canary in CANARIES)
        shift.get("/exports")


def _keeping(plant: Planter) -> Keeping:
    parts = plant.server.app.state.parts
    tiles = parts.settings.tile_store(parts.settings.home)
    return Keeping(parts.keys, parts.export_files, tiles, most_rows=100)


def _holds_and_erasure(plant: Planter) -> None:
    director, case = plant.person("demo-director"), _report(plant)
    hold = {"id": str(uuid.uuid4()), "document_no": "津检〔2026〕1号", "reason": plant.text}
    assert director.post(f"/cases/{case['id']}/holds", hold).status_code == 201
    assert director.post(f"/cases/{case['id']}/erasure", {"note": plant.text}).status_code == 409
    director.get("/holds")
    background.turn(plant.server.engine, plant.server.clock.at + timedelta(days=9), sweep=True)


def _mistakes(plant: Planter) -> None:
    worker, canary = plant.person("demo-worker-001"), plant.canary
    worker.post("/reports", worker.draft(category=canary()))
    worker.post("/reports", worker.draft(description=plant.text, observed_at=canary()))
    worker.post("/reports", worker.draft(source="window", contact={"phone": canary() + "x"}))
    worker.post("/reports", worker.draft(**{canary(): canary()}))
    worker.post("/reports", worker.draft(contact={"phone": plant.phone}))
    worker.post("/contacts/cases", {"phone": plant.phone})
    for path in ("/cases/{}", "/photos/{}", "/reports/{}", "/nothing/{}", "/tiles/{}/1/2/3.mvt"):
        worker.get(path.format(canary()))
    worker.get("/cases", cursor=canary(), category=canary())
    worker.get("/cells", plan=canary(), on=canary())
    worker.http.post(
        "/api/v1/reports", content=f'{{"id": "{canary()}", ', headers={"Content-Type": "application/json"}
    )
    plant.server.client.post("/api/v1/demo/sign-in", json={"person_id": canary()})
    plant.server.client.get("/api/v1/cases", headers={"Authorization": f"Bearer {canary()}"})


def _fault_of_ours(plant: Planter) -> None:
    worker, patch = plant.person("demo-worker-001"), pytest.MonkeyPatch()

    def broken(*_: object) -> None:
        raise RuntimeError(f"could not read {plant.text}")

    def broken_statement(db: Any, *_: object) -> None:
        from sqlalchemy import text  # noqa: PLC0415

        db.execute(text("select 1 / 0 where :number <> ''"), {"number": plant.phone})

    case = worker.report()
    for fault in (broken, broken_statement):
        with patch.context() as patched:
            patched.setattr(reading, "case_detail", fault)
            assert worker.get(f"/cases/{case['id']}").status_code == 500


def found_in(text: str) -> list[str]:
    plain = text.replace(" ", "").replace("-", "")
    return [canary for canary in CANARIES if canary in plain]


def test_all_fifty_were_sent(planted: Planter) -> None:
    assert 50 == len(planted.sent)
    assert len(planted.answers) > 80


def test_none_is_in_the_database(planted: Planter, server: Server) -> None:
    with server.engine.connect() as db:
        kept = dump(db)
    assert "199****43" in kept, "short they are there"
    assert [] == found_in(kept)


def test_none_is_in_an_answer_but_those_that_may_carry_it(planted: Planter) -> None:
    carrying = {path for path, text in planted.answers if found_in(text)}
    assert [] == [path for path in carrying if not path.endswith(MAY_CARRY)]
    assert carrying, "revealed and taken away they are in full"


def test_none_is_in_the_log(planted: Planter, log: io.StringIO) -> None:
    lines = log.getvalue().splitlines()
    assert [] == [line for line in lines if found_in(line)]
    events = [json.loads(line)["event"] for line in lines]
    assert 2 == events.count("unexpected_error"), "the faults of ours are there"


def test_none_is_in_an_event(planted: Planter, server: Server) -> None:
    import threading  # noqa: PLC0415

    background.turn(server.engine, server.clock.at, sweep=False)
    shift, seen = server.person("demo-shift"), []
    with shift.http.stream("GET", "/api/v1/stream", headers={"Last-Event-ID": "0"}) as answer:
        lines = answer.iter_lines()
        stop = threading.Event()
        for line in lines:
            seen.append(line)
            if len([x for x in seen if x.startswith("data:")]) >= 20 or stop.is_set():
                break
    assert [] == found_in("\n".join(seen))


def test_none_is_in_a_file_of_the_installation(planted: Planter, directory: Path) -> None:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert [path for path in files if "exports" in path.parts]
    wrong = [path for path in files for canary in CANARIES if canary.encode() in path.read_bytes()]
    assert [] == wrong
