"""Web Push: a line that wakes a phone, encrypted for that one browser (RFC 8030, 8188, 8291, 8292).

The push service of the browser's maker carries it and learns an address that it made itself, when something
came, and nothing of what: the payload is encrypted for the browser, and says no more than that something
waits. Only services that the installation names are called, by https, without redirects and without asking
the environment for a proxy: the address comes from a phone, and a server that posts wherever it is told to
would be everybody's way into the intranet.

Written on ``cryptography``, ``joserfc`` and ``httpx``, which are here anyway; tests hold it to the example of
RFC 8291.
"""

import base64
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jws
from joserfc.jwk import ECKey

from gridmgmt.errors import InvalidInput, Unavailable

KEEP_S = 12 * 3600
"""How long a push service keeps a line for a phone that is off; what waits longer is in the inbox."""

_RECORD_BYTES = 4096
_POINT_BYTES = 65
_SECRET_BYTES = 16
_GONE = frozenset({404, 410})
_TOKEN_LIFE = timedelta(hours=12)
_RETRY_AFTER_S = 30
_MOST_CHARACTERS = 1024
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Printable ASCII alone, and a host that every parser reads alike: what is stored can be called.
_ENDPOINT = re.compile(rf"https://({_LABEL}(?:\.{_LABEL})*)(?::([0-9]{{1,5}}))?(?:[/?][!-~]*)?")


def to_base64(content: bytes) -> str:
    """URL-safe base64 without padding, as all of Web Push writes it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """The bytes of URL-safe base64, padded or not.

    Raises
    ------
    InvalidInput
        It is none.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as exc:
        raise _no_keys("This is not URL-safe base64.") from exc


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that asked to be woken: where, and the keys that only it can read with."""

    endpoint: str
    p256dh: bytes
    auth: bytes


class Gone(Exception):
    """The browser has ended this subscription; nobody is to be sent to it again."""


class Vapid:
    """The installation's key pair: push services know the sender by it (RFC 8292).

    Parameters
    ----------
    private_key : 32 bytes in URL-safe base64, as ``gridmgmt keys push`` prints them.
    contact : ``mailto:`` or ``https:`` of whoever runs this, for the push service's operators.
    """

    def __init__(self, private_key: str, contact: str) -> None:
        secret = from_base64(private_key)
        number = int.from_bytes(secret)
        if len(secret) != 32 or not number > 0:
            raise InvalidInput("A push key is 32 bytes in URL-safe base64.", field="push_key")
        if not contact.startswith(("mailto:", "https://")):
            raise InvalidInput("A push contact begins with mailto: or https://.", field="push_contact")
        try:
            key = ec.derive_private_key(number, ec.SECP256R1())
        except ValueError as exc:
            raise InvalidInput("This is no key on the curve P-256.", field="push_key") from exc
        self._contact = contact
        self._signing = ECKey.import_key(key)
        self.public_key = to_base64(_point(key.public_key()))

    def header(self, endpoint: str, now: datetime) -> str:
        """The Authorization header for a push service; it tells that service's name apart from others."""
        claims = {
            "aud": f"https://{_service_of(endpoint)}",
            "exp": int((now + _TOKEN_LIFE).timestamp()),
            "sub": self._contact,
        }
        head = {"typ": "JWT", "alg": "ES256"}
        token = jws.serialize_compact(head, orjson.dumps(claims), self._signing, algorithms=["ES256"])
        return f"vapid t={token}, k={self.public_key}"


def new_private_key() -> str:
    """A new private key in URL-safe base64."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return to_base64(number.to_bytes(32))


def read_keys(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """A browser's keys, checked.

    Raises
    ------
    InvalidInput
        Not a point on P-256, or not 16 bytes.
    """
    point, secret = from_base64(p256dh), from_base64(auth)
    if len(point) != _POINT_BYTES or len(secret) != _SECRET_BYTES:
        raise _no_keys("These are not the keys of a push subscription.")
    _public(point)
    return point, secret


def require_service(endpoint: str, services: frozenset[str]) -> str:
    """An endpoint of a push service that the installation names.

    Parameters
    ----------
    services : host names; ``*.example`` stands for all below it. ``host:port`` names a port, else it is 443.

    Raises
    ------
    InvalidInput
        Not https, no plain address, with a password in it, or of another host.
    """
    name = _service_of(endpoint)
    known = name in services or any(s.startswith("*.") and name.endswith(s[1:]) for s in services)
    if not name or not known:
        raise InvalidInput(
            "This is no push service that this installation uses.",
            article="41", rule="R41c", field="endpoint",
        )  # fmt: skip
    return endpoint


def _service_of(endpoint: str) -> str:
    """Host, and port where it is not 443; empty where this is no address that is called."""
    found = _ENDPOINT.fullmatch(endpoint) if len(endpoint) <= _MOST_CHARACTERS else None
    if found is None:
        return ""
    host, port = found[1].lower(), int(found[2] or 443)
    return host if port == 443 else f"{host}:{port}"


def _no_keys(text: str) -> InvalidInput:
    return InvalidInput(text, article="41", rule="R41c", field="keys")


def encrypt(
    plain: bytes, device: Device, *, salt: bytes | None = None, key: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a push message (RFC 8291): one record of aes128gcm that the one browser can read.

    Parameters
    ----------
    salt, key : drawn anew for each message; given by tests alone.
    """
    own = key or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    shared = own.exchange(ec.ECDH(), _public(device.p256dh))
    point = _point(own.public_key())
    secret = _expand(shared, device.auth, b"WebPush: info\0" + device.p256dh + point, 32)
    content_key = _expand(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _expand(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD_BYTES.to_bytes(4) + len(point).to_bytes(1) + point
    # 0x02 ends the last record; there is one only.
    return head + AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)


def _expand(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _public(point: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as exc:
        raise _no_keys("This is no point on the curve P-256.") from exc


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class PushService:
    """Hands lines over to push services.

    Parameters
    ----------
    vapid : whose installation this is.
    services : as for :func:`require_service`; looked at again before each call.
    ca_file : further certificates (PEM) that a push service is known by.
    """

    def __init__(
        self,
        vapid: Vapid,
        services: frozenset[str],
        *,
        timeout_s: float = 5.0,
        ca_file: Path | None = None,
    ) -> None:
        self._vapid, self._services = vapid, services
        trusted = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            trusted.load_verify_locations(ca_file)
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False, verify=trusted)

    def wake(self, device: Device, payload: bytes, topic: str, now: datetime) -> None:
        """Send one line.

        Parameters
        ----------
        topic : at most 32 characters of URL-safe base64; a newer line replaces one that still waits under it.

        Raises
        ------
        Gone
            The subscription has ended.
        Unavailable
            No connection, no answer in time, or an answer that is neither.
        """
        try:
            require_service(device.endpoint, self._services)
            content = encrypt(payload, device)
            headers = {
                "Authorization": self._vapid.header(device.endpoint, now),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(KEEP_S),
                "Topic": topic,
                "Urgency": "normal",
            }
            with self._http.stream("POST", device.endpoint, content=content, headers=headers) as answer:
                status = answer.status_code
        except (InvalidInput, httpx.InvalidURL, UnicodeError) as exc:
            # No such address can be called, today or tomorrow: some names show that only when looked up.
            raise Gone from exc
        except httpx.HTTPError as exc:
            # Its class and not its words: the address is the device's secret.
            raise Unavailable(type(exc).__name__, retry_after_s=_RETRY_AFTER_S) from exc
        if status in _GONE:
            raise Gone
        if not 200 <= status < 300:
            raise Unavailable(f"answered {status}", retry_after_s=_RETRY_AFTER_S)
