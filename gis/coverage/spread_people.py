"""People counted by area or cell, spread over the homes in it: whole numbers, nobody lost.

Dasymetric first: a unit's people go to its residential buildings by their floor space. A unit
without a home falls back to areal weighting: equal shares on points spread evenly over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from gis.geometry.circles import EqualAreaFrame

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
GeometryArray = npt.NDArray[np.object_]

POINTS_PER_UNIT: Final = 16
"""Areal weighting stands for a unit by about so many points."""


def apportioned(totals: npt.ArrayLike, unit: npt.ArrayLike, weight: npt.ArrayLike) -> IntArray:
    """Return whole numbers for places that add up to their unit's total, by largest remainder.

    Parameters
    ----------
    totals
        Of each unit, not negative whole numbers.
    unit
        Of each place, the position of its unit; -1: it gets nothing.
    weight
        Of each place, not negative; a unit whose places weigh nothing shares equally.

    Notes
    -----
    Largest remainder (Hamilton): equal remainders go to the earlier place. The total of a unit
    without a place stays behind, which callers must look at.

    Examples
    --------
    >>> apportioned([10, 3], [0, 0, 0, 1, -1], [1.0, 1.0, 1.0, 0.0, 5.0]).tolist()
    [4, 3, 3, 3, 0]
    """
    total = np.asarray(totals, dtype=np.int64)
    owner = np.asarray(unit, dtype=np.int64)
    share = np.asarray(weight, dtype=np.float64)
    if (total < 0).any() or (share < 0.0).any() or not np.isfinite(share).all():
        raise ValueError("totals and weights must be finite and not negative")
    result = np.zeros(len(owner), dtype=np.int64)
    inside = np.flatnonzero(owner >= 0)
    if not len(inside):
        return result
    owner, share = owner[inside], share[inside]
    sums = np.bincount(owner, weights=share, minlength=len(total))
    share = np.where(sums[owner] > 0.0, share, 1.0)
    sums = np.bincount(owner, weights=share, minlength=len(total))
    exact = total[owner] * (share / sums[owner])
    low = np.minimum(np.floor(exact), total[owner]).astype(np.int64)
    left = total - np.bincount(owner, weights=low, minlength=len(total)).astype(np.int64)
    order = np.lexsort((np.arange(len(owner)), low - exact, owner))
    starts = np.searchsorted(owner[order], np.arange(len(total)))
    rank = np.empty(len(owner), dtype=np.int64)
    rank[order] = np.arange(len(owner)) - starts[owner[order]]
    size = np.bincount(owner, minlength=len(total))
    more = left[owner] // size[owner] + (rank < left[owner] % size[owner])
    result[inside] = low + more
    return result


@dataclass(frozen=True, slots=True)
class SpreadPeople:
    """People at places.

    Attributes
    ----------
    positions
        (n, 2) lon, lat.
    people, households
        Of each place.
    building
        Position of the building that a place is, -1 for a point of areal weighting.
    unit
        Position of the unit that its people come from.
    dasymetric, areal
        People spread over homes, and those for whom only areal weighting was left.
    """

    positions: FloatArray
    people: IntArray
    households: IntArray
    building: IntArray
    unit: IntArray
    dasymetric: int
    areal: int


def spread(
    people: npt.ArrayLike,
    households: npt.ArrayLike,
    outlines: GeometryArray,
    *,
    homes: FloatArray,
    unit: npt.ArrayLike,
    weight: npt.ArrayLike,
) -> SpreadPeople:
    """Return the people of units at the homes in them, else evenly over the unit.

    Parameters
    ----------
    people, households
        Of each unit.
    outlines
        Of each unit, its polygon in lon/lat; read only where it has no home.
    homes
        (n, 2) lon, lat of the residential buildings.
    unit, weight
        Of each home, its unit (-1: in none) and its weight (floor space in square metres).

    Examples
    --------
    >>> square = shapely.box(118.3, 32.3, 118.31, 32.31)
    >>> found = spread([90, 32], [30, 0], np.array([square, square]),
    ...                homes=np.array([[118.301, 32.301], [118.302, 32.302]]), unit=[0, 0],
    ...                weight=[100.0, 200.0])
    >>> found.people[:2].tolist(), found.dasymetric, found.areal, int(found.people.sum())
    ([30, 60], 90, 32, 122)
    """
    crowd = np.asarray(people, dtype=np.int64)
    families = np.asarray(households, dtype=np.int64)
    owner = np.asarray(unit, dtype=np.int64)
    settled = np.zeros(len(crowd), dtype=np.bool_)
    settled[owner[owner >= 0]] = True
    empty = np.flatnonzero(~settled & ((crowd > 0) | (families > 0)))
    points = [evenly_inside(outlines[number]) for number in empty]
    sizes = np.array([len(found) for found in points], dtype=np.int64)
    positions = np.vstack([homes.reshape(-1, 2), *points])
    owner = np.concatenate([owner, np.repeat(empty, sizes)])
    share = np.concatenate([np.asarray(weight, dtype=np.float64), np.ones(int(sizes.sum()))])
    return SpreadPeople(
        positions=positions,
        people=apportioned(crowd, owner, share),
        households=apportioned(families, owner, share),
        building=np.concatenate([np.arange(len(homes)), np.full(int(sizes.sum()), -1)]),
        unit=owner,
        dasymetric=int(crowd[settled].sum()),
        areal=int(crowd[empty].sum()),
    )


def evenly_inside(outline: shapely.Geometry, about: int = POINTS_PER_UNIT) -> FloatArray:
    """Return points on a square grid of equal area inside a polygon; at least one.

    >>> len(evenly_inside(shapely.box(118.3, 32.3, 118.31, 32.31)))
    16
    """
    west, south, east, north = shapely.bounds(outline)
    frame = EqualAreaFrame.around((west + east) / 2.0, (south + north) / 2.0)
    (plane,) = frame.to_plane(np.array([outline], dtype=object))
    step = float(np.sqrt(shapely.area(plane) / about))
    if step > 0.0:
        left, low, right, high = shapely.bounds(plane)
        columns = max(1, round((right - left) / step))
        rows = max(1, round((high - low) / step))
        x, y = np.meshgrid(
            left + (np.arange(columns) + 0.5) * (right - left) / columns,
            low + (np.arange(rows) + 0.5) * (high - low) / rows,
        )
        inside = shapely.intersects_xy(plane, x.ravel(), y.ravel())
        chosen = np.asarray(shapely.points(x.ravel()[inside], y.ravel()[inside]), dtype=object)
        if len(chosen):
            return np.asarray(shapely.get_coordinates(frame.to_lon_lat(chosen)), dtype=np.float64)
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(outline)), dtype=np.float64)
