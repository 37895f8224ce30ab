"""Vector tiles by SQL: zoom bands, live layers, bins of points. Integer frames, bound values.

What is cut from zoom bands needs no repair, so it goes around ``ST_AsMVTGeom``, whose check of
validity is three quarters of a tile's time: clipped only where it leaves the tile, moved into the
tile's units, snapped.
"""

# ruff: noqa: S608 - texts are put together from our own tables; values are always bound

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from gis.store.layer_sources import SOURCES
from gis.store.unit_of_work import UnitOfWork

EXTENT: Final = 4096
BUFFER: Final = 64
BINS: Final = 32
"""Cells along each side of a tile whose points are counted together: 16 pixels each."""
EARTH: Final = 6378137.0
"""Radius of the sphere of Web Mercator."""
HALF: Final = math.pi * EARTH
"""Half the side of the Web Mercator square."""

_CAST: Final = {
    "string": "{}",
    "integer": "{}",
    "number": "{}::float8",
    "boolean": "{}",
    "datetime": "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    "strings": "array_to_string({}, ';')",
}
_DIALECT: Final[Any] = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
_ID: Final = "case when fid ~ '^[0-9]{1,15}$' then fid::bigint end as mvt_id"

STAND: Final = """
    select coalesce((select revision::text from boundary_revisions where status = 'published'
            and effective_from <= now() order by revision desc limit 1), '0')
        || '|' || coalesce((select token::text from layer_editions where layer = :key
            order by id desc limit 1), '')
        || '|' || coalesce((select string_agg(subject || '=' || stamp::text, ',' order by subject)
            from data_stamps where subject = any(:stamps)), '')
"""
"""What a tile depends on: revision in force, newest edition of its bands, stamps of its tables."""

# Half-open, so that a label or a bin stands in one tile only.
_INSIDE: Final = (
    "ST_X({0}) >= :west and ST_X({0}) < :east and ST_Y({0}) > :south and ST_Y({0}) <= :north"
)
# A point in the tile's units from degrees: the sphere's own formulas, no library in between.
_COLUMN: Final = f"round(({{}} * {HALF / 180.0!r} - :west) * :scale)"
_ROW: Final = f"round((:north - ln(tan(radians({{}}) / 2 + pi() / 4)) * {EARTH!r}) * :scale)"
_UNITS: Final = "ST_SnapToGrid(ST_TransScale({}, - :west, - :north, :scale, - :scale), 1)"


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of WebMercatorQuad: column ``x`` from the west, row ``y`` from the north."""

    z: int
    x: int
    y: int

    @property
    def side(self) -> float:
        """Return the length of a side in EPSG:3857."""
        return 2.0 * HALF / float(2**self.z)

    def bounds(self, buffer: int = 0) -> tuple[float, float, float, float]:
        """Return west, south, east, north in EPSG:3857, with a buffer in tile units.

        >>> Tile(0, 0, 0).bounds()[0] == -HALF
        True
        """
        side, more = self.side, self.side * buffer / EXTENT
        # each edge from the zoom's own grid, so that neighbours agree on it to the last bit
        return (
            -HALF + self.x * side - more,
            HALF - (self.y + 1) * side - more,
            -HALF + (self.x + 1) * side + more,
            HALF - self.y * side + more,
        )

    def degrees(self, buffer: int = 0) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees."""
        west, south, east, north = self.bounds(buffer)
        return _lon(west), _lat(south), _lon(east), _lat(north)


def _lon(x: float) -> float:
    return x / HALF * 180.0


def _lat(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y / HALF * math.pi)) - math.pi / 2)


@dataclass(frozen=True, slots=True)
class Cut:
    """What is cut into a tile: a layer, its attributes (name -> type), and who asks.

    ``band`` is set where zoom bands serve, ``binned`` where points are counted, ``merged`` names
    the attribute by which lines are joined; ``label`` names the
    attribute that label points carry beside ``code``.
    """

    key: str
    kind: str
    types: tuple[tuple[str, str], ...]
    revision: int
    band: int | None = None
    binned: bool = False
    merged: str | None = None
    label: bool = False
    trusted: bool = False
    area: str | None = None
    masked: frozenset[str] = frozenset()
    within: str | None = None
    stamps: tuple[str, ...] = ()


