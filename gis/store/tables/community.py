"""What a city decides by data: its holidays, who owns what, and what its communities deliberate."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

deliberation_number = Sequence("deliberation_number", metadata=metadata)

holiday_notices = Table(
    "holiday_notices",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("days_off", ARRAY(Date), nullable=False),
    Column("makeup_workdays", ARRAY(Date), nullable=False, server_default=text("'{}'")),
    Column("source", Text, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("imported_at", Instant, nullable=False, server_default=text("now()")),
    CheckConstraint("year between 1949 and 2999", name="year"),
    comment="Holiday notices 节假日安排 that a city supplies, before those of the library.",
)

office_hours = Table(
    "office_hours",
    metadata,
    Column("since", Date, primary_key=True, comment="the first day on which they hold"),
    Column("hours", Text, nullable=False, comment="windows: 08:30-12:00;14:00-17:30"),
    Column("source", Text, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("imported_at", Instant, nullable=False, server_default=text("now()")),
    comment="Office hours 作息时间 of a city from a day on; before them the default ones.",
)

owned_assets = Table(
    "owned_assets",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    key("kind"),
    Column("owner_unit", Text, ForeignKey("units.code"), nullable=False),
    Column("categories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    geometry_column("GEOMETRY"),
    Column("reach_m", Double, nullable=False, server_default=text("15")),
    Column("retired_at", Instant),
    created_at(),
    CheckConstraint("reach_m > 0 and reach_m <= 1000", name="reach_m"),
    gist("owned_assets"),
    comment="Road sections, lamps, covers with an owner 权属 that answers for some categories.",
)

deliberations = Table(
    "deliberations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    key("kind"),
    Column("title", Text, nullable=False),
    Column("description", Text),
    key("status"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    geometry_column("POINT", nullable=True),
    Column("area_code", Text, nullable=False),
    Column("path_codes", ARRAY(Text), nullable=False),
    Column("proposer", JSONB, comment="name and phone: those who deal with it only"),
    Column("event_id", Uuid, ForeignKey("event_registry.id")),
    Column("due_at", Instant, comment="of the stage that it is in"),
    Column("reminded_at", Instant, comment="that the limit of this stage has passed"),
    Column("decision", Text),
    Column("score", Integer),
    Column("validated_at", Instant),
    Column("adopted_at", Instant),
    Column("carried_out_at", Instant),
    Column("created_by", Text, nullable=False),
    created_at(),
    Column("closed_at", Instant),
    UniqueConstraint("number"),
    CheckConstraint("kind in ('matter', 'proposal')", name="kind"),
    CheckConstraint("score between 1 and 5", name="score"),
    gist("deliberations"),
    Index("ix_deliberations_path_codes", "path_codes", postgresql_using="gin"),
    Index("ix_deliberations_created_at", "created_at"),
    Index(
        "ix_deliberations_due_at",
        "due_at",
        postgresql_where=text("closed_at is null and reminded_at is null"),
    ),
    comment="Community matters 议事 and people's proposals 人民建议, with a place on the map.",
)

deliberation_entries = Table(
    "deliberation_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("deliberation_id", Uuid, ForeignKey("deliberations.id"), nullable=False),
    Column("at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("actor_id", Text, nullable=False),
    Column("actor_role", Text, nullable=False),
    key("action"),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("note", Text),
    Index("ix_deliberation_entries_deliberation_id", "deliberation_id"),
    comment="The history of a deliberation: append-only.",
)
