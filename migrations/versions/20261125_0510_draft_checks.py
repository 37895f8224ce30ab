"""The check of a draft is kept beside it, with what it was made on.

Revision: 20261125_0510, after 20261125_0505.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_0510"
down_revision = "20261125_0505"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; checks are made when they are asked for."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "boundary_revisions",
        sa.Column(
            "checked",
            postgresql.JSONB(),
            nullable=True,
            comment="check of the city as the draft leaves it, and what it was made on (basis)",
        ),
    )


def downgrade() -> None:
    """Drop the column."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("boundary_revisions", "checked")
