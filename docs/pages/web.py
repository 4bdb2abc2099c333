"""The tables that the web client shares with the server, in the shape that the client reads."""

import json
from collections.abc import Iterator
from enum import StrEnum

from gridmgmt.domain.events import EventKind
from gridmgmt.domain.workflow import ACTION_NAMES_ZH, STATE_NAMES_ZH, TRANSITIONS, Action, State
from gridmgmt.errors import GridError
from pages.markdown import english

_WORKFLOW_HEAD = """\
// Generated from gridmgmt/domain/workflow.py and gridmgmt/domain/events.py. Do not edit.
//
// Shape, in the order of the Python table so that a regeneration gives a stable diff:
//   STATES       one object per State: id, zh = STATE_NAMES_ZH, en = id with spaces and a capital, final
//   ACTIONS      one object per Action: id, zh = ACTION_NAMES_ZH, en likewise
//   TRANSITIONS  one object per row: from, action, to, requires (sorted), needsRequest,
//                permission (of whoever performs it, or grants the request for it)
//   EVENT_KINDS  every value of EventKind
"""
_WORKFLOW_TYPES = """
export type State = (typeof STATES)[number]["id"];
export type Action = (typeof ACTIONS)[number]["id"];
export type EventKind = (typeof EVENT_KINDS)[number];
"""
_ERRORS_HEAD = """\
// Generated from gridmgmt/errors.py. Do not edit.
//
// Shape: ERROR_CODES = the `code` of GridError and of every subclass, depth first in the order of the
// source, then "internal_error" (what api/errors.py renders for anything unexpected).
"""
_ERRORS_TYPES = """
export type ErrorCode = (typeof ERROR_CODES)[number];
"""


def workflow() -> str:
    """``web/src/core/workflow.gen.ts``."""
    states = [_object(id=s, zh=STATE_NAMES_ZH[s], en=english(s), final=s.is_final) for s in State]
    actions = [_object(id=a, zh=ACTION_NAMES_ZH[a], en=english(a)) for a in Action]
    rows = [
        _object(
            **{"from": state}, action=action, to=row.target, requires=sorted(row.requires),
            needsRequest=row.needs_request, permission=row.permission,
        )
        for (state, action), row in TRANSITIONS.items()
    ]  # fmt: skip
    lists = {"STATES": states, "ACTIONS": actions, "TRANSITIONS": rows, "EVENT_KINDS": _strings(EventKind)}
    return "\n".join([_WORKFLOW_HEAD, *(_list(k, v) for k, v in lists.items())]) + _WORKFLOW_TYPES


def errors() -> str:
    """``web/src/core/errors.gen.ts``."""
    codes = [json.dumps(code) for code in [*_codes(GridError), "internal_error"]]
    return _ERRORS_HEAD + _list("ERROR_CODES", codes) + _ERRORS_TYPES


def _codes(kind: type[GridError]) -> Iterator[str]:
    yield kind.code
    for child in kind.__subclasses__():
        yield from _codes(child)


def _strings(kind: type[StrEnum]) -> list[str]:
    return [json.dumps(str(member)) for member in kind]


def _object(**members: object) -> str:
    return "{ " + ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in members.items()) + " }"


def _list(name: str, items: list[str]) -> str:
    return f"export const {name} = [\n" + "".join(f"  {item},\n" for item in items) + "] as const;\n"
