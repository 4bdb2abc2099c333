"""The evidence vault: sealed on the way in, opened and hashed again on the way out.

Originals and derivatives alike are addressed by the SHA-256 of their plain bytes, sealed under a key of the
key ring with that digest as context, and handed out only if they still have it. A file that is missing,
cut short, changed or exchanged is an error with a name, never an answer.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from gridmgmt.adapters.evidence.blobs import Blobs
from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.errors import EvidenceDamaged, GridError, Unavailable

_PIECE_BYTES = 2**20


class Sealer(Protocol):
    """The part of the key ring that the vault needs."""

    def seal_stream(self, plain: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """Sealed pieces."""
        ...

    def open_stream(self, sealed: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """Plain pieces; an error of ours when they are not what was sealed."""
        ...


class Vault:
    """Keeps photos and derivatives.

    Parameters
    ----------
    before_sealing : directory of photos that were stored plain, as ``ab/cd/abcd…``, before there was a
        vault; they are read there until :meth:`adopt` has moved them in.
    """

    def __init__(self, blobs: Blobs, sealer: Sealer, *, before_sealing: Path | None = None) -> None:
        self.blobs = blobs
        self._sealer = sealer
        self._before = before_sealing

    def put(self, sha256: str, content: bytes) -> None:
        """Keep durably; again is harmless, and mends what was damaged.

        Raises
        ------
        StoreFull, Unavailable
            Nothing was kept.
        """
        sealed = b"".join(self._sealer.seal_stream(_pieces(content), context=_context(sha256)))
        reached("sealed")
        if self.blobs.add(sha256, sealed):
            return
        if self.fault(sha256) is not None:
            self.blobs.replace(sha256, sealed)

    def get(self, sha256: str) -> bytes:
        """The bytes as they were received.

        Raises
        ------
        EvidenceDamaged
            ``facts["reason"]`` is ``missing`` or ``differs``.
        Unavailable
            The store cannot be asked now.
        """
        sealed = self.blobs.read(sha256)
        if sealed is None:
            content = self._kept_before(sha256)
            if content is None:
                raise _damaged(sha256, "missing")
        else:
            try:
                content = b"".join(self._sealer.open_stream(_pieces(sealed), context=_context(sha256)))
            except GridError as fault:
                if fault.code in _BROKEN_SEALS:
                    raise _damaged(sha256, "differs") from fault
                raise
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(sha256, "differs")
        return content

    def fault(self, sha256: str) -> str | None:
        """What is wrong with a stored photo: ``missing``, ``differs``, or nothing."""
        try:
            self.get(sha256)
        except EvidenceDamaged as damage:
            return str(damage.facts["reason"])
        return None

    def adopt(self, sha256: str) -> bool:
        """Move a photo that lies plain into the vault; whether there was one.

        Raises
        ------
        EvidenceDamaged
            The plain file is not what its name says; it stays.
        """
        content = self._kept_before(sha256)
        if content is None:
            return False
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(sha256, "differs")
        self.put(sha256, content)
        self._plain_path(sha256).unlink(missing_ok=True)
        return True

    def _kept_before(self, sha256: str) -> bytes | None:
        if self._before is None:
            return None
        try:
            return self._plain_path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Unavailable("The photo store cannot be read now.", retry_after_s=30) from exc

    def _plain_path(self, sha256: str) -> Path:
        assert self._before is not None  # noqa: S101  for the type checker: its callers have asked
        return self._before / sha256[:2] / sha256[2:4] / sha256


# A seal that is broken is damage; a key that was destroyed on purpose, or is not here, is another matter.
_BROKEN_SEALS = frozenset({"seal_broken"})


def _damaged(sha256: str, reason: str) -> EvidenceDamaged:
    return EvidenceDamaged(
        "This photo is not what was received any more." if reason == "differs" else "This photo is gone.",
        article="41",
        rule="R41c",
        sha256=sha256,
        reason=reason,
    )


def _context(sha256: str) -> str:
    return f"photos|content|{sha256}"


def _pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), _PIECE_BYTES):
        yield content[at : at + _PIECE_BYTES]
