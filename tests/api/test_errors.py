"""Every refusal is a problem document with a stable code; what went wrong inside stays inside."""

from pathlib import Path

import httpx
import pytest

from api import errors as rendering
from gridmgmt import errors
from gridmgmt.errors import GridError
from tests.api.client import Person, Server, make_settings, served


def every_error(kind: type[GridError] = GridError) -> list[type[GridError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in every_error(below))]


# Written down from the tree in gridmgmt/errors.py, not from the table of the API.
STATUS = {
    "grid_error": 500, "invalid_input": 422, "invalid_code": 422, "invalid_geometry": 422, "wrong_crs": 422,
    "missing_fact": 422, "outside_area": 422, "unknown_category": 422, "implausible_time": 422,
    "unacceptable_photo": 422, "too_large": 413, "not_signed_in": 401, "not_allowed": 403,
    "duties_not_separated": 403, "not_found": 404, "conflict": 409, "illegal_action": 409, "not_ready": 409,
    "off_duty_list": 409, "stale_version": 409, "content_differs": 409, "plan_not_in_force": 409,
    "plan_not_adoptable": 409, "infeasible": 422, "not_prepared": 503,
    "unavailable": 503, "weak_password": 422, "sign_in_refused": 401, "step_up_needed": 403,
    "link_not_valid": 404, "administrators_apart": 409, "too_many_attempts": 429, "audit_log_differs": 409,
    "erased": 410, "unreadable": 500, "seal_broken": 500, "unknown_key": 500, "unsupported_media_type": 415,
    "too_many_uploads": 429, "upload_busy": 423, "wrong_tus_version": 412, "checksum_differs": 460,
    "beyond_purpose": 403, "own_request": 403, "quota_spent": 403, "offset_differs": 409,
    "under_legal_hold": 409, "evidence_damaged": 410, "store_full": 507, "sender_differs": 401,
}  # fmt: skip
MEMBERS = ["article", "code", "detail", "facts", "request_id", "rule", "status", "title", "type"]


def test_every_error_has_its_code_and_status() -> None:
    assert {e.code: rendering.STATUS_OF[e] for e in every_error()} == STATUS
    assert len(every_error()) == len(STATUS), "no two errors share a code"


@pytest.fixture(scope="module")
def faulty(own_demo_url: str, directory: Path):
    """A server with one more endpoint, that raises whatever it is told to."""
    with served(make_settings(own_demo_url, directory), directory) as server:
        raised: list[Exception] = []

        @server.app.get("/raise")
        def raise_it() -> None:
            raise raised.pop()

        server.raised = raised
        yield server


def answer_to(faulty, error: Exception) -> httpx.Response:
    faulty.raised.append(error)
    with faulty.connect() as client:
        return client.get("/raise")


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.code)
def test_every_error_is_a_problem_document(faulty, kind: type[GridError]) -> None:
    answer = answer_to(faulty, kind("One sentence.", article="22-1", rule="R22a", number=7))
    assert answer.status_code == STATUS[kind.code]
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert sorted(problem) == MEMBERS
    assert (problem["code"], problem["type"]) == (kind.code, f"/problems/{kind.code}")
    assert (problem["status"], problem["detail"]) == (answer.status_code, "One sentence.")
    assert (problem["article"], problem["rule"], problem["facts"]) == ("22-1", "R22a", {"number": 7})
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_whoever_is_out_of_scope_is_told_that_there_is_nothing(faulty) -> None:
    hidden = answer_to(faulty, errors.NotAllowed("no", permission="case:read", in_scope=False))
    assert (hidden.status_code, hidden.json()["code"], hidden.json()["facts"]) == (404, "not_found", {})
    shown = answer_to(faulty, errors.NotAllowed("no", permission="case:read", in_scope=True))
    assert shown.status_code == 403


def test_an_outage_says_when_to_try_again(faulty) -> None:
    answer = answer_to(faulty, errors.Unavailable("away", retry_after_s=5))
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["facts"] == {"retry_after_s": 5}


