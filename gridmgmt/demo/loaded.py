"""Is the demo there already? Kept apart from loading it, which imports everything that planning needs."""

from sqlalchemy import Engine

from gridmgmt.storage import people
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

SUBDISTRICT_CODE = "120116005"
"""杭州道街道; ``planning.demo_street`` draws it under the same code."""


def is_loaded(engine: Engine) -> bool:
    """Whether the demo subdistrict is in the database."""
    with transaction(engine, Acting.rules(SUBDISTRICT_CODE), read_only=True) as db:
        return people.subdistrict_row(db, SUBDISTRICT_CODE) is not None
