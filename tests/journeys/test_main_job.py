"""The main job on the real thing: from roads to a closed case, and what was acknowledged stays."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
import pytest
from shapely.geometry import shape

from gridmgmt.demo.client import DemoClient, Person
from gridmgmt.demo.play import Cast, Day
from gridmgmt.domain.org import Role
from gridmgmt.geo.crs import LonLat
from tests.builders_street import inner_point, make_uuid7
from tests.journeys.installation import Installation
from tests.storage.test_tiles import tile_of

REFUSE, CLEANING = "matter:06010", "HZD-06"


@pytest.fixture(scope="module")
def installation(own_empty_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(own_empty_url, tmp_path_factory.mktemp("home"))
    made.run("demo", "load")
    made.start()
    yield made
    made.stop()


class Reporting:
    """A phone that sends report after report until it is told to stop, and remembers every answer."""

    def __init__(self, base_url: str, worker: Person, place: dict[str, float], photo: str) -> None:
        self.base_url, self.worker, self.place, self.photo = base_url, worker, place, photo
        self.sent: list[dict[str, Any]] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.under_way = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)

    def draft(self) -> dict[str, Any]:
        return {
            "id": str(make_uuid7(len(self.sent) + (uuid.uuid4().int & 0xFFFF_0000))),
            "category": REFUSE,
            "description": "垃圾桶旁暴露垃圾",
            "position": {**self.place, "datum": "wgs84", "accuracy_m": 9.0},
            "observed_at": (datetime.now(UTC) - timedelta(minutes=3)).isoformat(),
            "photos": [self.photo],
        }

    def _work(self) -> None:
        with httpx.Client(base_url=self.base_url, headers=self.worker.headers, timeout=10) as phone:
            while True:
                self.sent.append(self.draft())
                try:
                    answer = phone.post("/api/v1/reports", json=self.sent[-1])
                except httpx.TransportError:
                    return  # the server is gone
                if answer.status_code == 201:
                    self.acknowledged[answer.json()["id"]] = answer.json()
                if len(self.acknowledged) >= 20:
                    self.under_way.set()


def outbox_of(health: dict[str, Any]) -> dict[str, Any]:
    """What the administrator sees of the outbox."""
    return next(c["seen"] for c in health["checks"] if c["name"] == "outbox")


def events(base_url: str, person: Person, until: int) -> list[dict[str, Any]]:
    """All events of the stream from the first one up to a number, or until nothing more comes.

    The last one of all may be about somebody's inbox, which others do not hear of.
    """
    found: list[dict[str, Any]] = []
    headers = person.headers | {"Last-Event-ID": "0"}
    with httpx.stream("GET", f"{base_url}/api/v1/stream", headers=headers, timeout=20) as answer:
        number = 0
        for line in answer.iter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                found.append(json.loads(line[6:]) | {"id": number})
                if number >= until:
                    return found
            elif line.startswith(":"):
                return found
    raise AssertionError("the stream ended")


def test_the_main_job_from_plan_to_closed_case_survives_a_kill(installation: Installation) -> None:
    with DemoClient(installation.base_url) as client:
        cast = Cast(client)
        centre = cast.desk(Role.SHIFT_LEADER)
        cell = largest_duty_grid(client, centre)
        code = cell["properties"]["code"]
        worker = cast.worker_of(code)
        place = dict(zip(("lon", "lat"), inner_point(shape(cell["geometry"])), strict=True))
        photo = Day(client, seed=1, now=datetime.now(UTC)).photo(worker, "before")
        phone = Reporting(installation.base_url, worker, place, photo)
        case = report_that_was_routed(client, centre, phone, code)
        handler = cast.handler_of(case)
        case = client.act(handler, case, "sign_for")

        with phone:
            assert phone.under_way.wait(60)
            installation.kill()
        installation.start()
        assert client.get(handler, f"/cases/{case['id']}") == case, "exactly as it was acknowledged"
        for number, (report_id, answer) in enumerate(phone.acknowledged.items()):
            assert client.get(worker, f"/reports/{report_id}") == answer, number
        again = client.post(worker, "/reports", phone.sent[-1])
        assert again["id"] == phone.sent[-1]["id"], "what was not acknowledged is sent again and taken once"

        case = rest_of_the_loop(client, cast, case)
        played = Day(client, seed=7, now=datetime.now(UTC)).play(12, lambda _: None)
        assert (played.reports, played.closed >= 1) == (12, True)
        check_the_centre(installation, client, centre, case, {*phone.acknowledged, again["id"]})
    assert "its data are kept" in installation.run("demo", "load"), "a second start changes nothing"


def largest_duty_grid(client: DemoClient, centre: Person) -> dict[str, Any]:
    """One of the cells of the published plan, which are nested in communities and bear standard codes."""
    (plan,) = client.get(centre, "/plans")["items"]
    cells = client.get(centre, "/cells")["features"]
    assert (plan["status"], plan["synthetic"], plan["cells"]) == ("published", True, len(cells))
    assert len(cells) >= 100
    for properties in (c["properties"] for c in cells):
        assert len(properties["code"]) == 15
        assert properties["code"].startswith(properties["community_code"])
    duty = (c for c in cells if c["properties"]["kind"] == "duty")
    return max(duty, key=lambda c: c["properties"]["area_m2"])


def report_that_was_routed(client: DemoClient, centre: Person, phone: Reporting, code: str) -> dict[str, Any]:
    """A report found its cell and unit, a deadline runs, and an illegal step is refused by name."""
    told = client.post(phone.worker, "/reports", phone.draft())
    assert told["cell_code"] == code
    assert (told["state"], told["routing"]["unit_code"]) == ("handling", CLEANING)
    case: dict[str, Any] = client.get(phone.worker, f"/cases/{told['case_id']}")
    assert case["routing"]["trace"][-1]["matched"]
    assert case["due_at"] > case["reported_at"]
    close = {"command_id": str(uuid.uuid4()), "action": "close", "version": case["version"], "facts": {}}
    refused = client.refused(centre, f"/cases/{case['id']}/actions", close)
    assert (refused["code"], refused["facts"]["state"]) == ("illegal_action", "handling")
    return case


def rest_of_the_loop(client: DemoClient, cast: Cast, case: dict[str, Any]) -> dict[str, Any]:
    """Result, verification by another person, closure by a third."""
    handler = cast.handler_of(case)
    after = Day(client, seed=2, now=datetime.now(UTC)).photo(handler, "after")
    case = client.act(handler, case, "submit_result", result="已清理", photos=[after])
    case = client.act(cast.leader_of(case["cell_code"]), case, "pass_verification", opinion="现场已恢复")
    case = client.act(cast.desk(Role.SHIFT_LEADER), case, "close")
    assert case["state"] == "closed"
    assert [h["action"] for h in case["history"]] == [
        "report", "accept", "file", "dispatch", "sign_for", "submit_result", "pass_verification", "close",
    ]  # fmt: skip
    acted = {h["action"]: h["actor_id"] for h in case["history"]}
    assert len({acted[a] for a in ("submit_result", "pass_verification", "close")}) == 3
    return case


def check_the_centre(
    installation: Installation, client: DemoClient, centre: Person, case: dict[str, Any], reported: set[str]
) -> None:
    """Board, heat, tiles and stream agree with what was done."""
    listed, cursor = [], None
    while True:
        page = client.get(centre, "/cases", limit=200, **({"cursor": cursor} if cursor else {}))
        listed += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    ids = [row["id"] for row in listed]
    assert len(ids) == len(set(ids))
    assert {*reported, case["id"]} <= set(ids)
    assert len(ids) == 1 + len(reported) + 12
    board = client.get(centre, "/board")
    assert sum(row["count"] for row in board["states"]) == len(ids)
    assert board["totals"]["closed"] == sum(row["state"] == "closed" for row in listed)
    heat = client.get(centre, "/heat", resolution=10)
    assert heat["total"] == len(ids)
    point = case["position"]
    for layer in ("cells", "blocks", "roads", "buildings", "communities"):
        address = "/".join(str(n) for n in tile_of(LonLat(point["lon"], point["lat"]), 15))
        tile = httpx.get(
            f"{installation.base_url}/api/v1/tiles/{layer}/{address}.mvt", headers=centre.headers
        )
        assert tile.status_code in {200, 204}, layer
        assert layer not in {"cells", "communities"} or layer.encode() in tile.content
    written = sum(len(client.get(centre, f"/cases/{one}")["history"]) for one in ids)
    admin = Cast(client).desk(Role.ADMINISTRATOR)
    while outbox_of(client.get(admin, "/health"))["waiting"]:
        pass
    heard = events(installation.base_url, centre, client.get(centre, "/board")["last_event_id"])
    numbers = [e["id"] for e in heard]
    assert numbers == sorted(set(numbers)), "each once, in the order of delivery"
    assert len(heard) >= 1 + written
    kinds = [e["kind"] for e in heard if e["case_id"] == case["id"]]
    assert kinds[0] == "report_received"
    assert kinds[-1] == "case_closed"
    assert {e["case_id"] for e in heard} >= set(ids)
    assert heard[0]["kind"] == "plan_published"
