"""The pool of limited processes that look into photos and recordings (``image_worker.py``).

Each job goes to one warm process. One that takes too long, dies or answers nonsense is killed and replaced;
one that has done its share of jobs is ended, so that nothing a file did to it lasts. An answer is checked
like any stranger's: sizes, types, and that a derivative is a JPEG.
"""

import json
import os
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from gridmgmt.adapters.evidence.sound import KIND, MOST_BYTES, MOST_MS
from gridmgmt.errors import UnacceptablePhoto, Unavailable

Lines = Sequence[Sequence[tuple[str, str]]]

SIDES = {"screen": 1600, "thumb": 320}
_MOST_JOBS = 100
_MOST_HEADER_BYTES = 64 * 2**10
_MOST_DERIVED_BYTES = 4 * 2**20
_PIECE_BYTES = 2**20
# CPU is limited to ten seconds inside; on a busy machine they take longer on the wall.
_PATIENCE_S = 30.0
_START_PATIENCE_S = 60.0
_MESSAGES = {
    "not_an_image": "This is not a JPEG, PNG or WebP image.",
    "too_many_pixels": "The photo has too many pixels.",
    "animated": "An animation is not a photo.",
    "profile_too_large": "The colour profile is unreasonably large.",
    "exif_loop": "The camera's notes refer to themselves.",
    "polyglot": "The photo carries a page, an archive or a document.",
    "truncated": "The image is cut short or damaged.",
    "too_costly": "Decoding the photo took more than is allowed.",
    "not_a_recording": "This is not a recording of Opus in WebM or Ogg.",
    "recording_too_long": "The recording is longer than three minutes.",
    "recording_damaged": "The recording is damaged, or holds more than a recording needs.",
}


@dataclass(frozen=True, slots=True)
class Examined:
    """What the limited process found; ``exif`` is ``none``, ``read`` or ``unreadable``.

    A picture has width and height, a recording has ``duration_ms`` and the one derivative ``sound``.
    """

    media_type: str
    width: int | None
    height: int | None
    exif: str
    meta: Mapping[str, Any]
    derived: Mapping[str, bytes] = field(repr=False)
    duration_ms: int | None = None

    @property
    def is_recording(self) -> bool:
        """Whether it is heard and not seen."""
        return self.duration_ms is not None


class Examiner(Protocol):
    """Looks into photos and recordings."""

    def examine(self, content: bytes, *, lines: Lines, derive: Sequence[str]) -> Examined:
        """Facts and derivatives; raises UnacceptablePhoto, Unavailable."""
        ...


class WorkerFailedError(Exception):
    """The process died, took too long or answered nonsense."""


class ImagePool:
    """Warm processes, started when first needed.

    Parameters
    ----------
    size : how many photos are looked into at once.
    font : file of the font with the labels' Chinese characters; without it labels are English.
    patience_s : wall-clock seconds that a job may take before its process is killed.
    """

    def __init__(self, *, size: int = 2, font: Path | None = None, patience_s: float = _PATIENCE_S) -> None:
        self._font = font.read_bytes() if font is not None and font.is_file() else None
        self._patience_s = patience_s
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._size = size
        for _ in range(size):
            self._idle.put(None)
        self._closed = threading.Event()

    def examine(self, content: bytes, *, lines: Lines, derive: Sequence[str] = ()) -> Examined:
        """Facts of a photo or recording and its derivatives by name; ``derive`` is of photos.

        Raises
        ------
        UnacceptablePhoto
            ``facts["reason"]`` says why; ``too_costly`` when it broke its process or the limits.
        Unavailable
            No process became free or could be started.
        """
        header = {"derive": [[name, SIDES[name]] for name in derive], "lines": [list(x) for x in lines]}
        worker = self._take()
        kept: _Worker | None = None
        try:
            answer, blobs = worker.ask(header, content, self._patience_s)
            kept = worker
        except WorkerFailedError as fault:
            raise UnacceptablePhoto(_MESSAGES["too_costly"], rule="R41c", reason="too_costly") from fault
        finally:
            if kept is None or kept.jobs >= _MOST_JOBS or self._closed.is_set():
                worker.kill()
                kept = None
            self._idle.put(kept)
        if (reason := answer.get("refused")) is not None:
            known = reason if reason in _MESSAGES else "truncated"
            raise UnacceptablePhoto(_MESSAGES[known], rule="R41c", reason=known)
        if str(answer.get("media_type", "")).startswith("audio/"):
            return _checked_recording(answer, blobs)
        return _checked(answer, blobs, derive)

    def walls(self) -> Mapping[str, Any]:
        """Which walls of the sandbox stand here: ``network_namespace``, ``seccomp``."""
        worker = self._take()
        self._idle.put(worker)
        return {name: worker.hello.get(name) for name in ("network_namespace", "seccomp", "language")}

    def close(self) -> None:
        """End the idle processes; busy ones end with their job."""
        self._closed.set()
        for _ in range(self._size):
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                break
            if worker is not None:
                worker.kill()
            self._idle.put(None)

    def _started(self) -> "_Worker":
        try:
            return _Worker(self._font)
        except WorkerFailedError:
            # It was killed before it could greet, by the kernel for memory or by a person: once more.
            return _Worker(self._font)

    def _take(self) -> "_Worker":
        try:
            worker = self._idle.get(timeout=self._patience_s)
        except queue.Empty as exc:
            raise Unavailable("Too many photos at once; try again.", retry_after_s=10) from exc
        if worker is not None:
            if worker.is_alive():
                return worker
            worker.kill()
        try:
            return self._started()
        except (OSError, WorkerFailedError) as exc:
            self._idle.put(None)
            raise Unavailable("Photos cannot be looked into now; try again.", retry_after_s=30) from exc


