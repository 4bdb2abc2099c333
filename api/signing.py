"""What the routes of signing in share: who visits, what he is given, and that refusals are on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from api.cookies import give_device, give_session
from api.deps import Parts, network_of_request, record_refusals
from gridmgmt.adapters import secrets
from gridmgmt.domain.org import Actor
from gridmgmt.domain.passwordrules import PasswordRules
from gridmgmt.domain.sessionrules import SessionLimits
from gridmgmt.errors import GridError, Unavailable
from gridmgmt.services.signing_in import Means, Visitor

_BROWSERS = (("Edg/", "Edge"), ("MicroMessenger", "微信"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
             ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
            ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip
_LONGEST_SECRET = 64


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on the way in: who it is from, and the secrets that it may be given."""

    parts: Parts
    visitor: Visitor
    token: str
    device_secret: str
    request_id: str
    action: str

    @property
    def means(self) -> Means:
        """Keys, rules and times of this installation."""
        settings = self.parts.settings
        return Means(self.parts.keys, rules_of(self.parts), settings.session_times)

    def welcome(self, response: Response, limits: SessionLimits) -> Response:
        """The response with the cookies of the session that was opened, and of the device."""
        give_session(response, self.parts, self.token, limits)
        give_device(response, self.parts, self.device_secret)
        return response

    @contextmanager
    def refusals_on_record(self) -> Iterator[None]:
        """Refusals of whatever is inside are audited; nobody is signed in yet."""
        try:
            yield
        except Unavailable:
            raise
        except GridError as refusal:
            self.record(None, refusal)
            raise

    def record(self, actor: Actor | None, refusal: GridError) -> None:
        """Have a refusal audited."""
        refused = [(actor, refusal, self.request_id)]
        network = self.visitor.network
        record_refusals(self.parts, self.parts.clock(), self.action, refused, network=network)


def rules_of(parts: Parts) -> PasswordRules:
    """The rules for passwords of this installation."""
    settings = parts.settings
    return PasswordRules(
        settings.password_minimum_characters, settings.password_complexity, settings.password_days
    )


async def _visit(request: Request) -> Visit:
    parts: Parts = request.app.state.parts
    known = request.cookies.get(parts.settings.device_cookie, "")
    device = known if 0 < len(known) <= _LONGEST_SECRET else secrets.new_token()
    token = secrets.new_token()
    visitor = Visitor(
        device_sha256=secrets.digest(device),
        is_new=device != known,
        network=network_of_request(request),
        label=label_of(request.headers.get("user-agent", "")),
        token_sha256=secrets.digest(token),
    )
    what = f"{request.method} {request.scope['route'].path}"
    return Visit(parts, visitor, token, device, request.state.request_id, what)


Arrival = Annotated[Visit, Depends(_visit)]


def label_of(user_agent: str) -> str:
    """Browser and system in two words, so that somebody knows his devices apart."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return " · ".join(word for word in (browser, system) if word) or "?"
