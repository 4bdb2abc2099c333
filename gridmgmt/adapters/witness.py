"""Heads outside the database: the sealer's own memory, and copies for witnesses.

A head proves nothing to whoever may rewrite the place where it lies. So the newest head is kept in a file
beside the key (the sealer refuses to go on from a database that has forgotten it), and heads are copied
to a directory that somebody else looks after: another host, a district's share, paper.

``heads.jsonl`` in such a directory is only ever appended to; make it so for everybody with ``chattr +a``.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import date, timedelta, timezone
from html import escape
from pathlib import Path

import segno

from gridmgmt.domain.checkpoint import Note, instant, parse_note
from gridmgmt.errors import InvalidInput, NotFound

JOURNAL = "heads.jsonl"
CHINA = timezone(timedelta(hours=8))
"""A witness's day is China's, whatever the server's clock shows."""


class HeadMemory:
    """The newest head that was sealed into one database, as a file beside the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self) -> Note | None:
        """The head; None when nothing was sealed yet."""
        try:
            return parse_note(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def remember(self, note: Note) -> None:
        """Keep a head instead of the one before; to be called when it is committed."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_whole(self._path, note.text)

    def forget(self) -> None:
        """Keep nothing: the database was emptied on purpose."""
        self._path.unlink(missing_ok=True)


def as_json(note: Note) -> dict[str, object]:
    """A head as data, with the note that is signed."""
    head = note.head
    return {
        "origin": head.origin,
        "no": head.no,
        "size": head.size,
        "root": head.root.hex(),
        "alg": str(head.algorithm),
        "at": instant(head.at),
        "kind": str(head.kind),
        "note": note.text,
    }


def qr_svg(note: Note) -> str:
    """The note as a QR code, an SVG element."""
    return segno.make(note.text, micro=False, error="m").svg_inline(scale=4, border=4)


def printable(note: Note, day: date) -> str:
    """A page to print and file: the note in letters and as a QR code."""
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        f"<title>审计日志封印 {day}</title><style>body{{font:14px monospace;margin:2cm}}"
        "pre{white-space:pre-wrap;word-break:break-all}</style>"
        f"<h1>审计日志封印 {day}</h1><h2>Head of the audit log, {note.head.size} rows</h2>"
        f"<pre>{escape(note.text)}</pre>{qr_svg(note)}</html>\n"
    )


def export_head(directory: Path, note: Note, day: date) -> list[Path]:
    """Write a day's head for a witness: the note, JSON, a page to print, and a line in the journal.

    Files of a day that are there already stay as they are; the journal gets each head once.

    Returns
    -------
    The files that were written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        "note": note.text,
        "json": json.dumps(as_json(note), ensure_ascii=False, indent=2) + "\n",
        "html": printable(note, day),
    }
    written = []
    for ending, content in contents.items():
        path = directory / f"head-{day}.{ending}"
        with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
            file.write(content)
            written.append(path)
    journal = directory / JOURNAL
    if not journal.exists() or note.text not in {n.text for n in read_heads(journal)}:
        line = json.dumps(as_json(note), ensure_ascii=False) + "\n"
        descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        written.append(journal)
    return written


def has_day(directory: Path, day: date) -> bool:
    """Whether the witness has a head of that day."""
    return (directory / f"head-{day}.note").exists()


def read_heads(path: Path) -> Iterator[Note]:
    """The heads of a file: a note, its JSON, or a journal; of a directory, those of its journal.

    Raises
    ------
    NotFound
        No such file.
    InvalidInput
        The file holds something else.
    """
    if path.is_dir():
        path = path / JOURNAL
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    try:
        if path.suffix == ".jsonl":
            yield from (parse_note(json.loads(line)["note"]) for line in text.splitlines() if line)
        elif path.suffix == ".json":
            yield parse_note(json.loads(text)["note"])
        else:
            yield parse_note(text)
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(f"{path} holds no heads.") from None


def _write_whole(path: Path, text: str) -> None:
    beginning = path.with_name(f"{path.name}.part")
    with beginning.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beginning.replace(path)
