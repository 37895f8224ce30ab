"""Who is within reach of each station: the one shape that all measures of reach give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ReachedPoints:
    """Who is within reach of each station: points ascending, and metres.

    The points of station k are ``points[bounds[k]:bounds[k + 1]]``. Every pair that is stored is
    within reach, and no other is; the metres rank and weigh, they decide nothing.
    """

    bounds: IntArray
    points: IntArray
    metres: FloatArray

    @classmethod
    def of_parts(cls, parts: Iterable[tuple[IntArray, FloatArray]]) -> ReachedPoints:
        """Return the stations of several answers as one.

        >>> two = ReachedPoints.of_parts([(np.array([0, 2]), np.array([5.0, 7.0])),
        ...                               (np.array([2]), np.array([1.0]))])
        >>> two.counts(3).tolist(), two.nearest_m(3).tolist()
        ([1, 0, 2], [5.0, inf, 1.0])
        """
        listed = list(parts)
        none = np.empty(0, dtype=np.int64)
        sizes = [len(points) for points, _ in listed]
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([none, *(points for points, _ in listed)]).astype(np.int64),
            np.concatenate([np.empty(0), *(metres for _, metres in listed)]),
        )

    def __len__(self) -> int:
        """Return how many stations there are."""
        return len(self.bounds) - 1

    def of(self, station: int) -> tuple[IntArray, FloatArray]:
        """Return the points and metres of one station."""
        part = slice(self.bounds[station], self.bounds[station + 1])
        return self.points[part], self.metres[part]

    def counts(self, places: int) -> IntArray:
        """Return for each of ``places`` points how many stations reach it."""
        return np.bincount(self.points, minlength=places).astype(np.int64)

    def nearest_m(self, places: int) -> FloatArray:
        """Return the metres to the nearest of the stations in reach, infinite without one."""
        nearest = np.full(places, np.inf)
        np.minimum.at(nearest, self.points, self.metres)
        return nearest

    def table(self, places: int) -> csr_array:
        """Return the metres as a sparse table, points x stations (a stored 0.0 is a distance)."""
        shape = (len(self), places)
        by_station = csr_array((self.metres, self.points, self.bounds), shape=shape)
        table = csr_array(by_station.T.tocsr())
        table.sort_indices()
        return table

    def covers(self, places: int) -> csr_array:
        """Return who is within reach as a sparse table of ones, points x stations."""
        table = self.table(places)
        return csr_array((np.ones(table.nnz), table.indices, table.indptr), shape=table.shape)
