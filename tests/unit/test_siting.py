from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_array

from gis.coverage.capacity import backup_covering, capacitated_covering
from gis.coverage.cover_bounds import bound_of, relaxed
from gis.coverage.cover_model import checked_covers, reduced
from gis.coverage.plans import Effort, Plan, Progress, Run
from gis.coverage.siting import coverage_curve, max_covering, p_center, p_median, set_covering
from tests.siting_instances import like_pmed, towns

BoolArray = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]
INSTANCES = 200


def random_covers(
    rng: np.random.Generator, most_places: int = 13, most_sites: int = 9
) -> BoolArray:
    places, sites = int(rng.integers(2, most_places + 1)), int(rng.integers(2, most_sites + 1))
    return np.asarray(rng.random((places, sites)) < rng.uniform(0.15, 0.6), dtype=np.bool_)


def random_cost(rng: np.random.Generator, number: int) -> npt.NDArray[np.float64]:
    places, sites = rng.integers(2, 14), rng.integers(2, 10)
    whole = rng.integers(0, 30, (places, sites)).astype(np.float64)
    cost = whole if number % 3 else rng.random((places, sites)) * 100.0
    if number % 4 == 0:
        cost[rng.random(cost.shape) < 0.3] = np.inf
    return cost


def random_weight(rng: np.random.Generator, number: int, count: int) -> Numbers:
    whole: Numbers = rng.integers(0, 20, count)
    return whole if number % 2 else rng.random(count)


def random_choice(rng: np.random.Generator, sites: int) -> tuple[int, list[int], list[int]]:
    fixed = sorted(rng.permutation(sites)[: rng.integers(0, 2)].tolist())
    return int(rng.integers(0, sites)), fixed, [j for j in range(sites) if j not in fixed]


def best_of(
    value: Callable[[list[int]], float], free: list[int], k: int, fixed: list[int]
) -> list[float]:
    sets = itertools.combinations(free, min(k, len(free)))
    return [value([*chosen, *fixed]) for chosen in sets]


