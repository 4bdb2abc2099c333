"""Secrets that the system makes: tokens, codes for a rainy day, and the second factor of RFC 6238.

Chance lives here and not in the services, which decide. Everything with more than 80 random bits is stored
as its SHA-256; a slow hash is for what people think up.
"""

import base64
import hashlib
import io
import secrets
from datetime import datetime

import pyotp
import segno

_STEP_S = 30
# The phone's clock may be half a minute off either way (RFC 6238 §5.2 wants as little as possible).
_STEPS_EITHER_WAY = 1
_RECOVERY_CODES = 10


def new_token() -> str:
    """256 random bits, for sessions, devices, tickets and links."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """How a secret of ours is stored and looked up."""
    return hashlib.sha256(secret.encode()).digest()


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 random bits, in groups of four letters and digits."""
    return [
        "-".join(code[i : i + 4] for i in range(0, len(code), 4))
        for code in (base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(_RECOVERY_CODES))
    ]


def plain_code(typed: str) -> str:
    """A recovery code as it was made, however it was typed."""
    letters = "".join(c for c in typed.upper() if c.isascii() and c.isalnum())
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


def new_totp_secret() -> str:
    """A secret for an authenticator: 160 random bits in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, login: str, issuer: str) -> str:
    """The ``otpauth://`` address that an authenticator reads."""
    return pyotp.TOTP(secret, interval=_STEP_S).provisioning_uri(name=login, issuer_name=issuer)


def qr_picture(text: str) -> str:
    """A QR code as an SVG ``data:`` address, for an ``img`` element."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=5, border=3, xmldecl=False)
    return "data:image/svg+xml;base64," + base64.b64encode(picture.getvalue()).decode()


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that this code belongs to; None when it is the code of no step near ``now``."""
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    step = int(now.timestamp()) // _STEP_S
    for near in range(step - _STEPS_EITHER_WAY, step + _STEPS_EITHER_WAY + 1):
        if secrets.compare_digest(pyotp.TOTP(secret, interval=_STEP_S).at(near * _STEP_S), code):
            return near
    return None
