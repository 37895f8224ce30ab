"""Access to services and staffing standards: supply shared among the people who can reach it.

2SFCA (Luo and Wang 2003) and E2SFCA (Luo and Qi 2009) are two products with one sparse matrix.
People whom no station reaches score 0 (they are the point of the exercise, never left out), and
the sums are proven: score times people, over everybody, is the supply of all stations that
anybody can reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gis.coverage.cover_model import Covers, FloatArray, checked_weight

STEPS: Final = ((1000.0, 1.0), (2000.0, 0.68), (3000.0, 0.22))
"""Weights by distance of Luo and Qi (2009), on thirds of 3 km: up to so many metres, weight."""

_CONSERVED: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Access:
    """Scores of places and ratios of stations.

    Attributes
    ----------
    score
        Supply per person at each place; 0 where no station is within reach.
    ratio
        Supply of each station over the people who can reach it; 0 where nobody can.
    people
        Of each place, as given.
    supplied
        Supply of the stations that somebody can reach: what the scores share out.
    """

    score: FloatArray
    ratio: FloatArray
    people: FloatArray
    supplied: float

    @property
    def mean(self) -> float:
        """Return the mean over all people, those at zero included; nan without people."""
        total = float(self.people.sum())
        return float(self.score @ self.people) / total if total else math.nan

    @property
    def share_at_zero(self) -> float:
        """Return the share of people without any access; nan without people."""
        total = float(self.people.sum())
        return float(self.people[self.score == 0.0].sum()) / total if total else math.nan

    def quantile(self, share: float) -> float:
        """Return the least score that this share of people does not exceed; nan without people.

        >>> access = two_step(np.eye(2), [30, 10], [3, 3])
        >>> access.quantile(0.5), access.quantile(0.9)
        (0.1, 0.3)
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError("a share lies in 0..1")
        total = float(self.people.sum())
        if not total:
            return math.nan
        order = np.argsort(self.score, kind="stable")
        order = order[self.people[order] > 0.0]
        below = np.cumsum(self.people[order])
        place = int(np.searchsorted(below, share * total - 1e-9 * total))
        return float(self.score[order[min(place, len(order) - 1)]])


def two_step(covers: Covers, people: npt.ArrayLike, supply: npt.ArrayLike) -> Access:
    """Return 2SFCA scores: every station within reach counts alike.

    Parameters
    ----------
    covers
        Demand x stations, not zero within reach.
    people
        Of each place.
    supply
        Of each station (posts, openings, beds).

    Examples
    --------
    >>> access = two_step(np.array([[1, 0], [1, 1], [0, 0]]), [10, 30, 5], [4, 6])
    >>> access.score.round(3).tolist(), access.ratio.tolist()
    ([0.1, 0.3, 0.0], [0.1, 0.2])
    """
    matrix = csr_array(covers)
    weights = csr_array(
        (np.asarray(matrix.data != 0, dtype=np.float64), matrix.indices, matrix.indptr),
        shape=matrix.shape,
    )
    return _floating(weights, people, supply)


def enhanced_two_step(
    distance_m: csr_array,
    people: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    steps: Sequence[tuple[float, float]] = STEPS,
) -> Access:
    """Return E2SFCA scores: a station weighs less the farther it is, in steps.

    Parameters
    ----------
    distance_m
        Demand x stations, stored where there is a way (a stored 0.0 is a distance, too), as
        :func:`gis.coverage.network.distances` gives it.
    steps
        (metres, weight) with rising metres: up to and with so many metres, that weight; nothing
        beyond the last.

    Examples
    --------
    >>> near = csr_array((np.array([500.0, 1500.0]), ([0, 1], [0, 0])), shape=(3, 1))
    >>> enhanced_two_step(near, [10, 10, 10], [5]).score.round(4).tolist()
    [0.2976, 0.2024, 0.0]
    """
    limits = np.array([limit for limit, _ in steps])
    values = np.array([value for _, value in steps] + [0.0])
    if not len(limits) or (np.diff(limits) <= 0.0).any() or (values < 0.0).any():
        raise ValueError("steps need rising distances and weights that are not negative")
    table = csr_array(distance_m)
    weights = values[np.searchsorted(limits, table.data, "left")]
    return _floating(
        csr_array((weights, table.indices, table.indptr), shape=table.shape), people, supply
    )


def _floating(weights: csr_array, people: npt.ArrayLike, supply: npt.ArrayLike) -> Access:
    crowd = checked_weight(people, weights.shape[0])
    offer = checked_weight(supply, weights.shape[1])
    demand = np.asarray(weights.T @ crowd, dtype=np.float64)
    reachable = demand > 0.0
    ratio = np.zeros(len(offer))
    ratio[reachable] = offer[reachable] / demand[reachable]
    score = np.asarray(weights @ ratio, dtype=np.float64)
    # summed by numpy: for one sum a BLAS spends more on its threads than on adding up
    supplied, shared = float(offer[reachable].sum()), float((score * crowd).sum())
    if not math.isclose(shared, supplied, rel_tol=_CONSERVED, abs_tol=1e-12):
        raise ArithmeticError(f"scores share out {shared}, the stations supply {supplied}")
    return Access(score, ratio, crowd, supplied)


WORKERS_PER_RESIDENT: Final = Fraction(18, 10_000)
"""18 community workers per 10,000 urban residents 每万城镇常住人口18名社区工作者."""


@dataclass(frozen=True, slots=True)
class Staffing:
    """Posts that a standard asks for, exact.

    Attributes
    ----------
    exact
        Of each community, residents times the standard, as a fraction.
    posts
        Of each community, rounded up: a part of a post is a post.
    missing
        Of each community, posts less the staff that is there, at least 0; None without staff.
    city_exact, city_posts, city_missing
        The same for all residents together, rounded once. Never more than the sum of ``posts``.
    """

    exact: tuple[Fraction, ...]
    posts: tuple[int, ...]
    missing: tuple[int, ...] | None
    city_exact: Fraction
    city_posts: int
    city_missing: int | None


def staffing(
    residents: Sequence[int],
    per: Fraction = WORKERS_PER_RESIDENT,
    *,
    staff: Sequence[int] | None = None,
) -> Staffing:
    """Return the posts that a standard asks for, per community and for the city.

    Both figures are given because they differ: by up to one post for every community. Residents
    are never rounded first.

    Examples
    --------
    >>> asked = staffing([5000, 5001, 0], staff=[9, 9, 1])
    >>> asked.posts, asked.missing
    ((9, 10, 0), (0, 1, 0))
    >>> asked.city_posts, asked.city_exact
    (19, Fraction(90009, 5000))
    """
    if any(count < 0 for count in residents) or per < 0:
        raise ValueError("residents and the standard are not negative")
    exact = tuple(int(count) * Fraction(per) for count in residents)
    posts = tuple(math.ceil(share) for share in exact)
    total = sum((int(count) for count in residents), 0) * Fraction(per)
    missing, city_missing = None, None
    if staff is not None:
        missing = tuple(max(0, asked - int(has)) for asked, has in zip(posts, staff, strict=True))
        city_missing = max(0, math.ceil(total) - sum(int(has) for has in staff))
    return Staffing(exact, posts, missing, total, math.ceil(total), city_missing)
