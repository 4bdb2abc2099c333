"""How large a month is, and which fates its cases have."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

DAYS: Final = 31
WORKERS: Final = 20

FATES: Final = {
    "plain": 30,
    "late": 8,
    "community": 10,
    "rework": 6,
    "hotline": 12,
    "unfounded": 4,
    "off_list": 2,
    "duplicate": 5,
    "self_handled": 6,
    "self_handled_badly": 1,
    "milestones": 2,
    "declined": 2,
    "voided": 2,
    "returned": 4,
    "returned_thrice": 2,
    "referred": 1,
    "extended": 4,
    "extended_twice": 1,
    "held": 3,
    "called": 3,
    "called_and_refused": 2,
    "called_back": 1,
    "supervised": 3,
    "reopened": 3,
}
"""What becomes of cases, and how often of a hundred or so: assumptions, no statistics."""


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """One month.

    ``patrol_every`` is after how many working days each worker goes on patrol again; ``start`` is a moment
    at which the demo's plan is in force, best a midnight of the street.
    """

    start: datetime
    cases: int = 800
    seed: int = 1
    days: int = DAYS
    workers: int = WORKERS
    patrol_every: int = 1

    @property
    def end(self) -> datetime:
        """When the month is over."""
        return self.start + timedelta(days=self.days)
