"""Machine peers prove who they are by a signed assertion (RFC 7523), verified with joserfc.

Everything about the verification is fixed beforehand: the key is the one stored for the peer, and its
algorithm is stored with it, so nothing that the assertion says about itself (``alg``, ``jku``, ``jwk``,
``x5u``, ``kid``) chooses anything. An assertion lives five minutes at most and is good for one use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws, util
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from gridmgmt.errors import InvalidInput, SignInRefused

LIFETIME = timedelta(minutes=5)
# What the clocks of two servers may differ.
LEEWAY = timedelta(seconds=30)
TYPE = "client-authentication+jwt"
LONGEST = 4096
_LONGEST_ID = 128
_HEADER = frozenset({"alg", "typ", "kid"})
_CLAIMS = frozenset({"iss", "sub", "aud", "iat", "nbf", "exp", "jti"})
# RFC 9864: an algorithm names its curve; the older EdDSA, which does not, is not taken.
_NAMES: Mapping[str, tuple[str, ...]] = {"ES256": ("ES256",), "Ed25519": ("Ed25519",)}


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified assertion says. ``jti`` must not have been seen before ``expires_at``."""

    client_id: str
    jti: str
    expires_at: datetime


def algorithm_of(public_key_pem: str) -> str:
    """The one algorithm that a public key is good for: ``ES256`` or ``Ed25519``.

    Raises
    ------
    InvalidInput
        Not a public key in PEM, or of another kind.
    """
    try:
        key = serialization.load_pem_public_key(public_key_pem.encode())
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise InvalidInput("This is not a public key in PEM.", rule="R41c") from exc
    if isinstance(key, Ed25519PublicKey):
        return "Ed25519"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    raise InvalidInput("The key must be Ed25519, or EC on the curve P-256.", rule="R41c")


def claimed_client(assertion: str) -> str:
    """Whose assertion this claims to be: which key to verify it with, and nothing more.

    Raises
    ------
    SignInRefused
        It does not have the shape of an assertion.
    """
    if len(assertion) > LONGEST or not assertion.isascii():
        raise _refused("shape")
    try:
        _, payload, _ = assertion.split(".")
        claims = orjson.loads(util.urlsafe_b64decode(payload.encode()))
    except ValueError as exc:
        raise _refused("shape") from exc
    client = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(client, str) or len(client) > _LONGEST_ID:
        raise _refused("shape")
    return client


def verify(
    assertion: str, *, client_id: str, algorithm: str, public_key_pem: str, audience: str, now: datetime
) -> Assertion:
    """What the assertion says, after it was found to be this client's and meant for us, now.

    Raises
    ------
    SignInRefused
        Anything about it is wrong; ``__cause__`` and the log know what, the sender is not told.
    """
    kind = OKPKey if algorithm == "Ed25519" else ECKey
    registry = jws.JWSRegistry(algorithms=_NAMES[algorithm], strict_check_header=True)
    try:
        found = jws.deserialize_compact(assertion, kind.import_key(public_key_pem), registry=registry)
    except (JoseError, ValueError, TypeError, KeyError) as exc:
        raise _refused("signature") from exc
    header: Mapping[str, Any] = found.headers()
    if not set(header) <= _HEADER or header.get("typ") != TYPE:
        raise _refused("header")
    claims = _claims(found.payload)
    if claims.get("iss") != client_id or claims.get("sub") != client_id or claims.get("aud") != audience:
        raise _refused("addressee")
    return Assertion(client_id, _id_of(claims), _end_of(claims, now))


def _claims(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = orjson.loads(payload)
    except ValueError as exc:
        raise _refused("claims") from exc
    if not isinstance(claims, dict) or not set(claims) <= _CLAIMS:
        raise _refused("claims")
    return claims


def _id_of(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= _LONGEST_ID:
        raise _refused("jti")
    return jti


def _end_of(claims: Mapping[str, Any], now: datetime) -> datetime:
    times = [claims.get("iat"), claims.get("exp"), claims.get("nbf", claims.get("iat"))]
    if any(isinstance(t, bool) or not isinstance(t, int) or not 0 < t < 2**37 for t in times):
        raise _refused("times")
    begins, ends, not_before = (datetime.fromtimestamp(float(str(t)), UTC) for t in times)
    if begins > now + LEEWAY or not_before > now + LEEWAY or ends <= now - LEEWAY:
        raise _refused("times")
    if not timedelta(0) < ends - begins <= LIFETIME:
        raise _refused("times")
    return ends + LEEWAY


def _refused(why: str) -> SignInRefused:
    return SignInRefused(f"The assertion is not accepted ({why}).", article="41", rule="R41c")
