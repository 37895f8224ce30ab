"""Published layers: zoom bands of boundary layers, computed layers, stamps of what changed."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables.metadata import created_at, geometry_column, gist, key, metadata

MERCATOR = 3857
"""Tiles are cut in Web Mercator; nothing is ever measured in it."""

layer_editions = Table(
    "layer_editions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("layer"),
    Column("token", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("revision", Integer, nullable=False, comment="boundary revision that it shows"),
    Column("inputs", Text, nullable=False, comment="what it was built from; another: build anew"),
    Column(
        "changed",
        ARRAY(Double),
        nullable=False,
        comment="west, south, east, north in EPSG:3857, one box after the other: what it redraws",
    ),
    created_at(),
    Index("ix_layer_editions_layer", "layer", "id"),
    comment="When a layer was built, from what, and where it differs from before.",
)

layer_shapes = Table(
    "layer_shapes",
    metadata,
    Column("layer", Text, nullable=False),
    Column("band", SmallInteger, nullable=False, comment="largest zoom that it is drawn at"),
    Column("version_id", BigInteger, ForeignKey("area_versions.id"), nullable=False),
    Column(
        "geometry",
        Geometry("GEOMETRY", srid=MERCATOR, spatial_index=False),
        nullable=False,
    ),
    Column("label", Geometry("POINT", srid=MERCATOR, spatial_index=False), nullable=False),
    PrimaryKeyConstraint("layer", "band", "version_id"),
    CheckConstraint("band between 0 and 30", name="band"),
    Index("ix_layer_shapes_place", "layer", "band", "geometry", postgresql_using="gist"),
    comment="Boundary layers as tiles draw them: simplified as a coverage, one row per zoom band.",
)

layer_features = Table(
    "layer_features",
    metadata,
    Column("layer", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("area_code", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attributes", JSONB, nullable=False),
    geometry_column("GEOMETRY"),
    created_at(),
    PrimaryKeyConstraint("layer", "code"),
    gist("layer_features"),
    comment="Layers that are computed, not stored by anybody: employment circles, coverage gaps.",
)
