"""Changing rules from the command line: store the change, then compute the open deadlines anew.

A dry run makes the change, reads the rules that it would give, undoes it, and computes with those.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gridmgmt.cli.clocks import every_subdistrict, recompute_open
from gridmgmt.cli.console import console, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.domain.rulebook import RuleBook
    from gridmgmt.storage.db import Db


class _Undone(Exception):
    """Ends a transaction that was only tried."""


def _undo_if(only_tried: bool) -> None:  # noqa: FBT001  its name says what it is
    if only_tried:
        raise _Undone


def change_rules(change: "Callable[[Db], list[str]]", why: str, *, dry_run: bool) -> None:
    """Make a change of the rules and recompute the open cases of the subdistricts that it names.

    Parameters
    ----------
    change : writes as the wall that sets up, and returns the codes of the subdistricts.
    why : kept with every case that changes.
    """
    from gridmgmt.storage import catalogue
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    settings = settings_with_database()
    everywhere = Acting.setup(every_subdistrict(settings))
    engine = make_engine(settings.require_migration_url(), pool_size=1, application="gridmgmt-rules")
    tried: dict[str, RuleBook] = {}
    codes: list[str] = []
    try:
        with transaction(engine, everywhere) as db:
            codes = change(db)
            if dry_run:
                tried = {code: catalogue.load_rulebook(db, code) for code in codes}
            _undo_if(dry_run)
    except _Undone:
        console.print("Tried and undone; nothing is stored.")
    finally:
        engine.dispose()
    recompute_open(settings, codes, why, dry_run=dry_run, tried=tried.__getitem__ if dry_run else None)
