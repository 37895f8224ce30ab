"""What was learned: corrections by people, how sources' pins are, failed geocodings, reliability.

Revision: 20261125_0400, after 20261125_0350.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "20261125_0400"
down_revision = "20261125_0350"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()

GRANTS = (
    ("corrections", "select, insert, update"),  # undone, never deleted
    ("learned_exceptions", "select, insert, delete"),
    ("source_profiles", "select, insert, update, delete"),
    ("source_readings", "select, insert, update, delete"),
    ("source_errors", "select, insert, update, delete"),
    ("place_spreads", "select, insert, update, delete"),
    ("bad_pins", "select, insert, update"),  # dismissed, never deleted
    ("confidence_bins", "select, insert, update, delete"),
    ("category_precisions", "select, insert, update, delete"),
    ("learning_state", "select, insert, update"),
)


def upgrade() -> None:
    """Add the tables, with the rights of the application."""
    op.execute("set local lock_timeout = '5s'")
    _corrections()
    _learned_exceptions()
    _source_profiles()
    _source_readings()
    _source_errors()
    _place_spreads()
    _bad_pins()
    _confidence_bins()
    _category_precisions()
    _learning_state()
    for table, rights in GRANTS:
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    for table in ("corrections", "bad_pins"):
        op.execute(f"grant usage, select on sequence {table}_id_seq to gridward_app")


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "alias_key",
            sa.Text(),
            nullable=True,
            comment="the address as aliases are compared; null: too little",
        ),
        sa.Column("raw_location", JSONB, nullable=True, comment="the pin as it came in"),
        sa.Column("place", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column(
            "matched_grid",
            sa.Text(),
            nullable=True,
            comment="what matching had said; null: nothing at grid level",
        ),
        sa.Column("confirmed_grid", sa.Text(), nullable=False),
        sa.Column(
            "decision", sa.Text(), nullable=False, comment="auto, review or outside, as matched"
        ),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("evidence_kind", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(undone_at is null) = (undone_by is null)", name=op.f("ck_corrections_undone_by")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_corrections_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        comment="Grids that people confirmed: aliases and exceptions rest on the ones not undone.",
    )
    op.create_index(
        "ix_corrections_alias_key",
        "corrections",
        ["alias_key"],
        unique=False,
        postgresql_where=sa.text("undone_at is null"),
    )
    op.create_index("ix_corrections_event_id", "corrections", ["event_id"], unique=False)
    op.create_index(
        "ix_corrections_grids", "corrections", ["matched_grid", "confirmed_grid"], unique=False
    )
    op.create_index(
        "ix_corrections_place", "corrections", ["place"], unique=False, postgresql_using="gist"
    )


def _learned_exceptions() -> None:
    op.create_table(
        "learned_exceptions",
        sa.Column("exception_id", sa.BigInteger(), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.Column("matched_grid", sa.Text(), nullable=False),
        sa.Column("confirmed_grid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["corrections.id"], name=op.f("fk_learned_exceptions_correction_id")
        ),
        sa.ForeignKeyConstraint(
            ["exception_id"],
            ["boundary_exceptions.id"],
            name=op.f("fk_learned_exceptions_exception_id"),
        ),
        sa.PrimaryKeyConstraint("exception_id", name=op.f("pk_learned_exceptions")),
        comment="Boundary exceptions that agreeing corrections made; the last one that was needed.",
    )


def _source_profiles() -> None:
    op.create_table(
        "source_profiles",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("pins", sa.Integer(), nullable=False, comment="with a place known without them"),
        sa.Column("typical_m", sa.Double(), nullable=False, comment="where no accuracy is stated"),
        sa.Column("stray", sa.Double(), nullable=False, comment="share of pins that say nothing"),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("stray >= 0 and stray <= 1", name=op.f("ck_source_profiles_stray")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_profiles")),
        comment="How the pins of a source are, estimated from its pins beside known addresses.",
    )


def _source_readings() -> None:
    op.create_table(
        "source_readings",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=False, comment="empty: no system was declared"),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("pins", sa.Double(), nullable=False, comment="expected number"),
        sa.ForeignKeyConstraint(
            ["source"],
            ["source_profiles.source"],
            name=op.f("fk_source_readings_source"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "declared", "reading", name=op.f("pk_source_readings")),
        comment="In which system the pins of a source really were, by what was declared.",
    )


def _source_errors() -> None:
    op.create_table(
        "source_errors",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column(
            "factor", sa.Double(), nullable=False, comment="true 68 % radius over the stated one"
        ),
        sa.Column("share", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"],
            ["source_profiles.source"],
            name=op.f("fk_source_errors_source"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "factor", name=op.f("pk_source_errors")),
        comment="How far the pins of a source really lie off.",
    )


def _place_spreads() -> None:
    op.create_table(
        "place_spreads",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("factor", sa.Double(), nullable=False, comment="on the gazetteer's uncertainty"),
        sa.Column("pins", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("level", name=op.f("pk_place_spreads")),
        comment="How far cases really lie from their address, by its level.",
    )


def _bad_pins() -> None:
    op.create_table(
        "bad_pins",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "lon", sa.Double(), nullable=False, comment="numbers as they come in, to 5 decimals"
        ),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column(
            "addresses", sa.Integer(), nullable=False, comment="different ones that came with it"
        ),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("dismissed_at", INSTANT, nullable=True),
        sa.Column("dismissed_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(dismissed_at is null) = (dismissed_by is null)", name=op.f("ck_bad_pins_dismissed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bad_pins")),
        sa.UniqueConstraint("lon", "lat", name=op.f("uq_bad_pins_lon_lat")),
        comment="Coordinates that stand for a failed geocoding; a dismissed one is a real place.",
    )


def _confidence_bins() -> None:
    op.create_table(
        "confidence_bins",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("said", sa.Double(), nullable=False, comment="mean confidence"),
        sa.Column("right_answers", sa.Double(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "right_answers <= answers", name=op.f("ck_confidence_bins_right_answers")
        ),
        sa.PrimaryKeyConstraint("kind", "low", name=op.f("pk_confidence_bins")),
        comment="Confidence said and kept, by kind of evidence: what thresholds are computed from.",
    )


def _category_precisions() -> None:
    op.create_table(
        "category_precisions",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("precision", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "precision >= 0.5 and precision < 1", name=op.f("ck_category_precisions_precision")
        ),
        sa.ForeignKeyConstraint(
            ["category"],
            ["categories.key"],
            name=op.f("fk_category_precisions_category"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("category", name=op.f("pk_category_precisions")),
        comment="Categories that route themselves at a precision of their own.",
    )


def _learning_state() -> None:
    op.create_table(
        "learning_state",
        sa.Column("id", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("stamp", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_learning_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_state")),
        comment="Changes with everything learned, so that processes know when to read it again.",
    )


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")
    for table, _ in reversed(GRANTS):
        op.drop_table(table)
