"""The job queue: with the change that wants the job, at least once, effects exactly once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gis.cluster import Cluster
from gis.errors import EventUnknown, JobUnknown, QueueStopped
from gis.governance.actors import SYSTEM, Actor
from gis.services import editions, jobs, worker
from gis.services.jobs import Context
from gis.services.lookup import Boundaries
from gis.settings import Settings
from gis.store import jobs as store
from gis.store.unit_of_work import Database

PLANNER = Actor("token:1", "planner")
calls: list[Any] = []


@pytest.fixture(autouse=True)
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks of these tests, gone afterwards."""
    jobs.import_tasks()  # into the real table
    monkeypatch.setattr(jobs, "TASKS", dict(jobs.TASKS))
    calls.clear()

    @jobs.task("note")
    def note(context: Context, *, what: str) -> None:
        calls.append(what)

    @jobs.task("fail", attempts=2)
    def fail(context: Context) -> None:
        calls.append(context.attempt)
        raise RuntimeError("broken")

    @jobs.task("refuse", queue="long")
    def refuse(context: Context) -> None:
        calls.append("refused")
        raise EventUnknown(id="不行")

    @jobs.task("sum", queue="long")
    def add(context: Context, *, a: int, b: int) -> dict[str, int]:
        context.progress(0.5, "算到一半", "half way")
        calls.append((a, b))
        return {"sum": a + b}

    for name, queue in (("test-slow", "long"), ("test-count", "prompt")):
        if name not in jobs.TASKS:  # those of worker_process, which may have been collected

            @jobs.task(name, queue=queue)
            def known_here(context: Context) -> None: ...


def drain(database: Database, settings: Settings) -> None:
    worker.drain(database, settings)


def test_schema_is_that_of_the_pinned_library() -> None:
    assert version("procrastinate").startswith("3.10.")


def test_a_job_exists_from_the_commit_on(database: Database, settings: Settings) -> None:
    def fails() -> None:
        with database.transaction(SYSTEM) as work:
            jobs.defer(work, "note", {"what": "never"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "note", {"what": "once"})
        assert jobs.queue_state(database).waiting == 0
    assert jobs.queue_state(database).due == 1
    drain(database, settings)
    drain(database, settings)
    assert calls == ["once"]


def test_a_job_lands_in_its_tasks_queue_whoever_defers_it() -> None:
    """A command has imported no task: queue and lock are the task's all the same."""
    program = "from gis.services import jobs; t = jobs.task_of({!r}); print(t.queue, t.lock)"
    told = {
        name: subprocess.run(
            [sys.executable, "-c", program.format(name)], capture_output=True, text=True, check=True
        ).stdout.split()
        for name in (editions.CHECK_DRAFT, editions.BUILD_LAYERS)
    }
    for name, words in told.items():
        known = jobs.TASKS[name]
        assert words == [known.queue, str(known.lock)]
    assert told[editions.CHECK_DRAFT][0] == "long"
    with pytest.raises(ValueError, match="no task is named"):
        jobs.task_of("nobody")


def test_a_job_with_a_key_waits_only_once(database: Database, settings: Settings) -> None:
    with database.transaction(SYSTEM) as work:
        assert jobs.defer(work, "note", {"what": "a"}, key="k") is not None
        assert jobs.defer(work, "note", {"what": "b"}, key="k") is None
    drain(database, settings)
    assert calls == ["a"]


def test_a_job_for_later_waits(database: Database, settings: Settings) -> None:
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "note", {"what": "later"}, at=datetime.now(UTC) + timedelta(hours=1))
        jobs.defer(work, "note", {"what": "past"}, at=datetime.now(UTC) - timedelta(days=40))
    drain(database, settings)
    assert calls == ["past"]
    assert jobs.queue_state(database).waiting == 1


def test_a_bug_is_tried_again_and_then_kept_as_failed(
    database: Database, settings: Settings
) -> None:
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "fail")
    drain(database, settings)
    assert calls == [1]
    with database.transaction(SYSTEM) as work:  # do not wait for the pause
        work.execute(sa.text("update procrastinate_jobs set scheduled_at = now()"))
    drain(database, settings)
    assert calls == [1, 2]
    assert jobs.queue_state(database).failed == 1


