"""Tiles built ahead: cut by a worker once a layer has changed, before anybody waits for them.

What everybody sees of the layers that are not live, over their whole pyramids. They go where the
servers keep theirs (:class:`layers.tile_cache.TileCache`), so that a tile which nobody asked for
before is read from a file. After a publication only the tiles that it touches are cut.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Final

import structlog

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

_log = structlog.get_logger(__name__)

_seen: dict[tuple[Path, str], str] = {}
_built: dict[tuple[Path, str], str] = {}


class OutOfTime(Exception):
    """The time is used up; what was built is kept."""


class NotKept(Exception):
    """A tile found no place in the folder, so that going on would be for nothing."""


@dataclass(slots=True)
class Turn:
    """A turn of cutting.

    Its time counts from its first tile, however long it takes to walk over what was built before:
    so each turn gets on, and the last one comes.
    """

    longest_s: float = inf
    cut: int = 0
    _since: float | None = None

    def next(self) -> None:
        """Count one more tile that is to be cut.

        Raises
        ------
        OutOfTime
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif now - self._since > self.longest_s:
            raise OutOfTime
        self.cut += 1


def build_ahead(
    database: Database, cache: TileCache, *, room_bytes: int, turn: Turn | None = None
) -> int:
    """Build the tiles of all layers that changed and have settled; return how many were cut.

    A layer of the boundaries has settled when its bands are drawn, another one when it is as it was
    the time before: what is being edited is not built over and over.

    Parameters
    ----------
    room_bytes
        Of the files of one pyramid, from the top: the folder is there for all that people ask for.

    Raises
    ------
    OutOfTime, NotKept
    """
    turn = turn or Turn()
    with database.reading(SYSTEM) as work:
        now, _ = state(work)
    for layer in LAYERS.values():
        place = (cache.folder, layer.key)
        wanted = _settled(layer, now, _seen.get(place))
        _seen[place] = version(layer, now) or ""
        if wanted is not None and _built.get(place) != wanted:
            build(database, cache, layer, room_bytes=room_bytes, turn=turn)
            _built[place] = wanted
    return turn.cut


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
    turn: Turn | None = None,
) -> int:
    """Build a layer's pyramid as far as it is missing; return how many tiles the turn has cut.

    Nothing of a boundary layer whose bands are not drawn: a revision took force a moment ago.
    Parameters and errors as in :func:`build_ahead`.
    """
    turn = turn or Turn()
    view = View.of(layer, ANONYMOUS).key
    used = 0
    with database.reading(ANONYMOUS, snapshot=True) as work:
        now, _ = state(work)
        if layer.fresh == "revision" and not has_bands(layer, now):
            return turn.cut

        def content(tile: Tile) -> bytes:
            nonlocal used
            key = TileCache.key(layer.key, view, version_of(layer, now, tile) or "", tile)
            found = cache.read(key)
            if found is None:
                turn.next()
                made = make(work, layer, ANONYMOUS, now, tile)
                if not (made.lasting and cache.store(key, made.content)):
                    raise NotKept
                found = made.content
            used += room(len(found))  # an empty one is a file as well
            return found

        extent = Reader(work, layer, ANONYMOUS).extent()
        for _ in filled(extent, layer.zooms, content) if extent else ():
            if used > room_bytes:
                break
    return turn.cut


@jobs.task(BUILD_TILES, every=timedelta(minutes=1), queue="long", lock=BUILD_TILES)
def build_tiles(context: jobs.Context) -> None:
    """Build tiles ahead for the servers of this machine."""
    folder, limit = context.settings.home / "tiles", context.settings.tile_cache_mb * MEGABYTE
    if limit == 0:
        return
    cache = TileCache(folder, memory_bytes=0, disk_bytes=limit)
    try:
        build_ahead(context.database, cache, room_bytes=limit // 16, turn=Turn(LONGEST_S))
    except NotKept:  # tried anew in a minute, at the cost of one tile
        _log.warning("tiles_not_kept", folder=str(folder))
    except OutOfTime:
        with context.database.transaction(SYSTEM) as work:
            jobs.defer(work, BUILD_TILES, key=f"{BUILD_TILES}:rest")
