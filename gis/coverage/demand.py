"""Who needs to be reached: people, counted where they live (by building), summed by area.

Residents stand on building points, so no areal weighting is involved: an area's people are the
people of its buildings, and covered + uncovered = all, exactly (whole numbers throughout).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PeopleByArea:
    """People of each area and how many of them are covered; aligned with the areas."""

    people: IntArray
    covered: IntArray

    @property
    def uncovered(self) -> IntArray:
        """Return the people that nothing reaches."""
        return self.people - self.covered


def people_by_area(
    area: npt.NDArray[np.intp], people: npt.ArrayLike, covered: BoolArray, count: int
) -> PeopleByArea:
    """Return people and covered people of each of ``count`` areas.

    Parameters
    ----------
    area
        For each building, the position of its area; -1 (in no area) is left out.
    people, covered
        Residents of each building, and whether it is within reach.

    Examples
    --------
    >>> sums = people_by_area(np.array([0, 1, 1, -1]), [5, 7, 1, 9],
    ...                       np.array([True, False, True, True]), 2)
    >>> sums.people.tolist(), sums.covered.tolist()
    ([5, 8], [5, 1])
    """
    numbers = np.asarray(people, dtype=np.int64)
    inside = area >= 0
    totals, reached = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.add.at(totals, area[inside], numbers[inside])
    np.add.at(reached, area[inside & covered], numbers[inside & covered])
    return PeopleByArea(totals, reached)


def people_weighted_centres(
    area: npt.NDArray[np.intp], people: npt.ArrayLike, positions: FloatArray, otherwise: FloatArray
) -> FloatArray:
    """Return the people-weighted centre of each area: the mean lon, lat of its residents.

    Parameters
    ----------
    area, people
        As in :func:`people_by_area`.
    positions
        (n, 2) lon, lat of the buildings.
    otherwise
        (m, 2) lon, lat to use for an area without people.

    Notes
    -----
    The mean of degrees is the centre on the ellipsoid within a millimetre for areas of some
    kilometres, and the mean place of the people need not lie inside the area.

    Examples
    --------
    >>> people_weighted_centres(np.array([0, 0]), [1, 3], np.array([[118.0, 32.0], [118.4, 32.0]]),
    ...                         np.array([[0.0, 0.0], [119.0, 33.0]])).round(6).tolist()
    [[118.3, 32.0], [119.0, 33.0]]
    """
    weight = np.asarray(people, dtype=np.float64)
    inside = (area >= 0) & (weight > 0)
    count = len(otherwise)
    total = np.bincount(area[inside], weights=weight[inside], minlength=count)
    centres = np.array(otherwise, dtype=np.float64).reshape(-1, 2)
    some = total > 0
    for axis in range(2):
        # offsets from one building keep the sums small: no digits are lost
        origin = positions[inside, axis].min() if inside.any() else 0.0
        offsets = np.bincount(
            area[inside],
            weights=weight[inside] * (positions[inside, axis] - origin),
            minlength=count,
        )
        centres[some, axis] = origin + offsets[some] / total[some]
    return centres
