"""SQL of the job queue: jobs written with the change that wants them, reports of long ones.

The queue's tables are procrastinate's (``procrastinate_jobs`` and what belongs to it); a job that
is put in here becomes visible to the workers when the transaction commits, and not at all when it
rolls back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables import job_reports, periodic_tasks
from gis.store.unit_of_work import UnitOfWork

_PUT = sa.text(
    "insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, "
    "scheduled_at) values (:queue, :task, :priority, :lock, :key, :args, :at) "
    "on conflict (queueing_lock) where status = 'todo' do nothing returning id"
).bindparams(
    sa.bindparam("queue", type_=sa.Text),
    sa.bindparam("task", type_=sa.Text),
    sa.bindparam("priority", type_=sa.Integer),
    sa.bindparam("lock", type_=sa.Text),
    sa.bindparam("key", type_=sa.Text),
    sa.bindparam("args", type_=JSONB),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
)
_STATE = sa.text(
    "select count(*) filter (where status = 'todo') as waiting, "
    "count(*) filter (where status = 'todo' and coalesce(scheduled_at, now()) <= now()) as due, "
    "count(*) filter (where status = 'doing') as running, "
    "count(*) filter (where status = 'failed') as failed, "
    "extract(epoch from now() - min(coalesce(j.scheduled_at, e.at)) filter (where "
    "status = 'todo' and coalesce(j.scheduled_at, e.at) <= now()))::float8 as oldest_due_s, "
    "(select count(*) from procrastinate_workers "
    "where last_heartbeat > now() - make_interval(secs => :alive_s)) as workers "
    "from procrastinate_jobs j left join lateral (select min(at) as at from procrastinate_events "
    "where job_id = j.id and j.status = 'todo') e on true "
    "where status in ('todo', 'doing', 'failed')"
)
_FORGET = sa.text(
    "delete from procrastinate_jobs j where status in ('succeeded', 'cancelled', 'aborted') "
    "and not exists (select from procrastinate_events e where e.job_id = j.id "
    "and e.at > now() - make_interval(hours => :hours))"
)
_END_LEFT = sa.text(
    "update job_reports r set finished_at = clock_timestamp(), "
    "status = case when cancel_asked then 'cancelled' else 'failed' end, "
    "problem = case when cancel_asked then null else cast(:problem as jsonb) end "
    "where finished_at is null and not exists (select from procrastinate_jobs j "
    "where j.id = r.queue_id and j.status in ('todo', 'doing')) returning id"
).bindparams(sa.bindparam("problem", type_=JSONB))


@dataclass(frozen=True, slots=True)
class QueueState:
    """How long the queue is; ``oldest_due_s`` is the age of the oldest job that is due, or None."""

    waiting: int
    due: int
    running: int
    failed: int
    oldest_due_s: float | None
    workers: int


def put(
    work: UnitOfWork,
    task: str,
    arguments: Mapping[str, Any],
    *,
    queue: str,
    at: datetime | None = None,
    lock: str | None = None,
    key: str | None = None,
    priority: int = 0,
) -> int | None:
    """Put a job into the queue, in this transaction; None when one with that key waits already.

    Jobs with one ``lock`` run one after the other; ``at`` is when it may start at the earliest.
    """
    found: int | None = work.scalar(
        _PUT,
        queue=queue,
        task=task,
        priority=priority,
        lock=lock,
        key=key,
        args=dict(arguments),
        at=at,
    )
    return found


def is_due(work: UnitOfWork, task: str, every: timedelta) -> bool:
    """Claim a periodic task when its last time lies so far back (or, by a clock set back, ahead).

    Two workers that ask at once: the row lock lets one through.
    """
    insert = sa.dialects.postgresql.insert(periodic_tasks)
    now = sa.func.clock_timestamp()
    known = periodic_tasks.c.asked_at
    claimed = work.scalar(
        insert.values(task=task, asked_at=now)
        .on_conflict_do_update(
            index_elements=[periodic_tasks.c.task],
            set_={"asked_at": now},
            where=sa.or_(known <= now - every, known > now + every),
        )
        .returning(periodic_tasks.c.task)
    )
    return claimed is not None


def queue_state(work: UnitOfWork, *, alive_s: float) -> QueueState:
    """Count the jobs by state, and the workers that gave a sign of life in the last seconds."""
    row = work.rows(_STATE, alive_s=alive_s)[0]
    return QueueState(**row)


def forget_done(work: UnitOfWork, *, hours: int) -> int:
    """Delete finished jobs and reports of long ago; failed jobs stay until somebody looks."""
    old = job_reports.c.finished_at < sa.func.now() - timedelta(hours=24 * 30)
    work.execute(sa.delete(job_reports).where(old))
    return work.execute(_FORGET, hours=hours)


# --- reports of long jobs -----------------------------------------------------------------------


def add_report(
    work: UnitOfWork, report_id: uuid.UUID, task: str, arguments: Mapping[str, Any]
) -> None:
    """Write the report of a long job that the actor starts."""
    work.execute(
        sa.insert(job_reports).values(
            id=report_id, task=task, owner_id=work.actor.id, arguments=dict(arguments)
        )
    )


def set_queue_id(work: UnitOfWork, report_id: uuid.UUID, queue_id: int | None) -> None:
    """Note which job of the queue works on a report."""
    work.execute(
        sa.update(job_reports).where(job_reports.c.id == report_id).values(queue_id=queue_id)
    )


def report_of(work: UnitOfWork, report_id: uuid.UUID) -> sa.RowMapping | None:
    """Return one report."""
    return work.row(sa.select(*job_reports.c).where(job_reports.c.id == report_id))


def report_begins(work: UnitOfWork, report_id: uuid.UUID) -> bool:
    """Mark a report as running; False when it is finished or cancelled: then do nothing."""
    now = sa.func.clock_timestamp()
    columns = job_reports.c
    return bool(
        work.execute(
            sa.update(job_reports)
            .where(columns.id == report_id, columns.finished_at.is_(None))
            .where(columns.cancel_asked.is_(False))
            .values(status="running", started_at=sa.func.coalesce(columns.started_at, now))
        )
    )


def report_progress(
    work: UnitOfWork, report_id: uuid.UUID, share: float, message: Mapping[str, str] | None
) -> bool:
    """Note how far a job is (0 to 1, never backwards); True when its owner wants it to end."""
    columns = job_reports.c
    asked = work.scalar(
        sa.update(job_reports)
        .where(columns.id == report_id, columns.finished_at.is_(None))
        .values(
            progress=sa.func.greatest(columns.progress, min(max(share, 0.0), 1.0)),
            message=columns.message if message is None else dict(message),
        )
        .returning(columns.cancel_asked)
    )
    return asked is None or bool(asked)


def report_ends(
    work: UnitOfWork,
    report_id: uuid.UUID,
    status: str,
    *,
    result: Any = None,  # noqa: ANN401 - whatever JSON carries
    problem: Mapping[str, Any] | None = None,
) -> bool:
    """Finish a report once; False when it was finished before (by another run of the job)."""
    columns = job_reports.c
    values: dict[str, Any] = {"status": status, "finished_at": sa.func.clock_timestamp()}
    if status == "succeeded":
        values |= {"progress": 1.0, "result": result}
    if problem is not None:
        values["problem"] = dict(problem)
    return bool(
        work.execute(
            sa.update(job_reports)
            .where(columns.id == report_id, columns.finished_at.is_(None))
            .values(**values)
        )
    )


def end_left(work: UnitOfWork, problem: Mapping[str, Any]) -> list[uuid.UUID]:
    """Finish the reports on which no job works any more; return them.

    A job ends its report first and itself afterwards: a report that is left was left by a job
    whose process died.
    """
    return [row["id"] for row in work.rows(_END_LEFT, problem=dict(problem))]


def ask_to_cancel(work: UnitOfWork, report_id: uuid.UUID) -> None:
    """Ask a job to end; one that has not begun is cancelled at once."""
    columns = job_reports.c
    waiting = columns.status == "queued"
    work.execute(
        sa.update(job_reports)
        .where(columns.id == report_id, columns.finished_at.is_(None))
        .values(
            cancel_asked=True,
            status=sa.case((waiting, "cancelled"), else_=columns.status),
            finished_at=sa.case((waiting, sa.func.clock_timestamp()), else_=None),
        )
    )
