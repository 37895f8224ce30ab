"""A generated layer for the bench: cells with wiggly shared edges, and points over them."""

from __future__ import annotations

import numpy as np
import psycopg
import shapely

WEST, SOUTH = 117.8, 32.0
CELL_LON, CELL_LAT = 0.0087, 0.0074
"""About 820 m by 820 m: 1,630 of them in a tile at zoom 10."""


def cells(columns: int, rows: int, steps: int) -> np.ndarray:
    """Return columns x rows polygons of 4 * steps + 1 vertices; neighbours share their edges."""
    random = np.random.default_rng(7)
    wiggle = 0.025 * random.standard_normal((2, columns + 1, rows + 1, steps))
    wiggle[..., 0] = 0.0
    along = np.arange(steps) / steps
    column, row = (
        axis.ravel() for axis in np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    )

    def horizontal(c: np.ndarray, r: np.ndarray) -> np.ndarray:
        return np.stack([c[:, None] + along, r[:, None] + wiggle[0, c, r]], axis=-1)

    def vertical(c: np.ndarray, r: np.ndarray) -> np.ndarray:
        return np.stack([c[:, None] + wiggle[1, c, r], r[:, None] + along], axis=-1)

    def back(edge: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.concatenate([end[:, None, :], edge[:, :0:-1]], axis=1)

    corners = np.stack([column + 1, row + 1], axis=-1).astype(float)
    corner = np.stack([column, row + 1], axis=-1).astype(float)
    ring = np.concatenate(
        [
            horizontal(column, row),
            vertical(column + 1, row),
            back(horizontal(column, row + 1), corners),
            back(vertical(column, row), corner),
        ],
        axis=1,
    )
    ring = np.concatenate([ring, ring[:, :1]], axis=1)
    ring = ring * [CELL_LON, CELL_LAT] + [WEST, SOUTH]
    return shapely.polygons(ring)


def load(
    dsn: str,
    columns: int,
    rows: int,
    *,
    steps: int = 10,
    points: int = 200_000,
    over: tuple[int, int] | None = None,
) -> None:
    """Write the layer as boundary revision 1 and as plain tables in the schema ``bench``.

    The points lie over the grids, or over so many columns and rows of them.
    """
    shapes = cells(columns, rows, steps)
    count = len(shapes)
    with psycopg.connect(dsn) as connection:
        draft = connection.execute(
            "insert into boundary_revisions (status, revision, title, created_by, published_at, "
            "effective_from) values ('published', 1, 'bench', 'bench', now(), now() - interval "
            "'1 day') returning id"
        ).fetchone()[0]
        codes = [f"34110200100{number:07d}" for number in range(count)]
        _copy(connection, "areas (code, level, code_system)",
              ((code, "grid", "local") for code in codes))  # fmt: skip
        areas = shapely.multipolygons(shapes, indices=np.arange(count))
        wkb = shapely.to_wkb(shapely.set_srid(areas, 4326), hex=True, include_srid=True)
        _copy(
            connection,
            "area_versions (area_code, draft_id, level, name, kind, geometry, residents, "
            "households, valid, added_revision)",
            ((code, draft, "grid", f"网格{n}", "general", wkb[n], n % 3000, n % 900,
              "[2020-01-01 00:00:00+00,)", 1) for n, code in enumerate(codes)),
        )  # fmt: skip
        random = np.random.default_rng(8)
        wide, high = over or (columns, rows)
        x = WEST + random.random(points) * wide * CELL_LON
        y = SOUTH + random.random(points) * high * CELL_LAT
        at = shapely.to_wkb(
            shapely.set_srid(shapely.points(x, y), 4326), hex=True, include_srid=True
        )
        _copy(
            connection,
            "gazetteer_entries (kind, full_text, geometry, uncertainty_m, source, code)",
            (("door", f"示范路{n}号", at[n], 10.0, "bench", str(n)) for n in range(points)),
        )
        connection.execute(
            "create schema bench; "
            "create table bench.grids as select area_code as id, area_code as code, name, level, "
            "kind, parent_code as parent, households, residents, geometry as geom "
            "from area_versions; "
            "alter table bench.grids add primary key (id); "
            "create index on bench.grids using gist (geom); "
            "create table bench.points as select id, kind, full_text as address, uncertainty_m, "
            "geometry as geom from gazetteer_entries; "
            "alter table bench.points add primary key (id); "
            "create index on bench.points using gist (geom); "
            "grant usage on schema bench to public; "
            "grant select on all tables in schema bench to public"
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _copy(connection: psycopg.Connection, table: str, rows: object) -> None:
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
        for row in rows:
            copy.write_row(row)
