"""gridmgmt keys: make, change and look at the keys that personal data and secrets are sealed under."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gridmgmt.cli.console import console

if TYPE_CHECKING:
    from gridmgmt.adapters.keyring import FileKeyRing

app = typer.Typer(help="Keys that personal data and secrets are sealed under.", no_args_is_help=True)


@app.command()
def init() -> None:
    """Make the key file; one that is there stays as it is."""
    from gridmgmt.adapters.keyfiles import make_kek_file, read_keks
    from gridmgmt.settings import load_settings

    path = load_settings().key_file_in_use
    there = path.exists()
    if not there:
        make_kek_file(path)
    keks = read_keks(path)
    console.print(
        f"{path}: version {keks.current}, {'was there' if there else 'made'}. "
        "Keep a copy where secrets are kept: without it nothing sealed can be read.",
        highlight=False,
    )


@app.command()
def push() -> None:
    """Make a key for Web Push and print it, for GRIDMGMT_PUSH_KEY; nothing is stored."""
    from gridmgmt.adapters.webpush import new_private_key

    console.print(new_private_key(), highlight=False)


@app.command()
def rotate(
    kek: Annotated[
        bool, typer.Option(help="A new key-encryption key; all data keys are wrapped anew.")
    ] = True,
    data: Annotated[bool, typer.Option(help="A new version of every data key in use.")] = True,
) -> None:
    """Change keys while everything goes on; values sealed under older versions stay readable."""
    ring = _ring()
    if data:
        living = {(k.key_class, k.month) for k in ring.keys.all() if k.secret is not None}
        # A blind index under a new key would find nothing that was indexed before.
        for key_class, month in sorted(living):
            if not key_class.startswith("blind."):
                ring.keys.add(key_class, month)
    if kek:
        version = ring.keys.change_kek()
        console.print(f"key-encryption key: version {version}", highlight=False)
    status()


@app.command()
def status() -> None:
    """Every data key: class, month, version, whether it is in use; never the key itself."""
    table = Table("class", "month", "version", "wrapped under", "state")
    newest: dict[tuple[str, str], int] = {}
    keys = _ring().keys.all()
    for key in keys:
        if key.secret is not None:
            newest[key.key_class, key.month] = key.version
    for key in keys:
        in_use = newest.get((key.key_class, key.month)) == key.version
        state = (
            f"destroyed {key.destroyed_at}" if key.secret is None else "in use" if in_use else "reads only"
        )
        table.add_row(key.key_class, key.month, str(key.version), str(key.kek_version), state)
    console.print(table)


def _ring() -> "FileKeyRing":
    from gridmgmt.adapters.keyring import open_key_ring
    from gridmgmt.settings import load_settings

    settings = load_settings()
    return open_key_ring(
        settings.key_file_in_use,
        settings.key_dir,
        make=settings.makes_its_keys,
        clock=lambda: datetime.now(UTC),
    )
