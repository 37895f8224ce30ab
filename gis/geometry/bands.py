"""Zoom bands: areas simplified together, so that neighbours go on sharing their edges."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]

UNITS: Final = 4096
"""Units along a side of a tile."""
HALF: Final = float(np.pi * 6378137.0)
"""Half the side of the Web Mercator square."""
PIXELS: Final = 512
"""Pixels along a side of a tile as it is drawn."""


def mercator(geometries: Geometries) -> Geometries:
    """Return lon/lat geometries in EPSG:3857, for drawing only; None stays None."""

    def moved(numbers: Any) -> Any:  # noqa: ANN401 - an array
        lat = np.clip(numbers[:, 1], -85.06, 85.06)
        x = numbers[:, 0] * (HALF / 180.0)
        y = np.log(np.tan(np.pi / 4 + np.radians(lat) / 2)) * 6378137.0
        return np.column_stack([x, y])

    return np.asarray(shapely.transform(geometries, moved), dtype=object)


def band(shapes: Geometries, zoom: int, *, coverage: bool) -> Geometries:
    """Return areas (EPSG:3857) as drawn up to a zoom: simplified to a pixel, on the tile's grid.

    Parameters
    ----------
    shapes
        Polygons without None.
    coverage
        They tile their ground: simplified by :func:`shapely.coverage_simplify`, so that what was
        one edge stays one. Otherwise each for itself.

    Returns
    -------
    numpy.ndarray
        As many; shells clockwise, as tiles want them. One that would vanish keeps its shape.
    """
    if not len(shapes):
        return shapes
    pixel = 2 * HALF / 2**zoom / PIXELS
    simple = (
        shapely.coverage_simplify(shapes, pixel)
        if coverage
        else shapely.simplify(shapes, pixel / 2)
    )
    unit = 2 * HALF / 2**zoom / UNITS
    snapped = np.asarray(shapely.transform(simple, lambda numbers: np.round(numbers / unit) * unit))
    # rounding may close a narrow neck: such a one stays as it was before it was rounded
    snapped = _instead(snapped, np.asarray(simple), ~shapely.is_valid(snapped))
    snapped = _instead(snapped, shapes, shapely.is_empty(snapped) | ~shapely.is_valid(snapped))
    return np.asarray(shapely.orient_polygons(snapped, exterior_cw=True), dtype=object)


def _instead(shapes: Geometries, others: Geometries, where: NDArray[np.bool_]) -> Geometries:
    made = shapes.copy()
    made[where] = others[where]
    return made


def label_points(shapes: Geometries) -> Geometries:
    """Return for each area a point well inside it: the centre of its largest inscribed circle."""
    if not len(shapes):
        return shapes
    tolerance = np.sqrt(np.maximum(shapely.area(shapes), 1e-9)) / 20
    circles = shapely.maximum_inscribed_circle(_largest(shapes), tolerance=tolerance)
    return np.asarray(shapely.get_point(circles, 0), dtype=object)


def _largest(shapes: Geometries) -> Geometries:
    """Return the largest part of each area."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((shapely.area(parts), of))
    last = np.append(np.flatnonzero(np.diff(of[order])), len(order) - 1)
    return np.asarray(parts[order][last], dtype=object)
