"""What planning keeps: stamps of change, people counted by area or cell, saved scenarios."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

data_stamps = Table(
    "data_stamps",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("stamp", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("changed_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    comment="When a table last changed; a stamp that is still the same says that it did not.",
)

people_counts = Table(
    "people_counts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("series", Text, nullable=False, comment="one count of the whole city"),
    Column("code", Text, nullable=False),
    geometry_column("MULTIPOLYGON", nullable=True),
    Column("residents", Integer, nullable=False),
    Column("households", Integer, nullable=False, server_default=text("0")),
    Column("age_0_14", Integer, nullable=False, server_default=text("0")),
    Column("age_15_59", Integer, nullable=False, server_default=text("0")),
    Column("age_60_plus", Integer, nullable=False, server_default=text("0")),
    Column("measured_on", Date),
    CheckConstraint("residents >= 0 and households >= 0", name="people"),
    UniqueConstraint("series", "code"),
    gist("people_counts"),
    comment=(
        "People counted by area or grid cell, to be spread over homes; without a geometry the code "
        "names an area."
    ),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    key("kind"),
    Column("area_code", Text, comment="whose planners may see it"),
    Column("question", JSONB, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("basis", JSONB, nullable=False, comment="boundary revision and data dates"),
    Column("created_by", Text, nullable=False),
    created_at(),
    UniqueConstraint("name"),
    comment="Planning questions that were saved with their answers, to be compared.",
)
