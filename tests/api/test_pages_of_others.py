"""Every write refuses what another page had a browser send (B4); every answer has the headers (B7)."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from api.refusals import PER_ASKER, PER_PROCESS, RefusalBudget
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server, make_settings, served

SITES = ("same-origin", "none", "same-site", "cross-site", None)
ORIGINS = {"own": "http://street.test", "other": "https://evil.test", "hidden": "null", "absent": None}
# Whether the page is ours. Where both speak, Sec-Fetch-Site does: a proxy may have changed the host's name.
OURS = {("same-origin", o) for o in ORIGINS} | {("none", o) for o in ORIGINS} | {(None, "own")}
COOKIE = {"Cookie": "gridmgmt_session=whatever"}


def routes(server: Server) -> Iterator[tuple[str, str]]:
    """Every route that is described, with something in the place of its parameters."""
    document = server.client.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        filled = re.sub(r"\{sha256\}", "0" * 64, path)
        filled = filled.replace("{layer}", "cells").replace("{z}/{x}/{y}", "10/846/391")
        filled = re.sub(r"\{\w+\}", "00000000-0000-7000-8000-00000000000a", filled)
        for method in methods:
            yield method.upper(), filled


def test_no_write_is_taken_from_another_page(server: Server) -> None:
    """Four values of Sec-Fetch-Site and none, three of Origin and none, on every unsafe route."""
    unsafe = [(m, p) for m, p in routes(server) if m not in {"GET", "HEAD", "OPTIONS"}]
    assert len(unsafe) > 25
    wrong, asked = [], 0
    for method, path in unsafe:
        for site in SITES:
            for origin, value in ORIGINS.items():
                headers = {"Sec-Fetch-Site": site, "Origin": value} | COOKIE
                sent = {k: v for k, v in headers.items() if v is not None}
                answer = server.client.request(method, path, headers=sent)
                refused = answer.status_code == 403 and "another origin" in answer.json()["detail"]
                asked += 1
                if refused is ((site, origin) in OURS):
                    wrong.append((method, path, site, origin, answer.status_code))
    assert wrong == []
    assert asked == len(unsafe) * 20


def test_a_client_that_is_no_browser_may_write_by_its_bearer_token_only(
    server: Server, worker: Person
) -> None:
    """It sends neither header; a cookie is what somebody else's page could have had sent."""
    assert worker.post("/account/sign-out-others", None).status_code == 200
    with server.connect(Cookie=f"gridmgmt_session={worker.token}") as leaning:
        assert leaning.post("/api/v1/account/sign-out-others").status_code == 403
        assert leaning.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_that_a_foreign_form_could_send_is_refused(server: Server, kind: str) -> None:
    writes = [
        (m, p)
        for m, p in routes(server)
        if m in {"POST", "PUT", "PATCH"} and "/photos/" not in p and "/uploads" not in p
    ]
    for method, path in writes:
        answer = server.client.request(method, path, content=b'{"a": 1}', headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), path


HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "geolocation=(self), camera=(self), microphone=(self)",
}


def lacking(server: Server, expected: dict[str, str]) -> list[tuple[str, str, str]]:
    pages = [
        ("GET", path) for path in ("/", "/field", "/account", "/assets/a.js", "/nowhere", "/api/v1/nowhere")
    ]
    found = []
    for method, path in [*routes(server), *pages, ("TRACE", "/api/v1/me"), ("OPTIONS", "/api/v1/reports")]:
        with server.client.stream(method, path) as answer:
            headers = dict(answer.headers)
        for name, value in expected.items():
            if headers.get(name) != value:
                found.append((method, path, name))
        if path.startswith("/api/") and "no-store" not in headers.get("cache-control", ""):
            found.append((method, path, "cache-control"))
    return found


def test_every_answer_of_every_route_has_the_headers(server: Server) -> None:
    assert lacking(server, HEADERS) == []


def test_what_an_endpoint_lets_be_kept_is_kept_in_private(worker: Person) -> None:
    photo = worker.photo()
    assert worker.get(f"/photos/{photo}").headers["cache-control"].startswith("private")
    assert worker.get("/tiles/cells/10/846/391.mvt").headers["cache-control"].startswith("private")


def test_in_production_the_browser_is_told_to_speak_tls_only(own_demo_url: str, directory) -> None:
    settings = make_settings(
        own_demo_url,
        directory,
        environment="production",
        secret_key="a key of the tests, forty characters long",
    )
    with served(settings, directory) as serious:
        tls = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
        assert lacking(serious, HEADERS | tls) == []
        plain = serious.client.post("/api/v1/sign-in", json={}, headers={"Origin": "http://street.test"})
        assert plain.status_code == 403, "our own address, but not by TLS"
        assert (
            serious.client.post(
                "/api/v1/sign-in", json={}, headers={"Origin": "https://street.test"}
            ).status_code
            == 422
        )


@pytest.mark.parametrize(
    ("headers", "content", "code"),
    [
        ({"Origin": "https://evil.test"}, b"", "not_allowed"),
        ({"Content-Type": "text/plain"}, b"x", "unsupported_media_type"),
        ({"Content-Type": "application/json"}, b" " * (2**20 + 1), "too_large"),
        ({"Content-Type": "application/json"}, b'{"odd": 1}', "invalid_input"),
    ],
)
def test_what_is_refused_at_the_door_is_audited_with_whoever_asked(
    server: Server, worker: Person, headers: dict[str, str], content: bytes, code: str
) -> None:
    answer = worker.http.post("/api/v1/reports", content=content, headers=headers)
    assert answer.json()["code"] == code
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text("select cast(actor_id as text), outcome, code from app.audit_log where request_id = :id")
        line = tuple(db.execute(query, {"id": answer.json()["request_id"]}).one())
    assert line == (worker.id, "refused", code)


def test_a_flood_of_refusals_does_not_fill_the_log(server: Server) -> None:
    budget = server.app.state.parts.refusals
    now = [0.0]
    server.app.state.parts.refusals.__init__(lambda: now[0])
    try:
        sent = [server.client.get("/api/v1/board").json()["request_id"] for _ in range(PER_ASKER + 30)]
        now[0] = 61.0
        last = server.client.get("/api/v1/board").json()["request_id"]
    finally:
        budget.__init__()
    with transaction(server.engine, NOBODY, read_only=True) as db:
        written = db.execute(
            text("select count(*) from app.audit_log where request_id = any(:ids)"), {"ids": sent}
        ).scalar_one()
        facts = db.execute(
            text("select facts from app.audit_log where request_id = :id"), {"id": last}
        ).scalar_one()
    assert (written, facts) == (PER_ASKER, {"passed_over": 30})


def test_one_asker_does_not_use_up_what_is_kept_for_the_others() -> None:
    budget = RefusalBudget(lambda: 0.0)
    assert [budget.admit("one").write for _ in range(PER_ASKER + 5)].count(True) == PER_ASKER
    assert budget.admit("another").write
    everybody = [budget.admit(f"asker {i}").write for i in range(PER_PROCESS * 2)]
    assert everybody.count(True) == PER_PROCESS - PER_ASKER - 1
