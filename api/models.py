"""Pieces that several resources share: strict numbers, times in UTC, the base of all models.

What arrives is taken as what it is. A number is a number and no text that reads like one, a time is ISO 8601
with its zone and no count of seconds, and everything has an upper bound: text, lists, numbers. A test walks
the OpenAPI document and fails for whatever a sender may give without one. (pydantic's own strict mode wants
UUIDs and times as Python objects, which JSON has not; so strictness stands at each field.)
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Model(BaseModel):
    """Unknown fields are refused: a misspelt field is an error of the sender, not a default of ours."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


# Whatever zone a rule counts days in, the time has a day there.
_FARTHEST_EAST = timezone(timedelta(hours=14))


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time needs its zone, such as 2026-11-23T08:00:00Z")
    try:
        at.astimezone(_FARTHEST_EAST)
        return at.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("this time lies outside the calendar") from exc


_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.IGNORECASE | re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d$", re.ASCII)
_MOST_TIME_CHARACTERS = 40


def _iso(given: object) -> object:
    """Numbers, and text that pydantic would take for a count of seconds, are no times."""
    if isinstance(given, datetime):
        return given
    if not isinstance(given, str) or len(given) > _MOST_TIME_CHARACTERS or not _ISO_TIME.match(given):
        raise ValueError("a time is written like 2026-11-23T08:00:00Z")
    return given


Instant = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_aware)]


def _iso_day(given: object) -> object:
    if isinstance(given, str) and not _ISO_DAY.match(given):
        raise ValueError("a day is written like 2026-11-23")
    return given


Day = Annotated[date, BeforeValidator(_iso_day)]
# Wide enough for metres given as degrees, so that the refusal can say so.
_FARTHEST = 1e8
Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-_FARTHEST, le=_FARTHEST)]
QueryDegrees = Annotated[float, Field(allow_inf_nan=False, ge=-_FARTHEST, le=_FARTHEST)]
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
YesNo = Annotated[bool, Field(strict=True)]
Facts = Annotated[dict[str, Any], Field(default_factory=dict, max_length=40)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

PROBLEM: dict[str, Any] = {
    "description": "Refused; `code` is stable, `article` is that of 《天津市街道办事处条例》",
    "content": {
        "application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
        }
    },
}


GEOJSON: dict[str, Any] = {
    "description": "GeoJSON (RFC 7946), a FeatureCollection",
    "content": {"application/geo+json": {"schema": {"type": "object", "required": ["type", "features"]}}},
}


class Problem(BaseModel):
    """RFC 9457 problem document with this project's members."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    article: str | None
    rule: str | None
    facts: dict[str, Any]
    request_id: str | None


def problems(*statuses: int, session: bool = True) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an endpoint: the usual refusals and the named ones.

    Parameters
    ----------
    session : False where nobody has to be signed in; OpenAPI then says so.
    """
    usual = {401, 403, 422, 503} if session else {403, 422, 503}
    return dict.fromkeys(sorted({*usual, *statuses}), PROBLEM)
