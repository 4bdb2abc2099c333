"""The boards' figures twice: as the pages have them, and rebuilt from the event log alone."""

from dataclasses import replace
from datetime import datetime

from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.scoreboard import Scoreboard, Tally, scoreboard
from gridmgmt.domain.standing import replay
from gridmgmt.services.reading import day_began_at, heat_hexes, loop_board, subdistrict_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import outbox, standings
from gridmgmt.storage.db import Db

RESOLUTION = 11
"""Of the heat map's hexagons, as the command centre opens."""


def as_shown(db: Db, actor: Actor, now: datetime, books: RuleBooks) -> Scoreboard:
    """The figures of the command centre and of assessment, from the tables that their pages read.

    Raises
    ------
    NotAllowed
        The actor reads no boards.
    """
    board = loop_board(db, actor, now, books)
    heat = heat_hexes(db, actor, RESOLUTION, since=None, until=None, state=None)
    street = standings.tallies(db, actor, now, "subdistrict_code")
    units = standings.tallies(db, actor, now, "unit_code")
    # Where the command centre shows the same count, it is the command centre's that is taken.
    for row in board["units"]:
        own = {name: row[name] for name in ("open", "overdue", "closed")}
        units[row["unit_code"]] = replace(units.get(row["unit_code"], Tally()), **own)
    return Scoreboard(
        totals=board["totals"],
        states={str(s["state"]): s["count"] for s in board["states"]},
        overdue={str(s["state"]): s["overdue"] for s in board["states"]},
        lights=board["lights"],
        street=street.get(subdistrict_of(actor), Tally()),
        units=units,
        cells=standings.tallies(db, actor, now, "cell_code"),
        workers=standings.tallies(db, actor, now, "worker_id"),
        hexes={f["properties"]["h3"]: f["properties"]["count"] for f in heat["features"]},
    )


def from_the_log(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, *, at: datetime | None = None
) -> Scoreboard:
    """The same figures from events and nothing else, now or as they were at a past moment.

    Parameters
    ----------
    at : the moment; None for ``now``.

    Raises
    ------
    NotAllowed
        The actor reads no boards.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.BOARD_READ, code)
    book, moment = books.current(db, code), at or now
    cases = replay(outbox.log(db, actor), until=moment)
    return scoreboard(cases.values(), moment, day_began_at(moment, book.timezone), book.calendar, RESOLUTION)
