"""The ledger of evidence photos: the states of one photo on its way, and which may follow which.

``announced`` (the phone says that it is coming) → ``receiving`` (in pieces) → ``received`` (all bytes are
here) → ``checked`` (it is a sound photo, but not kept yet) → ``stored``; or ``refused`` with the reason.
``missing`` is a stored photo that is gone or damaged; sent again, it is ``stored`` again. A photo is
evidence from ``stored`` on and never loses that state to a later step of another upload (R22a, R46).
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

# How long a link to an original holds; long enough to click, too short to pass on.
ORIGINAL_LINK_LIFE = timedelta(minutes=5)
# An unfinished upload is kept so long; the phone has the photo until it is stored.
UPLOAD_LIFE = timedelta(days=3)
SHORTEST_REASON = 4


class PhotoState(StrEnum):
    """Where a photo stands."""

    ANNOUNCED = "announced"
    RECEIVING = "receiving"
    RECEIVED = "received"
    CHECKED = "checked"
    STORED = "stored"
    REFUSED = "refused"
    MISSING = "missing"

    @property
    def is_here(self) -> bool:
        """Whether the photo counts as evidence that the server has."""
        return self is PhotoState.STORED


_ON_THE_WAY = frozenset(
    {
        PhotoState.ANNOUNCED,
        PhotoState.RECEIVING,
        PhotoState.RECEIVED,
        PhotoState.CHECKED,
        PhotoState.REFUSED,
        PhotoState.STORED,
    }
)

# A new upload of the same photo may begin from everywhere but ``stored``.
FOLLOWS: Mapping[PhotoState, frozenset[PhotoState]] = MappingProxyType(
    {
        **dict.fromkeys(_ON_THE_WAY - {PhotoState.STORED}, _ON_THE_WAY),
        PhotoState.STORED: frozenset({PhotoState.STORED, PhotoState.MISSING}),
        PhotoState.MISSING: frozenset({PhotoState.STORED}),
    }
)


def may_follow(before: PhotoState | None, after: PhotoState) -> bool:
    """Whether the ledger may move; every state may be the first but ``missing``."""
    if before is None:
        return after is not PhotoState.MISSING
    return after in FOLLOWS[before]