def render(work: UnitOfWork, cut: Cut, tile: Tile) -> tuple[bytes, str]:
    """Return a tile's bytes, not compressed (empty where nothing is), and what it depends on."""
    return rendered(work.prepared(*question(cut, tile)))


def rendered(rows: Sequence[tuple[Any, ...]]) -> tuple[bytes, str]:
    """Return what :func:`render` returns, from the answer to a :func:`question`."""
    ((content, stand),) = rows
    return content or b"", stand


def question(cut: Cut, tile: Tile) -> tuple[str, dict[str, Any]]:
    """Return the statement that cuts a tile, in the driver's words, and its values.

    One statement, hence one snapshot: the token is that of the rows that are drawn.
    """
    west, south, east, north = tile.bounds()
    box = tile.bounds(BUFFER)
    lon_lat = tile.degrees(0 if cut.binned else BUFFER)
    values: dict[str, Any] = {
        "key": cut.key,
        "labels": f"{cut.key}-labels",
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "scale": EXTENT / tile.side,
        "bwest": box[0],
        "bsouth": box[1],
        "beast": box[2],
        "bnorth": box[3],
        "lwest": lon_lat[0],
        "lsouth": lon_lat[1],
        "least": lon_lat[2],
        "lnorth": lon_lat[3],
        "unit": tile.side / EXTENT,
        "across": BINS / (lon_lat[2] - lon_lat[0]),
        "down": BINS / (lon_lat[3] - lon_lat[1]),
        "band": cut.band,
        "revision": cut.revision,
        "trusted": cut.trusted,
        "stamps": list(cut.stamps),
        "scope": None if cut.area is None else cut.area,
        "prefix": None if cut.area is None else _pattern(cut.area),
    }
    statement, names = _statement(
        cut.key, cut.kind, cut.types, cut.band is not None, cut.binned, cut.label, cut.masked,
        cut.within is not None, cut.merged,
    )  # fmt: skip
    return statement, {name: values[name] for name in names}


def _pattern(area: str) -> str:
    """Return the LIKE pattern of codes below an area."""
    plain = area.removesuffix("00").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{plain}%"


@lru_cache(maxsize=512)
def _statement(  # noqa: PLR0917 - the key of a cache
    key: str,
    kind: str,
    types: tuple[tuple[str, str], ...],
    banded: bool,
    binned: bool,
    label: bool,
    masked: frozenset[str],
    within: bool,
    merged: str | None,
) -> tuple[str, tuple[str, ...]]:
    """Return the statement of a kind of tile, as the driver takes it, and its values' names."""
    shown = ", ".join(_shown(key, name, type_, masked) for name, type_ in types)
    columns = ", ".join(f'"{name}"' for name, _ in types)
    where = f" and {_in_scope(key)}" if within else ""
    if banded:
        text = _banded(key, shown, columns, label=label)
    elif binned:
        text = _binned(key, where)
    elif merged is not None:
        text = _merged(key, merged, where)
    else:
        text = _live(key, kind, shown, columns, where, label=label)
    statement = sa.text(f"select ({text}) as tile, ({STAND}) as stand")
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.params)


def _shown(key: str, name: str, type_: str, masked: frozenset[str]) -> str:
    column = f'layer."{name}"'
    if name in masked:
        column = f"case when {_in_scope(key)} then {column} end"
    return f'{_CAST[type_].format(column)} as "{name}"'


def _in_scope(key: str) -> str:
    if "scope_path" in SOURCES[key]:
        return "layer.scope_path @> array[:scope]::text[]"
    return "layer.scope_code like :prefix"


def _mvt(rows: str, columns: str, layer: str) -> str:
    return (
        f"select ST_AsMVT(t, {layer}, {EXTENT}, 'geom', 'mvt_id') from "
        f"(select geom, {', '.join(filter(None, ['mvt_id', columns]))} from {rows} "
        f"where not ST_IsEmpty(geom)) as t"
    )


def _banded(key: str, shown: str, columns: str, *, label: bool) -> str:
    box = "ST_MakeEnvelope(:bwest, :bsouth, :beast, :bnorth, 3857)"
    clipped = f"ST_ForcePolygonCW(ST_ClipByBox2D(s.geometry, {box}))"
    inside = f"case when s.geometry @ {box} then s.geometry else {clipped} end"
    # materialized: each shape is cut once, though it is looked at twice
    text = f"""
        with cut as materialized (
            select {_UNITS.format(inside)} as geom, s.label, {_ID}, {shown}
            from layer_shapes as s
            join ({SOURCES[key]}) as layer on layer.version_id = s.version_id
            where s.layer = :key and s.band = :band and s.geometry && {box}
        )
    """
    parts = [_mvt("cut", columns, ":key")]
    if label:
        text += f""",
        named as (
            select {_UNITS.format("label")} as geom, mvt_id, code, name
            from cut where {_INSIDE.format("label")}
        )
        """
        parts.append(_mvt("named", "code, name", ":labels"))
    return text + "select " + " || ".join(f"coalesce(({part}), '')" for part in parts)


