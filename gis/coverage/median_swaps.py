"""Greedy choice, swaps and restarts for the p-median: a good plan in seconds.

For every row the nearest and the second nearest chosen site are known, and with them the value of
every swap, in a table of p x sites that changes only where these change (Teitz and Bart 1968;
Resende and Werneck 2007).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gis.coverage.cover_model import FloatArray, IntArray
from gis.coverage.plans import Run

_NOTHING: Final = 1e-10
_BLOCK: Final = 4_000_000  # entries of a dense block at a time: 32 MB
_EMPTY: Final = -1


class MedianSearch:
    """``p`` slots that hold columns of a cost table, with the value of every possible move.

    ``cost`` is rows x columns (finite numbers only), ``held`` the cost of each row at what is
    there already. The slot numbered p stands for ``held``.
    """

    def __init__(self, cost: FloatArray, weight: FloatArray, held: FloatArray, p: int) -> None:
        self.cost, self.weight, self.held = cost, weight, held
        rows = len(cost)
        self.chosen = np.full(p, _EMPTY, dtype=np.intp)
        self.first = np.full(rows, p, dtype=np.intp)
        self.near, self.next = held.copy(), held.copy()
        self._rebuild()

    def _rebuild(self) -> None:
        """Count everything afresh: after places out of reach were reached, numbers are small."""
        rows, columns = self.cost.shape
        self.gain = np.zeros(columns)
        self.loss = np.zeros(len(self.chosen) + 1)
        self.extra = np.zeros((len(self.chosen) + 1, columns))
        self._account(np.arange(rows), 1.0)
        self.scale = self.value
        self.least = _NOTHING * self.scale

    @property
    def value(self) -> float:
        """Return the weighted cost of the plan."""
        return float(self.weight @ self.near)

    def put(self, slot: int, column: int) -> None:
        """Put a column into a slot, taking out what is there (-1 leaves it empty)."""
        chosen = self.chosen.copy()
        chosen[slot] = column
        first, near, after = self._nearest(slot, column, chosen)
        changed = np.flatnonzero((first != self.first) | (near != self.near) | (after != self.next))
        self._account(changed, -1.0)
        self.first, self.near, self.next, self.chosen = first, near, after, chosen
        self._account(changed, 1.0)

    def _nearest(
        self, slot: int, column: int, chosen: IntArray
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        first, near, after = self.first.copy(), self.near.copy(), self.next.copy()
        old = self.chosen[slot]
        if old != _EMPTY:  # rows that may lose their nearest or second nearest look again
            lost = np.flatnonzero(self.cost[:, old] <= after)
            slots = np.flatnonzero(chosen != _EMPTY)
            slots = slots[slots != slot]
            table = np.column_stack([self.cost[np.ix_(lost, chosen[slots])], self.held[lost]])
            names = np.append(slots, len(chosen))
            best = table.argmin(axis=1)
            row = np.arange(len(lost))
            first[lost], near[lost] = names[best], table[row, best]
            table[row, best] = np.inf
            after[lost] = np.minimum(table.min(axis=1), self.held[lost])
        if column != _EMPTY:
            cost = self.cost[:, column]
            nearest = cost < near
            second = ~nearest & (cost < after)
            after[nearest], near[nearest], first[nearest] = near[nearest], cost[nearest], slot
            after[second] = cost[second]
        return first, near, after

    def _account(self, rows: IntArray, sign: float) -> None:
        rows = rows[np.argsort(self.first[rows], kind="stable")]
        size = max(1, _BLOCK // max(1, self.cost.shape[1]))
        for begin in range(0, len(rows), size):
            part = rows[begin : begin + size]
            weight = sign * self.weight[part]
            near, after = self.near[part], self.next[part]
            cost = self.cost[part]
            self.gain += weight @ np.maximum(near[:, None] - cost, 0.0)
            self.loss += np.bincount(self.first[part], weight * (after - near), len(self.loss))
            saved = np.maximum(after[:, None] - np.maximum(cost, near[:, None]), 0.0)
            saved *= weight[:, None]
            slots, starts = np.unique(self.first[part], return_index=True)
            self.extra[slots] += np.add.reduceat(saved, starts, axis=0)

    def become(self, columns: IntArray) -> None:
        """Hold exactly these columns (at most p)."""
        wanted = set(columns.tolist())
        for slot in np.flatnonzero(self.chosen != _EMPTY):
            if int(self.chosen[slot]) in wanted:
                wanted.discard(int(self.chosen[slot]))
            else:
                self.put(int(slot), _EMPTY)
        free = np.flatnonzero(self.chosen == _EMPTY)
        for slot, column in zip(free, sorted(wanted), strict=False):
            self.put(int(slot), column)

    def climb(self, run: Run) -> float:
        """Fill empty slots greedily, make the best swap until none improves; return the value."""
        self._fill(run)
        if self.value < 0.1 * self.scale:
            self._rebuild()
            self._fill(run)
        while run.left > 0.0 and len(self.chosen):
            value = self.gain + (self.extra[:-1] - self.loss[:-1, None]).max(axis=0)
            column = int(np.argmax(value))
            if value[column] <= self.least:
                break
            self.put(int(np.argmax(self.extra[:-1, column] - self.loss[:-1])), column)
        return self.value

    def _fill(self, run: Run) -> None:
        for slot in np.flatnonzero(self.chosen == _EMPTY):
            best = int(np.argmax(self.gain))
            if self.gain[best] <= self.least or run.left <= 0.0:
                break
            self.put(int(slot), best)

    def columns(self) -> IntArray:
        """Return the chosen columns, ascending."""
        return np.sort(self.chosen[self.chosen != _EMPTY])

    def settle(self, run: Run) -> None:
        """Exchange sites for earlier ones of equal value: ties go to the smaller position."""
        for _ in range(2 * len(self.chosen)):
            if run.left <= 0.0:
                return
            value = self.gain - self.loss[:-1, None] + self.extra[:-1]
            taken = np.zeros(value.shape[1], dtype=np.bool_)
            taken[self.chosen[self.chosen != _EMPTY]] = True
            earlier = np.arange(value.shape[1]) < self.chosen[:, None]
            slots, columns = np.nonzero((np.abs(value) <= self.least) & earlier & ~taken)
            if not len(slots):
                return
            first = np.lexsort((-self.chosen[slots], columns))[0]
            self.put(int(slots[first]), int(columns[first]))


def shaken_median(
    search: MedianSearch, best: IntArray, run: Run, *, rounds: int, goal: float
) -> IntArray:
    """Return the best columns after ``rounds`` restarts without success, or at the goal."""
    search.become(best)
    value, failed = search.climb(run), 0
    best = search.columns()
    while failed < rounds and value > goal and run.goes_on("search") and len(best):
        drop = int(run.rng.integers(min(2, len(best)), max(3, len(best) // 3 + 1)))
        kept = run.rng.permutation(best)[drop:]
        search.become(np.unique(np.append(kept, run.rng.integers(len(search.gain)))))
        found = search.climb(run)
        failed += 1
        if found < value - search.least:
            value, best, failed = found, search.columns(), 0
            run.objective = min(run.objective, value)
    search.become(best)
    return best
