"""Signing in and out: sessions end, demo sign-in exists in the demo alone, cookies stay ours."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server, make_settings, served
from tests.builders_cases import NOW


def test_the_signed_in_person_is_told_who_he_is(worker: Person) -> None:
    me = worker.get("/me").json()
    assert (me["id"], me["login"], me["roles"]) == (worker.id, "demo-worker-001", ["grid_worker"])
    assert me["subdistrict"]["code"] == "120116005"
    assert me["cell_codes"] == worker.cells
    assert me["demo"] is True
    assert "report:submit" in me["permissions"]


def test_the_demos_people_can_be_seen_before_signing_in(server: Server) -> None:
    told = server.client.get("/api/v1/demo").json()
    assert (told["demo"], told["label"]) == (True, "synthetic")
    assert {p["id"] for p in told["people"]} >= set(told["defaults"].values())


def sign_in(server: Server, login: str = "demo-shift"):
    person = next(p for p in server.people() if p["login"] == login)
    return server.client.post("/api/v1/demo/sign-in", json={"person_id": person["id"]})


def test_the_cookie_is_for_this_server_alone_and_not_for_scripts(server: Server) -> None:
    cookie = sign_in(server).headers["Set-Cookie"].lower()
    server.client.cookies.clear()
    assert cookie.startswith("gridmgmt_session=")
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= attributes
    assert not any(a.startswith("domain") for a in attributes)


def test_a_browser_signs_in_by_its_cookie(server: Server) -> None:
    with server.connect(**{"Sec-Fetch-Site": "same-origin"}) as browser:
        browser.cookies.set("gridmgmt_session", sign_in(server).cookies["gridmgmt_session"])
        server.client.cookies.clear()
        assert browser.get("/api/v1/me").json()["login"] == "demo-shift"
        assert browser.delete("/api/v1/session").status_code == 204
        browser.cookies.set("gridmgmt_session", browser.cookies.get("gridmgmt_session") or "")
        assert browser.get("/api/v1/me").status_code == 401


def test_signing_out_ends_the_session_at_once_also_for_whoever_kept_its_token(server: Server) -> None:
    token = sign_in(server).cookies["gridmgmt_session"]
    server.client.cookies.clear()
    with server.connect(Authorization=f"Bearer {token}") as one:
        assert one.get("/api/v1/me").status_code == 200
        assert one.delete("/api/v1/session").status_code == 204
        answer = one.get("/api/v1/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_signing_out_ends_the_session_that_was_used_when_two_are_sent(server: Server) -> None:
    tokens = []
    for _ in range(2):
        tokens.append(sign_in(server).cookies["gridmgmt_session"])
        server.client.cookies.clear()
    used, other = tokens
    with server.connect(Authorization=f"Bearer {used}") as one:
        one.cookies.set("gridmgmt_session", other)
        assert one.delete("/api/v1/session").status_code == 204
    for token, status in ((used, 401), (other, 200)):
        with server.connect(Authorization=f"Bearer {token}") as one:
            assert one.get("/api/v1/me").status_code == status


LIMITS = [("demo-shift", 30, 12 * 60), ("demo-worker-003", 12 * 60, 7 * 24 * 60)]


@pytest.mark.parametrize(("login", "idle", "_absolute"), LIMITS)
def test_a_session_that_is_not_used_ends(server: Server, login: str, idle: int, _absolute: int) -> None:
    token = sign_in(server, login).cookies["gridmgmt_session"]
    server.client.cookies.clear()
    with server.connect(Authorization=f"Bearer {token}") as one:
        server.clock.at += timedelta(minutes=idle) - timedelta.resolution
        assert one.get("/api/v1/me").status_code == 200, "and this very request was use"
        server.clock.at += timedelta(minutes=idle) - timedelta.resolution
        assert one.get("/api/v1/me").status_code == 200
        server.clock.at += timedelta(minutes=idle)
        assert one.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("login", "idle", "absolute"), LIMITS)
def test_a_session_ends_however_busy_it_is(server: Server, login: str, idle: int, absolute: int) -> None:
    token = sign_in(server, login).cookies["gridmgmt_session"]
    server.client.cookies.clear()
    began_at = server.clock.at
    with server.connect(Authorization=f"Bearer {token}") as one:
        for minutes in range(0, absolute, idle - 1):
            server.clock.at = began_at + timedelta(minutes=minutes)
            assert one.get("/api/v1/me").status_code == 200
        server.clock.at = began_at + timedelta(minutes=absolute)
        assert one.get("/api/v1/me").status_code == 401


def test_a_sessions_use_is_written_down_once_a_minute_at_most(server: Server) -> None:
    token = sign_in(server).cookies["gridmgmt_session"]
    server.client.cookies.clear()
    written: list[str] = []

    def listen(conn, cursor, statement, parameters, context, executemany) -> None:
        if "seen_at = " in statement:
            written.append(statement)

    sa.event.listen(server.app.state.parts.engine, "before_cursor_execute", listen)
    try:
        with server.connect(Authorization=f"Bearer {token}") as one:
            for second in (0, 30, 60, 61, 119, 120):
                server.clock.at = NOW + timedelta(seconds=second)
                assert one.get("/api/v1/me").status_code == 200
    finally:
        sa.event.remove(server.app.state.parts.engine, "before_cursor_execute", listen)
    assert len(written) == 2


def test_somebody_who_left_is_out_with_the_next_request(server: Server) -> None:
    person = server.person("demo-worker-005")
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("update app.people set active = false where login = 'demo-worker-005'"))
    assert person.get("/me").status_code == 401


TOKENS = ["", "x", "Bearer", "Basic abc", "Bearer " + "x" * 5000, "bearer null", "Bearer \xff"]


@pytest.mark.parametrize("header", TOKENS)
def test_what_is_no_session_is_nobody(server: Server, header: str) -> None:
    answer = server.client.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_an_attempt_without_a_session_is_audited_without_a_name(server: Server) -> None:
    problem = server.client.get("/api/v1/board").json()
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text("select actor_id, subdistrict_code, code from app.audit_log where request_id = :id")
        assert tuple(db.execute(query, {"id": problem["request_id"]}).one()) == (None, None, "not_signed_in")


def test_nobody_but_the_demos_people_can_be_played(server: Server) -> None:
    for person in ("00000000-0000-7000-8000-000000000001", "not an id"):
        answer = server.client.post("/api/v1/demo/sign-in", json={"person_id": person})
        assert answer.status_code in {404, 422}
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("environment", ["development", "production"])
def test_outside_the_demo_there_is_no_demo(
    server: Server, own_demo_url: str, directory, environment: str
) -> None:
    settings = make_settings(
        own_demo_url,
        directory,
        environment=environment,
        secret_key="a key of the tests, forty characters long",
    )
    with served(settings, directory) as serious:
        person = server.people()[0]["id"]  # it exists, and is synthetic
        listed = serious.client.get("/api/v1/demo")
        played = serious.client.post("/api/v1/demo/sign-in", json={"person_id": person})
        assert (listed.status_code, played.status_code) == (404, 404)
        assert listed.json()["code"] == played.json()["code"] == "not_found"


def test_in_production_cookies_travel_over_tls_only(own_demo_url: str, directory) -> None:
    settings = make_settings(
        own_demo_url,
        directory,
        environment="production",
        secret_key="a key of the tests, forty characters long",
    )
    assert settings.cookies_are_secure
