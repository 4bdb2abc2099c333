"""Precedents: what the district ruled (区裁定) about a class and a place is proposed the next time (R22d).

A ruling binds its own case; for later ones it is a proposal. It never takes a rule's place silently:
where the rules name another unit for the very cell that was ruled on, a person decides and sees both;
in the rest of the community it is told beside the decision. What the duty list forbids it does not
propose, and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.duty import STREET_KINDS, DutyVerdict
from gridmgmt.domain.org import Unit


@dataclass(frozen=True, slots=True)
class Precedent:
    """One ruling; ``category`` is the class's full key, ``document_no`` the ruling's number 文号."""

    subdistrict_code: str
    category: str
    community_code: str
    cell_code: str | None
    unit_code: str
    document_no: str
    case_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A precedent as it enters a decision; ``refusal`` says why it cannot be followed now."""

    precedent: Precedent
    same_cell: bool
    refusal: str | None

    @property
    def unit_code(self) -> str | None:
        """The unit proposed; None when it cannot be followed."""
        return None if self.refusal else self.precedent.unit_code

    @property
    def why(self) -> str:
        """In a sentence, for the trace."""
        where = "this cell" if self.same_cell else "this community"
        ruled = f"The district ruled for {self.precedent.unit_code} on this class in {where}."
        return f"{ruled} {self.refusal}" if self.refusal else ruled

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "unit_code": self.unit_code,
            "ruled_for": self.precedent.unit_code,
            "document_no": self.precedent.document_no,
            "case_id": str(self.precedent.case_id),
            "at": self.precedent.at.isoformat(),
            "same_cell": self.same_cell,
            "refusal": self.refusal,
        }


class Precedents:
    """The rulings of one subdistrict by class and place; the newest of a place counts."""

    def __init__(self, rulings: Iterable[Precedent] = ()) -> None:
        self._of: dict[tuple[str, str], Precedent] = {}
        for ruling in sorted(rulings, key=lambda r: (r.at, r.document_no)):
            for place in (ruling.cell_code, ruling.community_code):
                if place:
                    self._of[ruling.category, place] = ruling

    def propose(
        self,
        category: str,
        community_code: str,
        cell_code: str,
        verdict: DutyVerdict,
        units: Mapping[str, Unit],
    ) -> Proposal | None:
        """What the rulings propose for a class in a cell: the cell's own before the community's."""
        for place in (cell_code, community_code):
            found = self._of.get((category, place))
            if found is not None:
                return Proposal(found, place == cell_code, _refusal(found, verdict, units))
        return None


def _refusal(found: Precedent, verdict: DutyVerdict, units: Mapping[str, Unit]) -> str | None:
    unit = units.get(found.unit_code)
    if unit is None or not unit.active:
        return "That unit is closed."
    if verdict.waits_for_approval or (unit.kind in STREET_KINDS and not verdict.allowed):
        return f"The duty list forbids it: {verdict.reason}"
    return None
