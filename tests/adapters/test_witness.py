"""Keys and heads as files: who may read them, what is kept, and what is never written over."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest

from gridmgmt.adapters import signing, witness
from gridmgmt.adapters.witness import HeadMemory
from gridmgmt.domain.checkpoint import Head, Note
from gridmgmt.domain.merkle import Algorithm
from gridmgmt.errors import InvalidInput, NotFound
from tests.builders_cases import NOW

DAY = date(2026, 11, 23)


def make_note(size: int = 7, no: int = 1) -> Note:
    key = signing.new_key("a/log")
    return key.sign(Head("a/log", size, bytes(32), Algorithm.SHA256, no, NOW))


# Keys.


def test_a_key_file_is_for_its_owner_alone_and_the_same_key_comes_out_of_it(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "sealer.key"
    made = signing.make_key_file(path, "a/log")
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert [p.name for p in sorted(path.parent.iterdir())] == ["sealer.key", "sealer.key.pub"]
    assert signing.load_key_file(path, "a/log").public_key == made.public_key
    assert signing.read_public_text(signing.public_file(path).read_text()) == made.public_key


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "sealer.key"
    first = signing.make_key_file(path, "a/log")
    with pytest.raises(FileExistsError):
        signing.make_key_file(path, "a/log")
    assert signing.load_or_make_key_file(path, "a/log").public_key == first.public_key


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealer.key"
    signing.make_key_file(path, "a/log")
    path.chmod(0o440)
    with pytest.raises(InvalidInput, match="open to others"):
        signing.load_key_file(path, "a/log")


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sealer.key"
    path.write_bytes(content)
    path.chmod(0o400)
    with pytest.raises(InvalidInput, match="no Ed25519 key"):
        signing.load_key_file(path, "a/log")


def test_without_a_key_file_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gridmgmt audit key create"):
        signing.load_key_file(tmp_path / "none", "a/log")


def test_a_public_key_is_read_whole_or_not_at_all() -> None:
    text = signing.public_text("a/log", signing.new_key("a/log").public_key)
    for damaged in ("", text[:-3], text.replace("a/log", "b/log"), text.replace("+", "-"), "a+b+c"):
        with pytest.raises(InvalidInput):
            signing.read_public_text(damaged)


# Heads.


def test_memory_holds_the_newest_head_until_it_is_told_to_forget(tmp_path: Path) -> None:
    memory = HeadMemory(tmp_path / "deep" / "newest.note")
    assert memory.recall() is None
    for note in (make_note(1), make_note(2)):
        memory.remember(note)
        assert memory.recall() == note
    memory.forget()
    memory.forget()
    assert memory.recall() is None


def test_an_exported_head_is_a_note_json_a_page_and_a_line_of_the_journal(tmp_path: Path) -> None:
    note = make_note()
    names = {p.name for p in witness.export_head(tmp_path, note, DAY)}
    assert names == {"head-2026-11-23.note", "head-2026-11-23.json", "head-2026-11-23.html", "heads.jsonl"}
    for name in sorted(names - {"head-2026-11-23.html"}):
        assert list(witness.read_heads(tmp_path / name)) == [note]
    assert list(witness.read_heads(tmp_path)) == [note]
    assert witness.has_day(tmp_path, DAY)
    page = (tmp_path / "head-2026-11-23.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert note.text.split("\n")[2] in page


def test_a_days_files_stay_as_they_are_and_the_journal_only_grows(tmp_path: Path) -> None:
    first, second = make_note(7, 1), make_note(9, 2)
    witness.export_head(tmp_path, first, DAY)
    before = (tmp_path / witness.JOURNAL).read_bytes()
    witness.export_head(tmp_path, second, DAY)
    assert witness.export_head(tmp_path, second, DAY) == []
    assert (tmp_path / "head-2026-11-23.note").read_text(encoding="utf-8") == first.text
    assert (tmp_path / witness.JOURNAL).read_bytes().startswith(before)
    assert list(witness.read_heads(tmp_path)) == [first, second]


def test_what_is_no_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(witness.read_heads(tmp_path / "none.note"))
    for name, content in (("a.note", "x"), ("a.json", "{}"), ("a.jsonl", "[]\n"), ("b.json", "no json")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(InvalidInput):
            list(witness.read_heads(tmp_path / name))


def test_a_head_as_data_has_all_that_a_program_needs() -> None:
    note = make_note()
    facts = witness.as_json(note)
    assert json.loads(json.dumps(facts)) == facts
    assert set(facts) == {"origin", "no", "size", "root", "alg", "at", "kind", "note"}
