"""Phones are woken for what their person is told, until he signs out; a browser that ended is forgotten."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from gridmgmt.adapters.webpush import Device, PushService, Vapid, new_private_key
from gridmgmt.domain.channel import LEASE, Channel
from gridmgmt.domain.org import Actor
from gridmgmt.domain.sessionrules import SessionKind, SessionLimits
from gridmgmt.errors import NotSignedIn
from gridmgmt.escalation import SENT_AT_ONCE, Escalating, Sending
from gridmgmt.pushing import LINES, WITHIN_S, PushSender
from gridmgmt.services import oversight, pushing
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import push, sessions
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.push import MOST_DEVICES, Subscription
from gridmgmt.storage.rights.walls import NOBODY, Acting
from gridmgmt.storage.sessions import NewSession
from tests.builders_cases import NOW, STREET
from tests.builders_push import Browser, LocalPushService, local_push_service
from tests.builders_street import Street
from tests.services.climbing import as_worker

HOUR = timedelta(hours=1)
WEEK = SessionLimits(timedelta(hours=12), timedelta(days=7))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPushService]:
    with local_push_service(tmp_path_factory.mktemp("push")) as made:
        yield made


class Phones:
    """A street whose worker was sent a case, his sessions and browsers, and a worker that wakes them."""

    def __init__(self, url: str, service: LocalPushService) -> None:
        self.owner = make_engine(url, pool_size=1)
        self.engine = make_engine(as_worker(url), pool_size=1)
        self.service = service
        with transaction(self.owner, NOBODY) as db:
            street = Street(db, RuleBooks())
            case = street.report()
            oversight.deliver(db, NOW)
            self.person: Actor = street.handler_of(case)
        vapid = Vapid(new_private_key(), "mailto:grid@example.gov.cn")
        named = frozenset({service.name, "fcm.googleapis.com", "*.push.apple.com"})
        pushed = PushService(vapid, named, ca_file=service.ca_file)
        self.sending = Sending([PushSender(self.engine, pushed)], clock=lambda: NOW)

    def signed_in(self, token: bytes, person: Actor | None = None) -> UUID:
        """A session of the person; its id."""
        with transaction(self.owner, Acting.door()) as db:
            who = (person or self.person).id
            sessions.open_session(db, NewSession(token, who, SessionKind.FIELD, WEEK), NOW)
            found = sessions.signed_in(db, [token], NOW)[token]
        return found.session_id

    def subscribe(self, session: UUID, path: str, reader: Browser, language: str = "zh-CN") -> None:
        self.subscribe_at(session, self.service.endpoint(path), reader, language)

    def subscribe_at(self, session: UUID, endpoint: str, reader: Browser, language: str = "zh-CN") -> None:
        given = Subscription(endpoint, reader.p256dh, reader.auth, language)
        with transaction(self.owner, Acting.of(self.person)) as db:
            pushing.subscribe(db, self.person, NOW, session, given)

    def tell(self) -> None:
        """What was delivered goes into inboxes, and to phones."""
        Escalating([Channel.PUSH])(self.engine, NOW)
        self.sending(self.engine, NOW)

    def known(self) -> list[str]:
        with transaction(self.owner, Acting.of(self.person)) as db:
            return [one.endpoint.rpartition("/")[2] for one in push.live(db, self.person.id, NOW)]

    def deliveries(self) -> list[tuple[str, int]]:
        with transaction(self.engine, Acting.system([STREET])) as db:
            return [tuple(r) for r in db.execute(text("select state, tries from app.deliveries"))]


@pytest.fixture
def phones(clone, demo_template: str, service: LocalPushService) -> Iterator[Phones]:
    service.received.clear()
    service.answers.clear()
    made = Phones(str(clone(demo_template)), service)
    yield made
    made.owner.dispose()
    made.engine.dispose()


def test_a_phone_is_woken_in_its_language_and_told_nothing(phones: Phones) -> None:
    session, readers = phones.signed_in(b"1" * 32), {"zh-CN": Browser(), "en": Browser()}
    for language, reader in readers.items():
        phones.subscribe(session, f"/{language}", reader, language)
    phones.tell()
    got = {one.path[1:]: one for one in phones.service.received}
    assert set(got) == set(readers)
    for language, reader in readers.items():
        said = json.loads(reader.read(got[language].body))
        assert said["text"] == LINES[language]
        assert set(said) == {"text", "tag"}
        UUID(said["tag"])
    assert phones.deliveries() == [("sent", 1)]


def test_whoever_has_no_phone_that_wants_it_costs_no_delivery(phones: Phones) -> None:
    phones.tell()
    assert (phones.deliveries(), phones.service.received) == ([], [])


def test_a_browser_that_ended_is_forgotten_and_the_other_one_is_woken(phones: Phones) -> None:
    session, reader = phones.signed_in(b"1" * 32), Browser()
    for path in ("/gone", "/there"):
        phones.subscribe(session, path, reader)
    phones.service.answers["/gone"] = 410
    phones.tell()
    assert phones.known() == ["there"]
    assert phones.deliveries() == [("sent", 1)]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/a\x01",
        f"https://{'a' * 64}.push.apple.com/",
        "https://xn--a.push.apple.com/",
    ],
)
def test_an_address_that_cannot_be_called_stops_no_delivery(phones: Phones, endpoint: str) -> None:
    session, reader = phones.signed_in(b"1" * 32), Browser()
    phones.subscribe_at(session, endpoint, reader)
    phones.subscribe(session, "/there", reader)
    phones.tell()
    assert [one.path for one in phones.service.received] == ["/there"]
    assert phones.known() == ["there"]
    assert phones.deliveries() == [("sent", 1)]


class Hanging:
    """A push service of which one browser's line never ends, until the test does."""

    def __init__(self) -> None:
        self.ended, self.took = threading.Event(), []

    def wake(self, device: Device, payload: bytes, topic: str, now: datetime) -> None:
        if device.endpoint.endswith("/hangs"):
            self.ended.wait()
        else:
            self.took.append(device.endpoint)


