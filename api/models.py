"""Pieces that several resources share: strict numbers, times in UTC, the base of all models."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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


Instant = Annotated[datetime, AfterValidator(_aware)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

PROBLEM: dict[str, Any] = {
    "description": "Refused; `code` is stable, `article` is that of 《天津市街道办事处条例》",
    "content": {
        "application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
        }
    },
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


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an endpoint: the usual refusals and the named ones."""
    return dict.fromkeys(sorted({401, 403, 422, 503, *statuses}), PROBLEM)
