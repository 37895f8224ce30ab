"""Long jobs 任务 as their owners see them, and when each periodic task was last asked for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables.metadata import Instant, created_at, key, metadata

job_reports = Table(
    "job_reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("queue_id", BigInteger, comment="of the job in the queue that works on it"),
    key("task"),
    Column("owner_id", Text, nullable=False, comment="actor who started it and may look at it"),
    Column("status", Text, nullable=False, server_default=text("'queued'")),
    Column("progress", Double, nullable=False, server_default=text("0")),
    Column("message", JSONB, comment="what it is doing, in both languages"),
    Column("arguments", JSONB, nullable=False),
    Column("result", JSONB),
    Column("problem", JSONB, comment="why it failed, as a problem document carries it"),
    Column("cancel_asked", Boolean, nullable=False, server_default=text("false")),
    created_at(),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    CheckConstraint(
        "status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"
    ),
    CheckConstraint("progress >= 0 and progress <= 1", name="progress"),
    CheckConstraint(
        "(finished_at is not null) = (status in ('succeeded', 'failed', 'cancelled'))",
        name="finished",
    ),
    Index("ix_job_reports_created_at", "created_at"),
    comment="Long jobs: who started them, how far they are, what came out.",
)

periodic_tasks = Table(
    "periodic_tasks",
    metadata,
    Column("task", Text, primary_key=True),
    Column("asked_at", Instant, nullable=False),
    comment="When each periodic task was last put into the queue, by the database's clock.",
)
