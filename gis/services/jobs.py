"""Jobs 后台任务: what is done later, or takes long, outside the request that wants it.

Register a task where it lives, and name its module in :data:`TASK_MODULES`::

    @jobs.task("deliver-webhook", attempts=10)
    def deliver(context: jobs.Context, *, message: int) -> None: ...

Put it into the queue within a unit of work: it runs after the commit, or never if that fails::

    jobs.defer(work, "deliver-webhook", {"message": 7}, at=later, key="webhook-7")

A job runs at least once: a worker that dies leaves it to another. So its effect belongs into one
transaction that first looks whether it is still wanted (``for update``, then the state), which
makes the effect happen once. ``every`` makes a task periodic.

A job that somebody waits for has a report: :func:`start` returns its id for ``202 Accepted`` and
``/v1/jobs/{id}``; the task returns what becomes ``result``, calls :meth:`Context.progress` between
its steps, and raises a :class:`~gis.errors.GovernanceError` to end with that problem.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

import structlog

from gis import clock
from gis.errors import GovernanceError, JobGivenUp, JobUnknown, QueueStopped
from gis.governance.actors import SYSTEM, Actor
from gis.services.lookup import Boundaries
from gis.settings import Settings
from gis.store import jobs as store
from gis.store.jobs import QueueState
from gis.store.unit_of_work import Database, UnitOfWork

QUEUES: Final[dict[str, tuple[str, str]]] = {
    "prompt": ("及时队列", "short jobs, several at once"),
    "long": ("长任务队列", "jobs of minutes, one at a time in each worker"),
    "outgoing": ("对外推送队列", "calls to systems next door, which may be slow"),
}
"""Queue -> (title_zh, title_en): a long computation never keeps a clock waiting."""

TASK_MODULES: Final = (
    "gis.services.jobs",
    "gis.services.clock_work",
    "gis.services.deliberation_clock",
    "gis.services.follow",
    "gis.services.intake",
    "gis.services.draft_review",
    "gis.services.webhook_delivery",
    "gis.services.siting_job",
    "gis.services.redraw_job",
    "layers.ahead",
    "layers.bands",
)
"""Modules that register tasks; a worker imports them all."""

STALE_AFTER_S: Final = 15.0
"""A worker that gave no sign of life for so long counts as dead; its jobs go to another."""

OLDEST_DUE_S: Final = 300.0
"""A job that is due for longer means that nobody works: ``/readyz`` says so."""

_log = structlog.get_logger(__name__)


class JobCancelled(Exception):
    """The owner wants the job to end, or the worker stops; raised by :meth:`Context.progress`."""


@dataclass(slots=True)
class Context:
    """What a task gets beside its own arguments.

    ``now`` reads the clock; ``attempt`` counts from 1; ``report_id`` is None for jobs that nobody
    waits for.
    """

    database: Database
    boundaries: Boundaries
    settings: Settings
    attempt: int = 1
    report_id: uuid.UUID | None = None
    now: Callable[[], datetime] = clock.now
    stopping: Callable[[], bool] = field(default=lambda: False)

    def progress(self, share: float, text_zh: str | None = None, text_en: str = "") -> None:
        """Tell how far the job is: a share from 0 to 1, and in words what it does now.

        Raises
        ------
        JobCancelled
            The owner asked for the end, or the worker is about to stop. Leave it alone.
        """
        if self.stopping():
            raise JobCancelled
        if self.report_id is None:
            return
        message = None if text_zh is None else {"zh": text_zh, "en": text_en}
        with self.database.transaction(SYSTEM) as work:
            unwanted = store.report_progress(work, self.report_id, share, message)
        if unwanted:
            raise JobCancelled


@dataclass(frozen=True, slots=True)
class Task:
    """A registered task: its function, and how the queue treats it."""

    name: str
    run: Callable[..., Any]
    queue: str
    attempts: int
    every: timedelta | None
    lock: str | None


TASKS: Final[dict[str, Task]] = {}
"""Every registered task by name."""


def task(
    name: str,
    *,
    queue: str = "prompt",
    attempts: int = 5,
    every: timedelta | None = None,
    lock: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a task: ``run(context, **arguments)``, arguments plain JSON.

    Parameters
    ----------
    attempts
        Tries before it counts as failed, with growing pauses (2, 4, 8 ... at most 300 s). A
        :class:`~gis.errors.GovernanceError` other than ``Unavailable`` is final at once.
    every
        Put into the queue that often, as long as any worker runs; never twice in the queue.
    lock
        Jobs with one lock run one after the other, over all workers.
    """
    if queue not in QUEUES or (every is not None and every < timedelta(seconds=1)):
        message = f"task {name}: queue {queue!r} of {list(QUEUES)}, every {every} of at least 1 s"
        raise ValueError(message)

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        if TASKS.setdefault(name, Task(name, run, queue, attempts, every, lock)).run is not run:
            message = f"two tasks are named {name}"
            raise ValueError(message)
        return run

    return register


