"""Secrets of webhooks change without a gap; reminders of deliberations; marks for owners, rulings.

Revision: 20261129_1030, after 20261129_1000.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261129_1030"
down_revision = "20261129_1000"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
WATCHED = ("duty_rulings", "owned_assets")


def upgrade() -> None:
    """Add the columns, and the triggers that tell processes with a roster in memory."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "webhooks",
        sa.Column("former_secret", sa.Text(), comment="signs as well, until former_until"),
    )
    op.add_column("webhooks", sa.Column("former_until", INSTANT))
    op.add_column(
        "deliberations",
        sa.Column("reminded_at", INSTANT, comment="that the limit of this stage has passed"),
    )
    op.create_index(
        "ix_deliberations_due_at",
        "deliberations",
        ["due_at"],
        postgresql_where=sa.text("closed_at is null and reminded_at is null"),
    )
    for table in WATCHED:
        op.execute(
            f"create trigger mark_roster_change after insert or update or delete or truncate "
            f"on {table} for each statement execute function mark_roster_change()"
        )


def downgrade() -> None:
    """Take them away."""
    op.execute("set local lock_timeout = '5s'")
    for table in WATCHED:
        op.execute(f"drop trigger mark_roster_change on {table}")
    op.drop_index("ix_deliberations_due_at", table_name="deliberations")
    op.drop_column("deliberations", "reminded_at")
    op.drop_column("webhooks", "former_until")
    op.drop_column("webhooks", "former_secret")
