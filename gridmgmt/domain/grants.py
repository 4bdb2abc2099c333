"""Who may grant a request, the first time and again; and until when it may be asked for.

A first extension 延时 is the shift leader's or the dispatcher's; a second one, and any for works of
engineering 工程类, is the director's and rests on a signed document. A first return 退单 is the
dispatcher's, a second one the director's; a third goes to the district for a ruling 区裁定 by itself,
and nobody of the street grants or refuses it. Sources: DOMAIN §4.2 (case extension, return and hold
rules of cities; three dispatches at most); article 22-2, R22d.

Counts are those of the unit that has the case: a unit that gets it from another one begins with no
extension, but returns are counted over all units, because it is the case that wanders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty, read_yes_no
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import MissingFact, NotAllowed, NotReady

RETURNS_OF_THE_STREET = 2
"""So many returns the street decides on; the next one is the district's."""


class Level(StrEnum):
    """Whose yes a request needs."""

    FIRST = "first"
    HIGHER = "higher"
    DISTRICT = "district"


@dataclass(frozen=True, slots=True)
class Granted:
    """How often the case's requests were granted before."""

    extensions: int
    returns: int


def level_of(action: Action, before: Granted, facts: Mapping[str, Any]) -> Level:
    """Whose yes this request needs.

    Raises
    ------
    InvalidInput
        The fact ``engineering`` is there and says neither yes nor no.
    """
    if action is Action.EXTEND:
        works = not is_empty(facts.get("engineering")) and read_yes_no(facts, "engineering")
        return Level.HIGHER if works or before.extensions else Level.FIRST
    if action is Action.SEND_BACK and before.returns >= RETURNS_OF_THE_STREET:
        return Level.DISTRICT
    return Level.HIGHER if action is Action.SEND_BACK and before.returns else Level.FIRST


def require_level(
    action: Action, before: Granted, facts: Mapping[str, Any], actor: Actor, subdistrict_code: str
) -> None:
    """Refuse a grant by somebody of too low a level.

    Raises
    ------
    NotAllowed
        A second one needs the director; a return that is the district's is granted by nobody here, and
        the platform grants no other.
    MissingFact
        A higher extension without the number of the signed document.
    """
    level = level_of(action, before, facts)
    by_itself = action is Action.SEND_BACK and level is Level.DISTRICT
    if action is Action.SEND_BACK and actor.is_system is not by_itself:
        raise NotAllowed(
            "A third return goes to the district by itself; the others a person decides on.",
            article="22-2", rule="R22d", permission=str(Permission.CASE_RETURN), in_scope=True,
        )  # fmt: skip
    if level is not Level.HIGHER:
        return
    permissions.require(actor, Permission.CASE_GRANT_AGAIN, subdistrict_code)
    if action is Action.EXTEND and is_empty(facts.get("document_no")):
        raise MissingFact(
            "A second extension, and one for works of engineering, rests on a signed document.",
            article="22-2", rule="R22b", action=str(action), missing=["document_no"],
        )  # fmt: skip


def require_in_time(
    action: Action, now: datetime, *, due_at: datetime | None, return_until: datetime | None
) -> None:
    """Refuse a request that comes too late.

    Parameters
    ----------
    due_at : the unit's deadline; an instant equal to it is in time. After it the case is overdue, and
        neither more time nor a hold makes that undone.
    return_until : the end of the return window; None where the catalogue sets none.

    Raises
    ------
    NotReady
        ``guard`` is ``in_time`` or ``return_window``.
    """
    if action in {Action.EXTEND, Action.HOLD} and due_at is not None and now > due_at:
        raise NotReady(
            "An extension or a hold is asked for before the deadline.",
            article="22-2", rule="R22b", guard="in_time",
        )  # fmt: skip
    if action is Action.SEND_BACK and return_until is not None and now > return_until:
        raise NotReady(
            "A case is sent back within the return window only; after it the unit handles the case.",
            article="22-2", rule="R22d", guard="return_window", until=return_until.isoformat(),
        )  # fmt: skip
