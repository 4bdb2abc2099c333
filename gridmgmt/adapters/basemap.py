"""The installation's base map: tiles of one mirror (天地图 or an intranet's), fetched and kept here.

Phones never ask the mirror: they ask this server, which asks one address that the installation set, with
numbers filled in and nothing else of the asker's. The mirror's key so stays here, no page needs another
origin, and an intranet works without a way out.

What a mirror does badly costs the map and nothing else: a fetch ends within its time, redirects are not
followed, proxies of the environment are not asked, an answer is bounded and must begin like a picture,
few fetches are under way at once, and a mirror that does not answer, or refuses, is left alone for a while:
what asks on wears out a day's allowance. What was fetched is kept in a bounded store
(:mod:`gridmgmt.adapters.tilestore`); when the mirror is away what is kept is shown, however old.

Nothing is decoded here.
"""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import httpx
import structlog

from gridmgmt.adapters.tilestore import TileStore
from gridmgmt.errors import InvalidInput, Unavailable
from gridmgmt.geo.tilegrid import Address, Matrix

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 2**20
MOST_AT_ONCE: Final = 8
REST_S: Final = 20.0
"""How long a mirror that did not answer, or refused, is left alone."""
_KINDS: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}
_NUMBERS: Final = ("{z}", "{x}", "{y}")
_KEY: Final = "{key}"


class Layer(StrEnum):
    """What a base map is made of: the ground, and on it the names."""

    GROUND = "ground"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Picture:
    """A tile as the mirror made it."""

    content: bytes
    media_type: str


def require_template(address: str, *, has_key: bool) -> str:
    """A mirror's address with places for the numbers of a tile, and for the key where there is one.

    Raises
    ------
    InvalidInput
        A place is missing, or stands before the path: the host is never the asker's.
    """
    host, slash, path = address.partition("://")[2].partition("/")
    if not slash or "{" in host or any(name not in path for name in _NUMBERS):
        raise InvalidInput("A base map's address holds {z}, {x} and {y}, behind its host.", field="url")
    if (_KEY in path) != has_key:
        raise InvalidInput("A base map's address holds {key} when there is a key, else not.", field="url")
    return address


class Basemap:
    """One mirror.

    Parameters
    ----------
    addresses : by layer; checked by :func:`require_template`.
    key : for ``{key}``; empty without.
    store : keeps what was fetched.
    keep : how long that is fresh; zero keeps nothing.
    timeout_s : how long a fetch may take as a whole.
    transport : another way to the mirror, for tests.
    """

    def __init__(
        self,
        addresses: Mapping[Layer, str],
        key: str,
        matrix: Matrix,
        store: TileStore,
        *,
        keep: timedelta,
        timeout_s: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.layers, self.matrix = tuple(addresses), matrix
        self._addresses, self._key = dict(addresses), key
        # Another mirror's tiles are other tiles.
        self._name = hashlib.sha256("\n".join([matrix, *addresses.values()]).encode()).hexdigest()[:16]
        self._store, self._keep, self._timeout_s = store, keep, timeout_s
        self._http = httpx.Client(
            timeout=timeout_s, follow_redirects=False, trust_env=False, transport=transport
        )
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._rests_until = 0.0

    def tile(self, layer: Layer, tile: Address, now: datetime) -> Picture | None:
        """A tile; None where the mirror has none.

        Raises
        ------
        Unavailable
            The mirror does not answer, or answers what is no picture, and nothing is kept.
        """
        name = f"{self._name}/{layer}/{tile.z}/{tile.x}/{tile.y}"
        kept = self._store.read(name, now)
        if kept is not None and now - kept.at < self._keep:
            return _as_picture(kept.content)
        try:
            content = self._fetch(layer, tile)
        except Unavailable:
            if kept is None:
                raise
            return _as_picture(kept.content)
        if self._keep:
            self._store.keep(name, content, now)
        return _as_picture(content)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _fetch(self, layer: Layer, tile: Address) -> bytes:
        """The mirror's bytes; empty where it has none."""
        if time.monotonic() < self._rests_until:
            raise Unavailable("The base map does not answer.", retry_after_s=int(REST_S))
        if not self._places.acquire(blocking=False):
            raise Unavailable("The base map is being asked for much; try again.", retry_after_s=1)
        try:
            return self._asked(layer, tile)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            self._rests_until = time.monotonic() + REST_S
            # Its words may hold the address, and that the key.
            log.warning("basemap_unavailable", kind=type(fault).__name__)
            raise Unavailable("The base map does not answer.", retry_after_s=int(REST_S)) from None
        finally:
            self._places.release()

    def _asked(self, layer: Layer, tile: Address) -> bytes:
        address = self._addresses[layer]
        for name, number in zip(_NUMBERS, (tile.z, tile.x, tile.y), strict=True):
            address = address.replace(name, str(number))
        deadline = time.monotonic() + self._timeout_s
        with self._http.stream("GET", address.replace(_KEY, self._key)) as answer:
            if answer.status_code in {204, 404}:
                return b""
            if answer.status_code != httpx.codes.OK:
                self._rests_until = time.monotonic() + REST_S
                log.warning("basemap_refused", status=answer.status_code)
                raise Unavailable("The base map refuses.", retry_after_s=int(REST_S))
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > MOST_BYTES or time.monotonic() > deadline:
                    self._rests_until = time.monotonic() + REST_S
                    log.warning("basemap_too_much_or_too_slow", bytes=len(content))
                    raise Unavailable(
                        "The base map answers too much, or too slowly.", retry_after_s=int(REST_S)
                    )
        if kind_of(bytes(content)) is None:
            log.warning("basemap_no_picture", bytes=len(content))
            raise Unavailable("The base map answers no picture.", retry_after_s=int(REST_S))
        return bytes(content)


def kind_of(content: bytes) -> str | None:
    """The media type of a picture by its first bytes; None for anything else."""
    return next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)


def _as_picture(content: bytes) -> Picture | None:
    kind = kind_of(content)
    return Picture(content, kind) if kind else None
