"""Maximal covering from start to proof: search, bound, narrow, prove.

Good plans come from swaps within a second or two, the bound from prices within a few more; the
prices then throw out most sites (none of the better plans holds them) and merge most rows, and
what is left goes to the solver with the plan as its start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_bounds import CoverBound, decided, priced, programme, relaxed
from gis.coverage.cover_model import CoverModel, FloatArray, IntArray, covered_rows, reduced
from gis.coverage.exact import solved
from gis.coverage.plans import EXTRA_S, PROVEN, Run, gap_between
from gis.coverage.swaps import CoverSearch, climbed, shaken

SMALL: Final = 60_000
"""Models of at most so many entries are solved to the end, whatever gap would do."""

_ENTRIES_A_SECOND: Final = 40_000
"""What the solver needs at least to be of use: it cannot be stopped while it prepares."""

_STEPS: Final = 400
_ROUNDS: Final = 30
_STARTS: Final = 4
_ATTEMPTS: Final = 3


@dataclass(slots=True)
class _Narrowed:
    """What is still open: a smaller model, what was decided to be in, and what that covers."""

    model: CoverModel
    k: int
    inside: IntArray
    base: float

    @property
    def open(self) -> bool:
        """Return whether there is still something to choose."""
        return 0 < self.k < len(self.model.sites)


def cover_most(
    model: CoverModel, k: int, run: Run, *, start: IntArray | None = None
) -> tuple[IntArray, float]:
    """Return the site positions of the best plan of at most k sites, and a bound on all plans.

    ``start``: site positions of a plan to begin with.
    """
    if k <= 0 or not len(model.sites):
        return np.empty(0, dtype=np.intp), 0.0
    if k >= len(model.sites):
        return model.sites, model.total
    goal = 0.0 if model.rows.nnz <= SMALL else run.effort.gap
    search = CoverSearch(model, k)
    begin = np.empty(0, dtype=np.intp) if start is None else _columns_of(model, start)
    run.objective = max(climbed(search, begin, run), 0.0)
    plan, bound = search.columns(), model.total
    first = model.weight / np.maximum(search.count, 1.0)
    run.bound = bound
    price, met = priced(
        model, k, run.objective, run, start=first, steps=_STEPS, good=run.objective * (1.0 + goal)
    )
    bound = run.bound = price.value
    for columns in met[-_STARTS:]:
        if gap_between(run.objective, bound) <= goal or not run.goes_on("search"):
            break
        value = climbed(search, columns, run)
        if value > run.objective + search.least:
            run.objective, plan = value, search.columns()
    for _ in range(_ATTEMPTS):
        if gap_between(run.objective, bound) <= goal or not run.goes_on("search"):
            break
        stop = min(bound, bound / (1.0 + goal) + search.least)
        plan = shaken(search, plan, run, rounds=_ROUNDS, goal=stop)
        run.objective, good = search.value, search.value * (1.0 + goal)
        if gap_between(run.objective, bound) <= goal:
            break
        price, _ = priced(
            model, k, run.objective, run, start=price.prices, steps=2 * _STEPS, good=good
        )
        bound = run.bound = min(bound, price.value)
    if gap_between(run.objective, bound) > 0.0 and run.goes_on("prove"):
        plan, bound = _prove(model, k, plan, price, run=run, goal=goal)
    search.become(plan)
    search.settle(run)
    return model.sites[search.columns()], max(bound, search.value)


def _columns_of(model: CoverModel, sites: IntArray) -> IntArray:
    columns = np.searchsorted(model.sites, sites)
    columns = np.minimum(columns, len(model.sites) - 1)
    return np.asarray(columns[model.sites[columns] == sites])


def _prove(
    model: CoverModel, k: int, plan: IntArray, price: CoverBound, *, run: Run, goal: float
) -> tuple[IntArray, float]:
    """Narrow by prices, price anew, narrow again, then solve; columns of ``model``, and a bound."""
    every = CoverModel(model.rows, model.columns, model.weight, np.arange(len(model.sites)))
    rest = _narrow(_Narrowed(every, k, np.empty(0, dtype=np.intp), 0.0), price, run.objective)
    bound = price.value
    if gap_between(run.objective, bound) <= goal and rest.open:
        if rest.model.rows.nnz > SMALL:
            return plan, bound
        return _solve_rest(model, rest, plan, bound, run=run, goal=0.0, seconds=EXTRA_S)
    if rest.open and rest.model.rows.nnz > SMALL:
        if not _worth_while(rest, run):
            return plan, bound
        again = _priced_anew(rest, plan, run)
        bound = min(bound, max(run.objective, rest.base + again.value))
        run.bound = bound
        if gap_between(run.objective, bound) <= goal or not run.goes_on("prove"):
            return plan, bound
        rest = _narrow(rest, again, run.objective)
        if rest.open and not _worth_while(rest, run):
            return plan, bound
    return _solve_rest(model, rest, plan, bound, run=run, goal=goal)


def _worth_while(rest: _Narrowed, run: Run) -> bool:
    return bool(run.left > rest.model.rows.nnz / _ENTRIES_A_SECOND)


def _priced_anew(rest: _Narrowed, plan: IntArray, run: Run) -> CoverBound:
    """Return the bound of what is left by interior point, or by more steps without the time."""
    found = relaxed(rest.model, rest.k, run, seconds=run.left * 0.5)
    if found is not None:
        return found
    held = covered_rows(rest.model.rows, _columns_of(rest.model, plan))
    start = np.where(held, 0.5, 1.0) * rest.model.weight
    aim = run.objective - rest.base
    return priced(rest.model, rest.k, aim, run, start=start, steps=_STEPS)[0]


def _narrow(rest: _Narrowed, price: CoverBound, objective: float) -> _Narrowed:
    """Drop the columns that no better plan holds, take those that all better plans hold."""
    model = rest.model
    out, inside = decided(model, rest.k, price, objective - rest.base)
    if not out.any() and not inside.any():
        return rest
    taken = np.flatnonzero(inside)
    served = covered_rows(model.rows, taken)
    small = reduced(model.rows[~served], model.weight[~served], np.flatnonzero(~out & ~inside))
    return _Narrowed(
        CoverModel(small.rows, small.columns, small.weight, model.sites[small.sites]),
        rest.k - len(taken),
        np.append(rest.inside, model.sites[taken]),
        rest.base + float(model.weight[served].sum()),
    )


def _solve_rest(
    model: CoverModel,
    rest: _Narrowed,
    plan: IntArray,
    bound: float,
    *,
    run: Run,
    goal: float,
    seconds: float = np.inf,
) -> tuple[IntArray, float]:
    if rest.k <= 0 or not len(rest.model.sites):
        return _better(model, plan, rest.inside, bound=bound, upper=rest.base, run=run)
    if rest.k >= len(rest.model.sites):
        whole = np.append(rest.inside, rest.model.sites)
        return _better(model, plan, whole, bound=bound, upper=rest.base + rest.model.total, run=run)
    small = rest.model
    begin = _columns_of(small, plan)[: rest.k]
    values = np.zeros(len(small.sites) + len(small.weight))
    values[begin] = 1.0
    values[len(small.sites) :] = covered_rows(small.rows, begin)
    answer = solved(programme(small, rest.k), run, start=values, gap=goal, seconds=seconds)
    upper = rest.base - answer.bound
    if model.whole:
        upper = float(np.floor(upper + 1e-6 * max(1.0, abs(upper)) ** 0.5))
    if answer.values is None:
        return plan, bound
    columns = np.flatnonzero(answer.values[: len(small.sites)] > 0.5)
    found = np.append(rest.inside, small.sites[columns])
    return _better(model, plan, found, bound=bound, upper=upper, run=run)


def _better(
    model: CoverModel, plan: IntArray, found: IntArray, *, bound: float, upper: float, run: Run
) -> tuple[IntArray, float]:
    """Return the better of two plans, and the bound: nothing beats both it and ``upper``."""
    value = float(model.weight[covered_rows(model.rows, found)].sum())
    if value > run.objective + PROVEN * model.total:
        run.objective, plan = value, found
    return plan, min(bound, max(run.objective, upper))


def built_in_order(
    covers: csr_array, weight: FloatArray, sites: IntArray
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return sites in the order of what each adds to those before it, and these additions.

    >>> covers = csr_array(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    >>> built_in_order(covers, np.array([5.0, 2.0, 4.0]), np.array([0, 1]))
    ((0, 1), (7.0, 4.0))
    """
    columns = csr_array(covers[:, sites].T)
    left, names = weight.copy(), np.asarray(sites).copy()
    order: list[int] = []
    added: list[float] = []
    for _ in range(len(names)):
        gains = np.asarray(columns @ left)
        gains[np.isin(names, order)] = -1.0
        best = int(np.argmax(gains))
        order.append(int(names[best]))
        added.append(float(gains[best]))
        left[columns.indices[columns.indptr[best] : columns.indptr[best + 1]]] = 0.0
    return tuple(order), tuple(added)
