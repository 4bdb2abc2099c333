"""How long a session lives: idle and absolute limits by kind, and how long a second factor stays fresh.

A session dies of idleness, of age, or by a hand; whichever comes first. Opaque tokens, not signed ones: a
hand must act at once (OWASP ASVS 5.0, 7.4.1). The field's limits are long because its work is offline.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gridmgmt.domain.org import Role

# How often at most a session's last use is written down: the hot path reads far more often.
SEEN_EVERY = timedelta(seconds=60)
# After a new id was given, the requests that are under way with the old one still end well.
ROTATION_GRACE = timedelta(seconds=10)
# The longest that a shown second factor counts as shown just now.
STEP_UP_FRESH = timedelta(minutes=5)

_FIELD_ROLES = frozenset({Role.GRID_WORKER, Role.HANDLER})


class SessionKind(StrEnum):
    """What a session is for; its limits follow from it."""

    CENTRE = "centre"
    """A desk in the command centre, and every administrator."""
    FIELD = "field"
    """A phone in the street, which is often without a network."""
    PEER = "peer"
    """Another system, after it proved who it is."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """When a session of one kind ends by itself."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """The limits of each kind, as the installation has set them."""

    centre: SessionLimits = SessionLimits(timedelta(minutes=30), timedelta(hours=12))
    field: SessionLimits = SessionLimits(timedelta(hours=12), timedelta(days=7))
    peer: SessionLimits = SessionLimits(timedelta(minutes=15), timedelta(minutes=15))

    def of(self, kind: SessionKind) -> SessionLimits:
        """The limits of this kind."""
        return {SessionKind.CENTRE: self.centre, SessionKind.FIELD: self.field, SessionKind.PEER: self.peer}[
            kind
        ]


def kind_for(roles: Iterable[Role]) -> SessionKind:
    """The kind of session that a person with these roles gets: the stricter one where both would do."""
    held = frozenset(roles)
    if Role.PEER in held:
        return SessionKind.PEER
    return SessionKind.FIELD if held and held <= _FIELD_ROLES else SessionKind.CENTRE


def is_fresh(step_up_at: datetime | None, now: datetime) -> bool:
    """Whether the second factor was shown within the last five minutes."""
    return step_up_at is not None and timedelta(0) <= now - step_up_at <= STEP_UP_FRESH
