"""Editions: what a draft stands on and retires, what became of areas; exceptions as data.

Revision: 20261123_1600, after 20261123_1440.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "20261123_1600"
down_revision = "20261123_1440"
branch_labels = None
depends_on = None

GRANTS = (
    ("draft_retirements", "select, insert, delete"),
    ("area_lineage", "select, insert"),  # history: never changed, never deleted
    ("boundary_exceptions", "select, insert, update"),
)


def upgrade() -> None:
    """Add the column and the three tables, with the rights of the application."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "boundary_revisions",
        sa.Column(
            "base_revision",
            sa.Integer(),
            nullable=True,
            comment="last published revision when the draft was made, 0: none",
        ),
    )
    _draft_retirements()
    _area_lineage()
    _boundary_exceptions()
    for table, rights in GRANTS:
        # Default privileges of a server may have granted more than the table's history allows.
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    op.execute("grant usage, select on sequence boundary_exceptions_id_seq to gridward_app")


def _draft_retirements() -> None:
    op.create_table(
        "draft_retirements",
        sa.Column("draft_id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_draft_retirements_area_code")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["boundary_revisions.id"], name=op.f("fk_draft_retirements_draft_id")
        ),
        sa.PrimaryKeyConstraint("draft_id", "area_code", name=op.f("pk_draft_retirements")),
        comment="Codes that retire when the draft is published.",
    )


def _area_lineage() -> None:
    op.create_table(
        "area_lineage",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("old_code", sa.Text(), nullable=False),
        sa.Column("new_code", sa.Text(), nullable=False),
        sa.Column("area_share", sa.Double(), nullable=False, comment="of the old area, 0 to 1"),
        sa.Column(
            "people_share",
            sa.Double(),
            nullable=True,
            comment="of its residents; null where nobody was registered",
        ),
        sa.CheckConstraint(
            "area_share > 0 and area_share <= 1.000001", name=op.f("ck_area_lineage_area_share")
        ),
        sa.CheckConstraint(
            "people_share >= 0 and people_share <= 1", name=op.f("ck_area_lineage_people_share")
        ),
        sa.ForeignKeyConstraint(
            ["new_code"], ["areas.code"], name=op.f("fk_area_lineage_new_code")
        ),
        sa.ForeignKeyConstraint(
            ["old_code"], ["areas.code"], name=op.f("fk_area_lineage_old_code")
        ),
        sa.ForeignKeyConstraint(
            ["revision"], ["boundary_revisions.revision"], name=op.f("fk_area_lineage_revision")
        ),
        sa.PrimaryKeyConstraint("revision", "old_code", "new_code", name=op.f("pk_area_lineage")),
        comment=(
            "Splits and merges: what became of an area whose ground changed hands, by revision."
        ),
    )
    op.create_index("ix_area_lineage_old_code", "area_lineage", ["old_code"], unique=False)
    op.create_index("ix_area_lineage_new_code", "area_lineage", ["new_code"], unique=False)


def _boundary_exceptions() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "boundary_exceptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "geometry", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False
        ),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column(
            "ended_at", instant, nullable=True, comment="ended by a person before it expired"
        ),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "expires_at > created_at",
            name=op.f("ck_boundary_exceptions_expires_after_it_begins"),
        ),
        sa.CheckConstraint(
            "(ended_at is null) = (ended_by is null)", name=op.f("ck_boundary_exceptions_ended_by")
        ),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_boundary_exceptions_area_code")
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"], ["units.code"], name=op.f("fk_boundary_exceptions_unit_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_exceptions")),
        comment="On this stretch, for this category (null: any): that area, or that unit, decides.",
    )
    op.create_index(
        "ix_boundary_exceptions_geometry",
        "boundary_exceptions",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")
    for table in ("boundary_exceptions", "area_lineage", "draft_retirements"):
        op.drop_table(table)
    op.drop_column("boundary_revisions", "base_revision")
