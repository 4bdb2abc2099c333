"""Who may do what: permission names, one table of roles, and the separation of duties.

Two questions are kept apart. :func:`can` asks whether the actor's roles and scope carry a
permission. :func:`check_axis` asks whether this person already acted on another *axis* of this very
case: supervision (监督: find, confirm, file, verify, close), command (指挥: dispatch, grant) and
handling (处置) are three hands (监管分离, GB/T 30428; DOMAIN §4.1, R22a). Reporting binds nobody, so a
grid worker may report and later handle, but then another person verifies. What a deputy 代理 does
counts for him and for whom he stands in for, so no hand is won by standing in.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import DutiesNotSeparated, NotAllowed


class Permission(StrEnum):
    """Names are ``resource:verb``; a stored name never changes its meaning."""

    REPORT_SUBMIT = "report:submit"
    CASE_READ = "case:read"
    CASE_ACCEPT = "case:accept"
    CASE_CONFIRM = "case:confirm"
    CASE_FILE = "case:file"
    CASE_DISPATCH = "case:dispatch"
    CASE_HANDLE = "case:handle"
    CASE_EXTEND = "case:extend"
    CASE_RETURN = "case:return"
    CASE_GRANT = "case:grant"
    CASE_GRANT_AGAIN = "case:grant-again"
    CASE_VERIFY = "case:verify"
    CASE_CLOSE = "case:close"
    CASE_VOID = "case:void"
    CASE_REFER = "case:refer"
    CASE_RULE = "case:rule"
    CASE_TELL = "case:tell"
    CASE_SUPERVISE = "case:supervise"
    CALL_ISSUE = "call:issue"
    CALL_ASSESS = "call:assess"
    CALL_PACK = "call:pack"
    DEPUTY_NAME = "deputy:name"
    BOARD_READ = "board:read"
    PLAN_READ = "plan:read"
    PLAN_DRAW = "plan:draw"
    PLAN_REVIEW = "plan:review"
    PLAN_PUBLISH = "plan:publish"
    BOUNDARY_CHANGE = "boundary:change"
    CATALOGUE_EDIT = "catalogue:edit"
    PEOPLE_READ = "people:read"
    PEOPLE_EDIT = "people:edit"
    ROLE_GRANT = "role:grant"
    ACCOUNT_SECURE = "account:secure"
    PEER_EDIT = "peer:edit"
    AUDIT_READ = "audit:read"
    PHOTO_ORIGINAL = "photo:original"
    PERSONAL_FIND = "personal:find"
    PERSONAL_REVEAL = "personal:reveal"
    PERSONAL_ERASE = "personal:erase"
    EXPORT_ASK = "export:ask"
    EXPORT_APPROVE = "export:approve"
    HOLD_PLACE = "hold:place"
    HEALTH_READ = "health:read"
    PATROL_WALK = "patrol:walk"
    PATROL_READ = "patrol:read"
    PATROL_PLAN = "patrol:plan"
    TRACK_REVEAL = "track:reveal"
    ROSTER_EDIT = "roster:edit"


class Axis(StrEnum):
    """The three hands of a case; one person lends a case only one of them."""

    SUPERVISION = "supervision"
    COMMAND = "command"
    HANDLING = "handling"
    DISTRICT = "district"


_READ = frozenset({Permission.CASE_READ, Permission.BOARD_READ, Permission.PLAN_READ})

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.GRID_WORKER: _READ
        | {
            Permission.REPORT_SUBMIT,
            Permission.CASE_CONFIRM,
            Permission.CASE_VERIFY,
            Permission.CASE_HANDLE,
            Permission.PERSONAL_REVEAL,
            Permission.PATROL_WALK,
            Permission.PATROL_READ,
        },
        Role.ACCEPTOR: _READ
        | {
            Permission.REPORT_SUBMIT,
            Permission.CASE_ACCEPT,
            Permission.CASE_TELL,
            Permission.PERSONAL_FIND,
            Permission.PERSONAL_REVEAL,
        },
        Role.SHIFT_LEADER: _READ
        | {
            Permission.CASE_ACCEPT,
            Permission.CASE_FILE,
            Permission.CASE_CLOSE,
            Permission.CASE_VOID,
            Permission.CASE_EXTEND,
            Permission.CASE_TELL,
            Permission.CALL_PACK,
            Permission.PERSONAL_FIND,
            Permission.PERSONAL_REVEAL,
            Permission.EXPORT_ASK,
            Permission.PATROL_READ,
        },
        Role.DISPATCHER: _READ
        | {
            Permission.CASE_DISPATCH,
            Permission.CASE_EXTEND,
            Permission.CASE_RETURN,
            Permission.CASE_GRANT,
            Permission.CASE_REFER,
            Permission.CALL_ISSUE,
            Permission.CALL_PACK,
            Permission.PERSONAL_REVEAL,
            Permission.EXPORT_ASK,
            Permission.PATROL_READ,
        },
        Role.HANDLER: _READ | {Permission.CASE_HANDLE, Permission.PERSONAL_REVEAL, Permission.EXPORT_ASK},
        Role.SUPERVISOR: _READ
        | {Permission.CASE_SUPERVISE, Permission.CALL_PACK, Permission.EXPORT_ASK, Permission.PATROL_READ},
        Role.DIRECTOR: _READ
        | {
            Permission.ROSTER_EDIT,
            Permission.CASE_EXTEND,
            Permission.CASE_RETURN,
            Permission.CASE_GRANT,
            Permission.CASE_GRANT_AGAIN,
            Permission.CASE_VOID,
            Permission.CASE_SUPERVISE,
            Permission.CALL_ISSUE,
            Permission.CALL_ASSESS,
            Permission.CALL_PACK,
            Permission.DEPUTY_NAME,
            Permission.PLAN_PUBLISH,
            Permission.PHOTO_ORIGINAL,
            Permission.PERSONAL_REVEAL,
            Permission.PERSONAL_ERASE,
            Permission.EXPORT_ASK,
            Permission.EXPORT_APPROVE,
            Permission.HOLD_PLACE,
            Permission.PATROL_READ,
            Permission.TRACK_REVEAL,
        },
        Role.DISTRICT_OFFICER: _READ
        | {
            Permission.CASE_RULE,
            Permission.CASE_SUPERVISE,
            Permission.CALL_PACK,
            Permission.PLAN_REVIEW,
            Permission.BOUNDARY_CHANGE,
            Permission.EXPORT_ASK,
            Permission.EXPORT_APPROVE,
            Permission.HOLD_PLACE,
        },
        Role.PLANNER: frozenset(
            {
                Permission.ROSTER_EDIT,
                Permission.PLAN_READ,
                Permission.PLAN_DRAW,
                Permission.PLAN_PUBLISH,
                Permission.BOARD_READ,
                Permission.PATROL_PLAN,
            }
        ),
        # Three administrators apart (三员分立): one makes people, another gives them rights, the third
        # looks on. ``domain/administrators.py`` keeps the three in three persons.
        Role.ADMINISTRATOR: frozenset(
            {
                Permission.PEOPLE_READ,
                Permission.PEOPLE_EDIT,
                Permission.CATALOGUE_EDIT,
                Permission.HEALTH_READ,
            }
        ),
        Role.SECURITY_ADMINISTRATOR: frozenset(
            {
                Permission.PEOPLE_READ,
                Permission.ROLE_GRANT,
                Permission.ACCOUNT_SECURE,
                Permission.PEER_EDIT,
            }
        ),
        Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.PHOTO_ORIGINAL}),
        Role.PEER: frozenset({Permission.REPORT_SUBMIT}),
        Role.SYSTEM: frozenset(
            {
                Permission.CASE_READ,
                Permission.CASE_ACCEPT,
                Permission.CASE_FILE,
                Permission.CASE_DISPATCH,
                Permission.CASE_RETURN,
                Permission.CASE_REFER,
                Permission.CASE_HANDLE,
                Permission.CASE_CLOSE,
            }
        ),
    }
)

# A handler of a unit, or a grid worker, sees the whole street's cases on the map but may move only
# what was given to his unit or to himself.
_BOUND_TO_ASSIGNMENT = frozenset({Permission.CASE_HANDLE})


def permissions_of(actor: Actor) -> frozenset[Permission]:
    """Every permission that some role of the actor carries."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in actor.roles))


