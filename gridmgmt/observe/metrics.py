"""What is measured, for Prometheus: on a registry of our own, for one process or for several.

With ``PROMETHEUS_MULTIPROC_DIR`` in the environment when this module is first imported, every process
writes its values into files there, and whoever serves ``/metrics`` adds them up. Labels are route
templates, status codes and error codes: nothing that a client chooses, so their number is bounded.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

REGISTRY = CollectorRegistry()

_REQUESTS = Counter(
    "gridmgmt_http_requests", "Requests answered", ("method", "route", "status"), registry=REGISTRY
)
_REQUEST_SECONDS = Histogram(
    "gridmgmt_http_request_seconds",
    "Time from the request's head to the answer's end",
    ("route",),
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 2.5, 5.0, 15.0),
)
_REFUSALS = Counter("gridmgmt_refusals", "Problem documents by code", ("code",), registry=REGISTRY)
_GROUP_SIZE = Histogram(
    "gridmgmt_intake_group_size",
    "Reports taken in by one commit",
    registry=REGISTRY,
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
_STREAMS = Gauge("gridmgmt_streams", "Open event streams", registry=REGISTRY, multiprocess_mode="livesum")
_POOL = Gauge(
    "gridmgmt_pool_connections",
    "Connections to the database",
    ("state",),
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_TURNS = Counter("gridmgmt_worker_turns", "Turns of the worker", ("outcome",), registry=REGISTRY)
_DELIVERED = Counter("gridmgmt_events_delivered", "Events delivered", registry=REGISTRY)
_ANNOUNCED = Counter("gridmgmt_deadlines_announced", "Deadlines announced as overdue", registry=REGISTRY)
_PUT_ASIDE = Counter(
    "gridmgmt_ladder_put_aside", "Looks that failed with something unforeseen", registry=REGISTRY
)
_LOOKED = Counter("gridmgmt_ladder_looks", "Cases looked at for the ladder", registry=REGISTRY)
_NOT_TOLD = Counter("gridmgmt_events_not_told", "Events whose facts could not be read", registry=REGISTRY)
_HANDED_OVER = Counter("gridmgmt_cases_handed_over", "Cases handed over to another plan", registry=REGISTRY)
_TRIES = Counter(
    "gridmgmt_delivery_tries", "Tries to deliver by a channel", ("channel", "outcome"), registry=REGISTRY
)
_SWEEP_SECONDS = Histogram(
    "gridmgmt_sweep_seconds",
    "Time of one sweep of the clocks",
    registry=REGISTRY,
    buckets=(0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0),
)

_request_counters: dict[tuple[str, str, int], Counter] = {}
_request_timers: dict[str, Histogram] = {}


def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request under its route's template."""
    key = (method, route, status)
    counter = _request_counters.get(key)
    if counter is None:
        counter = _request_counters[key] = _REQUESTS.labels(method, route, str(status))
    timer = _request_timers.get(route)
    if timer is None:
        timer = _request_timers[route] = _REQUEST_SECONDS.labels(route)
    counter.inc()
    timer.observe(seconds)


def refused(code: str) -> None:
    """Count a refusal by its stable code."""
    _REFUSALS.labels(code).inc()


def group_taken_in(size: int) -> None:
    """A group of reports was committed."""
    _GROUP_SIZE.observe(size)


def pool_is(*, in_use: int, idle: int) -> None:
    """Note how a process's connections are."""
    _POOL.labels("in_use").set(in_use)
    _POOL.labels("idle").set(idle)


def streams_are(count: int) -> None:
    """Note how many event streams a process holds."""
    _STREAMS.set(count)


def turn_ended(outcome: str, *, delivered: int = 0) -> None:
    """A turn of the worker ended: ``done``, ``unavailable`` or ``failed``."""
    _TURNS.labels(outcome).inc()
    if delivered:
        _DELIVERED.inc(delivered)


def swept(seconds: float, *, announced: int) -> None:
    """The clocks were looked at."""
    _SWEEP_SECONDS.observe(seconds)
    if announced:
        _ANNOUNCED.inc(announced)


def ladder_looked(cases: int) -> None:
    """Cases were looked at for the ladder."""
    if cases:
        _LOOKED.inc(cases)


def ladder_put_aside(cases: int) -> None:
    """Cases could not be looked at for a fault of ours."""
    _PUT_ASIDE.inc(cases)


def event_not_told() -> None:
    """Nobody was told of an event, because its facts could not be read."""
    _NOT_TOLD.inc()


def handed_over(cases: int) -> None:
    """Open cases were handed over to another plan."""
    if cases:
        _HANDED_OVER.inc(cases)


def delivery_tried(channel: str, *, sent: bool) -> None:
    """A delivery to a channel outside was tried."""
    _TRIES.labels(channel, "sent" if sent else "failed").inc()


State = Mapping[str, float | Mapping[str, float]]
"""Gauge → value, or label → value."""


class StateOfTheInstallation(Collector):
    """Gauges that are read from the database when somebody looks, once whoever asks.

    Parameters
    ----------
    look : the values now; what it cannot read it leaves out.
    """

    def __init__(self, look: Callable[[], State]) -> None:
        self._look = look

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges."""
        for name, value in self._look().items():
            labels = ["of"] if isinstance(value, Mapping) else []
            family = GaugeMetricFamily(f"gridmgmt_{name}", name.replace("_", " ").capitalize(), labels=labels)
            for label, number in value.items() if isinstance(value, Mapping) else [("", value)]:
                family.add_metric([label] if labels else [], number)
            yield family


def serve_metrics(host: str, port: int, look: Callable[[], State] | None) -> WSGIServer:
    """Serve ``/metrics`` in a thread, on an address of its own that only monitoring can reach."""
    registry = CollectorRegistry()
    if directory := os.environ.get(DIRECTORY):
        multiprocess.MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Everything())
    if look is not None:
        registry.register(StateOfTheInstallation(look))
    server, _ = start_http_server(port, addr=host, registry=registry)
    return server


class _Everything(Collector):
    """Our registry, as one collector of another."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All of it."""
        yield from REGISTRY.collect()  # type: ignore[misc]
