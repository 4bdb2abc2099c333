"""Synthetic people of the demo: one grid worker a duty grid, leaders, desks, one handler a unit.

Names are drawn from lists; whoever bears one of them is not meant. Same seed, same people.
"""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gridmgmt.domain.org import Role

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = (
    "建国", "秀英", "志强", "丽娟", "海涛", "玉梅", "文博", "晓燕", "国庆", "淑珍", "俊杰", "雪梅",
    "永刚", "红霞", "子涵", "春生", "佳怡", "德胜", "思远", "桂兰", "立新", "静怡", "振华", "凤英",
)  # fmt: skip
_DESKS = (
    ("acceptor", Role.ACCEPTOR),
    ("shift", Role.SHIFT_LEADER),
    ("dispatcher", Role.DISPATCHER),
    ("supervisor", Role.SUPERVISOR),
    ("director", Role.DIRECTOR),
    ("district", Role.DISTRICT_OFFICER),
    ("planner", Role.PLANNER),
    ("admin", Role.ADMINISTRATOR),
    ("auditor", Role.AUDITOR),
)
_LEADER_EVERY = 8
_NAMESPACE = uuid.UUID("6f7ad1c2-5d3a-5e0b-9a8e-2f1d6c1b7a10")


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """Rows for the tables of people, roles and roster."""

    people: list[dict[str, Any]]
    roles: list[dict[str, Any]]
    roster: list[dict[str, Any]]


class _Maker:
    def __init__(self, subdistrict_code: str, rng: random.Random, since: date) -> None:
        self.made = DemoPeople([], [], [])
        self._code = subdistrict_code
        self._rng = rng
        self._since = since

    def person(self, login: str, role: Role, unit_code: str | None = None) -> uuid.UUID:
        identity = uuid.uuid5(_NAMESPACE, f"{self._code}/{login}")
        name = self._rng.choice(_SURNAMES) + self._rng.choice(_GIVEN)
        self.made.people.append(
            {
                "id": identity,
                "login": login,
                "name": name,
                "unit_code": unit_code,
                "active": True,
                "synthetic": True,
            }
        )
        self.made.roles.append({"person_id": identity, "role": role, "subdistrict_code": self._code})
        return identity

    def assign(self, cell_code: str, person: uuid.UUID, duty: str) -> None:
        self.made.roster.append(
            {
                "cell_code": cell_code,
                "subdistrict_code": self._code,
                "person_id": person,
                "duty": duty,
                "valid_from": self._since,
                "valid_to": None,
                "on_leave": False,
            }
        )


def make_people(
    subdistrict_code: str, cell_codes: Sequence[str], unit_codes: Sequence[str], *, seed: int, since: date
) -> DemoPeople:
    """People for these duty grids and units.

    Parameters
    ----------
    cell_codes : of the plan, ascending; every eighth neighbour shares a grid leader.
    unit_codes : of the active units; each gets one handler.
    since : first day of the assignments.
    """
    maker = _Maker(subdistrict_code, random.Random(seed), since)  # noqa: S311  synthetic names
    for login, role in _DESKS:
        maker.person(f"demo-{login}", role)
    leader = uuid.UUID(int=0)
    for i, cell in enumerate(cell_codes):
        if i % _LEADER_EVERY == 0:
            leader = maker.person(f"demo-leader-{i // _LEADER_EVERY + 1:02}", Role.GRID_WORKER)
        maker.assign(cell, maker.person(f"demo-worker-{i + 1:03}", Role.GRID_WORKER), "worker")
        maker.assign(cell, leader, "leader")
    for code in unit_codes:
        maker.person(f"demo-unit-{code.lower()}", Role.HANDLER, code)
    # Last, so that everybody else keeps the name that he has always had.
    maker.person("demo-security", Role.SECURITY_ADMINISTRATOR)
    return maker.made
