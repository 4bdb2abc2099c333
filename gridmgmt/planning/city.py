"""A whole city: many streets, each planned on its own, by processes of this machine or of a cluster.

A street's plan depends on its atoms, the preset and the seed alone, so it is the same whoever computes it and
however many are at work. Each finished street is one file, put in place whole, and one entry of
``ledger.json``; a second run takes over what the ledger vouches for. A street that cannot be planned is an
entry with the code of its error, and the others go on. A process that dies is replaced and its street is
given to another; a street that kills again when it is alone is given up.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from dask import config
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from gridmgmt.errors import GridError, InvalidInput
from gridmgmt.planning.city_ledger import Entry, Ledger, Order
from gridmgmt.planning.coverage import dissolve
from gridmgmt.planning.evaluate import report_card
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.propose import propose_cells

WAITING: Final = 2
"""Streets handed out for each process: one at work, one that waits. More would only fill memory."""

Told = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class Street:
    """A street to plan.

    Attributes
    ----------
    code : names its file; letters, digits, ``-`` and ``_``.
    load : returns its atoms: ``atom_id``, the demand, ``community_code`` (12 digits) and polygons in a metric
        CRS; ``community_name``, ``dedicated``, ``site_id`` and ``block_id`` where they are known. Called when
        its turn comes, so that a city need not fit into memory.
    """

    code: str
    load: Callable[[], gpd.GeoDataFrame]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a process returns: numbered cells and their card, or the error's code and message."""

    cells: gpd.GeoDataFrame | None
    card: dict[str, Any] | None
    error: str | None = None
    message: str | None = None


def plan_street(atoms: gpd.GeoDataFrame, order: Order) -> Planned:
    """Plan one street; an error of ours is returned, not raised.

    Communities are the atoms of one ``community_code``, dissolved, so that nesting cannot fail.
    """
    try:
        land = _communities(atoms)
        cells = propose_cells(
            land, atoms, demand=order.demand, oversized=order.oversized, preset=order.preset, seed=order.seed
        )
        bounds = cells.attrs["search"]
        numbered = number_cells(cells)
        card = report_card(numbered, None, land, demand=order.demand).as_facts()
    except GridError as error:
        return Planned(None, None, error.code, error.message)
    card["bound_mean_share"] = round(bounds["least_mean_share"], 6)
    card["bound_max_share"] = round(bounds["least_max_share"], 6)
    return Planned(numbered, card)


def plan_city(
    streets: Iterable[Street],
    out: Path,
    order: Order,
    *,
    workers: int = 2,
    scheduler: str | None = None,
    told: Told = lambda entry: None,  # noqa: ARG005  nobody listens
) -> list[Entry]:
    """Plan streets into a folder.

    Parameters
    ----------
    streets : each code once.
    out : gets ``CODE.parquet`` for each street and ``ledger.json``; made when it is not there.
    order : preset, seed, demand; the same for all.
    workers : processes of this machine; 0 plans in this one.
    scheduler : address of a running dask cluster instead. Its workers need this package, not these files.
    told : called with each entry as it comes.

    Returns
    -------
    One entry a street, in the order of their codes.

    Raises
    ------
    InvalidInput
        Two streets with one code, a code that cannot name a file, fewer than 0 workers.
    """
    if workers < 0:
        raise InvalidInput("the number of workers is 0 or more", workers=workers)
    chosen = list(streets)
    codes = [street.code for street in chosen]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    unfit = [code for code in codes if not code.replace("-", "").replace("_", "").isalnum()]
    if twice or unfit:
        raise InvalidInput("a street's code names its file, each once", twice=twice[:10], unfit=unfit[:10])
    ledger = Ledger(out)
    entries: list[Entry] = []

    def settled(entry: Entry) -> None:
        entries.append(entry)
        told(entry)

    with closing(_open(chosen, ledger, order, settled)) as todo:
        if scheduler is None and workers == 0:
            for code, digest, atoms in todo:
                settled(_kept(ledger, code, digest, order, plan_street(atoms, order)))
        elif scheduler is not None:
            with Client(scheduler) as client:
                _on_cluster(client, todo, ledger, order, settled)
        else:
            with (
                config.set({"distributed.scheduler.allowed-failures": 0}),
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                    memory_limit=0,
                ) as cluster,
                Client(cluster) as client,
            ):  # fmt: skip
                _on_cluster(client, todo, ledger, order, settled)
    return sorted(entries, key=lambda entry: entry.street)


