"""What a comparison of models and database leaves out."""

from __future__ import annotations

import sqlalchemy as sa
from geoalchemy2 import alembic_helpers

_INCOMPARABLE = ("ix_area_versions_level_code",)
"""Indexes with a collation of their own: reflection does not show it."""


def include(
    candidate: sa.schema.SchemaItem,
    name: str | None,
    kind: str,
    reflected: bool,
    compared: sa.schema.SchemaItem | None,
) -> bool:
    """Leave out PostGIS's own tables, the queue's and the monthly partitions of events."""
    if kind == "index" and name in _INCOMPARABLE:
        return False
    if kind == "table" and name is not None and name.startswith(("events_", "procrastinate_")):
        return False
    # geoalchemy2 ships without types
    ours = alembic_helpers.include_object(candidate, name, kind, reflected, compared)  # type: ignore[no-untyped-call]
    return bool(ours)
