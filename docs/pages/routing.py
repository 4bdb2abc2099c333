"""The page of the language of routing rules, made of the parser's own table."""

import json

from gridmgmt.domain import condition, rulelint
from gridmgmt.domain.condition import LANGUAGE
from gridmgmt.domain.roster import WorkerCode
from gridmgmt.domain.routing import Outcome, QueueReason
from gridmgmt.domain.rulelint import Fault
from pages.markdown import code, page, prose, table

_TARGETS = (
    ('{"unit": "HZD-06"}', "that unit"),
    ('{"community": true}', "the unit of the cell's community 社区"),
    ('{"owner": true}', "the unit that owns the part 部件 the report is about"),
    ('{"queue": true}', "a person decides"),
)
_FAULTS = {
    Fault.UNREACHABLE: "earlier rules take everything that this one would",
    Fault.NEVER_HOLDS: "no report at all fulfils the condition",
    Fault.DEAD_VALUE: "one value of a test fits nothing",
    Fault.CONFLICT: "two rules have the same condition, in whatever words, and different targets",
    Fault.UNCOVERED: "a class on the duty list that no rule takes, with the places",
    Fault.TARGET_UNKNOWN: "the unit does not exist, or the community has none",
    Fault.TARGET_CLOSED: "the unit is closed",
    Fault.TARGET_NOT_ALLOWED: "the duty list does not let that unit lead",
    Fault.DATES_OUT_OF_ORDER: "the rule ends before it begins",
    Fault.EXPIRED: "the rule ended already",
}


def routing_rules() -> str:
    """Document, conditions, targets, what becomes of a rule, what the linter finds."""
    missing = set(Fault) - set(_FAULTS)
    if missing:
        raise SystemExit(f"docs/pages/routing.py does not explain the faults {sorted(missing)}")
    keys = [
        (f"`{name}`", form.value, form.meaning, f"`{json.dumps({name: form.example}, ensure_ascii=False)}`")
        for name, form in LANGUAGE.items()
    ]
    intro = prose(condition.__doc__).split("\n\n")
    return page(
        "Routing rules",
        "One JSON document holds the rules of a subdistrict. They are tried from the lowest `order`; the first that holds "
        "decides. See [add a routing rule](../how-to/add-a-routing-rule.md) for the steps.",
        "## Document",
        table(
            ("Member", "Meaning"),
            (
                ("`version`", "name of this set; published once"),
                ("`timezone`", "zone of days and hours, such as `Asia/Shanghai`"),
                ("`areas`", "names for lists of community and cell codes, for the test `area`; optional"),
                ("`rules`", "list of rules"),
                ("`rules[].id`, `order`", "unique in the document"),
                ("`rules[].reason`", "shown to people as it stands"),
                ("`rules[].valid_from`, `valid_to`", "first day; first day after it, optional"),
                ("`rules[].when`", "condition"),
                ("`rules[].to`", "target"),
            ),
        ),
        "## Conditions",
        intro[2],
        table(("Key", "Value", "Holds if", "Example"), keys),
        "## Targets",
        table(("`to`", "The case goes to"), ((f"`{form}`", meaning) for form, meaning in _TARGETS)),
        "A rule decides who, not whether: where the duty list does not let a unit of the street lead, the case goes to the "
        "manual queue.",
        "## What is stored with a case",
        f"Each rule that was tried leaves a line with one of {code(Outcome)}. A case without a unit has a reason to wait: "
        f"{code(QueueReason)}. Why this person: {code(WorkerCode)}.",
        "## Faults",
        "A document that cannot be read is refused as a whole; each fault names its path, such as `rules[3].when.all[1]"
        ".source[0]`. What can be read is looked through by `gridmgmt rules lint`:",
        table(
            ("Fault", "", "Meaning"),
            ((f"`{f}`", "error" if f.is_error else "warning", words) for f, words in _FAULTS.items()),
        ),
        prose(rulelint.__doc__).split("\n\n")[-1],
    )
