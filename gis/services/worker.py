"""The worker 后台进程: takes jobs from the queue and runs them, until it is told to stop.

procrastinate fetches, locks, retries and keeps heartbeats; here stands what it leaves open: jobs
of a worker that died go to another, periodic tasks by the database's clock (a clock that is set
back or forward costs no tick and makes none twice), a database that goes away is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions, job_context
from procrastinate import jobs as library
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from gis.errors import DatabaseUnavailable, GovernanceError, Unavailable
from gis.governance.actors import SYSTEM
from gis.services import jobs
from gis.services.index_cache import IndexCache
from gis.services.jobs import Context, JobCancelled, Task
from gis.services.lookup import Boundaries
from gis.settings import Settings
from gis.store import jobs as store
from gis.store.unit_of_work import APPLICATION_ROLE, Database

HEARTBEAT_S: Final = 3.0
POLL_S: Final = 2.0
AT_ONCE: Final = {"prompt": 4, "long": 1, "outgoing": 6}
GRACE_S: Final = 10.0
CRASHES: Final = 5
"""A job whose worker died so often is given up: it may be what kills them."""

LONGEST_PAUSE_S: Final = 300

_log = structlog.get_logger(__name__)


class _Pauses(BaseRetryStrategy):
    """2, 4, 8 ... seconds between tries; errors that no retry mends are final."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: library.Job
    ) -> RetryDecision | None:
        if isinstance(exception, JobCancelled):  # the worker stops: another one goes on at once
            return RetryDecision(retry_in={"seconds": 0})
        if not mended_by_retry(exception) or job.attempts + 1 >= self.attempts:
            return None
        return RetryDecision(
            retry_in={"seconds": min(2 ** min(job.attempts + 1, 16), LONGEST_PAUSE_S)}
        )


