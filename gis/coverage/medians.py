"""p-median from start to proof: search, price, narrow, prove.

A plan from swaps, a bound from prices; the prices throw out most sites, and what is left is closed
by branching on prices or, with many sites to choose, goes to the solver in the radius formulation
(Elloumi 2010), which needs one variable for each distance that occurs in a row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_model import BoolArray, FloatArray, IntArray
from gis.coverage.exact import Programme, solved
from gis.coverage.median_branch import Branching, cost_of
from gis.coverage.median_prices import MedianBound, MedianTable, Pricing
from gis.coverage.median_swaps import MedianSearch, shaken_median
from gis.coverage.plans import EXTRA_S, Run, gap_between

_STEPS: Final = 500
_ROUNDS: Final = 50
_ATTEMPTS: Final = 3
_SOLVABLE: Final = 400_000
_SMALL: Final = 60_000
_MANY: Final = 30  # sites to choose: more branch too often


def cheapest(
    table: MedianTable, p: int, run: Run, *, start: IntArray | None = None
) -> tuple[IntArray, float]:
    """Return the best plan of at most p columns, and a cost that no plan goes below."""
    columns = table.cost.shape[1]
    if p <= 0 or not columns:
        return np.empty(0, dtype=np.intp), table.largest
    if p >= columns:
        every = np.arange(columns)
        return every, float(table.weight @ np.minimum(table.held, table.cost.min(axis=1)))
    goal = 0.0 if table.cost.size <= _SMALL else run.effort.gap
    search = MedianSearch(table.cost, table.weight, table.held, p)
    if start is not None:
        search.become(start)
    run.objective, run.bound = search.climb(run), 0.0
    plan, pricing, bound = search.columns(), Pricing(table, p), 0.0
    prices = table.weight * (search.near + np.minimum(search.next, 2.0 * search.near)) / 2.0
    price: MedianBound | None = None
    for attempt in range(_ATTEMPTS):
        good = run.objective * (1.0 - goal / 2.0)
        price = pricing.search(prices, run.objective, run, steps=_STEPS, good=good)
        prices, bound = price.prices, max(bound, price.value)
        run.bound = bound
        if attempt == 0:
            search.become(price.top)
            if search.climb(run) < run.objective - search.least:
                run.objective, plan = search.value, search.columns()
        if gap_between(run.objective, bound) <= goal or not run.goes_on("search"):
            break
        before = run.objective
        plan = shaken_median(search, plan, run, rounds=_ROUNDS, goal=bound * (1.0 + goal))
        run.objective = search.value
        if attempt and run.objective > before - search.least:
            break  # neither side moves any more: time to branch
    if price is not None and gap_between(run.objective, bound) > 0.0 and run.goes_on("prove"):
        reached = gap_between(run.objective, bound) <= goal
        plan, bound = _prove(
            table, p, plan, price, pricing, run=run, seconds=EXTRA_S if reached else np.inf
        )
    search.become(plan)
    search.settle(run)
    return search.columns(), min(bound, search.value)


def _prove(
    table: MedianTable,
    p: int,
    plan: IntArray,
    price: MedianBound,
    pricing: Pricing,
    *,
    run: Run,
    seconds: float,
) -> tuple[IntArray, float]:
    """Drop columns that no cheaper plan holds, take those that all hold, close the rest."""
    out, inside = pricing.decided(price, run.objective)
    taken, rest = np.flatnonzero(inside), np.flatnonzero(~out & ~inside)
    held = np.minimum(table.held, table.cost[:, taken].min(axis=1, initial=np.inf))
    entries = int((table.cost[:, rest] < held[:, None]).sum())
    left = p - len(taken)
    if 0 < left < len(rest) and left > _MANY and entries <= _SOLVABLE:
        found, bound = _solved_rest(table, plan, taken, rest, left, run=run, seconds=seconds)
        bound = max(bound, price.value)
    else:
        branching = Branching(table, p, plan, run)
        until = run.seconds + min(seconds, run.left)
        bound = branching.solve(np.flatnonzero(~out), price.prices, until)
        found = branching.plan
    if cost_of(table, found) < run.objective:
        plan, run.objective = np.sort(found), cost_of(table, found)
    return plan, min(bound, run.objective)


def _solved_rest(
    table: MedianTable,
    plan: IntArray,
    taken: IntArray,
    rest: IntArray,
    left: int,
    *,
    run: Run,
    seconds: float,
) -> tuple[IntArray, float]:
    """Return what the solver makes of the columns that are left: a plan and a bound."""
    held = np.minimum(table.held, table.cost[:, taken].min(axis=1, initial=np.inf))
    cost = table.cost[:, rest]
    programme, base = radius_programme(cost, table.weight, held, left)
    start = _start(programme, np.isin(rest, plan), cost, held)
    answer = solved(programme, run, start=start, seconds=seconds)
    lower = answer.bound + base
    if table.whole and np.isfinite(lower):
        lower = float(np.ceil(lower - 1e-5))
    lower = min(run.objective, lower)
    if answer.values is None:
        return plan, lower
    return np.append(taken, rest[answer.values[: len(rest)] > 0.5]), lower


def radius_programme(
    cost: FloatArray, weight: FloatArray, held: FloatArray, p: int
) -> tuple[Programme, float]:
    """Return the radius formulation of a p-median, and the cost that no plan can avoid.

    Variables are the columns, then for each row and each distance D_1 < D_2 < ... below ``held``
    one number that is 1 when nothing chosen is within it; passing D_k costs w (D_k+1 - D_k).
    """
    columns = cost.shape[1]
    order = np.argsort(cost, axis=1, kind="stable")
    ranked = np.take_along_axis(cost, order, axis=1)
    useful = ranked < held[:, None]
    fresh = useful.copy()
    fresh[:, 1:] &= ranked[:, 1:] > ranked[:, :-1]
    row, place = np.nonzero(fresh)  # one level each, by row and distance
    level = np.cumsum(fresh.ravel()).reshape(fresh.shape) - 1
    distance = ranked[row, place]
    last = np.append(row[1:] != row[:-1], True) if len(row) else np.empty(0, dtype=np.bool_)
    after = np.where(last, held[row], np.append(distance[1:], 0.0))
    count = len(row)
    first = np.append(True, row[1:] != row[:-1]) if count else np.empty(0, dtype=np.bool_)
    names = np.arange(count)
    follower = names[~first]
    line = np.concatenate([names, follower, level[useful], np.full(columns, count)])
    column = np.concatenate(
        [columns + names, columns + follower - 1, order[useful], np.arange(columns)]
    )
    value = np.concatenate(
        [np.ones(count), -np.ones(len(follower)), np.ones(int(useful.sum()) + columns)]
    )
    matrix = csr_array((value, (line, column)), shape=(count + 1, columns + count))
    least = np.minimum(held, ranked[:, 0] if columns else held)
    programme = Programme(
        cost=np.concatenate([np.zeros(columns), weight[row] * (after - distance)]),
        lower=np.zeros(columns + count),
        upper=np.ones(columns + count),
        whole=np.arange(columns + count) < columns,
        matrix=matrix,
        row_lower=np.append(first.astype(np.float64), 0.0),
        row_upper=np.append(np.full(count, np.inf), float(p)),
    )
    return programme, float(weight @ least)


def _start(
    programme: Programme, chosen: BoolArray, cost: FloatArray, held: FloatArray
) -> FloatArray | None:
    """Return the columns of a plan with the levels that they leave out; None for too many."""
    if chosen.sum() > programme.row_upper[-1]:
        return None
    columns = cost.shape[1]
    values = np.zeros(programme.matrix.shape[1])
    values[:columns] = chosen
    nearest = np.minimum(held, cost[:, chosen].min(axis=1, initial=np.inf))
    ranked = np.sort(cost, axis=1)
    fresh = ranked < held[:, None]
    fresh[:, 1:] &= ranked[:, 1:] > ranked[:, :-1]
    row, place = np.nonzero(fresh)
    values[columns:] = ranked[row, place] < nearest[row]
    return values
