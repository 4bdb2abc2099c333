"""Which schema a database has, and which one this version expects; without Alembic, which migrations need.

Every server and worker asks both when it starts. Alembic would read each migration as a module for that, and
takes a tenth of a start to be imported itself.
"""

import functools
import re
from pathlib import Path

from sqlalchemy import text

from gridmgmt.storage.db import Db

VERSIONS = Path(__file__).parent / "migrations" / "versions"
_LINE = re.compile(r'^(down_)?revision: str(?: \| None)? = "(\w+)"$', re.MULTILINE)


@functools.cache
def head_revision() -> str:
    """The revision that this version of the code expects: the one that no other follows."""
    found = [_LINE.findall(file.read_text(encoding="utf-8")) for file in sorted(VERSIONS.glob("[0-9]*.py"))]
    named = {revision for lines in found for down, revision in lines if not down}
    followed = {revision for lines in found for down, revision in lines if down}
    (head,) = named - followed
    return str(head)


def current_revision(db: Db) -> str | None:
    """The revision that the database has; None for an empty one."""
    known = db.execute(text("select to_regclass('app.schema_revision')")).scalar()
    if known is None:
        return None
    found: str | None = db.execute(text("select version_num from app.schema_revision")).scalar()
    return found
