"""Earlier reports of one sender are found by their phone number.

Revision: 20261129_1040, after 20261129_1030.
"""

from __future__ import annotations

from alembic import op

revision = "20261129_1040"
down_revision = "20261129_1030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index; partitions to come have it from the parent."""
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        "create index ix_events_sender on events ((reporter->>'phone'), received_at) "
        "where reporter->>'phone' is not null"
    )


def downgrade() -> None:
    """Drop the index."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_events_sender", table_name="events")
