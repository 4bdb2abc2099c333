"""gridmgmt deliveries: what waits for a channel outside, and what was given up."""

import json
from typing import Annotated
from uuid import UUID

import typer

from gridmgmt.cli.console import console, settings_with_database
from gridmgmt.domain.channel import DeliveryState

app = typer.Typer(help="Deliveries by webhook and SMS, and those that were given up.", no_args_is_help=True)


@app.command("list")
def list_(
    state: Annotated[DeliveryState, typer.Option(help="Which.")] = DeliveryState.DEAD,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most of them.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List deliveries, by default the dead ones, the oldest first."""
    from gridmgmt.storage import deliveries
    from gridmgmt.storage.db import make_engine
    from gridmgmt.worker import for_every_subdistrict

    settings = settings_with_database()
    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-deliveries")
    try:
        with for_every_subdistrict(engine) as db:
            found = deliveries.listed(db, state, limit=limit)
    finally:
        engine.dispose()
    for row in found:
        if as_json:
            typer.echo(json.dumps(row, default=str, ensure_ascii=False))
        else:
            console.print(
                f"{row['notification_id']} {row['channel']:8} {row['at']:%Y-%m-%d %H:%M}"
                f" {row['number'] or ''} {row['kind']} tries {row['tries']}: {row['last_error'] or ''}",
                highlight=False,
                soft_wrap=True,
            )
    if not as_json:
        console.print(f"{len(found)} {state}", highlight=False)


@app.command("retry")
def retry(
    ids: Annotated[list[UUID] | None, typer.Argument(help="Notifications, as listed.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Let dead deliveries go again, from their first try."""
    from gridmgmt.storage import deliveries
    from gridmgmt.storage.db import make_engine
    from gridmgmt.worker import for_every_subdistrict, server_clock

    if bool(ids) == everything:
        raise typer.BadParameter("name deliveries, or give --all")
    settings = settings_with_database()
    engine = make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-deliveries")
    try:
        with for_every_subdistrict(engine) as db:
            count = deliveries.retry(db, None if everything else ids, server_clock())
    finally:
        engine.dispose()
    console.print(f"{count} wait again", highlight=False)
