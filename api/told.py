"""What answers consist of: the parts of cases, boards and the demo, as the API's document names them.

Services put answers together as plain data; these models describe them. The pages' types are generated from
the document (``web/src/api``), and ``tests/api/test_document.py`` reads real answers with the models.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.models import Model
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import Light


class CategoryRef(Model):
    """A class 类别 by name."""

    key: str
    code: str
    name: str


class Place(Model):
    """A place in CGCS2000 degrees."""

    lon: float
    lat: float


class SentPosition(Model):
    """A position as it was sent, in the datum of the sender."""

    lon: float
    lat: float
    datum: str
    accuracy_m: float | None


class Contact(Model):
    """Whoever reported from outside, as short as the asker may see him."""

    name: str | None
    phone: str | None


class ReportOfCase(Model):
    """The report that a case began with."""

    id: UUID
    description: str
    position: SentPosition | None
    observed_at: datetime
    received_at: datetime
    photos: list[str]
    recordings: list[str]
    erased: bool
    contact: Contact | None
    shortened: bool


class TraceLine(Model):
    """A routing rule that was tried, what came of it and why."""

    rule_id: str
    outcome: str
    matched: bool
    why: str


class Routing(Model):
    """Where a case was sent and why; ``queue_reason`` where it waits for a person instead."""

    unit_code: str | None
    unit_name: str | None
    worker_id: UUID | None
    worker_name: str | None
    rule_id: str | None
    reason: str
    queue_reason: str | None = None
    worker_code: str | None = None
    worker_reason: str | None = None
    rules_version: str | None = None
    precedent: dict[str, Any] | None = None
    rules_tried: int | None = None
    trace: list[TraceLine]


class Duty(Model):
    """Whether the street may lead, by which item of the duty list."""

    allowed: bool
    role: str | None
    item_no: str | None
    reason: str
    article: str | None
    rule: str | None


class LikenessWhy(Model):
    """The shares that make up a score of likeness; ``text`` where both said something."""

    place: float
    time: float
    text: float | None
    same_component: bool
    class_share: Annotated[float, Field(alias="class")]


class Duplicate(Model):
    """A case that a report probably repeats."""

    case_id: UUID
    number: str
    score: float
    distance_m: float
    why: LikenessWhy


class HistoryLine(Model):
    """One step of a case."""

    seq: int
    action: str
    action_name: str
    from_state: State | None
    to_state: State
    actor_id: UUID
    actor_name: str
    at: datetime
    facts: dict[str, Any]
    article: str | None
    on_behalf_of: UUID | None


class Refusal(Model):
    """Why something is not offered."""

    code: str
    detail: str
    article: str | None


class Choice(Model):
    """A value that a form may offer, with the words that people read."""

    value: str
    label: str


class LegalAction(Model):
    """A move that the state allows: whether this person may do it or ask for it, else why not.

    ``on_site`` is a word about the place: it comes with the fact ``place``, where the device is, and with
    ``place_reason`` where that is away, vague or not known.
    """

    action: Action
    name: str
    requires: list[str]
    needs_request: bool
    on_site: bool
    may: Literal["do", "ask"] | None
    refusal: Refusal | None
    choices: dict[str, list[Choice]]


class Deadline(Model):
    """One of the deadlines of a case."""

    kind: Literal["sign_for", "milestone", "handling"]
    code: str
    name: str
    due_at: datetime
    met_at: datetime | None
    light: Light | None
    amount: int
    unit: str
    calendar_known: bool


class ClockReason(Model):
    """What made a deadline what it is."""

    code: str
    name: str
    seq: int
    at: datetime
    due_at: datetime | None
    facts: dict[str, Any]


class Recomputed(Model):
    """A recomputation of a case's deadlines."""

    run_id: UUID
    at: datetime
    actor_id: UUID
    why: str
    calendar_version: int
    rules_revision: int
    old: dict[str, Any]
    new: dict[str, Any]


class CaseClocks(Model):
    """The deadlines of a case, their reasons, and the calendar that they were counted by."""

    calendar: dict[str, Any]
    deadlines: list[Deadline]
    reasons: list[ClockReason]
    spans: list[dict[str, Any]]
    recomputed: list[Recomputed]
    refusal: dict[str, str] | None
    stale: bool = False


class NamedSubdistrict(Model):
    """A street by code."""

    code: str
    name: str


class BoardPlan(Model):
    """The grid plan in force."""

    version: int
    valid_from: datetime
    cells: int


class BoardTotals(Model):
    """The figures of the board."""

    reported_today: int
    closed_today: int
    open: int
    closed: int
    overdue: int
    unrouted: int


class BoardState(Model):
    """Cases in one state."""

    state: State
    name: str
    count: int
    overdue: int


class BoardLights(Model):
    """Running cases by light."""

    green: int
    yellow: int
    red: int


class BoardUnit(Model):
    """Cases of one unit."""

    unit_code: str
    unit_name: str
    open: int
    overdue: int
    closed: int


class BoardEvent(Model):
    """One of the newest events."""

    id: int
    at: datetime
    kind: str
    kind_name: str
    case_id: UUID | None
    number: str | None
    state: State | None
    cell_code: str | None
    category_name: str | None


class BoardCalendar(Model):
    """How far the holiday data reach."""

    id: str
    name: str
    version: int | str
    covered_until: date | None
    warning: Literal["calendar_ends", "calendar_ended"] | None


class SpokenWord(Model):
    """Another word for a class 俗称, and its Pinyin."""

    text: str
    pinyin: str


class SpokenPhrase(Model):
    """A description that is chosen by one tap; ``text`` is what is sent in either language."""

    text: str
    text_en: str


class CategoryOut(Model):
    """A class 部件/事项 of the catalogue, and how people speak of it.

    ``pinyin`` is of its name: syllables with blanks between them, ``v`` for ``ü``; empty where nobody has
    spelt it.
    """

    key: str
    kind: str
    code: str
    name: str
    name_en: str
    major_code: str
    major_name: str
    major_name_en: str
    minor: bool
    evidence_required: bool
    emergency: bool
    pinyin: str
    words: list[SpokenWord]
    phrases: list[SpokenPhrase]


class StreetOfPerson(NamedSubdistrict):
    """The street that somebody works for."""

    district_name: str


class DemoDefaults(Model):
    """Whose part each page begins with."""

    centre: UUID
    field: UUID


class DemoPerson(Model):
    """A synthetic person of the demo."""

    id: UUID
    login: str
    name: str
    roles: list[str]
    unit_code: str | None
    unit_name: str | None
    cell_codes: list[str]
    pages: Annotated[list[Literal["centre", "field"]], Field(alias="for")]
