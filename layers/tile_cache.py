"""Tiles that were cut, kept: as files that all workers of a machine share, the latest in memory."""

# ruff: noqa: PTH103, PTH105, PTH108, PTH110, PTH116, PTH118, PTH120 - os is several times as quick as Path

from __future__ import annotations

import fcntl
import gzip
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from gis.store.layer_tiles import Tile

MEGABYTE: Final = 1024 * 1024
_BLOCK: Final = 4096
"""What the smallest file takes on a disk; an empty tile counts as much."""
_ENTRY: Final = 300
"""Bytes that an entry takes in memory beside the tile, so that empty tiles have an end as well."""
_EMPTY: Final = gzip.compress(b"", mtime=0)
"""The file of an empty tile; a file of no bytes is none."""
_MARK: Final = ".trim"
_MOST_WAITING: Final = 1000
"""Tiles that wait to be written; one that finds no place is cut anew when it is forgotten."""
_STEPS: Final = 32
"""The folder is looked over whenever a process has written this part of its limit."""


class TileCache:
    """Tiles as files of one folder, shared by all workers, with the latest in memory.

    A tile's path holds the token of what it shows, so a file is never changed, only added; the
    database hands out tokens that are never used twice.

    Parameters
    ----------
    memory_bytes
        Of the tiles that this process remembers.
    disk_bytes
        Of all files, in whole blocks; 0: nothing is written. Beyond seven eighths of it the files
        that were not read for longest go, down to three quarters: those of versions that no tile
        shows any more are read by nobody. Up to four workers together stay within the limit.
    """

    def __init__(
        self, folder: Path, *, memory_bytes: int = 64 * MEGABYTE, disk_bytes: int = 1024 * MEGABYTE
    ) -> None:
        self.folder = folder
        self._most = memory_bytes
        self._limit = disk_bytes
        self._unseen = disk_bytes  # what lies there already is looked over at the first tile
        self._held = 0
        self._tiles: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._places = threading.Semaphore(_MOST_WAITING)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="tile-cache")

    @staticmethod
    def key(layer: str, view: str, version: str, tile: Tile) -> str:
        """Return the path of a tile inside the folder."""
        return f"{layer}/{version}/{view}/{tile.z}/{tile.x >> 5}/{tile.x}-{tile.y}.mvt.gz"

    def remembered(self, key: str) -> bytes | None:
        """Return a tile from memory; never touches the disk."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def has(self, key: str) -> bool:
        """Tell whether a tile is in the folder; one look at a directory entry."""
        return os.path.exists(f"{self.folder}/{key}")

    def read(self, key: str) -> bytes | None:
        """Return a tile, None when it is not there."""
        found = self.remembered(key)
        if found is None:
            with suppress(OSError):
                path = self.folder / key
                written = path.read_bytes()
                if not written:  # what a power cut leaves of a file that was not on the disk yet
                    return None
                found = b"" if written == _EMPTY else written
                self._remember(key, found)
                os.utime(path)
        return found

    def keep(self, key: str, content: bytes) -> None:
        """Keep a tile; it is written behind its answer: a full or slow disk costs speed only."""
        self._remember(key, content)
        if self._limit and self._places.acquire(blocking=False):
            self._writer.submit(self._keep_later, key, content)

    def store(self, key: str, content: bytes) -> bool:
        """Write a tile now; tell whether it is in the folder: not where the disk is full."""
        return bool(self._limit) and self._writer.submit(self._keep_file, key, content).result()

    def flush(self) -> None:
        """Wait until what was kept before is written."""
        self._writer.submit(bool).result()

    def _keep_later(self, key: str, content: bytes) -> None:
        self._places.release()
        self._keep_file(key, content)

    def _keep_file(self, key: str, content: bytes) -> bool:
        done = False
        with suppress(OSError):
            self._write(f"{self.folder}/{key}", content or _EMPTY)
            done = True
        self._unseen += room(len(content))
        if self._unseen * _STEPS >= self._limit:
            self._unseen = 0
            self.trim()
        return done

    def _write(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all: another worker may read it at any moment."""
        part = f"{path}.{os.getpid()}.{threading.get_ident()}"
        try:
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except FileNotFoundError:  # the first of its folder
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            # the last room of a disk takes a part, and only then says that it is full
            while content:
                content = content[os.write(file, content) :]
            os.replace(part, path)
        except OSError:
            os.unlink(part)
            raise
        finally:
            os.close(file)

    def trim(self) -> None:
        """Bring the files within the limit; nothing where another process is at it."""
        with suppress(OSError), (self.folder / _MARK).open("w") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files = list(_files(self.folder))
            total = sum(size for _, size, _ in files)
            if total * 8 <= self._limit * 7:
                return
            files.sort()
            for _, size, path in files:
                if total * 4 <= self._limit * 3:
                    return
                with suppress(OSError):
                    os.unlink(path)
                total -= size
                with suppress(OSError):  # the folders that it leaves empty
                    os.removedirs(os.path.dirname(path))

    def _remember(self, key: str, content: bytes) -> None:
        with self._lock:
            before = self._tiles.pop(key, None)
            self._held += _ENTRY + len(content)
            self._held -= 0 if before is None else _ENTRY + len(before)
            self._tiles[key] = content
            while self._held > self._most and self._tiles:
                _, dropped = self._tiles.popitem(last=False)
                self._held -= _ENTRY + len(dropped)


def room(size: int) -> int:
    """Return the bytes that a file of a size takes on the disk."""
    return max(1, -(-size // _BLOCK)) * _BLOCK


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Yield when each file was last wanted, its room, its path; what vanishes meanwhile is left."""
    for place, _, names in os.walk(folder):
        for name in set(names) - {_MARK}:
            path = os.path.join(place, name)
            with suppress(OSError):
                found = os.stat(path)
                yield found.st_mtime, room(found.st_size), path
