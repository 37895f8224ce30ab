"""Indicators read work orders by when they fall due and when they were closed.

Revision: 20261125_0320, after 20261125_0300.
"""

from __future__ import annotations

from alembic import op

revision = "20261125_0320"
down_revision = "20261125_0300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two indexes."""
    op.execute("set local lock_timeout = '5s'")
    op.create_index("ix_work_orders_due_at_all", "work_orders", ["due_at"])
    op.create_index("ix_work_orders_closed_at", "work_orders", ["closed_at"])


def downgrade() -> None:
    """Take them back."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_work_orders_closed_at", "work_orders")
    op.drop_index("ix_work_orders_due_at_all", "work_orders")
