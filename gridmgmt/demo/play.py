"""Play a day of synthetic reports through the whole loop over HTTP, seconds instead of hours.

The server's clock rules, so every case is reported "now"; only the time of observation is spread over
the day before. Each case goes a drawn number of steps, so that afterwards every desk has work. The
same seed draws the same day; ids are drawn too, so playing a day twice replays it harmlessly.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from gridmgmt.demo.client import DemoClient, Person
from gridmgmt.demo.photos import draw_photo
from gridmgmt.domain.org import Role

# Classes a grid worker meets daily, with how often (drawn, not measured) and what he writes.
TYPICAL: tuple[tuple[str, int, str], ...] = (
    ("matter:09009", 14, "机动车停放占用人行道"),
    ("matter:09010", 9, "共享单车旁非机动车乱停放"),
    ("matter:06036", 12, "楼道口堆放杂物"),
    ("matter:06010", 10, "垃圾桶旁暴露垃圾"),
    ("matter:06012", 9, "路面有污渍落叶"),
    ("matter:09006", 8, "占道经营影响通行"),
    ("matter:09005", 6, "店外摆放商品"),
    ("matter:07001", 7, "墙面张贴小广告"),
    ("matter:06041", 6, "垃圾未分类投放"),
    ("matter:06035", 4, "废弃沙发堆放在楼下"),
    ("matter:01003", 3, "雨水井盖破损"),
    ("matter:01037", 3, "路灯不亮"),
    ("matter:06013", 3, "路面坑洼"),
    ("matter:09012", 3, "消防通道被车辆占用"),
    ("matter:06001", 2, "楼顶搭建彩钢房"),
    ("matter:06028", 2, "夜间施工噪声扰民"),
    ("matter:04013", 2, "绿地踩踏裸露"),
    ("matter:10002", 2, "架空线缆下垂"),
)
_STEPS_AT_MOST = 12
_HOTLINE_SHARE, _SELF_SHARE, _REWORK_SHARE, _REJECT_SHARE, _EXTEND_SHARE = 0.12, 0.06, 0.10, 0.03, 0.06
# How many of the cases are played to their end; the others stop on the way, at some desk.
_FINISHED_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class Played:
    """What a played day came to."""

    reports: int
    moves: int
    closed: int


class Cast:
    """The demo's people by part."""

    def __init__(self, client: DemoClient) -> None:
        self._client = client
        people = client.people()
        self._by_id = {p["id"]: p for p in people}
        self._by_role = {role: [p for p in people if role in p["roles"]] for role in Role}
        self._by_unit = {p["unit_code"]: p for p in people if p["unit_code"]}
        self._workers = {p["cell_codes"][0]: p for p in people if len(p["cell_codes"]) == 1}
        self._leaders = {cell: p for p in people if len(p["cell_codes"]) > 1 for cell in p["cell_codes"]}

    def desk(self, role: Role) -> Person:
        """The one person at a desk."""
        return self._client.sign_in(self._by_role[role][0])

    def worker_of(self, cell_code: str) -> Person:
        """The grid worker of a cell; its leader where a cell has none of its own."""
        return self._client.sign_in(self._workers.get(cell_code) or self._leaders[cell_code])

    def leader_of(self, cell_code: str) -> Person:
        """The grid leader of a cell."""
        return self._client.sign_in(self._leaders[cell_code])

    def handler_of(self, case: Mapping[str, Any]) -> Person:
        """Whoever handles this case: the assigned worker, else the unit's own person."""
        facts = self._by_id.get(case["worker_id"] or "") or self._by_unit[case["unit_code"]]
        return self._client.sign_in(facts)


