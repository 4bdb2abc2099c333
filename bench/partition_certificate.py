"""How near to the best possible: small communities against CP-SAT, by deviation alone.

CP-SAT is given our labels as a hint and a time limit and minimises the sum of deviations under the rule that
every atom is joined to its cell's centre by neighbours nearer to it (Zoltners and Sinha 1983), a little
stricter than contiguity; with the hint's own cells as they are it never answers worse than the hint.
"""

from typing import Any

import numpy as np


def least_deviation(edges: Any, weights: Any, labels: Any, limit_s: float) -> float | None:
    """Mean deviation that CP-SAT reaches from our labels, as a share; None when ortools is not installed."""
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415
    except ImportError:
        return None
    k, nodes = int(labels.max()) + 1, len(weights)
    model = cp_model.CpModel()
    inside = [[model.new_bool_var(f"x{i}_{j}") for j in range(k)] for i in range(nodes)]
    off = [model.new_int_var(0, int(weights.sum()) * k, f"d{j}") for j in range(k)]
    for i in range(nodes):
        model.add_exactly_one(inside[i])
    total = int(weights.sum())
    for j in range(k):
        load = sum(int(weights[i]) * inside[i][j] for i in range(nodes))
        model.add(off[j] >= k * load - total)
        model.add(off[j] >= total - k * load)
    around: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in edges.tolist():
        around[a].append(b)
        around[b].append(a)
    for j in range(k):
        # The hint's own tree is a joining path for each of its atoms, so the hint is a solution.
        steps = _steps(around, labels, j)
        for i in range(nodes):
            if steps[i] == 0:
                model.add(inside[i][j] == 1)
            else:
                nearer = [inside[o][j] for o in around[i] if steps[o] < steps[i]]
                model.add_bool_or([*nearer, inside[i][j].negated()])
            model.add_hint(inside[i][j], int(labels[i] == j))
    model.minimize(sum(off))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    return float(solver.objective_value) / total / k


def _steps(around: list[list[int]], labels: Any, cell: int) -> list[int]:
    """Steps from the cell's middle atom, inside the cell first; an atom outside counts from the rim."""
    members = np.flatnonzero(labels == cell).tolist()
    steps = [-1] * len(around)
    front = [members[len(members) // 2]]
    steps[front[0]] = 0
    for only in (True, False):
        front = [i for i in range(len(around)) if steps[i] >= 0] if not only else front
        while front:
            ahead = []
            for i in sorted(front, key=lambda node: steps[node]):
                for o in around[i]:
                    if steps[o] < 0 and (not only or labels[o] == cell):
                        steps[o] = steps[i] + 1
                        ahead.append(o)
            front = ahead
    return [len(around) if s < 0 else s for s in steps]
