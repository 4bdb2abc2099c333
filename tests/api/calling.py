"""Joint calls over HTTP, for tests."""

from typing import Any
from uuid import uuid4

from tests.api.client import Person


def call_body(case: dict[str, Any], *units: str) -> dict[str, Any]:
    """A call that the dispatcher may issue; the first unit leads."""
    tasks = [
        {
            "id": str(uuid4()), "unit_code": unit, "part": "assistant" if n else "lead",
            "what": "现场处置", "amount": 4, "unit": "working_hour",
        }
        for n, unit in enumerate(units or ("HZD-01", "HZD-06"))
    ]  # fmt: skip
    return {
        "id": str(uuid4()), "version": case["version"], "purpose": "joint_enforcement",
        "text": "联合整治", "document_no": "街调〔2026〕1号", "tasks": tasks,
    }  # fmt: skip


def issued(by: Person, case: dict[str, Any], *units: str) -> dict[str, Any]:
    """A call as it was issued."""
    answer = by.post(f"/cases/{case['id']}/joint-calls", call_body(case, *units))
    assert answer.status_code == 201, answer.text
    return answer.json()


def acted(by: Person, call: dict[str, Any], number: int, action: str, **facts: Any) -> Any:
    """The answer to an action on a sub-task, on the call as it stands."""
    body = {
        "command_id": str(uuid4()), "action": action, "facts": facts,
        "version": by.get(f"/joint-calls/{call['id']}").json()["version"],
    }  # fmt: skip
    return by.post(f"/joint-calls/{call['id']}/tasks/{call['tasks'][number]['id']}/actions", body)
