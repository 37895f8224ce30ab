"""A generated city of 50,000 grids with every level above them, for the bench of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import shapely

from tests.bench.tiled_city import cells

COLUMNS, ROWS = 250, 200
BLOCKS = {"county": (50, 50), "subdistrict": (10, 10), "community": (5, 4)}
"""Level -> how many grids wide and high its areas are."""
STATIONS = 2_000


def load(dsn: str) -> None:
    """Write the city as boundary revision 1, and stations."""
    shapes = cells(COLUMNS, ROWS, 10)
    column, row = np.divmod(np.arange(len(shapes)), ROWS)
    codes = np.array(["3411"] * len(shapes))
    levels: dict[str, np.ndarray] = {}
    outer_wide, outer_high = COLUMNS, ROWS
    for level, (wide, high) in (*BLOCKS.items(), ("grid", (1, 1))):
        across = outer_wide // wide
        number = (column % outer_wide) // wide + (row % outer_high) // high * across
        digits = 2 if level == "county" else 3
        codes = np.char.add(codes, np.char.zfill((number + 1).astype(str), digits))
        levels[level] = codes
        outer_wide, outer_high = wide, high
    with psycopg.connect(dsn) as connection:
        (draft,) = connection.execute(
            "insert into boundary_revisions (status, revision, title, source, created_by, "
            "published_at, effective_from) values ('published', 1, 'bench', '{\"made\": true}', "
            "'bench', now(), now() - interval '1 day') returning id"
        ).fetchone() or (None,)
        rows = list(_areas(shapes, levels))
        _copy(connection, "areas (code, level, code_system)", ((r[0], r[1], "local") for r in rows))
        _copy(
            connection,
            "area_versions (area_code, draft_id, level, name, kind, parent_code, geometry, "
            "residents, households, valid, added_revision)",
            (
                (code, draft, level, name, kind, parent, wkb, 720, 250,
                 "[2020-01-01 00:00:00+00,)", 1)
                for code, level, name, kind, parent, wkb in rows
            ),
        )  # fmt: skip
        random = np.random.default_rng(5)
        west, south, east, north = shapely.total_bounds(shapes)
        at = shapely.points(
            random.uniform(west, east, STATIONS), random.uniform(south, north, STATIONS)
        )
        wkb = shapely.to_wkb(shapely.set_srid(at, 4326), hex=True, include_srid=True)
        _copy(
            connection,
            "stations (code, name, kind, geometry)",
            ((f"S{n:05d}", f"驿站{n}", "service_station", wkb[n]) for n in range(STATIONS)),
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _areas(shapes: np.ndarray, levels: dict[str, np.ndarray]) -> Iterator[tuple[object, ...]]:
    yield "341100", "city", "五万格市", None, None, _wkb(shapely.coverage_union_all(shapes))
    above = np.full(len(shapes), "341100")
    for level, codes in levels.items():
        kind = {"grid": "general", "community": "urban"}.get(level)
        order = np.argsort(codes, kind="stable")
        first = np.flatnonzero(np.r_[True, codes[order][1:] != codes[order][:-1]])
        for members in np.split(order, first[1:]):
            code = str(codes[members[0]])
            shape = shapely.coverage_union_all(shapes[members])
            name = f"{code[-3:]}{ {'grid': '网格', 'community': '社区'}.get(level, '区') }"
            yield code, level, name, kind, str(above[members[0]]), _wkb(shape)
        above = codes


def _wkb(shape: shapely.Geometry) -> str:
    areas = shapely.multipolygons(shapely.get_parts(shape))
    return str(shapely.to_wkb(shapely.set_srid(areas, 4326), hex=True, include_srid=True))


def _copy(connection: psycopg.Connection, table: str, rows: object) -> None:
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
        for row in rows:
            copy.write_row(row)