def in_scope(actor: Actor, subdistrict_code: str) -> bool:
    """Whether the actor's roles hold for this subdistrict; outside it nothing exists for him."""
    return subdistrict_code in actor.subdistricts


def can(
    actor: Actor,
    permission: Permission,
    subdistrict_code: str,
    *,
    unit_code: str | None = None,
    worker_id: UUID | None = None,
) -> bool:
    """Whether the actor may use ``permission`` there.

    Parameters
    ----------
    unit_code, worker_id : the assignment of the case, for permissions that are bound to it: the
        actor must belong to that unit or be that worker. A handler who belongs to no unit and is
        not the assigned worker may handle nothing.
    """
    if not in_scope(actor, subdistrict_code):
        return False
    if not any(permission in ROLE_PERMISSIONS[role] for role in actor.roles):
        return False
    if permission not in _BOUND_TO_ASSIGNMENT or actor.is_system:
        return True
    if worker_id is not None and worker_id == actor.id:
        return True
    return Role.HANDLER in actor.roles and actor.unit_code is not None and actor.unit_code == unit_code


def require(
    actor: Actor,
    permission: Permission,
    subdistrict_code: str,
    *,
    unit_code: str | None = None,
    worker_id: UUID | None = None,
) -> None:
    """Refuse unless :func:`can`.

    Raises
    ------
    NotAllowed
        With the permission and, so that the edge can hide existence, ``in_scope``.
    """
    if not can(actor, permission, subdistrict_code, unit_code=unit_code, worker_id=worker_id):
        raise NotAllowed(
            f"This needs the permission {permission}.",
            article="11",
            rule="R11",
            permission=str(permission),
            in_scope=in_scope(actor, subdistrict_code),
        )


def require_anywhere(actor: Actor, permission: Permission) -> None:
    """Refuse whoever has the permission nowhere, before anything is looked up on his behalf.

    Raises
    ------
    NotAllowed
        No role of the actor carries it.
    """
    if permission not in permissions_of(actor):
        raise NotAllowed(
            f"This needs the permission {permission}.",
            article="11",
            rule="R11",
            permission=str(permission),
            in_scope=True,
        )


def check_axis(acted: Mapping[UUID, Axis], actor: Actor, axis: Axis) -> None:
    """Refuse a person who already acted on another axis of this case, or stands in for one who did.

    Raises
    ------
    DutiesNotSeparated
        Whoever handled may not verify or close; whoever dispatched may not file, verify or close.
    """
    if actor.is_system:
        return
    for person in actor.persons:
        before = acted.get(person)
        if before is not None and before is not axis:
            raise DutiesNotSeparated(
                f"This person already acted for {before} on this case and cannot act for {axis}.",
                article="22-1",
                rule="R22a",
                acted_for=str(before),
                asked_for=str(axis),
                in_scope=True,
            )


def lend(acted: Mapping[UUID, Axis], actor: Actor, axis: Axis) -> Mapping[UUID, Axis]:
    """Who acted for which hand, after this actor did; the platform leaves no mark."""
    return acted if actor.is_system else MappingProxyType({**acted, **dict.fromkeys(actor.persons, axis)})
