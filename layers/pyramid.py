"""A layer's whole pyramid of vector tiles as one PMTiles file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from gis.governance.actors import Actor
from gis.store.layer_state import State, state
from gis.store.layer_tiles import BUFFER, Tile
from gis.store.unit_of_work import Database
from layers.catalogue import Layer, View
from layers.features import Reader
from layers.files.writing import written
from layers.tiles import make

E7: Final = 10_000_000


def write_pmtiles(
    database: Database,
    layer: Layer,
    actor: Actor,
    path: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> int:
    """Write all tiles of a layer, as an actor sees it; return how many are not empty.

    Whole or not at all, in one snapshot of the database.
    """
    with database.reading(actor, snapshot=True) as work, written(path) as unfinished:
        now, _ = state(work)
        extent = Reader(work, layer, actor).extent() or (0.0, 0.0, 0.0, 0.0)
        with unfinished.open("wb") as file:
            writer: Any = Writer(file)  # type: ignore[no-untyped-call]
            count = 0
            for tile, content in filled(
                extent, layer.zooms, lambda tile: make(work, layer, actor, now, tile).content
            ):
                writer.write_tile(_order(tile), content)
                if count % 50 == 0:
                    progress(tile.z - layer.zooms[0], layer.zooms[1] - layer.zooms[0] + 1)
                count += 1
            writer.finalize(*_heads(layer, actor, now, extent))
    return count


def filled(
    extent: tuple[float, float, float, float],
    zooms: tuple[int, int],
    cut: Callable[[Tile], bytes],
) -> Iterator[tuple[Tile, bytes]]:
    """Yield the tiles of a pyramid that are not empty, in the order of a PMTiles file.

    Only tiles below one that is not empty are cut, so the work follows the data. ``extent`` in
    degrees.
    """
    level = list(_covering(extent, zooms[0]))
    for _ in range(zooms[0], zooms[1] + 1):
        below: list[Tile] = []
        for tile in sorted(level, key=_order):
            content = cut(tile)
            if content:
                yield tile, content
                below.extend(_children(tile))
        level = below


def _order(tile: Tile) -> int:
    return int(zxy_to_tileid(tile.z, tile.x, tile.y))


def _children(tile: Tile) -> Iterator[Tile]:
    for dx in (0, 1):
        for dy in (0, 1):
            yield Tile(tile.z + 1, tile.x * 2 + dx, tile.y * 2 + dy)


def _covering(extent: tuple[float, float, float, float], zoom: int) -> Iterator[Tile]:
    """Yield the tiles of a zoom that an extent in degrees, with the buffer, touches."""
    side = 2**zoom
    columns = [_column(lon, side) for lon in (extent[0], extent[2])]
    rows = [_row(lat, side) for lat in (extent[3], extent[1])]
    for x in range(max(0, columns[0] - 1), min(side, columns[1] + 2)):
        for y in range(max(0, rows[0] - 1), min(side, rows[1] + 2)):
            west, south, east, north = Tile(zoom, x, y).degrees(BUFFER)
            if (
                west <= extent[2]
                and extent[0] <= east
                and south <= extent[3]
                and extent[1] <= north
            ):
                yield Tile(zoom, x, y)


def _column(lon: float, side: int) -> int:
    return int((lon + 180.0) / 360.0 * side)


def _row(lat: float, side: int) -> int:
    return int((1.0 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2.0 * side)


def _heads(
    layer: Layer, actor: Actor, now: State, extent: tuple[float, float, float, float]
) -> tuple[dict[str, Any], dict[str, Any]]:
    west, south, east, north = extent
    kinds = {"integer": "Number", "number": "Number", "boolean": "Boolean"}
    tiled = [one for one in View.of(layer, actor).attributes if one.tiled]
    fields = {one.name: kinds.get(one.type, "String") for one in tiled}
    header = {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": layer.zooms[0],
        "max_zoom": layer.zooms[1],
        "min_lon_e7": int(west * E7),
        "min_lat_e7": int(south * E7),
        "max_lon_e7": int(east * E7),
        "max_lat_e7": int(north * E7),
        "center_zoom": layer.zooms[0],
        "center_lon_e7": int((west + east) / 2 * E7),
        "center_lat_e7": int((south + north) / 2 * E7),
    }
    metadata = {
        "name": layer.title_zh,
        "description": layer.about_zh,
        "boundary_revision": now.revision,
        "vector_layers": [{"id": layer.key, "fields": fields}],
    }
    return header, metadata
