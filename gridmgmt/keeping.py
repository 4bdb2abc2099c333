"""What the worker does about personal data: exports, periods that are over, keys that were changed.

And about the base map's tiles, which are nobody's: there is room for them, and no more than that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.adapters.tilestore import TileStore
from gridmgmt.services import exporting, resealing, retention
from gridmgmt.storage import exports, people, push
from gridmgmt.storage.db import Db, act_as, transaction
from gridmgmt.storage.rights.walls import NOBODY, Acting

log = structlog.get_logger(__name__)

_ERASE_EVERY = timedelta(minutes=15)
_SWEEP_EVERY = timedelta(minutes=5)


class Keeping:
    """One worker's share; several may run, each takes what the others leave.

    Parameters
    ----------
    keys, files : of the installation; ``files`` are those of ``services.exporting.FILES``.
    tiles : of the base map, whether there is one now or there was.
    most_rows : of an export.
    """

    def __init__(self, keys: KeyRing, files: SealedFiles, tiles: TileStore, *, most_rows: int) -> None:
        self._keys, self._files, self._tiles, self._most_rows = keys, files, tiles, most_rows
        self._erased_at: datetime | None = None
        self._swept_at: datetime | None = None

    def __call__(self, engine: Engine, now: datetime) -> None:
        """One round: an export, some values under old keys, and now and then what is past its period."""
        # First: a full disk would stop what comes next.
        if self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY:
            self._swept_at = now
            if gone := self._tiles.sweep():
                log.info("basemap_swept", count=gone)
        self._export(engine, now)
        with _for_every_subdistrict(engine) as db:
            exporting.expire(db, self._files, now)
        with _for_every_subdistrict(engine) as db:
            resealing.reseal_some(db, self._keys)
        if self._erased_at is None or now - self._erased_at >= _ERASE_EVERY:
            self._erase(engine, now)
            self._erased_at = now

    def _export(self, engine: Engine, now: datetime) -> None:
        with _for_every_subdistrict(engine) as db:
            claimed = exports.claim(db, now)
        if claimed is not None:
            with _for_every_subdistrict(engine) as db:
                exporting.make(db, self._keys, self._files, now, claimed, most_rows=self._most_rows)

    def _erase(self, engine: Engine, now: datetime) -> None:
        erased = 1
        while erased:
            with _for_every_subdistrict(engine) as db:
                erased = retention.erase_due(db, now)
            if erased:
                log.info("erased_past_its_period", count=erased)
        with _for_every_subdistrict(engine) as db:
            push.erase_over(db, now)
            retention.destroy_unused_keys(db, self._keys, now)


@contextmanager
def _for_every_subdistrict(engine: Engine) -> Iterator[Db]:
    with transaction(engine, NOBODY) as db:
        act_as(db, Acting.system(people.every_subdistrict(db)))
        yield db