@pytest.mark.parametrize(
    ("paths", "told"), [(["/hangs", "/there"], ("sent", 1)), (["/hangs"], ("waiting", 1))]
)
def test_a_delivery_ends_in_its_time_and_a_browser_that_hangs_keeps_no_other_asleep(
    phones: Phones, paths: list[str], told: tuple[str, int]
) -> None:
    session, hanging = phones.signed_in(b"1" * 32), Hanging()
    for path in paths:
        phones.subscribe(session, path, Browser())
    phones.sending = Sending([PushSender(phones.engine, hanging, within_s=0.2)], clock=lambda: NOW)
    try:
        phones.tell()
    finally:
        hanging.ended.set()
    assert phones.deliveries() == [told]
    assert len(hanging.took) == len(paths) - 1


def test_what_is_claimed_together_ends_within_its_lease() -> None:
    assert SENT_AT_ONCE * WITHIN_S < LEASE.total_seconds()


def test_where_no_browser_took_it_it_is_tried_again_later(phones: Phones) -> None:
    phones.subscribe(phones.signed_in(b"1" * 32), "/busy", Browser())
    phones.service.answers["/busy"] = 503
    phones.tell()
    assert phones.deliveries() == [("waiting", 1)]
    phones.service.answers.clear()
    phones.sending(phones.engine, NOW + HOUR)
    assert phones.deliveries() == [("sent", 2)]
    assert phones.known() == ["busy"]


def test_signing_out_ends_it_on_that_phone_and_on_no_other(phones: Phones) -> None:
    here, there = phones.signed_in(b"1" * 32), phones.signed_in(b"2" * 32)
    phones.subscribe(here, "/here", Browser())
    phones.subscribe(there, "/there", Browser())
    with transaction(phones.owner, Acting.of(phones.person)) as db:
        sessions.end_session(db, b"1" * 32, NOW)
    assert phones.known() == ["there"]
    phones.tell()
    assert [one.path for one in phones.service.received] == ["/there"]


def test_whoever_ends_a_session_ends_its_push(phones: Phones) -> None:
    phones.subscribe(phones.signed_in(b"1" * 32), "/here", Browser())
    with transaction(phones.owner, Acting.door()) as db:
        assert sessions.end_sessions_of(db, phones.person.id, NOW) >= 1
    assert phones.known() == []


def test_push_does_not_outlive_the_sessions_last_day(phones: Phones) -> None:
    phones.subscribe(phones.signed_in(b"1" * 32), "/here", Browser())
    with transaction(phones.engine, Acting.system([STREET])) as db:
        assert push.live(db, phones.person.id, NOW + timedelta(days=7)) == []
        assert push.erase_over(db, NOW + timedelta(days=6)) == 0
        assert push.erase_over(db, NOW + timedelta(days=7)) == 1


def test_a_session_that_ended_subscribes_nothing(phones: Phones) -> None:
    session = phones.signed_in(b"1" * 32)
    with transaction(phones.owner, Acting.of(phones.person)) as db:
        sessions.end_session(db, b"1" * 32, NOW)
    with pytest.raises(NotSignedIn):
        phones.subscribe(session, "/here", Browser())


def test_a_person_has_so_many_phones_and_the_oldest_goes(phones: Phones) -> None:
    session = phones.signed_in(b"1" * 32)
    for number in range(MOST_DEVICES + 2):
        phones.subscribe(session, f"/{number}", Browser())
    assert len(phones.known()) == MOST_DEVICES
    phones.subscribe(session, f"/{phones.known()[0]}", Browser())
    assert len(phones.known()) == MOST_DEVICES, "the same browser again is the same"


def test_to_be_left_in_peace_is_one_word(phones: Phones) -> None:
    phones.subscribe(phones.signed_in(b"1" * 32), "/here", Browser())
    with transaction(phones.owner, Acting.of(phones.person)) as db:
        (one,) = push.live(db, phones.person.id, NOW)
        for _ in range(2):
            pushing.unsubscribe(db, phones.person, NOW, one.sha256)
    assert phones.known() == []
