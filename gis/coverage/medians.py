"""p-median from start to proof: search, price, narrow, prove.

With a price u_i for serving each row, no plan of p sites costs less than

    L(u) = sum(u_i) + the p smallest of  sum over rows of min(0, w_i c_ij - u_i)

for any u (Narula, Ogbu and Samuelsson 1977). Only the near sites of a row count in the sum, so
that the rest of the table is never looked at; and the same sums tell which sites cannot be, or
must be, in any better plan. What is left after that goes to the solver in the radius formulation
(Elloumi 2010), which needs one variable for each distance that occurs in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_model import BoolArray, FloatArray, IntArray
from gis.coverage.exact import Programme, solved
from gis.coverage.median_swaps import MedianSearch, shaken_median
from gis.coverage.plans import EXTRA_S, Run, gap_between

_ROUNDING: Final = 1e-10
_NEAR: Final = 6  # times rows' share of sites: how many near sites of a row count at first
_STEPS: Final = 500
_PATIENCE: Final = 20
_ROUNDS: Final = 12
_ATTEMPTS: Final = 3
_SOLVABLE: Final = 400_000
_SMALL: Final = 60_000


@dataclass(frozen=True, slots=True)
class MedianTable:
    """Rows x columns of costs with what is there already; everything finite and by people.

    ``whole``: all weighted costs are whole numbers.
    """

    cost: FloatArray
    weight: FloatArray
    held: FloatArray
    whole: bool

    @property
    def largest(self) -> float:
        """Return what serving everybody from what is there costs."""
        return float(self.weight @ self.held)


@dataclass(frozen=True, slots=True)
class MedianBound:
    """Prices, the bound they give, the sums of the columns, and the chosen ones."""

    prices: FloatArray
    value: float
    sums: FloatArray
    top: IntArray


class Pricing:
    """The near entries of a table, and bounds from prices over them."""

    def __init__(self, table: MedianTable, p: int) -> None:
        rows, columns = table.cost.shape
        self.table, self.p, self.columns = table, min(p, columns), columns
        near = min(columns, max(30, _NEAR * columns // max(p, 1)))
        cap = table.held.copy()
        if near < columns:
            size = max(1, 4_000_000 // columns)
            for begin in range(0, rows, size):
                part = slice(begin, begin + size)
                farthest = np.partition(table.cost[part], near, axis=1)[:, near]
                cap[part] = np.minimum(cap[part], farthest)
        inside = table.cost < cap[:, None]
        self.row, self.column = np.nonzero(inside)
        self.entry = table.weight[self.row] * table.cost[inside]
        self.cap = table.weight * cap

    def at(self, prices: FloatArray) -> tuple[float, FloatArray, IntArray, BoolArray]:
        """Return value, sums, the p smallest sums and the entries below their price."""
        under = self.entry - prices[self.row]
        below = under < 0.0
        served = np.bincount(self.column[below], under[below], self.columns)
        sums = np.asarray(served, dtype=np.float64)
        top = np.argpartition(sums, self.p - 1)[: self.p]
        return float(prices.sum() + sums[top].sum()), sums, top, below

    def bound(self, prices: FloatArray) -> MedianBound:
        """Return the bound of prices; it is rounded so that it holds, up when all is whole."""
        value, sums, top, _ = self.at(prices)
        value -= _ROUNDING * max(float(prices.sum()), 1.0)
        if self.table.whole:
            value = float(np.ceil(value - 1e-6))
        return MedianBound(prices, value, sums, top)

    def search(
        self, start: FloatArray, objective: float, run: Run, *, steps: int, good: float
    ) -> MedianBound:
        """Return the best bound of a subgradient search that aims at the objective."""
        prices, step, failed = np.minimum(start, self.cap), 1.0, 0
        best = self.bound(prices)
        direction = np.zeros(len(prices))
        chosen = np.zeros(self.columns, dtype=np.bool_)
        for number in range(steps):
            if best.value >= min(objective, good) or step < 1e-3:
                break
            if number % 20 == 0 and not run.goes_on("bound"):
                break
            value, _, top, below = self.at(prices)
            if value > best.value + 1e-8 * abs(best.value):
                found, failed = self.bound(prices), 0
                best = found if found.value >= best.value else best
                run.bound = max(run.bound, best.value)
            else:
                failed += 1
            if failed >= _PATIENCE:
                step, failed, prices = step / 2.0, 0, best.prices.copy()
                direction[:] = 0.0
                continue
            chosen[:] = False
            chosen[top] = True
            served = below & chosen[self.column]
            slope = 1.0 - np.bincount(self.row[served], minlength=len(prices))
            slope[(prices >= self.cap) & (slope > 0.0)] = 0.0
            direction = 0.7 * direction + 0.3 * slope
            norm = float(direction @ direction)
            if norm <= 0.0:
                break
            prices = np.minimum(
                prices + step * max(objective - value, 1e-6) / norm * direction, self.cap
            )
        return best

    def decided(self, bound: MedianBound, objective: float) -> tuple[BoolArray, BoolArray]:
        """Return which columns are out of, and which in, every plan cheaper than ``objective``."""
        none = np.zeros(self.columns, dtype=np.bool_)
        if self.columns <= self.p:
            return none, none
        value, sums, chosen, _ = self.at(bound.prices)
        room = objective - value + 2.0 * _ROUNDING * max(abs(value), 1.0)
        if self.table.whole:
            room -= 1.0 - 1e-6
        top = none.copy()
        top[chosen] = True
        last_in, first_out = sums[top].max(), sums[~top].min()
        return ~top & (sums - last_in > room), top & (first_out - sums > room)


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
        if attempt == 0:
            search.become(price.top)
            if search.climb(run) < run.objective - search.least:
                run.objective, plan = search.value, search.columns()
        if gap_between(run.objective, bound) <= goal or not run.goes_on("search"):
            break
        stop = max(bound, bound * (1.0 + goal))
        plan = shaken_median(search, plan, run, rounds=_ROUNDS, goal=stop)
        run.objective = search.value
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
    """Drop columns that no cheaper plan holds, take those that all hold, solve the rest."""
    out, inside = pricing.decided(price, run.objective)
    taken, rest = np.flatnonzero(inside), np.flatnonzero(~out & ~inside)
    held = np.minimum(table.held, table.cost[:, taken].min(axis=1, initial=np.inf))
    bound = price.value
    cost = table.cost[:, rest]
    if len(taken) + len(rest) <= p:
        found = np.append(taken, rest)
        value, bound = _cost(table, found), run.objective
    elif int((cost < held[:, None]).sum()) > (_SOLVABLE if seconds > EXTRA_S else _SMALL):
        return plan, bound
    else:
        programme, base = radius_programme(cost, table.weight, held, p - len(taken))
        start = _start(programme, np.isin(rest, plan), cost, held)
        answer = solved(programme, run, start=start, seconds=seconds)
        lower = answer.bound + base
        if table.whole:
            lower = float(np.ceil(lower - 1e-5))
        bound = max(bound, min(run.objective, lower))
        if answer.values is None:
            return plan, bound
        found = np.append(taken, rest[answer.values[: len(rest)] > 0.5])
        value = _cost(table, found)
    if value < run.objective:
        run.objective, plan = value, np.sort(found)
    return plan, min(bound, run.objective)


def _cost(table: MedianTable, columns: IntArray) -> float:
    nearest = np.minimum(table.held, table.cost[:, columns].min(axis=1, initial=np.inf))
    return float(table.weight @ nearest)


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
