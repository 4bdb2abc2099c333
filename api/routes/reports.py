"""Reports 上报: the way in. Idempotent by the id that the phone made."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from api.answers import Json
from api.deps import OneTransaction
from api.models import Degrees, Instant, Model, Sha256, YesNo, problems
from api.told import CategoryRef, Duplicate, Duty, Routing
from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.personal import Contact, normal_phone
from gridmgmt.domain.report import Source
from gridmgmt.domain.workflow import State
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import Datum
from gridmgmt.services import confidences, intake, likely

router = APIRouter(tags=["reports"])

_EXAMPLE: JsonDict = {
    "id": "01937f3e-7a00-7000-8000-00000000a001",
    "category": "matter:09006",
    "description": "占道经营，影响通行",
    "position": {"lon": 117.6466, "lat": 39.0344, "datum": "wgs84", "accuracy_m": 8.0},
    "observed_at": "2026-11-23T01:20:00Z",
    "photos": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
}


class PositionIn(Model):
    """Where, in the datum it was taken in. Nothing is guessed: an untagged position is refused."""

    lon: Degrees
    lat: Degrees
    datum: Datum
    accuracy_m: Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)] | None = None


class ContactIn(Model):
    """Whom to ask or tell about a report that came from outside. Never required; kept apart and sealed."""

    name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    phone: Annotated[str, Field(min_length=5, max_length=32)] | None = None

    @field_validator("phone")
    @classmethod
    def _is_a_number(cls, value: str | None) -> str | None:
        try:
            return value and normal_phone(value)
        except InvalidInput as exc:
            raise ValueError(exc.message) from None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.phone is None:
            raise ValueError("give a name or a number, or leave the contact out")
        return self


class ReportIn(Model):
    """A report as a phone sends it.

    ``sent_at`` is what the phone's clock says at this moment, each time it is sent: where that is off by more
    than a minute, ``observed_at`` is put right by the difference. It is no part of the report's content.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    category: Annotated[str, Field(min_length=1, max_length=80)]
    description: Annotated[str, Field(max_length=2000)] = ""
    source: Source = Source.PATROL
    position: PositionIn
    observed_at: Instant
    photos: Annotated[list[Sha256], Field(max_length=12, default_factory=list)]
    recordings: Annotated[list[Sha256], Field(max_length=3, default_factory=list)]
    self_handled: YesNo = False
    contact: ContactIn | None = None
    sent_at: Instant | None = None


class ReportOut(Model):
    """What became of it: the case, its cell, whose duty it is, where it went and why."""

    id: UUID
    case_id: UUID
    case_number: str
    state: State
    cell_code: str
    cell_name: str
    community_code: str
    community_name: str
    subdistrict_code: str
    category: CategoryRef
    received_at: datetime
    observed_at: datetime
    duty: Duty
    routing: Routing
    due_at: datetime | None
    stage_due_at: datetime | None
    duplicates: list[Duplicate]


class LikelyIn(Model):
    """A report that is being written, as far as it is compared with others."""

    category: Annotated[str, Field(min_length=1, max_length=80)]
    description: Annotated[str, Field(max_length=2000)] = ""
    position: PositionIn
    observed_at: Instant


class LikelyWhyOut(Model):
    """The parts of a score, each from 0 to 1; ``text`` is null where one of the two says nothing."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    of_class: Annotated[float, Field(alias="class")]
    place: float
    time: float
    text: float | None
    same_component: bool


class LikelyOut(Model):
    """An open case that the report probably repeats. A suggestion: whether it does, a person decides."""

    case_id: UUID
    number: str
    score: float
    distance_m: float
    why: LikelyWhyOut


class LikelyListOut(Model):
    """The likeliest first; empty where nothing is likely."""

    items: list[LikelyOut]


@router.post("/reports", status_code=201, response_model=ReportOut, responses=problems(409, 413))
def submit_report(body: ReportIn, work: OneTransaction) -> Response:
    """File a report. The same id and content again gets the same answer again; other content is refused."""
    with work.begin() as w:
        answer = intake.submit_report(
            w.db, w.actor, w.now, w.rulebooks, command_of(body, w.keys), work.request_id
        )
    return told(answer)


@router.post("/reports/likely", response_model=LikelyListOut, responses=problems())
def likely_duplicates(body: LikelyIn, work: OneTransaction) -> Response:
    """Ask before sending: which open cases would this report probably repeat, and why? Nothing is kept.

    A POST although it changes nothing: what somebody is writing has no place in an address.
    """
    at = body.position
    asked = likely.AskLikely(body.category, at.lon, at.lat, at.datum, body.observed_at, body.description)
    with work.begin(read_only=True) as w:
        items = likely.before_sending(w.db, w.actor, w.now, w.rulebooks, asked)
    return Json({"items": items})


def command_of(body: ReportIn, keys: KeyRing) -> intake.SubmitReport:
    """The command that a body asks for; what it confides is sealed from here on."""
    contact = Contact(body.contact.name, body.contact.phone) if body.contact else None
    return intake.SubmitReport(
        id=body.id,
        category=body.category,
        description=body.description,
        source=body.source,
        lon=body.position.lon,
        lat=body.position.lat,
        datum=body.position.datum,
        accuracy_m=body.position.accuracy_m,
        observed_at=body.observed_at,
        photos=tuple(body.photos),
        self_handled=body.self_handled,
        sent_at=body.sent_at,
        recordings=tuple(body.recordings),
        confidence=confidences.confided(keys, body.id, body.source, body.description, contact),
    )


def told(answer: intake.Answer) -> Response:
    """The stored answer is the answer: it is not built a second time through the model."""
    headers = {"Idempotent-Replay": "true"} if answer.replayed else {}
    return Json(dict(answer.body), status_code=201, headers=headers)


@router.get("/reports/{report_id}", response_model=ReportOut, responses=problems(404))
def get_report(report_id: UUID, work: OneTransaction) -> Response:
    """What the sender was told when the report came in."""
    with work.begin(read_only=True) as w:
        body = intake.answered_report(w.db, w.actor, report_id)
    return Json(dict(body))
