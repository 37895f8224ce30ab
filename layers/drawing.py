"""A small drawing of features as one SVG path, for pages that load nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

WIDTH: Final = 480.0
_MARGIN: Final = 6.0
_FEWEST_DEGREES: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Drawing:
    """The size of a drawing and its paths: areas and lines, and points as small discs."""

    width: float
    height: float
    shapes: str
    points: tuple[tuple[float, float], ...]


def thumbnail(geometries: Sequence[str | None]) -> Drawing | None:
    """Return a drawing of lon/lat GeoJSON geometries, None without any.

    >>> thumbnail(['{"type": "Point", "coordinates": [118.3, 32.3]}']).points
    ((240.0, 240.0),)
    """
    texts = [text for text in geometries if text is not None]
    shapes = shapely.from_geojson(np.array(texts, dtype=object)) if texts else np.array([])
    if not len(shapes):
        return None
    west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    across = max((east - west) * squeeze, _FEWEST_DEGREES)
    up = max(north - south, _FEWEST_DEGREES)
    scale = (WIDTH - 2 * _MARGIN) / max(across, up)
    height = WIDTH if across <= up else max(up * scale + 2 * _MARGIN, 80.0)
    middle = np.array([(west + east) / 2, (south + north) / 2])

    def placed(numbers: np.ndarray) -> np.ndarray:
        moved = (numbers[:, :2] - middle) * [squeeze * scale, -scale]
        return np.asarray(moved + np.array([WIDTH / 2, height / 2]))

    kinds = shapely.get_dimensions(shapes)
    flat = shapely.simplify(shapes[kinds > 0], 0.4 / scale)
    paths = [_path(placed(shapely.get_coordinates(ring))) for ring in _rings(flat)]
    dots = placed(shapely.get_coordinates(shapes[kinds == 0]))
    return Drawing(
        WIDTH,
        round(height, 1),
        "".join(paths),
        tuple((round(float(x), 1), round(float(y), 1)) for x, y in dots),
    )


def _rings(shapes: np.ndarray) -> list[shapely.Geometry]:
    parts = shapely.get_parts(shapes)
    areas = parts[shapely.get_dimensions(parts) == 2]
    lines = parts[shapely.get_dimensions(parts) == 1]
    return [*shapely.get_rings(areas), *lines]


def _path(numbers: np.ndarray) -> str:
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in numbers)
    return f"M{steps}"
