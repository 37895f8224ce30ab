"""Point in polygon by integer arithmetic: slow, exact, and independent of GEOS.

A float is an integer times a power of two, so coordinates scaled by 2**60 are exact integers
(their units in the last place here are larger), and every orientation sign is certain.
"""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

SCALE = 2**60


def _integer(value: float) -> int:
    numerator, denominator = float(value).as_integer_ratio()
    scaled, remainder = divmod(numerator * SCALE, denominator)
    assert remainder == 0, "the coordinate is too fine for the scale"
    return scaled


def covers(area: BaseGeometry, lon: float, lat: float) -> bool:
    """Whether a polygon or multipolygon covers a point, boundary included: exact."""
    if not shapely.intersects(shapely.box(*area.bounds), shapely.Point(lon, lat)):
        return False
    px, py = _integer(lon), _integer(lat)
    inside = False
    for ring in shapely.get_rings(shapely.get_parts(area)):
        coordinates = shapely.get_coordinates(ring)
        y1, y2 = coordinates[:-1, 1], coordinates[1:, 1]
        near = np.flatnonzero((np.minimum(y1, y2) <= lat) & (np.maximum(y1, y2) >= lat))
        for edge in near:
            ax, ay = (_integer(value) for value in coordinates[edge])
            bx, by = (_integer(value) for value in coordinates[edge + 1])
            side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
            if side == 0 and min(ax, bx) <= px <= max(ax, bx):
                return True
            if (ay > py) != (by > py) and (side > 0) == (by > ay):
                inside = not inside
    return inside
