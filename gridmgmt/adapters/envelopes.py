"""The bytes of a sealed value and of a sealed stream; which key is the business of ``keyring.py``.

::

    value   │ kind 1 │ key id 8 │ nonce 12 │ ciphertext │ tag 16 │        37 bytes more than the plain text
    stream  │ kind 1 │ key id 8 │ salt 32  │ chunk │ chunk │ … │ last chunk │
    chunk   │ ciphertext, 65 536 bytes, the last one 0 to 65 536 │ tag 16 │

* A value is sealed with AES-256-GCM-SIV (RFC 8452): should a nonce ever come twice, after a virtual machine
  was wound back for instance, the only thing shown is that two plain texts are equal.
* A stream has a key of its own, by HKDF-SHA-256 (RFC 5869) of the data key, a random salt and the context,
  and is sealed chunk by chunk with AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway
  and Vizár 2015): the nonce is the chunk's number and whether it is the last, so that chunks exchanged,
  left out, repeated or cut off at the end are found.
* The first byte tells the algorithm. SM4-GCM (GB/T 32907) would be two more kinds; nothing else would change.

The context is authenticated, never stored: a value moved to another row or column does not open.
"""

import os
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gridmgmt.errors import InvalidInput, SealBroken

KIND_VALUE = 1
KIND_STREAM = 2
KEY_ID_BYTES = 8
CHUNK_BYTES = 65_536

_NONCE_BYTES = 12
_SALT_BYTES = 32
_TAG_BYTES = 16
_HEADER_BYTES = 1 + KEY_ID_BYTES
_MOST_CHUNKS = 2**32


def key_id_of(sealed: bytes, kind: int) -> bytes:
    """Which key a sealed value, or the beginning of a sealed stream, names.

    Raises
    ------
    SealBroken
        Too short, or of another kind.
    """
    least = _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES if kind == KIND_VALUE else _HEADER_BYTES + _SALT_BYTES
    if len(sealed) < least or sealed[0] != kind:
        raise SealBroken("This is not a sealed value of this kind.", reason="malformed")
    return sealed[1:_HEADER_BYTES]


def new_secret() -> bytes:
    """32 random bytes, for a key."""
    return os.urandom(32)


def seal_value(plain: bytes, *, key_id: bytes, secret: bytes, context: str) -> bytes:
    """A value sealed under a key of 32 bytes."""
    header = bytes([KIND_VALUE]) + key_id
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + AESGCMSIV(secret).encrypt(nonce, plain, header + context.encode())


def open_value(sealed: bytes, *, secret: bytes, context: str) -> bytes:
    """The plain text of a value.

    Raises
    ------
    SealBroken
        Changed, cut short, or sealed for another context.
    """
    header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    try:
        return AESGCMSIV(secret).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + context.encode())
    except InvalidTag as exc:
        raise SealBroken("The sealed value was changed or moved.", reason="tag") from exc


def seal_stream(plain: Iterable[bytes], *, key_id: bytes, secret: bytes, context: str) -> Iterator[bytes]:
    """A stream sealed piece by piece; never more than a chunk and a piece in memory.

    Parameters
    ----------
    plain : pieces of any sizes, 256 TiB together at most.
    """
    header = bytes([KIND_STREAM]) + key_id
    salt = os.urandom(_SALT_BYTES)
    cipher = _stream_cipher(secret, salt, context)
    yield header + salt
    for number, (chunk, last) in enumerate(_chunks(plain, CHUNK_BYTES)):
        yield cipher.encrypt(_stream_nonce(number, last=last), chunk, header)


def open_stream(head: bytes, sealed: Iterable[bytes], *, secret: bytes, context: str) -> Iterator[bytes]:
    """The plain text of a stream, chunk by chunk.

    Each chunk is authentic when it is handed out; that nothing is missing at the end is known only at the
    end. Whoever acts on the whole waits for it.

    Parameters
    ----------
    head : what :func:`split_head` took off; ``sealed`` goes on after it.

    Raises
    ------
    SealBroken
        Changed, in another order, cut off, or sealed for another context.
    """
    header, salt = head[:_HEADER_BYTES], head[_HEADER_BYTES:]
    cipher = _stream_cipher(secret, salt, context)
    for number, (chunk, last) in enumerate(_chunks(sealed, CHUNK_BYTES + _TAG_BYTES)):
        try:
            yield cipher.decrypt(_stream_nonce(number, last=last), chunk, header)
        except InvalidTag as exc:
            raise SealBroken(
                "The sealed stream was changed, moved or cut off.", reason="tag", chunk=number
            ) from exc


def split_head(sealed: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The head of a sealed stream, and the pieces that follow it.

    Raises
    ------
    SealBroken
        It ends before its head does.
    """
    pieces = iter(sealed)
    held = b""
    wanted = _HEADER_BYTES + _SALT_BYTES
    while len(held) < wanted:
        piece = next(pieces, None)
        if piece is None:
            raise SealBroken("The sealed stream ends in its head.", reason="malformed")
        held += piece
    return held[:wanted], _put_back(held[wanted:], pieces)


def _put_back(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _stream_cipher(secret: bytes, salt: bytes, context: str) -> AESGCM:
    info = b"gridmgmt stream|" + context.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret))


def _stream_nonce(number: int, *, last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise InvalidInput("The stream is longer than can be sealed at once.")
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Pieces of any sizes as chunks of ``size`` bytes; the last one, at most as long, is marked."""
    held = bytearray()
    for piece in pieces:
        held += piece
        # What fills a chunk exactly may still be the last one.
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True
