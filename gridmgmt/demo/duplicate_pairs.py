"""Labelled pairs of reports, all of them SYNTHETIC: whether two reports tell of one thing is known by making.

Things happen at places of a made-up street, several of one class near each other as on a real one: bins along
a road, cars on a pavement. Each is told by one to three people, with the error of their phones, some hours or
days apart, each in his own words; now and then under the neighbouring class. Pairs are all those of reports
within reach of each other in place and time, as the intake would look at them.

Nothing here comes from a real report. The figures that the maker draws by (errors of phones, delays, slips of
class) are assumptions, written below.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Final

from gridmgmt.domain.duplicates import LONGEST, Likeness
from gridmgmt.domain.pattern import CategoryKey

PHONE_ERROR_M: Final = 9.0
"""Standard deviation of a position each way; one phone in ten is three times as bad."""
BAD_PHONES: Final = 0.1
TOLD_BY: Final = (0.55, 0.3, 0.15)
"""Shares of things that one, two and three people tell of."""
DELAY_DAYS: Final = 2.0
SLIPS: Final = 0.08
"""How often somebody chooses another class of the same major."""
SAYS_NOTHING: Final = 0.15
SAYS_WHERE: Final = 0.6
LOOK_M: Final = 100.0
_SIDE_M: Final = 900.0
_DAYS: Final = 30.0

_CLASSES: Final = {
    "06010": (("垃圾桶", "垃圾箱", "桶"), ("满了", "满溢", "溢出来了", "没人清"), ("有异味", "影响通行", "")),
    "06011": (("路边", "地上", "人行道"), ("有积存渣土", "堆了渣土", "倒了垃圾"), ("没有覆盖", "扬尘", "")),
    "09006": (("摊贩", "小贩", "流动摊"), ("占道经营", "占了人行道", "在路口摆摊"), ("影响通行", "堵路", "")),
    "01001": (("井盖", "供水井盖"), ("破损", "松动", "响", "缺失"), ("有危险", "请尽快处理", "")),
    "05004": (("共享单车", "自行车"), ("乱停放", "堆在路口", "占盲道"), ("走不过去", "影响通行", "")),
}  # fmt: skip
_WHERE: Final = (
    "菜市场门口",
    "小学东门",
    "公交站旁",
    "小区北门",
    "路口西南角",
    "公园入口",
    "药店门前",
    "桥下",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reports as they are compared, and whether they tell of one thing."""

    likeness: Likeness
    duplicate: bool


@dataclass(frozen=True, slots=True)
class _Told:
    thing: int
    category: CategoryKey
    x_m: float
    y_m: float
    day: float
    text: str


def make_pairs(seed: int, things: int = 900) -> list[Pair]:
    """Pairs of a month on a made-up street, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  repeatable, no secret
    told = [report for number in range(things) for report in _tell(rng, number)]
    return [
        Pair(likeness, one.thing == other.thing)
        for one, other in combinations(told, 2)
        if (likeness := _compared(one, other)) is not None
    ]


def _tell(rng: random.Random, number: int) -> Iterator[_Told]:
    code = rng.choice(list(_CLASSES))
    x_m, y_m, day = rng.uniform(0, _SIDE_M), rng.uniform(0, _SIDE_M), rng.uniform(0, _DAYS)
    where, house = rng.choice(_WHERE), f"{rng.randint(1, 40)}号楼"
    for nth in range(rng.choices((1, 2, 3), TOLD_BY)[0]):
        error_m = PHONE_ERROR_M * (3.0 if rng.random() < BAD_PHONES else 1.0)
        yield _Told(
            number,
            CategoryKey.parse(f"GB/T 47678.5-2026:matter:{_slip(rng, code)}"),
            rng.gauss(x_m, error_m),
            rng.gauss(y_m, error_m),
            day + (rng.expovariate(1 / DELAY_DAYS) if nth else 0.0),
            _words(rng, code, where, house),
        )


def _slip(rng: random.Random, code: str) -> str:
    return f"{code[:2]}{rng.randint(20, 40):03d}" if rng.random() < SLIPS else code


def _words(rng: random.Random, code: str, where: str, house: str) -> str:
    if rng.random() < SAYS_NOTHING:
        return ""
    place = where if rng.random() < SAYS_WHERE else ""
    number = house if rng.random() < SAYS_WHERE else ""
    return place + number + "".join(rng.choice(part) for part in _CLASSES[code])


def _compared(one: _Told, other: _Told) -> Likeness | None:
    distance_m = math.hypot(one.x_m - other.x_m, one.y_m - other.y_m)
    apart = timedelta(days=abs(one.day - other.day))
    if distance_m > LOOK_M or apart >= LONGEST:
        return None
    return Likeness(one.category, other.category, distance_m, apart, one.text, other.text)
