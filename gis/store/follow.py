"""Open work orders on ground that a revision changed: found, and given to somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

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
    "where w.closed_at is null and coalesce(e.boundary_revision, 0) < :revision "
    "and exists (select 1 from area_versions v where v.geometry && e.geometry "
    "and :revision in (v.added_revision, v.retired_revision)) "
    'order by w.code collate "C" for update of w'
)
_GIVE_ALL: Final = sa.text(
    "with given as materialized (select * from jsonb_to_recordset(:moves) as g (code text, "
    "version int, event_id uuid, received_at timestamptz, level text, area_code text, "
    "unit_code text, assignee_id bigint, assignee_role text, path_codes text[], seen_by text[], "
    "before jsonb, after jsonb, note text, lon float8, lat float8)), "
    "changed as (update work_orders w set level = g.level, area_code = g.area_code, "
    "unit_code = g.unit_code, assignee_id = g.assignee_id, assignee_role = g.assignee_role, "
    "path_codes = g.path_codes, version = w.version + 1 from given g "
    "where w.code = g.code and w.version = g.version returning w.code, w.version), "
    "gone as (select g.*, c.version as now_version from given g join changed c using (code)), "
    "seen as (update events e set path_codes = s.seen_by, version = e.version + 1 from ("
    "select distinct on (event_id) event_id, received_at, seen_by from gone "
    "order by event_id, code) s where e.id = s.event_id and e.received_at = s.received_at "
    "and not (e.path_codes @> s.seen_by)), "
    "entry as (insert into log_entries (event_id, work_order_code, actor_id, actor_role, action, "
    "before, after, note, boundary_revision, place) "
    "select event_id, code, :actor_id, :actor_role, 'follow_boundary', before, after, note, "
    ":revision, ST_SetSRID(ST_MakePoint(lon, lat), 4326) from gone order by code), "
    "message as (insert into outbox (topic, subject, path_codes, body, actor_id) "
    "select 'work_order.changed', code, seen_by, jsonb_build_object('code', code, "
    "'event', event_id, 'version', now_version, 'action', 'follow_boundary', 'before', before, "
    "'after', after, 'boundary_revision', :revision), :actor_id from gone order by code) "
    "select code, version from changed"
).bindparams(
    sa.bindparam("moves", type_=JSONB),
    sa.bindparam("revision", type_=sa.Integer),
    sa.bindparam("actor_id", type_=sa.Text),
    sa.bindparam("actor_role", type_=sa.Text),
)
_UNFOLLOWED: Final = sa.text(
    "select revision from boundary_revisions where status = 'published' "
    "and revision > 1 and orders_moved_at is null and effective_from <= clock_timestamp() "
    "order by revision"
)
_FOLLOWED: Final = sa.text(
    "update boundary_revisions set orders_moved_at = clock_timestamp() "
    "where revision = :revision and orders_moved_at is null"
)


def is_in_force(work: UnitOfWork, revision: int) -> bool:
    """Tell whether a published revision is in force already."""
    begun = sa.select(boundary_revisions.c.effective_from <= sa.func.clock_timestamp()).where(
        boundary_revisions.c.revision == revision
    )
    return bool(work.scalar(begun))


def orders_on_changed_ground(work: UnitOfWork, revision: int) -> list[sa.RowMapping]:
    """Return open work orders near areas that a revision drew or ended, by code, locked.

    Near: in the box of such an area. The caller asks the exact look-up. Events that were matched
    at the revision, or a later one, know it already.
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


def unfollowed(work: UnitOfWork) -> list[int]:
    """Return the revisions in force that open work orders have not followed yet, oldest first."""
    return [int(row["revision"]) for row in work.rows(_UNFOLLOWED)]


def mark_followed(work: UnitOfWork, revision: int) -> bool:
    """Note that open work orders have followed a revision; False when that was noted before."""
    return work.execute(_FOLLOWED, revision=revision) == 1


def give_all(
    work: UnitOfWork, moves: Sequence[Mapping[str, Any]], *, revision: int
) -> dict[str, int]:
    """Change work orders with their log entries and messages, all in one statement.

    Each move: ``code version event_id received_at`` of the order, what it becomes (``level
    area_code unit_code assignee_id assignee_role path_codes``), ``before after note`` for the log,
    ``lon lat``, and ``seen_by``: the areas, old and new, in whose lists the event stands from now
    on, the same for all orders of an event. Returns the new version of each order that changed.
    """
    rows = work.rows(
        _GIVE_ALL,
        moves=[dict(move) for move in moves],
        revision=revision,
        actor_id=work.actor.id,
        actor_role=work.actor.role,
    )
    return {row["code"]: row["version"] for row in rows}
