"""Polygons written small: coordinates as whole steps from point to point, two letters each.

5,500 grids with fifteen digits a coordinate are 30 MB of GeoJSON; as steps, and simplified as a
coverage, they are a twentieth of that. ``maps/pages/map.js`` makes GeoJSON of them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely

STEP: Final = 1e-5
"""Degrees of one step: about a metre, finer than a pixel wherever these maps are read."""


def pack(features: Sequence[Mapping[str, Any]], shapes: Sequence[Any]) -> dict[str, Any]:
    """Return features whose polygons are written as steps.

    Parameters
    ----------
    features
        GeoJSON features whose geometry is not read; all have the same properties.
    shapes
        Their (multi)polygons in degrees. Neighbours stay edge-matched: each vertex is rounded by
        itself, so the same vertex gives the same step.
    """
    keys = list(features[0]["properties"]) if features else []
    return {
        "ids": [feature["id"] for feature in features],
        "keys": keys,
        "values": [[feature["properties"][key] for feature in features] for key in keys],
        "shapes": [_parts(shape) for shape in shapes],
    }


def _parts(shape: Any) -> list[list[str]]:  # noqa: ANN401 - shapely
    parts = []
    for polygon in shapely.get_parts(shape):
        rings = [_steps(polygon.exterior), *(_steps(hole) for hole in polygon.interiors)]
        if rings[0]:
            parts.append([ring for ring in rings if ring])
    return parts


def _steps(ring: Any) -> str:  # noqa: ANN401 - shapely
    """Return the ring as letters, first the way from zero; "" when it falls together.

    Each number is doubled (odd when negative) and written in digits of 5 bits, lowest first, from
    ``?`` on; a digit with 32 added is not the last of its number.

    >>> _steps(shapely.LinearRing([(0, 0), (0.00001, 0), (0.00001, -0.00002)]))
    '??A??B'
    """
    at = np.rint(shapely.get_coordinates(ring)[:-1] / STEP).astype(np.int64)
    at = at[np.any(at != np.roll(at, 1, axis=0), axis=1)]
    if len(at) < 3:
        return ""
    steps = np.diff(at, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()
    letters = []
    for number in np.where(steps < 0, -2 * steps - 1, 2 * steps).tolist():
        rest = number
        while rest >= 32:
            letters.append(chr(63 + 32 + rest % 32))
            rest //= 32
        letters.append(chr(63 + rest))
    return "".join(letters)
