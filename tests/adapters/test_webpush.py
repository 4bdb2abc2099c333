"""Web Push: the example of RFC 8291, who is called at all, and what the push service learns."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gridmgmt.adapters.webpush import (
    Device,
    Gone,
    PushService,
    Vapid,
    encrypt,
    new_private_key,
    read_keys,
    require_service,
)
from gridmgmt.errors import InvalidInput, Unavailable
from gridmgmt.settings import push as push_settings
from gridmgmt.settings.push import PushSettings
from tests.builders_cases import NOW
from tests.builders_push import (
    Browser,
    LocalPushService,
    Received,
    local_push_service,
    padded,
    unpadded,
)

CONTACT = "mailto:grid@example.gov.cn"
# RFC 8291, appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
READER, AUTH = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
    "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_comes_out_to_the_byte():
    reader = Browser(READER, AUTH)
    device = Device("https://push.example/x", reader.p256dh, reader.auth)
    sender = ec.derive_private_key(int.from_bytes(padded(SENDER)), ec.SECP256R1())
    body = encrypt(PLAIN, device, salt=padded(SALT), key=sender)
    assert unpadded(body) == BODY
    assert reader.read(body) == PLAIN


@pytest.mark.parametrize(
    "endpoint",
    ["https://push.example/a\x01", f"https://{'a' * 64}.push.example/x", "https://xn--a.push.example/x"],
)
def test_a_browser_at_an_address_that_cannot_be_called_is_gone_and_no_other_error(endpoint: str):
    push = PushService(Vapid(new_private_key(), CONTACT), frozenset({"push.example", "*.push.example"}))
    reader = Browser()
    with pytest.raises(Gone):
        push.wake(Device(endpoint, reader.p256dh, reader.auth), b"x", "t", NOW)


def test_a_token_is_for_the_origin_and_the_usual_port_is_no_part_of_it(service: LocalPushService):
    vapid = Vapid(new_private_key(), CONTACT)
    for endpoint in ("https://Push.example:443/x", "https://push.example/x"):
        scheme_and_token = vapid.header(endpoint, NOW)
        one = Received("/x", {"authorization": scheme_and_token}, b"")
        assert service.claims(one, vapid.public_key)["aud"] == "https://push.example"


def test_the_key_pair_is_derived_once_and_not_for_every_page(monkeypatch: pytest.MonkeyPatch):
    derived = []

    class Counted(Vapid):
        def __init__(self, *given: str) -> None:
            derived.append(given)
            super().__init__(*given)

    monkeypatch.setattr(push_settings, "Vapid", Counted)
    settings = PushSettings(push_key=new_private_key(), push_contact=CONTACT)
    assert settings.push_public_key == settings.push_public_key is not None
    assert settings.push_service() is not None
    assert len(derived) == 1


def test_every_message_is_encrypted_anew():
    reader = Browser()
    device = Device("https://push.example/x", reader.p256dh, reader.auth)
    first, second = encrypt(PLAIN, device), encrypt(PLAIN, device)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]
    assert reader.read(first) == reader.read(second) == PLAIN


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    with local_push_service(tmp_path_factory.mktemp("push")) as made:
        yield made


def sending(service: LocalPushService, **over) -> tuple[PushService, Vapid]:
    vapid = Vapid(new_private_key(), CONTACT)
    facts = {"ca_file": service.ca_file, "timeout_s": 5.0} | over
    return PushService(vapid, frozenset({service.name}), **facts), vapid


def test_a_push_service_knows_the_sender_and_not_the_payload(service: LocalPushService):
    push, vapid = sending(service)
    reader = Browser()
    device = Device(service.endpoint("/one"), reader.p256dh, reader.auth)
    push.wake(device, b"something waits", "topic", NOW)
    one = service.received[-1]
    assert reader.read(one.body) == b"something waits"
    assert b"something" not in one.body
    claims = service.claims(one, vapid.public_key)
    assert claims["aud"] == f"https://{service.name}"
    assert claims["sub"] == CONTACT
    assert 0 < claims["exp"] - NOW.timestamp() <= 24 * 3600, "RFC 8292: a day at most"
    assert (one.headers["content-encoding"], one.headers["topic"]) == ("aes128gcm", "topic")
    assert int(one.headers["ttl"]) > 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_ended_is_gone(service: LocalPushService, status: int):
    push, _ = sending(service)
    service.answers["/gone"] = status
    reader = Browser()
    with pytest.raises(Gone):
        push.wake(Device(service.endpoint("/gone"), reader.p256dh, reader.auth), b"x", "t", NOW)


@pytest.mark.parametrize("status", [302, 401, 413, 429, 500, 503])
def test_any_other_answer_is_a_failure_that_is_tried_again(service: LocalPushService, status: int):
    push, _ = sending(service)
    service.answers["/busy"] = status
    reader = Browser()
    with pytest.raises(Unavailable) as failed:
        push.wake(Device(service.endpoint("/busy"), reader.p256dh, reader.auth), b"x", "t", NOW)
    assert failed.value.message == f"answered {status}"


def test_a_push_service_that_nobody_vouches_for_gets_nothing(service: LocalPushService):
    push, _ = sending(service, ca_file=None)
    reader, before = Browser(), len(service.received)
    with pytest.raises(Unavailable) as failed:
        push.wake(Device(service.endpoint("/tls"), reader.p256dh, reader.auth), b"x", "t", NOW)
    assert service.name not in failed.value.message
    assert len(service.received) == before


def test_a_service_that_is_named_no_more_is_not_called(service: LocalPushService):
    push = PushService(
        Vapid(new_private_key(), CONTACT), frozenset({"push.example"}), ca_file=service.ca_file
    )
    reader, before = Browser(), len(service.received)
    with pytest.raises(Gone):
        push.wake(Device(service.endpoint("/one"), reader.p256dh, reader.auth), b"x", "t", NOW)
    assert len(service.received) == before


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x", "https://evil.example/x", "https://push.example.evil.example/x",
        "https://user@push.example/x", "https://push.example:8443/x", "https://127.0.0.1/x", "push.example",
        "https://notpush.example/x", "https://push.example:x/", f"https://push.example/{'x' * 1024}",
        "https://.services.example.org/x", "file:///etc/passwd",
        "https://push.example/a\x01", "https://push.example/a\tb", "https://push.example/a b",
        "https://push.example/推送", "https://push.example/\ud800", "https://push.example/x\n",
        f"https://{'a' * 64}.services.example.org/x", "https://a..services.example.org/x",
        "https://-a.services.example.org/x", "https://evil.example\\.services.example.org/x",
        "https://[::1", "https://[::1]/x", "https://push.example\u2100/x", "https://@push.example/x",
        "HTTPS://push.example/x", " https://push.example/x", "//push.example/x",
    ],
)  # fmt: skip
def test_only_services_that_the_installation_names_are_taken(endpoint: str):
    with pytest.raises(InvalidInput):
        require_service(endpoint, frozenset({"push.example", "*.services.example.org"}))


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example/x", "https://a.services.example.org/y", "https://push.example:443/x",
        "https://Push.example/x", f"https://{'a' * 63}.services.example.org/a?b=c~d%20_-.",
    ],
)  # fmt: skip
def test_named_services_are_taken(endpoint: str):
    assert require_service(endpoint, frozenset({"push.example", "*.services.example.org"})) == endpoint


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", "x"), (unpadded(b"\x04" + b"1" * 64), unpadded(b"1" * 16)), ("not base64!", unpadded(b"1" * 16))],
)
def test_what_are_no_keys_is_refused(p256dh: str, auth: str):
    with pytest.raises(InvalidInput):
        read_keys(p256dh, auth)


@pytest.mark.parametrize(
    ("key", "contact"),
    [("short", CONTACT), (unpadded(b"\0" * 32), CONTACT), (unpadded(b"\xff" * 32), CONTACT)],
)
def test_what_is_no_key_of_an_installation_is_refused(key: str, contact: str):
    with pytest.raises(InvalidInput):
        Vapid(key, contact)
    with pytest.raises(InvalidInput):
        Vapid(new_private_key(), "grid@example.gov.cn")


def test_without_a_certificate_file_the_usual_ones_hold(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        PushService(Vapid(new_private_key(), CONTACT), frozenset(), ca_file=tmp_path / "none.pem")
