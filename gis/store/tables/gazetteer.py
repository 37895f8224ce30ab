"""The gazetteer 地名地址库: addressed places, other names of areas, and the stamp of both."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.tables.metadata import created_at, geometry_column, gist, key, metadata

gazetteer_entries = Table(
    "gazetteer_entries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    key("kind"),
    Column("full_text", Text, nullable=False),
    Column("road", Text),
    Column("house_number", Text),
    Column("compound", Text),
    Column("building", Text),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    geometry_column("POINT"),
    Column("community_code", Text),
    Column("uncertainty_m", Double, nullable=False),
    key("source"),
    Column("code", Text, comment="of the source: the same one again overwrites the row"),
    Column("name", Text, comment="of a landmark, shop, station or hamlet"),
    Column("unit", Text, comment="unit of a building, where it is listed"),
    CheckConstraint("uncertainty_m > 0", name="uncertainty_m"),
    UniqueConstraint("source", "code"),
    gist("gazetteer_entries"),
    Index("ix_gazetteer_entries_road_house_number", "road", "house_number"),
    Index("ix_gazetteer_entries_compound", "compound"),
    comment="The gazetteer 地名地址库: addresses and places with how sure their position is.",
)

area_aliases = Table(
    "area_aliases",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("area_code", Text, ForeignKey("areas.code"), nullable=False),
    Column("alias", Text, nullable=False),
    key("kind"),
    key("source"),
    Column("created_by", Text, nullable=False),
    created_at(),
    UniqueConstraint("area_code", "alias"),
    CheckConstraint("kind in ('alias', 'old_name', 'short', 'learned')", name="kind"),
    CheckConstraint("alias <> ''", name="alias"),
    comment="Other names of areas: what people say, and what they were called.",
)

gazetteer_state = Table(
    "gazetteer_state",
    metadata,
    Column("one_row", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    CheckConstraint("one_row", name="one_row"),
    comment="One row: its version grows with every change of what addresses are read by.",
)
