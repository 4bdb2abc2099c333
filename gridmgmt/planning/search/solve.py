"""One connected piece from seed to plan, step by step; and many pieces, one after another or in turn.

Every piece has a random stream of its own and knows nothing of the others, so their order and the number of
threads make no difference. Between any two steps the labels are a valid division: a clock may stop the search
there, and does not change what it does before.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from gridmgmt.planning.coverage import FloatArray
from gridmgmt.planning.search.annealing import anneal, take_best
from gridmgmt.planning.search.arrays import PINNED, Int32Array, Piece, empty_state, make_scratch
from gridmgmt.planning.search.compiled import Luck
from gridmgmt.planning.search.costs import refreshed
from gridmgmt.planning.search.presets import Effort, Terms
from gridmgmt.planning.search.regions import LENIENT, improve
from gridmgmt.planning.search.seeding import SPREAD_CELLS, grow, pick_centres, spread_centres
from gridmgmt.planning.stopwatch import Stopwatch

STEP_PROPOSALS: Final = 100_000
"""Proposals between two looks at the clock: some 20 to 40 ms."""

LEAST_STEPS: Final = 20
"""In so many steps, at least, the neighbourhoods are gone through: the best plan is noted between two."""

STRICT_FROM: Final = 0.8
"""From this share of the rounds on, only what is better is kept."""

OnStep = Callable[[int, float], None]
"""Told the number of a task and which share of its work is done, after every step."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of the search for one piece.

    Attributes
    ----------
    goal : (k, 4) wanted weight, lowest and highest weight, wanted workload of each cell.
    luck : the random stream.
    start : (n,) labels to begin from, each cell connected and none empty; None for a new plan.
    """

    piece: Piece
    goal: FloatArray
    terms: Terms
    effort: Effort
    luck: Luck
    start: Int32Array | None = None


class Search:
    """The search of one piece: run :meth:`steps` as far as wanted, then read ``label`` and ``energy``."""

    def __init__(self, task: Task) -> None:
        self.task = task
        nodes, cells = len(task.piece.node), len(task.goal)
        self._state = empty_state(nodes, task.goal)
        self._scratch = make_scratch(nodes, len(task.piece.edge), cells)
        self._terms = task.terms.as_array()
        self._annealing = False
        self._best: Int32Array | None = None
        self._best_energy = np.inf
        self.energy = np.inf
        self.done = 0

    @property
    def label(self) -> Int32Array:
        """The cell of each node."""
        return self._state.label

    def steps(self) -> Iterator[None]:
        """Do the work in steps of some milliseconds; the labels are valid after each."""
        if self.task.start is None:
            self._seed()
        else:
            self._state.label[:] = self.task.start
            self._choose_all()
        yield
        if len(self.task.goal) > 1:
            yield from self._annealed()
            yield from self._improved()

    def settle(self) -> None:
        """After stopping early: return to the best labels that were met."""
        if self._annealing:
            nodes, cells = len(self._state.label), len(self.task.goal)
            piece, scratch = self.task.piece, self._scratch
            self.energy = take_best(piece, self._state, scratch, self._terms, cells, nodes)
        elif self._best is not None:
            self._state.label[:] = self._best
            self._choose_all()

    def _choose_all(self) -> None:
        nodes, cells = len(self._state.label), len(self.task.goal)
        self._scratch.members[:] = np.arange(nodes)
        self._scratch.picked[:] = np.arange(cells)
        self._scratch.chosen[:] = 1
        self.energy = refreshed(self.task.piece, self._state, self._scratch, self._terms, cells, nodes)

    def _seed(self) -> None:
        piece, luck = self.task.piece, self.task.luck
        nodes, cells = len(self._state.label), len(self.task.goal)
        self._scratch.members[:] = np.arange(nodes)
        self._scratch.picked[:] = np.arange(cells)
        centres = np.full(cells, -1, dtype=np.int32)
        pinned = np.flatnonzero(piece.tie[:, PINNED] >= 0)
        centres[piece.tie[pinned, PINNED]] = pinned
        if cells >= SPREAD_CELLS:
            spread_centres(piece, centres, luck)
        else:
            pick_centres(piece, self._scratch, luck, centres, cells, nodes)
        grow(piece, self._state, self._scratch, centres, cells, nodes)
        self._choose_all()

    def _annealed(self) -> Iterator[None]:
        task, nodes, cells = self.task, len(self._state.label), len(self.task.goal)
        effort, tally = task.effort, np.zeros(2)
        total = self._proposals()
        self._scratch.best[:] = self._state.label
        self._annealing = True
        for start in range(0, total, STEP_PROPOSALS):
            stop = min(total, start + STEP_PROPOSALS)
            anneal(
                task.piece, self._state, self._scratch, self._terms, task.luck, tally,
                nodes, start, stop, total, effort.hot, effort.cold,
            )  # fmt: skip
            if stop < total:
                yield
        self.energy = take_best(task.piece, self._state, self._scratch, self._terms, cells, nodes)
        self._annealing = False
        yield

    def _improved(self) -> Iterator[None]:
        task, effort = self.task, self.task.effort
        self._scratch.chosen[:] = 0
        costs = np.array([effort.again, effort.least, effort.hot, effort.cold, effort.reseed, 0.0])
        rounds, batch = self._rounds()
        best, self._best_energy = self._state.label.copy(), self.energy
        self._best = best
        for start in range(0, rounds, batch):
            costs[LENIENT] = effort.lenient * max(0.0, 1.0 - start / (STRICT_FROM * rounds))
            self.energy -= improve(
                task.piece, self._state, self._scratch, self._terms, task.luck, costs,
                min(batch, rounds - start),
            )  # fmt: skip
            if self.energy < self._best_energy:
                best[:], self._best_energy = self._state.label, self.energy
            yield
        self.settle()

    def _proposals(self) -> int:
        effort = self.task.effort
        return int(max(effort.least, effort.anneal * len(self.task.piece.edge)))

    def _rounds(self) -> tuple[int, int]:
        """How many neighbourhoods are solved again, and how many of them in one step."""
        effort, cells = self.task.effort, len(self.task.goal)
        a_round = max(effort.least, effort.again * len(self.task.piece.edge) * min(1.0, 3.0 / cells))
        rounds = round(max(effort.least_rounds, effort.rounds * cells))
        return rounds, max(1, min(int(STEP_PROPOSALS / a_round), -(-rounds // LEAST_STEPS)))

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.done >= self.count_steps()

    def count_steps(self) -> int:
        """Return how many steps there will be."""
        if len(self.task.goal) == 1:
            return 1
        rounds, batch = self._rounds()
        return 1 + -(-self._proposals() // STEP_PROPOSALS) + -(-rounds // batch)


def run(
    tasks: Sequence[Callable[[], Task]],
    *,
    time_limit_s: float | None = None,
    threads: int = 1,
    on_step: OnStep | None = None,
) -> tuple[list[Int32Array], float, bool]:
    """Search all pieces.

    Parameters
    ----------
    tasks : makers of tasks, so that only those being worked on are in memory.
    time_limit_s : of the whole run. Every piece is seeded whatever the limit; then all advance in turn.
    threads : how many pieces are searched at once. Makes no difference to the result, nor does their order.

    Returns
    -------
    The labels of each piece, the objective summed over them, and whether the search came to its end.
    """
    over = Stopwatch(time_limit_s).over if time_limit_s is not None else None
    lots = [range(start, len(tasks), threads) for start in range(min(threads, len(tasks)))]

    def work(lot: Sequence[int]) -> list[tuple[int, Int32Array, float, bool]]:
        if over is None:
            return [_finished(number, tasks[number], on_step) for number in lot]
        return _in_turn(lot, tasks, over, on_step)

    if len(lots) > 1:
        with ThreadPoolExecutor(len(lots)) as pool:
            done = [item for part in pool.map(work, lots) for item in part]
    else:
        done = [item for lot in lots for item in work(lot)]
    done.sort(key=lambda item: item[0])
    return [item[1] for item in done], sum(item[2] for item in done), all(item[3] for item in done)


def _finished(
    number: int, task: Callable[[], Task], on_step: OnStep | None
) -> tuple[int, Int32Array, float, bool]:
    search = Search(task())
    for _ in _told(number, search, on_step):
        pass
    return number, search.label, search.energy, True


def _in_turn(
    lot: Sequence[int], tasks: Sequence[Callable[[], Task]], over: Callable[[], bool], on_step: OnStep | None
) -> list[tuple[int, Int32Array, float, bool]]:
    searches = {number: Search(tasks[number]()) for number in lot}
    running = {number: _told(number, search, on_step) for number, search in searches.items()}
    for number, steps in list(running.items()):
        next(steps)
        if searches[number].finished:
            del running[number]
    while running and not over():
        for number, steps in list(running.items()):
            next(steps)
            if searches[number].finished:
                del running[number]
            if over():
                break
    for number, search in searches.items():
        if number in running:
            search.settle()
    return [(number, s.label, s.energy, number not in running) for number, s in searches.items()]


def _told(number: int, search: Search, on_step: OnStep | None) -> Iterator[None]:
    for _ in search.steps():
        search.done += 1
        if on_step is not None:
            on_step(number, search.done / search.count_steps())
        yield
