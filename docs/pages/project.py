"""Pages of the project: settings, traceability, glossary."""

import csv
import re
from collections import defaultdict
from pathlib import Path

from pydantic.fields import FieldInfo

from gridmgmt.settings import Settings
from pages.markdown import code, page, prose, table

# Titles of the capabilities that the code mentions; the ids are stable, refusals and tests cite them.
CAPABILITIES = {
    "R02": (
        "2",
        "Tree of city, district, subdistrict, community and grid, with a responsible head on each level",
    ),
    "R07a": ("7-1", "Duty list 职责清单: items, roles, dates, published versions"),
    "R07b": ("7-1", "Items for departments are not dispatched to the subdistrict as lead"),
    "R07c": ("7-2, 45", "A task outside the list waits for an approval with document number, scope and end"),
    "R08a": (
        "8-1",
        "Joint calls 吹哨: departments are called, sign in, arrive, report; the street's opinion on each",
    ),
    "R09": ("9", "The director decides; deputies 代理 are named, with a period, on record"),
    "R11": ("11", "Who may decide and do what: posts and permissions"),
    "R14a": ("14-1", "All channels enter one register; the same report twice is one report"),
    "R14b": ("14-2", "The person who reported is told the outcome before the case closes"),
    "R14c": ("14-3", "Out of scope: reported to the district and explained to the person"),
    "R05": ("5-2", "Boundary of a subdistrict: approval number, dated, the past outline stays"),
    "R21a": ("21-1", "Grid plans: nested, seamless, versioned, reviewed, published"),
    "R21b": ("21-1", "Grid workers: roster, substitutes, leave"),
    "R22a": ("22-1", "Closed loop: every step on record, none skipped, duties separated"),
    "R22b": ("22-2", "In time: limits, lights, and the ladder 逐级督促 of who is told at 80, 100 and 150 %"),
    "R22c": ("22-2", "One lead unit, active and competent for class and area"),
    "R22d": ("22-2", "The district's ruling on the responsible unit binds"),
    "R39a": ("39-1", "Linkage orders: refusals, late answers and absence are seen"),
    "R41b": ("41-2", "Data are opened for a purpose that was named and approved, and used for no other"),
    "R41c": ("41-3", "Data are safe from loss, damage, leaks and tampering"),
    "R44a": ("44-1", "A department that refuses: an evidence pack for the government above it"),
    "R44b": ("44-2", "An outpost that refuses: a proposal to its parent department, and to no other"),
    "R46": ("46", "Evidence is preserved: hashed, read again every day, never removed while it is held"),
    "R48": ("48", "Rules are dated: a case is judged by those of its day"),
}
MENTION = re.compile(r"\bR\d\d[a-d]?\b")


def settings() -> str:
    """Every setting with its variable, default and meaning."""
    rows = [
        (f"`GRIDMGMT_{name.upper()}`", _type_of(field), _default_of(name, field), prose(field.description))
        for name, field in Settings.model_fields.items()
    ]
    return page(
        "Settings",
        "All settings are environment variables. None has to be set for development or the demo; production refuses "
        "to start with the secrets of development.",
        table(("Variable", "Kind", "Default", "Meaning"), rows),
        "Read once by the API, the command line and the worker (`gridmgmt/settings/`) and handed on as values.",
    )


def _type_of(field: FieldInfo) -> str:
    name = getattr(field.annotation, "__name__", "") or str(field.annotation)
    text = re.sub(
        r"\b(?:typing|pathlib|gridmgmt\.settings|pydantic(?:\.types)?)\.", "", str(field.annotation)
    )
    kind = name if isinstance(field.annotation, type) else text
    limits = [
        f"{sign} {getattr(rule, attribute)}"
        for rule in field.metadata
        for attribute, sign in (("ge", "≥"), ("le", "≤"))
        if hasattr(rule, attribute)
    ]
    return f"`{kind}`" + (f" {', '.join(limits)}" if limits else "")


def _default_of(name: str, field: FieldInfo) -> str:
    if field.default_factory is not None or name.endswith("_dir"):
        return "see meaning"
    if field.default is None:
        return "–"
    return "(hidden)" if "Secret" in str(field.annotation) else f"`{field.default}`"


def traceability(root: Path) -> str:
    """Which files carry which capability of the regulation."""
    code_files, test_files = _mentions(root, "gridmgmt", "api"), _mentions(root, "tests")
    ids = sorted({*code_files, *test_files})
    unknown = [name for name in ids if name not in CAPABILITIES]
    if unknown:
        raise SystemExit(f"docs/pages/project.py has no title for the capabilities {unknown}")
    rows = [
        (f"`{name}`", *CAPABILITIES[name], code(code_files[name]), code(test_files[name])) for name in ids
    ]
    return page(
        "Traceability",
        "Capabilities of 《天津市街道办事处条例》 that the code or a test names. The ids are stable: refusals cite them "
        "as `rule` next to the `article` they rest on. A file is listed where it names the id. A capability may be "
        "carried in part only; one that is not listed is not built.",
        table(("Id", "Article", "Capability", "Code", "Tests"), rows),
    )


def _mentions(root: Path, *folders: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in (file for folder in folders for file in sorted((root / folder).rglob("*.py"))):
        for name in sorted(set(MENTION.findall(path.read_text(encoding="utf-8")))):
            found[name].append(path.relative_to(root).as_posix())
    return found


def glossary(path: Path) -> str:
    """The words of the field, their English and their names in the code."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            (
                row["chinese"],
                row["english"],
                code(name for name in row["names"].split(";") if name),
                row["note"],
            )
            for row in csv.DictReader(file)
        ]
    return page(
        "Glossary",
        "One word for one thing, in Chinese, in English and in code. Names are given below `gridmgmt`; a test checks "
        "that they exist. The source of this page is `docs/glossary.csv`.",
        table(("Chinese", "English", "In code", "Note"), rows),
        prose(
            "``event`` means a domain event everywhere; what happens on the street is a report and then a case."
        ),
    )
