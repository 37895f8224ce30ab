"""What a server starts once goes on, whatever happens to it: nobody would start it again."""

from __future__ import annotations

import errno
import queue
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from api.cli import serve
from api.cli import work as work_command
from gis import cluster
from gis.governance.actors import SYSTEM
from gis.services import jobs
from gis.services.feed import Feed, Listener
from gis.services.gazetteer import Gazetteer, GazetteerWatch
from gis.services.lookup import Boundaries, InForce
from gis.services.revision_watch import RevisionWatch
from gis.settings import Settings
from gis.store.unit_of_work import Database, UnitOfWork
from layers.state import LayerState
from tests.factories import small_city
from tests.integration.test_publish_race import publish

PATIENCE_S = 30.0
PUT = sa.text(
    "insert into outbox (topic, subject, path_codes, body, actor_id) "
    "values ('event.created', 'one', '{}', '{}', 'tests')"
)


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


@pytest.fixture
def refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a connection found no free file, as when clients hold them all; one only."""
    connect, met = psycopg.connect, threading.Event()

    def no_file_once(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - as psycopg's own
        if not met.is_set():
            met.set()
            raise OSError(errno.EMFILE, "Too many open files")
        return connect(*words, **named)

    small_city(database)
    database.engine.dispose()
    monkeypatch.setattr(psycopg, "connect", no_file_once)
    return met


def test_the_feed_goes_on(database: Database, refused: threading.Event) -> None:
    heard: queue.Queue[str] = queue.Queue()
    feed = Feed(database, limit=1).start()
    try:
        assert refused.wait(PATIENCE_S)
        feed.join(Listener(0, lambda messages: [heard.put(one.subject) for one in messages] != []))
        with database.transaction(SYSTEM) as work:
            work.execute(PUT)
        while heard.get(timeout=PATIENCE_S) != "one":
            pass
    finally:
        feed.stop()


def test_the_watch_over_publications_goes_on(database: Database, refused: threading.Event) -> None:
    boundaries = Boundaries(database)
    watch = RevisionWatch(database.url, boundaries).start()
    try:
        assert refused.wait(PATIENCE_S)
        until(lambda: boundaries.loaded_revision() is not None)
    finally:
        watch.stop()


def test_the_watch_over_addresses_goes_on(database: Database, refused: threading.Event) -> None:
    gazetteer = Gazetteer(database, Boundaries(database))
    watch = GazetteerWatch(gazetteer, poll_s=0.05).start()
    try:
        assert refused.wait(PATIENCE_S)
        until(lambda: gazetteer.loaded() is not None)
    finally:
        watch.stop()


def test_the_watch_over_layers_goes_on(database: Database, refused: threading.Event) -> None:
    state = LayerState(database, poll_s=0.5).start()
    try:
        assert refused.wait(PATIENCE_S)
        until(lambda: state.known() is not None)
    finally:
        state.stop()


def test_the_watch_over_the_private_database_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    class Fleeting:
        @contextmanager
        def lease(self) -> Iterator[None]:
            looks.append(len(looks))
            if len(looks) == 1:
                raise OSError(errno.EMFILE, "Too many open files", "users.lock")
            yield

    monkeypatch.setattr(cluster, "CHECK_EVERY_S", 0.01)
    with cluster._kept_running(Fleeting()):  # type: ignore[arg-type]
        until(lambda: len(looks) > 1)


def test_a_worker_that_cannot_be_started_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes] | None] = []

    def spawn() -> subprocess.Popen[bytes]:
        if len(started) == 1:  # the first one is dead by then
            started.append(None)
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        command = ["/bin/cat"] if started else ["/bin/true"]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        assert started[-1] is not None
        return started[-1]

    class Impatient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(0.01)

    monkeypatch.setattr(work_command, "_spawn", spawn)
    workers = work_command.Workers(1)
    workers._stopping = Impatient()
    workers.start()
    try:
        until(lambda: len(started) == 3)
    finally:
        workers.stop()
    last = started[-1]
    assert last is not None
    assert last.returncode == 0


def test_a_server_may_open_as_many_files_as_the_machine_grants() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
        serve.allow_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, serve.MOST_FILES), hard)
        serve.allow_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_months_are_made_while_a_server_runs_for_years(database: Database) -> None:
    then = datetime(2029, 2, 28, tzinfo=UTC)
    context = jobs.Context(
        database, Boundaries(database), Settings(home=Path("/nonexistent")), now=lambda: then
    )
    jobs.task_of("prepare-months").run(context)
    with database.reading(SYSTEM) as work:
        made = [
            work.scalar(sa.text("select to_regclass(:name)::text"), name=name)
            for name in ("events_2029_02", "events_2029_05", "events_2029_06")
        ]
    assert made == ["events_2029_02", "events_2029_05", None]


def test_a_slow_refresh_takes_nothing_back(database: Database) -> None:
    small_city(database)
    reads, published = threading.Event(), threading.Event()

    class Slow(Boundaries):
        """Its first reader has read what is in force when another one publishes and is heard."""

        def in_force(self, work: UnitOfWork, at: datetime | None = None) -> InForce:
            found = super().in_force(work, at)
            if not reads.is_set():
                reads.set()
                assert published.wait(PATIENCE_S)
            return found

    boundaries = Slow(database)
    slow = threading.Thread(target=boundaries.refresh)
    slow.start()
    assert reads.wait(PATIENCE_S)
    publish(database, 2)
    boundaries.refresh()
    published.set()
    slow.join()
    assert boundaries.current().snapshot.revision == 2