class _OneOfAKeyWaits(JobManager):
    """Jobs by the library; one that is to be tried again gives way to its twin that waits."""

    async def retry_job(
        self,
        job: library.Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except exceptions.UniqueViolation:  # at most one of a key waits: that one does the work
            await self.finish_job(job, status=library.Status.FAILED, delete_job=True)
            _log.info("job_superseded", task=job.task_name, job=job.id)


def mended_by_retry(error: BaseException) -> bool:
    """Tell whether the same job may succeed later."""
    return not isinstance(error, GovernanceError) or isinstance(error, Unavailable)


def run_worker(
    database: Database,
    settings: Settings,
    *,
    stop: asyncio.Event | None = None,
    context: Context | None = None,
    started: Callable[[asyncio.AbstractEventLoop, asyncio.Event], None] | None = None,
) -> None:
    """Work until ``stop`` is set; blocks.

    ``started`` is called with the loop and the event, for signal handlers. When the database goes
    away the worker waits for it and goes on.
    """
    jobs.import_tasks()
    base = context or Context(database, _boundaries(database, settings), settings)

    async def work() -> None:
        wanted_end = stop or asyncio.Event()
        if started is not None:
            started(asyncio.get_running_loop(), wanted_end)
        pause = 0.2
        while not wanted_end.is_set():
            try:
                await _until_stopped(database, base, wanted_end)
                pause = 0.2
            except (
                exceptions.ConnectorException,
                psycopg.Error,
                DatabaseUnavailable,
                OSError,
            ) as error:
                _log.warning("worker_lost_database", reason=str(error), next_try_s=pause)
            if not wanted_end.is_set():
                try:
                    await asyncio.wait_for(wanted_end.wait(), pause)
                except TimeoutError:
                    pause = min(2 * pause, 5.0)

    asyncio.run(work())


def drain(database: Database, settings: Settings, *, context: Context | None = None) -> None:
    """Run every job that is due now, periodic ones included, then return (tests, maintenance)."""
    jobs.import_tasks()
    base = context or Context(database, _boundaries(database, settings), settings)
    queue = _queue(database, base)

    async def work() -> None:
        async with queue.open_async():
            await queue.run_worker_async(
                wait=False, listen_notify=False, install_signal_handlers=False
            )

    put_periodic(database)
    with ThreadPoolExecutor(max_workers=1) as apart:  # the caller's thread may have a loop running
        apart.submit(lambda: asyncio.run(work())).result()


def put_periodic(database: Database) -> None:
    """Put every periodic task that is due into the queue, at most once over all workers."""
    for each in jobs.TASKS.values():
        if each.every is not None:
            with database.transaction(SYSTEM) as work:
                if store.is_due(work, each.name, each.every):
                    jobs.defer(work, each.name, key=f"every:{each.name}")


def _queue(database: Database, base: Context) -> procrastinate.App:
    """Return the library's application with every task, connected as the application's role."""
    url = database.url.replace("postgresql+psycopg://", "postgresql://", 1)
    connector = procrastinate.PsycopgConnector(
        conninfo=url,
        kwargs={
            "options": f"-c role={APPLICATION_ROLE} -c timezone=UTC",
            "application_name": "gridward worker",
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
        min_size=1,
        max_size=4,
        timeout=10,
    )
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    queue = procrastinate.App(connector=connector)
    queue.job_manager = _OneOfAKeyWaits(connector)
    for each in jobs.TASKS.values():
        queue.task(
            name=each.name, queue=each.queue, pass_context=True, retry=_Pauses(each.attempts)
        )(_runner(each, base))
    return queue


def _runner(each: Task, base: Context) -> Callable[..., None]:
    """Return what the library calls for a job of a task: in a thread, with our context."""

    def run(found: job_context.JobContext, **arguments: Any) -> None:  # noqa: ANN401
        report = arguments.pop("report", None)
        context = replace(
            base,
            attempt=found.job.attempts + 1,
            report_id=None if report is None else uuid.UUID(report),
            stopping=found.should_abort,
        )
        perform(each, context, arguments)

    return run


def perform(each: Task, context: Context, arguments: Mapping[str, Any]) -> None:
    """Run one job in this thread; keep its report, if it has one, up to date."""
    if context.report_id is None:
        each.run(context, **arguments)
        return
    with context.database.transaction(SYSTEM) as work:
        if not store.report_begins(work, context.report_id):
            return
    try:
        result = each.run(context, **arguments)
    except JobCancelled:
        if context.stopping():
            raise
        _end(context, "cancelled")
    except GovernanceError as error:
        if mended_by_retry(error) and context.attempt < each.attempts:
            raise
        _end(context, "failed", problem=jobs.problem_of(error))
    except Exception:  # a bug of ours: the report must not say "running" for ever
        if context.attempt >= each.attempts:
            _end(context, "failed", problem=_BUG)
        raise
    else:
        _end(context, "succeeded", result=result)


_BUG: Final = {
    "code": "internal-error",
    "title": {"zh": "内部错误", "en": "Internal error"},
    "detail": {
        "zh": "任务因程序错误而失败，日志中有详情。",
        "en": "The job failed by an error of the program; the log has the details.",
    },
    "facts": {},
}


def _end(context: Context, status: str, **values: Any) -> None:  # noqa: ANN401 - JSON
    if context.report_id is not None:
        with context.database.transaction(SYSTEM) as work:
            store.report_ends(work, context.report_id, status, **values)


async def _until_stopped(database: Database, base: Context, stop: asyncio.Event) -> None:
    queue = _queue(database, base)
    async with queue.open_async():
        runs = [
            asyncio.create_task(
                queue.run_worker_async(
                    queues=[name],
                    name=name,
                    concurrency=AT_ONCE[name],
                    fetch_job_polling_interval=POLL_S,
                    abort_job_polling_interval=POLL_S,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=jobs.STALE_AFTER_S,
                    shutdown_graceful_timeout=GRACE_S,
                    install_signal_handlers=False,
                )
            )
            for name in jobs.QUEUES
        ]
        runs.append(asyncio.create_task(_tend(database, queue)))
        ending = asyncio.create_task(stop.wait())
        await asyncio.wait([*runs, ending], return_when=asyncio.FIRST_COMPLETED)
        for one in (*runs, ending):
            one.cancel()
        done = await asyncio.gather(*runs, return_exceptions=True)
    for ended in done:
        if isinstance(ended, Exception):
            raise ended


async def _tend(database: Database, queue: procrastinate.App) -> None:
    """Put periodic tasks into the queue, and give jobs of dead workers back to it."""
    while True:
        await asyncio.to_thread(put_periodic, database)
        await rescue(queue)
        await asyncio.sleep(1.0)


async def rescue(queue: procrastinate.App) -> None:
    """Give jobs whose worker is dead back to the queue, or up when that happened too often."""
    stale = await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=jobs.STALE_AFTER_S)
    for job in stale:
        try:
            if job.attempts + 1 >= CRASHES:
                await queue.job_manager.finish_job(
                    job, status=library.Status.FAILED, delete_job=False
                )
                _log.error("job_given_up", task=job.task_name, job=job.id)
            else:
                await queue.job_manager.retry_job(job)
        except exceptions.ConnectorException as error:  # another worker was faster
            _log.info("job_rescued_elsewhere", job=job.id, reason=str(error))


def _boundaries(database: Database, settings: Settings) -> Boundaries:
    """Return look-ups that map what the server has built."""
    return Boundaries(database, IndexCache(settings.home / "cache" / "boundaries"))
