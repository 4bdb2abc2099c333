"""Whether somebody stood where the case is when he said what he saw there.

Confirmation 核实 before filing and verification 核查 after handling are visits. The phone sends where it is
and how sure it is of that; the server measures the distance to the case, and the history keeps the distance
and the accuracy as they were: not rounded towards the case, and not the position itself, which says more
about the worker than the record needs (PIPL article 6). Too far, too vague or not measured at all is no
crime, and no lie either: it takes a reason, which is kept beside it (DOMAIN §8 轨迹/定位造假).

:func:`standing` is the one rule of what a distance and an accuracy say; taps of a patrol have it with limits
of their own (:mod:`.atplace`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import InvalidInput, MissingFact

NEAR_M = 100.0
"""As far from a case as one still sees it: across a street, at the other end of a yard."""
VAGUE_M = 200.0
"""A position that is less certain than this says nothing about a distance of :data:`NEAR_M`."""

MOST_REASON = 300
"""Characters of a reason."""

ON_SITE = frozenset({Action.CONFIRM, Action.PASS_VERIFICATION, Action.FAIL_VERIFICATION})
"""What is said of a place by somebody who is there, or who says why he is not."""
MEASURED = ON_SITE | {Action.SUBMIT_RESULT}
"""Actions that a distance may be sent with; a result is evidence, wherever it is written up."""


class Standing(StrEnum):
    """Where the device was, seen from the case."""

    AT_PLACE = "at_place"
    AWAY = "away"
    UNCERTAIN = "uncertain"
    NOT_MEASURED = "not_measured"


class NoPosition(StrEnum):
    """Why a device has no position to send."""

    DENIED = "denied"
    TIMEOUT = "timeout"
    FAILED = "failed"
    INSECURE = "insecure"
    SYNTHETIC = "synthetic"
    """Nobody was anywhere: played data."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device sent: WGS 84 degrees and the radius of its accuracy in metres, or why nothing."""

    lon: float = 0.0
    lat: float = 0.0
    accuracy_m: float | None = None
    unavailable: NoPosition | None = None


def read_place(action: Action, facts: Mapping[str, Any]) -> Sent | None:
    """The position among the facts of an action; None: none was sent.

    Raises
    ------
    InvalidInput
        It is none, or this action takes none.
    """
    given = facts.get("place")
    if given is None:
        return None
    if action not in MEASURED:
        raise InvalidInput(f"The action {action} takes no position.", rule="R22a", field="place")
    if not isinstance(given, Mapping):
        raise _unreadable()
    if "unavailable" in given:
        try:
            return Sent(unavailable=NoPosition(given["unavailable"]))
        except ValueError:
            raise _unreadable() from None
    lon, lat = _number(given.get("lon")), _number(given.get("lat"))
    if given.get("datum", "wgs84") != "wgs84" or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise _unreadable()
    accuracy = given.get("accuracy_m")
    radius = None if accuracy is None else _number(accuracy)
    if radius is not None and not 0 <= radius <= 1e6:
        raise _unreadable()
    return Sent(lon, lat, radius)


def measured(sent: Sent, distance_m: float | None, *, exact: bool) -> dict[str, Any]:
    """The fact that is kept: the distance as it is, its accuracy, and what follows from both.

    Parameters
    ----------
    distance_m : from the device to the case's point, or to its cell where the case has no point (``exact``
        is then false; inside the cell it is 0). None: nothing was measured.

    Examples
    --------
    >>> measured(Sent(117.2, 39.1, 12.0), 43.26, exact=True)["standing"]
    'at_place'
    """
    if sent.unavailable is not None or distance_m is None:
        return {"standing": str(Standing.NOT_MEASURED), "unavailable": sent.unavailable}
    return {
        "standing": str(standing(distance_m, sent.accuracy_m)),
        "distance_m": round(distance_m, 1),
        "accuracy_m": sent.accuracy_m,
        "basis": "point" if exact else "cell",
    }


def standing(
    distance_m: float, accuracy_m: float | None, *, near_m: float = NEAR_M, vague_m: float = VAGUE_M
) -> Standing:
    """At the place: near by the measure itself, and not vague. Away: even the nearest that it allows is far.

    Between the two, or without an accuracy, nothing is known: the accuracy is the sender's own word, and
    presence must not grow with what he claims.

    Examples
    --------
    >>> standing(98.0, 10.0), standing(108.0, 10.0), standing(111.0, 10.0)
    (<Standing.AT_PLACE: 'at_place'>, <Standing.UNCERTAIN: 'uncertain'>, <Standing.AWAY: 'away'>)
    """
    if accuracy_m is None:
        return Standing.UNCERTAIN
    if distance_m <= near_m and accuracy_m <= vague_m:
        return Standing.AT_PLACE
    return Standing.AWAY if distance_m - accuracy_m > near_m else Standing.UNCERTAIN


def require_seen(action: Action, facts: Mapping[str, Any]) -> None:
    """Refuse a word about a place by somebody who was not measured there and does not say why.

    Raises
    ------
    MissingFact
        ``place_reason`` is missing; ``facts["standing"]`` and ``facts["distance_m"]`` say what was measured.
    InvalidInput
        It is no text, or longer than :data:`MOST_REASON`.
    """
    if action not in ON_SITE:
        return
    reason = facts.get("place_reason")
    if reason is not None and not (isinstance(reason, str) and len(reason) <= MOST_REASON):
        raise InvalidInput(
            f"The reason is a text of at most {MOST_REASON} characters.", rule="R22a", field="place_reason"
        )
    if not is_empty(reason):
        return
    place = facts.get("place")
    seen = place if isinstance(place, Mapping) else {"standing": str(Standing.NOT_MEASURED)}
    if seen.get("standing") == Standing.AT_PLACE:
        return
    raise MissingFact(
        "Say why you were not measured at the place of the case.",
        article="22-1", rule="R22a", action=str(action), missing=["place_reason"],
        standing=seen.get("standing"), distance_m=seen.get("distance_m"), near_m=NEAR_M,
    )  # fmt: skip


def told(action: Action, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the event of such an action says of it; empty for all others."""
    place = facts.get("place")
    if action not in ON_SITE:
        return _NOTHING
    if not isinstance(place, Mapping):
        return {"place_standing": str(Standing.NOT_MEASURED)}
    return {"place_standing": place.get("standing"), "distance_m": place.get("distance_m")}


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unreadable()
    return float(value)


def _unreadable() -> InvalidInput:
    return InvalidInput(
        "A position is lon, lat and accuracy_m in wgs84, or says why it is unavailable.",
        rule="R22a", field="place",
    )  # fmt: skip
