"""The sealer's key: Ed25519, in a file of its own outside the database.

The private key lies in a PEM file that only its owner can read (0400); the public key beside it, in the form
of the Go checksum database (``name+key id+key``), to be given to whoever checks. Whoever holds the database
but not this file cannot sign a head; whoever holds both is found out by a witness.
"""

import base64
import binascii
import contextlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gridmgmt.domain.checkpoint import Head, Note, Signature, body_of, key_id
from gridmgmt.errors import InvalidInput, NotFound

_ED25519 = b"\x01"
_FOR_OTHERS = 0o077


class SealKey:
    """A key that signs heads.

    Parameters
    ----------
    name : of the log; it stands on every signature line.
    """

    def __init__(self, private: Ed25519PrivateKey, name: str) -> None:
        self._private, self.name = private, name
        self.public_key = private.public_key().public_bytes_raw()

    def signature(self, body: str) -> Signature:
        """The signature of this key over a text."""
        return Signature(self.name, key_id(self.name, self.public_key), self._private.sign(body.encode()))

    def sign(self, head: Head, *also: "SealKey") -> Note:
        """The head as a note, signed by this key and others."""
        body = body_of(head)
        return Note(head, body, tuple(key.signature(body) for key in (self, *also)))


def new_key(name: str) -> SealKey:
    """A key that exists in memory only."""
    return SealKey(Ed25519PrivateKey.generate(), name)


def make_key_file(path: Path, name: str) -> SealKey:
    """Make a key and keep it; the file appears whole or not at all and is never written over.

    Raises
    ------
    FileExistsError
        There is a key already.
    """
    key = new_key(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = key._private.private_bytes(  # noqa: SLF001  our own
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    beginning = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(beginning, path)
    finally:
        beginning.unlink()
    public_file(path).write_text(public_text(name, key.public_key), encoding="ascii")
    return key


def load_key_file(path: Path, name: str) -> SealKey:
    """Read a key.

    Raises
    ------
    NotFound
        There is no such file.
    InvalidInput
        Others may read the file, or it holds no Ed25519 key.
    """
    try:
        mode, pem = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError:
        raise NotFound("There is no sealing key; make one with: gridmgmt audit key create") from None
    if mode & _FOR_OTHERS:
        raise InvalidInput("The sealing key's file is open to others; chmod 400 it.", rule="R41c")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise InvalidInput("The sealing key's file holds no Ed25519 key.")
    return SealKey(private, name)


def load_or_make_key_file(path: Path, name: str) -> SealKey:
    """The key of a file; a new one where there is none. For development and the demo."""
    # Two processes may both find none: the second takes the first one's.
    with contextlib.suppress(FileExistsError):
        if not path.exists():
            return make_key_file(path, name)
    return load_key_file(path, name)


def public_file(path: Path) -> Path:
    """Where the public key of a key file lies."""
    return path.with_name(f"{path.name}.pub")


def public_text(name: str, public_key: bytes) -> str:
    """A public key as one line to give away."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(_ED25519 + public_key).decode()}\n"


def read_public_text(text: str) -> bytes:
    """The public key of such a line.

    Raises
    ------
    InvalidInput
        Not such a line, or its parts contradict each other.
    """
    name, _, rest = text.strip().partition("+")
    short, _, encoded = rest.partition("+")
    try:
        both = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(both[1:])
    except (ValueError, binascii.Error):
        both = b""
    if both[:1] != _ED25519 or key_id(name, both[1:]).hex() != short:
        raise InvalidInput("This is no public key of an audit log.")
    return both[1:]


def is_signed_by(note: Note, public_key: bytes) -> bool:
    """Whether the key signed exactly this text."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        return False
    for signature in note.signatures:
        if signature.key_id == key_id(signature.name, public_key) and signature.name == note.head.origin:
            with contextlib.suppress(InvalidSignature):
                key.verify(signature.value, note.body.encode())
                return True
    return False
