"""Geodesic circles on the WGS84 ellipsoid, and how much of an area they cover.

Circles are for drawing and for area figures only. Who is *within* a radius is decided by distances
(:mod:`gis.coverage.reach`), never by point-in-polygon on a circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod, Transformer

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

FloatArray = npt.NDArray[np.float64]
GeometryArray = npt.NDArray[np.object_]

SEGMENTS_PER_QUADRANT: Final = 64
"""256 corners in all: a chord lies at most 0.23 m inside a true circle of 3,000 m."""

_GEOD: Final = Geod(ellps="WGS84")


class _Projection(Protocol):
    def transform(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]: ...


def lon_lat(positions: npt.ArrayLike) -> FloatArray:
    """Return positions as an (n, 2) array of lon, lat, after proving that they can be degrees.

    Raises
    ------
    ValueError
        Another shape, a number that is not finite, or one outside lon -180..180, lat -90..90:
        metres of Web Mercator or Gauss-Krueger never pass for degrees.

    Examples
    --------
    >>> lon_lat([118.3, 32.3]).shape
    (1, 2)
    >>> lon_lat([]).shape
    (0, 2)
    >>> lon_lat([13169000.0, 3800000.0])
    Traceback (most recent call last):
    ValueError: positions must be lon, lat in degrees (-180..180, -90..90), not metres
    """
    array = np.asarray(positions, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, 2)
    if array.ndim == 1:
        array = array.reshape(1, -1)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"positions must have the shape (n, 2), not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("positions must be finite numbers")
    if (np.abs(array) > (180.0, 90.0)).any():
        raise ValueError("positions must be lon, lat in degrees (-180..180, -90..90), not metres")
    return array


def equal_area_radius(radius_m: float, corners: int) -> float:
    """Return the corner distance that gives a regular polygon the area of its circle.

    A polygon with its corners on the circle has sin(2 pi / n) / (2 pi / n) of the area: 256 corners
    lose 1.0e-4 of it (2,839 m2 of a 3,000 m circle). Moving the corners out by the square root of
    that, 0.15 m at 3,000 m, gives the area back.

    >>> round(equal_area_radius(3000.0, 256), 3)
    3000.151
    """
    angle = 2.0 * math.pi / corners
    return radius_m * math.sqrt(angle / math.sin(angle))


def circles(
    centres: npt.ArrayLike,
    radius_m: float,
    *,
    segments_per_quadrant: int = SEGMENTS_PER_QUADRANT,
    equal_area: bool = False,
) -> GeometryArray:
    """Return one geodesic circle per centre, as polygons in lon/lat (EPSG:4326).

    Parameters
    ----------
    centres
        (n, 2) lon, lat in degrees.
    radius_m
        Geodesic radius in metres.
    segments_per_quadrant
        Corners in a quarter; the first corner lies north, rings run counter-clockwise.
    equal_area
        False: every corner lies exactly ``radius_m`` from its centre (for drawing). True: corners
        lie a little farther out, so that the area is the circle's (for area figures).

    Raises
    ------
    ValueError
        A radius that is not positive and finite, positions that are not degrees, or a circle that
        crosses the 180th meridian or reaches a pole, which no such polygon can draw.

    Examples
    --------
    >>> circle, = circles([118.3, 32.3], 3000.0)
    >>> len(circle.exterior.coords)
    257
    >>> round(Geod(ellps="WGS84").line_length(*zip((118.3, 32.3), circle.exterior.coords[7])), 3)
    3000.0
    >>> circles([], 3000.0).shape
    (0,)
    """
    points = lon_lat(centres)
    if not (math.isfinite(radius_m) and radius_m > 0.0):
        raise ValueError(f"a radius must be positive and finite, not {radius_m}")
    if segments_per_quadrant < 1:
        raise ValueError("a quadrant has at least one segment")
    corners = 4 * segments_per_quadrant
    count = len(points)
    if count == 0:
        return np.empty(0, dtype=object)
    # counter-clockwise as GeoJSON (RFC 7946) wants outer rings; azimuths count clockwise
    azimuths = -np.arange(corners) * (360.0 / corners)
    distance = equal_area_radius(radius_m, corners) if equal_area else radius_m
    lon, lat, _ = _GEOD.fwd(
        np.repeat(points[:, 0], corners),
        np.repeat(points[:, 1], corners),
        np.tile(azimuths, count),
        np.full(count * corners, distance),
    )
    rings = np.stack([lon, lat], axis=-1).reshape(count, corners, 2)
    if (np.abs(np.diff(rings[:, :, 0], axis=1)) > 180.0).any() or (
        np.abs(points[:, 1]) + math.degrees(distance / 6_300_000.0) >= 90.0
    ).any():
        raise ValueError("a circle crosses the 180th meridian or reaches a pole")
    closed = np.concatenate([rings, rings[:, :1]], axis=1)
    return cast("GeometryArray", np.asarray(shapely.polygons(closed), dtype=object))


@dataclass(frozen=True, slots=True)
class EqualAreaFrame:
    """A plane in metres, centred on the city, in which areas are true (LAEA on WGS84).

    Distances are within 1e-4 up to 125 km from the centre; there and back is within 2 mm. Build it
    with :meth:`around`.
    """

    forward: _Projection
    backward: _Projection

    @classmethod
    def around(cls, lon: float, lat: float) -> EqualAreaFrame:
        """Return the frame centred on a position.

        >>> frame = EqualAreaFrame.around(118.3, 32.3)
        >>> circle = circles([118.3, 32.3], 3000.0, equal_area=True)
        >>> round(float(shapely.area(frame.to_plane(circle))[0]) / (3.141592653589793 * 9e6), 6)
        1.0
        """
        plane = f"+proj=laea +lat_0={lat:.9f} +lon_0={lon:.9f} +datum=WGS84 +units=m +no_defs"
        forward = Transformer.from_crs("EPSG:4326", plane, always_xy=True)
        backward = Transformer.from_crs(plane, "EPSG:4326", always_xy=True)
        return cls(forward, backward)

    def to_plane(self, geometries: GeometryArray) -> GeometryArray:
        """Return lon/lat geometries in the plane; straight edges stay straight."""
        return _moved(geometries, self.forward)

    def to_lon_lat(self, geometries: GeometryArray) -> GeometryArray:
        """Return geometries of the plane in lon/lat."""
        return _moved(geometries, self.backward)


def _moved(geometries: GeometryArray, projection: _Projection) -> GeometryArray:
    def move(positions: FloatArray) -> FloatArray:
        return np.column_stack(projection.transform(positions[:, 0], positions[:, 1]))

    return np.asarray(shapely.transform(np.asarray(geometries, dtype=object), move), dtype=object)


@dataclass(frozen=True, slots=True)
class Reached:
    """What circles leave of areas, in the plane of an :class:`EqualAreaFrame`.

    Attributes
    ----------
    discs
        The union of the circles; empty without circles.
    gaps
        Of each area, the part that no circle reaches; empty where all is reached.
    """

    discs: BaseGeometry
    gaps: GeometryArray


def uncovered(areas: GeometryArray, discs: GeometryArray) -> Reached:
    """Return the union of circles, and what they leave of each area.

    Parameters
    ----------
    areas, discs
        Polygons of one metric plane; the areas may share edges.

    Examples
    --------
    >>> reached = uncovered(
    ...     np.array([shapely.box(0, 0, 2, 1), shapely.box(5, 5, 6, 6)]),
    ...     np.array([shapely.box(1, -1, 3, 3)]))
    >>> shapely.area(reached.gaps).tolist()
    [1.0, 1.0]
    >>> shapely.area(uncovered(np.array([shapely.box(0, 0, 2, 1)]), np.array([])).gaps).tolist()
    [2.0]
    """
    gaps = np.array(areas, dtype=object)
    if len(discs) == 0:
        return Reached(shapely.MultiPolygon(), gaps)
    union = shapely.union_all(discs)
    parts = shapely.get_parts(union)
    tree = shapely.STRtree(parts)
    touched, positions = tree.query(gaps, predicate="intersects")
    order = np.argsort(touched, kind="stable")
    touched, positions = touched[order], positions[order]
    numbers, starts = np.unique(touched, return_index=True)
    ends = np.append(starts[1:], len(touched))
    for number, start, end in zip(numbers, starts, ends[: len(numbers)], strict=True):
        # an area meets one or two connected parts of the union, cut off from the far ones first
        cutter = shapely.union_all(_clipped(parts[positions[start:end]], gaps[number]))
        gaps[number] = shapely.difference(gaps[number], cutter)
    return Reached(union, gaps)


def _clipped(parts: GeometryArray, area: BaseGeometry) -> GeometryArray:
    """Return the parts cut to a box a little larger than the area: cheap, and no new edge in it."""
    west, south, east, north = shapely.bounds(area)
    margin = 1.0 + 0.01 * max(east - west, north - south)
    frame = shapely.box(west - margin, south - margin, east + margin, north + margin)
    return np.asarray(shapely.intersection(parts, frame), dtype=object)


def without_slivers(geometries: GeometryArray, width_m: float) -> GeometryArray:
    """Return polygons of a metric plane without the parts narrower than ``width_m``.

    A part is kept when a disc of that diameter fits into it. For drawing only: what is counted, is
    counted before.

    >>> thin, fat = shapely.box(0, 0, 100, 1), shapely.box(0, 10, 100, 60)
    >>> kept = without_slivers(np.array([shapely.union(thin, fat)]), 20.0)
    >>> shapely.area(kept).tolist()
    [5000.0]
    """
    parts, owners = shapely.get_parts(geometries, return_index=True)
    parts_are_areas = shapely.get_dimensions(parts) == 2
    wide = parts_are_areas & ~shapely.is_empty(shapely.buffer(parts, -width_m / 2.0))
    kept = np.full(len(geometries), shapely.MultiPolygon(), dtype=object)
    for owner in np.unique(owners[wide]):
        kept[owner] = shapely.multipolygons(parts[wide & (owners == owner)])
    return kept
