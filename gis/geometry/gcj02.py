"""GCJ-02 (国测局坐标, WeChat, Amap, Tencent) and BD-09 (Baidu): offsets and their inverses.

The map services publish coordinates that are moved by a few hundred metres. The moves below are
the *open formula*: not published by the services, but found independently by several public
implementations that agree with each other to 1e-7 degrees (npm ``gcoord``, ``coordtransform``,
``prcoords``; PyPI ``eviltransform``, ``coord-convert``; first public source: the EvilTransform
project, 2013). What the services really return differs from it by up to 7.4e-6 degrees (0.8 m).

Frame: WGS84 longitude and latitude in degrees, in and out. Nothing here checks its input; use
:mod:`gis.geometry.crs`, which does.

Where it applies
----------------
``LON_MIN..LAT_MAX`` is the rectangle that the implementations share. It holds mainland China, and
with it Hong Kong, Macau, Taiwan and parts of the neighbours: seven of seven compared packages move
those too, and whether the services do is not settled, so the rectangle decides here as well. No
mainland city is nearer than 1.4 degrees to its border. Outside, nothing moves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]

LON_MIN: Final = 72.004
LON_MAX: Final = 137.8347
LAT_MIN: Final = 0.8293
LAT_MAX: Final = 55.8271
TOLERANCE_DEG: Final = 1e-10
"""An inverse ends when one more step moves less than this: 0.01 mm."""

_SEMI_MAJOR_M: Final = 6378245.0  # Krassowsky 1940
_ECCENTRICITY_2: Final = 0.00669342162296594323
_PI: Final = math.pi
_DEGREE: Final = math.pi / 180.0
_WAVE: Final = math.pi * 3000.0 / 180.0  # BD-09; a copy with plain pi is off by 10-40 m
_THIRD_PI: Final = _PI * 2.0 / 3.0
_BD_LON: Final = 0.0065
_BD_LAT: Final = 0.006
_MAX_STEPS: Final = 30
# What comes back to the border itself may miss it by the last digits.
LON_LOW: Final = LON_MIN - 1e-9
LON_HIGH: Final = LON_MAX + 1e-9
LAT_LOW: Final = LAT_MIN - 1e-9
LAT_HIGH: Final = LAT_MAX + 1e-9


def _formula(
    sin: Callable[[Any], Any], cos: Callable[[Any], Any], sqrt: Callable[[Any], Any]
) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return the GCJ-02 offset for one number type (``math`` for floats, ``numpy`` for arrays)."""
    # Names of this scope are cheaper than those of the module, and every pin runs this twice.
    pi, two_pi, pi_3, pi_12, pi_30 = _PI, 2 * _PI, _PI / 3, _PI / 12, _PI / 30
    degree, squared, axis_m = _DEGREE, _ECCENTRICITY_2, _SEMI_MAJOR_M * _DEGREE
    flatter, third = 1.0 - _ECCENTRICITY_2, 2.0 / 3.0

    def offset(lon: Any, lat: Any) -> tuple[Any, Any]:  # noqa: ANN401 - floats or arrays
        x = lon - 105.0
        y = lat - 35.0
        root = 0.1 * sqrt(abs(x))
        wave = sin(two_pi * x)
        # 20 sin 6a + 20 sin 2a, by sin 3b = 3 sin b - 4 sin^3 b: two waves for one call
        both = 0.1 * x * y + third * (80.0 - 80.0 * wave * wave) * wave + root
        north_m = both + (
            (2.0 * x + (3.0 + 0.2 * y) * y + root - 100.0)
            + third * (20.0 * sin(pi * y) + 40.0 * sin(pi_3 * y))
            + third * (160.0 * sin(pi_12 * y) + 320.0 * sin(pi_30 * y))
        )
        east_m = both + (
            ((1.0 + 0.1 * x) * x + 2.0 * y + 300.0)
            + third * (20.0 * sin(pi * x) + 40.0 * sin(pi_3 * x))
            + third * (150.0 * sin(pi_12 * x) + 300.0 * sin(pi_30 * x))
        )
        phi = lat * degree
        sine = sin(phi)
        flat = 1.0 - squared * sine * sine
        normal_m = axis_m / sqrt(flat)  # metres per degree on the prime vertical
        return east_m / (normal_m * cos(phi)), north_m * flat / (normal_m * flatter)

    return offset


