"""Issuing a joint call 吹哨: who may, about what, and what the order says (articles 8-1, 39-1; R08a).

The order is the director's 街道主任. He issues it himself, or the dispatcher does on an order that he
signed, whose number is kept; in an emergency the signature may follow the call. Issuing lends the case
the command hand.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.jointcall import JointCall, Part, Purpose
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Axis, Permission
from gridmgmt.domain.workflow import State
from gridmgmt.errors import InvalidInput, MissingFact, NotReady

MOST_UNITS = 20


def issue(call: JointCall, actor: Actor, state: State, acted: Mapping[UUID, Axis]) -> JointCall:
    """The call as it is issued.

    Parameters
    ----------
    state, acted : of the case that it is about.

    Raises
    ------
    NotAllowed
        The actor issues no calls.
    DutiesNotSeparated
        He acted for another hand of the case.
    NotReady
        The case has ended.
    MissingFact
        A call without words, or a dispatcher's without the number of the signed order.
    InvalidInput
        Not one lead, a unit twice, too many units.
    """
    permissions.require(actor, Permission.CALL_ISSUE, call.subdistrict_code)
    permissions.check_axis(acted, actor, Axis.COMMAND)
    if state.is_final:
        raise NotReady(
            "Nobody is called to a case that has ended.",
            article="22-2", rule="R08a", guard="open_case", state=str(state),
        )  # fmt: skip
    require_well_formed(call)
    signed = Role.DIRECTOR in actor.roles or call.purpose is Purpose.EMERGENCY
    if not signed and is_empty(call.document_no):
        raise MissingFact(
            "A dispatcher calls on an order that the director signed; give its number.",
            article="9", rule="R08a", missing=["document_no"],
        )  # fmt: skip
    return replace(call, hands=permissions.lend(call.hands, actor, Axis.COMMAND))


def require_well_formed(call: JointCall) -> None:
    """Refuse a call that has not one lead, names a unit twice, or says nothing.

    Raises
    ------
    InvalidInput
        ``facts["field"]`` names what to mend.
    MissingFact
        A sub-task or the call itself without words.
    """
    leads = [task for task in call.tasks if task.part is Part.LEAD]
    if len(leads) != 1:
        raise InvalidInput(
            "A joint call has exactly one lead.", article="22-2", rule="R22c", field="tasks", leads=len(leads)
        )
    if len(call.tasks) > MOST_UNITS:
        raise InvalidInput(f"A joint call names at most {MOST_UNITS} units.", rule="R22c", field="tasks")
    if len({task.unit_code for task in call.tasks}) != len(call.tasks):
        raise InvalidInput("A unit is in a joint call once.", article="22-2", rule="R22c", field="tasks")
    if is_empty(call.text) or any(is_empty(task.what) for task in call.tasks):
        raise MissingFact("A call says what each unit is called for.", rule="R08a", missing=["what"])
