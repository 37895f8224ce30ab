"""Areas 区域 with validity in time, under numbered boundary revisions 边界版本."""

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
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

boundary_revisions = Table(
    "boundary_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("revision", Integer, comment="given at publication; drafts have none"),
    key("status"),
    Column("title", Text, nullable=False),
    Column("source", JSONB, nullable=False, server_default=text("'{}'")),
    Column("report", JSONB, nullable=False, server_default=text("'{}'")),
    Column("created_by", Text, nullable=False),
    created_at(),
    Column("published_at", Instant),
    Column("effective_from", Instant, comment="from when look-ups by `at` see it"),
    Column(
        "base_revision", Integer, comment="last published revision when the draft was made, 0: none"
    ),
    Column(
        "orders_moved_at",
        Instant,
        comment="when open work orders followed it; null: published and its day not come",
    ),
    Column(
        "checked",
        JSONB,
        comment="check of the city as the draft leaves it, and what it was made on (basis)",
    ),
    UniqueConstraint("revision"),
    CheckConstraint("status in ('draft', 'published', 'discarded')", name="status"),
    CheckConstraint(
        "(status = 'published') = (revision is not null and effective_from is not null)",
        name="published_has_revision",
    ),
    comment="Editions of the boundaries: drafts, and what was published when.",
)

areas = Table(
    "areas",
    metadata,
    Column("code", Text, primary_key=True),
    key("level"),
    key("code_system"),
    created_at(),
    Column("retired_at", Instant, comment="a retired code is never used again"),
    comment="Every code that ever named an area; a code is never reused.",
)

area_versions = Table(
    "area_versions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("area_code", ForeignKey("areas.code")),
    Column("draft_id", BigInteger, ForeignKey("boundary_revisions.id"), nullable=False),
    key("level"),
    key("parent_code", nullable=True),
    Column("name", Text, nullable=False),
    key("kind", nullable=True),
    Column("categories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    geometry_column("MULTIPOLYGON"),
    Column("households", Integer),
    Column("residents", Integer),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("valid", TSTZRANGE, comment="null while the version is only drafted"),
    Column("added_revision", Integer, ForeignKey("boundary_revisions.revision")),
    Column("retired_revision", Integer, ForeignKey("boundary_revisions.revision")),
    ExcludeConstraint(
        ("area_code", "="),
        ("valid", "&&"),
        where=text("valid is not null"),
        name="ex_area_versions_one_geometry_at_a_time",
        using="gist",
    ),
    UniqueConstraint("area_code", "draft_id"),
    CheckConstraint("(valid is null) = (added_revision is null)", name="valid_when_published"),
    CheckConstraint("kind <> 'dedicated' or level = 'grid'", name="only_grids_are_dedicated"),
    gist("area_versions"),
    Index("ix_area_versions_parent_code", "parent_code"),
    Index("ix_area_versions_level_added_revision", "level", "added_revision"),
    Index("ix_area_versions_level_code", "level", text('area_code collate "C"')),
    comment="One row per area and period: geometry, name, parent and kind as valid then.",
)

area_codes = Table(
    "area_codes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("area_code", ForeignKey("areas.code")),
    key("code_system"),
    Column("other_code", Text, nullable=False),
    Column("name", Text),
    Column("valid_from", Date),
    Column("valid_to", Date),
    UniqueConstraint("area_code", "code_system", "other_code"),
    Index("ix_area_codes_other_code", "other_code"),
    comment="What other lists call the area. Two lists give one code to different towns.",
)

draft_retirements = Table(
    "draft_retirements",
    metadata,
    Column("draft_id", BigInteger, ForeignKey("boundary_revisions.id"), primary_key=True),
    Column("area_code", Text, ForeignKey("areas.code"), primary_key=True),
    comment="Codes that retire when the draft is published.",
)

area_lineage = Table(
    "area_lineage",
    metadata,
    Column("revision", Integer, ForeignKey("boundary_revisions.revision"), primary_key=True),
    Column("old_code", Text, ForeignKey("areas.code"), primary_key=True),
    Column("new_code", Text, ForeignKey("areas.code"), primary_key=True),
    Column("area_share", Double, nullable=False, comment="of the old area, 0 to 1"),
    Column("people_share", Double, comment="of its residents; null where nobody was registered"),
    CheckConstraint("area_share > 0 and area_share <= 1.000001", name="area_share"),
    CheckConstraint("people_share >= 0 and people_share <= 1", name="people_share"),
    Index("ix_area_lineage_old_code", "old_code"),
    Index("ix_area_lineage_new_code", "new_code"),
    comment="Splits and merges: what became of an area whose ground changed hands, by revision.",
)

boundary_exceptions = Table(
    "boundary_exceptions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    geometry_column("MULTIPOLYGON"),
    key("category", nullable=True),
    key("area_code", ForeignKey("areas.code")),
    key("unit_code", ForeignKey("units.code"), nullable=True),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    created_at(),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant, comment="ended by a person before it expired"),
    Column("ended_by", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    geometry_column("MULTILINESTRING", "line", nullable=True),
    Column("width_m", Double, comment="of the ground along the line, both sides together"),
    CheckConstraint(
        "(line is null) = (width_m is null) and (width_m is null or width_m > 0)",
        name="width_of_a_line",
    ),
    CheckConstraint("expires_at > created_at", name="expires_after_it_begins"),
    CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_by"),
    gist("boundary_exceptions"),
    gist("boundary_exceptions", "line"),
    comment="On this stretch, for this category (null: any): that area, or that unit, decides.",
)