def test_a_long_job_reports_to_its_owner_only(database: Database, settings: Settings) -> None:
    with database.transaction(PLANNER) as work:
        job_id = jobs.start(work, "sum", {"a": 2, "b": 3})
    assert jobs.report(database, PLANNER, job_id)["status"] == "queued"
    drain(database, settings)
    seen = jobs.report(database, PLANNER, job_id)
    assert (seen["status"], seen["progress"], seen["result"]) == ("succeeded", 1.0, {"sum": 5})
    assert seen["message"] == {"zh": "算到一半", "en": "half way"}
    assert jobs.report(database, SYSTEM, job_id)["id"] == str(job_id)
    for stranger in (Actor("token:2", "planner"), Actor("token:3", "dispatcher")):
        with pytest.raises(JobUnknown):
            jobs.report(database, stranger, job_id)
        with pytest.raises(JobUnknown):
            jobs.cancel(database, stranger, job_id)
    with pytest.raises(JobUnknown):
        jobs.report(database, PLANNER, uuid.uuid4())


def test_a_refused_long_job_says_why_and_is_not_tried_again(
    database: Database, settings: Settings
) -> None:
    with database.transaction(PLANNER) as work:
        job_id = jobs.start(work, "refuse")
    drain(database, settings)
    drain(database, settings)
    seen = jobs.report(database, PLANNER, job_id)
    assert calls == ["refused"]
    assert seen["status"] == "failed"
    assert seen["problem"]["code"] == "event-unknown"
    assert "不行" in seen["problem"]["detail"]["zh"]


def test_a_job_can_be_ended_before_it_begins(database: Database, settings: Settings) -> None:
    with database.transaction(PLANNER) as work:
        job_id = jobs.start(work, "sum", {"a": 2, "b": 3})
    assert jobs.cancel(database, PLANNER, job_id)["status"] == "cancelled"
    drain(database, settings)
    assert calls == []
    assert jobs.report(database, PLANNER, job_id)["status"] == "cancelled"


def test_a_running_job_ends_at_its_next_step(database: Database, settings: Settings) -> None:
    @jobs.task("long-way", queue="long")
    def long_way(context: Context) -> None:
        jobs.cancel(database, PLANNER, context.report_id or uuid.uuid4())
        context.progress(0.1)
        calls.append("went on")

    with database.transaction(PLANNER) as work:
        job_id = jobs.start(work, "long-way")
    drain(database, settings)
    assert calls == []
    assert jobs.report(database, PLANNER, job_id)["status"] == "cancelled"


def test_periodic_tasks_are_put_once_by_the_databases_clock(database: Database) -> None:
    every = timedelta(minutes=1)

    def due() -> bool:
        with database.transaction(SYSTEM) as work:
            return store.is_due(work, "tick", every)

    def moved(by: str) -> None:
        with database.transaction(SYSTEM) as work:
            work.execute(
                sa.text("update periodic_tasks set asked_at = now() + cast(:by as interval)"), by=by
            )

    assert [due(), due()] == [True, False]
    moved("-61 seconds")
    assert [due(), due()] == [True, False]
    moved("3 hours")  # the clock was set back by three hours: no waiting for that time to return
    assert [due(), due()] == [True, False]


def test_readiness_tells_of_a_queue_that_stands_still(database: Database) -> None:
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "note", {"what": "x"}, at=datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(QueueStopped) as stopped:
        jobs.check_queue(database, workers_expected=True)
    assert stopped.value.facts["due"] == 1
    assert jobs.check_queue(database, workers_expected=False)["waiting"] == 1


