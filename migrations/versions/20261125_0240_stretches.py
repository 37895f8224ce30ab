"""Exceptions along a line, and whether open work orders have followed a revision.

Revision: 20261125_0240, after 20261125_0230.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "20261125_0240"
down_revision = "20261125_0230"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was published so far is taken as followed."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "boundary_revisions",
        sa.Column(
            "orders_moved_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when open work orders followed it; null: published and its day not come",
        ),
    )
    op.execute(
        "update boundary_revisions set orders_moved_at = greatest(published_at, effective_from) "
        "where status = 'published' and effective_from <= now()"
    )
    op.add_column(
        "boundary_exceptions",
        sa.Column(
            "line", Geometry("MULTILINESTRING", srid=4326, spatial_index=False), nullable=True
        ),
    )
    op.add_column(
        "boundary_exceptions",
        sa.Column(
            "width_m",
            sa.Double(),
            nullable=True,
            comment="of the ground along the line, both sides together",
        ),
    )
    op.create_index(
        "ix_boundary_exceptions_line", "boundary_exceptions", ["line"], postgresql_using="gist"
    )
    op.create_check_constraint(
        op.f("ck_boundary_exceptions_width_of_a_line"),
        "boundary_exceptions",
        "(line is null) = (width_m is null) and (width_m is null or width_m > 0)",
    )


def downgrade() -> None:
    """Drop the columns; the ground of exceptions along lines stays as a polygon."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_boundary_exceptions_line", table_name="boundary_exceptions")
    op.drop_constraint(op.f("ck_boundary_exceptions_width_of_a_line"), "boundary_exceptions")
    op.drop_column("boundary_exceptions", "width_m")
    op.drop_column("boundary_exceptions", "line")
    op.drop_column("boundary_revisions", "orders_moved_at")
