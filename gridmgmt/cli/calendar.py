"""gridmgmt calendar: the working calendar, its versions, holidays and make-up days 调休."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console, reading, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.domain.workcalendar import WorkCalendar
    from gridmgmt.services.calendars import NewDays
    from gridmgmt.storage.db import Db

app = typer.Typer(help="The working calendar.", no_args_is_help=True)

Calendar = Annotated[str, typer.Option("--calendar", help="Id of the calendar.")]
Why = Annotated[str, typer.Option(help="Why; kept with the version and with every case that it moves.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; store nothing.")]


@app.command()
def show(
    calendar: Calendar = "tianjin",
    year: Annotated[int | None, typer.Option(help="Default: this year and the next.")] = None,
    version: Annotated[int | None, typer.Option(help="As it was; default: as it is.")] = None,
) -> None:
    """Hours, days that differ from their weekday, versions, and how far the holiday data reach."""
    from gridmgmt.storage import calendars
    from gridmgmt.storage.rights.walls import Acting

    url = settings_with_database().require_migration_url()
    with reading(url, Acting.setup(())) as db:
        now = calendars.load_calendar(db, calendar)
        shown = calendars.calendar_at_version(db, calendar, version) if version else now
        kept = calendars.versions(db, calendar)
    today = datetime.now(UTC).date()
    _head(calendar, shown, today)
    table = Table("day", "weekday", "is")
    for day, works in sorted(shown.overrides.items()):
        if day.year in ({year} if year else {today.year, today.year + 1}):
            table.add_row(day.isoformat(), f"{day:%a}", "worked 调休" if works else "off 放假")
    console.print(table)
    table = Table("version", "since", "why", "source")
    for one in kept:
        table.add_row(str(one.version), one.at.isoformat(timespec="minutes"), one.why, one.source)
    console.print(table)


def _head(calendar_id: str, calendar: "WorkCalendar", today: date) -> None:
    from gridmgmt.services.calendars import coverage

    told = coverage(calendar_id, calendar, today)
    hours = ", ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in calendar.slots)
    console.print(f"{calendar_id} version {calendar.version}: {hours} {calendar.timezone}", highlight=False)
    if told["warning"]:
        console.print(
            f"[yellow]Holidays are known until {told['covered_until']}; later days count by their weekday"
            " alone. Take them in: gridmgmt calendar import[/]",
            highlight=False,
        )


@app.command("set-day")
def set_day(
    day: Annotated[str, typer.Argument(help="Such as 2026-12-31.")],
    what: Annotated[str, typer.Argument(help="off 放假 or work 调休.")],
    why: Why,
    source: Annotated[str, typer.Option(help="The document that says so.")],
    calendar: Calendar = "tianjin",
    dry_run: DryRun = False,
) -> None:
    """Settle one day, and compute the open deadlines anew."""
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services.calendars import NewDays

    try:
        settled = date.fromisoformat(day)
    except ValueError:
        raise InvalidInput("A day is written like 2026-12-31.", field="day") from None
    if what not in {"off", "work"}:
        raise InvalidInput("A day is off or work.", field="what")
    _settle(calendar, NewDays({settled: what == "work"}, source, why), dry_run=dry_run)


@app.command("import")
def import_(
    why: Why,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="CSV: day,working (1 or 0).")
    ] = None,
    year: Annotated[int | None, typer.Option(help="The year that the file settles as a whole.")] = None,
    official: Annotated[
        int | None, typer.Option(help="Instead of a file: this year of the package chinesecalendar.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where the file comes from.")] = "",
    calendar: Calendar = "tianjin",
    dry_run: DryRun = False,
) -> None:
    """Take in holidays and make-up days of a year, and compute the open deadlines anew."""
    from gridmgmt.errors import InvalidInput

    if (file is None) == (official is None):
        raise InvalidInput("Give a file or --official, one of them.", field="file")
    given = _official(official, why) if official else _from_file(file, year, source, why)
    _settle(calendar, given, dry_run=dry_run)


def _official(year: int, why: str) -> "NewDays":
    from gridmgmt.domain.workcalendar import official_overrides
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services.calendars import NewDays

    days, until = official_overrides(year, year)
    if until < date(year, 12, 31):
        raise InvalidInput(f"The package chinesecalendar does not know {year} yet.", field="official")
    return NewDays(days, "chinesecalendar", why, date(year, 1, 1), date(year, 12, 31))


def _from_file(file: Path | None, year: int | None, source: str, why: str) -> "NewDays":
    import csv

    from gridmgmt.domain.workcalendar import parse_days
    from gridmgmt.errors import InvalidInput
    from gridmgmt.services.calendars import NewDays

    if file is None or not source.strip():
        raise InvalidInput("A file of days says where it comes from.", field="source")
    with file.open(encoding="utf-8-sig", newline="") as rows:
        days = parse_days(csv.DictReader(rows))
    if year is None:
        return NewDays(days, source, why)
    strangers = sorted(d.isoformat() for d in days if d.year != year)
    if strangers:
        raise InvalidInput(f"The file has days outside {year}.", days=strangers[:10])
    return NewDays(days, source, why, date(year, 1, 1), date(year, 12, 31))


def _settle(calendar_id: str, given: "NewDays", *, dry_run: bool) -> None:
    from gridmgmt.cli.changing import change_rules
    from gridmgmt.services import calendars as calendar_rules
    from gridmgmt.storage import calendars

    def change(db: "Db") -> list[str]:
        after = calendar_rules.settle_days(db, datetime.now(UTC), calendar_id, given)
        console.print(f"{calendar_id} version {after.version}, known until {after.covered_until}")
        return calendars.subdistricts_with(db, calendar_id)

    change_rules(change, given.why, dry_run=dry_run)
