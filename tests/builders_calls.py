"""Joint calls for tests: one lead, two assistants, people of three units; made-up units."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from gridmgmt.domain.jointcall import JointCall, Part, Purpose, Task
from gridmgmt.domain.org import Actor, Role
from tests.builders_cases import CASE_ID, HOUR, NOW, STREET, make_actor

LEAD, FIRST, SECOND = UUID(int=301), UUID(int=302), UUID(int=303)
TASKS = (LEAD, FIRST, SECOND)
UNIT_OF = {LEAD: "HZD-01", FIRST: "HZD-02", SECOND: "HZD-03"}
CALL_FACTS: dict[str, Any] = {"result": "已拆除", "reason": "不在职责内", "opinion": "到场及时", "score": 4}
DUE = NOW + 8 * HOUR


def make_task(task_id: UUID = LEAD, **over: Any) -> Task:
    """A sub-task just called: sign in within half an hour, arrive within two, done within eight."""
    facts: dict[str, Any] = {
        "id": task_id,
        "unit_code": UNIT_OF[task_id],
        "part": Part.LEAD if task_id == LEAD else Part.ASSISTANT,
        "what": "现场处置",
        "sign_in_due_at": NOW + HOUR / 2,
        "arrive_due_at": NOW + 2 * HOUR,
        "due_at": DUE,
    }
    return Task(**facts | over)


def make_call(**over: Any) -> JointCall:
    """One lead and two assistants, called at NOW by somebody of the command hand."""
    facts: dict[str, Any] = {
        "id": UUID(int=300),
        "case_id": CASE_ID,
        "subdistrict_code": STREET,
        "purpose": Purpose.JOINT_ENFORCEMENT,
        "text": "联合拆违",
        "issued_by": UUID(int=399),
        "issued_at": NOW,
        "document_no": "街调〔2026〕1号",
        "tasks": tuple(make_task(t) for t in TASKS),
    }
    return JointCall(**facts | over)


def unit_of(task_id: UUID) -> Actor:
    """The person of the unit that a sub-task is given to."""
    number = TASKS.index(task_id)
    return replace(make_actor(Role.HANDLER, number=400 + number), unit_code=UNIT_OF[task_id])
