"""gridmgmt service: units for systemd, written with this installation's paths."""

from pathlib import Path
from typing import Annotated

import typer

from gridmgmt.cli.console import console

app = typer.Typer(help="Running as services of systemd.", no_args_is_help=True)

UNITS = Path(__file__).parent / "units"
_PROGRAM, _ENVIRONMENT, _USER = "/opt/gridmgmt/bin/gridmgmt", "/etc/gridmgmt/environment", "User=gridmgmt"


@app.command("install-units")
def install_units(
    to: Annotated[Path, typer.Option(help="Directory for the units.")] = Path("/etc/systemd/system"),
    program: Annotated[Path, typer.Option(help="The gridmgmt command.")] = Path(_PROGRAM),
    environment: Annotated[Path, typer.Option(help="File of settings, one VARIABLE=value a line.")] = Path(
        _ENVIRONMENT
    ),
    user: Annotated[str, typer.Option(help="User that the services run as.")] = "gridmgmt",
) -> None:
    """Write the units: server, worker, receiver of backups, and timers of backup, drill and watchdog."""
    to.mkdir(parents=True, exist_ok=True)
    for unit in sorted(UNITS.glob("gridmgmt-*")):
        text = unit.read_text(encoding="utf-8").replace(_PROGRAM, str(program))
        text = text.replace(_ENVIRONMENT, str(environment)).replace(_USER, f"User={user}")
        (to / unit.name).write_text(text, encoding="utf-8")
        console.print(str(to / unit.name), highlight=False)
    console.print(
        "Then: systemctl daemon-reload && systemctl enable --now gridmgmt-server gridmgmt-worker"
        " gridmgmt-receiver gridmgmt-backup.timer gridmgmt-drill.timer gridmgmt-watchdog.timer",
        highlight=False,
        soft_wrap=True,
    )
