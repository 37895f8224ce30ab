from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from gis.coverage.accessibility import two_step
from gis.coverage.siting import max_covering, p_center, p_median, set_covering

matrix = st.tuples(st.integers(1, 12), st.integers(1, 8)).flatmap(
    lambda size: st.lists(
        st.lists(st.booleans(), min_size=size[1], max_size=size[1]),
        min_size=size[0],
        max_size=size[0],
    )
)
people = st.lists(st.integers(0, 500), min_size=12, max_size=12)


@given(matrix, people, st.integers(0, 5), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_places_and_sites_does_not_change_the_value(
    rows: list[list[bool]], weights: list[int], k: int, shuffle: object
) -> None:
    covers, weight = np.array(rows), np.array(weights[: len(rows)])
    rng = np.random.default_rng(hash(repr(rows)) % 2**32)
    places, sites = rng.permutation(len(covers)), rng.permutation(covers.shape[1])
    plan = max_covering(covers, weight, k)
    other = max_covering(covers[places][:, sites], weight[places], k)
    assert plan.objective == other.objective == plan.bound


@given(matrix, people, st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_one_more_site_never_covers_fewer_and_brings_no_more_than_the_one_before(
    rows: list[list[bool]], weights: list[int], k: int
) -> None:
    covers, weight = np.array(rows), np.array(weights[: len(rows)])
    plan = max_covering(covers, weight, k)
    more = max_covering(covers, weight, k + 1)
    on_top = max_covering(covers, weight, 1, fixed=plan.sites)
    assert plan.objective <= on_top.objective <= more.objective
    assert list(plan.marginal) == sorted(plan.marginal, reverse=True)
    counted = weight[covers[:, list(plan.sites)].any(axis=1)].sum()
    assert plan.objective == counted


@given(matrix)
@settings(max_examples=40, deadline=None)
def test_the_full_cover_is_where_the_curve_ends(rows: list[list[bool]]) -> None:
    covers = np.array(rows)
    reachable = int(covers.any(axis=1).sum())
    plan = set_covering(covers, skip_unreachable=True)
    fewest = int(plan.objective)
    ones = np.ones(len(covers))
    assert max_covering(covers, ones, fewest).objective == reachable
    if fewest:
        assert max_covering(covers, ones, fewest - 1).objective < reachable


@given(matrix, people, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_covering_at_the_center_s_distance_reaches_everybody(
    rows: list[list[bool]], weights: list[int], p: int
) -> None:
    cost = np.array(rows).astype(np.float64) * 7.0 + np.arange(len(rows[0]))
    center = p_center(cost, p)
    within = csr_array(cost <= center.objective)
    assert set_covering(within).objective <= p
    below = cost < center.objective
    if below.any(axis=1).all():
        assert set_covering(csr_array(below)).objective > min(p, cost.shape[1])
    weight = np.array(weights[: len(rows)])
    median = p_median(cost, weight, p)
    assert median.objective <= weight.sum() * center.objective
    assert median.status == "optimal"


@given(matrix, people, st.lists(st.integers(0, 50), min_size=8, max_size=8))
@settings(max_examples=40, deadline=None)
def test_scores_share_out_the_supply(
    rows: list[list[bool]], weights: list[int], supply: list[int]
) -> None:
    covers = np.array(rows)
    weight, offer = weights[: len(rows)], np.array(supply[: covers.shape[1]])
    access = two_step(covers, weight, offer)
    reachable = (covers * np.array(weight)[:, None]).sum(axis=0) > 0
    assert np.isclose(access.score @ np.array(weight), offer[reachable].sum())