class _Worker:
    """One process, and the two pipes to it."""

    def __init__(self, font: bytes | None) -> None:
        self.jobs = 0
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "gridmgmt.adapters.evidence.image_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            # Nothing of ours is a stranger's decoder's business: not the database's URL, not a key.
            env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
            bufsize=0,
        )
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        try:
            self.hello, _ = self.ask({"font": font is not None}, font or b"", _START_PATIENCE_S)
        except WorkerFailedError:
            self.kill()
            raise

    @property
    def _in(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101  for the type checker: it is a pipe
        return self._process.stdin

    @property
    def _out(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101  for the type checker: it is a pipe
        return self._process.stdout

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()

    def ask(
        self, header: Mapping[str, Any], content: bytes, patience_s: float
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Send one request and read its answer.

        Raises
        ------
        WorkerFailedError
            No proper answer in time.
        """
        self.jobs += 1
        ends_at = time.monotonic() + patience_s
        text = json.dumps(header).encode()
        self._write(struct.pack(">IQ", len(text), len(content)) + text, ends_at)
        self._write(content, ends_at)
        header_bytes, body_bytes = struct.unpack(">IQ", self._read(12, ends_at))
        if header_bytes > _MOST_HEADER_BYTES or body_bytes > len(SIDES) * _MOST_DERIVED_BYTES:
            raise WorkerFailedError
        try:
            answer = json.loads(self._read(header_bytes, ends_at))
            body = self._read(body_bytes, ends_at)
            blobs = []
            for length in answer["blobs"]:
                blobs.append(body[:length])
                body = body[length:]
        except (ValueError, TypeError, KeyError) as exc:
            raise WorkerFailedError from exc
        return answer, blobs

    def _write(self, data: bytes, ends_at: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._in, select.POLLOUT, ends_at)
            try:
                view = view[os.write(self._in.fileno(), view[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue
            except OSError as exc:
                raise WorkerFailedError from exc

    def _read(self, count: int, ends_at: float) -> bytes:
        pieces = bytearray()
        while len(pieces) < count:
            _wait(self._out, select.POLLIN, ends_at)
            try:
                piece = os.read(self._out.fileno(), min(_PIECE_BYTES, count - len(pieces)))
            except BlockingIOError:
                continue
            except OSError as exc:
                raise WorkerFailedError from exc
            if not piece:
                raise WorkerFailedError
            pieces += piece
        return bytes(pieces)


def _wait(pipe: IO[bytes], what: int, ends_at: float) -> None:
    poll = select.poll()
    poll.register(pipe, what)
    left_ms = max(0, int((ends_at - time.monotonic()) * 1000))
    if not poll.poll(left_ms):
        raise WorkerFailedError


def _checked(answer: Mapping[str, Any], blobs: Sequence[bytes], derive: Sequence[str]) -> Examined:
    """The answer as facts; one that is not what it should be counts as a broken process's."""
    try:
        width, height, media_type = answer["width"], answer["height"], answer["media_type"]
        meta = answer["meta"]
        sound = (
            all(isinstance(n, int) and 0 < n < 2**16 for n in (width, height))
            and media_type in {"image/jpeg", "image/png", "image/webp"}
            and answer["exif"] in {"none", "read", "unreadable"}
            and isinstance(meta, dict)
            and len(blobs) == len(derive)
            and all(b[:3] == b"\xff\xd8\xff" and len(b) <= _MOST_DERIVED_BYTES for b in blobs)
        )
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise UnacceptablePhoto(_MESSAGES["too_costly"], rule="R41c", reason="too_costly")
    return Examined(media_type, width, height, answer["exif"], meta, dict(zip(derive, blobs, strict=True)))


def _checked_recording(answer: Mapping[str, Any], blobs: Sequence[bytes]) -> Examined:
    duration_ms = answer.get("duration_ms")
    sound = (
        isinstance(duration_ms, int)
        and 0 < duration_ms <= MOST_MS
        and answer["media_type"] in {"audio/webm", "audio/ogg"}
        and len(blobs) == 1
        and blobs[0][:4] == b"OggS"
        and len(blobs[0]) <= 2 * MOST_BYTES
    )
    if not sound:
        raise UnacceptablePhoto(_MESSAGES["too_costly"], rule="R41c", reason="too_costly")
    return Examined(answer["media_type"], None, None, "none", {}, {KIND: blobs[0]}, duration_ms)
