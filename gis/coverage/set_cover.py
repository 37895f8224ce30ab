"""Full cover with the fewest sites, and the p-center that rests on it.

A covering question is decided on the few rows that matter: solve for those, look which rows the
answer leaves out, add some of them, solve again (Chen and Handler 1987). Fewer rows can only need
fewer sites, so a bound of the small model is a bound of the whole one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import csr_array

from gis.coverage.cover_model import IntArray, gather, undominated
from gis.coverage.exact import Programme, solved
from gis.coverage.plans import Run

_ADDED: Final = 40
_EPS: Final = 1e-6


def greedy_cover(matrix: csr_array, columns: csr_array) -> IntArray:
    """Return columns that cover every row: most new rows first, at last without the idle ones.

    Every row must have a column.
    """
    count = np.zeros(matrix.shape[0], dtype=np.intp)
    gain = np.diff(columns.indptr).astype(np.intp)
    chosen: list[int] = []
    while not count.all():
        best = int(np.argmax(gain))
        chosen.append(best)
        touched, _ = gather(columns, np.array([best], dtype=np.intp))
        fresh = touched[count[touched] == 0]
        count[touched] += 1
        lost, _ = gather(matrix, fresh)
        gain -= np.bincount(lost, minlength=len(gain))
    return greedy_trim(columns, np.array(chosen, dtype=np.intp), matrix.shape[0])


def fewest(
    matrix: csr_array, run: Run, *, enough: int = 0, share: float = np.inf
) -> tuple[IntArray, int]:
    """Return columns that cover every row, and a number of sites that no cover goes below.

    Parameters
    ----------
    matrix
        Rows x columns, every row with at least one column.
    enough
        Stop when a cover has at most so many sites, or when none can.
    share
        Seconds for one call of the solver.
    """
    columns = csr_array(matrix.T)
    best = greedy_cover(matrix, columns)
    if not len(best):
        return best, 0
    run.objective, lower = float(len(best)), 1
    active = _spread(matrix)
    while lower < len(best) and len(best) > enough and run.goes_on("prove"):
        rows = matrix[active]
        keep = undominated(rows)
        small = rows[:, keep]
        below = min(len(best) - 1, enough) if enough else len(best) - 1
        found, bound = _solve(small, below, run, share)
        lower = max(lower, bound)
        run.bound = float(lower)
        if enough and lower > enough:
            break
        if found is None:
            if bound < len(best):
                break  # the time is over
            continue
        held = np.zeros(matrix.shape[1])
        held[keep[found]] = 1.0
        missing = np.flatnonzero(matrix @ held == 0.0)
        if not len(missing):
            best = np.sort(keep[found])
            run.objective = float(len(best))
            continue
        cover = np.union1d(keep[found], _repair(matrix, missing))
        cover = greedy_trim(columns, cover, matrix.shape[0])
        if len(cover) < len(best):
            best = cover
        sizes = np.diff(matrix.indptr)[missing]
        apart = missing[np.argsort(sizes, kind="stable")]
        active = np.union1d(active, _independent(matrix, apart)[:_ADDED])
    return best, min(lower, len(best))


def greedy_trim(columns: csr_array, chosen: IntArray, rows: int) -> IntArray:
    """Return a cover without the columns that it does not need, the small ones tried first."""
    every, _ = gather(columns, chosen)
    count = np.bincount(every, minlength=rows)
    kept = set(chosen.tolist())
    for column in sorted(kept, key=lambda c: (columns.indptr[c + 1] - columns.indptr[c], -c)):
        touched, _ = gather(columns, np.array([column], dtype=np.intp))
        if (count[touched] > 1).all():
            count[touched] -= 1
            kept.remove(column)
    return np.array(sorted(kept), dtype=np.intp)


def _repair(matrix: csr_array, missing: IntArray) -> IntArray:
    rows = matrix[missing]
    return greedy_cover(rows, csr_array(rows.T))


def _spread(matrix: csr_array) -> IntArray:
    """Return rows to begin with: the ones with few columns that share none."""
    order = np.argsort(np.diff(matrix.indptr), kind="stable")
    return np.sort(_independent(matrix, order))


def _independent(matrix: csr_array, order: IntArray) -> IntArray:
    """Return rows, in this order, of which no two share a column."""
    used = np.zeros(matrix.shape[1], dtype=np.bool_)
    found: list[int] = []
    for row in order.tolist():
        sites = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        if not used[sites].any():
            used[sites] = True
            found.append(row)
    return np.array(found, dtype=np.intp)


def _solve(matrix: csr_array, below: int, run: Run, seconds: float) -> tuple[IntArray | None, int]:
    """Return a cover of at most ``below`` sites or None, and a number that no cover goes below."""
    rows, columns = matrix.shape
    stacked = csr_array(
        (
            np.append(matrix.data, np.ones(columns)),
            np.append(matrix.indices, np.arange(columns)),
            np.append(matrix.indptr, matrix.nnz + columns),
        ),
        shape=(rows + 1, columns),
    )
    programme = Programme(
        cost=np.ones(columns),
        lower=np.zeros(columns),
        upper=np.ones(columns),
        whole=np.ones(columns, dtype=np.bool_),
        matrix=stacked,
        row_lower=np.append(np.ones(rows), 0.0),
        row_upper=np.append(np.full(rows, np.inf), float(below)),
    )
    answer = solved(programme, run, seconds=seconds)
    if answer.infeasible:
        return None, below + 1
    bound = int(np.ceil(answer.bound - _EPS)) if np.isfinite(answer.bound) else 0
    if answer.values is None:
        return None, min(bound, below)
    return np.flatnonzero(answer.values > 0.5), bound
