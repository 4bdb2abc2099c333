"""Senders: webhook (政务微信 or any receiver) and SMS. A failure is an error of ours; the caller tries again.

A webhook is a POST of JSON with the signature of timestamp and body in its head, as HMAC-SHA256 under a
secret that both sides hold: ``X-Gridmgmt-Signature: sha256=…`` over ``<timestamp>.<body>``. The receiver
checks it, refuses old timestamps, and drops an id that it has seen: a message may come twice.

Every try ends within its timeout, redirects are not followed, proxies of the environment are not asked, and
only https or this very host is called unless an installation says otherwise (:func:`require_safe`).
"""

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import orjson

from gridmgmt.domain.channel import Channel, Message
from gridmgmt.errors import InvalidInput, Unavailable

_MOST_BYTES_OF_ANSWER = 64 * 1024
_RETRY_AFTER_S = 10


class Sender(Protocol):
    """One way out of the platform."""

    @property
    def channel(self) -> Channel:
        """Which it is."""

    def send(self, message: Message, now: datetime) -> None:
        """Hand a message over; Unavailable says in words why not."""


class Format(StrEnum):
    """What a receiver understands."""

    GENERIC = "generic"
    """Our own JSON: id, person, kind, case number, text, time."""
    WECOM = "wecom"
    """A group robot of 企业微信/政务微信, which answers ``errcode`` 0: a group reads it, nobody is named."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in ``X-Gridmgmt-Signature``; the receiver computes the same and compares.

    Examples
    --------
    >>> signature("s", "1", b"{}")[:13]
    'sha256=b25363'
    """
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def require_safe(url: str, *, allow_plain: bool) -> str:
    """A URL that may be called.

    Raises
    ------
    InvalidInput
        Not http(s), with a password in it, or plain http to another host.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise InvalidInput("A channel's URL is https://host/path without a password.", field="url")
    if parts.scheme == "http" and not (allow_plain or _is_this_host(host)):
        raise InvalidInput("A channel is called by https; plain http only on this host.", field="url")
    return url


def _is_this_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Webhook:
    """POSTs signed JSON.

    Parameters
    ----------
    channel : what it stands for; an SMS gateway may be a webhook too.
    url : checked by :func:`require_safe`.
    secret : of the signature.
    timeout_s : of connecting and of each silence; a whole try takes at most a few of them.
    transport : another way to the receiver, for tests.
    """

    def __init__(
        self,
        channel: Channel,
        url: str,
        secret: str,
        *,
        format: Format = Format.GENERIC,  # noqa: A002  the word of the setting
        timeout_s: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.channel = channel
        self._url, self._secret, self._format = url, secret, format
        self._http = httpx.Client(
            timeout=timeout_s, follow_redirects=False, trust_env=False, transport=transport
        )

    def send(self, message: Message, now: datetime) -> None:
        """POST it.

        Raises
        ------
        Unavailable
            No connection, no answer in time, an answer that is not 2xx, or a robot that refused.
        """
        body = orjson.dumps(self._content(message, now))
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Gridmgmt-Delivery": str(message.id),
            "X-Gridmgmt-Timestamp": timestamp,
            "X-Gridmgmt-Signature": signature(self._secret, timestamp, body),
        }
        try:
            with self._http.stream("POST", self._url, content=body, headers=headers) as answer:
                if not answer.is_success:
                    raise _failed(f"answered {answer.status_code}")
                if self._format is Format.WECOM:
                    self._require_accepted(answer)
        except httpx.HTTPError as exc:
            # Its class and not its words, which may hold the URL with a robot's key.
            raise _failed(type(exc).__name__) from exc

    def _content(self, message: Message, now: datetime) -> Mapping[str, Any]:
        if self._format is Format.WECOM:
            return {"msgtype": "text", "text": {"content": message.text}}
        return {
            "id": str(message.id),
            "person_id": str(message.person_id),
            "kind": message.kind,
            "number": message.number,
            "text": message.text,
            "sent_at": now.isoformat(),
        }

    def _require_accepted(self, answer: httpx.Response) -> None:
        content = b""
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > _MOST_BYTES_OF_ANSWER:
                raise _failed("answered too much")
        try:
            code = orjson.loads(content).get("errcode")
        except (orjson.JSONDecodeError, AttributeError) as exc:
            raise _failed("answered no JSON") from exc
        if code != 0:
            raise _failed(f"errcode {code if isinstance(code, int) else 'missing'}")


class SpooledSms:
    """Puts each message as a file into a directory that the operator's SMS gateway empties.

    The file appears whole or not at all, and under the message's id: sent twice, it lies there once. It
    names the person by the platform's id; the gateway knows his number, the platform does not.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def channel(self) -> Channel:
        """SMS."""
        return Channel.SMS

    def send(self, message: Message, now: datetime) -> None:
        """Write the file.

        Raises
        ------
        Unavailable
            The directory cannot be written.
        """
        content = orjson.dumps(
            {
                "id": str(message.id),
                "person_id": str(message.person_id),
                "text": message.text,
                "at": now.isoformat(),
            }
        )
        target = self._directory / f"{message.id}.json"
        part = target.with_suffix(".part")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as exc:
            raise _failed(exc.strerror or "cannot be written") from exc


def _failed(why: str) -> Unavailable:
    return Unavailable(why, retry_after_s=_RETRY_AFTER_S)
