"""Siting within limits, with sites that must or must not be: every plan tried, none better."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_array

from gis.coverage.capacity import backup_covering, capacitated_covering
from gis.coverage.limits import Limits, limited_covering
from gis.coverage.plans import Effort
from gis.coverage.siting import max_covering, p_center, p_median, set_covering

EXACT = Effort(gap=0.0)
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class City:
    """A small problem with every option that a question may carry."""

    covers: npt.NDArray[np.bool_]
    people: npt.NDArray[np.int64]
    price: FloatArray
    group: npt.NDArray[np.intp]
    fixed: list[int]
    forced: list[int]
    forbidden: list[int]
    k: int

    @classmethod
    def made(cls, rng: np.random.Generator) -> City:
        places, sites = int(rng.integers(2, 12)), int(rng.integers(3, 9))
        fixed, forced, forbidden = (
            part.tolist() for part in np.split(rng.permutation(sites)[:3], [1, 2])
        )
        return cls(
            covers=rng.random((places, sites)) < rng.uniform(0.15, 0.6),
            people=rng.integers(0, 20, places),
            price=rng.integers(0, 6, sites).astype(np.float64),
            group=rng.integers(-1, 3, places).astype(np.intp),
            fixed=fixed if rng.random() < 0.5 else [],
            forced=forced if rng.random() < 0.5 else [],
            forbidden=forbidden if rng.random() < 0.5 else [],
            k=int(rng.integers(1, sites)),
        )

    def plans(self, sizes: Sequence[int]) -> Iterator[list[int]]:
        """Every choice of so many new sites that holds the forced and no forbidden ones."""
        others = sorted({*range(len(self.price))} - {*self.fixed, *self.forced, *self.forbidden})
        for size in sizes:
            left = min(size - len(self.forced), len(others))
            for chosen in itertools.combinations(others, max(left, 0)):
                yield sorted([*chosen, *self.forced])

    def reached(self, new: Sequence[int]) -> npt.NDArray[np.int64]:
        """How many sites reach each place."""
        return np.asarray(self.covers[:, [*new, *self.fixed]].sum(axis=1))

    def covered(self, new: Sequence[int]) -> int:
        return int(self.people[self.reached(new) > 0].sum())


@pytest.mark.parametrize("block", range(4))
def test_limits_leave_the_best_of_all_plans_that_keep_them(block: int) -> None:
    rng = np.random.default_rng(100 + block)
    for number in range(50):
        city = City.made(rng)
        budget = float(rng.integers(0, 12)) if number % 3 != 1 else None
        share = rng.uniform(0.2, 0.9) if number % 3 != 0 else None
        whole = np.bincount(city.group[city.group >= 0], city.people[city.group >= 0], 3)
        least = None if share is None else np.ceil(whole * share)
        limits = Limits(city.price, budget, city.group, least)

        def keeps(new: Sequence[int], city: City = city, limits: Limits = limits) -> bool:
            here = (city.reached(new) > 0) & (city.group >= 0)
            got = np.bincount(city.group[here], city.people[here], 3)
            fair = limits.least is None or bool((got >= limits.least).all())
            return fair and (limits.budget is None or city.price[list(new)].sum() <= limits.budget)

        allowed = [new for new in city.plans(range(city.k + 1)) if keeps(new)]
        plan = limited_covering(
            csr_array(city.covers),
            city.people,
            city.k,
            limits,
            fixed=city.fixed,
            forced=city.forced,
            forbidden=city.forbidden,
            effort=EXACT,
        )
        if not allowed:
            assert plan.status == "infeasible"
            assert plan.sites == ()
            continue
        assert plan.status == "optimal"
        assert plan.objective == plan.bound == max(city.covered(new) for new in allowed)
        assert keeps(plan.sites)
        assert city.covered(plan.sites) == plan.objective
        assert set(city.forced) <= set(plan.sites)
        assert not set(plan.sites) & {*city.fixed, *city.forbidden}
        assert len(plan.sites) <= city.k


def test_forced_and_forbidden_sites_leave_the_best_of_the_others() -> None:
    rng = np.random.default_rng(104)
    for _ in range(200):
        city = City.made(rng)
        plan = max_covering(
            csr_array(city.covers),
            city.people,
            city.k,
            fixed=city.fixed,
            forced=city.forced,
            forbidden=city.forbidden,
        )
        best = max(city.covered(new) for new in city.plans([city.k]))
        assert plan.objective == plan.bound == city.covered(plan.sites) == best
        assert set(city.forced) <= set(plan.sites)
        assert not set(plan.sites) & {*city.fixed, *city.forbidden}


def test_forbidden_sites_are_left_out_of_every_question() -> None:
    rng = np.random.default_rng(105)
    for _ in range(60):
        city = City.made(rng)
        room = rng.integers(0, 40, len(city.price))
        cost = np.where(city.covers, 1.0, rng.integers(2, 30, city.covers.shape))
        free = sorted({*range(len(city.price))} - {*city.fixed, *city.forbidden})
        chosen = [list(new) for new in itertools.combinations(free, min(city.k, len(free)))]
        matrix, asked = csr_array(city.covers), {"fixed": city.fixed, "forbidden": city.forbidden}

        nearest = [cost[:, [*new, *city.fixed]].min(axis=1) for new in chosen]
        center = p_center(cost, city.k, **asked)
        assert center.objective == min(metres.max() for metres in nearest)
        median = p_median(cost, city.people, city.k, **asked)
        assert median.objective == min(city.people @ metres for metres in nearest)

        twice = backup_covering(matrix, city.people, city.k, effort=EXACT, **asked)
        best = max(int(city.people[city.reached(new) > 1].sum()) for new in chosen)
        assert twice.objective == twice.bound == best

        full = capacitated_covering(matrix, city.people, room, city.k, effort=EXACT, **asked)
        assert full.objective == full.bound
        assert not set(full.sites) & {*city.fixed, *city.forbidden}

        reachable = city.covers[:, [*free, *city.fixed]].any(axis=1)
        fewest = next(
            size
            for size in range(len(free) + 1)
            for new in itertools.combinations(free, size)
            if (city.reached(new)[reachable] > 0).all()
        )
        assert set_covering(matrix, skip_unreachable=True, **asked).objective == fewest
