"""gridmgmt accounts: the first administrators' way in, and the way back for one who is locked out.

Both print a one-time link, which is good once and for some hours. Whoever opens it chooses his password and
sets up his authenticator; nobody else ever knows either. There is no default password.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gridmgmt.cli.console import console, settings_with_database

if TYPE_CHECKING:
    from gridmgmt.services.founding import Link
    from gridmgmt.storage.db import Db

T = TypeVar("T")

app = typer.Typer(
    help="One-time links for administrators; there is no default password.", no_args_is_help=True
)


@app.command("first-link")
def first_link(
    role: Annotated[
        str, typer.Option(help="administrator, security_administrator or auditor; one person each.")
    ],
    login: Annotated[str, typer.Option(help="Login of the person, such as wang.anquan.")],
    name: Annotated[str, typer.Option(help="Name of the person.")],
    subdistrict: Annotated[
        str | None, typer.Option(help="Nine-digit code; may be left out where there is only one.")
    ] = None,
) -> None:
    """Make the first administrator of a kind and print the link that sets up the account."""
    from gridmgmt.services import founding

    first = founding.First(role, login, name, subdistrict)
    # Making people is the business of the login that loads them, giving links that of the server's own.
    url = settings_with_database().require_migration_url()
    founded = _committed(url, lambda db: founding.first_administrator(db, first))
    _print_link(lambda db, now, link: founding.first_link(db, now, founded, link))


@app.command("reset-link")
def reset_link(
    login: Annotated[str, typer.Argument(help="Login of an administrator who lost his way in.")],
) -> None:
    """Print a new link for an administrator; everybody else gets his from the security administrator."""
    from gridmgmt.services import founding

    _print_link(lambda db, now, link: founding.way_back(db, now, login, link))


def _committed(url: str, work: "Callable[[Db], T]") -> "T":
    from gridmgmt.storage.db import make_engine, transaction
    from gridmgmt.storage.rights.walls import NOBODY

    engine = make_engine(url, pool_size=1, application="gridmgmt-accounts")
    try:
        with transaction(engine, NOBODY) as db:
            return work(db)
    finally:
        engine.dispose()


def _print_link(make: "Callable[[Db, datetime, Link], None]") -> None:
    from gridmgmt.adapters import secrets
    from gridmgmt.services.founding import Link

    settings = settings_with_database()
    token, now = secrets.new_token(), datetime.now(UTC)
    link = Link(secrets.digest(token), timedelta(hours=settings.link_hours))
    _committed(settings.require_database_url(), lambda db: make(db, now, link))
    console.print(settings.link_to_set_up(token), highlight=False, soft_wrap=True)
    console.print(
        f"Good once, until {now + link.lifetime:%Y-%m-%d %H:%M} UTC. Open it on the person's own device.",
        highlight=False,
    )
