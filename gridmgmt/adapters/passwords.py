"""Password hashes: argon2id, two at a time.

One hash takes 64 MiB and a quarter of a second (that is its point), so however many people knock at once,
at most two are hashed and a few wait; the rest are told to come back. What is throttled is throttled before.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from gridmgmt.errors import Unavailable

_AT_ONCE = 2
# Each waiting one holds a thread of the server; the others must keep theirs.
_WAITING_AT_MOST = 4
_RETRY_AFTER_S = 2
_T = TypeVar("_T")


class Passwords:
    """Hashes and verifies.

    Parameters
    ----------
    hasher : other costs than argon2's recommended ones; tests are cheaper.
    """

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hashing = PasswordHash((hasher or Argon2Hasher(),))
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._queue = threading.BoundedSemaphore(_AT_ONCE + _WAITING_AT_MOST)
        # What is verified where there is no account: a name that does not exist costs the same work.
        self._nobodys = self._hashing.hash("nobody's password, which nobody can type")

    def hash(self, password: str) -> str:
        """The hash to store; raises Unavailable when too many wait."""
        return self._limited(lambda: self._hashing.hash(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether this is the password; None (there is no account) costs the same and is never right."""
        right = self._limited(lambda: self._hashing.verify(password, stored or self._nobodys))
        return right and stored is not None

    def _limited(self, work: Callable[[], _T]) -> _T:
        with self._place(), self._room:
            return work()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._queue.acquire(blocking=False):
            raise Unavailable(
                "Many people are signing in just now; try again in a moment.", retry_after_s=_RETRY_AFTER_S
            )
        try:
            yield
        finally:
            self._queue.release()
