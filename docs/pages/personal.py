"""The page of personal data: the inventory, who sees what, what may leave for which purpose."""

from gridmgmt.domain.org import Role
from gridmgmt.domain.personal import SHOWN, Field, Shown
from gridmgmt.domain.purposes import APPROVAL_ABOVE_ROWS, EXPORT_FIELDS, EXPORT_LIFETIME, Purpose
from gridmgmt.storage.inventory import inventory
from pages.markdown import page, table

_SIGN = {Shown.FULL: "full", Shown.SHORT: "short", Shown.HIDDEN: "–"}


def personal_data() -> str:
    """The page."""
    found = inventory()
    classes = [(f"`{c.code}` {c.name}", c.what, c.kept, c.ends) for c in found.classes.values()]
    columns = [
        (f"`{c.table}.{c.column}`", f"`{c.data_class}`", c.sealed or "–", c.mask or "–", c.note or "–")
        for c in found.personal
    ]
    masks = [(f"`{role}`", *(_SIGN[SHOWN[role][field]] for field in Field)) for role in Role if role in SHOWN]
    fields = [
        (
            f"`{f.name}` {f.heading}",
            "yes" if f.personal else "–",
            *("yes" if p in f.purposes else "–" for p in Purpose),
        )
        for f in EXPORT_FIELDS.values()
    ]
    hours = int(EXPORT_LIFETIME.total_seconds() // 3600)
    return page(
        "Personal data",
        "Which columns hold personal data, how they lie, who sees how much of them, and what may leave. The inventory "
        "is `gridmgmt/storage/personal_data.toml`; a test compares it with the tables. Periods stand in the table "
        "`retention_classes`: `gridmgmt privacy retention`.",
        "## Classes",
        table(("Class", "What", "Kept", "How it ends"), classes),
        "## Who sees how much",
        "Short is `138****1234`, `张*`, `3301**********123X`; in free text the numbers are short. A person with several "
        "posts sees what one of them allows. What is short is shown in full only for a purpose, on record "
        "(`POST /api/v1/cases/{case_id}/reveal`).",
        table(("Role", *(f"`{field}`" for field in Field)), masks),
        "## What may leave, and for what",
        f"An export with a personal field, or with more than {APPROVAL_ABOVE_ROWS:,} rows, waits for a second person. "
        f"Files are there for {hours} hours.",
        table(("Field", "Personal", *(f"`{p}`" for p in Purpose)), fields),
        "## Columns",
        f"{len(found.personal)} columns with personal data; the other {len(found.others)} hold none.",
        table(("Column", "Class", "Sealed", "Mask", "Note"), columns),
    )