_offset: Final = _formula(math.sin, math.cos, math.sqrt)
_offsets: Final = _formula(np.sin, np.cos, np.sqrt)


def _slopes(lon: float, lat: float, east: float) -> tuple[float, float, float, float]:
    """Return how the offset grows: (east by lon, east by lat, north by lon, north by lat).

    The derivative of the formula, degrees per degree, but for its root terms at longitude 105 and
    for the change of the radii of curvature (1e-6). ``east`` is the offset there.
    """
    cos = math.cos
    x = lon - 105.0
    y = lat - 35.0
    root = 0.05 / math.copysign(math.sqrt(abs(x)), x)
    wave = cos(2.0 * _PI * x)
    both = _THIRD_PI * (480.0 * wave * wave - 320.0) * wave + root
    phi = lat * _DEGREE
    per_m = 1.0 / (_SEMI_MAJOR_M * _DEGREE)
    per_east_m = per_m / cos(phi)
    east_m = both + 1.0 + 0.2 * x + 0.1 * y
    east_m += _THIRD_PI * (20.0 * cos(_PI * x) + 40.0 / 3.0 * cos(_PI / 3.0 * x))
    east_m += _THIRD_PI * (12.5 * cos(_PI / 12.0 * x) + 10.0 * cos(_PI / 30.0 * x))
    north_m = 3.0 + 0.4 * y + 0.1 * x
    north_m += _THIRD_PI * (20.0 * cos(_PI * y) + 40.0 / 3.0 * cos(_PI / 3.0 * y))
    north_m += _THIRD_PI * (40.0 / 3.0 * cos(_PI / 12.0 * y) + 32.0 / 3.0 * cos(_PI / 30.0 * y))
    return (
        east_m * per_east_m,
        (2.0 + 0.1 * x) * per_east_m + east * math.tan(phi) * _DEGREE,
        (both + root + 2.0 + 0.1 * y) * per_m,
        north_m * per_m,
    )


def inside(lon: float, lat: float) -> bool:
    """Tell whether a WGS84 point lies in the rectangle where GCJ-02 moves points.

    >>> inside(118.32, 32.25), inside(-74.0, 40.7), inside(float("nan"), 0.0)
    (True, False, False)
    """
    return LON_MIN <= lon <= LON_MAX and LAT_MIN <= lat <= LAT_MAX


def from_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Move one WGS84 point to GCJ-02.

    >>> [round(degrees, 7) for degrees in from_wgs84(113.912316, 22.543847)]
    [113.9171765, 22.5407961]
    """
    if not inside(lon, lat):
        return lon, lat
    east, north = _offset(lon, lat)
    return lon + east, lat + north


def to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Move one GCJ-02 point back to WGS84, to 1e-10 degrees, by iteration.

    Every WGS84 point in the rectangle comes back, also where GCJ-02 has carried it over the
    rectangle's border. (The few points just outside, onto which an inside one is carried, read as
    the inside one; nobody lives there.)

    >>> [round(degrees, 7) for degrees in to_wgs84(*from_wgs84(118.3283282, 32.2534302))]
    [118.3283282, 32.2534302]
    """
    if not (LON_MIN - 0.1 <= lon <= LON_MAX + 0.1 and LAT_MIN - 0.1 <= lat <= LAT_MAX + 0.1):
        return lon, lat
    # A plain step leaves 3e-5 degrees, a Newton step from there 4e-10 at most (measured): two
    # calls of the formula instead of four. Its slope is wild at longitude 105, and in the corners
    # of the rectangle, far from any city, the first step leaves more: there, plain steps.
    first_east, first_north = _offset(lon, lat)
    guess_lon, guess_lat = lon - first_east, lat - first_north
    east, north = _offset(guess_lon, guess_lat)
    miss_lon, miss_lat = east - first_east, north - first_north
    if abs(guess_lon - 105.0) > 0.01 and abs(miss_lon) + abs(miss_lat) < 3e-5:
        a, b, c, d = _slopes(guess_lon, guess_lat, east)
        a, d = a + 1.0, d + 1.0
        scale = 1.0 / (a * d - b * c)
        guess_lon -= (d * miss_lon - b * miss_lat) * scale
        guess_lat -= (a * miss_lat - c * miss_lon) * scale
    else:
        guess_lon, guess_lat = lon - east, lat - north
        for _ in range(_MAX_STEPS):
            east, north = _offset(guess_lon, guess_lat)
            miss_lon, miss_lat = guess_lon - lon + east, guess_lat - lat + north
            guess_lon, guess_lat = guess_lon - miss_lon, guess_lat - miss_lat
            if abs(miss_lon) + abs(miss_lat) < TOLERANCE_DEG:
                break
    if LON_LOW <= guess_lon <= LON_HIGH and LAT_LOW <= guess_lat <= LAT_HIGH:
        return guess_lon, guess_lat
    return lon, lat


