"""The fewest cut edges on graphs whose optimum is known: twelve states' counties and 25 precincts.

The other side is the proof: published optima of a commercial solver, and all 117,688 plans enumerated. A rate
counts graphs solved in a second; the goal is the proved optimum within 60 s on one core, whatever the seed.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Options, Result, Side, main
from gridmgmt.planning.coverage import components
from gridmgmt.planning.cutedges import search_cut_edges

DATA = Path(__file__).parents[1] / "data" / "districting"
LIMIT_S = 60.0
SEEDS = (0, 1, 2)
QUICK_STATES = ("NM", "ID")


def problems(*, quick: bool) -> list[tuple[str, Any, Any, int, float, int]]:
    """(name, pairs, weights, parts, tolerance, proved optimum)."""
    known = json.loads((DATA / "proved_optima.json").read_text())
    found = []
    for state, facts in known["states"].items():
        if quick and state not in QUICK_STATES:
            continue
        graph = json.loads((DATA / "county" / facts["file"]).read_text())
        pairs = np.array([edge[:2] for edge in graph["edges"]])
        weights = np.array([node["population"] for node in graph["nodes"]], dtype=np.float64)
        found.append((state, pairs, weights, facts["k"], known["tolerance"], facts["fewest_cut_edges"]))
    few = json.loads((DATA / "fl25.json").read_text())
    for tolerance, fewest in few["fewest_cut_edges_by_tolerance"].items():
        pairs, weights = np.array(few["edges"]), np.array(few["populations"], dtype=np.float64)
        found.append(
            (f"fl25 ±{float(tolerance):.0%}", pairs, weights, few["parts"], float(tolerance), fewest)
        )
    return found[:3] if quick else found


def valid(labels: Any, pairs: Any, weights: Any, k: int, tolerance: float) -> bool:
    """Judge from nothing: k connected parts within the tolerance."""
    inner = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    whole = len(np.unique(components(len(weights), inner))) == k == len(np.unique(labels))
    off = np.abs(np.bincount(labels, weights, k) * k / weights.sum() - 1.0)
    return bool(whole and off.max() <= tolerance + 1e-9)


def run(options: Options) -> Result:
    """Solve every graph with every seed."""
    todo = problems(quick=options.quick)
    search_cut_edges([(0, 1)], [1, 1], 2, tolerance=0.0)  # compiled code is loaded before the clock starts
    figures, kept, all_s = {}, {}, []
    for name, pairs, weights, k, tolerance, fewest in todo:
        cuts, seconds = [], []
        for seed in SEEDS[:1] if options.quick else SEEDS:
            start = time.process_time()
            plan = search_cut_edges(pairs, weights, k, tolerance=tolerance, seed=seed)
            seconds.append(round(time.process_time() - start, 2))
            sound = valid(plan.labels, pairs, weights, k, tolerance)
            cut = int((plan.labels[pairs[:, 0]] != plan.labels[pairs[:, 1]]).sum())
            cuts.append(cut if sound else -1)
        figures[name] = {"proved": fewest, "found": cuts, "cpu_s": seconds}
        all_s += seconds
        kept[f"{name}: {fewest} cut edges within 60 s"] = set(cuts) == {fewest} and max(seconds) <= LIMIT_S
        print(f"{name.ljust(12)} proved {fewest:3d}  found {cuts}  cpu s {seconds}", flush=True)
    return Result(
        name="partition_cuts",
        question="are proved optima of the fewest cut edges found?",
        unit="graphs",
        sides=(Side("search_cut_edges", len(all_s) / sum(all_s), note="until it ends by itself"),),
        facts={"graphs": figures, "slowest cpu_s": max(all_s)},
        goals=kept,
    )


if __name__ == "__main__":
    sys.exit(main([run]))
