"""gridmgmt route: what would become of a report here, and why; nothing is stored."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console, settings_with_database

app = typer.Typer(help="Routing rules.", no_args_is_help=True)


@app.command()
def explain(
    category: Annotated[str, typer.Argument(help="Class, such as matter:09006.")],
    lon: Annotated[float, typer.Argument(help="Longitude in degrees.")],
    lat: Annotated[float, typer.Argument(help="Latitude in degrees.")],
    text: Annotated[str, typer.Option(help="Description of the report.")] = "",
    source: Annotated[str, typer.Option(help="Channel of the report.")] = "patrol",
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
    subdistrict: Annotated[str, typer.Option(help="Nine-digit code.")] = "120116005",
) -> None:
    """Cell, duty list verdict, unit and worker for a report, with every rule that was tried."""
    from gridmgmt.domain.org import SYSTEM_ACTOR_ID
    from gridmgmt.domain.report import Report, Source
    from gridmgmt.domain.routing import Known, route
    from gridmgmt.geo.crs import Datum, lonlat
    from gridmgmt.storage import catalogue
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import Acting

    now = datetime.now(UTC)
    engine = make_engine(settings_with_database().require_database_url(), pool_size=1)
    try:
        with transaction(engine, Acting.rules(subdistrict), read_only=True) as db:
            book = catalogue.load_rulebook(db, subdistrict)
    finally:
        engine.dispose()
    found = book.catalogue.find(category, book.day_of(now))
    _, cell = book.locate(lonlat(lon, lat), Datum(datum), now)
    verdict = book.duty(found, now)
    supposed = Report(
        id=SYSTEM_ACTOR_ID,
        subdistrict_code=subdistrict,
        reporter_id=SYSTEM_ACTOR_ID,
        source=Source(source),
        category=found.key,
        description=text,
        position=lonlat(lon, lat),
        datum=Datum(datum),
        observed_at=now,
        received_at=now,
    )
    known = Known(precedents=book.precedents)
    routing = route(supposed, verdict, cell, book.rules_at(now), book.units, book.roster, now, known)
    unit = book.units.get(routing.unit_code or "")
    worker = book.people.get(routing.worker_id) if routing.worker_id else None
    console.print(f"class   {found.key}  {found.name}", highlight=False)
    console.print(f"cell    {cell.code}  {cell.name}", highlight=False)
    console.print(
        f"duty    {verdict.standing}: {verdict.reason} (article {verdict.article})", highlight=False
    )
    console.print(f"unit    {unit.name if unit else 'manual queue'}: {routing.reason}", highlight=False)
    console.print(f"worker  {worker or 'nobody'}: {routing.worker_reason}", highlight=False)
    table = Table("rule", "outcome", "why")
    for line in routing.trace:
        table.add_row(*line)
    console.print(table)