@contextmanager
def worker_process(database: Database, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    url = database.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("worker_process.py"), url, home]
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(true: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to pass in time"
        time.sleep(0.05)


def test_a_killed_workers_job_is_finished_by_another(database: Database, tmp_path: Path) -> None:
    flag = tmp_path / "runs"
    with database.transaction(PLANNER) as work:
        job_id = jobs.start(work, "test-slow", {"flag": str(flag), "seconds": 1.0})
    with worker_process(database, tmp_path) as first:
        wait_for(lambda: flag.exists() and flag.read_text() == "run\n")  # written, not only made
        first.kill()
        first.wait()
    assert jobs.report(database, PLANNER, job_id)["status"] == "running"
    with worker_process(database, tmp_path):
        wait_for(lambda: jobs.report(database, PLANNER, job_id)["status"] == "succeeded")
    assert jobs.report(database, PLANNER, job_id)["result"] == {"attempt": 2}
    assert flag.read_text() == "run\nrun\n"


def test_effects_happen_once_under_two_workers_that_are_killed(
    cluster: Cluster, database: Database, tmp_path: Path
) -> None:
    name = database.engine.url.database
    owner = Database(cluster.url("owner", name), role=None)
    with owner.transaction(SYSTEM) as work:
        work.execute(sa.text("create table effects (name text primary key)"))
        work.execute(sa.text("create table runs (name text)"))
        work.execute(sa.text("grant select, insert on effects, runs to gridward_app"))
    owner.close()
    with database.transaction(SYSTEM) as work:
        for number in range(150):
            jobs.defer(work, "test-count", {"name": f"job {number}"})

    def done() -> int:
        with database.reading(SYSTEM) as work:
            return int(work.scalar(sa.text("select count(*) from effects")))

    with worker_process(database, tmp_path), worker_process(database, tmp_path):
        wait_for(lambda: done() >= 20)  # both are killed in the middle of it
    with worker_process(database, tmp_path), worker_process(database, tmp_path):
        wait_for(lambda: jobs.queue_state(database).waiting == 0)
        wait_for(lambda: jobs.queue_state(database).running == 0)
    assert done() == 150


def test_a_job_that_is_tried_again_gives_way_to_its_twin_that_waits(
    database: Database, settings: Settings
) -> None:
    @jobs.task("twins")
    def twins(context: Context, *, first: bool) -> None:
        calls.append(first)
        if first:  # what happens meanwhile wants the same work: it is in the queue already
            with context.database.transaction(SYSTEM) as work:
                jobs.defer(work, "twins", {"first": False}, key="k")
            raise RuntimeError("broken")

    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "twins", {"first": True}, key="k")
    drain(database, settings)
    assert calls == [True, False]
    state = jobs.queue_state(database)
    assert (state.waiting, state.running, state.failed) == (0, 0, 0)
    with database.transaction(SYSTEM) as work:
        assert jobs.defer(work, "twins", {"first": False}, key="k") is not None


TAKEN_BY_A_DEAD_WORKER = sa.text(
    "with w as (insert into procrastinate_workers (last_heartbeat) values "
    "(now() - interval '1 hour') returning id) update procrastinate_jobs "
    "set status = 'doing', worker_id = (select id from w)"
)


def rescue(database: Database, settings: Settings) -> None:
    async def rescued() -> None:
        base = Context(database, Boundaries(database), settings)
        async with worker._queue(database, base).open_async() as queue:
            await worker.rescue(queue)

    asyncio.run(rescued())


def test_a_dead_workers_job_gives_way_to_its_twin_that_waits(
    database: Database, settings: Settings
) -> None:
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "note", {"what": "dead"}, key="k", lock="k")
        work.execute(TAKEN_BY_A_DEAD_WORKER)
    with database.transaction(SYSTEM) as work:
        jobs.defer(work, "note", {"what": "twin"}, key="k", lock="k")
    drain(database, settings)
    assert calls == [], "the lock is held"

    rescue(database, settings)
    drain(database, settings)
    assert calls == ["twin"]


def test_no_report_says_running_for_ever(database: Database, settings: Settings) -> None:
    with database.transaction(PLANNER) as work:
        given_up, ended = (jobs.start(work, "sum", {"a": 2, "b": n}) for n in (3, 4))
        for report_id in (given_up, ended):
            store.report_begins(work, report_id)
        work.execute(TAKEN_BY_A_DEAD_WORKER)
        work.execute(
            sa.text(
                "update procrastinate_jobs set attempts = :most where id = "
                "(select queue_id from job_reports where id = :id)"
            ),
            most=worker.CRASHES - 1,
            id=given_up,
        )
    assert jobs.cancel(database, PLANNER, ended)["status"] == "running", "until its next step"
    rescue(database, settings)
    drain(database, settings)
    with database.transaction(SYSTEM) as work:  # half a minute later
        waiting = jobs.start(work, "sum", {"a": 2, "b": 5})
    with database.transaction(PLANNER) as work:
        store.report_begins(work, waiting)
    jobs.end_left_reports(Context(database, Boundaries(database), settings))
    assert calls == []
    seen = {one: jobs.report(database, SYSTEM, one) for one in (given_up, ended, waiting)}
    assert [one["status"] for one in seen.values()] == ["failed", "cancelled", "running"]
    assert seen[given_up]["problem"]["code"] == "job-given-up"
    assert "重新发起" in seen[given_up]["problem"]["detail"]["zh"]
    assert seen[ended]["problem"] is None
