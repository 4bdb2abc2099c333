"""What waits for a grid leader in the street: made over the API by the others, as a morning would."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from gridmgmt.demo.client import DemoClient, Person
from gridmgmt.demo.play import Cast, Day
from gridmgmt.domain.org import Role
from tests.builders_street import inner_point, make_uuid7

SORTING = "matter:06041"
LEADER_CELLS = 2


class Morning:
    """Cases in the cells of one grid leader, and the people around him.

    Parameters
    ----------
    client : signed in to nobody; stays open.
    """

    def __init__(self, client: DemoClient) -> None:
        self.client, self.cast = client, Cast(client)
        self.day = Day(client, seed=3, now=datetime.now(UTC))
        cells = client.get(self.cast.desk(Role.SHIFT_LEADER), "/cells")["features"]
        duty = [c for c in cells if c["properties"]["kind"] == "duty"]
        self.cell = max(duty, key=lambda c: c["properties"]["area_m2"])
        self.code: str = self.cell["properties"]["code"]
        self.leader = self.cast.leader_of(self.code)
        self.worker = self.cast.worker_of(self.code)
        self._number = uuid.uuid4().int & 0xFFFF_0000

    @property
    def login(self) -> str:
        """Of the leader."""
        return next(str(p["login"]) for p in self.client.people() if p["id"] == self.leader.id)

    @property
    def place(self) -> dict[str, float]:
        """A place inside the cell."""
        return dict(zip(("lon", "lat"), inner_point(self._ground), strict=True))

    @property
    def _ground(self) -> BaseGeometry:
        return shape(self.cell["geometry"])

    def report(self, who: Person | None = None, north_m: float = 0.0, **over: Any) -> dict[str, Any]:
        """A report in the cell; the case."""
        self._number += 1
        who = who or self.worker
        place = {**self.place, "datum": "wgs84", "accuracy_m": 8.0}
        place["lat"] += north_m / 111_195
        body = {
            "id": str(make_uuid7(self._number)),
            "category": SORTING,
            "description": "垃圾未分类投放",
            "position": place,
            "observed_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
            "photos": [self.day.photo(who, f"before-{self._number}")],
        }
        told = self.client.post(who, "/reports", body | over)
        return dict(self.client.get(who, f"/cases/{told['case_id']}"))

    def to_sign(self, to: Person | None = None, **over: Any) -> dict[str, Any]:
        """A case that was sent to the leader, or to somebody else."""
        case = self.report(**over)
        who = to or self.leader
        desk = self.cast.desk(Role.DISPATCHER)
        if case["state"] == "filed":
            unit = case["cell_code"][:12]
            return self.client.act(desk, case, "dispatch", unit_code=unit, worker_id=who.id)
        return case

    def to_handle(self, **over: Any) -> dict[str, Any]:
        """A case that the leader has signed for."""
        return self.client.act(self.leader, self.to_sign(**over), "sign_for")

    def to_verify(self, **over: Any) -> dict[str, Any]:
        """A case that the cell's worker has handled, for the leader to look at."""
        case = self.client.act(self.worker, self.to_sign(self.worker, **over), "sign_for")
        photos = [self.day.photo(self.worker, f"after-{self._number}")]
        return self.client.act(self.worker, case, "submit_result", result="已清理", photos=photos)

    def to_confirm(self, **over: Any) -> dict[str, Any]:
        """A report of the hotline that the leader is asked to look into."""
        acceptor = self.cast.desk(Role.ACCEPTOR)
        case = self.report(acceptor, source="hotline_12345", photos=[], **over)
        return self.client.act(acceptor, case, "ask_confirmation", worker_id=self.leader.id)

    def as_it_is(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case now, as the shift leader sees it."""
        return dict(self.client.get(self.cast.desk(Role.SHIFT_LEADER), f"/cases/{case['id']}"))
