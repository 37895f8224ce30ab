"""Where things happen at all 发生地: at doors rather than anywhere, as far as history says.

A pin alone says "about here"; that cases are reported from doors, and that borders run between the
rows of houses, says more. Places are taken to lie at one of the doors about with a share that is
learned, and anywhere near with the rest: a density over the ground with which the normal of a pin
is multiplied. Both parts keep their closed form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from gis.geometry.cell_index import metres_per_degree
from gis.matching.position import SIGMAS_PER_ACCURACY

FloatArray = npt.NDArray[np.float64]

LOCAL_M: Final = 150.0
"""Doors are counted so far around a place to tell how densely it is built."""
LEAST_DENSITY: Final = 1.0 / 250_000.0
"""Doors per square metre where there are none: one in 25 hectares."""
REACH: Final = 3.5
"""Doors farther off than so many standard deviations are left out."""
MOST_DOORS: Final = 400
MOST_SAID: Final = 30.0
"""Ground speaks for one reading of a pin over another by no more than this factor."""
LEAST_PINS: Final = 100
STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Around:
    """Doors near a normal: ``lonlat``, the density of each under it, and of the ground (per m2)."""

    lonlat: FloatArray
    densities: FloatArray
    local: float


class Doors:
    """Every door that the gazetteer knows, WGS84; found by nearness.

    ``uncertainty_m`` is the 68 % radius that the gazetteer states for a door.
    """

    def __init__(self, lonlat: FloatArray, uncertainty_m: float = 15.0) -> None:
        self.uncertainty_m = uncertainty_m
        self._lonlat = np.asarray(lonlat, float).reshape(-1, 2)
        middle = float(np.mean(self._lonlat[:, 1])) if len(self._lonlat) else 0.0
        self._scale = np.array(metres_per_degree(middle))
        self._tree = cKDTree(self._lonlat * self._scale)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._lonlat)

    def around(self, lon: float, lat: float, variance_m2: float) -> Around:
        """Return the doors that a normal reaches (standard deviation per axis squared, m2)."""
        return self.around_many([(lon, lat)], [variance_m2])[0]

    def around_many(
        self, places: Sequence[tuple[float, float]], variances_m2: Sequence[float]
    ) -> list[Around]:
        """Return what :meth:`around` returns of several normals, asked for at once."""
        if not places:
            return []
        at, variances = np.array(places), np.array(variances_m2)
        scaled = at * self._scale
        counts = self._tree.query_ball_point(scaled, LOCAL_M, return_length=True)
        near = self._tree.query_ball_point(scaled, REACH * variances**0.5, return_sorted=False)
        ends = np.cumsum([len(found) for found in near])
        rows = np.concatenate([np.asarray(found, np.intp) for found in near])
        owner = np.repeat(np.arange(len(places)), np.diff(ends, prepend=0))
        scales = np.array([metres_per_degree(lat) for _, lat in places])
        lonlats = self._lonlat[rows]
        away = (lonlats - at[owner]) * scales[owner]
        variance = variances[owner]
        densities = np.exp(-0.5 * (away**2).sum(axis=1) / variance) / (2.0 * pi * variance)
        found, begin = [], 0
        for count, end in zip(counts.tolist(), ends.tolist(), strict=True):
            lonlat, under = lonlats[begin:end], densities[begin:end]
            if end - begin > MOST_DOORS:
                heaviest = np.argsort(-under, kind="stable")[:MOST_DOORS]
                lonlat, under = lonlat[heaviest], under[heaviest]
            found.append(Around(lonlat, under, max(count / (pi * LOCAL_M**2), LEAST_DENSITY)))
            begin = end
        return found


@dataclass(frozen=True, slots=True)
class Ground:
    """Doors, the share of places at one of them, and how far from it such a place lies (sigma)."""

    doors: Doors
    share: float
    sigma_m: float

    @classmethod
    def of(cls, doors: Doors, share: float, law: Mapping[float, float] | None) -> Self:
        """Return the ground of a city, ``law`` the learned spread of places about doors."""
        factor = 1.0 if not law else sqrt(sum(s * f * f for f, s in law.items()))
        return cls(doors, share, doors.uncertainty_m * factor / SIGMAS_PER_ACCURACY)

    def weigh(self, lon: float, lat: float, variance_m2: float) -> tuple[Around, float, float]:
        """Return the doors under a normal, and how likely it is at one of them, and anywhere."""
        return self.weigh_many([(lon, lat)], [variance_m2])[0]

    def weigh_many(
        self, places: Sequence[tuple[float, float]], variances_m2: Sequence[float]
    ) -> list[tuple[Around, float, float]]:
        """Return what :meth:`weigh` returns of several normals."""
        own = self.sigma_m**2
        return [
            (around, self.share * float(around.densities.sum()), (1.0 - self.share) * around.local)
            for around in self.doors.around_many(places, [v + own for v in variances_m2])
        ]


def learn_share(seen: Iterable[tuple[float, float]]) -> float | None:
    """Return the share of places at doors, by expectation and maximisation.

    Parameters
    ----------
    seen
        Per pin: its density under the doors alone, and under anywhere alone. Too few teach nothing.

    Examples
    --------
    >>> round(learn_share([(9e-3, 1e-3)] * 100 + [(1e-9, 1e-3)] * 100), 2)
    0.43
    """
    pairs = np.array([pair for pair in seen if sum(pair) > 0.0], float).reshape(-1, 2)
    if len(pairs) < LEAST_PINS:
        return None
    share = 0.5
    for _ in range(STEPS):
        doors, anywhere = share * pairs[:, 0], (1.0 - share) * pairs[:, 1]
        share = float(((doors / (doors + anywhere)).sum() + 1.0) / (len(pairs) + 4.0))
    return share
