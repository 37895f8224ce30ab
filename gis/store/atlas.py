"""What atlases draw: the areas of a revision with people and workers; cells of events."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from gis.store.unit_of_work import UnitOfWork

_AREAS: Final = sa.text("""
    select v.area_code as code, v.name, v.kind, v.parent_code as parent, p.name as parent_name,
        coalesce(v.residents, 0) as residents, coalesce(v.households, 0) as households,
        (
            select string_agg(person.name, '、' order by d.deputy, person.id)
            from duties as d join persons as person on person.id = d.person_id
            where d.area_code = v.area_code and d.valid @> now() and d.role = 'grid_worker'
        ) as workers,
        ST_AsBinary(v.geometry) as wkb
    from area_versions as v
    left join area_versions as p
        on p.area_code = v.parent_code and p.added_revision <= :revision
        and (p.retired_revision is null or p.retired_revision > :revision)
    where v.level = :level
        and v.added_revision <= :revision
        and (v.retired_revision is null or v.retired_revision > :revision)
        and starts_with(v.area_code, :scope)
    order by v.area_code collate "C"
""")

_CELLS: Final = sa.text("""
    select floor(ST_X(geometry) / :side)::int as x, floor(ST_Y(geometry) / :side)::int as y,
        count(*)::int as events
    from events
    where geometry is not null and received_at >= now() - interval '1 year'
        and (:scope = '' or exists (
            select from unnest(path_codes) as path (code) where starts_with(path.code, :scope)
        ))
    group by 1, 2 having count(*) >= :fewest
    order by 1, 2
""")


def areas(work: UnitOfWork, revision: int, level: str, scope: str) -> list[sa.RowMapping]:
    """Return the areas of a level with people, workers on duty and WKB, by code."""
    return work.rows(_AREAS, revision=revision, level=level, scope=scope)


def event_cells(work: UnitOfWork, scope: str, *, side: float, fewest: int) -> list[sa.RowMapping]:
    """Return cells (``x``, ``y`` in steps of ``side`` degrees) with the events of the last year.

    Cells with fewer than ``fewest`` are left out: a single report is a single household.
    """
    return work.rows(_CELLS, scope=scope, side=side, fewest=fewest)
