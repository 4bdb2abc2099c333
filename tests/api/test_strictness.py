"""What is refused before a model, a rule or the database sees it: JSON that two parsers read differently,
addresses and heads beyond their limits, packed bodies, and whatever has no upper bound."""

import asyncio
import json
import uuid
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import text

from api import guard
from api.entry import Entry
from api.strict_json import MOST_LEVELS, MOST_VALUES, fault_of
from api.turns import Turns
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.bounds import unbounded
from tests.api.client import Person, Server


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


REFUSED = {
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "too_large_a_number": b'{"a": 1e400}',
    "integer_of_66_bits": b'{"a": 36893488147419103232}',
    "integer_of_64_bits": b'{"a": 9223372036854775808}',
    "integer_of_5000_digits": b'{"a": ' + b"9" * 5000 + b"}",
    "negative_integer": b'{"a": -9223372036854775809}',
    "one_key_twice": b'{"a": 1, "a": 1}',
    "one_key_twice_below": b'{"a": [{"b": 1, "c": 2, "b": 3}]}',
    "one_key_in_two_spellings": b'{"a": 1, "\\u0061": 2}',
    "nul": b'{"a": "x\\u0000y"}',
    "nul_in_a_key": b'{"a\\u0000": 1}',
    "long_key": b'{"' + b"k" * 101 + b'": 1}',
    "high_surrogate": b'{"a": "\\ud800"}',
    "low_surrogate": b'{"a": "\\udc00x"}',
    "not_utf_8": b'{"a": "\xff"}',
    "overlong_utf_8": b'{"a": "\xc0\x80"}',
    "byte_order_mark": b'\xef\xbb\xbf{"a": 1}',
    "utf_16": '{"a": 1}'.encode("utf-16"),
    "deep": nested(MOST_LEVELS + 1),
    "very_deep": b"[" * 100_000 + b"]" * 100_000,
    "many_values": b"[" + b",".join([b"0"] * (MOST_VALUES + 1)) + b"]",
    "comment": b'{"a": 1 /* 2 */}',
    "trailing_comma": b'{"a": 1,}',
    "two_documents": b'{"a": 1}{"a": 2}',
    "control_character": b'{"a": "\x01"}',
    "leading_zero": b'{"a": 01}',
    "hexadecimal": b'{"a": 0x1}',
}
TAKEN = {
    "text": '{"a": "井盖破损 😀"}'.encode(),
    "pair": b'{"a": "\\ud83d\\ude00"}',
    "largest": b'{"a": 9223372036854775807, "b": -9223372036854775808, "c": 1e308}',
    "levels": nested(MOST_LEVELS),
    "same_key_elsewhere": b'{"a": {"a": {"a": 1}}}',
    "nothing": b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_json_that_could_be_read_in_two_ways_or_not_kept_is_refused(name: str) -> None:
    assert fault_of(REFUSED[name])


@pytest.mark.parametrize("name", TAKEN)
def test_ordinary_json_is_taken(name: str) -> None:
    assert fault_of(TAKEN[name]) is None


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON ; charset=utf-8"])
@pytest.mark.parametrize(
    "path", ["/reports", "/demo/sign-in", "/cases/00000000-0000-7000-8000-000000000000/actions"]
)
def test_every_json_body_goes_through_the_same_gate(server: Server, path: str, kind: str) -> None:
    for name in ("one_key_twice", "nan", "integer_of_5000_digits", "very_deep", "nul"):
        answer = server.client.post(f"/api/v1{path}", content=REFUSED[name], headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), name
        assert [f["kind"] for f in answer.json()["facts"]["errors"]] == ["json_invalid"]


def test_a_body_without_its_media_type_is_not_read_as_json(worker: Person) -> None:
    content = json.dumps(worker.draft()).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = {"Authorization": f"Bearer {worker.token}", "Content-Type": kind}
        answer = worker.server.client.post("/api/v1/reports", content=content, headers=headers)
        assert answer.status_code == 415, kind


NO_NUMBERS = ["NaN", "Infinity", "-inf", "1e400", "117.6", "0x75", "１１７"]


@pytest.mark.parametrize("given", [*NO_NUMBERS, True, None, [117.6], {"lon": 117.6}, 1e9], ids=repr)
@pytest.mark.parametrize("field", ["lon", "lat", "accuracy_m"])
def test_a_position_is_made_of_numbers_and_of_nothing_that_reads_like_one(
    worker: Person, field: str, given: object
) -> None:
    if field == "accuracy_m" and given is None:
        return
    draft = worker.draft(photos=[])
    draft["position"][field] = given
    answer = worker.post("/reports", draft)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("bare", [b"NaN", b"Infinity", b"-Infinity", b"1e400"])
def test_a_position_that_is_not_finite_reaches_no_rule(worker: Person, bare: bytes) -> None:
    body = json.dumps(worker.draft(photos=[]))
    lon = json.dumps(worker.place["lon"])
    content = body.replace(f'"lon": {lon}', '"lon": ' + bare.decode()).encode()
    assert bare in content
    headers = {"Content-Type": "application/json"}
    assert worker.http.post("/api/v1/reports", content=content, headers=headers).status_code == 422


@pytest.mark.parametrize(
    "given", [1764000000, 1764000000.5, "1764000000", "20261123", "2026-11-23", "now", True]
)
def test_a_time_is_written_out_with_its_zone(worker: Person, given: object) -> None:
    assert worker.post("/reports", worker.draft(photos=[], observed_at=given)).status_code == 422


@pytest.mark.parametrize("over", [{"self_handled": "yes"}, {"self_handled": 1}, {"description": 7}])
def test_a_value_of_another_kind_is_not_turned_into_the_right_one(
    worker: Person, over: dict[str, Any]
) -> None:
    assert worker.post("/reports", worker.draft(photos=[], **over)).status_code == 422


HEADS = {
    "long_address": (414, "/api/v1/cases?cursor=" + "x" * 9000, {}),
    "long_path": (414, "/api/v1/" + "x" * 9000, {}),
    "many_headers": (431, "/api/v1/me", {f"X-{n}": "y" * 500 for n in range(70)}),
    "nul_in_the_query": (422, "/api/v1/cells?plan=%00", {}),
    "nul_in_the_path": (422, "/api/v1/reports/%00", {}),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_beyond_its_limits_is_refused_before_anything_else(server: Server, name: str) -> None:
    status, address, headers = HEADS[name]
    answer = server.client.get(address, headers=headers)
    assert answer.status_code == status
    assert sorted(answer.json())[:2] == ["article", "code"]
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "x"])
@pytest.mark.parametrize("path", ["/reports", f"/photos/{'0' * 64}"])
def test_a_packed_body_is_refused_whatever_it_would_unpack_to(worker: Person, path: str, coding: str) -> None:
    method = "PUT" if path.startswith("/photos") else "POST"
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    answer = worker.http.request(method, f"/api/v1{path}", content=b"\x1f\x8b", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_nobody_is_sent_to_another_host_by_a_slash(server: Server) -> None:
    answer = server.client.get("/api/v1/board/", headers={"Host": "evil.test"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_what_a_head_is_refused_for_is_on_record_without_what_was_sent(
    server: Server, worker: Person
) -> None:
    ids = [f"head-{uuid.uuid4().hex}" for _ in HEADS]
    for request_id, (status, address, headers) in zip(ids, HEADS.values(), strict=True):
        answer = worker.http.get(address, headers=headers | {"X-Request-Id": request_id})
        assert answer.status_code == status
    query = text(
        "select request_id, outcome, cast(facts as text) from app.audit_log where request_id = any(:ids)"
    )
    with transaction(server.engine, NOBODY, read_only=True) as db:
        lines = db.execute(query, {"ids": ids}).all()
    assert sorted(line[0] for line in lines) == sorted(ids)
    assert all(line[1] == "refused" and "xxxx" not in line[2] for line in lines)


def test_everything_that_may_be_sent_has_an_upper_bound(server: Server) -> None:
    assert [] == list(unbounded(server.app.openapi()))


def test_the_walk_sees_what_has_no_bound() -> None:
    fields = {"a": {"type": "string"}, "b": {"type": "array", "maxItems": 2, "items": {"type": "object"}}}
    schema = {"type": "object", "properties": fields}
    parameter = {"name": "n", "schema": {"type": "integer", "minimum": 0}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
    document = {
        "paths": {"/x": {"get": {"parameters": [parameter], "requestBody": {"content": content}}}},
        "components": {"schemas": {"In": schema}},
    }
    assert list(unbounded(document)) == ["get /x n", "get /x", "get /x.a", "get /x.b[]"]


class Anything:
    """An entry that lets everything in and adds nothing."""

    def fault_of(self, scope: object, headers: object) -> None:
        return None

    def token_of(self, scope: object) -> None:
        return None

    def headers_of(self, path: str, made: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return made


async def nobody_hears(scope: object, refusal: object) -> None:
    return None


def test_whoever_hangs_behind_the_guard_the_asker_is_answered(monkeypatch) -> None:
    monkeypatch.setattr(guard, "DEADLINE_S", 0.02)
    released = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def hanging(scope, receive, send) -> None:
        await released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"too late"})

    async def send(message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            released.set()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": [],
    }  # fmt: skip
    guarded = guard.Guard(
        hanging, max_body_bytes=10, max_photo_bytes=10, entry=Anything(), on_refusal=nobody_hears
    )
    asyncio.run(asyncio.wait_for(guarded(scope, receive, send), 20))
    assert [m.get("status") for m in sent] == [503, None]
    assert json.loads(sent[1]["body"])["facts"] == {"retry_after_s": 5}
    assert (b"retry-after", b"5") in sent[0]["headers"]


def test_nobody_has_more_than_eight_dear_requests_under_way_and_reports_are_never_counted() -> None:
    turns, path = Turns(), "/api/v1/heat"
    with ExitStack() as held:
        taken = [held.enter_context(turns.taken(path, "a")) for _ in range(9)]
        assert taken == [True] * 8 + [False]
        for other in (
            (path, "b"),
            (path, None),
            ("/api/v1/stream", "a"),
            ("/api/v1/me", "a"),
        ):
            assert held.enter_context(turns.taken(*other))
        assert all(held.enter_context(turns.taken("/api/v1/reports", "a")) for _ in range(50))
    with turns.taken(path, "a") as free:
        assert free
    assert not turns._under_way


def test_a_map_that_moves_on_may_have_sixteen_tiles_under_way() -> None:
    turns, path = Turns(), "/api/v1/tiles/cells/14/1/1.mvt"
    with ExitStack() as held:
        taken = [held.enter_context(turns.taken(path, "a")) for _ in range(17)]
        assert taken == [True] * 16 + [False]


def test_a_ninth_stream_of_one_person_is_refused_and_says_when_to_try_again(server: Server) -> None:
    shift = server.person("demo-shift")
    with ExitStack() as held:
        for _ in range(8):
            stream = held.enter_context(shift.http.stream("GET", "/api/v1/stream"))
            assert stream.status_code == 200
        refused = held.enter_context(shift.http.stream("GET", "/api/v1/stream"))
        assert refused.status_code == 429
        assert json.loads(refused.read())["code"] == "too_many_requests"
        assert refused.headers["Retry-After"] == "1"
        assert shift.get("/board").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer one"},
        {"authorization": "bearer one", "cookie": "session=other"},
        {"cookie": "session=one"},
        {"cookie": "more=1; session=one; more=2"},
        {"authorization": "Basic bW9yZTox", "cookie": "session=one"},
    ],
)
def test_turns_are_counted_by_the_token_that_the_request_is_judged_by(headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert Entry("session", secure=False).token_of({"type": "http", "headers": raw}) == "one"


def test_no_other_header_gives_a_session_further_turns(server: Server) -> None:
    shift = server.person("demo-shift")
    cookie = f"gridmgmt_session={shift.token}"
    with ExitStack() as held:
        for _ in range(8):
            assert held.enter_context(shift.http.stream("GET", "/api/v1/stream")).status_code == 200
        disguised = {"Authorization": "Basic bW9yZTox", "Cookie": f"more=1; {cookie}"}
        refused = held.enter_context(shift.http.stream("GET", "/api/v1/stream", headers=disguised))
        assert refused.status_code == 429
