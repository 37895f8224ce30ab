"""Lower bounds for the p-median from prices, over the near entries of the table only.

With a price u_i for serving each row, no plan of p sites costs less than

    L(u) = sum(u_i) + the p smallest of  sum over rows of min(0, w_i c_ij - u_i)

for any u (Narula, Ogbu and Samuelsson 1977). Only sites nearer than the price of a row count in
the sum; the same sums tell which sites cannot be, or must be, in any better plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from gis.coverage.cover_model import BoolArray, FloatArray, IntArray
from gis.coverage.plans import Run

_ROUNDING: Final = 1e-10
_NEAR: Final = 6  # times a site's share of the sites: how many near sites of a row count
_PATIENCE: Final = 20
_LARGE: Final = 1_000_000  # entries: a step takes long enough to look at the time


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

    def __init__(self, table: MedianTable, p: int, *, cap: FloatArray | None = None) -> None:
        rows, columns = table.cost.shape
        self.table, self.p, self.columns = table, min(p, columns), columns
        near = min(columns, max(30, _NEAR * columns // max(p, 1)))
        if cap is not None:  # of weighted costs
            some = np.where(table.weight > 0.0, table.weight, 1.0)
            cap = np.minimum(cap / some, table.held)
        else:
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
        often = 20 if len(self.entry) < _LARGE else 1
        for number in range(steps):
            if best.value >= min(objective, good) or step < 1e-3:
                break
            if number % often == 0 and not run.goes_on("bound"):
                break
            value, _, top, below = self.at(prices)
            if value > best.value + 1e-8 * abs(best.value):
                found, failed = self.bound(prices), 0
                best = found if found.value >= best.value else best
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
