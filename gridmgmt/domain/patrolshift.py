"""Shifts of a patrol: sign-on and sign-off, the positions that belong to them, attendance.

Invariants: a position is kept only when it was taken while the shift was open: before sign-on and after
sign-off nobody is followed. The server's time rules: what a phone says of its own clock is kept beside it and
moves nothing. A phone sends along what its clock said at sending, so a clock that is an hour off can be told
from a message that waited an hour for a network.

Planned shifts are another matter (排班); this is who was there. Not here: pay, punishment.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gridmgmt.domain.coverage import Fix
from gridmgmt.errors import ImplausibleTime, InvalidGeometry, NotReady
from gridmgmt.geo.crs import LonLat, lonlat
from gridmgmt.geo.gate import Frame


@dataclass(frozen=True, slots=True)
class Told:
    """A moment as a phone tells it: ``at`` by its clock, ``sent_at`` what that clock said at sending."""

    at: datetime
    sent_at: datetime


CLOCK_TOLERANCE = timedelta(minutes=1)
"""A clock that is off by no more is taken as right: the difference may be the network's."""
LONGEST_SHIFT = timedelta(hours=16)
"""A shift that nobody ended has lapsed then, and its worker is not followed on."""
LATEST = timedelta(days=3)
"""What waited longer on a phone is not taken any more."""


def server_time(told: Told, now: datetime) -> datetime:
    """When it was by the server's clock, however wrong the phone's is.

    Parameters
    ----------
    now : when the message arrived. Nothing is later than that.

    Raises
    ------
    ImplausibleTime
        Put right by the difference it would lie outside the calendar.
    """
    return min(_put_right(told, now), now)


def _put_right(told: Told, now: datetime) -> datetime:
    off = now - told.sent_at
    if abs(off) <= CLOCK_TOLERANCE:
        return told.at
    try:
        return told.at + off
    except OverflowError:
        raise ImplausibleTime(
            "This time cannot be right; check the clock.", article="22-1", rule="R22a", field="at"
        ) from None


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's time on duty, by the server's clock; ``off_at`` None while it is open.

    ``received_on_at`` is when the server heard of the sign-on, for attendance; ``phone_on_at`` what the
    phone's clock said at it, where that is known.
    """

    id: UUID
    subdistrict_code: str
    person_id: UUID
    cell_codes: tuple[str, ...]
    on_at: datetime
    off_at: datetime | None
    received_on_at: datetime
    lapsed: bool = False
    track_erased: bool = False
    phone_on_at: datetime | None = None

    @property
    def ends_by(self) -> datetime:
        """When it ended, or will have lapsed."""
        return self.off_at or self.on_at + LONGEST_SHIFT

    def is_open(self, now: datetime) -> bool:
        """Whether the worker is on duty."""
        return self.off_at is None and now < self.ends_by


def sign_on_at(told: Told, before: Shift | None, now: datetime) -> datetime:
    """When a new shift begins.

    Parameters
    ----------
    before : the person's latest shift. A new one never begins before that one ended.

    Raises
    ------
    NotReady
        That one is still open.
    ImplausibleTime
        It waited longer than :data:`LATEST` on the phone.
    """
    if before is not None and before.is_open(now):
        raise NotReady(
            "Sign off from the shift before first.",
            article="22-1",
            rule="R22a",
            guard="signed_off",
            shift_id=str(before.id),
        )
    at = server_time(told, now)
    if now - at > LATEST:
        raise ImplausibleTime("This was too long ago.", article="22-1", rule="R22a", field="at")
    return at if before is None else max(at, before.ends_by)


def in_shift(shift: Shift, at: datetime, phone_at: datetime) -> datetime:
    """A moment by the server's clock as it lies to the sign-on by the phone's own.

    Messages of one wrong clock are put right each by its own difference, which holds its time on the network
    too. So what was taken just after a sign-on that was slow to arrive would seem to lie before it.

    Parameters
    ----------
    at : put right. It is moved to the sign-on, over :data:`CLOCK_TOLERANCE` at most.
    phone_at : as told.
    """
    after = shift.phone_on_at is not None and phone_at >= shift.phone_on_at
    return shift.on_at if after and at < shift.on_at <= at + CLOCK_TOLERANCE else at


def sign_off_at(shift: Shift, told: Told, now: datetime) -> datetime:
    """When a shift ends: not before it began, and not later than it would have lapsed."""
    return min(max(server_time(told, now), shift.on_at), shift.on_at + LONGEST_SHIFT)


# Positions


class Refused(StrEnum):
    """Why a position is not kept."""

    BEFORE_SIGN_ON = "before_sign_on"
    AFTER_SIGN_OFF = "after_sign_off"
    FUTURE = "future"
    NO_POSITION = "no_position"
    OTHER_CONTENT = "other_content"
    """Its number is taken by another position; the stored one stays."""
    ELSEWHERE = "elsewhere"
    """Outside the frame of the subdistrict: where somebody goes beyond it is not kept."""
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Given:
    """A position as sent; ``no`` counts up within the shift and is the key of idempotency."""

    no: int
    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A position to keep: as sent, and when it was by the server's clock."""

    given: Given
    at: datetime

    @property
    def fix(self) -> Fix:
        """What coverage looks at."""
        return Fix(self.at, LonLat(self.given.lon, self.given.lat), self.given.accuracy_m)


