"""The layers of one running application: their state, lanes, and extents in memory."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.ogc.lanes import Lanes, Once
from gis.governance.actors import SYSTEM, Actor
from gis.settings import Settings
from gis.store.layer_state import State
from gis.store.unit_of_work import Database, UnitOfWork
from layers.catalogue import LAYERS, Layer, View
from layers.features import Reader
from layers.state import LayerState, version
from layers.tile_cache import MEGABYTE, TileCache
from layers.tiles import Versions

Extent = tuple[float, float, float, float]
_MOST_EXTENTS: Final = 1000


class LayerService:
    """What the OGC routes ask; made by ``create_app``."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.state = LayerState(database)
        self.tiles = TileCache(
            settings.home / "tiles", disk_bytes=settings.tile_cache_mb * MEGABYTE
        )
        self.versions = Versions()
        self.cutting = Once()
        self.lanes = Lanes.on(database, settings.pool_size)
        self._extents: OrderedDict[tuple[str, str, str], Extent | None] = OrderedDict()
        self._counts: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def close(self) -> None:
        """End the watch and close the lanes' connections."""
        self.state.stop()
        self.lanes.close()

    async def now(self) -> State:
        """Return the state of all layers; asks the database only when nobody watches it."""
        known = self.state.known()
        return known if known is not None else await run_in_threadpool(self.state.now)

    async def extent(self, layer: Layer, actor: Actor) -> Extent | None:
        """Return the extent of a layer; of a live one the city's."""
        state = await self.now()
        made = version(layer, state)
        if made is None:
            return await self.extent_of_city()
        view = View.of(layer, actor)
        key = (layer.key, view.key, made)
        if key not in self._extents:
            self._extents[key] = await self.lanes.pages.ask(
                actor, partial(_extent, layer=layer, actor=actor)
            )
            while len(self._extents) > _MOST_EXTENTS:
                self._extents.popitem(last=False)
        return self._extents[key]

    def known_count(self, layer: Layer, view: View, version_of_layer: str) -> int | None:
        """Return how many features a version of a whole layer has, None when nobody counted yet."""
        return self._counts.get((layer.key, view.key, version_of_layer))

    def note_count(self, layer: Layer, view: View, version_of_layer: str, count: int) -> None:
        """Keep the number of features of a version of a whole layer."""
        self._counts[layer.key, view.key, version_of_layer] = count
        while len(self._counts) > _MOST_EXTENTS:
            self._counts.popitem(last=False)

    async def extent_of_city(self) -> Extent | None:
        """Return the extent of the city in force, None before the first publication."""
        return await self.extent(LAYERS["cities"], SYSTEM)


def _extent(work: UnitOfWork, *, layer: Layer, actor: Actor) -> Extent | None:
    return Reader(work, layer, actor).extent()
