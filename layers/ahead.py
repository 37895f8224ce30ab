"""Tiles built ahead: cut by a worker once a layer has changed, before anybody waits for them.

What everybody sees of the layers that are not live, over their whole pyramids. They go where the
servers keep theirs (:class:`layers.tile_cache.TileCache`), so that a tile which nobody asked for
before is read from a file. After a publication only the tiles that it touches are cut.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from gis.governance.actors import ANONYMOUS, SYSTEM
from gis.services import jobs
from gis.store.layer_state import State, state
from gis.store.layer_tiles import Tile
from gis.store.unit_of_work import Database
from layers.bands import BUILD_TILES
from layers.catalogue import LAYERS, Layer, View
from layers.features import Reader
from layers.pyramid import filled
from layers.state import has_bands, version
from layers.tile_cache import MEGABYTE, TileCache, room
from layers.tiles import make, version_of

LONGEST_S: Final = 5.0
"""Then the job makes room for others in its queue, and goes on behind them."""

_seen: dict[tuple[Path, str], str] = {}
_built: dict[tuple[Path, str], str] = {}


class OutOfTime(Exception):
    """The time is used up; what was built is kept."""


def build_ahead(
    database: Database, cache: TileCache, *, room_bytes: int, until: float = float("inf")
) -> int:
    """Build the tiles of all layers that changed and have settled; return how many were cut.

    A layer of the boundaries has settled when its bands are drawn, another one when it is as it was
    the time before: what is being edited is not built over and over.

    Parameters
    ----------
    room_bytes
        Of the files of one pyramid, from the top: the folder is there for all that people ask for.
    until
        Of the monotonic clock.

    Raises
    ------
    OutOfTime
    """
    cut = 0
    with database.reading(SYSTEM) as work:
        now, _ = state(work)
    for layer in LAYERS.values():
        place = (cache.folder, layer.key)
        wanted = _settled(layer, now, _seen.get(place))
        _seen[place] = version(layer, now) or ""
        if wanted is not None and _built.get(place) != wanted:
            cut += build(database, cache, layer, room_bytes=room_bytes, until=until)
            _built[place] = wanted
    return cut


def _settled(layer: Layer, now: State, before: str | None) -> str | None:
    """Return what a layer's tiles are to show, None when nobody should build them now."""
    if layer.fresh == "live" or not layer.seen_by(ANONYMOUS.role):
        return None
    if layer.fresh == "revision":
        return now.editions[layer.key][0].token if has_bands(layer, now) else None
    made = version(layer, now)
    return made if made == before else None


def build(
    database: Database,
    cache: TileCache,
    layer: Layer,
    *,
    room_bytes: int,
    until: float = float("inf"),
) -> int:
    """Build a layer's pyramid as far as it is missing; return how many tiles were cut.

    Parameters and errors as in :func:`build_ahead`.
    """
    view = View.of(layer, ANONYMOUS).key
    count = used = 0
    with database.reading(ANONYMOUS, snapshot=True) as work:
        now, _ = state(work)

        def content(tile: Tile) -> bytes:
            nonlocal count
            key = TileCache.key(layer.key, view, version_of(layer, now, tile) or "", tile)
            kept = cache.read(key)
            if kept is not None:
                return kept
            if time.monotonic() > until:
                raise OutOfTime
            made = make(work, layer, ANONYMOUS, now, tile)
            if made.lasting:
                cache.keep(key, made.content)
                cache.flush()
            count += 1
            return made.content

        extent = Reader(work, layer, ANONYMOUS).extent()
        for _, each in filled(extent, layer.zooms, content) if extent else ():
            used += room(len(each))
            if used > room_bytes:
                break
    return count


@jobs.task(BUILD_TILES, every=timedelta(minutes=1), queue="long", lock=BUILD_TILES)
def build_tiles(context: jobs.Context) -> None:
    """Build tiles ahead for the servers of this machine."""
    folder, limit = context.settings.home / "tiles", context.settings.tile_cache_mb * MEGABYTE
    if limit == 0:
        return
    cache = TileCache(folder, memory_bytes=0, disk_bytes=limit)
    try:
        build_ahead(
            context.database,
            cache,
            room_bytes=limit // 16,
            until=time.monotonic() + LONGEST_S,
        )
    except OutOfTime:
        with context.database.transaction(SYSTEM) as work:
            jobs.defer(work, BUILD_TILES, key=f"{BUILD_TILES}:rest")
