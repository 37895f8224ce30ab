"""Many places thinned to few: evenly chosen candidates, and people gathered by cells.

Both lay a grid of square cells over the places and widen it until what is asked for fits. The cells
only decide what goes together: no distance is read from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gis.coverage import reach

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_FIRST_CELL_M: Final = 50.0
_WIDER: Final = 1.25
_METRES: Final = 111_319.5  # of a degree, near enough to choose by


def evenly(positions: FloatArray, most: int) -> IntArray:
    """Return at most ``most`` places, ascending: the first of each cell of the finest grid.

    Parameters
    ----------
    positions
        (n, 2) lon, lat; earlier places win.

    Examples
    --------
    >>> evenly(np.array([[118.0, 32.0], [118.0001, 32.0], [118.5, 32.0]]), 2).tolist()
    [0, 2]
    """
    if most <= 0:
        return np.empty(0, dtype=np.intp)
    cell_m, chosen = _FIRST_CELL_M, np.arange(len(positions))
    while len(chosen) > most:
        _, first = np.unique(_cells(positions, cell_m), axis=0, return_index=True)
        chosen = np.sort(first)
        cell_m *= _WIDER
    return np.asarray(chosen, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Gathered:
    """People gathered at the people-weighted centres of cells.

    ``mean_shift_m`` and ``largest_shift_m`` say how far people were moved (geodesic; by person, and
    at most): no mean distance and no largest distance to any sites changes by more than that.
    """

    positions: FloatArray
    people: FloatArray
    cell_m: float
    mean_shift_m: float
    largest_shift_m: float


def gathered(positions: FloatArray, people: npt.NDArray[np.int64], most: int) -> Gathered:
    """Return people at no more than ``most`` places; untouched (cell 0) when they are no more.

    >>> two = gathered(np.array([[118.0, 32.0], [118.0001, 32.0], [118.5, 32.0]]),
    ...                np.array([1, 3, 5]), 2)
    >>> two.people.tolist(), round(two.mean_shift_m, 2), round(two.largest_shift_m, 2)
    ([4.0, 5.0], 1.57, 7.09)
    """
    weight = np.asarray(people, dtype=np.float64)
    group, cell_m = groups_of(positions, most)
    if not cell_m:
        return Gathered(positions, weight, 0.0, 0.0, 0.0)
    total = np.bincount(group, weights=weight).astype(np.float64)
    origin = positions.min(axis=0)
    centres = origin + np.column_stack(
        [
            np.bincount(group, weights=weight * (positions[:, axis] - origin[axis])) / total
            for axis in range(2)
        ]
    )
    shift = reach.distances(positions, centres[group])
    mean = float(weight @ shift / weight.sum())
    return Gathered(centres, total, cell_m, mean, float(shift.max()))


def groups_of(positions: FloatArray, most: int) -> tuple[IntArray, float]:
    """Return a group for each place, at most ``most``, and the side of the cells (0: untouched).

    >>> groups_of(np.array([[118.0, 32.0], [118.0001, 32.0], [118.5, 32.0]]), 2)[0].tolist()
    [0, 0, 1]
    """
    group = np.arange(len(positions))
    if len(positions) <= most:
        return group, 0.0
    cell_m = _FIRST_CELL_M
    while True:
        _, found = np.unique(_cells(positions, cell_m), axis=0, return_inverse=True)
        if found.max() < max(most, 1):
            return np.asarray(found.reshape(-1), dtype=np.intp), cell_m
        cell_m *= _WIDER


def _cells(positions: FloatArray, cell_m: float) -> npt.NDArray[np.int64]:
    narrow = np.cos(np.radians(positions[:, 1].mean()))
    scaled = positions * np.array([_METRES * narrow, _METRES]) / cell_m
    return np.asarray(np.floor(scaled), dtype=np.int64)
