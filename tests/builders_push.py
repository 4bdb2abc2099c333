"""A push service on this machine: it speaks TLS, checks who calls, and opens payloads as browsers do.

Written from the receiver's side (RFC 8291, section 3): nothing of ``gridmgmt.adapters.webpush`` is used.
"""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey


def unpadded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mac(key: bytes, content: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(content)
    return made.finalize()


class Browser:
    """A browser with a subscription: the keys that it alone has."""

    def __init__(self, secret: str | None = None, auth: str | None = None) -> None:
        self._key = (
            ec.derive_private_key(int.from_bytes(padded(secret)), ec.SECP256R1())
            if secret
            else ec.generate_private_key(ec.SECP256R1())
        )
        self.auth = padded(auth) if auth else b"sixteen bytes ok"
        self.p256dh = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def subscription(self, endpoint: str, language: str = "zh-CN") -> dict[str, Any]:
        """What the browser's page sends to the server."""
        keys = {"p256dh": unpadded(self.p256dh), "auth": unpadded(self.auth)}
        return {"endpoint": endpoint, "keys": keys, "language": language}

    def read(self, body: bytes) -> bytes:
        """The payload of a push message, as only this browser can read it."""
        salt, length, sender = body[:16], body[20], body[21 : 21 + body[20]]
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), public)
        info = b"WebPush: info\0" + self.p256dh + sender
        secret = _mac(_mac(self.auth, shared), info + b"\x01")
        prk = _mac(salt, secret)
        key = _mac(prk, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _mac(prk, b"Content-Encoding: nonce\0\x01")[:12]
        plain = AESGCM(key).decrypt(nonce, body[21 + length :], None)
        content, end, _ = plain.rpartition(b"\x02")
        assert end == b"\x02"
        return content


@dataclass
class Received:
    """One message as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class LocalPushService:
    """What a local push service got; ``answers`` are statuses by path, 201 for the others."""

    port: int
    ca_file: Path
    received: list[Received] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def endpoint(self, path: str) -> str:
        return f"https://{self.name}{path}"

    def claims(self, one: Received, public_key: str) -> dict[str, Any]:
        """Who called, verified with the key that the installation gave to browsers (RFC 8292)."""
        scheme, _, rest = one.headers["authorization"].partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert (scheme, fields["k"]) == ("vapid", public_key)
        point = padded(public_key)
        numbers = {"kty": "EC", "crv": "P-256", "x": unpadded(point[1:33]), "y": unpadded(point[33:])}
        token = jws.deserialize_compact(fields["t"], ECKey.import_key(numbers), algorithms=["ES256"])
        return json.loads(token.payload)


@contextmanager
def local_push_service(home: Path) -> Iterator[LocalPushService]:
    """A push service on this machine, with a certificate of its own."""
    certificate, key = _certificate(home)
    made: LocalPushService

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.received.append(Received(self.path, headers, body))
            self.send_response(made.answers.get(self.path, 201))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = LocalPushService(server.server_address[1], certificate)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(home: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = home / "push.pem", home / "push.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, private
