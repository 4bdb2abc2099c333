"""Log lines: structured, in every process, and without personal data by construction.

A line holds only keys of :data:`ALLOWED`; another key is dropped and its name kept, so that a forgotten
one is seen in tests and not in a log. Of an exception go into the log its class, its code or SQLSTATE and
where it came from, never its message: the database quotes values in those (``Key (phone)=(138…)``). What
libraries say through the standard ``logging`` is held to the same.

Never logged: query strings, bodies, headers, addresses, names, positions. A person is her id.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any

import orjson
import structlog

ALLOWED = frozenset(
    {
        # of every line
        "event", "level", "timestamp", "process",
        # of a request
        "request_id", "actor_id", "method", "route", "status", "duration_ms", "code",
        # of an error
        "error", "trace", "sqlstate", "dropped",
        # of libraries
        "logger", "message",
        # of our own events: counts, durations, ids that name no person
        "retry_in_s", "size", "count", "case_id", "object_kind", "rule", "revision", "kind", "reason",
        "check", "age_s", "seconds", "bytes", "label", "host", "port", "processes", "number", "setting",
    }
)  # fmt: skip
MASK = "[masked]"
# A run of digits as long as a telephone or identity number that stands alone; in a UUID or a digest its
# neighbours are hexadecimal.
_NUMBER_OF_A_PERSON = re.compile(r"(?<![0-9A-Fa-f-])\d{11,18}[Xx]?(?![0-9A-Fa-f-])")
_LONGEST = 300
_MOST_FRAMES = 12
# Whose own words hold no values: start, stop, ports.
_TALKATIVE = ("uvicorn",)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class _Stream:
    """The standard error of the start; should that be closed, the present one."""

    def __init__(self, stream: Any, present: Callable[[], Any]) -> None:
        self._stream, self._present = stream, present

    def write(self, piece: Any) -> None:
        """Write text or bytes, whichever the stream takes."""
        self._now().write(piece)

    def flush(self) -> None:
        """Push it out."""
        self._now().flush()

    def _now(self) -> Any:
        return self._present() if self._stream.closed else self._stream


def configure(level: str, *, as_json: bool, process: str) -> None:
    """Set up this process's log lines, on stderr; every process calls it once at its start.

    Parameters
    ----------
    as_json : one JSON object a line, for machines; else coloured lines for a person.
    process : what kind of process this is, such as ``api`` or ``worker``.
    """
    renderer: Any = structlog.dev.ConsoleRenderer()
    factory: Any = structlog.PrintLoggerFactory(_Stream(sys.stderr, lambda: sys.stderr))  # type: ignore[arg-type]
    if as_json and hasattr(sys.stderr, "buffer"):
        renderer, factory = (
            structlog.processors.JSONRenderer(orjson.dumps),
            structlog.BytesLoggerFactory(_Stream(sys.stderr.buffer, lambda: sys.stderr.buffer)),  # type: ignore[arg-type]
        )
    elif as_json:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _named(process),
            without_messages,
            only_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number_of(level)),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    handler = _Handed()
    logging.basicConfig(handlers=[handler], level=max(_number_of(level), logging.WARNING), force=True)
    for name in _TALKATIVE:
        # Set up by nobody else: uvicorn is started without a log configuration of its own.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _number_of(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def _named(process: str) -> Callable[[Any, str, MutableMapping[str, Any]], Mapping[str, Any]]:
    def name_it(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
        line["process"] = process
        return line

    return name_it


def without_messages(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by what it is and where it was raised."""
    given = line.pop("exc_info", None)
    if not given:
        return line
    error = (
        given
        if isinstance(given, BaseException)
        else (given if isinstance(given, tuple) else sys.exc_info())[1]
    )
    if error is not None:
        line.update(facts_of(error))
    return line


def facts_of(error: BaseException) -> dict[str, Any]:
    """Class, code and origin of an error and of those that caused it; not a word of their messages."""
    chain: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 5:
        chain.append(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    facts: dict[str, Any] = {
        "error": " < ".join(type(e).__name__ for e in chain),
        "trace": [
            f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
        ],
    }
    for one in chain:
        for holder in (one, getattr(one, "orig", None)):
            if isinstance(state := getattr(holder, "sqlstate", None), str):
                facts.setdefault("sqlstate", state)
        if isinstance(code := getattr(one, "code", None), str) and re.fullmatch(r"[a-z_]+", code):
            facts.setdefault("code", code)
    return facts


def only_allowed(_: Any, __: str, line: MutableMapping[str, Any]) -> dict[str, Any]:
    """Drop every key that is not allowed, and mask what looks like a person's number in the rest."""
    kept = {key: _plain(value) for key, value in line.items() if key in ALLOWED}
    if len(kept) != len(line):
        kept["dropped"] = sorted(set(line) - ALLOWED)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value[:_MOST_FRAMES]]
    text = str(value)[:_LONGEST]
    return _NUMBER_OF_A_PERSON.sub(MASK, text) if any(c.isdigit() for c in text) else text


class _Handed(logging.Handler):
    """Hands what libraries log to structlog; of those that may quote values only that they spoke."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        line: dict[str, Any] = {"logger": record.name, "number": record.lineno}
        if record.name.startswith(_TALKATIVE) and not record.exc_info:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, "library_said", **line)
