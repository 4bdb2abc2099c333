"""Waking phones: the sender of the channel ``push``, beside webhook and SMS.

A notification is one delivery of this channel, whatever number of browsers its person has. All of them are
tried; those that have ended are forgotten; the delivery has arrived when one took it. If none took it and
some may yet, it is tried again as every other delivery (:mod:`gridmgmt.domain.channel`). A browser that had
it before shows it once: the line has a tag.

The line says that something waits, in the language of the browser, and nothing about whom or what.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import orjson
import structlog
from sqlalchemy import Engine

from gridmgmt.adapters.webpush import Device, Gone, PushService, to_base64
from gridmgmt.domain.channel import Channel, Message
from gridmgmt.errors import Unavailable
from gridmgmt.storage import push
from gridmgmt.worker import for_every_subdistrict

log = structlog.get_logger(__name__)

LINES: Mapping[str, str] = MappingProxyType(
    {"zh-CN": "有新的消息等您查看。", "en": "Something waits for you."}
)


class PushSender:
    """One worker's way to the phones; no transaction is open while it sends."""

    def __init__(self, engine: Engine, service: PushService) -> None:
        self._engine, self._service = engine, service

    @property
    def channel(self) -> Channel:
        """Push."""
        return Channel.PUSH

    def send(self, message: Message, now: datetime) -> None:
        """Wake every browser of the message's person.

        Raises
        ------
        Unavailable
            None took it, and one of them may do so later.
        """
        with for_every_subdistrict(self._engine) as db:
            devices = push.live(db, message.person_id, now)
        taken, gone, faults = 0, [], []
        for one in devices:
            try:
                device = Device(one.endpoint, one.p256dh, one.auth)
                self._service.wake(device, line(one.language, message), _topic(message), now)
                taken += 1
            except Gone:
                gone.append(one.sha256)
            except Unavailable as fault:
                faults.append(fault.message)
        if gone:
            with for_every_subdistrict(self._engine) as db:
                push.remove(db, message.person_id, gone)
            log.info("push_devices_gone", count=len(gone))
        if faults and not taken:
            raise Unavailable(faults[0], retry_after_s=0)


def line(language: str, message: Message) -> bytes:
    """What the browser shows: one of our own sentences, and a tag so that it shows it once.

    Examples
    --------
    >>> from uuid import UUID
    >>> line("en", Message(UUID(int=1), UUID(int=2), "case_dispatched", "P-1", "案件 P-1"))
    b'{"text":"Something waits for you.","tag":"00000000-0000-0000-0000-000000000001"}'
    """
    return orjson.dumps({"text": LINES.get(language, LINES["zh-CN"]), "tag": str(message.id)})


def _topic(message: Message) -> str:
    return to_base64(message.id.bytes)
