"""Maximal covering within limits: a budget, and a share of people in each group of areas.

Limits only take plans away, so the bound without them holds; the solver makes it tighter where
time allows. Every plan is tried against the limits once more before it is returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack, vstack

from gis.coverage.cover_model import Covers, FloatArray, IntArray, covered_rows, merged
from gis.coverage.exact import Programme, solved
from gis.coverage.max_cover import built_in_order
from gis.coverage.plans import STANDARD, CoverPlan, Effort, Run, gap_between, status_of
from gis.coverage.questions import CoverQuestion, counted

_FREE_SHARE: Final = 0.3  # of the time goes to the bound without limits
_EPS: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan must keep to.

    Attributes
    ----------
    cost, budget
        Of each site, and for all NEW sites together; None: no budget.
    group, least
        Of each place, its group (-1: none); of each group, the people who must be covered, kept
        stations counted. None: no such limit.
    """

    cost: FloatArray | None = None
    budget: float | None = None
    group: npt.NDArray[np.intp] | None = None
    least: FloatArray | None = None


def limited_covering(
    covers: Covers,
    weight: npt.ArrayLike,
    k: int,
    limits: Limits,
    *,
    fixed: Iterable[int] = (),
    forced: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> CoverPlan:
    """Return at most k new sites that cover the most people and keep the limits.

    Parameters
    ----------
    covers, weight, k, fixed, forced, forbidden, effort
        As in :func:`gis.coverage.siting.max_covering`; here a plan may hold fewer than k sites.

    Returns
    -------
    CoverPlan
        ``infeasible`` without sites when no plan keeps the limits, or none was found in time (then
        ``gap`` is infinite and not 0).

    Examples
    --------
    >>> covers = np.array([[1, 0], [1, 0], [0, 1]], dtype=bool)
    >>> fair = Limits(group=np.array([0, 0, 1]), least=np.array([0.0, 5.0]))
    >>> limited_covering(covers, [10, 10, 5], 1, fair).sites
    (1,)
    >>> limited_covering(covers, [10, 10, 5], 2, Limits(np.array([3.0, 1.0]), 2.0)).sites
    (1,)
    """
    run = Run(effort)
    question = CoverQuestion(covers, weight, fixed, forced, forbidden)
    free_run = Run(
        Effort(
            seconds=max(effort.seconds * _FREE_SHARE, 0.5),
            gap=effort.gap,
            seed=effort.seed,
            watch=effort.watch,
        )
    )
    free = question.answer(counted(k), free_run)
    run.stopped = free_run.stopped
    model = _Model(question, limits)
    # the free plan is filled up to k with sites that bring nobody: these need not be paid
    useful = np.array(
        [site for site, more in zip(free.build_order, free.marginal, strict=True) if more > 0.0],
        dtype=np.intp,
    )
    plan = np.union1d(useful, question.must)
    if model.keeps(plan):
        return _plan_of(question, plan, free.bound, run)
    start = model.grown(k)
    programme, sites = model.programme(k)
    known = None if start is None else model.start_of(start, sites)
    answer = solved(programme, run, start=known, gap=effort.gap / 2.0)
    if answer.infeasible:
        return _none(question, 0.0, run)
    bound = min(free.bound, -answer.bound + model.base if np.isfinite(answer.bound) else np.inf)
    best = start
    if answer.values is not None:
        found = np.union1d(sites[answer.values[: len(sites)] > 0.5], question.must)
        if model.keeps(found) and (best is None or model.worth(found) > model.worth(best)):
            best = found
    return _none(question, np.inf, run) if best is None else _plan_of(question, best, bound, run)


def _plan_of(question: CoverQuestion, new: IntArray, bound: float, run: Run) -> CoverPlan:
    everything = np.union1d(new, question.held)
    objective = float(question.people[covered_rows(question.matrix, everything)].sum())
    bound = max(bound, objective)
    if (question.people == np.floor(question.people)).all():
        bound = max(objective, float(np.floor(bound + 1e-6)))
    before = float(question.people[question.stood].sum())
    left = np.where(question.stood, 0.0, question.people)
    order, marginal = built_in_order(question.matrix, left, new)
    gap = gap_between(objective, bound)
    return CoverPlan(
        sites=tuple(np.sort(new).tolist()),
        fixed=tuple(question.held.tolist()),
        objective=objective,
        bound=bound,
        status=status_of(gap),
        gap=gap,
        seconds=run.seconds,
        unreachable=tuple(question.lost.tolist()),
        before=before,
        build_order=order,
        marginal=marginal,
    )


def _none(question: CoverQuestion, gap: float, run: Run) -> CoverPlan:
    before = float(question.people[question.stood].sum())
    return CoverPlan(
        sites=(),
        fixed=tuple(question.held.tolist()),
        objective=before,
        bound=before,
        status="infeasible",
        gap=gap,
        seconds=run.seconds,
        unreachable=tuple(question.lost.tolist()),
        before=before,
        build_order=(),
        marginal=(),
    )


class _Model:
    """The rows that are still open, merged within each group, and what the limits ask of them."""

    def __init__(self, question: CoverQuestion, limits: Limits) -> None:
        self.question, self.limits = question, limits
        count = len(question.people)
        grouped = limits.group is not None and limits.least is not None
        group = np.asarray(limits.group) if grouped else np.full(count, -1)
        self.least = np.zeros(0) if limits.least is None else np.asarray(limits.least, np.float64)
        self.cost = (
            np.zeros(question.matrix.shape[1])
            if limits.cost is None
            else np.asarray(limits.cost, np.float64)
        )
        self.budget = np.inf if limits.budget is None else float(limits.budget)
        self.group = group
        self.base = float(question.people[question.served].sum())
        done = np.where(question.served & (group >= 0), question.people, 0.0)
        self.done = np.bincount(np.maximum(group, 0), done, max(len(self.least), 1))
        open_rows = np.flatnonzero(~question.served)
        marks = csr_array(
            (np.ones(len(open_rows)), (np.arange(len(open_rows)), group[open_rows] + 1)),
            shape=(len(open_rows), len(self.least) + 1),
        )
        joined = hstack([question.matrix[open_rows][:, question.candidates], marks], format="csr")
        reached = np.diff(question.matrix[open_rows][:, question.candidates].indptr) > 0
        rows, crowd = merged(csr_array(joined)[reached], question.people[open_rows][reached])
        sites = len(question.candidates)
        self.rows, self.crowd = csr_array(rows[:, :sites]), crowd
        self.row_group = np.asarray(rows[:, sites:] @ np.arange(len(self.least) + 1)) - 1.0

    def worth(self, plan: IntArray) -> float:
        """Return the people whom a plan covers."""
        sites = np.union1d(plan, self.question.held)
        return float(self.question.people[covered_rows(self.question.matrix, sites)].sum())

    def keeps(self, plan: IntArray) -> bool:
        """Tell whether a plan keeps to the limits, counted from the input."""
        if float(self.cost[plan].sum()) > self.budget + _EPS:
            return False
        sites = np.union1d(plan, self.question.held)
        covered = covered_rows(self.question.matrix, sites)
        inside = covered & (self.group >= 0)
        reached = np.bincount(
            self.group[inside], self.question.people[inside], max(len(self.least), 1)
        )
        return bool((reached[: len(self.least)] >= self.least - _EPS).all())

    def grown(self, k: int) -> IntArray | None:
        """Return a plan that keeps the limits, grown group by group and then by people."""
        question = self.question
        chosen = question.must.copy()
        left = self.crowd.copy()
        columns = csr_array(self.rows.T)
        short = self.least - self.done[: len(self.least)]
        price = self.cost[question.candidates]
        spent = float(self.cost[chosen].sum())
        while len(chosen) < k:
            worth = left
            if len(short) and (short > _EPS).any():
                wanted = np.append(short > _EPS, [False])  # row_group -1 reads the last place
                worth = left * wanted[self.row_group.astype(np.intp)]
            gain = np.asarray(columns @ worth)
            gain[np.isin(question.candidates, chosen) | (price + spent > self.budget + _EPS)] = 0.0
            if self.limits.cost is not None:
                gain = gain / np.maximum(price, _EPS)
            best = int(np.argmax(gain)) if len(gain) else 0
            if not len(gain) or gain[best] <= 0.0:
                break
            chosen = np.append(chosen, question.candidates[best])
            spent += float(price[best])
            rows = columns.indices[columns.indptr[best] : columns.indptr[best + 1]]
            if len(short):
                here = rows[self.row_group[rows] >= 0]
                short = short - np.bincount(
                    self.row_group[here].astype(np.intp), left[here], len(short)
                )
            left[rows] = 0.0
        plan = np.sort(chosen)
        return plan if self.keeps(plan) else None

    def programme(self, k: int) -> tuple[Programme, IntArray]:
        """Return the programme over candidate sites and merged rows, and its sites."""
        question = self.question
        sites, places = len(question.candidates), self.rows.shape[0]
        eye = csr_array((np.ones(places), (np.arange(places),) * 2), shape=(places, places))
        parts = [hstack([-self.rows, eye])]
        lower, upper = [np.full(places, -np.inf)], [np.zeros(places)]
        parts.append(csr_array(np.concatenate([np.ones(sites), np.zeros(places)])[None, :]))
        lower.append(np.array([-np.inf]))
        upper.append(np.array([float(k - len(question.must))]))
        if np.isfinite(self.budget):
            price = np.concatenate([self.cost[question.candidates], np.zeros(places)])
            parts.append(csr_array(price[None, :]))
            lower.append(np.array([-np.inf]))
            upper.append(np.array([self.budget - float(self.cost[question.must].sum())]))
        if len(self.least):
            here = np.flatnonzero(self.row_group >= 0)
            inside = csr_array(
                (self.crowd[here], (self.row_group[here].astype(np.intp), sites + here)),
                shape=(len(self.least), sites + places),
            )
            parts.append(inside)
            lower.append(self.least - self.done[: len(self.least)])
            upper.append(np.full(len(self.least), np.inf))
        return (
            Programme(
                cost=np.concatenate([np.zeros(sites), -self.crowd]),
                lower=np.zeros(sites + places),
                upper=np.ones(sites + places),
                whole=np.arange(sites + places) < sites,
                matrix=csr_array(vstack(parts, format="csr")),
                row_lower=np.concatenate(lower),
                row_upper=np.concatenate(upper),
            ),
            question.candidates,
        )

    def start_of(self, plan: IntArray, sites: IntArray) -> FloatArray:
        """Return a plan as values of the programme."""
        chosen = np.isin(sites, plan).astype(np.float64)
        return np.concatenate([chosen, np.minimum(np.asarray(self.rows @ chosen), 1.0)])
