"""Milestones of a case as JSON in its row, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gridmgmt.domain.clocks import Milestone
from gridmgmt.domain.worktime import LimitUnit


def milestone_row(milestone: Milestone) -> dict[str, Any]:
    """A milestone as it is stored."""
    return {
        "code": milestone.code,
        "amount": milestone.amount,
        "unit": str(milestone.unit),
        "due_at": milestone.due_at.isoformat(),
        "reached_at": milestone.reached_at.isoformat() if milestone.reached_at else None,
    }


def read_milestone(row: Mapping[str, Any]) -> Milestone:
    """A milestone from its row."""
    reached = row["reached_at"]
    return Milestone(
        row["code"],
        row["amount"],
        LimitUnit(row["unit"]),
        datetime.fromisoformat(row["due_at"]),
        datetime.fromisoformat(reached) if reached else None,
    )