class Day:
    """One day of reports.

    Parameters
    ----------
    now : end of the day that observations are spread over.
    """

    def __init__(self, client: DemoClient, seed: int, now: datetime) -> None:
        self._client = client
        self._rng = random.Random(seed)  # noqa: S311  a drawn day, not a secret
        self._now = now
        self._cast = Cast(client)
        features = client.get(self._cast.desk(Role.SHIFT_LEADER), "/cells")["features"]
        self._cells = [(f["properties"], shape(f["geometry"])) for f in features]
        self._weights = [max(40, p["households"]) for p, _ in self._cells]
        self._moves = 0

    def play(self, reports: int, tell: Callable[[int], None]) -> Played:
        """Play this many reports; ``tell`` hears how many are done."""
        closed = 0
        for done in range(1, reports + 1):
            case = self.report()
            steps = _STEPS_AT_MOST if self._rng.random() < _FINISHED_SHARE else self._rng.randrange(4)
            for _ in range(steps):
                moved = self._next(case)
                if moved is None:
                    break
                case = moved
                self._moves += 1
            closed += case["state"] == "closed"
            tell(done)
        return Played(reports, self._moves, closed)

    def report(self) -> dict[str, Any]:
        """File one report as the worker of a drawn cell, or as the hotline's acceptor; the case."""
        rng = self._rng
        cell, polygon = rng.choices(self._cells, self._weights)[0]
        category, _, text = rng.choices(TYPICAL, [w for _, w, _ in TYPICAL])[0]
        hotline = rng.random() < _HOTLINE_SHARE
        self_handled = not hotline and category in _MINOR and rng.random() < _SELF_SHARE
        who = self._cast.desk(Role.ACCEPTOR) if hotline else self._cast.worker_of(cell["code"])
        point = random_point(polygon, rng)
        body = {
            "id": str(uuid7(self._now, rng)),
            "category": category,
            "description": text,
            "source": "hotline_12345" if hotline else "patrol",
            "position": {"lon": point.x, "lat": point.y, "datum": "wgs84", "accuracy_m": rng.uniform(4, 25)},
            "observed_at": (self._now - timedelta(minutes=rng.uniform(2, 600))).isoformat(),
            "photos": [] if hotline else [self.photo(who, category) for _ in range(2 if self_handled else 1)],
            "self_handled": self_handled,
        }
        answer = self._client.post(who, "/reports", body)
        case: dict[str, Any] = self._client.get(who, f"/cases/{answer['case_id']}")
        return case

    def photo(self, who: Person, caption: str) -> str:
        """Draw a photo and upload it; its digest."""
        drawn = draw_photo(self._rng, caption)
        self._client.put_photo(who, drawn.sha256, drawn.content)
        return drawn.sha256

    def _next(self, case: dict[str, Any]) -> dict[str, Any] | None:
        """The case after its next desk, or None at an end."""
        step = getattr(self, f"_from_{case['state']}", None)
        return step(case) if step else None

    def _from_reported(self, case: dict[str, Any]) -> dict[str, Any]:
        acceptor, act = self._cast.desk(Role.ACCEPTOR), self._client.act
        if case["source"] != "patrol" and not _has(case, "confirm"):
            worker = self._cast.worker_of(case["cell_code"])
            case = act(acceptor, case, "ask_confirmation", worker_id=worker.id)
            return act(worker, case, "confirm", found="yes", opinion="现场属实")
        if self._rng.random() < _REJECT_SHARE:
            return act(acceptor, case, "reject", reason="现场已恢复，不予受理并已说明")
        return act(acceptor, case, "accept")

    def _from_self_handled(self, case: dict[str, Any]) -> dict[str, Any]:
        return self._client.act(self._cast.desk(Role.SHIFT_LEADER), case, "approve_self_handling")

    def _from_accepted(self, case: dict[str, Any]) -> dict[str, Any] | None:
        if not case["duty"]["allowed"] and case["duty"]["role"] == "off_list":
            return None
        return self._client.act(self._cast.desk(Role.SHIFT_LEADER), case, "file")

    def _from_filed(self, case: dict[str, Any]) -> dict[str, Any] | None:
        unit = case["routing"]["unit_code"]
        if unit is None:
            return None
        return self._client.act(
            self._cast.desk(Role.DISPATCHER), case, "dispatch", unit_code=unit,
            rule_id=case["routing"]["rule_id"],
        )  # fmt: skip

    def _from_handling(self, case: dict[str, Any]) -> dict[str, Any]:
        handler, act = self._cast.handler_of(case), self._client.act
        if not _has(case, "sign_for"):
            return act(handler, case, "sign_for")
        if self._rng.random() < _EXTEND_SHARE and not _has(case, "extend"):
            return self._extend(case, handler)
        open_parts = (d for d in case["clocks"]["deadlines"] if d["kind"] == "milestone" and not d["met_at"])
        if part := next(open_parts, None):
            return act(handler, case, "reach_milestone", milestone=part["code"], note=f"{part['name']}已完成")
        return act(handler, case, "submit_result", result="已处置完毕", photos=[self.photo(handler, "after")])

    def _extend(self, case: dict[str, Any], handler: Person) -> dict[str, Any]:
        request = {
            "id": str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            "action": "extend",
            "version": case["version"],
            "facts": {"reason": "需要配件", "amount": 1, "unit": "working_day"},
        }
        self._client.post(handler, f"/cases/{case['id']}/requests", request)
        decided = self._client.post(
            self._cast.desk(Role.DISPATCHER),
            f"/requests/{request['id']}/decision",
            {"granted": True, "opinion": "同意延时一个工作日"},
        )
        after: dict[str, Any] = decided["case"]
        return after

    def _from_handled(self, case: dict[str, Any]) -> dict[str, Any]:
        verifier = self._cast.leader_of(case["cell_code"])
        if self._rng.random() < _REWORK_SHARE and not _has(case, "fail_verification"):
            return self._client.act(verifier, case, "fail_verification", reason="现场仍有残留")
        return self._client.act(verifier, case, "pass_verification", opinion="现场已恢复")

    def _from_verified(self, case: dict[str, Any]) -> dict[str, Any]:
        facts = {} if case["source"] == "patrol" else {"feedback": "已电话告知反映人办理结果"}
        return self._client.act(self._cast.desk(Role.SHIFT_LEADER), case, "close", **facts)


_MINOR = frozenset({"matter:06036", "matter:07001", "matter:09010"})


def _has(case: Mapping[str, Any], action: str) -> bool:
    return any(step["action"] == action for step in case["history"])


def random_point(polygon: BaseGeometry, rng: random.Random) -> shapely.Point:
    """A point well inside a polygon, in its own coordinates."""
    west, south, east, north = polygon.bounds
    inner = polygon.buffer(-0.00003)
    while True:
        point = shapely.Point(rng.uniform(west, east), rng.uniform(south, north))
        if inner.covers(point) or (inner.is_empty and polygon.covers(point)):
            return point


def uuid7(now: datetime, rng: random.Random) -> uuid.UUID:
    """A UUIDv7 (RFC 9562 §5.7) as a phone makes it: milliseconds, then random bits."""
    value = (int(now.timestamp() * 1000) & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return uuid.UUID(int=value)


def steps_of(case: Mapping[str, Any]) -> Iterator[str]:
    """The history of a case as short lines."""
    for step in case["history"]:
        yield f"{step['seq']}. {step['action_name']} → {step['to_state']} ({step['actor_name']})"


def server_now() -> datetime:
    """The time that observations are spread backwards from."""
    return datetime.now(UTC)
