"""What Prometheus reads at ``/metrics``: one registry per application, none global.

Each server process answers for itself; with several workers a scrape sees one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
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
        self._requests = Counter(
            "gridward_http_requests",
            "Requests answered, by route template.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gridward_http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry.register(_State(self, database))
        ProcessCollector(registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. ``route`` is a template, never a concrete path."""
        key = (method if method in _METHODS else "OTHER", route, status)
        found = self._children.get(key)
        if found is None:
            counter = self._requests.labels(key[0], route, str(status))
            found = self._children[key] = (counter, self._seconds.labels(key[0], route))
        found[0].inc()
        found[1].observe(seconds)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)


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
