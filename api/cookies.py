"""The two cookies: whose session, and which device. Neither is for scripts, both are for this host alone."""

from datetime import timedelta

from starlette.responses import Response

from api.deps import Parts
from gridmgmt.domain.sessionrules import SessionLimits

# As long as browsers keep a cookie at most; a device is forgotten when nobody used it for so long.
_DEVICE_LIFETIME = timedelta(days=400)


def give_session(response: Response, parts: Parts, token: str, limits: SessionLimits) -> None:
    """Hand out a session's token; the server ends the session, the cookie's age is only housekeeping."""
    _give(response, parts, parts.settings.session_cookie, token, limits.absolute)


def give_device(response: Response, parts: Parts, secret: str) -> None:
    """Hand out, or renew, the secret by which this device is known again."""
    _give(response, parts, parts.settings.device_cookie, secret, _DEVICE_LIFETIME)


def take_session(response: Response, parts: Parts) -> None:
    """Have the browser forget the session; the device stays known."""
    secure = parts.settings.cookies_are_secure
    name = parts.settings.session_cookie
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=secure)


def _give(response: Response, parts: Parts, name: str, value: str, lifetime: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=parts.settings.cookies_are_secure,
    )
