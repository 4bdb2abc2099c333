"""A change of a subdistrict's boundary: only with the city's approval number, and dated (article 5-2; R05).

The district proposes 区方案, the city approves 市批准文号; the office of the district enters the change when
it has the approval. From its date on the new outline counts: a plan that takes effect then has to fill it.
Before it the old one counts, for ever: who asks about a past day gets the past outline.

The communities at the border change with the street, so their new outlines come with the change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import shapely

from gridmgmt.domain import permissions
from gridmgmt.domain.codes import CommunityCode
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission
from gridmgmt.errors import GridError, InvalidCode, InvalidInput, MissingFact, NotReady
from gridmgmt.geo.gate import Frame, Kind, frame_of, require_shape

ARTICLE, RULE = "5-2", "R05"
APPROVAL_PATTERN = r"^[^〔〕\s]{1,30}〔[12][0-9]{3}〕[1-9][0-9]{0,4}号$"
"""Number of an official document 发文字号 (GB/T 9704): issuer, year in 〔 〕, number 号."""


@dataclass(frozen=True, slots=True)
class BoundaryChange:
    """One approved change. ``outlines`` in CGCS2000 lon/lat by code: the subdistrict's, and its communities'.

    ``valid_from`` is the first instant of the new boundary.
    """

    id: UUID
    subdistrict_code: str
    approval_no: str
    proposal_no: str
    approved_on: date
    valid_from: datetime
    outlines: Mapping[str, shapely.MultiPolygon]
    note: str = ""


def require_approval(approval_no: str | None) -> str:
    """The approval number, if it is one.

    Raises
    ------
    MissingFact
        There is none: the boundary stays as it is.
    InvalidCode
        It is not a document number.

    Examples
    --------
    >>> require_approval("津政函〔2026〕12号")
    '津政函〔2026〕12号'
    """
    if approval_no is None or not approval_no.strip():
        raise MissingFact(
            "A subdistrict's boundary changes only with the approval number of the city government.",
            article=ARTICLE,
            rule=RULE,
            missing=["approval_no"],
        )
    if not re.fullmatch(APPROVAL_PATTERN, approval_no):
        raise InvalidCode(
            f"{approval_no[:40]!r} is not the number of an official document, such as 津政函〔2026〕12号.",
            article=ARTICLE,
            rule=RULE,
            kind="approval number",
            value=approval_no[:40],
        )
    return approval_no


def require_change(
    change: BoundaryChange, actor: Actor, now: datetime, *, frame: Frame, newest: datetime | None
) -> BoundaryChange:
    """The change, if it may be entered.

    Parameters
    ----------
    frame : where its outlines must lie.
    newest : the instant from which the newest known change counts.

    Raises
    ------
    NotAllowed
        The district's officers enter boundaries.
    MissingFact, InvalidCode
        As :func:`require_approval`; a change without the subdistrict's own outline or its proposal.
    InvalidInput
        Outlines of another subdistrict, or approved after today.
    InvalidGeometry
        An outline is not valid or elsewhere.
    NotReady
        It counts from a time that has passed, or before another change that is known.
    """
    permissions.require(actor, Permission.BOUNDARY_CHANGE, change.subdistrict_code)
    require_approval(change.approval_no)
    given = {
        "proposal_no": change.proposal_no.strip(),
        "outline": change.subdistrict_code in change.outlines,
    }
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise MissingFact(
            f"A change of boundary needs: {', '.join(missing)}.", article=ARTICLE, rule=RULE, missing=missing
        )
    strangers = sorted(c for c in change.outlines if not _of_street(c, change.subdistrict_code))
    if strangers:
        raise InvalidInput("Outlines of other places.", article=ARTICLE, rule=RULE, codes=strangers)
    if change.approved_on > change.valid_from.date():
        raise InvalidInput(
            "The approval comes before the change.", article=ARTICLE, rule=RULE, field="approved_on"
        )
    _require_later(change.valid_from, now, newest)
    for code, outline in change.outlines.items():
        try:
            require_shape(outline, Kind.BOUNDARY, frame)
        except GridError as fault:
            raise type(fault)(
                f"{code}: {fault.message}", article=ARTICLE, rule=RULE, **{**fault.facts, "name": code}
            ) from fault
    return change


def _of_street(code: str, subdistrict_code: str) -> bool:
    return code == subdistrict_code or (CommunityCode.is_valid(code) and code.startswith(subdistrict_code))


def _require_later(valid_from: datetime, now: datetime, newest: datetime | None) -> None:
    if valid_from <= now or (newest is not None and valid_from <= newest):
        raise NotReady(
            "A change counts from a time to come, after every change that is known.",
            article=ARTICLE,
            rule=RULE,
            guard="effective_later",
            valid_from=valid_from.isoformat(),
            newest=newest.isoformat() if newest else None,
        )


def frame_around(outlines: Mapping[str, shapely.MultiPolygon]) -> Frame:
    """Where new outlines may lie: around those that count now."""
    return frame_of(shapely.union_all(list(outlines.values())))
