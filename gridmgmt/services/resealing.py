"""Seal anew what lies under keys that were replaced, a batch at a time while everybody reads on."""

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.storage import sealed
from gridmgmt.storage.db import Db


def reseal_some(db: Db, keys: KeyRing, *, limit: int = 200) -> int:
    """Seal up to so many values of each column anew; how many were, 0 when nothing is left.

    Nothing is asked of the database as long as no key was replaced.

    Raises
    ------
    SealBroken, UnknownKey
        A value that does not open: it is not sealed anew, and somebody has to look at it.
    """
    total = 0
    for column in sealed.SEALED_COLUMNS:
        replaced = keys.replaced(column.key_class)
        if not replaced:
            continue
        found = sealed.sealed_under(db, column, replaced, limit=limit)
        anew = [(key, keys.reseal(value, context=column.context(key))) for key, value in found]
        sealed.replace_values(db, column, anew)
        total += len(anew)
    return total
