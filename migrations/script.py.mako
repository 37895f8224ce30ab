"""${message}.

Revision: ${up_revision}, after ${down_revision | comma,n}.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """${message}."""
    op.execute("set local lock_timeout = '5s'")
    ${upgrades if upgrades else ""}


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")
    ${downgrades if downgrades else ""}
