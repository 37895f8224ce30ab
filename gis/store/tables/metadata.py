"""The one MetaData, with the names of constraints that errors are recognised by."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Column, DateTime, Index, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

SRID = 4326
"""Stored geometry is lon/lat in EPSG:4326; CGCS2000 counts as equal to 0.1 m."""

Instant = DateTime(timezone=True)


def geometry_column(kind: str, name: str = "geometry", *, nullable: bool = False) -> Column[Any]:
    """Return a geometry column without the implicit index: each table names its GiST index."""
    return Column(name, Geometry(kind, srid=SRID, spatial_index=False), nullable=nullable)


def gist(table: str, column: str = "geometry") -> Index:
    """Return the named GiST index of a geometry column."""
    return Index(f"ix_{table}_{column}", column, postgresql_using="gist")


def created_at() -> Column[Any]:
    """Return the column that says when the row was written (database clock)."""
    return Column("created_at", Instant, nullable=False, server_default=text("now()"))


def key(name: str, *args: Any, nullable: bool = False) -> Column[Any]:  # noqa: ANN401 - column args
    """Return a text key: checked by the code's registries, never a database enum."""
    return Column(name, Text, *args, nullable=nullable)
