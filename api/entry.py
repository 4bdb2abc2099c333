"""What a request must be like to be let in at all, and what every answer carries. Used by ``api/guard.py``.

A write comes from our own pages: ``Sec-Fetch-Site`` says so or, in browsers that do not send it, ``Origin``.
A client that is no browser sends neither, and then it may not lean on a cookie either. A body is JSON, except
where photos are uploaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

from gridmgmt.errors import GridError, InvalidInput, NotAllowed, TooLarge, UnsupportedMediaType

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UPLOADS = ("/api/v1/photos/", "/api/v1/uploads/")

Fault = tuple[int, str, str]
"""Status, code and text."""

# Everything comes from ourselves; the map's workers, canvas images and recordings are our own blobs.
_CSP = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=(self)"),
]
# A year, as long as browsers want it; sent only where cookies travel over TLS alone.
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
# What a person may see is kept nowhere, unless the endpoint knows better (photos, tiles: private).
_KEPT_NOWHERE = (b"cache-control", b"no-store")
_ERRORS: Mapping[str, type[GridError]] = {
    kind.code: kind for kind in (NotAllowed, TooLarge, UnsupportedMediaType, InvalidInput)
}


@dataclass(frozen=True, slots=True)
class Entry:
    """The rules of one installation.

    Parameters
    ----------
    session_cookie : name of the cookie that a session travels in.
    secure : whether this installation speaks TLS only.
    """

    session_cookie: str
    secure: bool

    def headers_of(self, path: str, made: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer: those that were made for it, and those that every answer has."""
        kept = path.startswith("/api/") and all(name.lower() != b"cache-control" for name, _ in made)
        own = [_KEPT_NOWHERE] if kept else []
        return [*made, *own, *_HEADERS, *([_TLS_ONLY] if self.secure else [])]

    def token_of(self, scope: Scope) -> str | None:
        """The token that a request is judged by; None: nobody is signed in."""
        return token_in(HTTPConnection(scope), self.session_cookie)

    def fault_of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Fault | None:
        """What is wrong with where a write comes from or with what it brings; None when nothing is."""
        if scope["method"] in SAFE_METHODS:
            return None
        if not self._is_from_our_pages(headers):
            return 403, "not_allowed", "Writes from another origin are refused."
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        if has_body and not scope["path"].startswith(UPLOADS) and not _is_json(headers):
            return 415, "unsupported_media_type", "This address takes application/json."
        return None

    def _is_from_our_pages(self, headers: Mapping[bytes, bytes]) -> bool:
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site in (b"same-origin", b"none")
        origin = headers.get(b"origin")
        if origin is not None:
            scheme, _, host = origin.partition(b"://")
            return host == headers.get(b"host") and (scheme == b"https" or not self.secure)
        # No browser: it must not act by a cookie that somebody else's page could have had sent.
        leans_on_cookie = f"{self.session_cookie}=".encode() in headers.get(b"cookie", b"")
        return not leans_on_cookie or b"authorization" in headers


def token_in(request: HTTPConnection, cookie: str) -> str | None:
    """The token that a request is judged by: the Authorization header's before that cookie's."""
    return bearer_in(request) or request.cookies.get(cookie)


def bearer_in(request: HTTPConnection) -> str | None:
    """The token in the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" and value else None


def _is_json(headers: Mapping[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"")
    return kind.partition(b";")[0].strip().lower() == b"application/json"


def as_error(code: str, text: str) -> GridError:
    """A refusal of the guard as the audit log knows it."""
    return _ERRORS.get(code, InvalidInput)(text, article="41", rule="R41c")
