"""Points made ready once to be reached in a straight line from any station.

The rule is that of :mod:`gis.coverage.reach`. Points lie sorted by latitude, since a geodesic of r
metres changes the latitude by at most r / M, M the smallest radius of curvature of the meridian: a
station looks at a band of the city, 4 % of it for 3 km in 150 km.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from gis.coverage import reach
from gis.coverage.reached import ReachedPoints
from gis.geometry.circles import lon_lat

_MERIDIAN_M: Final = 6_335_439.0  # a (1 - e2) of WGS84, rounded down: curvature at the equator
_BAND_SLACK_DEG: Final = 1e-9


class PointsOnEllipsoid:
    """Points, ready for many questions.

    Examples
    --------
    >>> homes = PointsOnEllipsoid([[118.3, 32.3], [118.4, 32.3]])
    >>> homes.reached([[118.31, 32.3], [119.0, 33.0]], 3000.0).bounds.tolist()
    [0, 1, 1]
    """

    def __init__(self, points: npt.ArrayLike) -> None:
        places = lon_lat(points)
        self._order = np.argsort(places[:, 1], kind="stable").astype(np.int64)
        self._places = places[self._order]
        self._lat = np.ascontiguousarray(self._places[:, 1])
        self._at = reach.cartesian(self._places)

    def __len__(self) -> int:
        """Return how many points there are."""
        return len(self._lat)

    def reached(self, stations: npt.ArrayLike, radius_m: float) -> ReachedPoints:
        """Return the points within the radius of each station, each station by itself.

        ``metres`` are the chord: shorter than the geodesic by less than a millionth within 30 km.

        Raises
        ------
        ValueError
            Positions that are not degrees, or a radius out of range.
        """
        there, limit = reach.checked_stations(stations, radius_m)
        at = reach.cartesian(there)
        width = math.degrees(limit / _MERIDIAN_M) + _BAND_SLACK_DEG
        low = np.searchsorted(self._lat, there[:, 1] - width, "left")
        high = np.searchsorted(self._lat, there[:, 1] + width, "right")
        return ReachedPoints.of_parts(
            self._from_one(there[k], at[k], slice(low[k], high[k]), limit)
            for k in range(len(there))
        )

    def _from_one(
        self,
        station: npt.NDArray[np.float64],
        at: npt.NDArray[np.float64],
        band: slice,
        limit: float,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        difference = self._at[band] - at
        chord = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        near = np.flatnonzero(chord <= limit + reach.SLACK_M)
        chord = chord[near]
        sure = reach.longest(chord) <= limit
        doubtful = np.flatnonzero(~sure)
        if len(doubtful):
            here = self._places[band][near[doubtful]]
            sure[doubtful] = reach.distances(here, np.tile(station, (len(here), 1))) <= limit
        points = self._order[band][near[sure]]
        order = np.argsort(points, kind="stable")
        return points[order], chord[sure][order]
