"""Checking a large geometry in a process of its own, bounded in time and memory.

A file that a planner brings may hold thousands of polygons. Python cannot interrupt GEOS, so the check runs
where it can be ended: a child with limits of CPU seconds and of memory, that reads the text from its
standard input, runs the gate (:mod:`gridmgmt.geo.gate`) and prints the answer. It holds no connection and
no secret, and what it dies of is a refusal here.
"""

import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.errors import InvalidGeometry, Unavailable
from gridmgmt.geo.gate import CHINA, MOST_FILE_BYTES, Frame, parse_cells

_STOPPED = frozenset({-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds of CPU and bytes of address space; by the clock the child has three times as many seconds."""

    cpu_s: int = 10
    memory_bytes: int = 2**30


def read_cells(
    content: bytes, frame: Frame = CHINA, bounds: Bounds = Bounds()
) -> list[tuple[Mapping[str, Any], BaseGeometry]]:
    """As ``geo.gate.parse_cells``, in a bounded process.

    Raises
    ------
    InvalidGeometry
        As there; with the hint ``too_costly`` when the process needed more than its bounds.
    Unavailable
        A stop reached the process before it had begun.
    """
    if len(content) > MOST_FILE_BYTES:
        raise InvalidGeometry("The file has too many bytes.", hint="too_many_bytes", limit=MOST_FILE_BYTES)
    command = [
        sys.executable, "-m", "gridmgmt.adapters.bounded",
        str(bounds.cpu_s), str(bounds.memory_bytes), *(repr(edge) for edge in frame),
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603  our own program, numbers as arguments
            command, input=content, capture_output=True, timeout=3 * bounds.cpu_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise _too_costly() from None
    if done.returncode in _STOPPED:
        raise Unavailable("The server is stopping; try again.", retry_after_s=10)
    if done.returncode != 0:
        raise _too_costly()
    answer = orjson.loads(done.stdout)
    if "refused" in answer:
        raise InvalidGeometry(answer["refused"], **answer["facts"])
    return [(properties, shapely.from_wkb(wkb)) for properties, wkb in answer["cells"]]


def _too_costly() -> InvalidGeometry:
    return InvalidGeometry("Checking this geometry costs more than is spent on one.", hint="too_costly")


def _answer(content: bytes, frame: Frame) -> dict[str, Any]:
    try:
        cells = parse_cells(content, frame)
    except InvalidGeometry as refusal:
        return {"refused": refusal.message, "facts": dict(refusal.facts)}
    return {"cells": [(properties, shape.wkb_hex) for properties, shape in cells]}


def main(arguments: list[str]) -> None:
    """The child: CPU seconds, bytes of memory, the four edges of the frame."""
    cpu_s, memory_bytes, *edges = arguments
    # A stop that signals every process of the server lets the check under way end; its answer is near.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    west, south, east, north = map(float, edges)
    answer = _answer(sys.stdin.buffer.read(), Frame(west, south, east, north))
    sys.stdout.buffer.write(orjson.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
