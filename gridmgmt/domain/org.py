"""Who is who: subdistricts, communities, responsible units, roles and actors.

The tree is 市–区–街–社区–网格 with a responsible head (主官) on each level (article 2, R02).
An :class:`Actor` is built once per request from the session's row, never from what a client sends.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class CommunityKind(StrEnum):
    """Article 47: what holds for residents' committees holds for villagers' committees."""

    RESIDENTS = "residents"
    VILLAGERS = "villagers"


class UnitKind(StrEnum):
    """Kinds of responsible unit 责任单位 (article 22-2)."""

    SUBDISTRICT_OFFICE = "subdistrict_office"
    COMMUNITY = "community"
    DEPARTMENT = "department"
    OUTPOST = "outpost"
    PUBLIC_SERVICE = "public_service"
    DISTRICT = "district"


class Role(StrEnum):
    """Posts of the loop (DOMAIN §4.1). A person may hold several; a case keeps their duties apart."""

    GRID_WORKER = "grid_worker"
    """网格员: reports, confirms and verifies on site, handles minor matters."""
    ACCEPTOR = "acceptor"
    """受理员: looks at a report, accepts, rejects or merges it."""
    SHIFT_LEADER = "shift_leader"
    """值班长: files, closes, grants voiding and first extensions."""
    DISPATCHER = "dispatcher"
    """派遣员: names the unit; grants returns, extensions and holds."""
    HANDLER = "handler"
    """责任单位经办人: signs, handles and feeds back for one unit."""
    SUPERVISOR = "supervisor"
    """督办人: urges; sees everything of the street, moves nothing."""
    DIRECTOR = "director"
    """街道主任 (article 9): final approver."""
    DISTRICT_OFFICER = "district_officer"
    """区网格中心 (articles 7, 22, 39, 42): rules on the responsible unit, reviews plans."""
    PLANNER = "planner"
    """规划员: draws cells; publishes only what the district reviewed."""
    ADMINISTRATOR = "administrator"
    """系统管理员: people, units, catalogue; no business data, no rights to give."""
    SECURITY_ADMINISTRATOR = "security_administrator"
    """安全管理员: grants of roles, sessions, devices, machine peers, lockouts; no business data."""
    AUDITOR = "auditor"
    """审计员: reads the audit log."""
    PEER = "peer"
    """对接系统: another system that hands reports over (12345 hotline, district platform)."""
    SYSTEM = "system"
    """The platform acting under a stored automatic policy; exempt from separation of duties."""


@dataclass(frozen=True, slots=True)
class Subdistrict:
    """A subdistrict 街道; ``code`` has nine digits (GB/T 10114 shape 6+3)."""

    code: str
    name: str
    district_code: str
    district_name: str
    head: str


@dataclass(frozen=True, slots=True)
class Community:
    """A community 社区; ``code`` has twelve digits, the first nine being its subdistrict's.

    ``area_class`` 区域类别 chooses among limits, such as longer ones for outer areas; empty means any.
    """

    code: str
    name: str
    subdistrict_code: str
    kind: CommunityKind = CommunityKind.RESIDENTS
    area_class: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A responsible unit. ``subdistrict_code`` is None for departments of the district."""

    code: str
    name: str
    kind: UnitKind
    subdistrict_code: str | None = None
    parent_code: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request and the scope that every query is held to.

    ``subdistricts`` are the nine-digit codes the roles hold for; ``unit_code`` limits a handler to
    the cases of that unit; ``cell_codes`` are the duty grids a grid worker answers for.
    ``on_behalf_of`` is the person whom a deputy 代理 stands in for: roles, unit and cells are then
    that person's as far as they were handed over, and what is done counts for both (R22a).
    """

    id: UUID
    name: str
    roles: frozenset[Role]
    subdistricts: frozenset[str]
    unit_code: str | None = None
    cell_codes: frozenset[str] = field(default_factory=frozenset)
    on_behalf_of: UUID | None = None

    @property
    def persons(self) -> tuple[UUID, ...]:
        """Everybody for whom an act of this actor counts: himself, and whom he stands in for."""
        return (self.id,) if self.on_behalf_of is None else (self.id, self.on_behalf_of)

    @property
    def is_system(self) -> bool:
        """Whether this is the platform itself."""
        return Role.SYSTEM in self.roles


SYSTEM_ACTOR_ID = UUID("00000000-0000-7000-8000-000000000001")


def system_actor(subdistrict_code: str) -> Actor:
    """The platform itself, acting inside one subdistrict under a stored automatic policy."""
    return Actor(
        id=SYSTEM_ACTOR_ID,
        name="system",
        roles=frozenset({Role.SYSTEM}),
        subdistricts=frozenset({subdistrict_code}),
    )
