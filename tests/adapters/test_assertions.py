"""No assertion is taken but the one that this peer signed, for us, for now (B5).

The long run is ``python -m tests.adapters.test_assertions 5000``.
"""

import base64
import json
import random
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gridmgmt.adapters.assertions import LIFETIME, LONGEST, TYPE, algorithm_of, claimed_client, verify
from gridmgmt.errors import InvalidInput, SignInRefused
from tests.builders_cases import NOW

CLIENT, AUDIENCE = "hotline-12345", "gridmgmt"
KEYS: dict[str, Any] = {
    "ES256": ec.derive_private_key(7, ec.SECP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
}


def pem(key: Any) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def private_pem(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_claims(**over: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    claims = {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": AUDIENCE,
        "iat": at,
        "exp": at + 120,
        "jti": "a-unique-id-1",
    }
    return {name: value for name, value in (claims | over).items() if value is not None}


def make_assertion(algorithm: str = "ES256", key: Any = None, header: Any = None, **claims: Any) -> str:
    signing = KEYS[algorithm] if key is None else key
    kind = OKPKey if algorithm == "Ed25519" else ECKey
    head = {"alg": algorithm, "typ": TYPE} | (header or {})
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(
        head, json.dumps(make_claims(**claims)), kind.import_key(private_pem(signing)), registry=registry
    )


def check(assertion: str, algorithm: str = "ES256", now: datetime = NOW):
    client = claimed_client(assertion)
    return verify(
        assertion, client_id=CLIENT if client != CLIENT else client, algorithm=algorithm,
        public_key_pem=pem(KEYS[algorithm]), audience=AUDIENCE, now=now,
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_the_peer_signed_is_taken(algorithm: str) -> None:
    assert algorithm_of(pem(KEYS[algorithm])) == algorithm
    proof = check(make_assertion(algorithm), algorithm)
    assert (proof.client_id, proof.jti) == (CLIENT, "a-unique-id-1")


AT = int(NOW.timestamp())
WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "somebody-else"},
    "two audiences": {"aud": [AUDIENCE, "somebody-else"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "district-platform"},
    "another subject": {"sub": "district-platform"},
    "no subject": {"sub": None},
    "expired": {"iat": AT - 400, "exp": AT - 100},
    "no end": {"exp": None},
    "no beginning": {"iat": None},
    "too long a life": {"exp": AT + int(LIFETIME.total_seconds()) + 1},
    "ends before it begins": {"iat": AT, "exp": AT - 1},
    "of the future": {"iat": AT + 120, "exp": AT + 240},
    "not before": {"nbf": AT + 120},
    "true as a time": {"exp": True},
    "a text as a time": {"exp": str(AT + 60)},
    "a fraction as a time": {"exp": AT + 60.5},
    "a time beyond the calendar": {"exp": 2**60, "iat": 2**60 - 10},
    "no id": {"jti": None},
    "a short id": {"jti": "1"},
    "a number as id": {"jti": 12345678},
    "one claim too many": {"admin": True},
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("algorithm", KEYS)
def test_a_claim_that_is_not_right_is_refused_though_signed(wrong: str, algorithm: str) -> None:
    with pytest.raises(SignInRefused):
        check(make_assertion(algorithm, **WRONG[wrong]), algorithm)


HEADERS = {
    "another type": {"typ": "JWT"},
    "no type": {"typ": None},
    "a key's address": {"jku": "https://evil.test/keys"},
    "a certificate's address": {"x5u": "https://evil.test/cert"},
    "its own key": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "a critical extension": {"crit": ["b64"], "b64": True},
}


@pytest.mark.parametrize("wrong", HEADERS)
def test_a_header_that_says_more_than_it_must_is_refused(wrong: str) -> None:
    try:
        made = make_assertion(header=HEADERS[wrong])
    except Exception:  # noqa: BLE001  the library does not even sign it: made by hand then
        made = by_hand({"alg": "ES256", "typ": TYPE} | HEADERS[wrong], make_claims(), lambda _: bytes(64))
    with pytest.raises(SignInRefused):
        check(made)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: Any, claims: Any, sign: Callable[[bytes], bytes]) -> str:
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def mac_by_the_public_key(signed: bytes) -> bytes:
    made = hmac.HMAC(pem(KEYS["ES256"]).encode(), hashes.SHA256())
    made.update(signed)
    return made.finalize()


def test_no_algorithm_but_the_stored_one_is_believed() -> None:
    """Nothing at all, the public key taken for a shared secret, another curve, another kind of key."""
    forged = [
        by_hand({"alg": "none", "typ": TYPE}, make_claims(), lambda _: b""),
        by_hand({"alg": "nOnE", "typ": TYPE}, make_claims(), lambda _: b""),
        by_hand({"alg": "HS256", "typ": TYPE}, make_claims(), mac_by_the_public_key),
        by_hand({"alg": "ES256", "typ": TYPE}, make_claims(), lambda _: bytes(64)),
        by_hand({"alg": ["ES256"], "typ": TYPE}, make_claims(), lambda _: bytes(64)),
        by_hand({"typ": TYPE}, make_claims(), lambda _: bytes(64)),
        make_assertion("ES256", ec.generate_private_key(ec.SECP256R1())),
        make_assertion("Ed25519"),
    ]
    secret = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    registry = jws.JWSRegistry(algorithms=["RS256"])
    key = RSAKey.import_key(private_pem(secret))
    head = {"alg": "RS256", "typ": TYPE}
    forged.append(jws.serialize_compact(head, json.dumps(make_claims()), key, registry=registry))
    for assertion in forged:
        with pytest.raises(SignInRefused):
            check(assertion)


@pytest.mark.parametrize("size", [LONGEST + 1, 2**20])
def test_a_header_of_a_megabyte_is_not_even_read(size: int) -> None:
    with pytest.raises(SignInRefused):
        claimed_client("A" * size + ".e30.AA")


def test_an_assertion_is_good_for_its_time_and_a_little_more() -> None:
    made = make_assertion()
    check(made, now=NOW + timedelta(seconds=149))
    with pytest.raises(SignInRefused):
        check(made, now=NOW + timedelta(seconds=150))


@pytest.mark.parametrize(
    "text", ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        algorithm_of(text)


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP384R1())],
)
def test_only_two_kinds_of_keys_are_taken(key: Any) -> None:
    with pytest.raises(InvalidInput):
        algorithm_of(pem(key))


def mutated(rng: random.Random, good: str) -> str:
    """A right assertion with something done to it."""
    parts = good.split(".")
    i = rng.randrange(3)
    kind = rng.randrange(7)
    if kind == 0:  # a character is another one
        at = rng.randrange(len(parts[i]))
        parts[i] = parts[i][:at] + rng.choice("ABCxyz019-_") + parts[i][at + 1 :]
    elif kind == 1:  # cut
        parts[i] = parts[i][: rng.randrange(len(parts[i]))]
    elif kind == 2:  # grown
        parts[i] += rng.choice(["A", "AA", "=", " ", "\n", "%00", "é"])
    elif kind == 3:  # parts in another order, fewer or more
        parts = rng.choice(
            [parts[::-1], parts[:2], [*parts, parts[0]], [parts[1], parts[0], parts[2]], [""] * 3]
        )
    elif kind == 4:  # a header of its own
        alg = rng.choice(["none", "HS256", "RS256", "ES384", "EdDSA", "Ed25519", "", None, 7, "es256"])
        more = rng.choice(
            [{}, {"jku": "https://evil.test"}, {"kid": "../../key"}, {"x5c": ["AA"]}, {"zip": "DEF"}]
        )
        parts[0] = b64(json.dumps({"alg": alg, "typ": TYPE} | more).encode())
    elif kind == 5:  # claims of its own
        over = rng.choice(
            [{"exp": AT + 9999}, {"aud": "x"}, {"jti": "another-id-00"}, {"iat": -1}, {"iss": []}]
        )
        parts[1] = b64(json.dumps(make_claims() | over).encode())
    else:  # noise
        parts[i] = b64(rng.randbytes(rng.randrange(200)))
    return ".".join(parts)


def fuzz(count: int, seed: int) -> int:
    """Try so many mutations; how many were taken. Anything but a refusal is an error and raises."""
    rng, taken = random.Random(seed), 0
    good = {algorithm: make_assertion(algorithm) for algorithm in KEYS}
    for _ in range(count):
        algorithm = rng.choice(sorted(KEYS))
        made = mutated(rng, good[algorithm])
        if made == good[algorithm]:
            continue
        try:
            check(made, algorithm)
        except SignInRefused:
            continue
        taken += not same_signature(made, good[algorithm])
    return taken


def same_signature(made: str, good: str) -> bool:
    """Whether only bits that no decoder looks at differ: the last character of base64 has some to spare."""
    return [base64.urlsafe_b64decode(p + "==") for p in made.split(".")] == [
        base64.urlsafe_b64decode(p + "==") for p in good.split(".")
    ]


def test_no_mutation_of_a_right_assertion_is_taken() -> None:
    assert fuzz(1500, seed=20261125) == 0


if __name__ == "__main__":
    print(f"{sys.argv[1]} mutations, taken: {fuzz(int(sys.argv[1]), seed=1)}")  # noqa: T201
