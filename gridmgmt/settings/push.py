"""Settings of Web Push; part of :mod:`gridmgmt.settings`. Without a key it is off: intranets have none."""

from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gridmgmt.adapters.webpush import PushService, Vapid
from gridmgmt.errors import InvalidInput

_SERVICES = "fcm.googleapis.com *.push.services.mozilla.com *.push.apple.com *.notify.windows.com"


class PushSettings(BaseSettings):
    """Off unless there is a key."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    push_key: SecretStr | None = None
    """Private key that push services know this installation by, as ``gridmgmt keys push`` prints it."""

    push_contact: str = ""
    """``mailto:`` or ``https:`` address of whoever runs this, which push services ask for."""

    push_services: str = _SERVICES
    """Host names of push services that are called, separated by spaces; ``*.name`` is all below a name, and
    ``name:port`` another port than 443."""

    push_ca_file: Path | None = None
    """Certificates (PEM) that a push service of one's own is known by, beside those that everybody knows."""

    push_timeout_s: float = Field(default=5.0, ge=0.5, le=15.0)
    """Seconds that a push service may be silent before a try counts as failed."""

    @model_validator(mode="after")
    def _push_can_be_sent(self) -> Self:
        try:
            self._vapid()
        except InvalidInput as fault:
            raise ValueError(f"{fault.facts.get('field', 'push_key')}: {fault.message}") from None
        return self

    @property
    def push_public_key(self) -> str | None:
        """The key that a browser subscribes with; None where push is off."""
        vapid = self._vapid()
        return vapid.public_key if vapid else None

    @property
    def push_hosts(self) -> frozenset[str]:
        """Push services by name."""
        return frozenset(self.push_services.lower().split())

    def push_service(self) -> PushService | None:
        """The way to the phones, where there is one."""
        vapid = self._vapid()
        if vapid is None:
            return None
        return PushService(vapid, self.push_hosts, timeout_s=self.push_timeout_s, ca_file=self.push_ca_file)

    def _vapid(self) -> Vapid | None:
        return _opened(self.push_key.get_secret_value(), self.push_contact) if self.push_key else None


@lru_cache(maxsize=1)
def _opened(key: str, contact: str) -> Vapid:
    """The key pair; deriving it costs more than a page that only asks for the public half should."""
    return Vapid(key, contact)
