"""People of buildings 人口: households, residents, ages, care tags; counts only, never a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from layers.demo import settlements as use
from layers.demo.frame import Floats, Ints

RESIDENTS: Final = 4_000_000
PERSONS_PER_HOUSEHOLD: Final = 2.7
MOST_CROWDED: Final = 2.6
"""A grid with few homes holds at most this many households per usual home."""
TAGS: Final = (
    ("living_alone_80_plus", 0.010),
    ("disabled", 0.022),
    ("left_behind_child", 0.009),
    ("minimum_living_allowance", 0.018),
)
"""Care tags 关爱对象 and the share of residents that carries them."""


@dataclass(frozen=True, slots=True)
class Population:
    """People per building.

    Attributes
    ----------
    ages
        Shape (n, 3): residents of 0-14, 15-59, 60 and more.
    tags
        Shape (n, len(TAGS)): people per tag.
    """

    households: Ints
    residents: Ints
    ages: Ints
    tags: Ints


def populate(
    grid: Ints,
    uses: Ints,
    floor_area_m2: Floats,
    *,
    grid_urban: NDArray[np.bool_],
    residents: int,
    rng: np.random.Generator,
) -> Population:
    """Return exactly ``residents`` people, spread over the buildings that are lived in.

    Grids of a town hold 300 to 500 households, country grids about 230.
    """
    lived = np.isin(uses, (use.HAMLET, use.RESIDENTIAL, use.HIGHRISE))
    home_m2 = np.where(uses == use.HAMLET, 150.0, 105.0)
    homes = np.where(lived, np.maximum(floor_area_m2 / home_m2, 1.0), 0.0)
    homes *= rng.uniform(0.8, 1.1, len(homes))
    count = len(grid_urban)
    want = np.where(grid_urban, rng.uniform(285, 455, count), rng.gamma(16, 14.0, count))
    have = np.bincount(grid, weights=homes, minlength=count)
    fill = np.where(have > 0, np.minimum(want / np.maximum(have, 1), MOST_CROWDED), 0)
    exact = homes * fill[grid]
    exact *= residents / PERSONS_PER_HOUSEHOLD / exact.sum()
    households = np.floor(exact + rng.random(len(exact))).astype(np.int64)
    people = rng.poisson(households * (PERSONS_PER_HOUSEHOLD - 1)) + households
    people = _adjusted(people, households, residents, rng)
    ages = _ages(people, uses, rng)
    tags = np.column_stack([rng.binomial(people, rate) for _, rate in TAGS])
    tags[:, 0] = np.minimum(tags[:, 0], ages[:, 2])
    tags[:, 2] = np.minimum(tags[:, 2], ages[:, 0])
    return Population(households, people, ages, tags)


def _ages(people: Ints, uses: Ints, rng: np.random.Generator) -> Ints:
    old = np.where(uses == use.HAMLET, 0.27, 0.19)
    share = np.clip(rng.normal(old, 0.05), 0.05, 0.6)
    young = np.clip(rng.normal(0.155, 0.03, len(share)), 0.03, 0.35)
    elders = rng.binomial(people, share)
    children = rng.binomial(people - elders, np.minimum(young / (1 - share), 0.9))
    return np.column_stack([children, people - elders - children, elders])


def _adjusted(people: Ints, households: Ints, total: int, rng: np.random.Generator) -> Ints:
    """Return the counts with their sum made exact, one person here and there."""
    result = people.copy()
    lived = np.flatnonzero(households > 0)
    while (missing := total - int(result.sum())) != 0:
        step = 1 if missing > 0 else -1
        able = lived if step > 0 else lived[result[lived] > households[lived]]
        picked = rng.choice(able, size=min(abs(missing), len(able)), replace=False)
        result[picked] += step
    return result
