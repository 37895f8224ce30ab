"""Layers: zoom bands, computed layers, stamps of two more tables, order of areas within a level.

Revision: 20261125_0350, after 20261125_0340.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "20261125_0350"
down_revision = "20261125_0340"
branch_labels = None
depends_on = None

STAMPED = ("gazetteer_entries", "layer_features")
"""Tables that join those whose changes ``stamp_data`` notes."""


_STAMPS = sa.table("data_stamps", sa.column("subject", sa.Text()))


def upgrade() -> None:
    """Add the tables, the stamps and the index that pages of areas are read by."""
    op.execute("set local lock_timeout = '5s'")
    _editions()
    _shapes()
    _features()
    # drawn by hand: the comparison of schemas cannot read an index with a collation
    op.execute(
        'create index ix_area_versions_level_code on area_versions (level, area_code collate "C")'
    )
    for table in STAMPED:
        op.execute(
            f"create trigger stamp_data after insert or update or delete or truncate on {table} "
            "for each statement execute function stamp_data()"
        )
    op.bulk_insert(_STAMPS, [{"subject": table} for table in STAMPED])
    for table, rights in (
        ("layer_editions", "select, insert"),
        ("layer_shapes", "select, insert, delete"),
        ("layer_features", "select, insert, update, delete"),
    ):
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    op.execute("grant usage, select on sequence layer_editions_id_seq to gridward_app")


def _editions() -> None:
    op.create_table(
        "layer_editions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "revision", sa.Integer(), nullable=False, comment="boundary revision that it shows"
        ),
        sa.Column(
            "inputs",
            sa.Text(),
            nullable=False,
            comment="what it was built from; another: build anew",
        ),
        sa.Column(
            "changed",
            postgresql.ARRAY(sa.Double()),
            nullable=False,
            comment=(
                "west, south, east, north in EPSG:3857, one box after the other: what it redraws"
            ),
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer_editions")),
        comment="When a layer was built, from what, and where it differs from before.",
    )
    op.create_index("ix_layer_editions_layer", "layer_editions", ["layer", "id"])


def _shapes() -> None:
    op.create_table(
        "layer_shapes",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column(
            "band", sa.SmallInteger(), nullable=False, comment="largest zoom that it is drawn at"
        ),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("geometry", Geometry("GEOMETRY", 3857, spatial_index=False), nullable=False),
        sa.Column("label", Geometry("POINT", 3857, spatial_index=False), nullable=False),
        sa.CheckConstraint("band between 0 and 30", name=op.f("ck_layer_shapes_band")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["area_versions.id"], name=op.f("fk_layer_shapes_version_id")
        ),
        sa.PrimaryKeyConstraint("layer", "band", "version_id", name=op.f("pk_layer_shapes")),
        comment=(
            "Boundary layers as tiles draw them: simplified as a coverage, one row per zoom band."
        ),
    )
    for column in ("geometry", "label"):
        op.create_index(
            f"ix_layer_shapes_{column}", "layer_shapes", [column], postgresql_using="gist"
        )


def _features() -> None:
    op.create_table(
        "layer_features",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("geometry", Geometry("GEOMETRY", 4326, spatial_index=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("layer", "code", name=op.f("pk_layer_features")),
        comment=(
            "Layers that are computed, not stored by anybody: employment circles, coverage gaps."
        ),
    )
    op.create_index(
        "ix_layer_features_geometry", "layer_features", ["geometry"], postgresql_using="gist"
    )


def downgrade() -> None:
    """Take them away; all of it can be built again."""
    op.execute("set local lock_timeout = '5s'")
    for table in STAMPED:
        op.execute(f"drop trigger stamp_data on {table}")
    op.execute(sa.delete(_STAMPS).where(_STAMPS.c.subject.in_(STAMPED)))
    op.drop_index("ix_area_versions_level_code", "area_versions")
    for table in ("layer_features", "layer_shapes", "layer_editions"):
        op.drop_table(table)
