"""What each published layer is made of: one SQL query a source, and nothing else.

Every query gives ``fid`` (text, unique), ``sort`` (the same as the table's own key, whose index
gives the order of pages), ``geom`` (EPSG:4326), the layer's
attributes by their names, and what limits an actor's scope: ``scope_code`` (a code that nests by
prefix) or ``scope_path`` (all codes above). ``:revision`` is the boundary revision in force;
``:trusted`` tells whether the one who asks may see single households.
PostgreSQL flattens these queries into the one around them, so conditions on them use the indexes
of the tables below.
"""

from __future__ import annotations

from typing import Final

_AREAS = """
    select area_code as fid, area_code as sort, geometry as geom, area_code as scope_code,
        area_code as code, name, level, kind, parent_code as parent,
        coalesce(households, 0) as households, coalesce(residents, 0) as residents,
        categories, lower(valid) as valid_from, upper(valid) as valid_to, id as version_id
    from area_versions
    where added_revision <= :revision
        and (retired_revision is null or retired_revision > :revision) and {what}
"""
_GENERAL = "level = 'grid' and kind is distinct from 'dedicated' and kind is distinct from 'micro'"

_ITEMS = """
    select d.id::text as fid, d.id as sort, d.geometry as geom, null::text as scope_code,
        d.path_codes as scope_path, d.number, d.kind, d.title, d.status, d.area_code as area,
        d.decision, d.score, d.due_at, (d.closed_at is null and d.due_at <= now()) as overdue,
        d.created_at
    from deliberations as d where d.geometry is not null and {what}
"""

SOURCES: Final[dict[str, str]] = {
    "cities": _AREAS.format(what="level = 'city'"),
    "counties": _AREAS.format(what="level = 'county'"),
    "subdistricts": _AREAS.format(what="level = 'subdistrict'"),
    "communities": _AREAS.format(what="level = 'community'"),
    "grids": _AREAS.format(what=_GENERAL),
    "dedicated-grids": _AREAS.format(what="level = 'grid' and kind in ('dedicated', 'micro')"),
    "stations": """
        select code as fid, code as sort, geometry as geom, area_code as scope_code,
            code, name, kind, address, area_code as area, staffed, opening_hours, capacity
        from stations where closed_at is null
    """,
    "employment-circles": """
        select code as fid, code as sort, geometry as geom, area_code as scope_code, code,
            attributes ->> 'name' as name, left(code, 9) as parent,
            (attributes ->> 'radius_m')::float8 as radius_m,
            (attributes ->> 'stations')::int as stations,
            (attributes ->> 'openings')::int as openings,
            (attributes ->> 'residents')::int as residents,
            (attributes ->> 'covered')::boolean as covered,
            (attributes ->> 'centre_lon')::float8 as centre_lon,
            (attributes ->> 'centre_lat')::float8 as centre_lat
        from layer_features where layer = 'employment-circles'
    """,
    "roads": """
        select id::text as fid, id as sort, geometry as geom, null::text as scope_code,
            code, name, class, oneway, walk, ride, owner_unit as owner, length_m
        from roads
    """,
    "buildings": """
        select id::text as fid, id as sort, geometry as geom, grid_code as scope_code,
            code, name, kind, floors, grid_code as grid, residents, households
        from buildings where :trusted or households = 0 or households >= 5
    """,
    "addresses": """
        select id::text as fid, id as sort, geometry as geom, community_code as scope_code,
            kind, full_text as address, road, house_number, compound, building,
            community_code as community, uncertainty_m
        from gazetteer_entries
    """,
    "job-openings": """
        select code as fid, code as sort, geometry as geom, null::text as scope_code,
            code, employer, title, trade, wage_min, wage_max, openings,
            upper(valid) as valid_to
        from job_openings where valid @> now()
    """,
    "events": """
        select e.id::text as fid, e.id as sort, e.geometry as geom, null::text as scope_code,
            e.path_codes as scope_path,
            e.number, e.source, e.category, e.title, e.address, e.status, e.routing,
            e.grid_code as grid, e.accuracy_m, e.reported_at, e.received_at,
            e.boundary_revision, e.description
        from events as e where e.geometry is not null
    """,
    "event-density": """
        select x || '_' || y as fid, x || '_' || y as sort,
            ST_SetSRID(ST_MakePoint((x + 0.5) * 0.005, (y + 0.5) * 0.005), 4326) as geom,
            null::text as scope_code, count(*)::int as events, count(*)::int as point_count,
            count(*) filter (where status in ('review', 'unrouted', 'outside'))::int as waiting
        from (
            select floor(ST_X(geometry) / 0.005)::int as x, floor(ST_Y(geometry) / 0.005)::int as y,
                status
            from events
            where geometry is not null and received_at > now() - interval '1 year'
        ) as cells group by x, y having count(*) >= 3
    """,
    "worker-areas": """
        select v.area_code || '_' || d.id as fid, v.area_code || '_' || d.id as sort,
            v.geometry as geom, v.area_code as scope_code,
            v.area_code as code, v.name, p.name as worker, d.role, d.deputy, u.name as unit
        from area_versions as v
        join duties as d on d.area_code = v.area_code and d.valid @> now()
        join persons as p on p.id = d.person_id
        left join units as u on u.code = p.unit_code
        where v.level = 'grid' and v.added_revision <= :revision
            and (v.retired_revision is null or v.retired_revision > :revision)
    """,
    "deliberations": _ITEMS.format(what="d.adopted_at is not null"),
    "deliberation-desk": _ITEMS.format(what="d.status <> 'withdrawn'"),
    "coverage-gaps": """
        select code as fid, code as sort, geometry as geom, area_code as scope_code,
            attributes ->> 'name' as name, area_code as code,
            (attributes ->> 'people')::int as people, (attributes ->> 'rank')::int as rank,
            (attributes ->> 'area_km2')::float8 as area_km2,
            (attributes ->> 'nearest_m')::float8 as nearest_m
        from layer_features where layer = 'coverage-gaps'
    """,
}
"""Source -> its query."""

IN_FORCE: Final = """(
    select coalesce(max(revision), 0) from boundary_revisions
    where status = 'published' and effective_from <= now()
)"""
"""The boundary revision in force, in the place of ``:revision``: asked in the same statement."""

SORTS: Final[dict[str, str]] = {
    "roads": "bigint",
    "buildings": "bigint",
    "addresses": "bigint",
    "events": "uuid",
    "deliberations": "uuid",
    "deliberation-desk": "uuid",
}
"""Type of ``sort`` where it is not text."""