def import_tasks() -> None:
    """Import every module that registers tasks."""
    for module in TASK_MODULES:
        import_module(module)


def task_of(name: str) -> Task:
    """Return a registered task, importing the modules of tasks where nobody has yet.

    So a command that imports little puts a job into the queue, and under the lock, of its task.

    Raises
    ------
    ValueError
        No task has that name.
    """
    if name not in TASKS:
        import_tasks()
    if name not in TASKS:
        message = f"no task is named {name}"
        raise ValueError(message)
    return TASKS[name]


def defer(
    work: UnitOfWork,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
    lock: str | None = None,
    key: str | None = None,
) -> int | None:
    """Put a job into the queue in the caller's transaction.

    The caller need not import the task's module. ``at``: not before then. ``lock``: one after the
    other. ``key``: at most one of it waits at a time.

    Returns
    -------
    int or None
        The number of the job; None when one with this key waits already.
    """
    known = task_of(name)
    return store.put(
        work, name, arguments or {}, queue=known.queue, at=at, lock=lock or known.lock, key=key
    )


def start(work: UnitOfWork, name: str, arguments: Mapping[str, Any] | None = None) -> uuid.UUID:
    """Start a long job for the actor of the unit of work; return the id of its report."""
    known = task_of(name)
    report_id = uuid.uuid4()
    store.add_report(work, report_id, name, arguments or {})
    queue_id = store.put(
        work,
        name,
        {**(arguments or {}), "report": str(report_id)},
        queue=known.queue,
        lock=known.lock,
    )
    store.set_queue_id(work, report_id, queue_id)
    return report_id


def report(database: Database, actor: Actor, report_id: uuid.UUID) -> dict[str, Any]:
    """Return how far a long job is, to the one who started it (and to an administrator).

    Raises
    ------
    gis.errors.JobUnknown
        There is none of that id, or it is somebody else's.
    """
    with database.reading(actor) as work:
        return _shown(_owned(work, report_id))


def cancel(database: Database, actor: Actor, report_id: uuid.UUID) -> dict[str, Any]:
    """Ask a long job to end; one that has not begun ends at once. Finished ones stay as they are.

    Raises
    ------
    gis.errors.JobUnknown
    """
    with database.transaction(actor) as work:
        _owned(work, report_id)
        store.ask_to_cancel(work, report_id)
        return _shown(_owned(work, report_id))


def _owned(work: UnitOfWork, report_id: uuid.UUID) -> Mapping[str, Any]:
    row = store.report_of(work, report_id)
    if row is None or (work.actor.role != "admin" and row["owner_id"] != work.actor.id):
        raise JobUnknown(id=str(report_id))
    return dict(row)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    instants = {
        key: None if row[key] is None else row[key].isoformat()
        for key in ("created_at", "started_at", "finished_at")
    }
    return {
        "id": str(row["id"]),
        "task": row["task"],
        "status": row["status"],
        "progress": row["progress"],
        "message": row["message"],
        "arguments": row["arguments"],
        "result": row["result"],
        "problem": row["problem"],
        "cancel_asked": row["cancel_asked"],
        **instants,
    }


def queue_state(database: Database) -> QueueState:
    """Return how long the queue is and how many workers live."""
    with database.reading(SYSTEM) as work:
        state = store.queue_state(work, alive_s=STALE_AFTER_S)
    return replace(state, workers=-(-state.workers // len(QUEUES)))  # each serves every queue


def check_queue(database: Database, *, workers_expected: bool) -> dict[str, Any]:
    """Return the queue's state, which must be moving.

    Raises
    ------
    gis.errors.QueueStopped
        A job is due for longer than :data:`OLDEST_DUE_S`: no worker runs, or too few.
    """
    state = queue_state(database)
    if workers_expected and state.oldest_due_s is not None and state.oldest_due_s > OLDEST_DUE_S:
        raise QueueStopped(due=state.due, oldest_s=round(state.oldest_due_s), workers=state.workers)
    return {"waiting": state.waiting, "running": state.running, "workers": state.workers}


def problem_of(error: GovernanceError) -> dict[str, Any]:
    """Return an error as a report carries it, in both languages."""
    return {
        "code": error.code,
        "title": {"zh": error.title("zh"), "en": error.title("en")},
        "detail": {"zh": error.detail("zh"), "en": error.detail("en")},
        "facts": {key: str(value) for key, value in error.facts.items()},
    }


@task("end-left-reports", every=timedelta(seconds=30))
def end_left_reports(context: Context) -> None:
    """End the reports of jobs that were given up: nobody must wait for them for ever."""
    with context.database.transaction(SYSTEM) as work:
        for report_id in store.end_left(work, problem_of(JobGivenUp())):
            _log.error("report_of_a_dead_job_ended", report=str(report_id))


@task("forget-done-jobs", every=timedelta(hours=1))
def forget_done(context: Context) -> None:
    """Keep finished jobs for a day and reports for a month."""
    with context.database.transaction(SYSTEM) as work:
        store.forget_done(work, hours=24)
