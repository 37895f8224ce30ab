"""Open work orders on ground that a revision changed: found, and given to somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.store.areas import at_revision
from gis.store.tables import area_versions, boundary_revisions
from gis.store.unit_of_work import UnitOfWork

Box = tuple[float, float, float, float]

_ON_CHANGED_GROUND: Final = sa.text(
    "select w.code, w.version, w.level, w.area_code, w.unit_code, w.assignee_id, w.assignee_role, "
    "w.path_codes, w.event_id, e.received_at, e.number, e.category, "
    "p.name as assignee_name, ST_X(e.geometry) as lon, ST_Y(e.geometry) as lat "
    "from work_orders w join event_registry r on r.id = w.event_id "
    "join events e on e.id = r.id and e.received_at = r.received_at "
    "join persons p on p.id = w.assignee_id "
    "where w.closed_at is null and exists (select 1 from area_versions v "
    "where v.geometry && e.geometry and :revision in (v.added_revision, v.retired_revision)) "
    'order by w.code collate "C" for update of w'
)
_GIVE: Final = sa.text(
    "with given as ("
    "update work_orders set level = :level, area_code = :area_code, unit_code = :unit_code, "
    "assignee_id = :assignee_id, assignee_role = :assignee_role, path_codes = :path_codes, "
    "version = version + 1 where code = :code and version = :version "
    "returning code, event_id, version), "
    "seen as (update events set path_codes = :seen_by, version = version + 1 "
    "where id = :event_id and received_at = :received_at and not (path_codes @> :seen_by)), "
    "entry as (insert into log_entries (event_id, work_order_code, actor_id, actor_role, action, "
    "before, after, note, boundary_revision, place) "
    "select event_id, code, :actor_id, :actor_role, 'follow_boundary', :before, :after, :note, "
    ":revision, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) from given), "
    "message as (insert into outbox (topic, subject, path_codes, body, actor_id) "
    "select 'work_order.changed', code, :seen_by, jsonb_build_object('code', code, "
    "'event', event_id, 'version', version, 'action', 'follow_boundary', 'before', :before, "
    "'after', :after, 'boundary_revision', :revision), :actor_id from given) "
    "select version from given"
).bindparams(
    sa.bindparam("path_codes", type_=ARRAY(sa.Text)),
    sa.bindparam("seen_by", type_=ARRAY(sa.Text)),
    sa.bindparam("before", type_=JSONB),
    sa.bindparam("after", type_=JSONB),
    sa.bindparam("revision", type_=sa.Integer),
    sa.bindparam("event_id", type_=sa.Uuid),
    sa.bindparam("received_at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("assignee_id", type_=sa.BigInteger),
    sa.bindparam("lon", type_=sa.Double),
    sa.bindparam("lat", type_=sa.Double),
    *(
        sa.bindparam(name, type_=sa.Text)
        for name in (
            "level",
            "area_code",
            "unit_code",
            "assignee_role",
            "code",
            "actor_id",
            "actor_role",
            "note",
        )
    ),
)


def is_in_force(work: UnitOfWork, revision: int) -> bool:
    """Tell whether a published revision is in force already."""
    begun = sa.select(boundary_revisions.c.effective_from <= sa.func.clock_timestamp()).where(
        boundary_revisions.c.revision == revision
    )
    return bool(work.scalar(begun))


def orders_on_changed_ground(work: UnitOfWork, revision: int) -> list[sa.RowMapping]:
    """Return open work orders near areas that a revision drew or ended, by code, locked.

    Near: in the box of such an area. The caller asks the exact look-up.
    """
    return work.rows(_ON_CHANGED_GROUND, revision=revision)


def areas_around(work: UnitOfWork, revision: int, box: Box) -> list[sa.RowMapping]:
    """Return the areas of a revision in a box, and all that are above the grids, by code."""
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
        .where(
            at_revision(revision),
            sa.or_(
                versions.level != "grid",
                versions.geometry.op("&&")(sa.func.ST_MakeEnvelope(*box, 4326)),
            ),
        )
        .order_by(versions.area_code.collate("C"))
    )


def give(
    work: UnitOfWork,
    order: sa.RowMapping,
    *,
    revision: int,
    changed: Mapping[str, Any],
    seen_by: Sequence[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    note: str,
) -> int | None:
    """Change a work order with its log entry and message in one statement.

    ``changed`` are level, area_code, unit_code, assignee_id, assignee_role and path_codes.
    ``seen_by`` are the areas, old and new, in whose lists the event stands from now on.
    Returns its new version; None when it was changed meanwhile.
    """
    version: int | None = work.scalar(
        _GIVE,
        **changed,
        code=order["code"],
        version=order["version"],
        event_id=order["event_id"],
        received_at=order["received_at"],
        lon=order["lon"],
        lat=order["lat"],
        seen_by=list(seen_by),
        before=dict(before),
        after=dict(after),
        note=note,
        revision=revision,
        actor_id=work.actor.id,
        actor_role=work.actor.role,
    )
    return version
