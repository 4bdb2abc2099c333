"""Senders: what the receiver can check, what counts as failed, whom they call at all."""

import hashlib
import hmac
import json
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from gridmgmt.adapters.channels import Format, SpooledSms, Webhook, require_safe
from gridmgmt.domain.channel import Channel, Message
from gridmgmt.errors import InvalidInput, Unavailable
from tests.builders_cases import NOW

SECRET = "a secret of thirty-two characters"
MESSAGE = Message(UUID(int=1), UUID(int=2), "case_dispatched", "P-1", "【网格】案件 P-1：派遣。请登录查看。")


def make_webhook(answer, **over):
    """A webhook to a receiver that is a function, and what that received."""
    received = []

    def receive(request: httpx.Request) -> httpx.Response:
        received.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    facts = {"transport": httpx.MockTransport(receive)}
    return Webhook(Channel.WEBHOOK, "https://gate.example/hook", SECRET, **facts | over), received


def test_the_receiver_can_check_who_sent_it_and_when():
    webhook, received = make_webhook(httpx.Response(204))
    webhook.send(MESSAGE, NOW)
    (request,) = received
    stamp = request.headers["X-Gridmgmt-Timestamp"]
    signed = hmac.new(SECRET.encode(), f"{stamp}.".encode() + request.content, hashlib.sha256)
    assert request.headers["X-Gridmgmt-Signature"] == f"sha256={signed.hexdigest()}"
    assert stamp == str(int(NOW.timestamp()))
    assert request.headers["X-Gridmgmt-Delivery"] == str(MESSAGE.id)


def test_what_leaves_is_the_number_and_a_sentence():
    webhook, received = make_webhook(httpx.Response(200))
    webhook.send(MESSAGE, NOW)
    assert json.loads(received[0].content) == {
        "id": str(MESSAGE.id), "person_id": str(MESSAGE.person_id), "kind": "case_dispatched",
        "number": "P-1", "text": MESSAGE.text, "sent_at": "2026-11-23T02:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(500), "answered 500"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), "answered 302"),
        (httpx.ConnectTimeout("https://gate.example/hook?key=hidden"), "ConnectTimeout"),
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (httpx.ConnectError("no route"), "ConnectError"),
    ],
)
def test_anything_but_a_yes_is_a_failure_that_says_why_and_not_where(answer, words):
    webhook, received = make_webhook(answer)
    with pytest.raises(Unavailable) as caught:
        webhook.send(MESSAGE, NOW)
    assert caught.value.message == words
    assert len(received) == 1, "nobody is called whom the answer names"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"errcode": 0, "errmsg": "ok"}', None),
        (b'{"errcode": 93000, "errmsg": "invalid webhook url"}', "errcode 93000"),
        (b"<html>", "answered no JSON"),
        (b"[]", "answered no JSON"),
        (b"x" * 70_000, "answered too much"),
    ],
)
def test_a_robot_that_answers_200_may_still_have_refused(body, words):
    webhook, received = make_webhook(httpx.Response(200, content=body), format=Format.WECOM)
    if words is None:
        webhook.send(MESSAGE, NOW)
        assert json.loads(received[0].content) == {"msgtype": "text", "text": {"content": MESSAGE.text}}
    else:
        with pytest.raises(Unavailable, match=words):
            webhook.send(MESSAGE, NOW)


@pytest.mark.parametrize(
    ("url", "plain", "safe"),
    [
        ("https://gate.example/hook", False, True),
        ("http://localhost:9/hook", False, True),
        ("http://127.0.0.1:9/hook", False, True),
        ("http://[::1]:9/hook", False, True),
        ("http://gate.example/hook", False, False),
        ("http://127.0.0.1.example/hook", False, False),
        ("http://10.0.0.1/hook", False, False),
        ("http://10.0.0.1/hook", True, True),
        ("ftp://gate.example/hook", True, False),
        ("https://user:word@gate.example/hook", True, False),
        ("https:///hook", True, False),
    ],
)
def test_only_https_or_this_host_is_called(url, plain, safe):
    if safe:
        assert require_safe(url, allow_plain=plain) == url
    else:
        with pytest.raises(InvalidInput):
            require_safe(url, allow_plain=plain)


def test_a_spooled_message_lies_there_once_and_whole(tmp_path: Path):
    sms = SpooledSms(tmp_path / "sms")
    for _ in range(2):
        sms.send(MESSAGE, NOW)
    (file,) = (tmp_path / "sms").iterdir()
    assert file.name == f"{MESSAGE.id}.json"
    assert json.loads(file.read_text("utf-8"))["text"] == MESSAGE.text
    assert sms.channel is Channel.SMS


def test_a_directory_that_cannot_be_written_is_a_failure(tmp_path: Path):
    (tmp_path / "sms").write_text("a file", encoding="utf-8")
    with pytest.raises(Unavailable):
        SpooledSms(tmp_path / "sms").send(MESSAGE, NOW)
