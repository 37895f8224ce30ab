"""Editions of the boundaries: what a draft changes, what it collides with, what became of areas."""
# ruff: noqa: S608 - statements are put together from constants of this module

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from gis.store.tables import area_versions, boundary_revisions, draft_retirements
from gis.store.unit_of_work import UnitOfWork

NOTICEABLE_M2: Final = 1.0
"""Ground below this is rounding of coordinates, not an overlap or a gap."""

_CODES: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))


def _layer(alias: str) -> str:
    """Return the SQL of what tiles together: a level, or the dedicated grids laid over it."""
    return (
        f"case when {alias}.level = 'grid' and {alias}.kind in ('dedicated', 'micro') "
        f"then {alias}.kind else {alias}.level end"
    )


# What stands: published, and replaced or retired by no revision yet.
_PARTS: Final = f"""
with drafted as materialized (
    select v.*, {_layer("v")} as layer from area_versions v where v.draft_id = :draft_id
),
retiring as (select area_code from draft_retirements where draft_id = :draft_id),
touched as (select area_code from drafted union select area_code from retiring),
standing as (
    select v.*, {_layer("v")} as layer from area_versions v
    where v.valid is not null and v.retired_revision is null and v.draft_id <> :draft_id
)
"""

_CODES_OF: Final = sa.text(_PARTS + 'select area_code from touched order by area_code collate "C"')

_CHANGES: Final = sa.text(
    _PARTS
    + """
select t.area_code as code, coalesce(n.level, o.level) as level,
    case when n.id is null then 'retired' when o.id is null then 'new' else 'changed' end as change,
    o.name as old_name, n.name as name, o.parent_code as old_parent, n.parent_code as parent,
    o.kind as old_kind, n.kind as kind,
    ST_Area(o.geometry::geography) as old_area_m2, ST_Area(n.geometry::geography) as area_m2,
    o.id is not null and n.id is not null and not ST_OrderingEquals(o.geometry, n.geometry)
        as moved
from touched t
left join drafted n using (area_code)
left join standing o using (area_code)
order by t.area_code collate "C"
"""
)

# Areas whose ground goes elsewhere, with the share that each new area gets. An area that only
# grew is its own heir and is left out.
_LINEAGE: Final = (
    _PARTS
    + """
, old as (
    select o.*, ST_Area(o.geometry::geography) as whole from standing o
    left join drafted n using (area_code)
    where o.area_code in (select area_code from retiring)
       or (n.id is not null and not ST_OrderingEquals(n.geometry, o.geometry))
),
pairs as materialized (
    select o.area_code as old_code, n.area_code as new_code, o.geometry as old_geometry,
        n.geometry as new_geometry,
        least(1.0, ST_Area(ST_Intersection(o.geometry, n.geometry)::geography)
              / nullif(o.whole, 0)) as area_share
    from old o join drafted n on n.layer = o.layer and n.geometry && o.geometry
),
heirs as (
    select * from pairs where area_share > 1e-6
      and not (old_code = new_code and area_share > 0.999999)
),
shares as (
    select h.old_code, h.new_code, h.area_share, (
        select coalesce(
                sum(b.residents) filter (where ST_Covers(h.new_geometry, b.geometry)), 0
            )::float / nullif(sum(b.residents), 0)
        from buildings b where ST_Intersects(b.geometry, h.old_geometry)
    ) as people_share from heirs h
)
"""
)
_READ_LINEAGE: Final = sa.text(
    _LINEAGE + "select old_code, new_code, area_share, people_share from shares "
    'order by old_code collate "C", area_share desc, new_code collate "C"'
)
_WRITE_LINEAGE: Final = sa.text(
    _LINEAGE + "insert into area_lineage (revision, old_code, new_code, area_share, people_share) "
    "select :revision, old_code, new_code, area_share, people_share from shares"
)

