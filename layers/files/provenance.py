"""What is kept about where a file's numbers came from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import geopandas as gpd

from gis.errors import CrsUndeclared
from gis.geometry import crs as frames
from layers.files.reading import declared_crs


def source_of(frame: gpd.GeoDataFrame, file: Path, crs: str | None) -> tuple[str, dict[str, Any]]:
    """Return the frame to read a file in, and its name, hash and declared frame.

    ``crs`` overrides what the file declares; without both it is WGS84.

    Raises
    ------
    gis.errors.CrsUnknown, gis.errors.CrsUndeclared
    """
    declared = None if crs is not None and frame.crs is None else _declared(frame, file, crs)
    chosen = frames.normalise(crs or declared or frames.WGS84)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return chosen, {"file": file.name, "sha256": digest, "declared_crs": declared}


def _declared(frame: gpd.GeoDataFrame, file: Path, crs: str | None) -> str | None:
    try:
        declared = declared_crs(frame, file)
    except CrsUndeclared:
        if crs is None:
            raise
        return None if frame.crs is None else str(frame.crs.name)  # no name here; crs has one
    return None if declared is None else frames.normalise(declared)
