"""A siting question read once and checked: who is open, who stands, who cannot be reached."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from gis.coverage.cover_model import (
    Covers,
    FloatArray,
    IntArray,
    checked_covers,
    checked_sites,
    checked_weight,
    covered_rows,
    reduced,
)
from gis.coverage.max_cover import built_in_order, cover_most
from gis.coverage.plans import CoverPlan, Plan, Run, gap_between, status_of


class CoverQuestion:
    """A covering problem read once, for one k or for many."""

    def __init__(
        self,
        covers: Covers,
        weight: npt.ArrayLike,
        fixed: Iterable[int],
        forced: Iterable[int],
        forbidden: Iterable[int],
    ) -> None:
        self.matrix = checked_covers(covers)
        places, sites = self.matrix.shape
        self.people = checked_weight(weight, places)
        self.held, candidates = parted(sites, fixed, forbidden)
        self.must = np.setdiff1d(checked_sites(forced, sites), self.held)
        if not np.isin(self.must, candidates).all():
            raise ValueError("a site cannot be forced and forbidden")
        self.candidates = np.setdiff1d(candidates, self.must)
        self.served = covered_rows(self.matrix, np.union1d(self.held, self.must))
        self.stood = covered_rows(self.matrix, self.held)
        reachable = covered_rows(self.matrix, np.concatenate([self.held, candidates]))
        self.lost = np.flatnonzero(~reachable & (self.people > 0.0))
        self.model = reduced(self.matrix[~self.served], self.people[~self.served], self.candidates)

    def answer(self, k: int, run: Run, *, start: IntArray | None = None) -> CoverPlan:
        """Return the plan of k new sites; its coverage is counted again from the input."""
        if len(self.must) > k:
            raise ValueError(f"{len(self.must)} forced sites do not fit into {k}")
        found, bound = cover_most(self.model, k - len(self.must), run, start=start)
        new = filled(np.union1d(found, self.must), self.candidates, k)
        all_sites = np.union1d(new, self.held)
        objective = float(self.people[covered_rows(self.matrix, all_sites)].sum())
        bound = max(objective, bound + float(self.people[self.served].sum()))
        before = float(self.people[self.stood].sum())
        left = np.where(self.stood, 0.0, self.people)
        order, marginal = built_in_order(self.matrix, left, new)
        gap = gap_between(objective, bound)
        return CoverPlan(
            sites=tuple(new.tolist()),
            fixed=tuple(self.held.tolist()),
            objective=objective,
            bound=objective if gap == 0.0 else bound,
            status=status_of(gap),
            gap=gap,
            seconds=run.seconds,
            unreachable=tuple(self.lost.tolist()),
            before=before,
            build_order=order,
            marginal=marginal,
        )


def counted(k: int) -> int:
    """Return a number of sites after proving that it is not negative."""
    if k < 0:
        raise ValueError(f"a number of sites is not negative: {k}")
    return k


def parted(sites: int, fixed: Iterable[int], forbidden: Iterable[int]) -> tuple[IntArray, IntArray]:
    """Return the fixed sites and the candidates (all but fixed and forbidden ones)."""
    held, never = checked_sites(fixed, sites), checked_sites(forbidden, sites)
    return held, np.setdiff1d(np.arange(sites), np.union1d(held, never))


def filled(new: IntArray, candidates: IntArray, k: int) -> IntArray:
    """Return k sites: those that matter, then the first candidates that are left."""
    if len(new) >= k:
        return np.sort(new)
    return np.union1d(new, np.setdiff1d(candidates, new)[: k - len(new)])


def checked_cost(cost: npt.ArrayLike) -> FloatArray:
    """Return a cost table after proving its shape and signs."""
    table = np.asarray(cost, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("a cost table has two dimensions: demand x sites")
    if np.isnan(table).any() or (table < 0.0).any():
        raise ValueError("costs are not negative, and infinite where there is no way")
    return table


def no_plan(held: IntArray, lost: IntArray, run: Run, *, bound: float = np.inf) -> Plan:
    """Return the answer that there is no plan; not proven when the bound is finite (no time)."""
    return Plan(
        sites=(),
        fixed=tuple(held.tolist()),
        objective=np.inf,
        bound=bound,
        status="infeasible",
        gap=0.0 if np.isinf(bound) else np.inf,
        seconds=run.seconds,
        unreachable=tuple(lost.tolist()),
    )


def plan_of(
    new: IntArray,
    held: IntArray,
    objective: float,
    bound: float,
    run: Run,
    *,
    lost: IntArray | None = None,
) -> Plan:
    """Return a plan with its gap and status."""
    gap = gap_between(objective, min(bound, objective))
    return Plan(
        sites=tuple(np.sort(new).tolist()),
        fixed=tuple(held.tolist()),
        objective=objective,
        bound=objective if gap == 0.0 else bound,
        status=status_of(gap),
        gap=gap,
        seconds=run.seconds,
        unreachable=() if lost is None else tuple(lost.tolist()),
    )
