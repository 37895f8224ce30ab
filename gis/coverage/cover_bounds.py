"""Upper bounds for maximal covering that hold whatever the numbers are worth.

Relaxing "a row counts only when a chosen site reaches it" with a price u_i on each row gives, for
any 0 <= u <= w,

    L(u) = sum(w_i - u_i) + the k largest of  sum of u_i over the rows of a site

and no plan of k sites covers more. Prices come from a subgradient search (Held, Wolfe and Crowder
1974), or from the row duals of the relaxation by interior point; the bound is computed from the
prices here, so that no solver has to be trusted. The same prices tell which sites cannot be, or
must be, in any better plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack

from gis.coverage.cover_model import BoolArray, CoverModel, FloatArray, IntArray
from gis.coverage.exact import Programme, row_duals
from gis.coverage.plans import Run

_ROUNDING: Final = 1e-10  # of the total weight: far more than sums in double precision can lose
_PATIENCE: Final = 30
_MEMORY: Final = 0.9


@dataclass(frozen=True, slots=True)
class CoverBound:
    """Prices, the bound they give, and the columns with the k largest sums."""

    prices: FloatArray
    value: float
    sums: FloatArray
    top: IntArray


def bound_of(model: CoverModel, k: int, prices: FloatArray) -> CoverBound:
    """Return the bound that prices give; prices outside 0..w are moved to the nearest end.

    >>> rows = csr_array(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> model = CoverModel(rows, csr_array(rows.T), np.array([5.0, 3.0]), np.array([0, 1]))
    >>> round(bound_of(model, 1, model.weight).value, 6)
    5.0
    """
    prices = np.clip(prices, 0.0, model.weight)
    sums = np.asarray(model.columns @ prices)
    count = min(k, len(sums))
    top = np.argpartition(-sums, count - 1)[:count] if count else np.empty(0, dtype=np.intp)
    value = float((model.weight - prices).sum() + sums[top].sum()) + _ROUNDING * model.total
    if model.whole:
        value = float(np.floor(value + _ROUNDING * model.total))
    return CoverBound(prices, min(value, model.total), sums, top)


def priced(
    model: CoverModel,
    k: int,
    objective: float,
    run: Run,
    *,
    start: FloatArray,
    steps: int,
    good: float = 0.0,
) -> tuple[CoverBound, list[IntArray]]:
    """Return the best bound of a subgradient search, and plans met on the way.

    Parameters
    ----------
    objective
        Of the best known plan: the steps aim at it.
    good
        Stop when the bound is at most this.
    """
    prices, step, failed = start.copy(), 1.0, 0
    best, met = bound_of(model, k, prices), []
    direction = np.zeros(len(prices))
    chosen = np.zeros(len(model.sites))
    total = model.total
    for number in range(steps):
        if best.value <= max(objective, good) or step < 1e-3:
            break
        if number % 20 == 0 and not run.goes_on("bound"):
            break
        sums = np.asarray(model.columns @ prices)
        top = np.argpartition(-sums, k - 1)[:k]
        value = total - float(prices.sum()) + float(sums[top].sum())
        if value < best.value - 1e-7 * total:
            found = bound_of(model, k, prices)
            best, failed = (found, 0) if found.value < best.value else (best, failed + 1)
        else:
            failed += 1
        if failed >= _PATIENCE:
            step, failed, prices = step / 2.0, 0, best.prices.copy()
            direction[:] = 0.0
            met.append(best.top)
            continue
        chosen[:] = 0.0
        chosen[top] = 1.0
        slope = np.asarray(model.rows @ chosen) - 1.0
        slope[(prices <= 0.0) & (slope > 0.0)] = 0.0
        slope[(prices >= model.weight) & (slope < 0.0)] = 0.0
        direction = _MEMORY * direction + (1.0 - _MEMORY) * slope
        norm = float((model.weight * direction * direction).sum())
        if norm <= 0.0:
            break
        size = step * max(value - objective, 1e-6 * total) / norm
        prices = np.clip(prices - size * model.weight * direction, 0.0, model.weight)
    met.append(best.top)
    return best, met


def relaxed(model: CoverModel, k: int, run: Run, *, seconds: float) -> CoverBound | None:
    """Return the bound from the relaxation's duals (interior point), or None without the time."""
    duals = row_duals(programme(model, k), run, seconds=seconds)
    return None if duals is None else bound_of(model, k, -duals[: len(model.weight)])


def programme(model: CoverModel, k: int) -> Programme:
    """Return the covering problem as a programme: variables are the sites, then the rows.

    Minimise -w @ y with y_i - (chosen sites of row i) <= 0 and at most k sites. Only the sites
    need to be whole: y then is.
    """
    rows, columns = model.rows.shape
    cover = hstack([-model.rows, eye_array(rows)], format="csr")
    budget = csr_array(
        (np.ones(columns), np.arange(columns), np.array([0, columns])), shape=(1, rows + columns)
    )
    matrix = csr_array(
        (
            np.concatenate([cover.data, budget.data]),
            np.concatenate([cover.indices, budget.indices]),
            np.concatenate([cover.indptr, [cover.nnz + columns]]),
        ),
        shape=(rows + 1, rows + columns),
    )
    return Programme(
        cost=np.concatenate([np.zeros(columns), -model.weight]),
        lower=np.zeros(rows + columns),
        upper=np.ones(rows + columns),
        whole=np.concatenate([np.ones(columns, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)]),
        matrix=matrix,
        row_lower=np.full(rows + 1, -np.inf),
        row_upper=np.append(np.zeros(rows), float(k)),
    )


def decided(
    model: CoverModel, k: int, bound: CoverBound, objective: float
) -> tuple[BoolArray, BoolArray]:
    """Return which columns are out of, and which are in, every plan better than ``objective``.

    A column outside the top k that would lower the bound to the objective when forced in is out;
    one of the top k that would lower it so when left out is in.
    """
    columns = len(bound.sums)
    none = np.zeros(columns, dtype=np.bool_)
    if columns <= k:
        return none, none
    value = float((model.weight - bound.prices).sum() + bound.sums[bound.top].sum())
    room = value + 2.0 * _ROUNDING * model.total - objective
    if model.whole:
        room -= 1.0 - 1e-6  # a better plan is better by one at least
    top = none.copy()
    top[bound.top] = True
    last_in, first_out = bound.sums[top].min(), bound.sums[~top].max()
    return ~top & (last_in - bound.sums > room), top & (bound.sums - first_out > room)
