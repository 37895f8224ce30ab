"""Office hours are data of the city, from a day on.

Revision: 20261129_1000, after 20261125_0510.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261129_1000"
down_revision = "20261125_0510"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; an empty one means the default hours, as before."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "office_hours",
        sa.Column("since", sa.Date(), nullable=False, comment="the first day on which they hold"),
        sa.Column("hours", sa.Text(), nullable=False, comment="windows: 08:30-12:00;14:00-17:30"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column(
            "imported_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("since", name=op.f("pk_office_hours")),
        comment="Office hours 作息时间 of a city from a day on; before them the default ones.",
    )
    op.execute("grant select, insert, delete on office_hours to gridward_app")


def downgrade() -> None:
    """Drop the table."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("office_hours")
