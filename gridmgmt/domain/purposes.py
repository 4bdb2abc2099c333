"""What personal data may be used for: named purposes, and the fields that each one opens (R41b, R41c). Pure.

Data are opened for a purpose that was named and, where it must be, approved; use beyond it is refused.
The catalogue of fields that may leave in an export is data here, so that one page can show all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import BeyondPurpose, InvalidInput, MissingFact, OwnRequest


class Purpose(StrEnum):
    """Why somebody needs the data."""

    CASE_HANDLING = "case_handling"
    """办理案件"""
    CALLBACK = "callback"
    """回访告知"""
    EMERGENCY = "emergency"
    """应急处置"""
    VERIFICATION = "verification"
    """核实核查"""
    INSPECTION = "inspection"
    """监督检查"""
    STATISTICS = "statistics"
    """统计分析"""
    LEGAL = "legal"
    """依法调取"""


REVEALING = frozenset(
    {Purpose.CASE_HANDLING, Purpose.CALLBACK, Purpose.EMERGENCY, Purpose.VERIFICATION, Purpose.LEGAL}
)
"""Purposes for which one contact may be shown in full."""

TRACKING = frozenset({Purpose.EMERGENCY, Purpose.INSPECTION, Purpose.LEGAL})
"""Purposes for which the way that somebody walked on one shift may be shown."""

NOTE_MINIMUM = 4
"""A purpose comes with a reason in words of at least so many characters."""


class ExportFormat(StrEnum):
    """Kinds of file."""

    CSV = "csv"
    GEOJSON = "geojson"
    GPKG = "gpkg"


class ExportState(StrEnum):
    """Where an export stands."""

    WAITING = "waiting"
    """A second person has to approve."""
    QUEUED = "queued"
    READY = "ready"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ExportField:
    """A field that may leave: its heading, whether it is personal, and what for it may be used."""

    name: str
    heading: str
    personal: bool = False
    purposes: frozenset[Purpose] = frozenset(Purpose)


_ABOUT_ONE_CASE = frozenset(
    {Purpose.CASE_HANDLING, Purpose.EMERGENCY, Purpose.VERIFICATION, Purpose.INSPECTION, Purpose.LEGAL}
)
_ABOUT_ONE_PERSON = frozenset({Purpose.CALLBACK, Purpose.EMERGENCY, Purpose.LEGAL})

EXPORT_FIELDS: Mapping[str, ExportField] = MappingProxyType(
    {
        field.name: field
        for field in (
            ExportField("number", "案卷号"),
            ExportField("state", "状态"),
            ExportField("category", "类别"),
            ExportField("source", "来源"),
            ExportField("community_code", "社区代码"),
            ExportField("cell_code", "网格代码"),
            ExportField("unit_code", "责任单位"),
            ExportField("reported_at", "上报时间"),
            ExportField("due_at", "处置时限"),
            ExportField("closed_at", "结案时间"),
            ExportField("lon", "经度"),
            ExportField("lat", "纬度"),
            # Free text may name people, whatever else it says.
            ExportField("description", "描述", personal=True, purposes=_ABOUT_ONE_CASE),
            ExportField("contact_name", "联系人", personal=True, purposes=_ABOUT_ONE_PERSON),
            ExportField("contact_phone", "联系电话", personal=True, purposes=_ABOUT_ONE_PERSON),
        )
    }
)

APPROVAL_ABOVE_ROWS = 1_000
EXPORT_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ExportAsk:
    """What is asked for; nothing of it has been checked."""

    purpose: Purpose
    note: str
    format: ExportFormat
    fields: Sequence[str]
    reported_from: datetime | None = None
    reported_until: datetime | None = None

    @property
    def personal(self) -> bool:
        """Whether a personal field is among those asked for."""
        return any(EXPORT_FIELDS[name].personal for name in self.fields)


def require_note(note: str) -> None:
    """Refuse a purpose without a reason in words.

    Raises
    ------
    MissingFact
        Fewer than :data:`NOTE_MINIMUM` characters.
    """
    if len(note.strip()) < NOTE_MINIMUM:
        raise MissingFact(
            f"Say what for, in at least {NOTE_MINIMUM} characters.", rule="R41b", missing=["note"]
        )


def check_export(ask: ExportAsk) -> None:
    """Refuse an export whose fields its purpose does not open.

    Raises
    ------
    InvalidInput
        No field, one twice, an unknown one, or a geographic file without a position.
    BeyondPurpose
        ``facts["fields"]`` names those that the purpose does not open.
    MissingFact
        No reason.
    """
    unknown = [name for name in ask.fields if name not in EXPORT_FIELDS]
    if unknown or not ask.fields or len(set(ask.fields)) < len(ask.fields):
        raise InvalidInput("Name fields of the catalogue, each once.", rule="R41b", unknown=unknown)
    if ask.format is not ExportFormat.CSV and not {"lon", "lat"} <= set(ask.fields):
        raise InvalidInput("A geographic file needs the fields lon and lat.", rule="R41b", field="fields")
    require_note(ask.note)
    beyond = [name for name in ask.fields if ask.purpose not in EXPORT_FIELDS[name].purposes]
    if beyond:
        raise BeyondPurpose(
            "This purpose does not open these fields.",
            article="41-2",
            rule="R41b",
            purpose=str(ask.purpose),
            fields=beyond,
        )


def needs_approval(*, personal: bool, rows: int) -> bool:
    """Whether a second person has to say yes: personal data, or more rows than one person may take."""
    return personal or rows > APPROVAL_ABOVE_ROWS


def check_approval(asked_by: object, approver: Actor) -> None:
    """Refuse whoever would approve what he asked for himself.

    Raises
    ------
    OwnRequest
        It is his own.
    """
    if approver.id == asked_by:
        raise OwnRequest("Somebody else has to approve this.", article="41-3", rule="R41c")


def check_use(approved_for: Purpose, used_for: Purpose) -> None:
    """Refuse use for another purpose than the one approved (R41b).

    Raises
    ------
    BeyondPurpose
        It is another one.
    """
    if approved_for is not used_for:
        raise BeyondPurpose(
            "These data were opened for another purpose.",
            article="41-2",
            rule="R41b",
            purpose=str(used_for),
            approved_for=str(approved_for),
        )


def check_reveal(purpose: Purpose, note: str) -> None:
    """Refuse to show a contact in full for a purpose that does not need it, or without a reason.

    Raises
    ------
    BeyondPurpose, MissingFact
        As said.
    """
    require_note(note)
    if purpose not in REVEALING:
        raise BeyondPurpose(
            "Nobody's contact is needed for this purpose.",
            article="41-2",
            rule="R41b",
            purpose=str(purpose),
            fields=["contact"],
        )


def check_track_reveal(purpose: Purpose, note: str) -> None:
    """Refuse to show where a worker was for a purpose that coverage is enough for, or without a reason.

    Raises
    ------
    BeyondPurpose, MissingFact
        As said.
    """
    require_note(note)
    if purpose not in TRACKING:
        raise BeyondPurpose(
            "Nobody's track is needed for this purpose; coverage says what was walked.",
            article="41-2",
            rule="R41b",
            purpose=str(purpose),
            fields=["track"],
        )


def limited_to_unit(actor: Actor) -> bool:
    """Whether the actor may take out his own unit's cases only: a handler who holds no other post."""
    return actor.roles <= {Role.HANDLER}
