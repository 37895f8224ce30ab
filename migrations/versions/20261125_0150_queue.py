"""The job queue: procrastinate's schema, reports of long jobs, periodic tasks.

Revision: 20261125_0150, after 20261123_1600.

The schema is the one that the installed library brings along; the library is pinned to the release
that is named here. Whoever raises the pin adds a migration that runs the library's new numbered
files, and names the newest of them here, since a fresh database then gets them at once.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125_0150"
down_revision = "20261123_1600"
branch_labels = None
depends_on = None

LIBRARY = "3.10"
"""Release of procrastinate whose schema this is."""

NEWEST_FILE = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The last of the library's numbered changes that its schema then held."""

TABLES = (
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_jobs",
    "procrastinate_workers",
)

DROP = """
do $$
declare found record;
begin
    for found in
        select p.oid::regprocedure as named from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.proname like 'procrastinate\\_%'
    loop
        execute 'drop function ' || found.named || ' cascade';
    end loop;
    for found in
        select t.typname as named from pg_type t
        join pg_namespace n on n.oid = t.typnamespace
        where n.nspname = 'public' and t.typname like 'procrastinate\\_%'
          and (t.typtype = 'e' or t.typtype = 'c')
    loop
        execute format('drop type if exists %I cascade', found.named);
    end loop;
end
$$
"""


def upgrade() -> None:
    """Make the queue with the rights of the application, and the two tables beside it."""
    op.execute("set local lock_timeout = '5s'")
    files = resources.files("procrastinate.sql")
    newest = max(
        entry.name for entry in (files / "migrations").iterdir() if entry.name[0].isdigit()
    )
    if newest != NEWEST_FILE:
        message = f"procrastinate {LIBRARY} is needed: its newest change is {NEWEST_FILE}"
        raise RuntimeError(message)
    # the driver's own connection: the file holds many statements and signs of per cent
    raw: Any = op.get_bind().connection.driver_connection
    raw.execute((files / "schema.sql").read_text(encoding="utf-8"))
    op.execute(f"revoke all on {', '.join(TABLES)} from gridward_app")
    op.execute(f"grant select, insert, update, delete on {', '.join(TABLES)} to gridward_app")
    for table in ("procrastinate_events", "procrastinate_periodic_defers", "procrastinate_jobs"):
        op.execute(f"grant usage, select on sequence {table}_id_seq to gridward_app")
    op.execute("grant usage, select on sequence procrastinate_workers_id_seq to gridward_app")
    _job_reports()
    op.create_table(
        "periodic_tasks",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_periodic_tasks")),
        comment="When each periodic task was last put into the queue, by the database's clock.",
    )
    for table in ("job_reports", "periodic_tasks"):
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant select, insert, update, delete on {table} to gridward_app")


def _job_reports() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "job_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "queue_id",
            sa.BigInteger(),
            nullable=True,
            comment="of the job in the queue that works on it",
        ),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column(
            "owner_id",
            sa.Text(),
            nullable=False,
            comment="actor who started it and may look at it",
        ),
        sa.Column("status", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("progress", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("message", JSONB(), nullable=True, comment="what it is doing, in both languages"),
        sa.Column("arguments", JSONB(), nullable=False),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column(
            "problem",
            JSONB(),
            nullable=True,
            comment="why it failed, as a problem document carries it",
        ),
        sa.Column("cancel_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", instant, nullable=True),
        sa.Column("finished_at", instant, nullable=True),
        sa.CheckConstraint(
            "status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_job_reports_status"),
        ),
        sa.CheckConstraint("progress >= 0 and progress <= 1", name=op.f("ck_job_reports_progress")),
        sa.CheckConstraint(
            "(finished_at is not null) = (status in ('succeeded', 'failed', 'cancelled'))",
            name=op.f("ck_job_reports_finished"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_reports")),
        comment="Long jobs: who started them, how far they are, what came out.",
    )
    op.create_index("ix_job_reports_created_at", "job_reports", ["created_at"], unique=False)


def downgrade() -> None:
    """Take it back, jobs that still wait included."""
    op.execute("set local lock_timeout = '5s'")
    for table in ("periodic_tasks", "job_reports"):
        op.drop_table(table)
    op.execute(f"drop table {', '.join(TABLES)} cascade")
    op.execute(DROP)
