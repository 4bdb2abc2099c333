"""Signed heads of the audit log: what they say, and the text that is signed, printed and given away.

The text is a *signed note* in the form of the Go checksum database and of C2SP's tlog-checkpoint, so that
tools which know that form read ours: origin, size and root on the first three lines, then lines of our
own, an empty line, and one line per signature::

    gridmgmt.example/audit
    4711
    nZ…=
    alg sha256
    no 12
    at 2026-11-23T02:00:00.000000Z
    kind seal

    — gridmgmt.example/audit yQ…=

Heads are numbered without gaps. Besides sealing, a head may record that the key changed (its note bears
the signatures of both keys) or that the database was restored: nothing is resealed in silence.
Pure: signing and checking signatures are in ``adapters.signing``.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gridmgmt.domain.merkle import HASH_BYTES, Algorithm
from gridmgmt.errors import InvalidInput

_SIGNATURE = re.compile(r"— (\S+) (\S+)")
_KEY_ID_BYTES = 4
_ED25519 = b"\x01"
_OWN_LINES = ("alg", "no", "at", "kind")


class HeadKind(StrEnum):
    """Why a head was made."""

    SEAL = "seal"
    KEY_ROTATION = "key_rotation"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log at one moment: its first ``size`` rows and nothing else make ``root``.

    ``facts`` are further lines: the public keys of a key rotation (``old-key``, ``new-key``), or what a
    recovery says it lost (``lost-size``).
    """

    origin: str
    size: int
    root: bytes
    algorithm: Algorithm
    no: int
    at: datetime
    kind: HeadKind = HeadKind.SEAL
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A head with its signatures; ``body`` is the very text that they are over."""

    head: Head
    body: str
    signatures: tuple[Signature, ...]

    @property
    def text(self) -> str:
        """The note as it is stored and given away."""
        return self.body + "\n" + "".join(_signature_line(s) for s in self.signatures)


def instant(at: datetime) -> str:
    """A time in UTC to the microsecond, always of the same width."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body_of(head: Head) -> str:
    """The text to sign."""
    lines = [
        head.origin,
        str(head.size),
        base64.b64encode(head.root).decode(),
        f"alg {head.algorithm}",
        f"no {head.no}",
        f"at {instant(head.at)}",
        f"kind {head.kind}",
        *(f"{name} {value}" for name, value in sorted(head.facts.items())),
    ]
    return "\n".join(lines) + "\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """Four bytes that tell keys apart: of SHA-256 over name, newline, kind of key and key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def _signature_line(signature: Signature) -> str:
    return f"— {signature.name} {base64.b64encode(signature.key_id + signature.value).decode()}\n"


def parse_note(text: str) -> Note:
    """Read a note.

    Raises
    ------
    InvalidInput
        Not the text of a head: a line is missing, misspelt, or not written as we write it.
    """
    try:
        return _note(text)
    except (ValueError, binascii.Error) as fault:
        raise InvalidInput(f"This is no head of an audit log: {fault}.") from None


def _note(text: str) -> Note:
    body, _, below = text.partition("\n\n")
    head = _head(body.split("\n"))
    note = Note(head, body + "\n", tuple(map(_signature, below.removesuffix("\n").split("\n"))))
    if body_of(head) != note.body or note.text != text:
        raise ValueError("it is written another way")
    return note


def _head(lines: list[str]) -> Head:
    origin, size, root, *rest = lines
    pairs = [line.split(" ", 1) for line in rest]
    if tuple(name for name, *_ in pairs[:4]) != _OWN_LINES or any(len(pair) != 2 for pair in pairs):
        raise ValueError("its lines are not ours")
    values: dict[str, str] = dict(pairs)
    head = Head(
        origin=origin,
        size=int(size),
        root=base64.b64decode(root, validate=True),
        algorithm=Algorithm(values["alg"]),
        no=int(values["no"]),
        at=datetime.strptime(values["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
        kind=HeadKind(values["kind"]),
        facts={name: value for name, value in values.items() if name not in _OWN_LINES},
    )
    if not origin or len(head.root) != HASH_BYTES or head.size < 0:
        raise ValueError("size or root out of range")
    return head


def _signature(line: str) -> Signature:
    found = _SIGNATURE.fullmatch(line)
    if found is None:
        raise ValueError("a signature line is damaged")
    both = base64.b64decode(found[2], validate=True)
    return Signature(found[1], both[:_KEY_ID_BYTES], both[_KEY_ID_BYTES:])