def _live(key: str, kind: str, shown: str, columns: str, where: str, *, label: bool) -> str:
    moved = "ST_Transform(layer.geom, 3857)"
    if kind == "line":
        moved = f"ST_Simplify({moved}, :unit * 4)"
    tile = "ST_MakeEnvelope(:west, :south, :east, :north, 3857)"
    drawn = f"ST_AsMVTGeom({moved}, {tile}, {EXTENT}, {BUFFER}, true)"
    if kind == "point":
        places = _COLUMN.format("ST_X(layer.geom)"), _ROW.format("ST_Y(layer.geom)")
        drawn = f"ST_MakePoint({', '.join(places)})"
    text = f"""
        with cut as materialized (
            select {drawn} as geom, {_ID}, {shown}
            from ({SOURCES[key]}) as layer
            where layer.geom && ST_MakeEnvelope(:lwest, :lsouth, :least, :lnorth, 4326){where}
        )
    """
    parts = [_mvt("cut", columns, ":key")]
    if label:
        text += f""",
        points as (
            select ST_Transform(ST_PointOnSurface(layer.geom), 3857) as point, fid, code, name
            from ({SOURCES[key]}) as layer
            where layer.geom && ST_MakeEnvelope(:lwest, :lsouth, :least, :lnorth, 4326){where}
        ),
        named as (
            select {_UNITS.format("point")} as geom, {_ID}, code, name
            from points where {_INSIDE.format("point")}
        )
        """
        parts.append(_mvt("named", "code, name", ":labels"))
    return text + "select " + " || ".join(f"coalesce(({part}), '')" for part in parts)


def _merged(key: str, by: str, where: str) -> str:
    """Lines of one kind as one feature: all of them, without their other attributes."""
    tile = "ST_MakeEnvelope(:west, :south, :east, :north, 3857)"
    return f"""
        with lines as (
            select layer."{by}" as "{by}", count(*)::int as line_count,
                ST_Collect(ST_Simplify(ST_Transform(layer.geom, 3857), :unit * 4)) as geom
            from ({SOURCES[key]}) as layer
            where layer.geom && ST_MakeEnvelope(:lwest, :lsouth, :least, :lnorth, 4326){where}
            group by layer."{by}"
        ),
        cut as (
            select ST_AsMVTGeom(geom, {tile}, {EXTENT}, {BUFFER}, true) as geom,
                null::bigint as mvt_id, "{by}", line_count
            from lines
        )
        {_mvt("cut", f'"{by}", line_count', ":key")}
    """


def _binned(key: str, where: str) -> str:
    """Points counted in cells of the tile; a cell's point is the mean of those in it.

    Which tile and cell a point is in is decided by comparing, once: the case gives no number to
    those that the box touches from outside, and leaves the planner its estimate of rows.
    """
    return f"""
        with points as (
            select ST_X(geom) as lon, ST_Y(geom) as lat from ({SOURCES[key]}) as layer
            where layer.geom && ST_MakeEnvelope(:lwest, :lsouth, :least, :lnorth, 4326){where}
            offset 0
        ),
        bins as (
            select count(*)::int as point_count, avg(lon) as lon, avg(lat) as lat
            from (
                select lon, lat,
                    case when lon >= :lwest and lon < :least and lat > :lsouth and lat <= :lnorth
                        then least(floor((lon - :lwest) * :across), {BINS - 1})::int * {BINS}
                            + least(floor((:lnorth - lat) * :down), {BINS - 1})::int
                    end as cell
                from points
            ) as placed
            group by cell having cell is not null
        ),
        cut as (
            select ST_MakePoint(
                    {_COLUMN.format("lon")}, {_ROW.format("lat")}
                ) as geom, null::bigint as mvt_id, point_count
            from bins
        )
        {_mvt("cut", "point_count", ":key")}
    """
