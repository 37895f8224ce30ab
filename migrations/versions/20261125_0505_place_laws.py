"""Places have a law of distance instead of one factor: shares of several multiples.

Revision: 20261125_0505, after 20261125_0400.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_0505"
down_revision = "20261125_0400"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let each level have several factors with their shares."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "place_spreads",
        sa.Column("share", sa.Double(), nullable=False, server_default=sa.text("1")),
    )
    op.alter_column("place_spreads", "share", server_default=None)
    op.drop_constraint(op.f("pk_place_spreads"), "place_spreads", type_="primary")
    op.create_primary_key(op.f("pk_place_spreads"), "place_spreads", ["level", "factor"])
    op.alter_column(
        "place_spreads", "level", comment="-beside: said to be opposite, at the gate, ..."
    )
    op.alter_column("place_spreads", "pins", comment="of that level")


def downgrade() -> None:
    """Keep the weightiest factor of each level."""
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        "delete from place_spreads s using place_spreads o where s.level = o.level "
        "and (o.share, o.factor) > (s.share, s.factor)"
    )
    op.drop_constraint(op.f("pk_place_spreads"), "place_spreads", type_="primary")
    op.create_primary_key(op.f("pk_place_spreads"), "place_spreads", ["level"])
    op.drop_column("place_spreads", "share")
    op.alter_column("place_spreads", "level", comment=None)
    op.alter_column("place_spreads", "pins", comment=None)
