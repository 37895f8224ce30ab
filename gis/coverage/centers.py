"""p-center: the farthest one as near as can be, by bisection over the distances that occur."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_model import FloatArray, IntArray
from gis.coverage.plans import Run
from gis.coverage.set_cover import fewest, greedy_cover


def farthest(cost: FloatArray, sites: IntArray, held: FloatArray) -> float:
    """Return the largest distance of a row to its nearest one of ``sites`` (or ``held``)."""
    if not len(cost):
        return 0.0
    nearest = held if not len(sites) else np.minimum(held, cost[:, sites].min(axis=1))
    return float(nearest.max())


def centered(cost: FloatArray, p: int, held: FloatArray, run: Run) -> tuple[IntArray, float]:
    """Return at most p columns, and a distance that no choice of p goes below.

    Parameters
    ----------
    cost
        Rows x columns, infinite where a column does not reach a row.
    held
        Of each row, the distance to what is there already (infinite without).

    Notes
    -----
    "Everybody within d" is a full cover of at most p sites; the answer is the smallest of the
    distances that occur for which there is one. First the greedy cover narrows the range, then
    the exact one closes it.
    """
    none = np.empty(0, dtype=np.intp)
    lower = float(np.minimum(held, cost.min(axis=1, initial=np.inf)).max(initial=0.0))
    best, upper = none, farthest(cost, none, held)
    run.objective, run.bound = upper, lower
    if upper <= lower or p == 0:
        return best, upper if p == 0 else lower
    levels = _levels(cost, held, lower, upper)
    low, high = 0, len(levels)  # the answer is among levels[low..high]; high: not reached yet
    least, most = low, high
    while least < most and run.goes_on("search"):
        middle = (least + most) // 2
        found = _greedily(cost, held, float(levels[middle]))
        if len(found) <= p:
            best, upper, high = _kept(
                cost, held, found=found, best=best, upper=upper, levels=levels
            )
            most = min(middle, high)
        else:
            least = middle + 1
        run.objective = upper
    while low < high and run.goes_on("prove"):
        middle = (low + high) // 2
        matrix = _within(cost, held, float(levels[middle]))
        if (np.diff(matrix.indptr) == 0).any():
            low = middle + 1
            continue
        inner = Run(run.effort, started=run.started)
        found, fewer = fewest(matrix, inner, enough=p)
        run.stopped = inner.stopped
        if len(found) <= p:
            best, upper, high = _kept(
                cost, held, found=found, best=best, upper=upper, levels=levels
            )
        elif fewer > p:
            low = middle + 1
        else:
            break
        run.objective, run.bound = upper, float(levels[low]) if low < len(levels) else upper
    bound = float(levels[low]) if low < len(levels) else np.inf
    return best, min(bound, upper)


def _levels(cost: FloatArray, held: FloatArray, lower: float, upper: float) -> FloatArray:
    inside = cost[(cost >= lower) & (cost <= upper) & np.isfinite(cost)]
    there = held[(held >= lower) & (held <= upper) & np.isfinite(held)]
    return np.unique(np.concatenate([inside, there]))


def _within(cost: FloatArray, held: FloatArray, distance: float) -> csr_array:
    rows = np.flatnonzero(held > distance)
    return csr_array(cost[rows] <= distance, dtype=np.float64)


def _greedily(cost: FloatArray, held: FloatArray, distance: float) -> IntArray:
    matrix = _within(cost, held, distance)
    if (np.diff(matrix.indptr) == 0).any():
        return np.arange(cost.shape[1] + 1)  # no cover: more sites than there are
    return greedy_cover(matrix, csr_array(matrix.T))


def _kept(
    cost: FloatArray,
    held: FloatArray,
    *,
    found: IntArray,
    best: IntArray,
    upper: float,
    levels: FloatArray,
) -> tuple[IntArray, float, int]:
    """Return the better of two plans, its distance, and the place of that among the levels."""
    reached = farthest(cost, found, held)
    if reached < upper:
        best, upper = found, reached
    return best, upper, int(np.searchsorted(levels, upper))
