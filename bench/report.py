"""What a benchmark hands in, how it is printed, and how it is kept in ``bench/results``.

A benchmark is a module of this package with ``run(options) -> Result``; ``python -m bench`` finds it by that
name. A figure never stands alone: a :class:`Result` has at least two sides that did the same work in the
same run on the same machine, and says whether their answers agreed.

The machine is described by cores, memory and versions; never by its name, its user or a path.
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("geopandas", "h3", "h3ronpy", "numpy", "psycopg", "pyproj", "shapely")


@dataclass(frozen=True, slots=True)
class Options:
    """What may be asked of any benchmark."""

    on: date
    """The day that the result bears."""
    quick: bool = False
    """A small load, to see that it runs; its result is printed but not kept."""


@dataclass(frozen=True, slots=True)
class Side:
    """One contender. ``rate`` counts ``Result.unit`` per second; None where it does not compare."""

    name: str
    rate: float
    note: str = ""
    peak_rss_mb: float | None = None
    differing: int | None = None
    """Answers that differ from ours; None where the question is another one."""


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's outcome; the first side is ours."""

    name: str
    question: str
    unit: str
    sides: tuple[Side, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    goals: dict[str, bool] = field(default_factory=dict)
    """What was promised, and whether this run kept it."""

    def ratio(self, side: Side) -> float:
        """How many times our rate is that of a side."""
        return self.sides[0].rate / side.rate


def machine() -> dict[str, Any]:
    """Facts of the machine that a reader needs to weigh the figures."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages * page_bytes / 2**30),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def table(result: Result) -> str:
    """The result as lines for a terminal."""
    rows = [("", f"{result.unit}/s", "ours ÷ it", "differing", "peak MB", "")]
    rows += [
        (
            side.name,
            f"{side.rate:,.0f}",
            f"{result.ratio(side):.1f}×" if side is not result.sides[0] else "",
            "" if side.differing is None else f"{side.differing:,}",
            "" if side.peak_rss_mb is None else f"{side.peak_rss_mb:,.0f}",
            side.note,
        )
        for side in result.sides
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = [
        "  ".join(
            cell.ljust(width) if column in {0, 5} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    goals = [f"{'kept  ' if kept else 'MISSED'}  {goal}" for goal, kept in result.goals.items()]
    facts = [f"{name}: {value}" for name, value in result.facts.items()]
    return "\n".join([f"== {result.name}: {result.question}", *lines, *facts, *goals])


def write(result: Result, options: Options, folder: Path = RESULTS) -> Path:
    """Keep a result as ``<name>.json``; the same file is written over, history is git's."""
    document = {
        "benchmark": result.name,
        "on": options.on.isoformat(),
        "question": result.question,
        "unit": f"{result.unit}/s",
        "sides": [{**_rounded(side), "ours_over_it": round(result.ratio(side), 2)} for side in result.sides],
        "facts": result.facts,
        "goals": result.goals,
        "machine": machine(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_text(
        json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n", encoding="utf-8"
    )
    return path


def typical_of(work: Callable[[], Any], *, runs: int = 3, at_least_s: float = 5.0) -> tuple[float, Any]:
    """Median seconds of a run, and what the last one returned.

    Parameters
    ----------
    work : what to time.
    runs : at least so many.
    at_least_s : and until so many seconds are spent, so that a short run is not judged by one lucky or
        disturbed moment while a long one averages over them.
    """
    seconds: list[float] = []
    answer = None
    while len(seconds) < runs or sum(seconds) < at_least_s:
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), answer


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function of a module in a fresh process, so that one side's memory does not count for another."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def peak_rss_mb() -> float:
    """The most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main(runs: Sequence[Callable[[Options], Result]], arguments: Sequence[str] | None = None) -> int:
    """Command line of every benchmark: run, print, keep; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--on", type=date.fromisoformat, default=datetime.now(UTC).date(), help="day of the result"
    )
    parser.add_argument("--quick", action="store_true", help="a small load; the result is not kept")
    options = Options(**vars(parser.parse_args(arguments)))
    missed = 0
    for run in runs:
        load_before = os.getloadavg()[0]
        result = run(options)
        result.facts["load_1min_before"] = round(load_before, 1)
        sys.stdout.write(table(result) + "\n\n")
        missed += sum(not kept for kept in result.goals.values())
        if not options.quick:
            write(result, options)
    return int(missed > 0 and not options.quick)


def _rounded(side: Side) -> dict[str, Any]:
    peak_mb = None if side.peak_rss_mb is None else round(side.peak_rss_mb)
    return {**asdict(side), "rate": round(side.rate), "peak_rss_mb": peak_mb}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
