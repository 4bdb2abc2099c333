"""Subscribing over HTTP: what can be called is kept, and anything else is refused by the rule and audited."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gridmgmt.adapters.webpush import new_private_key
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Server, make_settings, served
from tests.builders_push import Browser

THERE = "https://fcm.googleapis.com/fcm/send/a-browser"


@pytest.fixture(scope="module")
def waking(own_demo_url: str, directory: Path) -> Iterator[Server]:
    """An installation that wakes phones."""
    settings = make_settings(
        own_demo_url, directory, push_key=new_private_key(), push_contact="mailto:grid@example.gov.cn"
    )
    with served(settings, directory) as server:
        yield server


def subscribed(server: Server, wanted: dict[str, Any]) -> httpx.Response:
    return server.person("demo-worker-001").http.put("/api/v1/push/subscription", json=wanted)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/a\x01", "https://fcm.googleapis.com/a\tb", "https://fcm.googleapis.com/推",
        f"https://{'a' * 64}.push.apple.com/x", "https://[::1", "https://fcm.googleapis.com\u2100/x",
        "HTTPS://fcm.googleapis.com/x", " https://fcm.googleapis.com/x", "https://evil.example/x",
    ],
)  # fmt: skip
def test_an_endpoint_that_cannot_be_called_is_refused_by_the_rule_and_audited(
    waking: Server, endpoint: str
) -> None:
    answer = subscribed(waking, Browser().subscription(endpoint))
    said = answer.json()
    assert (422, "R41c", "endpoint") == (answer.status_code, said["rule"], said["facts"]["field"])
    query = text("select action, outcome, code, rule from app.audit_log where request_id = :id")
    with transaction(waking.engine, NOBODY, read_only=True) as db:
        line = db.execute(query, {"id": said["request_id"]}).one()
    assert ("PUT /push/subscription", "refused", said["code"], "R41c") == tuple(line)


def test_keys_that_are_none_are_refused_by_the_rule(waking: Server) -> None:
    wanted = Browser().subscription(THERE)
    wanted["keys"]["auth"] = "AA"
    said = subscribed(waking, wanted).json()
    assert (422, "R41c", "keys") == (said["status"], said["rule"], said["facts"]["field"])


def test_a_browser_of_a_named_service_is_kept(waking: Server) -> None:
    assert subscribed(waking, Browser().subscription(THERE)).status_code == 204
