"""Drafting and publishing boundaries 边界: the SQL of boundary revisions being made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from gis.store import editions
from gis.store.tables import area_versions, areas, boundary_revisions
from gis.store.unit_of_work import UnitOfWork

_CODES: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))

_LOCK: Final = sa.text("select pg_advisory_xact_lock(hashtext('gridward.boundaries'))")

_COPY_VERSIONS: Final = (
    "copy area_versions (draft_id, area_code, level, parent_code, name, kind, geometry, attributes)"
    " from stdin"
)

# The old geometry ends where the new one begins; ranges are closed below and open above.
_CLOSE_OLD: Final = sa.text(
    "update area_versions old set valid = tstzrange(lower(old.valid), :valid_from), "
    "retired_revision = :revision from area_versions new "
    "where new.draft_id = :draft_id and old.area_code = new.area_code "
    "and old.id <> new.id and old.valid is not null and old.retired_revision is null"
)
_OPEN_NEW: Final = sa.text(
    "update area_versions set valid = tstzrange(:valid_from, null), added_revision = :revision "
    "where draft_id = :draft_id"
)
_REDRAW: Final = sa.text(
    "insert into area_versions (draft_id, area_code, level, parent_code, name, kind, categories, "
    "geometry, households, residents, attributes) "
    "select :draft_id, old.area_code, old.level, old.parent_code, old.name, old.kind, "
    "old.categories, ST_GeomFromEWKB(decode(new.shape, 'hex')), old.households, old.residents, "
    "old.attributes from unnest(:codes, :shapes) as new (code, shape) "
    "join area_versions old on old.area_code = new.code "
    "where old.valid is not null and old.retired_revision is null"
).bindparams(_CODES, sa.bindparam("shapes", type_=ARRAY(sa.Text)))
_KEEP_CATEGORIES: Final = sa.text(
    "update area_versions new set categories = old.categories from area_versions old "
    "where new.draft_id = :draft_id and old.area_code = new.area_code and old.kind = new.kind "
    "and old.valid is not null and old.retired_revision is null and old.categories <> '{}'"
)
_LATEST: Final = sa.text(
    "select max(revision) as revision, max(effective_from) as effective_from "
    "from boundary_revisions where status = 'published'"
)


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area as it is drafted; ``ewkb`` is a hexadecimal EWKB multipolygon in EPSG:4326."""

    code: str
    level: str
    parent_code: str | None
    name: str
    kind: str | None
    ewkb: str
    attributes: dict[str, Any]


def lock(work: UnitOfWork) -> None:
    """Wait until nobody else drafts or publishes; released at the end of the transaction."""
    work.connection.execute(_LOCK)


def clock(work: UnitOfWork) -> datetime:
    """Return the database's clock of this very moment, not that of the transaction's start."""
    instant: datetime = work.scalar(sa.select(sa.func.clock_timestamp()))
    return instant


def registered(work: UnitOfWork, codes: Sequence[str]) -> dict[str, sa.RowMapping]:
    """Return level, code_system and retired_at of the codes that are known, by code."""
    found = work.rows(
        sa.select(areas.c.code, areas.c.level, areas.c.code_system, areas.c.retired_at).where(
            areas.c.code == sa.any_(_CODES)
        ),
        codes=list(codes),
    )
    return {row["code"]: row for row in found}


def standing(work: UnitOfWork, codes: Sequence[str]) -> dict[str, sa.RowMapping]:
    """Return the published version of each code that no later revision has replaced, by code."""
    versions = area_versions.c
    found = work.rows(
        sa.select(
            versions.area_code.label("code"),
            versions.level,
            versions.parent_code,
            versions.name,
            versions.kind,
            sa.func.ST_AsBinary(versions.geometry).label("wkb"),
        ).where(
            versions.area_code == sa.any_(_CODES),
            versions.valid.is_not(None),
            versions.retired_revision.is_(None),
        ),
        codes=list(codes),
    )
    return {row["code"]: row for row in found}


def open_drafts(work: UnitOfWork, source: dict[str, Any]) -> list[tuple[int, bool]]:
    """Return the open drafts that came from the same input, oldest first.

    With each, whether it was made on the revision that is still the last one published.
    """
    revisions = boundary_revisions.c
    last, _ = latest(work)
    found = work.rows(
        sa.select(revisions.id, revisions.base_revision)
        .where(revisions.status == "draft", revisions.source.contains(source))
        .order_by(revisions.id)
    )
    return [(row["id"], row["base_revision"] == last) for row in found]


def is_open_draft(work: UnitOfWork, draft_id: int) -> bool:
    """Tell whether a draft of that number waits for publication."""
    revisions = boundary_revisions.c
    status = work.scalar(sa.select(revisions.status).where(revisions.id == draft_id))
    return bool(status == "draft")