@pytest.mark.parametrize("block", range(4))
def test_max_covering_is_optimal_on_random_instances(block: int) -> None:
    rng = np.random.default_rng(block)
    for number in range(INSTANCES // 4):
        covers = random_covers(rng)
        weight = random_weight(rng, number, len(covers))
        k, fixed, free = random_choice(rng, covers.shape[1])

        def value(sites: list[int], covers: BoolArray = covers, weight: Numbers = weight) -> float:
            return float(weight[covers[:, sites].any(axis=1)].sum())

        plan = max_covering(csr_array(covers), weight, k, fixed=fixed)
        assert plan.status == "optimal"
        assert plan.objective == pytest.approx(max(best_of(value, free, k, fixed)), abs=1e-9)
        assert plan.objective == plan.bound == pytest.approx(value([*plan.sites, *fixed]))
        assert len(plan.sites) == min(k, len(free))
        assert not set(plan.sites) & set(fixed)
        assert plan.before + sum(plan.marginal) == pytest.approx(plan.objective)
        assert sorted(plan.build_order) == list(plan.sites)


def test_set_covering_is_optimal_on_random_instances() -> None:
    rng = np.random.default_rng(7)
    for _ in range(INSTANCES):
        covers = random_covers(rng)
        plan = set_covering(csr_array(covers))
        lost = np.flatnonzero(~covers.any(axis=1)).tolist()
        assert list(plan.unreachable) == lost
        if lost:
            assert plan.status == "infeasible"
            plan = set_covering(csr_array(covers), skip_unreachable=True)
        covered = np.flatnonzero(covers.any(axis=1))
        fewest = next(
            count
            for count in range(covers.shape[1] + 1)
            if any(
                covers[covered][:, list(chosen)].any(axis=1).all()
                for chosen in itertools.combinations(range(covers.shape[1]), count)
            )
        )
        assert (plan.status, plan.objective, plan.bound) == ("optimal", fewest, fewest)
        assert covers[covered][:, list(plan.sites)].any(axis=1).all()


def test_p_median_is_optimal_on_random_instances() -> None:
    rng = np.random.default_rng(8)
    for number in range(INSTANCES):
        cost = random_cost(rng, number)
        weight = random_weight(rng, number, len(cost))
        k, fixed, free = random_choice(rng, cost.shape[1])

        def value(
            sites: list[int],
            cost: npt.NDArray[np.float64] = cost,
            weight: Numbers = weight,
        ) -> float:
            nearest = cost[:, sites].min(axis=1, initial=np.inf)[weight > 0]
            return float(weight[weight > 0] @ nearest)

        check_least(p_median(cost, weight, k, fixed=fixed), value, free, k, fixed)


def test_p_center_is_optimal_on_random_instances() -> None:
    rng = np.random.default_rng(9)
    for number in range(INSTANCES):
        cost = random_cost(rng, number)
        k, fixed, free = random_choice(rng, cost.shape[1])

        def value(sites: list[int], cost: npt.NDArray[np.float64] = cost) -> float:
            return float(cost[:, sites].min(axis=1, initial=np.inf).max())

        check_least(p_center(cost, k, fixed=fixed), value, free, k, fixed)


def check_least(
    plan: Plan, value: Callable[[list[int]], float], free: list[int], k: int, fixed: list[int]
) -> None:
    best = min(best_of(value, free, k, fixed))
    if np.isinf(best):
        assert plan.status == "infeasible"
        return
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(best)
    assert value([*plan.sites, *fixed]) == pytest.approx(best)
    assert len(plan.sites) == min(k, len(free))


def test_stations_that_fill_up_and_back_up_cover_are_optimal() -> None:
    rng = np.random.default_rng(10)
    for _ in range(40):
        covers = random_covers(rng, 8, 6)
        weight: Numbers = rng.integers(0, 20, size=(len(covers),))
        room: Numbers = rng.integers(0, 40, size=(covers.shape[1],))
        k, fixed, free = random_choice(rng, covers.shape[1])

        def twice(sites: list[int], covers: BoolArray = covers, weight: Numbers = weight) -> float:
            return float(weight[covers[:, sites].sum(axis=1) >= 2].sum())

        def served(
            sites: list[int],
            covers: BoolArray = covers,
            weight: Numbers = weight,
            room: Numbers = room,
        ) -> float:
            # the smallest cut, over the sites on the side of the people
            reach = covers[:, sites]
            cuts = [
                room[[sites[j] for j in cut]].sum()
                + weight[np.delete(reach, list(cut), axis=1).any(axis=1)].sum()
                for size in range(len(sites) + 1)
                for cut in itertools.combinations(range(len(sites)), size)
            ]
            return float(min(cuts))

        effort = Effort(gap=0.0)
        plan = capacitated_covering(csr_array(covers), weight, room, k, fixed=fixed, effort=effort)
        assert plan.objective == max(best_of(served, free, k, fixed)) == plan.bound
        assert (np.array(plan.load) <= room[list(plan.stations)]).all()
        assert sum(plan.load) == pytest.approx(plan.objective)
        backed = backup_covering(csr_array(covers), weight, k, fixed=fixed, effort=effort)
        assert backed.objective == max(best_of(twice, free, k, fixed)) == backed.bound


@pytest.mark.parametrize(("nodes", "p"), [(100, 5), (100, 33), (200, 20), (300, 10), (400, 80)])
def test_graphs_like_the_public_ones(nodes: int, p: int) -> None:
    cost = like_pmed(nodes, nodes + p)
    center = p_center(cost, p)
    assert center.status == "optimal"
    assert center.objective == cost[:, list(center.sites)].min(axis=1).max()
    median = p_median(cost, np.ones(nodes), p)
    assert median.gap <= 0.005
    assert median.objective == cost[:, list(median.sites)].min(axis=1).sum()
    assert median.bound <= median.objective


@pytest.mark.slow
def test_a_city_of_5000_places_is_certified() -> None:
    covers, people, _, _ = towns(5000, 500)
    plan = max_covering(covers, people, 20)
    assert plan.gap <= 0.005
    assert plan.objective == people[covers[:, list(plan.sites)].sum(axis=1) > 0].sum()
    assert plan.marginal == tuple(sorted(plan.marginal, reverse=True))
    assert max_covering(covers, people, 20).sites == plan.sites


def test_the_bound_holds_for_any_prices_and_for_those_of_the_relaxation() -> None:
    covers, people, _, _ = towns(400, 40)
    model = reduced(checked_covers(covers), people, np.arange(40))
    best = max_covering(covers, people, 4).objective
    rng = np.random.default_rng(1)
    for _ in range(50):
        prices = rng.uniform(-1.0, 2.0, len(model.weight)) * model.weight
        assert bound_of(model, 4, prices).value >= best
    by_solver = relaxed(model, 4, Run(Effort()), seconds=10.0)
    assert by_solver is not None
    assert best <= by_solver.value <= best * 1.02


def test_the_curve_rises_and_agrees_with_single_answers() -> None:
    covers, people, _, _ = towns(600, 60)
    curve = coverage_curve(covers, people, 6, fixed=[3])
    values = [plan.objective for plan in curve]
    assert values == sorted(values)
    assert [len(plan.sites) for plan in curve] == list(range(7))
    assert curve[0].objective == curve[0].before == people[covers[:, [3]].sum(axis=1) > 0].sum()
    assert values[4] == max_covering(covers, people, 4, fixed=[3]).objective


def test_forced_and_forbidden_sites() -> None:
    covers = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    weight = [10, 20, 30, 5]
    assert max_covering(covers, weight, 1, forced=[2]).sites == (2,)
    assert max_covering(covers, weight, 1, forbidden=[1]).sites == (0,)
    assert set_covering(covers, forbidden=[2]).unreachable == (3,)
    assert set_covering(covers, fixed=[2]).objective == 2.0
    with pytest.raises(ValueError, match="do not fit"):
        max_covering(covers, weight, 1, forced=[0, 1])
    with pytest.raises(ValueError, match="forced and forbidden"):
        max_covering(covers, weight, 1, forced=[0], forbidden=[0])


def test_places_that_nothing_reaches_are_named() -> None:
    covers = np.array([[1, 0], [0, 0], [0, 1], [0, 0]], dtype=bool)
    assert max_covering(covers, [1, 2, 3, 0], 2).unreachable == (1,)
    cost = np.array([[1.0, 2.0], [np.inf, np.inf]])
    assert (p_median(cost, [1, 1], 1).status, p_median(cost, [1, 1], 1).unreachable) == (
        "infeasible",
        (1,),
    )
    assert p_median(cost, [1, 0], 1).objective == 1.0
    assert p_center(cost, 1).unreachable == (1,)


def test_one_person_far_away_is_never_traded_for_many_who_gain_little() -> None:
    cost = np.full((4, 3), np.inf)
    cost[0, 0] = 1.0
    cost[1:, 1], cost[1:, 2] = 1000.0, 999.0
    cost[0, 1] = 1.0
    plan = p_median(cost, [1, 10**6, 10**6, 10**6], 1)
    assert (plan.sites, plan.status) == ((1,), "optimal")


def test_ties_go_to_the_smaller_position() -> None:
    covers = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    assert max_covering(covers, [5, 5], 1).sites == (0,)
    assert max_covering(covers, [5, 5], 2).sites == (0, 2)
    assert p_median([[2, 1, 1], [1, 1, 2]], [1, 1], 1).sites == (1,)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_cover_or_nobody_to_do_it(shape: tuple[int, int]) -> None:
    covers = csr_array(shape, dtype=np.bool_)
    weight = np.ones(shape[0])
    assert max_covering(covers, weight, 2).objective == 0.0
    assert set_covering(covers).status == ("infeasible" if shape[0] else "optimal")
    assert p_center(np.ones(shape), 1).status == ("infeasible" if shape[0] else "optimal")
    assert p_median(np.ones(shape), weight, 1).status == ("infeasible" if shape[0] else "optimal")


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_input_is_a_caller_s_bug(bad: float) -> None:
    covers = np.ones((2, 2), dtype=bool)
    with pytest.raises(ValueError, match="weights"):
        max_covering(covers, [1.0, bad], 1)
    with pytest.raises(ValueError, match="positions"):
        max_covering(covers, [1, 1], 1, fixed=[2])
    with pytest.raises(ValueError, match="not negative"):
        max_covering(covers, [1, 1], -1)
    if not np.isposinf(bad):
        with pytest.raises(ValueError, match="costs"):
            p_median([[1.0, bad]], [1], 1)


def test_a_run_can_be_watched_and_stopped() -> None:
    covers, people, _, _ = towns(2000, 300)
    told: list[Progress] = []

    def stop(progress: Progress) -> bool:
        told.append(progress)
        return len(told) < 3

    plan = max_covering(covers, people, 15, effort=Effort(gap=0.0, watch=stop))
    assert len(told) == 3
    assert plan.status == "feasible"
    assert plan.objective <= plan.bound
    assert len(plan.sites) == 15


def test_what_a_watcher_hears_never_contradicts_the_answer() -> None:
    covers, people, _, _ = towns(3000, 400)
    told: list[Progress] = []
    plan = max_covering(covers, people, 30, effort=Effort(gap=0.0, seconds=8.0, watch=told.append))
    assert {progress.stage for progress in told} >= {"search", "bound"}
    for progress in told:
        assert not progress.objective > plan.objective
        assert not progress.bound < plan.objective
    told.clear()
    cost = like_pmed(300, 305)
    median = p_median(cost, np.ones(300), 5, effort=Effort(gap=0.0, watch=told.append))
    assert median.status == "optimal"
    for progress in told:
        assert not progress.objective < median.objective
        assert not progress.bound > median.objective


def test_a_short_time_still_gives_a_plan_and_a_bound() -> None:
    covers, people, _, _ = towns(5000, 800)
    plan = max_covering(covers, people, 30, effort=Effort(seconds=0.2))
    assert plan.seconds < 5.0
    assert 0.0 < plan.objective <= plan.bound <= people.sum()
    cost = like_pmed(300, 1)
    median = p_median(cost, np.ones(300), 20, effort=Effort(seconds=0.01))
    assert 0.0 <= median.bound <= median.objective
    center = p_center(cost, 20, effort=Effort(seconds=0.001))
    assert center.bound <= center.objective


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    covers, people, _, _ = towns(1500, 200)
    max_covering(covers, people, 20, effort=Effort(gap=0.0))
    set_covering(covers, skip_unreachable=True)
    assert capfd.readouterr().out == ""