@pytest.mark.parametrize("error", [ValueError("secret 1234"), KeyError("secret"), AssertionError("secret")])
def test_an_error_of_ours_tells_nothing_but_its_number(faulty, error: Exception) -> None:
    answer = answer_to(faulty, error)
    assert answer.status_code == 500
    problem = answer.json()
    assert sorted(problem) == MEMBERS
    assert (problem["code"], problem["facts"]) == ("internal_error", {})
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert len(problem["request_id"]) == 32


def test_an_error_of_ours_carries_the_security_headers_too(faulty) -> None:
    answer = answer_to(faulty, ValueError("x"))
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in answer.headers


def test_facts_that_are_no_json_do_not_turn_a_refusal_into_a_fault(faulty) -> None:
    answer = answer_to(faulty, errors.UnknownCategory("no", category="\ud800"))
    assert answer.status_code == 422


def test_a_request_that_does_not_fit_its_description_names_every_fault(worker: Person) -> None:
    answer = worker.post("/reports", {"id": "x", "position": {"lon": 1}})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_input")
    where = {".".join(f["where"]) for f in problem["facts"]["errors"]}
    assert {"body.id", "body.position.lat", "body.position.datum", "body.category"} <= where
    assert all(f["message"] for f in problem["facts"]["errors"])


def test_at_most_twenty_faults_are_named(worker: Person) -> None:
    answer = worker.post("/reports", {f"field{n}": n for n in range(200)})
    assert len(answer.json()["facts"]["errors"]) == 20


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/board", 405, "method_not_allowed"),
        ("GET", "/assets/nothing.js", 404, "not_found"),
        ("GET", "/assets/../centre.html", 404, "not_found"),
        ("GET", "/assets/%2e%2e/centre.html", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_a_problem_document_too(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    answer = server.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert sorted(answer.json()) == MEMBERS


UNREADABLE = {
    "cursor": "/cases?cursor=bm9wZQ==",
    "cursor_letters": "/cases?cursor=%E6%A0%BC",
    "cursor_shape": "/cases?cursor=eyJhIjoxfQ==",
    "cursor_types": "/cases?cursor=WzEsMl0=",
    "state": "/cases?state=lost",
    "limit_none": "/cases?limit=0",
    "limit_many": "/cases?limit=100000",
    "cell": "/cases?cell=12",
    "case": "/cases/none",
    "report": "/reports/none",
    "photo": "/photos/none",
    "plan": "/cells?plan=none",
    "resolution": "/heat?resolution=3",
    "since": "/heat?since=yesterday",
    "since_zone": "/heat?since=2026-11-23T00:00:00",
    "on": "/categories?on=today",
    "at_axes": "/cells/at?lon=39.03&lat=117.65&datum=wgs84",
    "at_datum": "/cells/at?lon=117.65&lat=39.03",
    "at_nan": "/cells/at?lon=nan&lat=39.03&datum=wgs84",
    "at_end_of_time": "/cells/at?lon=117.65&lat=39.03&datum=wgs84&on=9999-12-31T23:59:59Z",
    "at_start_of_time": "/cells/at?lon=117.65&lat=39.03&datum=wgs84&on=0001-01-01T00:00:00%2B14:00",
    "zoom": "/tiles/cells/99/0/0.mvt",
    "column": "/tiles/cells/1/-1/0.mvt",
}


@pytest.mark.parametrize("question", UNREADABLE)
def test_a_question_that_cannot_be_read_is_refused(shift: Person, question: str) -> None:
    answer = shift.http.get(f"/api/v1{UNREADABLE[question]}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"invalid_input", "invalid_geometry"}


@pytest.mark.parametrize(
    "path", ["/tiles/nothing/1/0/0.mvt", "/tiles/cells/1/2/0.mvt", "/tiles/cells/1/0/2.mvt"]
)
def test_a_tile_that_cannot_be_is_not_found(shift: Person, path: str) -> None:
    assert shift.get(path).status_code == 404
