"""What Prometheus reads at ``/metrics``: one registry per application, none global.

Each server process answers for itself; with several workers a scrape sees one of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from gis.errors import GovernanceError
from gis.services.jobs import queue_state
from gis.store.unit_of_work import Database

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
UNMATCHED: Final = "(no route)"


class Metrics:
    """Counts and times requests by method, route template and status.

    ``published_revision`` is asked at every scrape; it must not block, and returns None while no
    boundary is loaded.
    """

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.published_revision: Callable[[], int | None] = _no_revision
        self._answered: dict[tuple[str, str, int], _Answered] = {}
        self.registry.register(_Requests(self._answered))
        self.registry.register(_State(self, database))
        ProcessCollector(registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. ``route`` is a template, never a concrete path."""
        key = (method, route, status)
        found = self._answered.get(key)
        if found is None:
            method = method if method in _METHODS else "OTHER"
            found = self._answered.setdefault((method, route, status), _Answered())
        found.buckets[bisect_left(_BUCKETS, seconds)] += 1
        found.seconds += seconds

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)


class _Answered:
    """How many requests of one kind were answered, and how long they took.

    Counted on the event loop's thread alone, so that no lock is needed.
    """

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0


class _Requests(Collector):
    """The counts as Prometheus reads them."""

    def __init__(self, answered: Mapping[tuple[str, str, int], _Answered]) -> None:
        self._answered = answered

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        counted = CounterMetricFamily(
            "gridward_http_requests",
            "Requests answered, by route template.",
            labels=("method", "route", "status"),
        )
        timed = HistogramMetricFamily(
            "gridward_http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            labels=("method", "route"),
        )
        together: dict[tuple[str, str], _Answered] = {}
        for (method, route, status), one in list(self._answered.items()):
            counted.add_metric((method, route, str(status)), sum(one.buckets))
            whole = together.setdefault((method, route), _Answered())
            whole.seconds += one.seconds
            whole.buckets = [a + b for a, b in zip(whole.buckets, one.buckets, strict=True)]
        bounds = [*(str(float(bound)) for bound in _BUCKETS), "+Inf"]
        for labels, whole in together.items():
            reached = accumulate(whole.buckets)
            timed.add_metric(labels, list(zip(bounds, reached, strict=True)), whole.seconds)
        yield counted
        yield timed


class _State(Collector):
    """What is read at the moment of the scrape: the pool and the published revision."""

    def __init__(self, metrics: Metrics, database: Database) -> None:
        self._metrics = metrics
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pool = self._database.engine.pool
        if isinstance(pool, QueuePool):
            for name, value, words in (
                ("size", pool.size(), "Connections that the pool may hold."),
                ("in_use", pool.checkedout(), "Connections in use now."),
            ):
                yield GaugeMetricFamily(f"gridward_pool_{name}", words, value=value)
        yield from self._queue()
        revision = self._metrics.published_revision()
        if revision is not None:
            yield GaugeMetricFamily(
                "gridward_published_revision",
                "Boundary revision that this process matches with.",
                value=revision,
            )

    def _queue(self) -> Iterator[GaugeMetricFamily]:
        """Yield the queue's length and age; nothing while the database does not answer."""
        try:
            state = queue_state(self._database)
        except (GovernanceError, DBAPIError):
            return
        for name, value, words in (
            ("jobs_waiting", state.waiting, "Jobs in the queue, the ones for later included."),
            ("jobs_due", state.due, "Jobs in the queue that could run now."),
            ("jobs_running", state.running, "Jobs that a worker has in hand."),
            ("jobs_failed", state.failed, "Jobs that failed for good and wait for somebody."),
            ("job_oldest_due_seconds", state.oldest_due_s or 0.0, "Age of the oldest due job."),
            ("job_workers", state.workers, "Workers that gave a sign of life."),
        ):
            yield GaugeMetricFamily(f"gridward_{name}", words, value=value)


def _no_revision() -> int | None:
    return None
