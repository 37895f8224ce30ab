"""Built cell indexes on disk: server processes map one copy instead of building one each.

The name of a file is a hash of the codes and geometries in it and of the code that laid it out, so
a file can only be the right one or damaged; a damaged one is built anew. Files are written in one
step; two processes that build the same index at once write the same bytes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import shapely
import structlog

from gis.errors import IndexFileInvalid
from gis.geometry.cell_index import CellIndex

KEPT: Final = 24
"""So many files stay, the last used ones."""

LONGEST_WRITE_S: Final = 3600.0

SMALLEST: Final = 64
"""Fewer areas than that are built sooner than a file is opened."""

_log = structlog.wrap_logger(logging.getLogger(__name__))


@dataclass(frozen=True, slots=True)
class IndexCache:
    """Hands out the index of some areas, from a folder when it lies there.

    Without a folder, or where it cannot be written, indexes are built in memory.
    """

    folder: Path | None = None

    def index(self, codes: Sequence[str], geometries: Sequence[bytes]) -> CellIndex:
        """Return the index over areas given as WKB, mapped into memory where that is possible."""
        if self.folder is None or len(codes) < SMALLEST:
            return _built(codes, geometries)
        path = self.folder / f"{_name(codes, geometries)}.cells"
        found = _mapped(path)
        if found is not None:
            return found
        built = _built(codes, geometries)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            size = built.save(path)
            self._sweep()
        except OSError as error:
            _log.warning("index_not_kept", folder=str(self.folder), reason=error.strerror)
            return built
        seconds = 0.0 if built.build_report is None else built.build_report.seconds
        _log.info("index_built", areas=len(codes), seconds=round(seconds, 3), bytes=size)
        return _mapped(path) or built

    def _sweep(self) -> None:
        if self.folder is None:
            return
        files = sorted(self.folder.glob("*.cells"), key=_last_used, reverse=True)
        half = [path for path in self.folder.glob(".*.cells-*") if _is_left(path)]
        for path in (*files[KEPT:], *half):
            path.unlink(missing_ok=True)


def _built(codes: Sequence[str], geometries: Sequence[bytes]) -> CellIndex:
    return CellIndex.build([shapely.from_wkb(one) for one in geometries], codes)


def _mapped(path: Path) -> CellIndex | None:
    """Return the index in a file, None where there is none or it is damaged."""
    begun = time.perf_counter()
    try:
        found = CellIndex.load(path)
        with suppress(FileNotFoundError):  # swept meanwhile: what is mapped stays
            os.utime(path)
    except FileNotFoundError:
        return None
    except (IndexFileInvalid, OSError) as error:
        _log.warning("index_file_unusable", path=str(path), reason=str(error))
        return None
    _log.debug("index_mapped", path=str(path), ms=round(1e3 * (time.perf_counter() - begun), 1))
    return found


def _name(codes: Sequence[str], geometries: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    digest.update(_builder())
    for code, geometry in zip(codes, geometries, strict=True):
        digest.update(f"{len(code)} {len(geometry)} {code}".encode())
        digest.update(geometry)
    return digest.hexdigest()[:40]


@cache
def _builder() -> bytes:
    """Return a hash of the code that lays indexes out: another may lay them otherwise."""
    digest = hashlib.sha256(sys.byteorder.encode())
    folder = resources.files("gis.geometry")
    for name in (
        "cell_file",
        "cell_layout",
        "cell_rasters",
        "cell_records",
        "cell_sweep",
        "edge_table",
        "predicates",
    ):
        digest.update(folder.joinpath(f"{name}.py").read_bytes())
    return digest.digest()


def _is_left(path: Path) -> bool:
    """Tell whether a half file is of a process that was killed: none is written for so long."""
    return time.time() - _last_used(path) > LONGEST_WRITE_S


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process swept it
        return 0.0
