"""The month of ``gridmgmt demo month``: played with a progress bar, its figures printed and checked."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from gridmgmt.cli.console import console, progress

if TYPE_CHECKING:
    from pathlib import Path

    from gridmgmt.demo.month.plan import MonthPlan
    from gridmgmt.domain.scoreboard import Scoreboard
    from gridmgmt.settings import Settings

_CITY = ZoneInfo("Asia/Shanghai")


def plan_of(cases: int, seed: int, patrol_every: int, now: datetime) -> "MonthPlan":
    """The month that ended with the last midnight of the street."""
    from gridmgmt.demo.month.plan import DAYS, MonthPlan

    midnight = datetime.combine(now.astimezone(_CITY).date(), time(0), _CITY)
    return MonthPlan(midnight - timedelta(days=DAYS), cases, seed, patrol_every=patrol_every)


def play(settings: "Settings", plan: "MonthPlan", picture: "Path | None") -> None:
    """Play it and print what it came to; exit code 1 when the log tells other figures than the tables."""
    from gridmgmt.demo.month import curve, run
    from gridmgmt.demo.month.office import Office
    from gridmgmt.domain.org import Role
    from gridmgmt.domain.scoreboard import RATE_NAMES_ZH, differences
    from gridmgmt.domain.scoreboard import shown as percent
    from gridmgmt.services import scoreboards
    from gridmgmt.services.rulebooks import RuleBooks
    from gridmgmt.storage import outbox
    from gridmgmt.storage.db import make_engine

    app = make_engine(settings.require_database_url(), pool_size=1, application="gridmgmt-demo")
    worker = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-demo")
    try:
        office = Office(app, RuleBooks(), plan)
        if office.has_cases():
            console.print("This demo has cases already; the month is played into an empty database.")
            raise typer.Exit(1)
        with progress() as bar:
            task = bar.add_task("days of a synthetic month", total=plan.days)
            done = run.play(
                office,
                run.in_process(worker, books=office.books),
                tell=lambda at: bar.update(task, completed=(at - plan.start).days),
            )
            bar.update(task, completed=plan.days)
        who = office.desk(Role.SHIFT_LEADER)
        with office.acting(who) as db:
            board = scoreboards.as_shown(db, who, plan.end, office.books)
            rebuilt = scoreboards.from_the_log(db, who, plan.end, office.books)
            events = list(outbox.log(db, who))
    finally:
        app.dispose()
        worker.dispose()
    if picture is not None:
        points = curve.measured(events, plan, office.calendar)
        picture.write_text(curve.picture(points, plan), encoding="utf-8")
    console.print(", ".join(f"{name} {count}" for name, count in done.items()), highlight=False)
    console.print(_table(board))
    rates = board.street.rates()
    told = (f"{RATE_NAMES_ZH[rate]} {percent(rates[rate])}" for rate in ("filing", "accurate_filing"))
    console.print(", ".join(told), highlight=False)
    wrong = differences(board, rebuilt)
    console.print(f"{len(board.figures())} figures rebuilt from the event log, {len(wrong)} differ")
    if wrong:
        raise typer.Exit(1)


_OF_UNITS = ("handling", "handling_in_time", "closure", "closure_in_time", "rework")


def _table(board: "Scoreboard") -> Table:
    from gridmgmt.domain.scoreboard import RATE_NAMES_ZH
    from gridmgmt.domain.scoreboard import shown as percent

    table = Table(title="SYNTHETIC 合成数据 · assessment 监督考核", box=None)
    table.add_column("unit", no_wrap=True)
    for name in ("未结", "超期", "已结", *(RATE_NAMES_ZH[rate] for rate in _OF_UNITS)):
        table.add_column(name, justify="right", no_wrap=True)
    for code, tally in (*sorted(board.units.items()), ("全街道", board.street)):
        rates = tally.rates()
        counts = (str(count) for count in (tally.open, tally.overdue, tally.closed))
        table.add_row(code, *counts, *(percent(rates[rate]) for rate in _OF_UNITS))
    return table
