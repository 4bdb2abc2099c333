"""gridmgmt rules: routing rules looked through, tried on the past, taken into use, shown."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gridmgmt.cli.console import console, progress, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.domain.rulelint import Finding
    from gridmgmt.storage.db import Db

app = typer.Typer(help="Routing rules 派遣规则.", no_args_is_help=True)
Street = Annotated[str, typer.Option("--subdistrict", help="Nine-digit code.")]
RulesFile = Annotated[Path, typer.Argument(help="JSON document of rules.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]
_DAY = ["%Y-%m-%d"]


@contextmanager
def _reading(subdistrict: str) -> "Iterator[Db]":
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    engine = make_engine(settings_with_database().require_database_url(), pool_size=1)
    try:
        with transaction(engine, Acting.rules(subdistrict), read_only=True) as db:
            yield db
    finally:
        engine.dispose()


def _document(file: Path) -> dict[str, Any]:
    from gridmgmt.errors import InvalidInput, NotFound

    if not file.is_file():
        raise NotFound(f"There is no file {file.name}.", kind="file")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise InvalidInput(f"{file.name} is not JSON: {exc}.") from exc
    if not isinstance(found, dict):
        raise InvalidInput(f"{file.name} is not a JSON object.")
    return found


def _tell(found: "list[Finding]") -> None:
    table = Table("", "fault", "where", "what", "from")
    for f in found:
        table.add_row("error" if f.fault.is_error else "warning", f.fault, f.path, f.text, f.on.isoformat())
    if found:
        console.print(table)
    errors = sum(f.fault.is_error for f in found)
    console.print(f"{errors} error(s), {len(found) - errors} warning(s)")


@app.command()
def lint(
    file: RulesFile,
    subdistrict: Street = "120116005",
    on: Annotated[datetime | None, typer.Option(formats=_DAY, help="First day of use; today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look a document through for rules that make no sense together; exit code 1 when there is an error."""
    from gridmgmt.domain.rules import parse_rules
    from gridmgmt.services import routing_rules
    from gridmgmt.storage import catalogue

    rules = parse_rules(_document(file))
    with _reading(subdistrict) as db:
        book = catalogue.load_rulebook(db, subdistrict)
    found = routing_rules.lint_rules(book, rules, on.date() if on else book.day_of(datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps([f.as_facts() for f in found], ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(1 if any(f.fault.is_error for f in found) else 0)


@app.command("import")
def import_(
    file: RulesFile,
    subdistrict: Street = "120116005",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="First day of use; default at once.")
    ] = None,
) -> None:
    """Publish a new version, in use at once or from a day on; refused while the linter finds an error."""
    from gridmgmt.domain.org import SYSTEM_ACTOR_ID, Actor, Role
    from gridmgmt.services import routing_rules
    from gridmgmt.storage import catalogue
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    document, now = _document(file), datetime.now(UTC)
    # Whoever has this command has the database; the audit log says that it was the command line.
    actor = Actor(SYSTEM_ACTOR_ID, "command line", frozenset({Role.ADMINISTRATOR}), frozenset({subdistrict}))
    with _reading(subdistrict) as db:
        book = catalogue.load_rulebook(db, subdistrict)
    first_day: date | None = start.date() if start else None
    engine = make_engine(settings_with_database().require_migration_url(), pool_size=1)
    try:
        with transaction(engine, Acting.setup([subdistrict])) as db:
            found = routing_rules.publish(db, actor, now, book, document, first_day)
    finally:
        engine.dispose()
    _tell(found)
    console.print(f"{document['version']} in use {f'from {first_day}' if first_day else 'now'}")


@app.command()
def show(
    subdistrict: Street = "120116005",
    version: Annotated[str | None, typer.Option(help="Print the document of this version.")] = None,
) -> None:
    """Published versions, newest first; with --version the document itself."""
    from gridmgmt.errors import NotFound
    from gridmgmt.storage import catalogue

    with _reading(subdistrict) as db:
        found = catalogue.newest_rules(db, subdistrict)
        in_use = catalogue.load_rulebook(db, subdistrict).rules_at(datetime.now(UTC)).version
    if version is None:
        table = Table("version", "published", "in use from", "rules", "")
        for r in found:
            start = r["valid_from"].isoformat() if r["valid_from"] else "its publication"
            mark = "in use" if r["version"] == in_use else ""
            count = str(len(r["document"]["rules"]))
            table.add_row(r["version"], r["published_at"].isoformat(timespec="minutes"), start, count, mark)
        console.print(table)
        return
    document = next((r["document"] for r in found if r["version"] == version), None)
    if document is None:
        raise NotFound("No such version of the routing rules.", kind="routing_rules")
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


@app.command("dry-run")
def dry_run(
    file: RulesFile,
    since: Annotated[datetime, typer.Option(formats=_DAY, help="First day whose cases are asked about.")],
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="First day after them; now.")] = None,
    subdistrict: Street = "120116005",
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The differing cases as CSV.")] = False,
) -> None:
    """Who would have got the cases of a period under this draft; nothing is moved, no description is read."""
    from gridmgmt.domain.rules import parse_rules
    from gridmgmt.services import routing_rules
    from gridmgmt.storage import catalogue

    rules, now = parse_rules(_document(file)), datetime.now(UTC)
    with _reading(subdistrict) as db, progress(quiet=as_json or as_csv) as bar:
        book = catalogue.load_rulebook(db, subdistrict)
        first = since.replace(tzinfo=book.timezone)
        last = until.replace(tzinfo=book.timezone) if until else now
        task = bar.add_task("asking the draft", total=None)
        tried = routing_rules.try_rules(
            db, book, rules, (first, last), book.day_of(now),
            lambda done, of: bar.update(task, completed=done, total=of),
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(tried.as_facts(routing_rules.MOST_CASES), ensure_ascii=False))
        return
    rows = [one.as_facts() for one in tried.differing]
    if as_csv:
        names = [name for name in (rows[0] if rows else {}) if name != "text_rules"]
        writer = csv.DictWriter(sys.stdout, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        return
    table = Table("unit", "before", "after")
    for unit, before, after in tried.by_unit:
        name = book.units[unit].name if unit in book.units else unit or "manual queue"
        table.add_row(name, str(before), str(after))
    console.print(table)
    cases = Table("case", "class", "cell", "before", "after")
    for row in rows[:20]:
        cases.add_row(
            row["number"], row["category"], row["cell_code"],
            f"{row['unit_before'] or 'queue'} {row['rule_before'] or ''}",
            f"{row['unit_after'] or 'queue'} {row['rule_after'] or ''}",
        )  # fmt: skip
    if rows:
        console.print(cases)
    on_words = sum(bool(one.text_rules) for one in tried.compared)
    console.print(
        f"{len(tried.compared)} cases, {len(rows)} differ; words of the report could change {on_words}"
    )
