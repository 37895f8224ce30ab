"""Greedy choice, swaps and restarts for maximal covering: good plans in seconds.

The value of every swap (one chosen site out, one other in) is kept in a table of k x sites and
changed only where a row changed hands, after Resende and Werneck (2007), "A fast swap-based local
search procedure for location problems".
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gis.coverage.cover_model import CoverModel, FloatArray, IntArray, gather
from gis.coverage.plans import Run

_NOTHING: Final = 1e-9  # of the total: less is rounding, not an improvement
_EMPTY: Final = -1


class CoverSearch:
    """``k`` slots that hold columns of a model, with the value of every possible move.

    Attributes
    ----------
    chosen
        The column in each slot, -1 for an empty slot.
    gain
        What each column would add.
    loss, extra
        ``gain[j] - loss[s] + extra[s, j]`` is the value of putting column j into slot s.
    """

    def __init__(self, model: CoverModel, k: int) -> None:
        self.model = model
        rows, columns = model.rows.shape
        self.chosen = np.full(k, _EMPTY, dtype=np.intp)
        self.count = np.zeros(rows, dtype=np.intp)
        self.holders = np.zeros(rows, dtype=np.intp)  # sum of the slots: the slot where count is 1
        self.gain: FloatArray = np.asarray(model.columns @ model.weight)
        self.loss: FloatArray = np.zeros(k)
        self.extra: FloatArray = np.zeros((k, columns))
        self.least = _NOTHING * max(model.total, 1.0)

    @property
    def value(self) -> float:
        """Return the weight that is covered, counted afresh."""
        return float(self.model.weight[self.count > 0].sum())

    def put(self, slot: int, column: int) -> None:
        """Put a column into a slot, taking out what is there (-1 leaves it empty)."""
        old = int(self.chosen[slot])
        if old == column:
            return
        changed, _ = gather(
            self.model.columns, np.array([c for c in (old, column) if c != _EMPTY], dtype=np.intp)
        )
        changed = np.unique(changed)
        self._account(changed, -1.0)
        for taken, step in ((old, -1), (column, 1)):
            if taken != _EMPTY:
                touched, _ = gather(self.model.columns, np.array([taken], dtype=np.intp))
                self.count[touched] += step
                self.holders[touched] += step * slot
        self.chosen[slot] = column
        self._account(changed, 1.0)

    def _account(self, rows: IntArray, sign: float) -> None:
        count = self.count[rows]
        free = rows[count == 0]
        sites, counts = gather(self.model.rows, free)
        weight = sign * self.model.weight
        self.gain += np.bincount(sites, np.repeat(weight[free], counts), len(self.gain))
        single = rows[count == 1]
        slots = self.holders[single]
        sites, counts = gather(self.model.rows, single)
        flat = np.repeat(slots * self.extra.shape[1], counts) + sites
        np.add.at(self.extra.reshape(-1), flat, np.repeat(weight[single], counts))
        self.loss += np.bincount(slots, weight[single], len(self.loss))

    def become(self, columns: IntArray) -> None:
        """Hold exactly these columns (at most k); slots that hold one already are left alone."""
        wanted = set(columns.tolist())
        for slot in np.flatnonzero(self.chosen != _EMPTY):
            if int(self.chosen[slot]) in wanted:
                wanted.discard(int(self.chosen[slot]))
            else:
                self.put(int(slot), _EMPTY)
        free = np.flatnonzero(self.chosen == _EMPTY)
        for slot, column in zip(free, sorted(wanted), strict=False):
            self.put(int(slot), column)

    def fill(self) -> None:
        """Fill empty slots greedily; of equal gains, the column that comes first."""
        for slot in np.flatnonzero(self.chosen == _EMPTY):
            best = int(np.argmax(self.gain))
            if self.gain[best] <= self.least:
                return
            self.put(int(slot), best)

    def swap(self, run: Run) -> None:
        """Make the best swap until none improves or the time is over."""
        while run.left > 0.0 and len(self.chosen):
            into = (self.extra - self.loss[:, None]).max(axis=0) + self.gain
            column = int(np.argmax(into))
            if into[column] <= self.least:
                return
            self.put(int(np.argmax(self.extra[:, column] - self.loss)), column)

    def settle(self, run: Run) -> None:
        """Exchange sites for earlier ones of equal value: ties go to the smaller position."""
        for _ in range(2 * len(self.chosen)):
            if run.left <= 0.0:
                return
            value = self.gain - self.loss[:, None] + self.extra
            taken = np.zeros(value.shape[1], dtype=np.bool_)
            taken[self.chosen[self.chosen != _EMPTY]] = True
            earlier = np.arange(value.shape[1]) < self.chosen[:, None]
            slots, columns = np.nonzero((np.abs(value) <= self.least) & earlier & ~taken)
            if not len(slots):
                return
            first = np.lexsort((-self.chosen[slots], columns))[0]
            self.put(int(slots[first]), int(columns[first]))

    def columns(self) -> IntArray:
        """Return the chosen columns, ascending."""
        return np.sort(self.chosen[self.chosen != _EMPTY])


def climbed(search: CoverSearch, start: IntArray, run: Run) -> float:
    """Move a search to a start, fill it up, swap to the top, and return the value."""
    search.become(start)
    search.fill()
    search.swap(run)
    search.fill()
    return search.value


def shaken(
    search: CoverSearch, best: IntArray, run: Run, *, rounds: int, goal: float = np.inf
) -> IntArray:
    """Return the best columns after ``rounds`` restarts without success, or the goal.

    Each restart drops a random third of the plan (at least two sites), puts some random site in
    and climbs again.
    """
    rng = run.rng
    value, failed = climbed(search, best, run), 0
    best = search.columns()
    while failed < rounds and value < goal and run.goes_on("search") and len(best):
        drop = rng.integers(min(2, len(best)), max(3, len(best) // 3 + 1))
        kept = rng.permutation(best)[int(drop) :]
        found = climbed(search, np.append(kept, rng.integers(len(search.gain))), run)
        failed += 1
        if found > value + search.least:
            value, best, failed = found, search.columns(), 0
            run.objective = max(run.objective, value)
    search.become(best)
    return best
