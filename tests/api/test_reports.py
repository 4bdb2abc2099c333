"""Reports over HTTP: idempotent by the phone's id, refused in plain words, never acknowledged unstored."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, OFF_LIST


def count(server: Server, table: str, where: str = "true", **values) -> int:
    with transaction(server.engine, NOBODY, read_only=True) as db:
        return int(db.execute(text(f"select count(*) from app.{table} where {where}"), values).scalar_one())


def test_a_report_is_answered_with_cell_unit_reason_and_deadline(worker: Person) -> None:
    draft = worker.draft()
    answer = worker.post("/reports", draft)
    assert answer.status_code == 201
    body = answer.json()
    assert body["id"] == draft["id"]
    assert body["cell_code"] == worker.cells[0]
    assert (body["state"], body["routing"]["unit_code"]) == ("handling", ENFORCEMENT)
    assert body["due_at"] == "2026-11-23T07:30:00Z"
    assert "Idempotent-Replay" not in answer.headers


def test_before_sending_the_phone_is_told_what_the_report_probably_repeats(worker: Person) -> None:
    first = worker.report(description="占道经营，小贩很多")
    draft = worker.draft(description="小贩占道经营")
    asked = {name: draft[name] for name in ("category", "description", "position", "observed_at")}
    answer = worker.post("/reports/likely", asked)
    assert answer.status_code == 200
    told = {one["case_id"]: one for one in answer.json()["items"]}
    assert set(told[first["id"]]) == {"case_id", "number", "score", "distance_m", "why"}
    assert set(told[first["id"]]["why"]) == {"class", "place", "time", "text", "same_component"}
    assert worker.post("/reports/likely", {**asked, "id": draft["id"]}).json()["code"] == "invalid_input"


def test_a_replay_gets_the_same_answer_and_says_so(worker: Person) -> None:
    draft = worker.draft()
    first, again = worker.post("/reports", draft), worker.post("/reports", draft)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert worker.get(f"/reports/{draft['id']}").json() == first.json()


def test_the_same_content_in_another_spelling_is_the_same_report(worker: Person) -> None:
    draft = worker.draft()
    first = worker.post("/reports", draft)
    local = (NOW - timedelta(minutes=10) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    spelled = dict(reversed(list(draft.items()))) | {
        "id": draft["id"].upper(), "observed_at": local, "source": "patrol", "self_handled": False,
    }  # fmt: skip
    again = worker.post("/reports", spelled)
    assert (again.status_code, again.json()) == (201, first.json())


def test_other_content_under_the_same_id_is_refused(worker: Person) -> None:
    draft = worker.draft()
    worker.post("/reports", draft)
    answer = worker.post("/reports", {**draft, "description": "别的"})
    assert (answer.status_code, answer.json()["code"]) == (409, "content_differs")


def test_many_taps_at_once_are_one_report_and_all_get_the_same_answer(server: Server, worker: Person) -> None:
    draft = worker.draft()
    together = threading.Barrier(8)

    def tap(_: int):
        with server.connect(Authorization=f"Bearer {worker.token}") as phone:
            together.wait(10)
            return phone.post("/api/v1/reports", json=draft)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(tap, range(8)))
    assert [a.status_code for a in answers] == [201] * 8
    assert all(a.json() == answers[0].json() for a in answers)
    assert sum("Idempotent-Replay" not in a.headers for a in answers) == 1
    assert count(server, "reports", "id = :id", id=draft["id"]) == 1
    assert count(server, "case_steps", "case_id = :id", id=draft["id"]) == 4
    assert count(server, "outbox", "case_id = :id", id=draft["id"]) == 4


def test_two_contents_under_one_id_at_once_leave_one_and_refuse_the_other(
    server: Server, worker: Person
) -> None:
    draft = worker.draft()
    together = threading.Barrier(6)

    def tap(number: int):
        with server.connect(Authorization=f"Bearer {worker.token}") as phone:
            together.wait(10)
            return phone.post("/api/v1/reports", json={**draft, "description": f"第 {number % 2} 种"})

    with ThreadPoolExecutor(6) as pool:
        statuses = [a.status_code for a in pool.map(tap, range(6))]
    assert sorted(statuses) == [201, 201, 201, 409, 409, 409]
    assert count(server, "reports", "id = :id", id=draft["id"]) == 1


BAD_INPUT = {
    "swapped_axes": ({"position": {"lon": 39.03, "lat": 117.65, "datum": "wgs84"}}, "invalid_geometry"),
    "outside": ({"position": {"lon": 117.2, "lat": 39.1, "datum": "wgs84"}}, "outside_area"),
    "no_datum": ({"position": {"lon": 117.65, "lat": 39.03}}, "invalid_input"),
    "unknown_datum": ({"position": {"lon": 117.65, "lat": 39.03, "datum": "mars"}}, "invalid_input"),
    "text_for_a_number": ({"position": {"lon": "here", "lat": 39.03, "datum": "wgs84"}}, "invalid_input"),
    "no_position": ({"position": None}, "invalid_input"),
    "unknown_category": ({"category": "matter:99999"}, "unknown_category"),
    "future": ({"observed_at": (NOW + timedelta(hours=1)).isoformat()}, "implausible_time"),
    "long_ago": ({"observed_at": "2020-01-01T00:00:00Z"}, "implausible_time"),
    "no_zone": ({"observed_at": "2026-11-23T01:00:00"}, "invalid_input"),
    "before_time": ({"observed_at": "0001-01-01T00:00:00+14:00"}, "invalid_input"),
    "after_time": ({"observed_at": "9999-12-31T23:59:59-14:00"}, "invalid_input"),
    "no_id": ({"id": "seven"}, "invalid_input"),
    "misspelt_field": ({"desciption": "x"}, "invalid_input"),
    "bad_hash": ({"photos": ["ABC"]}, "invalid_input"),
    "unknown_photo": ({"photos": ["0" * 64]}, "missing_fact"),
    "no_photo": ({"photos": []}, "missing_fact"),
    "nul_in_text": ({"description": "a\x00b"}, "invalid_input"),
    "half_a_character": ({"description": "a\ud800b"}, "invalid_input"),
    "half_a_category": ({"category": "a\ud800b"}, "invalid_input"),
    "long_text": ({"description": "长" * 2001}, "invalid_input"),
    "unknown_source": ({"source": "rumour"}, "invalid_input"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_a_clear_error_and_stores_nothing(server: Server, worker: Person, case: str) -> None:
    over, code = BAD_INPUT[case]
    draft = worker.draft(**over)
    answer = worker.http.post(
        "/api/v1/reports", content=_as_json(draft), headers={"Content-Type": "application/json"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert problem["detail"]
    assert count(server, "reports", "id::text = :id", id=draft["id"]) == 0


def _as_json(body: dict) -> bytes:
    import json  # noqa: PLC0415  orjson would refuse half a character, and a phone would not

    return json.dumps(body).encode()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_no_position(worker: Person, number: str) -> None:
    raw = _as_json(worker.draft(position={"lon": 7070, "lat": 39.03, "datum": "wgs84"}))
    answer = worker.http.post(
        "/api/v1/reports",
        content=raw.replace(b"7070", number.encode()),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(worker: Person, raw: bytes) -> None:
    answer = worker.http.post("/api/v1/reports", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"


def test_a_swapped_position_is_told_what_is_wrong(worker: Person) -> None:
    answer = worker.post("/reports", worker.draft(position={"lon": 39.03, "lat": 117.65, "datum": "wgs84"}))
    assert answer.json()["facts"]["hint"] == "axes_swapped"


def test_a_gcj02_position_is_tagged_and_finds_its_cell(worker: Person) -> None:
    from gridmgmt.geo.datum import to_gcj02  # noqa: PLC0415

    draft = worker.draft()
    lon, lat = to_gcj02(draft["position"]["lon"], draft["position"]["lat"])
    answer = worker.post("/reports", {**draft, "position": {"lon": lon, "lat": lat, "datum": "gcj02"}})
    assert answer.json()["cell_code"] == worker.cells[0]
    case = worker.get(f"/cases/{draft['id']}").json()
    assert (case["place_basis"], case["position"]) == ("cell", None)
    assert case["report"]["position"] == {"lon": lon, "lat": lat, "datum": "gcj02", "accuracy_m": None}


def test_a_class_on_no_list_waits_with_the_reason(worker: Person) -> None:
    body = worker.post("/reports", worker.draft(category=OFF_LIST, photos=[])).json()
    assert (body["state"], body["routing"]["unit_code"], body["due_at"]) == ("reported", None, None)
    assert (body["duty"]["allowed"], body["duty"]["rule"]) == (False, "R07c")


def test_after_the_plan_has_ended_no_report_is_taken_and_none_is_lost(server: Server, worker: Person) -> None:
    draft = worker.draft()
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("update app.grid_plans set valid_to = :now"), {"now": NOW})
    try:
        answer = worker.post("/reports", draft)
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_not_in_force")
        assert answer.json()["article"] == "21-1"
    finally:
        with transaction(server.engine, NOBODY) as db:
            db.execute(text("update app.grid_plans set valid_to = null"))
    assert worker.post("/reports", draft).status_code == 201, "the sender kept it and sends it again"


def test_a_refused_report_is_audited_with_code_and_article(server: Server, worker: Person) -> None:
    answer = worker.post("/reports", worker.draft(position={"lon": 117.2, "lat": 39.1, "datum": "wgs84"}))
    with transaction(server.engine, NOBODY, read_only=True) as db:
        query = text(
            "select actor_id, action, outcome, code, article, rule from app.audit_log where request_id = :id"
        )
        row = db.execute(query, {"id": answer.json()["request_id"]}).one()
    assert (str(row.actor_id), *row[1:]) == (
        worker.id, "POST /reports", "refused", "outside_area", "21-1", "R21a",
    )  # fmt: skip


def test_a_report_that_nobody_filed_is_not_found(worker: Person) -> None:
    assert worker.get(f"/reports/{uuid.uuid4()}").status_code == 404


# The answer leaves after the commit, or another answer leaves.


@pytest.fixture
def failing_commit(server: Server):
    """Let the database refuse at the very end: a deferred constraint speaks at the commit."""
    create = """
        create function app.fail_late() returns trigger language plpgsql security definer
            as $$ begin {body} return null; end $$;
        create constraint trigger fail_late after insert on app.reports deferrable initially deferred
            for each row execute function app.fail_late();
    """

    def install(body: str) -> None:
        with transaction(server.engine, NOBODY) as db:
            for statement in create.format(body=body).split(";\n        create constraint"):
                prefix = "create constraint" if statement.lstrip().startswith("trigger") else ""
                db.execute(text(prefix + statement.rstrip().rstrip(";")))

    yield install
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("drop trigger if exists fail_late on app.reports"))
        db.execute(text("drop function if exists app.fail_late()"))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("raise exception 'secret of the database';", 500, "internal_error"),
        ("perform pg_terminate_backend(pg_backend_pid());", 503, "unavailable"),
    ],
    ids=["refused", "connection_lost"],
)
def test_a_commit_that_fails_is_never_answered_with_success(
    server: Server, worker: Person, failing_commit, body: str, status: int, code: str
) -> None:
    draft = worker.draft()
    failing_commit(body)
    answer = worker.post("/reports", draft)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text
    for table in ("reports", "cases"):
        assert count(server, table, "id::text = :id", id=draft["id"]) == 0
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("drop trigger fail_late on app.reports"))
    assert worker.post("/reports", draft).status_code == 201


def test_a_time_that_no_calendar_has_is_refused_as_the_senders_fault(
    worker: Person,
) -> None:
    times = {"observed_at": "9998-01-01T00:00:00Z", "sent_at": "0002-01-01T00:00:00Z"}
    answer = worker.post("/reports", worker.draft() | times)
    assert (answer.status_code, answer.json()["code"]) == (422, "implausible_time")


def test_nothing_is_filed_under_the_name_of_whoever_has_signed_in_since(
    server: Server, worker: Person
) -> None:
    """On a phone that several people share, what one of them wrote is not sent as another."""
    draft = worker.draft()
    somebody = str(uuid.uuid4())
    answer = worker.post("/reports", draft, **{"Sent-By": somebody})
    assert (answer.status_code, answer.json()["code"]) == (401, "sender_differs")
    shown = worker.http.get("/api/v1/me", headers={"Sent-By": somebody})
    assert (shown.status_code, shown.json()["code"]) == (401, "sender_differs")
    for refused in (answer, shown):
        entry = "code = 'sender_differs' and request_id = :request and actor_id::text = :id"
        facts = {"request": refused.json()["request_id"], "id": worker.id}
        assert count(server, "audit_log", entry, **facts) == 1, "on record is who was signed in"
    assert count(server, "reports", "id = :id", id=draft["id"]) == 0
    assert worker.post("/reports", draft, **{"Sent-By": worker.id.upper()}).status_code == 201
