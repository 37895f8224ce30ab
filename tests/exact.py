"""Point in polygon by integer arithmetic, areas by geographiclib: nothing of GEOS or of ours.

Orientation signs that floats cannot give for certain (Shewchuk's bound) are computed with exact
integers: a float is an integer times a power of two, so coordinates scaled by 2**60 are integers
(the units in the last place of degrees are larger than 2**-60).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

GEOD = Geod(ellps="WGS84")
SCALE = 2**60
BOUND = 4e-16  # a little more than (3 + 16 u) u


def _integer(value: float) -> int:
    numerator, denominator = float(value).as_integer_ratio()
    scaled, remainder = divmod(numerator * SCALE, denominator)
    assert remainder == 0, "the coordinate is too fine for the scale"
    return scaled


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> int:
    """The exact sign of the orientation of point beside the directed edge: -1, 0, 1."""
    ax, ay, bx, by, px, py = (_integer(value) for value in (*start, *end, *point))
    side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    return (side > 0) - (side < 0)


def covers_all(area: BaseGeometry, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether a polygon or multipolygon covers each point, boundary included: exact."""
    rings = shapely.get_rings(shapely.get_parts(area))
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    kept = ring[:-1] == ring[1:]
    starts, ends = coordinates[:-1][kept], coordinates[1:][kept]
    covered = np.zeros(len(points), dtype=bool)
    for begin in range(0, len(points), 500):
        chunk = points[begin : begin + 500]
        x, y = chunk[:, :1], chunk[:, 1:]
        left = (ends[:, 0] - starts[:, 0]) * (y - starts[:, 1])
        right = (ends[:, 1] - starts[:, 1]) * (x - starts[:, 0])
        side = np.sign(left - right)
        low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
        level = (low <= y) & (y <= high)
        doubtful = level & (np.abs(left - right) <= BOUND * (np.abs(left) + np.abs(right)))
        for number, edge in np.argwhere(doubtful):
            side[number, edge] = _side(starts[edge], ends[edge], chunk[number])
        west, east = np.minimum(starts[:, 0], ends[:, 0]), np.maximum(starts[:, 0], ends[:, 0])
        on_edge = (level & (side == 0) & (west <= x) & (x <= east)).any(axis=1)
        upward = ends[:, 1] > starts[:, 1]
        crosses = ((starts[:, 1] > y) != (ends[:, 1] > y)) & ((side > 0) == upward)
        covered[begin : begin + 500] = on_edge | (crosses.sum(axis=1) % 2 == 1)
    return covered


def covers(area: BaseGeometry, lon: float, lat: float) -> bool:
    """Whether an area covers one point: exact."""
    return bool(covers_all(area, np.array([[lon, lat]]))[0])


def geodesic_m2(shapes: Any, step: float = 5e-4) -> npt.NDArray[np.float64]:  # noqa: ANN401
    """Areas of lon/lat polygons on the ellipsoid, edges straight in degrees.

    The ellipsoid's own edges are so, too, between vertices that lie ``step`` degrees apart.
    """
    fine = shapely.orient_polygons(shapely.segmentize(np.array(shapes, dtype=object), step))
    return np.abs(np.array([GEOD.geometry_area_perimeter(shape)[0] for shape in fine]))