def to_bd09(lon: float, lat: float) -> tuple[float, float]:
    """Move one GCJ-02 point to BD-09.

    >>> [round(degrees, 9) for degrees in to_bd09(114.68837663801743, 33.63312016454496)]
    [114.69490414, 33.639096508]
    """
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _WAVE)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _WAVE)
    return radius * math.cos(angle) + _BD_LON, radius * math.sin(angle) + _BD_LAT


def from_bd09(lon: float, lat: float) -> tuple[float, float]:
    """Move one BD-09 point back to GCJ-02, to 1e-10 degrees, by iteration.

    >>> [round(degrees, 9) for degrees in from_bd09(*to_bd09(118.3, 32.2))]
    [118.3, 32.2]
    """
    guess_lon, guess_lat = lon - _BD_LON, lat - _BD_LAT
    for _ in range(_MAX_STEPS):
        there_lon, there_lat = to_bd09(guess_lon, guess_lat)
        miss_lon, miss_lat = lon - there_lon, lat - there_lat
        guess_lon, guess_lat = guess_lon + miss_lon, guess_lat + miss_lat
        if abs(miss_lon) + abs(miss_lat) < TOLERANCE_DEG:
            break
    return guess_lon, guess_lat


def _inside_all(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    return (lon >= LON_MIN) & (lon <= LON_MAX) & (lat >= LAT_MIN) & (lat <= LAT_MAX)


def from_wgs84_all(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Move arrays of WGS84 points to GCJ-02; see :func:`from_wgs84`."""
    moved = _inside_all(lon, lat)
    east, north = _offsets(lon, lat)
    return np.where(moved, lon + east, lon), np.where(moved, lat + north, lat)


def to_wgs84_all(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Move arrays of GCJ-02 points back to WGS84; see :func:`to_wgs84`."""
    # Points far outside stay; the border serves as their stand-in so that nothing overflows.
    near_lon = np.clip(lon, LON_MIN - 0.1, LON_MAX + 0.1)
    near_lat = np.clip(lat, LAT_MIN - 0.1, LAT_MAX + 0.1)
    near = (near_lon == lon) & (near_lat == lat)
    east, north = _offsets(near_lon, near_lat)
    for _ in range(_MAX_STEPS):
        east_before, north_before = east, north
        east, north = _offsets(near_lon - east_before, near_lat - north_before)
        step = np.abs(east - east_before) + np.abs(north - north_before)
        if step.size == 0 or float(step.max()) < TOLERANCE_DEG:
            break
    back_lon, back_lat = near_lon - east, near_lat - north
    moved = near & (back_lon >= LON_LOW) & (back_lon <= LON_HIGH)
    moved &= (back_lat >= LAT_LOW) & (back_lat <= LAT_HIGH)
    return np.where(moved, back_lon, lon), np.where(moved, back_lat, lat)


def to_bd09_all(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Move arrays of GCJ-02 points to BD-09; see :func:`to_bd09`."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _WAVE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _WAVE)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def from_bd09_all(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Move arrays of BD-09 points back to GCJ-02; see :func:`from_bd09`."""
    guess_lon, guess_lat = lon - _BD_LON, lat - _BD_LAT
    for _ in range(_MAX_STEPS):
        there_lon, there_lat = to_bd09_all(guess_lon, guess_lat)
        miss_lon, miss_lat = lon - there_lon, lat - there_lat
        guess_lon, guess_lat = guess_lon + miss_lon, guess_lat + miss_lat
        miss = np.abs(miss_lon) + np.abs(miss_lat)
        if miss.size == 0 or float(miss.max()) < TOLERANCE_DEG:
            break
    return guess_lon, guess_lat