Todo = Generator[tuple[str, str, gpd.GeoDataFrame], None, None]


def _open(streets: list[Street], ledger: Ledger, order: Order, settled: Told) -> Todo:
    """Streets that are to be planned; finished and unreadable ones are settled on the way."""
    for street in streets:
        try:
            atoms = street.load()
            _require(atoms, order)
        except GridError as error:
            settled(ledger.failed(street.code, None, order, error.code, error.message))
            continue
        digest = digest_of(atoms, order)
        former = ledger.finished(street.code, digest, order)
        if former is None:
            yield street.code, digest, atoms
        else:
            settled(former)


def _on_cluster(client: Client, todo: Todo, ledger: Ledger, order: Order, settled: Told) -> None:
    """Hand streets out as places get free, write results as they come.

    Whoever waits at a process that dies looks as guilty as the street that killed it. So streets that were
    lost are tried once more at the end, each alone.
    """
    places = WAITING * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    at_work: dict[str, tuple[str, str, gpd.GeoDataFrame]] = {}
    lost: list[tuple[str, str, gpd.GeoDataFrame]] = []
    coming = as_completed([])

    def submitted(task: tuple[str, str, gpd.GeoDataFrame], turn: str) -> Future[Planned]:
        code, digest, atoms = task
        key = f"{code}-{digest}-{order.key}-{turn}"
        return client.submit(plan_street, atoms, order, key=key, pure=False)

    def hand_out() -> None:
        task = next(todo, None)
        if task is not None:
            future = submitted(task, "first")
            at_work[str(future.key)] = task
            coming.add(future)

    for _ in range(places):
        hand_out()
    for future in coming:
        task = at_work.pop(str(future.key))
        planned = _result_of(future)
        if planned is None:
            lost.append(task)
        else:
            settled(_kept(ledger, *task[:2], order, planned))
        future.release()
        hand_out()
    given_up = Planned(None, None, "worker_lost", "the processes that planned it died")
    for task in lost:
        planned = _result_of(submitted(task, "alone"))
        settled(_kept(ledger, *task[:2], order, planned or given_up))


def _result_of(future: "Future[Planned]") -> Planned | None:
    """What came of a street; None when its process was lost."""
    error = future.exception()
    if error is None:
        try:
            return future.result()
        except KilledWorker:  # its process died after the end and before the result was fetched
            return None
    if isinstance(error, KilledWorker):
        return None
    return Planned(None, None, "unexpected", f"{type(error).__name__}: {error}"[:500])


def _kept(ledger: Ledger, code: str, digest: str, order: Order, planned: Planned) -> Entry:
    if planned.cells is None:
        return ledger.failed(code, digest, order, planned.error or "unexpected", planned.message or "")
    return ledger.planned(code, digest, order, planned.cells, planned.card or {})


def _require(atoms: gpd.GeoDataFrame, order: Order) -> None:
    missing = [c for c in ("atom_id", "community_code", order.demand) if c not in atoms]
    if missing:
        raise InvalidInput("a column is missing", missing=missing)
    if len(atoms) == 0:
        raise InvalidInput("the street has no atoms")


def _communities(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    codes, first, label = np.unique(
        atoms["community_code"].to_numpy(dtype=str), return_index=True, return_inverse=True
    )
    named = atoms["community_name"] if "community_name" in atoms else atoms["community_code"]
    shapes = dissolve(np.asarray(atoms.geometry.array, dtype=object), label.astype(np.int64))
    return gpd.GeoDataFrame(
        {"code": codes, "name": named.to_numpy(dtype=str)[first]},
        geometry=gpd.GeoSeries(shapes, crs=atoms.crs),
    )


def digest_of(atoms: gpd.GeoDataFrame, order: Order) -> str:
    """Return a SHA-256 of everything of a street that its plan depends on, in hexadecimal."""
    digest = hashlib.sha256(str(atoms.crs).encode())
    used = ("atom_id", "community_code", "community_name", order.demand, "dedicated", "site_id", "block_id")
    for column in used:
        if column in atoms:
            digest.update(f"\0{column}\0".encode())
            digest.update("\0".join(str(value) for value in atoms[column].tolist()).encode())
    for shape in shapely.to_wkb(np.asarray(atoms.geometry.array, dtype=object)):
        digest.update(shape or b"none")
    return digest.hexdigest()
