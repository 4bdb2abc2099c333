"""Heads as text: what is read is what was written, and nothing else is read."""

import base64
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.checkpoint import Head, HeadKind, Note, Signature, body_of, key_id, parse_note
from gridmgmt.domain.merkle import Algorithm
from gridmgmt.errors import InvalidInput
from tests.builders_cases import NOW


def make_head(**over: object) -> Head:
    facts = {"origin": "gridmgmt/audit", "size": 7, "root": bytes(range(32)), "algorithm": Algorithm.SM3}
    return Head(**{**facts, "no": 3, "at": NOW, **over})


def make_note(head: Head, *signatures: Signature) -> Note:
    return Note(
        head, body_of(head), signatures or (Signature("gridmgmt/audit", b"\x01\x02\x03\x04", bytes(64)),)
    )


heads = st.builds(
    make_head,
    size=st.integers(0, 2**53),
    root=st.binary(min_size=32, max_size=32),
    algorithm=st.sampled_from(list(Algorithm)),
    no=st.integers(1, 2**53),
    at=st.integers(0, 2**32).map(lambda s: NOW + timedelta(seconds=s, microseconds=s % 999_983)),
    kind=st.sampled_from(list(HeadKind)),
    facts=st.dictionaries(st.sampled_from(["old-key", "new-key", "lost-size"]), st.just("x=")),
)


@given(heads)
def test_a_note_is_read_as_it_was_written(head: Head) -> None:
    note = make_note(head)
    assert parse_note(note.text) == note


def test_the_text_begins_like_every_transparency_logs() -> None:
    first = body_of(make_head()).split("\n")[:3]
    assert first == ["gridmgmt/audit", "7", base64.b64encode(bytes(range(32))).decode()]


def test_a_time_is_signed_in_utc_whatever_zone_it_came_in() -> None:
    there = make_head(at=NOW.astimezone(timezone(timedelta(hours=8))))
    assert body_of(there) == body_of(make_head())


def test_the_key_id_is_that_of_the_signed_note_form() -> None:
    # The example in the documentation of golang.org/x/mod/sumdb/note.
    key = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    assert key_id("PeterNeumann", key).hex() == "c74f20a3"


GOOD = make_note(make_head()).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("\n\n", "\n"),
        GOOD.replace("7\n", "07\n", 1),
        GOOD.replace("7\n", "-7\n", 1),
        GOOD.replace("alg sm3", "alg md5"),
        GOOD.replace("no 3\n", ""),
        GOOD.replace("kind seal", "kind seal\nkind seal"),
        GOOD.replace("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAEC"),
        GOOD.replace("— ", "- "),
        GOOD + "more\n",
        GOOD.replace("\n", "\r\n"),
    ],
)
def test_what_is_not_written_as_we_write_is_no_head(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_note(text)
