"""Vector tiles of layers: cut, compressed, kept; the same for every worker of a machine."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from gis.errors import TileUnknown
from gis.governance.actors import Actor
from gis.store.layer_state import State
from gis.store.layer_tiles import BUFFER, Cut, Tile, render
from gis.store.unit_of_work import UnitOfWork
from layers.bands import band_of
from layers.catalogue import Layer, View
from layers.state import has_bands, tile_version

LEVEL: Final = 5
"""gzip: 5 is half the time of 6 to 9 for 2 % more bytes."""


def cut_of(layer: Layer, actor: Actor, state: State, zoom: int) -> Cut:
    """Return how a layer is cut at a zoom for an actor."""
    view = View.of(layer, actor)
    banded = layer.fresh == "revision" and has_bands(layer, state)
    return Cut(
        key=layer.key,
        kind=layer.kind,
        types=tuple((one.name, one.type) for one in view.attributes if one.tiled),
        revision=state.revision,
        band=band_of(layer, zoom) if banded else None,
        binned=zoom < layer.binned_below,
        merged=_merged(layer, zoom),
        label=layer.kind == "polygon" and {"code", "name"} <= set(view.names),
        trusted=view.trusted,
        area=view.area,
        masked=view.masked,
        within=view.rows_within,
        stamps=layer.stamps,
    )


def _merged(layer: Layer, zoom: int) -> str | None:
    return (
        None
        if layer.merged_below is None or zoom >= layer.merged_below[0]
        else layer.merged_below[1]
    )


def checked(tile: Tile, zooms: tuple[int, int]) -> Tile:
    """Return the tile, which must lie within the matrix and the zooms.

    Raises
    ------
    gis.errors.TileUnknown
    """
    inside = 0 <= tile.x < 2**tile.z and 0 <= tile.y < 2**tile.z if tile.z < 31 else False
    if not inside or not zooms[0] <= tile.z <= zooms[1]:
        raise TileUnknown(tile=f"{tile.z}/{tile.y}/{tile.x}", zooms=f"{zooms[0]}-{zooms[1]}")
    return tile


def version_of(layer: Layer, state: State, tile: Tile) -> str | None:
    """Return what the tile depends on; None: it is cut anew each time."""
    return tile_version(layer, state, tile.bounds(BUFFER))


@dataclass(frozen=True, slots=True)
class Made:
    """A tile: gzip bytes (empty: nothing there), and whether it may be kept."""

    content: bytes
    lasting: bool


def make(work: UnitOfWork, layer: Layer, actor: Actor, state: State, tile: Tile) -> Made:
    """Cut a tile. It may be kept when it shows just what ``state`` says the layer is at."""
    raw, token = render(work, cut_of(layer, actor, state, tile.z), tile)
    lasting = layer.fresh != "live" and token == _token(layer, state)
    return Made(gzip.compress(raw, LEVEL, mtime=0) if raw else b"", lasting)


def _token(layer: Layer, state: State) -> str:
    """Return the token that a tile has when the database is where ``state`` says."""
    editions = state.editions.get(layer.key, ())
    newest = str(UUID(editions[0].token)) if editions else ""
    stamps = (
        f"{table}={UUID(state.stamps[table])}"
        for table in sorted(layer.stamps)
        if table in state.stamps
    )
    return f"{state.revision}|{newest}|{','.join(stamps)}"


class TileCache:
    """Tiles as files of one folder, shared by all workers, with the latest in memory.

    A tile's path holds the token of what it shows, so a file is never changed, only added; the
    database hands out tokens that are never used twice.
    """

    def __init__(self, folder: Path, *, memory_bytes: int = 64 * 1024 * 1024) -> None:
        self.folder = folder
        self._most = memory_bytes
        self._held = 0
        self._tiles: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def key(layer: str, view: str, version: str, tile: Tile) -> str:
        """Return the path of a tile inside the folder."""
        return f"{layer}/{version}/{view}/{tile.z}/{tile.x}/{tile.y}.mvt.gz"

    def remembered(self, key: str) -> bytes | None:
        """Return a tile from memory; never touches the disk."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def read(self, key: str) -> bytes | None:
        """Return a tile, None when it is not there."""
        found = self.remembered(key)
        if found is None:
            with suppress(OSError):
                found = (self.folder / key).read_bytes()
                self._remember(key, found)
        return found

    def keep(self, key: str, content: bytes) -> None:
        """Keep a tile; a full or read-only disk costs speed only."""
        self._remember(key, content)
        path = self.folder / key
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(path)

    def forget(self, layer: str, keep: set[str]) -> None:
        """Drop a layer's tiles of versions that no tile shows any more."""
        with suppress(OSError):
            for version in (self.folder / layer).iterdir():
                if version.name not in keep:
                    shutil.rmtree(version, ignore_errors=True)

    def _remember(self, key: str, content: bytes) -> None:
        with self._lock:
            before = self._tiles.pop(key, None)
            self._held += len(content) - (0 if before is None else len(before))
            self._tiles[key] = content
            while self._held > self._most and self._tiles:
                _, dropped = self._tiles.popitem(last=False)
                self._held -= len(dropped)