_MOVED_SINCE: Final = sa.text(
    _PARTS
    + """
select distinct v.area_code as code from area_versions v join touched using (area_code)
where v.added_revision > :base or v.retired_revision > :base
order by 1
"""
)
_OVERLAPS_SINCE: Final = sa.text(
    _PARTS
    + """
select distinct s.area_code as code from drafted n join standing s
    on s.layer = n.layer and s.geometry && n.geometry
where s.added_revision > :base and s.area_code not in (select area_code from touched)
  and ST_Area(ST_Intersection(s.geometry, n.geometry)::geography) > :noticeable
order by 1
"""
)
_ORPHANS: Final = sa.text(
    _PARTS
    + """
select n.area_code as code, n.parent_code as parent from drafted n
    left join areas a on a.code = n.parent_code
where n.parent_code in (select area_code from retiring) or a.retired_at is not null
union all
select s.area_code, s.parent_code from standing s
where s.parent_code in (select area_code from retiring)
  and s.area_code not in (select area_code from touched)
order by 1
"""
)
_REUSED: Final = sa.text(
    _PARTS + "select code from areas join touched on touched.area_code = code "
    "where retired_at is not null order by 1"
)

_UNCOVERED: Final = sa.text(
    _PARTS
    + """
, lost as (
    select o.layer, ST_Union(o.geometry) as before from standing o
    where o.area_code in (select area_code from touched) group by o.layer
),
gone as (
    select l.layer, ST_Difference(l.before, coalesce((
        select ST_Union(g) from (
            select n.geometry as g from drafted n where n.layer = l.layer
            union all
            select s.geometry from standing s where s.layer = l.layer
              and s.geometry && l.before and s.area_code not in (select area_code from touched)
        ) now
    ), 'SRID=4326;POLYGON EMPTY'::geometry)) as ground from lost l
),
places as (select layer, (ST_Dump(ST_CollectionExtract(ground, 3))).geom as place from gone)
select layer, ST_Area(place::geography) as area_m2,
    ST_X(ST_PointOnSurface(place)) as lon, ST_Y(ST_PointOnSurface(place)) as lat
from places where ST_Area(place::geography) > :noticeable order by area_m2 desc
"""
)
_DOUBLED: Final = sa.text(
    _PARTS
    + """
, result as (
    select area_code, layer, geometry from drafted
    union all
    select area_code, layer, geometry from standing
    where area_code not in (select area_code from touched)
),
shared as (
    select n.area_code as one, r.area_code as other,
        ST_Intersection(n.geometry, r.geometry) as ground
    from drafted n join result r on r.layer = n.layer and r.geometry && n.geometry
      and r.area_code <> n.area_code
      and (r.area_code > n.area_code or r.area_code not in (select area_code from touched))
    where n.layer not in ('dedicated', 'micro') and ST_Intersects(n.geometry, r.geometry)
)
select one, other, ST_Area(ground::geography) as area_m2,
    ST_X(ST_PointOnSurface(ground)) as lon, ST_Y(ST_PointOnSurface(ground)) as lat
from shared where ST_Area(ground::geography) > :noticeable order by area_m2 desc
"""
)

_RETIRE_VERSIONS: Final = sa.text(
    "update area_versions v set valid = tstzrange(lower(v.valid), :valid_from), "
    "retired_revision = :revision from draft_retirements r where r.draft_id = :draft_id "
    "and v.area_code = r.area_code and v.valid is not null and v.retired_revision is null"
)
_RETIRE_CODES: Final = sa.text(
    "update areas a set retired_at = :valid_from from draft_retirements r "
    "where r.draft_id = :draft_id and a.code = r.area_code"
)

_LISTING: Final = sa.text(
    """
select r.id, r.revision, r.status, r.title, r.created_by, r.created_at, r.published_at,
    r.effective_from, r.base_revision, r.source,
    (select count(*) from area_versions v where v.draft_id = r.id) as areas,
    (select count(*) from draft_retirements d where d.draft_id = r.id) as retired
from boundary_revisions r
where (r.status = 'published' or (:with_drafts and r.status = 'draft'))
  and (cast(:before as bigint) is null or r.id < :before)
order by r.id desc limit :limit
"""
)


def head(work: UnitOfWork, draft_id: int) -> sa.RowMapping | None:
    """Return the head of a draft or revision by its id."""
    revisions, retired = boundary_revisions.c, draft_retirements.c
    areas = sa.select(sa.func.count()).where(area_versions.c.draft_id == revisions.id)
    leaving = sa.select(sa.func.count()).where(retired.draft_id == revisions.id)
    return work.row(
        sa.select(
            boundary_revisions,
            areas.scalar_subquery().label("areas"),
            leaving.scalar_subquery().label("retired"),
        ).where(revisions.id == draft_id)
    )


