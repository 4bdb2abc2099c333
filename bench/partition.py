"""Dividing streets into cells: our presets and the best partitioners, one run, one judge, three seeds.

Peers are compared where they are valid: contiguous, nested, exactly as many cells as asked for, 95 % of them
in the band. "Best valid" is the best value per figure and instance among the peers' means over those seeds
that were valid. The goals are those of the partition engine (M1 to M9).

``python -m bench.partition [--quick] [--roads FILE]``: a street on real roads is divided too; without a file
it stands on the project's clip of Wuhan (© OpenStreetMap contributors, ODbL 1.0).
"""

import argparse
import functools
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.partition_certificate import least_deviation
from bench.partition_instances import BAND, Instance, street
from bench.partition_judge import Card, judge
from bench.partition_peers import available, ours
from bench.partition_roads import street_of_roads
from bench.report import Options, Result, main
from bench.report import Side as Line

ROADS = Path(__file__).parent.parent / "data/osm/wuhan_roads.parquet"
SEEDS = (1, 2, 3)
PRESETS = ("flash", "city", "fast", "default", "tight", "compact", "road", "quality")
QUICK_PRESETS = ("flash", "fast", "default")
EVEN = ("metis_even50", "kahip_even")
"""Peers that look for even numbers alone: they are shown, and compared on evenness and shape together."""
SMALL = 60
CERTIFICATE_S = 30.0
M2_LIMIT = {"coarse": 0.6, "fine": 0.45, "roads": 0.35}

Runs = dict[str, list[tuple[float, Card]]]


def instances(*, quick: bool) -> list[Instance]:
    """Streets of coarse and of fine atoms, SYNTHETIC."""
    if quick:
        return [street("coarse", 7, communities=3, blocks=40, towers=6.0, households=23.0)]
    return [
        street("coarse", 7, communities=15, blocks=350, towers=6.0, households=23.0),
        street("fine", 7, communities=15, blocks=350, towers=17.0, households=11.0),
    ]


def measured(instance: Instance, *, quick: bool) -> tuple[Runs, list[str]]:
    """Every side's seconds and cards, and lines about sides that could not run."""
    peers, notes = available()
    runs: Runs = {}
    ours(instance, 0)  # compiled code is loaded before the clock starts
    for seed in SEEDS[:1] if quick else SEEDS:
        for preset in QUICK_PRESETS if quick else PRESETS:
            start = time.process_time()
            labels = ours(instance, seed, preset)
            if labels is None:
                note = f"ours {preset}: not known to this engine yet"
                notes += [note] if note not in notes else []
                continue
            _add(runs, f"ours {preset}", start, judge(instance, labels))
        for name, divide in peers.items():
            start = time.process_time()
            _add(runs, name, start, judge(instance, divide(instance, seed)))
    return runs, notes


def _add(runs: Runs, name: str, start: float, card: Card) -> None:
    runs.setdefault(name, []).append((time.process_time() - start, card))


def mean(runs: list[tuple[float, Card]], figure: str) -> float:
    """Mean of a figure over seeds; ``cpu_s`` is the time."""
    return float(np.mean([s if figure == "cpu_s" else getattr(card, figure) for s, card in runs]))


def best_valid(runs: Runs, figure: str, *, low: bool) -> tuple[str, float] | None:
    """The peer that is best in a figure among valid plans; those that give up shape for evenness aside."""
    rivals = {n: rs for n, rs in runs.items() if not n.startswith("ours") and n not in EVEN}
    good = {n: [r for r in rs if r[1].valid] for n, rs in rivals.items()}
    values = {name: mean(rs, figure) for name, rs in good.items() if rs}
    if not values:
        return None
    name = (min if low else max)(values, key=lambda n: values[n])
    return name, values[name]


def goals(name: str, runs: Runs) -> dict[str, bool]:
    """M1 to M5 and M8 for one instance; a goal whose side did not run is not stated."""
    all_ours = [card for side, rs in runs.items() if side.startswith("ours") for _, card in rs]
    kept = {f"M1 {name}: nothing broken, nothing missing": all(card.sound for card in all_ours)}
    balance, free = best_valid(runs, "excess", low=True), best_valid(runs, "worst_free", low=True)
    if "ours quality" in runs and balance and free:
        side, limit = runs["ours quality"], M2_LIMIT.get(name, 0.6)
        rounder = 1.0 if name == "roads" else 1.1
        kept[f"M2 {name}: quality's excess ≤ {limit}× {balance[0]}"] = (
            mean(side, "excess") <= limit * balance[1]
        )
        kept[f"M2 {name}: quality's shape ≥ {rounder}× {balance[0]}"] = mean(side, "shape") >= rounder * mean(
            runs[balance[0]], "shape"
        )
        kept[f"M3 {name}: quality's worst free cell ≤ 0.7× {free[0]}"] = (
            mean(side, "worst_free") <= 0.7 * free[1]
        )
    round_ = best_valid(runs, "shape", low=False)
    if "ours default" in runs and round_:
        side = runs["ours default"]
        kept[f"M4 {name}: default's shape ≥ 1.05× {round_[0]}"] = mean(side, "shape") >= 1.05 * round_[1]
        rivals = [r for r in (round_[0], "mtkahypar_hq") if r in runs]
        kept[f"M4 {name}: default's deviation ≤ 0.8× {' and '.join(rivals)}"] = all(
            mean(side, "mean") <= 0.8 * mean(runs[rival], "mean") for rival in rivals
        )
        if "mtkahypar_hq" in runs:
            kept[f"M4 {name}: default's shape no worse than mtkahypar_hq"] = mean(side, "shape") >= mean(
                runs["mtkahypar_hq"], "shape"
            )
    return kept | _speed_goals(name, runs) | _road_goals(name, runs)


