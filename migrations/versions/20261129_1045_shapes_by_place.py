"""Zoom bands are found by layer, band and place in one index.

Revision: 20261129_1045, after 20261129_1040.

The index on places alone gave every band of every layer, of which one was kept.
"""

from __future__ import annotations

from alembic import op

revision = "20261129_1045"
down_revision = "20261129_1040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put one index in the place of two."""
    op.execute("set local lock_timeout = '5s'")
    op.create_index(
        "ix_layer_shapes_place",
        "layer_shapes",
        ["layer", "band", "geometry"],
        postgresql_using="gist",
    )
    op.drop_index("ix_layer_shapes_geometry", table_name="layer_shapes")
    op.drop_index("ix_layer_shapes_label", table_name="layer_shapes")


def downgrade() -> None:
    """Put the two indexes back."""
    op.execute("set local lock_timeout = '5s'")
    for column in ("geometry", "label"):
        op.create_index(
            f"ix_layer_shapes_{column}", "layer_shapes", [column], postgresql_using="gist"
        )
    op.drop_index("ix_layer_shapes_place", table_name="layer_shapes")
