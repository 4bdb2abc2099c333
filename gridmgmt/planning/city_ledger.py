"""What a run over a city has done: one file a street, and a ledger that vouches for it.

Both are written beside their place and renamed, so that a run that is killed leaves nothing half written. An
entry is taken over by the next run when input, preset, seed and demand are the same and the file is still the
one that was written.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import geopandas as gpd

from gridmgmt.errors import InvalidInput

LEDGER: Final = "ledger.json"
Status = Literal["planned", "taken_over", "failed"]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for every street; see :func:`gridmgmt.planning.propose.propose_cells`."""

    preset: str = "city"
    seed: int = 0
    demand: str = "households"
    oversized: Literal["refuse", "own_cell"] = "refuse"

    @property
    def key(self) -> str:
        """All of it as one text."""
        return f"{self.preset}/{self.seed}/{self.demand}/{self.oversized}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a street.

    Attributes
    ----------
    digest : of its input, None when that could not be read.
    order : :attr:`Order.key`.
    file_sha256 : of its file, None when it failed.
    card : of :func:`~gridmgmt.planning.evaluate.report_card`, with the lower bounds.
    error, message : code and sentence when it failed; ``worker_lost`` when its processes died,
        ``unexpected`` when it was no error of ours.
    """

    street: str
    status: Status
    digest: str | None
    order: str
    file_sha256: str | None = None
    card: dict[str, Any] | None = None
    error: str | None = None
    message: str | None = None


class Ledger:
    """The folder of a run.

    Raises
    ------
    InvalidInput
        The ledger in the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._entries: dict[str, dict[str, Any]] = {}
        path = folder / LEDGER
        if path.is_file():
            try:
                self._entries = {entry["street"]: entry for entry in json.loads(path.read_text("utf-8"))}
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput("the ledger cannot be read; name another folder", name=LEDGER) from error

    def finished(self, street: str, digest: str, order: Order) -> Entry | None:
        """Return the entry of a street that need not be planned again, else None."""
        entry = self._entries.get(street)
        if entry is None or entry["status"] == "failed":
            return None
        if (entry["digest"], entry["order"]) != (digest, order.key):
            return None
        path = self._place(street)
        if not path.is_file() or _sha256(path) != entry["file_sha256"]:
            return None
        return Entry(**{**entry, "status": "taken_over"})

    def planned(
        self, street: str, digest: str, order: Order, cells: gpd.GeoDataFrame, card: dict[str, Any]
    ) -> Entry:
        """Write a street's file and its entry."""
        path = self._place(street)
        beside = path.with_suffix(".part")
        cells.to_parquet(beside)
        written = _sha256(beside)
        beside.replace(path)
        return self._noted(Entry(street, "planned", digest, order.key, written, card))

    def failed(self, street: str, digest: str | None, order: Order, error: str, message: str) -> Entry:
        """Write the entry of a street without a plan; a former run's file goes: it is of other input."""
        self._place(street).unlink(missing_ok=True)
        return self._noted(Entry(street, "failed", digest, order.key, error=error, message=message))

    def _noted(self, entry: Entry) -> Entry:
        self._entries[entry.street] = asdict(entry)
        path = self._folder / LEDGER
        beside = path.with_suffix(".part")
        rows = [self._entries[street] for street in sorted(self._entries)]
        beside.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(path)
        return entry

    def _place(self, street: str) -> Path:
        return self._folder / f"{street}.parquet"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
