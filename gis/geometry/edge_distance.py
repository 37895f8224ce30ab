"""Kernel: the point of an area's edges that is nearest to a point, in the plane at that point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_records import Numbers
from gis.geometry.compiled import compiled

Offsets = npt.NDArray[np.int64]
IntArray = npt.NDArray[np.intp]


@compiled
def nearest_foot(
    coordinates: Numbers,
    rings: Offsets,
    area_rings: Offsets,
    position: int,
    at: tuple[float, float],
    scale: tuple[float, float],
) -> tuple[float, float, float]:
    """Return the square of the distance in metres, lon and lat of the nearest point of the edges.

    ``scale`` is metres per degree east and north at the point ``at``. Infinity for an empty area.
    """
    lon, lat = at
    kx, ky = scale
    best, best_x, best_y = np.inf, lon, lat
    for ring in range(area_rings[position], area_rings[position + 1]):
        start = rings[ring]
        bx, by = (coordinates[start, 0] - lon) * kx, (coordinates[start, 1] - lat) * ky
        for k in range(start + 1, rings[ring + 1]):
            ax, ay = bx, by
            bx, by = (coordinates[k, 0] - lon) * kx, (coordinates[k, 1] - lat) * ky
            dx, dy = bx - ax, by - ay
            length2 = dx * dx + dy * dy
            dot = -(ax * dx + ay * dy)
            along = 0.0
            if dot > 0.0:
                along = 1.0 if dot >= length2 else dot / length2
            x, y = ax + along * dx, ay + along * dy
            distance2 = x * x + y * y
            if distance2 < best:
                best, best_x, best_y = distance2, x, y
    return best, lon + best_x / kx, lat + best_y / ky


@compiled
def nearest_feet(
    coordinates: Numbers,
    rings: Offsets,
    area_rings: Offsets,
    positions: IntArray,
    lon: Numbers,
    lat: Numbers,
    kx: Numbers,
    ky: Numbers,
    foot_lon: Numbers,
    foot_lat: Numbers,
) -> None:
    """Fill in the nearest point of each point's own area; not-a-number where it has none."""
    for i in range(lon.size):
        foot_lon[i] = foot_lat[i] = np.nan
        if positions[i] < 0:
            continue
        at, scale = (lon[i], lat[i]), (kx[i], ky[i])
        distance2, x, y = nearest_foot(coordinates, rings, area_rings, positions[i], at, scale)
        if distance2 < np.inf:
            foot_lon[i], foot_lat[i] = x, y
