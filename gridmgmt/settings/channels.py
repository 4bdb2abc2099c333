"""Settings of the channels that carry notifications out of the platform; part of :mod:`gridmgmt.settings`."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gridmgmt.adapters.channels import Format, Sender, SpooledSms, Webhook, require_safe
from gridmgmt.domain.channel import Channel
from gridmgmt.errors import InvalidInput

_SECRET_MINIMUM_CHARACTERS = 32


class ChannelSettings(BaseSettings):
    """Without any of these, notifications stay in the inbox."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    webhook_url: SecretStr | None = None
    """Address that notifications are posted to: a gateway to 政务微信, or a receiver of one's own. A robot's
    address holds its key, so it is treated as a secret."""

    webhook_secret: SecretStr | None = None
    """Secret of the webhook's signature (HMAC-SHA256), at least 32 characters."""

    webhook_format: Format = Format.GENERIC
    """``generic``, or ``wecom`` for a group robot of 企业微信/政务微信."""

    sms_url: SecretStr | None = None
    """Address of an SMS gateway that takes the same signed JSON; it alone knows the numbers."""

    sms_secret: SecretStr | None = None
    """Secret of the signature for the SMS gateway, at least 32 characters."""

    sms_dir: Path | None = None
    """Directory that SMS messages are put into for a gateway that empties it; instead of ``sms_url``."""

    channel_timeout_s: float = Field(default=5.0, ge=0.5, le=15.0)
    """Seconds that a channel's receiver may be silent before a try counts as failed."""

    channel_plain_http: bool = False
    """Whether channels may be called by plain http on other hosts: for a network that nobody else is in."""

    @model_validator(mode="after")
    def _channels_are_safe(self) -> Self:
        if self.sms_url is not None and self.sms_dir is not None:
            raise ValueError("sms_url and sms_dir exclude each other")
        for name in ("webhook", "sms"):
            url, secret = getattr(self, f"{name}_url"), getattr(self, f"{name}_secret")
            if url is None:
                continue
            if secret is None or len(secret.get_secret_value()) < _SECRET_MINIMUM_CHARACTERS:
                raise ValueError(f"{name}_secret needs {_SECRET_MINIMUM_CHARACTERS} or more characters")
            try:
                require_safe(url.get_secret_value(), allow_plain=self.channel_plain_http)
            except InvalidInput as fault:
                raise ValueError(f"{name}_url: {fault.message}") from None
        return self

    def senders(self) -> list[Sender]:
        """The channels that are set up."""
        made: list[Sender] = []
        if self.webhook_url is not None:
            made.append(self._webhook(Channel.WEBHOOK, self.webhook_url, self.webhook_secret))
        if self.sms_dir is not None:
            made.append(SpooledSms(self.sms_dir))
        elif self.sms_url is not None:
            made.append(self._webhook(Channel.SMS, self.sms_url, self.sms_secret))
        return made

    def _webhook(self, channel: Channel, url: SecretStr, secret: SecretStr | None) -> Webhook:
        format_ = self.webhook_format if channel is Channel.WEBHOOK else Format.GENERIC
        key = secret.get_secret_value() if secret else ""  # the validator has seen that there is one
        return Webhook(channel, url.get_secret_value(), key, format=format_, timeout_s=self.channel_timeout_s)
