"""gridmgmt evidence: read all photos again, bring old ones into the vault."""

from typing import TYPE_CHECKING, Annotated

import typer

from gridmgmt.cli.console import console, settings_with_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from gridmgmt.adapters.evidence.room import EvidenceRoom
    from gridmgmt.services.scrubbing import Opened
    from gridmgmt.settings import Settings

app = typer.Typer(help="Evidence photos: check what is stored.", no_args_is_help=True)


@app.command()
def scrub(
    keep_orphans: Annotated[
        bool, typer.Option("--keep-orphans", help="List files that belong to nothing; remove none.")
    ] = False,
) -> None:
    """Read every stored photo and hash it again. Exit code 1 when one is missing or damaged."""
    from gridmgmt.services import scrubbing
    from gridmgmt.worker import server_clock

    settings = settings_with_database()
    found = scrubbing.scrub(
        room_of(settings), opened_of(_engine(settings)), server_clock(), remove=not keep_orphans
    )
    console.print(
        f"{found.originals} originals and {found.derivatives} derivatives read;"
        f" {len(found.missing)} missing, {len(found.damaged)} damaged,"
        f" {len(found.lost_derivatives)} derivatives to be made anew,"
        f" {len(found.orphans)} orphans, {found.removed} files removed",
        highlight=False,
    )
    for word, names in (
        ("missing", found.missing),
        ("damaged", found.damaged),
        ("orphan", found.orphans),
        ("foreign", found.foreign),
    ):
        for name in names:
            console.print(f"{word} {name}", highlight=False, markup=False)
    raise typer.Exit(0 if found.is_whole else 1)


@app.command()
def adopt() -> None:
    """Seal photos that were stored before there was a vault. Exit code 1 when one is not what it was."""
    from gridmgmt.services import scrubbing

    settings = settings_with_database()
    moved, failed = scrubbing.adopt(room_of(settings), opened_of(_engine(settings)))
    console.print(f"{moved} photos sealed", highlight=False)
    for name in failed:
        console.print(f"damaged {name}", highlight=False)
    raise typer.Exit(1 if failed else 0)


def slow_scrub(settings: "Settings", engine: "Engine") -> "Callable[[datetime], None]":
    """The worker's chore: reads all photos once a day, in small steps, and logs what is not whole."""
    import structlog

    from gridmgmt.services.scrubbing import SlowScrub

    room, opened, slow = room_of(settings), opened_of(engine), SlowScrub()
    log = structlog.get_logger(__name__)

    def step(now: "datetime") -> None:
        found = slow.step(room, opened, now)
        if found is not None and not found.is_whole:
            log.error("evidence_damaged", missing=found.missing, damaged=found.damaged)

    return step


def room_of(settings: "Settings") -> "EvidenceRoom":
    """The evidence room that the settings describe."""
    from gridmgmt.adapters.evidence.room import open_room
    from gridmgmt.adapters.keyring import open_key_ring

    keys = open_key_ring(settings.key_file_in_use, settings.key_dir, make=settings.makes_its_keys)
    return open_room(
        settings.photo_dir,
        settings.incoming_dir,
        keys,
        limit_bytes=settings.max_photo_bytes,
        data_dir=settings.data_dir,
        s3=settings.s3_place,
    )


def opened_of(engine: "Engine") -> "Opened":
    """Transactions of the platform itself."""
    from gridmgmt.worker import for_every_subdistrict

    return lambda: for_every_subdistrict(engine)


def _engine(settings: "Settings") -> "Engine":
    from gridmgmt.storage.db import make_engine

    return make_engine(settings.require_worker_url(), pool_size=1, application="gridmgmt-evidence")