def listing(
    work: UnitOfWork, *, with_drafts: bool, before: int | None, limit: int
) -> list[sa.RowMapping]:
    """Return revisions, open drafts too where wanted, newest first, with their counts."""
    return work.rows(_LISTING, with_drafts=with_drafts, before=before, limit=limit)


def add_retirements(work: UnitOfWork, draft_id: int, codes: Sequence[str]) -> None:
    """Note that codes retire when the draft is published; noting one twice changes nothing."""
    if codes:
        rows = [{"draft_id": draft_id, "area_code": code} for code in codes]
        work.connection.execute(insert(draft_retirements).on_conflict_do_nothing(), rows)


def retiring_codes(work: UnitOfWork, draft_id: int) -> set[str]:
    """Return the codes that retire when a draft is published."""
    retired = draft_retirements.c
    found = work.rows(sa.select(retired.area_code).where(retired.draft_id == draft_id))
    return {row["area_code"] for row in found}


def drop_retirements(work: UnitOfWork, draft_id: int) -> None:
    """Forget what a discarded draft would have retired."""
    work.execute(sa.delete(draft_retirements).where(draft_retirements.c.draft_id == draft_id))


def standing_codes(work: UnitOfWork, codes: Sequence[str]) -> set[str]:
    """Return which of the codes have a published version that nothing has replaced or retired."""
    versions = area_versions.c
    found = work.rows(
        sa.select(versions.area_code).where(
            versions.area_code == sa.any_(_CODES),
            versions.valid.is_not(None),
            versions.retired_revision.is_(None),
        ),
        codes=list(codes),
    )
    return {row["area_code"] for row in found}


def codes_of(work: UnitOfWork, draft_id: int) -> list[str]:
    """Return every code that a draft adds, changes or retires."""
    return [row["area_code"] for row in work.rows(_CODES_OF, draft_id=draft_id)]


def changes(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return what an open draft does to each area, against what stands."""
    return work.rows(_CHANGES, draft_id=draft_id)


def lineage(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return which areas of an open draft get the ground of which old ones, with shares."""
    return work.rows(_READ_LINEAGE, draft_id=draft_id)


def lineage_of_revision(work: UnitOfWork, revision: int) -> list[sa.RowMapping]:
    """Return the lineage that a publication wrote."""
    return work.rows(
        sa.text(
            "select old_code, new_code, area_share, people_share from area_lineage "
            'where revision = :revision order by old_code collate "C", area_share desc, '
            'new_code collate "C"'
        ),
        revision=revision,
    )


def write_lineage(work: UnitOfWork, draft_id: int, revision: int) -> None:
    """Keep the lineage of a draft; call it before the old versions end."""
    work.execute(_WRITE_LINEAGE, draft_id=draft_id, revision=revision)


def moved_since(work: UnitOfWork, draft_id: int, base: int) -> list[str]:
    """Return codes that collide with a revision published after ``base``.

    Its own codes that were changed or retired meanwhile, and areas drawn meanwhile that overlap
    what it draws by more than :data:`NOTICEABLE_M2`.
    """
    own = work.rows(_MOVED_SINCE, draft_id=draft_id, base=base)
    near = work.rows(_OVERLAPS_SINCE, draft_id=draft_id, base=base, noticeable=NOTICEABLE_M2)
    return [row["code"] for row in (*own, *near)]


def orphans(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return areas that would stand below a retired one (``code``, ``parent``)."""
    return work.rows(_ORPHANS, draft_id=draft_id)


def reused(work: UnitOfWork, draft_id: int) -> list[str]:
    """Return codes of a draft that are retired already."""
    return [row["code"] for row in work.rows(_REUSED, draft_id=draft_id)]


def uncovered(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return ground that has an owner now and none after the draft: layer, size, place."""
    return work.rows(_UNCOVERED, draft_id=draft_id, noticeable=NOTICEABLE_M2)


def doubled(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return ground that two areas of one layer own after the draft: codes, size, place."""
    return work.rows(_DOUBLED, draft_id=draft_id, noticeable=NOTICEABLE_M2)


def retire(work: UnitOfWork, draft_id: int, *, revision: int, valid_from: datetime) -> None:
    """End the areas that a draft retires, and their codes for ever."""
    values: dict[str, Any] = {"draft_id": draft_id, "valid_from": valid_from}
    work.execute(_RETIRE_VERSIONS, revision=revision, **values)
    work.execute(_RETIRE_CODES, **values)
