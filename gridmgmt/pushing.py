"""Waking phones: the sender of the channel ``push``, beside webhook and SMS.

A notification is one delivery of this channel, whatever number of browsers its person has. All of them are
tried; those that have ended are forgotten; the delivery has arrived when one took it. If none took it and
some may yet, it is tried again as every other delivery (:mod:`gridmgmt.domain.channel`). A browser that had
it before shows it once: the line has a tag.

The line says that something waits, in the language of the browser, and nothing about whom or what.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from types import MappingProxyType

import orjson
import structlog
from sqlalchemy import Engine

from gridmgmt.adapters.webpush import Device, Gone, PushService, to_base64
from gridmgmt.domain.channel import Channel, Message
from gridmgmt.errors import Unavailable
from gridmgmt.storage import push
from gridmgmt.storage.push import Subscription
from gridmgmt.worker import for_every_subdistrict

log = structlog.get_logger(__name__)

LINES: Mapping[str, str] = MappingProxyType(
    {"zh-CN": "有新的消息等您查看。", "en": "Something waits for you."}
)


WITHIN_S = 20.0
"""Seconds that a delivery takes at most: those that are claimed together end within their lease."""


class PushSender:
    """One worker's way to the phones; no transaction is open while it sends.

    Parameters
    ----------
    within_s : how long a delivery may take as a whole, however many browsers there are.
    """

    def __init__(self, engine: Engine, service: PushService, *, within_s: float = WITHIN_S) -> None:
        self._engine, self._service, self._within_s = engine, service, within_s

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
        for one, task in self._tried(devices, message, now):
            fault = task.exception() if task.done() else Unavailable("no answer in time", retry_after_s=0)
            if fault is None:
                taken += 1
            elif isinstance(fault, Gone):
                gone.append(one.sha256)
            elif isinstance(fault, Unavailable):
                faults.append(fault.message)
            else:
                log.error("push_failed_unforeseen", exc_info=fault)
                faults.append(type(fault).__name__)
        if gone:
            with for_every_subdistrict(self._engine) as db:
                push.remove(db, message.person_id, gone)
            log.info("push_devices_gone", count=len(gone))
        if faults and not taken:
            raise Unavailable(faults[0], retry_after_s=0)

    def _tried(
        self, devices: Sequence[Subscription], message: Message, now: datetime
    ) -> list[tuple[Subscription, Future[None]]]:
        """All at once, so that none waits for another's service; whoever is late is waited for no more."""
        pool = ThreadPoolExecutor(max(1, len(devices)), thread_name_prefix="push")
        tried = [(one, pool.submit(self._wake, one, message, now)) for one in devices]
        wait([task for _, task in tried], timeout=self._within_s)
        pool.shutdown(wait=False)
        return tried

    def _wake(self, one: Subscription, message: Message, now: datetime) -> None:
        device = Device(one.endpoint, one.p256dh, one.auth)
        self._service.wake(device, line(one.language, message), _topic(message), now)


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
