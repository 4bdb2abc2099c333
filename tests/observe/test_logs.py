"""Log lines hold what they may and nothing else, in whichever process they are written."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import structlog

from gridmgmt.errors import NotFound
from gridmgmt.observe import logs
from tests.observe.kept import logging_kept

PHONE, IDENTITY, NAME, PLACE = "13812345678", "120116199003071234", "张三", "39.0344"
CANARIES = (PHONE, IDENTITY, NAME, PLACE)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """What this process logs as JSON."""
    stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
    # Not sys itself: between set-up and test pytest puts its own back.
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=stream, exc_info=sys.exc_info))
    with logging_kept():
        logs.configure("info", as_json=True, process="test")
        yield stream.buffer


def lines(said: io.BytesIO) -> list[dict]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_process(said: io.BytesIO) -> None:
    structlog.get_logger("anywhere").info("case_filed", case_id="0193", count=3)
    (line,) = lines(said)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "case_filed", "case_id": "0193", "count": 3, "level": "info", "process": "test"}


def test_a_key_that_is_not_allowed_is_dropped_and_named(said: io.BytesIO) -> None:
    structlog.get_logger().info("sign_in", phone=PHONE, name=NAME, lat=PLACE, request_id="abcdefgh")
    (line,) = lines(said)
    assert line["dropped"] == ["lat", "name", "phone"]
    assert line["request_id"] == "abcdefgh"


def test_what_looks_like_a_persons_number_is_masked_in_allowed_keys_too(said: io.BytesIO) -> None:
    structlog.get_logger().info("seen", reason=f"call {PHONE}", label=IDENTITY, request_id=PHONE)
    (line,) = lines(said)
    assert (line["reason"], line["label"], line["request_id"]) == ("call [masked]", "[masked]", "[masked]")


def test_ids_stay_readable(said: io.BytesIO) -> None:
    uuid, digest = "01937f3e-7a00-7000-8000-000000001234", "12345678901234567890abcdef123456"
    structlog.get_logger().info("seen", actor_id=uuid, request_id=digest)
    (line,) = lines(said)
    assert (line["actor_id"], line["request_id"]) == (uuid, digest)


class Duplicate(Exception):
    """As a driver's error: its message quotes the value."""

    sqlstate = "23505"


def test_an_exception_is_told_by_class_code_and_origin_never_by_its_message(said: io.BytesIO) -> None:
    def insert() -> None:
        raise Duplicate(f"Key (phone)=({PHONE}) already exists, {NAME}")

    def store() -> None:
        try:
            insert()
        except Duplicate as exc:
            raise NotFound(f"nobody with {IDENTITY}") from exc

    try:
        store()
    except NotFound:
        structlog.get_logger().exception("store_failed")
    (line,) = lines(said)
    assert line["error"] == "NotFound < Duplicate"
    assert (line["code"], line["sqlstate"]) == ("not_found", "23505")
    assert line["trace"][-1].startswith("test_logs.py:")
    assert line["trace"][-1].endswith(" store")
    assert not any(canary in said.getvalue().decode() for canary in CANARIES)


def test_libraries_are_held_to_the_same(said: io.BytesIO, monkeypatch) -> None:
    # Whoever served in this process before may have silenced it.
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "level", logging.NOTSET)
    monkeypatch.setattr(logging.getLogger("uvicorn"), "level", logging.NOTSET)
    logging.getLogger("uvicorn.error").manager._clear_cache()
    logging.getLogger("sqlalchemy.pool").error("lost %s", PHONE)
    logging.getLogger("any.library").warning("%s lives at %s", NAME, PLACE)
    try:
        int(NAME)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application %s", PHONE)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    text = said.getvalue().decode()
    assert not any(canary in text for canary in CANARIES)
    assert [line["logger"] for line in lines(said)] == [
        "sqlalchemy.pool", "any.library", "uvicorn.error", "uvicorn.error",
    ]  # fmt: skip
    assert lines(said)[2]["error"] == "ValueError"
    assert lines(said)[3]["message"] == "Invalid HTTP request received."


def test_a_person_reads_lines_with_the_same_keys_only(monkeypatch, capsys) -> None:
    with logging_kept():
        logs.configure("info", as_json=False, process="test")
        structlog.get_logger().info("seen", phone=PHONE)
        told = capsys.readouterr().err
    assert "seen" in told
    assert PHONE not in told
