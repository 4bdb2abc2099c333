"""A city of 252 streets, 1.4 million atoms, 16,000 cells: ours and METIS on dask (goal M6).

``python -m bench.partition_city [--quick] [--preset city]``. Twelve streets are drawn and each gets 21 draws
of households; all SYNTHETIC. Drawing and writing them down is not timed. Streets are handed to processes
of dask.distributed, which read, divide and judge; the wall time of a side is that of dividing and judging
all. Ours runs with two workers and with one. ``make bench``
leaves this out: it has no ``run``.
"""

import argparse
import pickle
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from bench.partition_instances import Instance, cells_of, street
from bench.partition_judge import Card, judge
from bench.partition_peers import available, ours
from bench.report import Options, Result, Side, peak_rss_mb, table, write

PROCESSES = 2


def drawn(folder: Path, streets: int, households: int) -> list[Path]:
    """Write so many streets, each with so many draws of households."""
    paths = []
    for seed in range(streets):
        plain = street(f"street {seed}", 100 + seed, communities=15, blocks=330, towers=17.0, households=4.6)
        fields = {name: getattr(plain, name) for name in Instance.__dataclass_fields__}
        for draw in range(households):
            weights = np.random.default_rng([seed, draw]).permutation(plain.weights)
            total = np.bincount(plain.groups, weights)
            k = {group: cells_of(float(load)) for group, load in enumerate(total)}
            path = folder / f"{seed}-{draw}.pickle"
            path.write_bytes(pickle.dumps(Instance(**{**fields, "weights": weights, "k": k})))
            paths.append(path)
    return paths


def divided(task: tuple[Path, str]) -> tuple[float, float, int, Card]:
    """CPU seconds of dividing, peak memory, atoms, card of one street."""
    path, name = task
    instance = pickle.loads(path.read_bytes())
    start = time.process_time()
    if name.startswith("ours "):
        labels = ours(instance, 1, name.removeprefix("ours "))
    else:
        labels = available()[0][name](instance, 1)
    if labels is None:
        raise SystemExit(f"{name} is not known to this engine yet")
    return time.process_time() - start, peak_rss_mb(), len(instance.weights), judge(instance, labels)


def city(paths: list[Path], name: str, workers: int) -> dict[str, Any]:
    """Figures of one side over all streets, cells counting alike."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0
        ) as cluster,
        Client(cluster) as client,
    ):
        # Compiled code is loaded before the clock starts.
        for worker in client.scheduler_info(n_workers=-1)["workers"]:
            client.submit(divided, (paths[0], name), workers=[worker], pure=False).result()
        start = time.perf_counter()
        found = client.gather([client.submit(divided, (path, name), pure=False) for path in paths])
        wall_s = time.perf_counter() - start
    cards = [card for *_, card in found]
    cells = np.array([card.cells for card in cards])
    return {
        "wall_s": round(wall_s, 1),
        "cpu_s": round(sum(seconds for seconds, *_ in found), 1),
        "peak_mb_a_process": round(max(peak for _, peak, *_ in found)),
        "atoms": sum(atoms for _, _, atoms, _ in found),
        "cells": int(cells.sum()),
        "wanted": sum(card.wanted for card in cards),
        "broken": sum(card.broken for card in cards),
        "nested_wrong": sum(card.nested_wrong for card in cards),
        **{
            figure: round(float(np.average([getattr(card, figure) for card in cards], weights=cells)), 4)
            for figure in ("mean", "shape", "in_band")
        },
    }


def run_city(*, quick: bool, preset: str) -> Result:
    """Draw the city and let both sides divide it."""
    side = f"ours {preset}"
    with tempfile.TemporaryDirectory() as folder:
        paths = drawn(Path(folder), 1 if quick else 12, 2 if quick else 21)
        names = [side] + [name for name in ("metis",) if name in available()[0]]
        figures = {name: city(paths, name, PROCESSES) for name in names}
        figures["one worker"] = city(paths, side, 1)
    mine, metis, alone = figures[side], figures.get("metis"), figures["one worker"]
    whole = mine["cells"] == mine["wanted"] and mine["broken"] == 0 and mine["nested_wrong"] == 0
    goals = {
        "M1 city: nothing broken, nothing missing": whole,
        "two workers and one: same figures": all(
            mine[key] == alone[key] for key in ("cells", "mean", "shape", "in_band")
        ),
        "M6: at most 60 s on two processes": mine["wall_s"] <= 60.0,
        "M6: 99.3 % in band": mine["in_band"] >= 0.993,
        "M6: two workers ≥ 1.8× one": alone["wall_s"] >= 1.8 * mine["wall_s"],
        "M6: under 4 GB": PROCESSES * mine["peak_mb_a_process"] < 4096,
    }
    if metis is not None:
        goals["M6: deviation ≤ 0.6× METIS"] = mine["mean"] <= 0.6 * metis["mean"]
    return Result(
        name="partition_city",
        question="how long does a city of many streets take?",
        unit="atoms",
        sides=tuple(
            Side(name, f["atoms"] / max(f["wall_s"], 0.1), peak_rss_mb=f["peak_mb_a_process"])
            for name, f in figures.items()
        ),
        facts=figures,
        goals=goals,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.partition_city", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two streets; the result is not kept")
    parser.add_argument("--preset", default="city")
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    asked = parser.parse_args()
    result = run_city(quick=asked.quick, preset=asked.preset)
    print(table(result))
    if not asked.quick:
        write(result, Options(on=asked.on))
    sys.exit(int(not all(result.goals.values()) and not asked.quick))