def beaten(name: str, runs: Runs) -> dict[str, Any]:
    """For each peer with a valid plan, our presets that are both evener and rounder than its valid plans."""
    found = {}
    for peer, rs in runs.items():
        good = [r for r in rs if r[1].valid]
        if good and not peer.startswith("ours"):
            found[peer] = [
                side for side, own in runs.items()
                if side.startswith("ours")
                and mean(own, "mean") < mean(good, "mean") and mean(own, "shape") > mean(good, "shape")
            ]  # fmt: skip
    return {f"{name}: evener and rounder than": found}


def _speed_goals(name: str, runs: Runs) -> dict[str, bool]:
    kept = {}
    # KaHIP's contiguous mode is in no wheel: the best of its runs whose parts happened to be whole stands in.
    whole = [r for r in runs.get("kahip_best", []) if r[1].sound]
    if "ours fast" in runs and whole:
        kept[f"M5 {name}: fast has shape ≥ 1.05×, deviation ≤ 1.2× kahip_best at 30× its speed"] = (
            mean(runs["ours fast"], "shape") >= 1.05 * mean(whole, "shape")
            and mean(runs["ours fast"], "mean") <= 1.2 * mean(whole, "mean")
            and 30.0 * mean(runs["ours fast"], "cpu_s") <= mean(whole, "cpu_s")
        )
    if "ours flash" in runs and "metis" in runs:
        kept[f"M5 {name}: flash is faster than metis with better balance and shape"] = (
            mean(runs["ours flash"], "cpu_s") < mean(runs["metis"], "cpu_s")
            and mean(runs["ours flash"], "mean") < mean(runs["metis"], "mean")
            and mean(runs["ours flash"], "shape") > mean(runs["metis"], "shape")
        )
    return kept


def _road_goals(name: str, runs: Runs) -> dict[str, bool]:
    if "ours road" not in runs or name == "roads":
        return {}
    side, limit = runs["ours road"], 0.65 if name == "fine" else 0.7
    lined = mean(side, "on_lines") >= limit and mean(side, "shape") >= 0.59 and mean(side, "mean") <= 0.025
    return {f"M8 {name}: road has {limit:.0%} on lines, shape 0.59, deviation 2.5 %": lined}


def changed(instance: Instance, seed: int) -> Instance:
    """The street some years later: 4 % of the atoms grow 2 to 3.5 times, 3 % lose 60 %, others ±5 %."""
    rng = np.random.default_rng(seed)
    draw = rng.random(len(instance.weights))
    factor = rng.uniform(0.95, 1.05, len(draw))
    factor[draw < 0.04] = rng.uniform(2.0, 3.5, int((draw < 0.04).sum()))
    factor[draw > 0.97] = 0.4
    weights = np.minimum(440.0, np.round(instance.weights * factor))
    fields = {name: getattr(instance, name) for name in instance.__dataclass_fields__}
    return Instance(**{**fields, "weights": weights})


def moved(instance: Instance, before: Any, after: Any) -> float:
    """Share of households whose cell is another one, with the numbers that fit best (greedy by overlap)."""
    _, old = np.unique(before, return_inverse=True)
    _, new = np.unique(after, return_inverse=True)
    overlap = np.zeros((old.max() + 1, new.max() + 1))
    np.add.at(overlap, (old, new), instance.weights)
    stay = 0.0
    while overlap.size and overlap.max() > 0.0:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        stay += overlap[row, column]
        overlap[row, :], overlap[:, column] = 0.0, 0.0
    return float(1.0 - stay / instance.weights.sum())


def replanned(instance: Instance) -> tuple[dict[str, Any], dict[str, bool]]:
    """M7: our plan after change against the best peer's new plan, by households that get another cell."""
    before = ours(instance, 1)
    later = changed(instance, 11)
    after = ours(later, 1, previous=before)
    load = np.bincount(before, later.weights)
    outside = max(np.clip(load - BAND[1], 0.0, None).sum(), np.clip(BAND[0] - load, 0.0, None).sum())
    bound = float(outside / later.weights.sum())
    peers, _ = available()
    shares, inside = {}, {}
    for name, divide in peers.items():
        labels = divide(later, 1)
        card = judge(later, labels)
        if card.sound:
            shares[name], inside[name] = round(moved(later, before, labels), 4), round(card.in_band, 4)
    facts: dict[str, Any] = {
        f"M7 {instance.name}: moved by new plans of sound peers": shares,
        f"M7 {instance.name}: in band by them": inside,
        f"M7 {instance.name}: must move": round(bound, 4),
    }
    if after is None:
        facts[f"M7 {instance.name}"] = "not known to this engine yet"
        return facts, {}
    share = moved(later, before, after)
    facts[f"M7 {instance.name}: moved by ours"] = round(share, 4)
    in_band = judge(later, after).in_band
    facts[f"M7 {instance.name}: in band"] = round(in_band, 4)
    kept = {f"M7 {instance.name}: moved ≤ 3.5× what must move": share <= 3.5 * bound} if bound > 0 else {}
    if shares:
        best = min(shares, key=lambda peer: shares[peer])
        kept[f"M7 {instance.name}: moved ≤ 0.18× {best}"] = share <= 0.18 * shares[best]
        kept[f"M7 {instance.name}: in band no less than {best}"] = in_band >= inside[best] - 1e-4
    return facts, kept