def discard(work: UnitOfWork, draft_id: int) -> None:
    """Mark a draft as discarded and drop its versions; published ones are never touched."""
    work.execute(
        sa.delete(area_versions).where(
            area_versions.c.draft_id == draft_id, area_versions.c.added_revision.is_(None)
        )
    )
    work.execute(
        sa.update(boundary_revisions)
        .where(boundary_revisions.c.id == draft_id, boundary_revisions.c.status == "draft")
        .values(status="discarded")
    )


def add_draft(work: UnitOfWork, *, title: str, source: dict[str, Any], report: Any) -> int:  # noqa: ANN401 - JSON
    """Write the head of a draft on the revision published last; return its number."""
    statement = (
        sa.insert(boundary_revisions)
        .values(
            status="draft",
            title=title,
            source=source,
            report=report,
            created_by=work.actor.id,
            base_revision=latest(work)[0],
        )
        .returning(boundary_revisions.c.id)
    )
    return int(work.connection.execute(statement).scalar_one())


def keep_report(work: UnitOfWork, draft_id: int, report: Any) -> None:  # noqa: ANN401 - JSON
    """Write the final report of an import beside its revision."""
    work.execute(
        sa.update(boundary_revisions)
        .where(boundary_revisions.c.id == draft_id)
        .values(report=report)
    )


def kept_check(work: UnitOfWork, draft_id: int) -> dict[str, Any] | None:
    """Return what :func:`keep_check` wrote last, of a draft or of what it became."""
    revisions = boundary_revisions.c
    kept: dict[str, Any] | None = work.scalar(
        sa.select(revisions.checked).where(revisions.id == draft_id)
    )
    return kept


def keep_check(work: UnitOfWork, draft_id: int, checked: dict[str, Any]) -> None:
    """Write the check of an open draft; what is published or discarded keeps the one it had."""
    work.execute(
        sa.update(boundary_revisions)
        .where(boundary_revisions.c.id == draft_id, boundary_revisions.c.status == "draft")
        .values(checked=checked)
    )


def add_areas(work: UnitOfWork, codes: Sequence[str], *, level: str, code_system: str) -> None:
    """Register codes; known ones stay as they are."""
    if codes:
        rows = [{"code": c, "level": level, "code_system": code_system} for c in codes]
        work.connection.execute(insert(areas).on_conflict_do_nothing(), rows)


def copy_versions(work: UnitOfWork, draft_id: int, rows: Iterable[AreaRow]) -> None:
    """Write drafted versions (``valid`` null) by COPY."""
    with work.driver.cursor().copy(_COPY_VERSIONS) as copy:
        for row in rows:
            copy.write_row(
                (
                    draft_id,
                    row.code,
                    row.level,
                    row.parent_code,
                    row.name,
                    row.kind,
                    row.ewkb,
                    json.dumps(row.attributes, ensure_ascii=False),
                )
            )


def redraw(work: UnitOfWork, draft_id: int, shapes: Mapping[str, str]) -> int:
    """Draft standing areas with new shapes (hexadecimal EWKB) and all else as it is, by code."""
    return work.execute(
        _REDRAW, draft_id=draft_id, codes=list(shapes), shapes=list(shapes.values())
    )


def keep_categories(work: UnitOfWork, draft_id: int) -> None:
    """Let drafted areas keep the categories that their standing versions have."""
    work.execute(_KEEP_CATEGORIES, draft_id=draft_id)


def latest(work: UnitOfWork) -> tuple[int, datetime | None]:
    """Return the last published revision (0 before any) and from when it is in force."""
    row = work.row(_LATEST)
    if row is None or row["revision"] is None:
        return 0, None
    return int(row["revision"]), row["effective_from"]


def publish(work: UnitOfWork, draft_id: int, *, revision: int, valid_from: datetime) -> None:
    """Make a draft the revision: its versions become valid, those they replace end there.

    Codes that it retires end as well, and what became of each area is kept as its lineage.

    The caller holds :func:`lock` and has checked that ``revision`` and ``valid_from`` follow
    :func:`latest`.
    """
    work.execute(
        sa.update(boundary_revisions)
        .where(boundary_revisions.c.id == draft_id)
        .values(
            status="published",
            revision=revision,
            effective_from=valid_from,
            published_at=sa.func.clock_timestamp(),
        )
    )
    values = {"draft_id": draft_id, "revision": revision, "valid_from": valid_from}
    editions.write_lineage(work, draft_id, revision)
    editions.retire(work, draft_id, revision=revision, valid_from=valid_from)
    work.execute(_CLOSE_OLD, **values)
    work.execute(_OPEN_NEW, **values)
