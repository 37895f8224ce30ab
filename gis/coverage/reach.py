"""Straight-line reach: who is within X metres of what, exactly, on the WGS84 ellipsoid.

"Within" has one definition everywhere (here, in SQL, in the optimisers): the geodesic distance is
at most the radius plus :data:`TOLERANCE_M`.

How it is exact and fast: between two points of the ellipsoid the geodesic is never shorter than
the straight chord c, and, as no curve on the surface bends more than a circle of radius
R = b*b/a, never longer than 2 R asin(c / 2R) (Schur's comparison theorem). A KD-tree on chords
therefore decides every pair but those in a band of 0.03 mm at 3 km; these are measured with
:meth:`pyproj.Geod.inv` (Karney 2013, exact to 15 nm).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from pyproj import Geod
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from gis.geometry.circles import lon_lat

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

TOLERANCE_M: Final = 0.001
"""One millimetre: a point at the radius itself is within, whatever the last bit says."""

LARGEST_RADIUS_M: Final = 1_000_000.0
"""The two bounds on the geodesic are proven far beyond this; nobody walks farther."""

_GEOD: Final = Geod(ellps="WGS84")
SLACK_M: Final = 1e-6
"""Room for the rounding of a chord, which is 1e-9 m."""

_BEND_M: Final = _GEOD.b * _GEOD.b / _GEOD.a  # the smallest radius of curvature on the ellipsoid


def within(points: npt.ArrayLike, stations: npt.ArrayLike, radius_m: float) -> csr_array:
    """Return which station reaches which point, as a sparse bool matrix (points x stations).

    Parameters
    ----------
    points, stations
        (n, 2) and (m, 2) lon, lat in degrees; either may be empty.
    radius_m
        Metres on the ellipsoid, 0 < r <= 1,000,000; a point at the radius counts as within.

    Raises
    ------
    ValueError
        Positions that are not degrees, or a radius out of range.

    Examples
    --------
    >>> within([[118.3, 32.3], [118.4, 32.3]], [[118.31, 32.3]], 3000.0).toarray().tolist()
    [[True], [False]]
    """
    here, there, limit = _checked(points, stations, radius_m)
    rows, columns = _pairs_by_chord(here, there, limit)
    sure = longest(_chord(here, there, rows, columns)) <= limit
    sure[~sure] = _geodesic(here, there, rows[~sure], columns[~sure]) <= limit
    matrix = csr_array(
        (np.ones(int(sure.sum()), dtype=np.bool_), (rows[sure], columns[sure])),
        shape=(len(here), len(there)),
    )
    matrix.sort_indices()
    return matrix


def covered(points: npt.ArrayLike, stations: npt.ArrayLike, radius_m: float) -> BoolArray:
    """Return, for each point, whether any station is within the radius.

    Parameters and errors as in :func:`within`; without stations nothing is covered.

    >>> covered([[118.3, 32.3], [118.4, 32.3]], [[118.31, 32.3]], 3000.0).tolist()
    [True, False]
    """
    here, there, limit = _checked(points, stations, radius_m)
    result = np.zeros(len(here), dtype=np.bool_)
    if not len(here) or not len(there):
        return result
    chord, _ = cKDTree(cartesian(there)).query(cartesian(here), k=1)
    result = longest(chord) <= limit
    doubtful = np.flatnonzero(~result & (chord <= limit + SLACK_M))
    if len(doubtful):
        rows, columns = _pairs_by_chord(here[doubtful], there, limit)
        reached = _geodesic(here[doubtful], there, rows, columns) <= limit
        result[doubtful[rows[reached]]] = True
    return result


def nearest(points: npt.ArrayLike, stations: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    """Return the nearest station of each point, and the geodesic distance to it in metres.

    Equal distances (to the last bit) go to the station that comes first: give stations in the
    order of their codes. Without stations: index -1, distance infinite.

    Examples
    --------
    >>> index, distance_m = nearest([[118.3, 32.3]], [[118.5, 32.3], [118.31, 32.3]])
    >>> index.tolist(), distance_m.round(3).tolist()
    ([1], [941.842])
    """
    here, there = lon_lat(points), lon_lat(stations)
    index = np.full(len(here), -1, dtype=np.intp)
    distance = np.full(len(here), np.inf)
    if not len(here) or not len(there):
        return index, distance
    tree, positions = cKDTree(cartesian(there)), cartesian(here)
    chord, by_chord = tree.query(positions, k=min(2, len(there)))
    chord, by_chord = chord.reshape(len(here), -1), by_chord.reshape(len(here), -1)
    index = np.asarray(by_chord[:, 0], dtype=np.intp)
    distance = _geodesic(here, there, np.arange(len(here)), index)
    if len(there) == 1:
        return index, distance
    # only where the second chord could be the shorter geodesic, or an equal one
    doubtful = np.flatnonzero(chord[:, 1] <= longest(chord[:, 0]) + SLACK_M)
    reach = longest(chord[doubtful, 0]) + SLACK_M
    for number, rivals in zip(
        doubtful, tree.query_ball_point(positions[doubtful], reach), strict=True
    ):
        candidates = np.sort(np.asarray(rivals, dtype=np.intp))
        measured = _geodesic(here, there, np.full(len(candidates), number), candidates)
        best = int(np.argmin(measured))  # the first of equal ones
        index[number], distance[number] = candidates[best], measured[best]
    return index, distance


def chords(points: npt.ArrayLike, stations: npt.ArrayLike) -> FloatArray:
    """Return the straight chord, in metres, from every point to every station (n x m).

    It is never longer than the geodesic, and shorter by less than a millionth within 30 km: a table
    for optimisers whose bound then holds for the geodesic as well.

    >>> chords([[118.3, 32.3]], [[118.5, 32.3], [118.31, 32.3]]).round(3).tolist()
    [[18836.825, 941.842]]
    """
    return np.asarray(cdist(cartesian(lon_lat(points)), cartesian(lon_lat(stations))))


def distances(points: npt.ArrayLike, others: npt.ArrayLike) -> FloatArray:
    """Return the geodesic in metres from each point to the other of the same position.

    >>> distances([[118.3, 32.3]], [[118.31, 32.3]]).round(3).tolist()
    [941.842]
    """
    here, there = lon_lat(points), lon_lat(others)
    pairs = np.arange(len(here))
    return _geodesic(here, there, pairs, pairs)


def _checked(
    points: npt.ArrayLike, stations: npt.ArrayLike, radius_m: float
) -> tuple[FloatArray, FloatArray, float]:
    there, limit = checked_stations(stations, radius_m)
    return lon_lat(points), there, limit


def checked_stations(stations: npt.ArrayLike, radius_m: float) -> tuple[FloatArray, float]:
    """Return stations and the radius with its tolerance, after proving that they are some.

    Raises
    ------
    ValueError
        Positions that are not degrees, or a radius out of range.
    """
    if not (math.isfinite(radius_m) and 0.0 < radius_m <= LARGEST_RADIUS_M):
        raise ValueError(f"a radius must lie in 0..{LARGEST_RADIUS_M:,.0f} m, not {radius_m}")
    return lon_lat(stations), radius_m + TOLERANCE_M


def cartesian(positions: FloatArray) -> FloatArray:
    """Return earth-centred x, y, z in metres of positions on the ellipsoid (height 0)."""
    lon, lat = np.radians(positions[:, 0]), np.radians(positions[:, 1])
    normal = _GEOD.a / np.sqrt(1.0 - _GEOD.es * np.sin(lat) ** 2)
    return np.column_stack(
        [
            normal * np.cos(lat) * np.cos(lon),
            normal * np.cos(lat) * np.sin(lon),
            normal * (1.0 - _GEOD.es) * np.sin(lat),
        ]
    )


def _pairs_by_chord(here: FloatArray, there: FloatArray, limit: float) -> tuple[IntArray, IntArray]:
    """Return every pair that could be within the limit, rows then columns."""
    if not len(here) or not len(there):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    found = cKDTree(cartesian(here)).query_ball_point(cartesian(there), limit + SLACK_M)
    counts = [len(numbers) for numbers in found]
    rows = np.concatenate([np.asarray(numbers, dtype=np.intp) for numbers in found])
    return rows, np.repeat(np.arange(len(there), dtype=np.intp), counts)


def _chord(here: FloatArray, there: FloatArray, rows: IntArray, columns: IntArray) -> FloatArray:
    difference = cartesian(here)[rows] - cartesian(there)[columns]
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", difference, difference)))


def longest(chord: FloatArray) -> FloatArray:
    """Return the length that no geodesic over such a chord exceeds."""
    half = np.minimum((chord + SLACK_M) / (2.0 * _BEND_M), 1.0)
    return np.asarray(2.0 * _BEND_M * np.arcsin(half))


def _geodesic(here: FloatArray, there: FloatArray, rows: IntArray, columns: IntArray) -> FloatArray:
    if not len(rows):
        return np.empty(0)
    _, _, distance = _GEOD.inv(here[rows, 0], here[rows, 1], there[columns, 0], there[columns, 1])
    return np.asarray(distance, dtype=np.float64)