def certified(*, quick: bool) -> tuple[dict[str, Any], dict[str, bool]]:
    """M9: a community under 60 atoms, our closest plan against CP-SAT that begins from it."""
    gaps = []
    for seed in (1,) if quick else (1, 2, 3):
        small = street("small", seed, communities=1, blocks=6, towers=7.0, households=30.0)
        labels = next(
            (found for preset in ("quality", "tight", "default")
             if (found := ours(small, 1, preset)) is not None), None,
        )  # fmt: skip
        if labels is None or len(small.weights) >= SMALL or labels.max() == 0:
            continue
        least = least_deviation(small.edges, small.weights, labels, 5.0 if quick else CERTIFICATE_S)
        if least is None:
            return {"M9": "ortools is not installed"}, {}
        gaps.append(round(100.0 * (judge(small, labels).mean - least), 3))
    facts = {"M9: points of deviation above CP-SAT": gaps}
    return facts, {"M9: within 0.2 points of CP-SAT": max(gaps) <= 0.2} if gaps else {}


def table_of(runs: Runs) -> list[str]:
    """The instance's table, a line a side."""
    head = ("", "cpu s", "cells", "broken", "mean %", "excess %", "free %", "max %", "band %", "PP", "p10",
            "MI", "cut km", "lines %", "valid")  # fmt: skip
    rows: list[Iterable[str]] = [head]
    for name, rs in runs.items():
        short, broken = mean(rs, "cells") - mean(rs, "wanted"), mean(rs, "broken")
        rows.append(
            [name, f"{mean(rs, 'cpu_s'):.2f}", f"{short:+.1f}", f"{broken:.1f}"]
            + [f"{100 * mean(rs, f):.2f}" for f in ("mean", "excess", "worst_free", "worst", "in_band")]
            + [f"{mean(rs, f):.3f}" for f in ("shape", "shape_p10", "inertia")]
            + [f"{mean(rs, 'cut_km'):.1f}", f"{100 * mean(rs, 'on_lines'):.0f}"]
            + [f"{sum(card.valid for _, card in rs)}/{len(rs)}"]
        )
    return ["".join(str(cell).ljust(14) if i == 0 else str(cell).rjust(9) for i, cell in enumerate(row))
            for row in rows]  # fmt: skip


def run(options: Options, roads: Path = ROADS) -> Result:
    """Measure every instance, then change and certificates."""
    facts: dict[str, Any] = {}
    kept: dict[str, bool] = {}
    lines: list[Line] = []
    every = instances(quick=options.quick)
    if not options.quick:
        every.append(street_of_roads(roads))
    for instance in every:
        runs, notes = measured(instance, quick=options.quick)
        facts[f"{instance.name}: atoms, communities, cells"] = [
            len(instance.weights), len(instance.k), sum(instance.k.values()),
        ]  # fmt: skip
        for note in notes:
            print(f"left out  {note}")
        facts[f"{instance.name}: left out"] = notes
        print(f"-- {instance.name}", *table_of(runs), sep="\n")
        facts[f"{instance.name}: figures"] = {
            name: {"cpu_s": round(mean(rs, "cpu_s"), 3), "valid": [card.valid for _, card in rs]}
            | {figure: round(mean(rs, figure), 4) for figure in asdict(rs[0][1])}
            for name, rs in runs.items()
        }
        facts |= beaten(instance.name, runs)
        kept |= goals(instance.name, runs)
        part = replanned(instance)
        facts, kept = facts | part[0], kept | part[1]
        order = sorted(runs, key=lambda side: (side != "ours default", not side.startswith("ours")))
        lines += [
            Line(f"{instance.name}: {side}", len(instance.weights) / max(mean(runs[side], "cpu_s"), 1e-3),
                 note="" if all(card.valid for _, card in runs[side]) else "not valid")
            for side in order
        ]  # fmt: skip
    part = certified(quick=options.quick)
    return Result(
        name="partition",
        question="which cells does each partitioner draw, how good are they, how long does it take?",
        unit="atoms",
        sides=tuple(lines),
        facts=facts | part[0],
        goals=kept | part[1],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--roads", type=Path, default=ROADS)
    asked, rest = parser.parse_known_args()
    sys.exit(main([functools.partial(run, roads=asked.roads)], rest))
