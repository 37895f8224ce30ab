"""Areas and boundary revisions: reading what is published."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from geoalchemy2 import Geography

from gis.store.tables import (
    area_versions,
    areas,
    boundary_exceptions,
    boundary_revisions,
    draft_retirements,
)
from gis.store.unit_of_work import UnitOfWork

_AT = sa.func.coalesce(sa.bindparam("at", type_=sa.DateTime(timezone=True)), sa.func.now())
_REVISION_AT = (
    sa.select(boundary_revisions.c.revision)
    .where(boundary_revisions.c.status == "published")
    .where(boundary_revisions.c.effective_from <= _AT)
    .order_by(boundary_revisions.c.revision.desc())
    .limit(1)
)
# Any exception that is written raises the count, any that is ended the sum: in whatever order
# transactions commit, what they leave behind has another stamp than what was before.
_STAMP = sa.select(
    sa.func.count().label("written"),
    sa.func.coalesce(sa.func.sum(boundary_exceptions.c.version), 0).label("touched"),
).subquery()
_IN_FORCE = sa.select(
    _REVISION_AT.scalar_subquery().label("revision"), _STAMP.c.written, _STAMP.c.touched
)
_UPCOMING = (
    sa.select(boundary_revisions.c.revision)
    .where(boundary_revisions.c.status == "published")
    .where(boundary_revisions.c.effective_from > sa.func.now())
    .order_by(boundary_revisions.c.revision)
    .limit(1)
)


def at_revision(revision: int) -> sa.ColumnElement[bool]:
    """Return the condition that an area version belongs to a published revision."""
    versions = area_versions.c
    return sa.and_(
        versions.added_revision <= revision,
        sa.or_(versions.retired_revision.is_(None), versions.retired_revision > revision),
    )


def published_revision(work: UnitOfWork, at: datetime | None = None) -> int | None:
    """Return the boundary revision in force at an instant (now without one), None before any."""
    revision = work.scalar(_REVISION_AT, at=at)
    return None if revision is None else int(revision)


def in_force(work: UnitOfWork, at: datetime | None = None) -> tuple[int | None, tuple[int, int]]:
    """Return the revision in force at an instant and the stamp of the boundary exceptions.

    One round trip, for every match asks it. Equal stamps mean equal exceptions.
    """
    row = work.rows(_IN_FORCE, at=at)[0]
    return row["revision"], (int(row["written"]), int(row["touched"]))


def upcoming_revision(work: UnitOfWork) -> int | None:
    """Return the next revision that is published and not in force yet."""
    revision = work.scalar(_UPCOMING)
    return None if revision is None else int(revision)


def of_revision(work: UnitOfWork, revision: int) -> list[sa.RowMapping]:
    """Return every area of a revision with its geometry as WKB, ordered by code."""
    versions = area_versions.c
    return work.rows(
        sa.select(
            versions.area_code.label("code"),
            versions.level,
            versions.parent_code,
            versions.name,
            versions.kind,
            versions.categories,
            sa.func.ST_AsBinary(versions.geometry).label("wkb"),
        )
        .where(at_revision(revision))
        .order_by(versions.area_code.collate("C"))
    )


def middles(work: UnitOfWork, revision: int) -> list[sa.RowMapping]:
    """Return a point inside each area but grids (lon, lat), and its radius as a disc in metres."""
    versions = area_versions.c
    inside = sa.func.ST_PointOnSurface(versions.geometry)
    extent = sa.func.sqrt(sa.func.ST_Area(sa.cast(versions.geometry, Geography)) / sa.func.pi())
    return work.rows(
        sa.select(
            versions.area_code.label("code"),
            sa.func.ST_X(inside).label("lon"),
            sa.func.ST_Y(inside).label("lat"),
            extent.label("radius_m"),
        ).where(at_revision(revision), versions.level != "grid")
    )


def to_check(work: UnitOfWork, revision: int, draft_id: int | None = None) -> list[sa.RowMapping]:
    """Return the areas of a revision, a draft's in place of those it replaces or retires, by code.

    With geometry as WKB and the code's system.
    """
    versions = area_versions.c
    drafted = sa.and_(versions.draft_id == draft_id, versions.added_revision.is_(None))
    other = area_versions.alias()
    replaced = sa.select(other.c.area_code).where(
        other.c.draft_id == draft_id, other.c.added_revision.is_(None)
    )
    retiring = sa.select(draft_retirements.c.area_code).where(
        draft_retirements.c.draft_id == draft_id
    )
    standing = sa.and_(
        at_revision(revision),
        versions.area_code.not_in(replaced),
        versions.area_code.not_in(retiring),
    )
    return work.rows(
        sa.select(
            versions.area_code.label("code"),
            versions.level,
            versions.parent_code,
            versions.name,
            versions.kind,
            areas.c.code_system,
            sa.func.ST_AsBinary(versions.geometry).label("wkb"),
        )
        .join(areas, areas.c.code == versions.area_code)
        .where(at_revision(revision) if draft_id is None else sa.or_(standing, drafted))
        .order_by(versions.area_code.collate("C"))
    )


def retired_codes(work: UnitOfWork) -> set[str]:
    """Return the codes that were retired; they are never used again."""
    retired = work.rows(sa.select(areas.c.code).where(areas.c.retired_at.is_not(None)))
    return {row["code"] for row in retired}


def feature(work: UnitOfWork, code: str, revision: int) -> sa.RowMapping | None:
    """Return one area of a revision with all its properties and geometry as GeoJSON text."""
    versions = area_versions.c
    return work.row(
        sa.select(
            versions.area_code.label("code"),
            versions.name,
            versions.level,
            versions.kind,
            versions.parent_code.label("parent"),
            sa.func.lower(versions.valid).label("valid_from"),
            sa.func.upper(versions.valid).label("valid_to"),
            versions.households,
            versions.residents,
            versions.categories,
            versions.attributes,
            versions.added_revision,
            areas.c.code_system,
            sa.func.ST_AsGeoJSON(versions.geometry, 7).label("geometry"),
        )
        .join(areas, areas.c.code == versions.area_code)
        .where(versions.area_code == code, at_revision(revision))
    )


def listing(
    work: UnitOfWork,
    revision: int,
    *,
    level: str | None,
    parent: str | None,
    text: str | None,
    after: str | None,
    limit: int,
) -> list[sa.RowMapping]:
    """Return areas of a revision without geometry, by code, after a code (keyset)."""
    versions = area_versions.c
    chosen = (
        sa.select(
            versions.area_code.label("code"),
            versions.name,
            versions.level,
            versions.kind,
            versions.parent_code.label("parent"),
            sa.func.lower(versions.valid).label("valid_from"),
            sa.func.upper(versions.valid).label("valid_to"),
            versions.households,
            versions.residents,
        )
        .where(at_revision(revision))
        .order_by(versions.area_code.collate("C"))
        .limit(limit)
    )
    if level is not None:
        chosen = chosen.where(versions.level == level)
    if parent is not None:
        chosen = chosen.where(versions.parent_code == parent)
    if text is not None:
        chosen = chosen.where(versions.name.contains(text, autoescape=True))
    if after is not None:
        chosen = chosen.where(versions.area_code.collate("C") > after)
    return work.rows(chosen)


def counts(work: UnitOfWork, revision: int) -> dict[str, int]:
    """Return how many areas of each level a revision has."""
    found = work.rows(
        sa.select(area_versions.c.level, sa.func.count().label("areas"))
        .where(at_revision(revision))
        .group_by(area_versions.c.level)
    )
    return {row["level"]: row["areas"] for row in found}
