"""The command line. Heavy packages are imported inside the commands, so that ``--help`` is instant."""

import typer

from gridmgmt.cli import (
    accounts,
    audit,
    backup,
    calendar,
    catalogue,
    clocks,
    db,
    deliveries,
    demo,
    evidence,
    keys,
    ladder,
    plan_life,
    privacy,
    roster,
    route,
    rules,
    serve,
    service,
)
from gridmgmt.cli.console import fail_readably

app = typer.Typer(
    name="gridmgmt",
    help="Grid management for urban subdistricts 街道网格化管理.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.add_typer(backup.app, name="backup")
app.add_typer(calendar.app, name="calendar")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(clocks.app, name="clocks")
app.add_typer(db.app, name="db")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(demo.app, name="demo")
app.add_typer(evidence.app, name="evidence")
app.add_typer(privacy.exports_app, name="exports")
app.add_typer(keys.app, name="keys")
app.add_typer(ladder.app, name="ladder")
app.add_typer(privacy.privacy_app, name="privacy")
app.add_typer(plan_life.app, name="plan")
app.add_typer(roster.app, name="roster")
app.add_typer(route.app, name="route")
app.add_typer(rules.app, name="rules")
app.add_typer(service.app, name="service")
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("watchdog")(serve.watchdog)


def main() -> None:
    """Entry point: errors of ours end in one readable line, not in a traceback."""
    with fail_readably():
        app()
