"""What was learned 经验: corrections by people, and what the history of pins and answers says."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

corrections = Table(
    "corrections",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, ForeignKey("event_registry.id"), nullable=False),
    key("source"),
    key("category", nullable=True),
    Column("address", Text),
    Column("alias_key", Text, comment="the address as aliases are compared; null: too little"),
    Column("raw_location", JSONB, comment="the pin as it came in"),
    geometry_column("POINT", "place", nullable=True),
    Column("matched_grid", Text, comment="what matching had said; null: nothing at grid level"),
    Column("confirmed_grid", Text, nullable=False),
    Column("decision", Text, nullable=False, comment="auto, review or outside, as matched"),
    Column("confidence", Double),
    Column("evidence_kind", Text),
    Column("confirmed_by", Text, nullable=False),
    created_at(),
    Column("undone_at", Instant),
    Column("undone_by", Text),
    CheckConstraint("(undone_at is null) = (undone_by is null)", name="undone_by"),
    gist("corrections", "place"),
    Index("ix_corrections_event_id", "event_id"),
    Index("ix_corrections_alias_key", "alias_key", postgresql_where=text("undone_at is null")),
    Index("ix_corrections_grids", "matched_grid", "confirmed_grid"),
    comment="Grids that people confirmed: aliases and exceptions rest on the ones not undone.",
)

learned_exceptions = Table(
    "learned_exceptions",
    metadata,
    Column("exception_id", BigInteger, ForeignKey("boundary_exceptions.id"), primary_key=True),
    Column("correction_id", BigInteger, ForeignKey("corrections.id"), nullable=False),
    Column("matched_grid", Text, nullable=False),
    Column("confirmed_grid", Text, nullable=False),
    comment="Boundary exceptions that agreeing corrections made; the last one that was needed.",
)

source_profiles = Table(
    "source_profiles",
    metadata,
    Column("source", Text, primary_key=True),
    Column("pins", Integer, nullable=False, comment="with a place known without them"),
    Column("typical_m", Double, nullable=False, comment="where no accuracy is stated"),
    Column("stray", Double, nullable=False, comment="share of pins that say nothing"),
    created_at(),
    CheckConstraint("stray >= 0 and stray <= 1", name="stray"),
    comment="How the pins of a source are, estimated from its pins beside known addresses.",
)

source_readings = Table(
    "source_readings",
    metadata,
    Column("source", Text, ForeignKey("source_profiles.source", ondelete="CASCADE")),
    Column("declared", Text, nullable=False, comment="empty: no system was declared"),
    Column("reading", Text, nullable=False),
    Column("pins", Double, nullable=False, comment="expected number"),
    PrimaryKeyConstraint("source", "declared", "reading"),
    comment="In which system the pins of a source really were, by what was declared.",
)

source_errors = Table(
    "source_errors",
    metadata,
    Column("source", Text, ForeignKey("source_profiles.source", ondelete="CASCADE")),
    Column("factor", Double, nullable=False, comment="true 68 % radius over the stated one"),
    Column("share", Double, nullable=False),
    PrimaryKeyConstraint("source", "factor"),
    comment="How far the pins of a source really lie off.",
)

place_spreads = Table(
    "place_spreads",
    metadata,
    Column("level", Text, nullable=False, comment="-beside: said to be opposite, at the gate, ..."),
    Column("factor", Double, nullable=False, comment="on the gazetteer's uncertainty"),
    Column("share", Double, nullable=False),
    Column("pins", Integer, nullable=False, comment="of that level"),
    PrimaryKeyConstraint("level", "factor"),
    comment="How far cases really lie from their address, by its level.",
)

bad_pins = Table(
    "bad_pins",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lon", Double, nullable=False, comment="numbers as they come in, to 5 decimals"),
    Column("lat", Double, nullable=False),
    key("kind"),
    Column("times", Integer, nullable=False),
    Column("addresses", Integer, nullable=False, comment="different ones that came with it"),
    created_at(),
    Column("dismissed_at", Instant),
    Column("dismissed_by", Text),
    UniqueConstraint("lon", "lat"),
    CheckConstraint("(dismissed_at is null) = (dismissed_by is null)", name="dismissed_by"),
    comment="Coordinates that stand for a failed geocoding; a dismissed one is a real place.",
)

confidence_bins = Table(
    "confidence_bins",
    metadata,
    Column("kind", Text, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("said", Double, nullable=False, comment="mean confidence"),
    Column("right_answers", Double, nullable=False),
    Column("answers", Integer, nullable=False),
    PrimaryKeyConstraint("kind", "low"),
    CheckConstraint("right_answers <= answers", name="right_answers"),
    comment="Confidence said and kept, by kind of evidence: what thresholds are computed from.",
)

category_precisions = Table(
    "category_precisions",
    metadata,
    Column("category", Text, ForeignKey("categories.key", ondelete="CASCADE"), primary_key=True),
    Column("precision", Double, nullable=False),
    CheckConstraint("precision >= 0.5 and precision < 1", name="precision"),
    comment="Categories that route themselves at a precision of their own.",
)

learning_state = Table(
    "learning_state",
    metadata,
    Column("id", Integer, primary_key=True, server_default=text("1")),
    Column("stamp", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("id = 1", name="one_row"),
    comment="Changes with everything learned, so that processes know when to read it again.",
)
