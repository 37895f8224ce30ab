from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from gis.coverage.accessibility import STEPS, enhanced_two_step, staffing, two_step


def test_everybody_counts_and_the_supply_is_shared_out_exactly() -> None:
    rng = np.random.default_rng(3)
    reach = random_array((5000, 40), density=0.02, rng=rng, format="csr")
    people, supply = rng.integers(0, 200, 5000), rng.integers(0, 30, 40)
    access = two_step(reach, people, supply)
    assert access.score @ people == pytest.approx(access.supplied)
    nobody = np.diff(reach.indptr) == 0
    assert (access.score[nobody] == 0.0).all()
    assert not np.isnan(access.score).any()
    assert access.share_at_zero >= people[nobody].sum() / people.sum()
    assert access.mean == pytest.approx(access.supplied / people.sum())


def test_enhanced_scores_equal_the_written_definition() -> None:
    rng = np.random.default_rng(4)
    distance = rng.uniform(0.0, 5000.0, (50, 6))
    distance[0, 0], distance[1, 0], distance[2, 0] = 0.0, 1000.0, 3000.0
    people, supply = rng.integers(1, 50, 50), rng.integers(1, 9, 6)
    rows, columns = np.nonzero(distance <= 4000.0)
    table = csr_array((distance[rows, columns], (rows, columns)), shape=distance.shape)
    weight = np.select([distance <= limit for limit, _ in STEPS], [w for _, w in STEPS], 0.0)
    ratio = supply / (weight * people[:, None]).sum(axis=0)
    assert np.allclose(enhanced_two_step(table, people, supply).score, weight @ ratio)


def test_quantiles_weigh_people_not_places() -> None:
    access = two_step(np.array([[1, 0], [0, 1], [0, 0]]), [90, 9, 1], [9, 9])
    assert access.quantile(0.0) == 0.0
    assert access.quantile(0.5) == pytest.approx(0.1)
    assert access.quantile(0.95) == pytest.approx(1.0)
    assert access.share_at_zero == 0.01


def test_nobody_or_no_station_gives_zeros_and_no_mean() -> None:
    access = two_step(csr_array((3, 0)), [1, 2, 3], [])
    assert (access.score.tolist(), access.mean, access.share_at_zero) == ([0, 0, 0], 0.0, 1.0)
    empty = two_step(csr_array((0, 2)), [], [1, 2])
    assert empty.ratio.tolist() == [0.0, 0.0]
    assert math.isnan(empty.mean)
    assert math.isnan(empty.quantile(0.5))


@pytest.mark.parametrize("steps", [(), ((2.0, 1.0), (1.0, 0.5)), ((1.0, -1.0),)])
def test_bad_steps_are_refused(steps: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="steps"):
        enhanced_two_step(csr_array((1, 1)), [1], [1], steps=steps)


def test_staffing_is_exact_and_the_city_is_rounded_once() -> None:
    residents = [3333] * 229
    asked = staffing(residents, staff=[5] * 229)
    assert asked.exact[0] == Fraction(29997, 5000)
    assert set(asked.posts) == {6}
    assert asked.city_exact == sum(asked.exact)
    assert asked.city_posts == math.ceil(asked.city_exact) == 1374
    assert sum(asked.posts) == 1374
    assert asked.missing == (1,) * 229
    assert asked.city_missing == 1374 - 1145
    assert staffing([10_000]).posts == (18,)
    assert staffing([1] * 1000).city_posts == 2
    assert sum(staffing([1] * 1000).posts) == 1000
    assert staffing([]).city_posts == 0
    assert staffing([7], Fraction(1, 7)).posts == (1,)
    with pytest.raises(ValueError, match="not negative"):
        staffing([-1])
    with pytest.raises(ValueError, match="zip"):
        staffing([1, 2], staff=[1])
