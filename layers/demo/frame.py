"""The metric frame in which the demo city is made: metres on one plane, and back to degrees."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLANE: Final = (
    "+proj=tmerc +lat_0=32.55 +lon_0=118.2 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
)
"""Transverse Mercator through the middle of the city: scale error under 1e-4 at its rim."""
DECIMALS: Final = 7
"""Degrees are stored to 1e-7 (1 cm), so that the same seed gives the same bytes."""


@cache
def _to_plane() -> Transformer:
    return Transformer.from_crs("EPSG:4326", PLANE, always_xy=True)


@cache
def _to_degrees() -> Transformer:
    return Transformer.from_crs(PLANE, "EPSG:4326", always_xy=True)


def plane(lon: Floats, lat: Floats) -> Floats:
    """Return WGS84 degrees as metres of the plane, shape (n, 2)."""
    return np.column_stack(_to_plane().transform(lon, lat))


def degrees(xy: Floats) -> Floats:
    """Return metres of the plane, shape (n, 2), as rounded WGS84 lon/lat of the same shape."""
    lon, lat = _to_degrees().transform(xy[:, 0], xy[:, 1])
    return np.round(np.column_stack([lon, lat]), DECIMALS)


def geometries_in_degrees(geometries: NDArray[Any]) -> NDArray[Any]:
    """Return shapely geometries of the plane in rounded WGS84 lon/lat."""
    # The same vertex gives the same degrees wherever it occurs: borders stay edge-matched.
    moved: NDArray[Any] = shapely.transform(geometries, degrees)
    return moved