@dataclass(frozen=True, slots=True)
class Sorted:
    """What becomes of a batch: new ones, those stored before, those refused with the reason."""

    new: tuple[Admitted, ...]
    known: tuple[int, ...]
    refused: Mapping[int, Refused]


def sort_batch(
    batch: Sequence[Given],
    sent_at: datetime,
    shift: Shift,
    stored: Mapping[int, Given],
    frame: Frame,
    now: datetime,
) -> Sorted:
    """Which positions of a batch belong to the shift.

    Parameters
    ----------
    stored : positions of this shift by number, at least those that the batch names.
    frame : where positions of a shift may lie, such as ``geo.gate.frame_of`` the plan in force.
    now : when the batch arrived. A position exactly at sign-on or sign-off belongs to the shift.
    """
    new: dict[int, Admitted] = {}
    known: list[int] = []
    refused: dict[int, Refused] = {}
    for one in batch:
        before = stored.get(one.no) or (new[one.no].given if one.no in new else None)
        if before is not None:
            if before == one:
                known.append(one.no)
            else:
                refused[one.no] = Refused.OTHER_CONTENT
            continue
        try:
            at = in_shift(shift, _put_right(Told(one.at, sent_at), now), one.at)
        except ImplausibleTime:
            # Outside the calendar at the end that the difference points to.
            refused[one.no] = Refused.FUTURE if sent_at < now else Refused.BEFORE_SIGN_ON
            continue
        reason = _reason(one, at, shift, frame, now)
        if reason is None:
            new[one.no] = Admitted(one, at)
        else:
            refused[one.no] = reason
    return Sorted(tuple(new.values()), tuple(known), refused)


def _reason(one: Given, at: datetime, shift: Shift, frame: Frame, now: datetime) -> Refused | None:
    reasons: tuple[tuple[Refused, Callable[[], bool]], ...] = (
        (Refused.TOO_LATE, lambda: shift.track_erased or now - shift.ends_by > LATEST),
        (Refused.NO_POSITION, lambda: not _is_position(one)),
        (Refused.ELSEWHERE, lambda: not frame.holds(one.lon, one.lat)),
        (Refused.BEFORE_SIGN_ON, lambda: at < shift.on_at),
        (Refused.AFTER_SIGN_OFF, lambda: at > shift.ends_by),
        (Refused.FUTURE, lambda: at > now + CLOCK_TOLERANCE),
    )
    return next((reason for reason, holds in reasons if holds()), None)


def _is_position(one: Given) -> bool:
    try:
        lonlat(one.lon, one.lat)
    except InvalidGeometry:
        return False
    return True


# What the worker says


class NoteKind(StrEnum):
    """What was noted on the way."""

    NOTHING_FOUND = "nothing_found"
    """未发现问题: about one target, one tap; a word and no visit."""
    FINDING = "finding"
    """发现问题: a report that was filed on this patrol."""


# Attendance


@dataclass(frozen=True, slots=True)
class Attendance:
    """One person's shifts: how many, how long, how long without positions, how many lapsed."""

    person_id: UUID
    shifts: int
    on_duty: timedelta
    unseen: timedelta
    lapsed: int
    first_on_at: datetime
    last_off_at: datetime | None
    late_told: int
    """Sign-ons that the server heard of over :data:`CLOCK_TOLERANCE` after they were tapped."""


def attendance(shifts: Iterable[tuple[Shift, timedelta]], now: datetime) -> list[Attendance]:
    """Attendance figures by person, in order of their ids.

    Parameters
    ----------
    shifts : each with how long positions were missing in it. An open one counts until now.
    """
    by: dict[UUID, list[tuple[Shift, timedelta]]] = {}
    for shift, unseen in shifts:
        by.setdefault(shift.person_id, []).append((shift, unseen))
    return [_figures(person, some, now) for person, some in sorted(by.items())]


def _figures(person: UUID, some: Sequence[tuple[Shift, timedelta]], now: datetime) -> Attendance:
    shifts = [shift for shift, _ in some]
    ends = [s.off_at for s in shifts]
    return Attendance(
        person_id=person,
        shifts=len(shifts),
        on_duty=sum((min(s.ends_by, now) - s.on_at for s in shifts), timedelta()),
        unseen=sum((unseen for _, unseen in some), timedelta()),
        lapsed=sum(s.lapsed or (s.off_at is None and not s.is_open(now)) for s in shifts),
        first_on_at=min(s.on_at for s in shifts),
        last_off_at=None if None in ends else max(end for end in ends if end is not None),
        late_told=sum(s.received_on_at - s.on_at > CLOCK_TOLERANCE for s in shifts),
    )
