"""Branch and bound for the p-median with the bounds of prices: most promising branch first.

A branch says of some columns that they are in the plan or out of it. Its prices start where those
of its parent ended, so that some dozen steps give a good bound, and the same prices decide more
columns. Where the relaxation leaves 1 % open this closes it in seconds, and it can be stopped at
any time: the bound is the least of the branches that are still open.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gis.coverage.cover_model import FloatArray, IntArray
from gis.coverage.median_prices import MedianTable, Pricing
from gis.coverage.plans import Run

_STEPS: Final = 60
_ROOM: Final = 1.5  # prices may rise to this times where they start: entries beyond are not read


@dataclass(order=True, slots=True)
class _Branch:
    bound: float
    number: int
    inside: IntArray = field(compare=False)
    open: IntArray = field(compare=False)
    prices: FloatArray = field(compare=False)
    first: int = field(compare=False)


class Branching:
    """The open branches of one problem, and the best plan so far."""

    def __init__(self, table: MedianTable, p: int, plan: IntArray, run: Run) -> None:
        self.table, self.p, self.plan, self.run = table, p, plan, run
        self.value = cost_of(table, plan)
        self.heap: list[_Branch] = []
        self.made = 0

    @property
    def least(self) -> float:
        """Return how much better a plan must be to be better."""
        return 1.0 - 1e-6 if self.table.whole else 1e-9 * max(self.value, 1.0)

    def solve(self, columns: IntArray, prices: FloatArray, until: float) -> float:
        """Search all plans of these columns until a time of the run; return the bound."""
        none = np.empty(0, dtype=np.intp)
        self._add(none, columns, prices)
        while self.heap and self.heap[0].bound <= self.value - self.least:
            if self.run.seconds > until or not self.run.goes_on("prove"):
                return min(self.heap[0].bound, self.value)
            branch = heapq.heappop(self.heap)
            self.run.bound = max(self.run.bound, min(branch.bound, self.value))
            rest = branch.open[branch.open != branch.first]
            self._add(np.append(branch.inside, branch.first), rest, branch.prices)
            self._add(branch.inside, rest, branch.prices)
        return self.value

    def _add(self, inside: IntArray, columns: IntArray, prices: FloatArray) -> None:
        """Price a branch, decide what its prices decide, and keep it open if it may be better."""
        value, sums = -np.inf, np.empty(0)
        for _ in range(2):
            if self._ended(inside, columns):
                return
            pricing, start = self._pricing(inside, columns, prices)
            aim = self.value - self.least
            found = pricing.search(start, self.value, self.run, steps=_STEPS, good=aim)
            if found.value > aim:
                return
            self._try(np.append(inside, columns[found.top]))
            out, sure = pricing.decided(found, self.value)
            rest = ~out & ~sure
            value, prices, sums = found.value, found.prices, found.sums[rest]
            inside, columns = np.append(inside, columns[sure]), columns[rest]
            if rest.all():
                break
        if self._ended(inside, columns):
            return
        self.made += 1
        first = int(columns[np.argmin(sums)])
        heapq.heappush(self.heap, _Branch(value, self.made, inside, columns, prices, first))

    def _ended(self, inside: IntArray, columns: IntArray) -> bool:
        """Return whether nothing is left to choose; the one plan of the branch is then tried."""
        left = self.p - len(inside)
        if 0 < left < len(columns):
            return False
        self._try(np.append(inside, columns[: max(left, 0)]))
        return True

    def _pricing(
        self, inside: IntArray, columns: IntArray, prices: FloatArray
    ) -> tuple[Pricing, FloatArray]:
        table = self.table
        held = np.minimum(table.held, table.cost[:, inside].min(axis=1, initial=np.inf))
        start = np.minimum(prices, table.weight * held)
        part = MedianTable(table.cost[:, columns], table.weight, held, table.whole)
        return Pricing(part, self.p - len(inside), cap=_ROOM * start), start

    def _try(self, columns: IntArray) -> None:
        value = cost_of(self.table, columns)
        if value < self.value - self.least / 2.0:
            self.value, self.plan = value, np.sort(columns)
            self.run.objective = value


def cost_of(table: MedianTable, columns: IntArray) -> float:
    """Return what a plan costs."""
    nearest = np.minimum(table.held, table.cost[:, columns].min(axis=1, initial=np.inf))
    return float(table.weight @ nearest)
