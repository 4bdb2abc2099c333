"""Pages of the rules: the workflow table, the permissions, the errors."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import api.errors as api_errors
import gridmgmt.errors as grid_errors
from gridmgmt import domain
from gridmgmt.domain import permissions as permission_rules
from gridmgmt.domain.jointcall import (
    CALL_ACTION_NAMES_ZH,
    CALL_RULES,
    TASK_STATE_NAMES_ZH,
    TaskState,
    hand_of,
)
from gridmgmt.domain.org import Role
from gridmgmt.domain.permissions import ROLE_PERMISSIONS, Axis, Permission
from gridmgmt.domain.workflow import (
    ACTION_NAMES_ZH,
    STATE_NAMES_ZH,
    TRANSITIONS,
    Action,
    Clock,
    State,
    Transition,
    to_mermaid,
)
from gridmgmt.errors import GridError
from gridmgmt.storage.rights.matrix import MANAGE, VERBS, Scope, TableRights, read_matrix
from pages.markdown import code, page, prose, table

CLOCKS = {
    Clock.KEEP: "–",
    Clock.START: "starts: the limits of the class, signing and milestones among them",
    Clock.SIGN: "the signing is met",
    Clock.REACH: "the milestone is met",
    Clock.ADD: "the amount is added to the deadline",
    Clock.PAUSE: "pauses",
    Clock.RESUME: "what was left runs on",
    Clock.STOP: "stops",
    Clock.DROP: "is dropped: the next unit begins with its own",
    Clock.RESTART: "starts anew: the limit of the case",
}
# What an action checks besides its facts; the words in code type are facts["guard"] of the refusal.
GUARDS = {
    Action.ACCEPT: "`confirmed`: a report from the public was found on site",
    Action.MERGE: "`other_master`: not into itself; `open_master`: the other case is not itself merged, "
    "rejected or voided",
    Action.DISPATCH: "`ruled`: after a ruling only to the unit that the district named; the duty list allows it",
    Action.FILE: "the duty list gives it to the subdistrict, or an approval does (R07c)",
    Action.SUBMIT_RESULT: "`signed`: somebody signed for the case; `milestones_reached`: none is open",
    Action.REACH_MILESTONE: "`signed`; `next_milestone`: in their order",
    Action.SEND_BACK: "`ruled`: not after the district ruled; `return_window`: asked for within the return window",
    Action.EXTEND: "`in_time`: asked for up to the deadline",
    Action.HOLD: "`in_time`: asked for up to the deadline; the day of resuming is not past",
    Action.CLOSE: "a case of the public needs the fact `feedback` (R14b)",
    Action.REOPEN: "`reopen_window`: within the window after closing; later a new case follows it",
}
REQUEST_GUARDS = {
    "direct": "the action needs no request",
    "granted": "the action needs a request that this person granted",
    "lapsed": "the request was made in an earlier round of handling",
    "one_pending": "the same request already waits for an answer",
    "pending": "the request was answered before",
}
# Guards that stand beside the workflow.
OTHER_GUARDS = {
    "case_ended": "what a case needs is erased only after it has ended",
    "hold_lasts": "the legal hold has ended before",
    "open_call": "a joint call about the case is open; no case ends over it",
    "reporters_told": "somebody whose report was merged into the case was not told; it does not end before",
    "reopen_instead": "the earlier case can still be reopened, or was not closed",
    "assistants_done": "the lead of a joint call ends last",
    "assessable": "an opinion is given after the call has closed, or once the unit is overdue",
    "assessed_once": "an opinion is given once on each ground and never changed",
    "open_case": "nobody is called to, and nobody urges, a case that has ended",
    "answered": "the supervision order was answered before",
    "reached": "whoever was not reached has not answered",
    "closed_case": "a revisit asks about a case that was closed",
    "deputyship_lasts": "the deputyship has ended",
    "effective_later": "a plan or boundary takes effect in the future, after everything that is known",
    "before_effect": "a publication is undone until it takes effect",
    "last_published": "plans that follow each other are undone from the last",
    "signed_off": "a shift of the same person is still open",
    "on_duty": "it was not while the shift was open",
    "export_waiting": "the export does not wait for an answer",
    "export_ready": "the export waits, is being made, was refused or failed",
}


def workflow() -> str:
    """The workflow table as a diagram and as a table of every row."""
    named = {word.strip("`") for text in GUARDS.values() for word in text.split() if word.startswith("`")}
    unexplained = (
        set(_guards_in_code()) - {name.strip("`:") for name in named} - set(REQUEST_GUARDS | OTHER_GUARDS)
    )
    if unexplained:
        raise SystemExit(f"docs/pages/rules.py does not explain the guards {sorted(unexplained)}")
    rows = [
        (
            f"`{state}` {STATE_NAMES_ZH[state]}",
            f"`{action}` {ACTION_NAMES_ZH[action]}",
            f"`{row.target}`",
            _who(row),
            row.axis,
            code(sorted(row.requires)),
            GUARDS.get(action, "–"),
            CLOCKS[row.clock],
            row.article,
            f"`{row.event}`",
        )
        for (state, action), row in TRANSITIONS.items()
    ]
    header = ("From", "Action", "To", "Who", "Hand", "Facts", "Guard", "Handling limit", "Article", "Event")
    return page(
        "The workflow of a case",
        f"{len(State)} states, {len(Action)} actions; of {len(State) * len(Action)} pairs {len(TRANSITIONS)} are "
        "legal. Everything else is refused with the code `illegal_action`, which names the legal ones. The source "
        "is `gridmgmt/domain/workflow.py`; `gridmgmt.domain.case.advance` is the only function that moves a case.",
        f"```mermaid\n{to_mermaid()}```",
        "An action with a star needs a request (申请) that somebody else grants.",
        "## Every row",
        table(header, rows),
        "Nobody acts for two hands of one case (监督 supervision, 指挥 command, 处置 handling, and the district's), "
        "whatever his roles: `duties_not_separated`. Reporting binds nobody, except that whoever handled on the spot "
        "(自处置) has handled.",
        "## Who grants what",
        table(("Request", "The first", "The second", "The third"), _LEVELS),
        "An extension for works of engineering (fact `engineering`) is a second one from the first time on, and a second "
        "one rests on the number of a signed document. Extensions are counted for the unit that has the case, returns "
        "over all units. Until when they may be asked for: the guards `in_time` and `return_window`. A ruling of the "
        "district is kept as a precedent (`gridmgmt/storage/precedents.py`), and a return after it is refused.",
        "## Guards of requests",
        table(("Guard", "Refused because"), sorted((f"`{k}`", v) for k, v in REQUEST_GUARDS.items())),
        "## Guards beside the workflow",
        table(("Guard", "Refused because"), sorted((f"`{k}`", v) for k, v in OTHER_GUARDS.items())),
        *_joint_calls(),
        "## Clocks",
        "Each desk has a limit of its own (`data/catalogue/stage_limits.csv`) that starts when the case comes to it. "
        "While a case is being handled, the deadline of the desk is that of the unit: the limit of the class, counted "
        "on the working calendar from dispatch. A hold is due at the end of the day it was granted to. The limit of a "
        "unit that sent the case back is dropped; the next unit gets a full one. A closed case keeps its deadline, so "
        "that timeliness can be told.",
    )


_LEVELS = (
    ("`extend` 延时", "shift leader, dispatcher, director", "director, signed document", "as the second"),
    (
        "`send_back` 退单",
        "dispatcher, director",
        "director",
        "nobody: the case goes to the district by itself (区裁定)",
    ),
    ("`hold` 挂账", "dispatcher, director", "as the first", "as the first"),
    ("`void` 作废", "shift leader, director", "as the first", "as the first"),
)


def _joint_calls() -> tuple[str, ...]:
    """The overlay that has states of its own."""
    arrows = [
        f"    {source} --> {rule.target}: {CALL_ACTION_NAMES_ZH[action]}"
        for action, rule in CALL_RULES.items()
        for source in rule.sources
        if rule.target is not None
    ]
    names = [f"    {s}: {TASK_STATE_NAMES_ZH[s]} {s}" for s in TaskState]
    diagram = "\n".join(["stateDiagram-v2", "    [*] --> called: 吹哨", *names, *arrows])
    rows = [
        (
            f"`{action}` {CALL_ACTION_NAMES_ZH[action]}",
            code(str(s) for s in rule.sources) if rule.target else "any",
            f"`{rule.target}`" if rule.target else "–",
            code(_roles_with(rule.permission)),
            hand_of(action) or "–",
            code(rule.requires),
            rule.article,
        )
        for action, rule in CALL_RULES.items()
    ]
    return (
        "## Joint calls 吹哨报到",
        (
            "An overlay on a case: one lead and any number of assistants, each with a sub-task and limits of its own "
            "(`gridmgmt/domain/jointcall.py`). A called unit acts for the unit that the sub-task names, and has then handled: "
            "it neither verifies nor closes the case. The case ends over no open call."
        ),
        f"```mermaid\n{diagram}\n```",
        table(("Action", "From", "To", "Who", "Hand", "Facts", "Article"), rows),
    )


def _who(row: Transition) -> str:
    doers = code(_roles_with(row.permission))
    return doers if row.asked_by is None else f"asks: {code(_roles_with(row.asked_by))}; grants: {doers}"


def _roles_with(permission: Permission) -> Iterator[Role]:
    return (role for role in Role if permission in ROLE_PERMISSIONS[role] and role is not Role.SYSTEM)


def _guards_in_code() -> Iterator[str]:
    folders = [Path(inspect.getfile(domain)).parent, Path(inspect.getfile(domain)).parents[1] / "services"]
    for path in (file for folder in folders for file in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for word in node.keywords if isinstance(node, ast.Call) else ():
                if word.arg == "guard" and isinstance(word.value, ast.Constant):
                    yield str(word.value.value)


def permissions() -> str:
    """Role × permission."""
    roles = list(Role)
    matrix = [
        (f"`{permission}`", *("●" if permission in ROLE_PERMISSIONS[role] else "" for role in roles))
        for permission in Permission
    ]
    hands = {axis: sorted({a for (_, a), row in TRANSITIONS.items() if row.axis is axis}) for axis in Axis}
    posts = [(f"`{role}`", _role_text(role)) for role in roles]
    return page(
        "Permissions",
        prose(permission_rules.__doc__),
        "## Who holds what",
        table(("Permission", *(f"`{role}`" for role in roles)), matrix),
        "A permission holds inside the subdistricts of the person's roles; outside them a thing does not exist (404). "
        "`case:handle` is bound to the assignment besides: a handler acts for the unit he belongs to, a grid worker "
        "on what was given to him by name.",
        "## Hands of a case",
        table(("Hand", "Actions"), [(f"`{axis}`", code(actions)) for axis, actions in hands.items()]),
        "## Roles",
        table(("Role", "Post"), posts),
    )


def _role_text(role: Role) -> str:
    """The string below a member of Role, which Python itself does not keep."""
    body = ast.parse(inspect.getsource(Role)).body[0]
    assert isinstance(body, ast.ClassDef)
    for member, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(member, ast.Assign)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(member.value, ast.Constant)
            and member.value.value == str(role)
        ):
            return " ".join(str(text.value.value).split())
    return ""


def errors() -> str:
    """The error tree with codes and statuses."""
    rows = [
        (
            f"{'· ' * depth}`{kind.__name__}`",
            f"`{kind.code}`",
            api_errors.STATUS_OF[kind],
            prose(kind.__doc__),
        )
        for depth, kind in _tree(GridError)
    ]
    return page(
        "Errors",
        "Refusals are problem documents (RFC 9457, `application/problem+json`) with the members `code`, `article` "
        "(of 《天津市街道办事处条例》), `rule` (capability, see [traceability](traceability.md)), `facts` and "
        "`request_id`. Clients key on `code`: it never changes its meaning. Whatever is not in this table answers 500 "
        "with the code `internal_error` and a request id, and nothing of its insides.",
        table(("Class", "Code", "HTTP", "Meaning"), rows),
        "Outside the asker's scope `not_allowed` is rendered as `not_found`: whether a thing exists elsewhere is not "
        "said. The framework's own refusals have the codes "
        f"{code(sorted({*api_errors._HTTP_CODES.values()} - {'not_found', 'too_large'}))} and `http_error`.",  # noqa: SLF001
        f"Source: `{Path(grid_errors.__file__).name}` for the tree, `api/errors.py` for the statuses.",
    )


def _tree(kind: type[GridError], depth: int = 0) -> Iterator[tuple[int, type[GridError]]]:
    yield depth, kind
    for child in kind.__subclasses__():
        yield from _tree(child, depth + 1)


_SCOPES = {
    Scope.SUBDISTRICT: "rows of the person's subdistricts",
    Scope.SELF: "the person's subdistricts",
    Scope.SHARED: "rows of the person's subdistricts, and those of none",
    Scope.COLLEAGUE: "people with a role in the person's subdistricts",
    Scope.OWN: "the person's own rows",
    Scope.COMMON: "every row",
}


def rights() -> str:
    """The matrix of rights that PostgreSQL keeps."""
    matrix = read_matrix()
    return page(
        "Rights in the database",
        "Who may read, add, change and remove which rows. PostgreSQL keeps this table itself, by row-level security and "
        "grants made of `gridmgmt/storage/rights/matrix.toml`, whatever the program asks for "
        "([why](../explanation/decisions/0009-rights-in-two-layers.md)). What a role may do in the interface is in "
        "[permissions](permissions.md).",
        *(
            f"**{scope.value}**: {meaning}; {len(of_scope)} tables\n\n"
            + table(("Table", *VERBS, "Without a person"), map(_rights_row, of_scope))
            for scope, meaning in _SCOPES.items()
            if (of_scope := [t for t in matrix.values() if t.scope is scope])
        ),
        "Walls without a person: `door` (signing in, refusals), `lookout` (health, metrics, events), `rules` (a "
        "subdistrict's rules), `sealer` (the audit log), `setup` (the command line). `rules` and `setup` stay within the "
        "subdistricts they name.",
    )


def _rights_row(rights: TableRights) -> tuple[str, ...]:
    columns = {f"{wall} sees {len(names)} columns" for wall, names in rights.columns.items()}
    manage = rights.roles[MANAGE]
    notes = [f"({', '.join(sorted(columns))})"] if columns else []
    if manage:
        notes.append(f"(of all their people: {code(sorted(manage))})")
    passes = [f"{verb}: {code(sorted(rights.passes[verb]))}" for verb in VERBS if rights.passes[verb]]
    return (
        " ".join([f"`{rights.table}`", *notes]),
        *(_people(rights.roles[verb]) for verb in VERBS),
        "; ".join(passes) or "–",
    )


def _people(roles: frozenset[Role]) -> str:
    missing = frozenset(Role) - roles
    if not missing:
        return "everybody"
    if roles and len(missing) <= 4:
        return f"all but {code(sorted(missing))}"
    return code(sorted(roles))
