"""Channels that carry a notification out of the platform: what is said, and when it is tried again.

A message holds the case's number and one short sentence made of our own words: no name, no place, no text
that somebody wrote. Whoever needs more opens the inbox, which asks who he is.

A delivery that fails is tried again after a pause that doubles, and is spread by a chance that follows from
its id, so that many that failed together do not come back together. After :data:`MOST_TRIES` it is *dead*:
it stands in a list until somebody looks at it and lets it go again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain.besidelimits import clock_name
from gridmgmt.domain.events import EVENT_NAMES_ZH, EventKind

MOST_TRIES = 8
LEASE = timedelta(seconds=90)
"""How long a worker that took deliveries has for them; if it dies, another takes them after that."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 3600.0


class Channel(StrEnum):
    """Ways out of the platform."""

    WEBHOOK = "webhook"
    """政务微信 through the gateway of the installation, or any receiver that checks the signature."""
    SMS = "sms"
    """短信."""
    PUSH = "push"
    """推送: a browser of the person is woken; it is told that something waits, and nothing else."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel carries: to whom, by the platform's own id of him, and one sentence."""

    id: UUID
    person_id: UUID
    kind: str
    number: str
    text: str


_RUNG_TEXT: Mapping[int, str] = MappingProxyType({100: "已到期限", 150: "已超期过半"})


def message(
    notification_id: UUID, person_id: UUID, kind: str, facts: Mapping[str, Any], percent: int | None
) -> Message:
    """The message of a notification.

    Parameters
    ----------
    facts : of the notification; only the case's number and the name of the limit are taken from it.
    percent : of the limit, for a rung of the ladder.

    Examples
    --------
    >>> message(UUID(int=1), UUID(int=2), "case_dispatched", {"number": "P-1", "reason": "张三"}, None).text
    '【网格】案件 P-1：派遣。请登录查看。'
    """
    number = str(facts.get("number") or "")
    what = EVENT_NAMES_ZH[EventKind(kind)] if kind in set(EventKind) else kind
    if percent is not None:
        what = clock_name(str(facts.get("clock") or "")) or what
        what = f"{what}，{_RUNG_TEXT.get(percent, f'时限已用{percent}%')}"
    about = f"案件 {number}：" if number else ""
    return Message(notification_id, person_id, kind, number, f"【网格】{about}{what}。请登录查看。")


def pause_after(delivery: UUID, channel: Channel, tries: int) -> timedelta:
    """How long to wait after the given number of failed tries.

    Half of it is certain, half is drawn from the delivery's id and the try: the same each time one looks.

    Examples
    --------
    >>> 5 <= pause_after(UUID(int=1), Channel.SMS, 1).total_seconds() <= 10
    True
    """
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (min(tries, 32) - 1))
    drawn = hashlib.sha256(f"{delivery} {channel} {tries}".encode()).digest()[:8]
    return timedelta(seconds=longest * (0.5 + int.from_bytes(drawn) / 2**65))


def is_over(tries: int) -> bool:
    """Whether a delivery that failed so often is given up."""
    return tries >= MOST_TRIES
