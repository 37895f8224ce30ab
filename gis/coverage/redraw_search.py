"""The search for a proposal: today's grids and random trees to begin with, then annealing.

A start is either today's grids, merged or split until there are ``k``, or a recursive bisection by
random spanning trees. Each is improved by simulated annealing (:mod:`gis.coverage.redraw_kernel`),
in rounds: between them it is settled anew which part takes over which of today's grids. The best
of all is counted afresh (:func:`gis.coverage.redraw.score`).

The same seed gives the same proposal: work is counted in sweeps. The time limit is a fence behind
it; an answer that ran into it says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from gis.coverage.redraw import (
    ENCLOSED_WEIGHT,
    MISFIT_WEIGHT,
    NEW,
    OUTSIDE_WEIGHT,
    AtomGraph,
    FloatArray,
    IntArray,
    RedrawRule,
    RedrawScore,
    border_costs,
    match,
    score,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Stopped = Literal["done", "time", "asked"]
Watch = Callable[[float], bool]
"""Is told the share done; the search ends with its best when it says False."""

STARTS: Final = 16
SECONDS: Final = 60.0
_ROUNDS: Final = ((1.0, 0.03, 450), (0.1, 0.1, 300), (0.01, 1.0, 150))
"""Of each round: first temperature, first weight of what is outside the range, sweeps. The last
temperature is a hundredth of the first, the last weight (1) the full one."""
_COLD: Final = 20
_TREES: Final = 4
"""Spanning trees of which a bisection takes the best cut."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The best proposal: the part of each atom, its score, that of every start, why it ended."""

    part: tuple[int, ...]
    score: RedrawScore
    starts: tuple[float, ...]
    stopped: Stopped
    seconds: float


def redraw(
    graph: AtomGraph,
    rule: RedrawRule,
    *,
    seed: int = 0,
    starts: int = STARTS,
    seconds: float = SECONDS,
    watch: Watch | None = None,
) -> Proposal:
    """Return the best proposal found.

    Raises
    ------
    ValueError
        Fewer atoms than parts, or atoms that do not all hang together (islands need links).

    Examples
    --------
    Four blocks in a row, today one grid of three and one of one:

    >>> graph = AtomGraph(
    ...     households=np.full(4, 200), by_old=np.array([[200, 0]] * 3 + [[0, 200]]),
    ...     old=np.array([0, 0, 0, 1]), edges=np.array([[0, 1], [1, 2], [2, 3]]),
    ...     length_m=np.full(3, 100.0), along_m=np.full(3, 100.0),
    ...     is_rim=np.full(4, True), holes=np.empty((0, 2), dtype=np.int64), area_m2=40_000.0)
    >>> found = redraw(graph, RedrawRule(2))
    >>> found.part, found.score.moved, found.score.outside
    ((0, 0, 1, 1), 200, 0)
    """
    everything = np.ones(len(graph), dtype=bool)
    if not 1 <= rule.k <= len(graph) or graph.subgraph_pieces(everything)[0] != 1:
        message = f"{rule.k} parts of {len(graph)} atoms that must hang together"
        raise ValueError(message)
    began = time.monotonic()
    tool = _Tool(graph, rule)
    found: list[tuple[float, IntArray]] = []
    stopped: Stopped = "done"
    for number in range(starts if rule.k > 1 else 1):
        random = np.random.default_rng([seed, number])
        part = tool.start(random, from_today=number % 2 == 0)
        if number == 0:  # what stands is better than anything that is not
            found.append((score(graph, rule, part).total, part.copy()))
        for how in _ROUNDS if rule.k > 1 else ():
            if watch is not None and not watch(number / starts):
                stopped = "asked"
            elif time.monotonic() - began > seconds:
                stopped = "time"
            if stopped != "done":
                break
            tool.improve(part, how, int(random.integers(2**31)))
        found.append((score(graph, rule, part).total, part))
        if stopped != "done":
            break
    best = _numbered(min(found, key=lambda one: one[0])[1])
    totals = tuple(total for total, _ in found[1:])
    return Proposal(best, score(graph, rule, best), totals, stopped, time.monotonic() - began)


def warm_up() -> None:
    """Compile the search, or read it from disk, so that no request waits for that."""
    two = np.array([1, 1])
    nothing = np.empty((0, 2), dtype=np.int64)
    pair = np.array([[0, 1]])
    rim = np.array([True, True])
    graph = AtomGraph(
        two, np.eye(2, dtype=np.int64), two, pair, two[:1] * 1.0, two[:1] * 1.0, rim, nothing, 1.0
    )
    redraw(graph, RedrawRule(2, 1, 1), starts=1)


def _numbered(part: IntArray) -> tuple[int, ...]:
    """Return parts numbered in the order of their first atoms."""
    order: dict[int, int] = {}
    return tuple(order.setdefault(number, len(order)) for number in part.tolist())


class _Tool:
    """The graph in the forms that starts and kernel want."""

    def __init__(self, graph: AtomGraph, rule: RedrawRule) -> None:
        self.graph, self.rule = graph, rule
        # holes come behind the atoms, in a part of their own that nothing joins or leaves
        self.holes = int(graph.holes[:, 0].max()) + 1 if len(graph.holes) else 0
        at_holes = graph.holes[:, ::-1] + [0, len(graph)]
        pairs = np.concatenate([graph.edges, at_holes])
        one, other = np.concatenate([pairs, pairs[:, ::-1]]).T
        order = np.lexsort((other, one))
        ends = np.searchsorted(one[order], np.arange(len(graph) + self.holes + 1))
        self.starts = ends.astype(np.int64)
        self.near = np.ascontiguousarray(other[order])
        cost = np.append(border_costs(graph, rule), np.zeros(len(at_holes)))
        self.cost: FloatArray = np.ascontiguousarray(np.tile(cost, 2)[order])
        self.is_rim = np.append(graph.is_rim, np.zeros(self.holes, dtype=np.bool_))
        self.whole = max(int(graph.households.sum()), 1)
        self.households: list[int] = graph.households.tolist()
        self.beside: list[list[int]] = [[] for _ in self.households]
        for first, second in graph.edges.tolist():
            self.beside[first].append(second)
            self.beside[second].append(first)

    def improve(self, part: IntArray, how: tuple[float, float, int], seed: int) -> None:
        """Anneal a proposal in place."""
        from gis.coverage.redraw_kernel import anneal  # noqa: PLC0415 - numba takes half a second

        heat, weight, sweeps = how
        rule, whole = self.rule, self.whole
        held = np.zeros((rule.k, self.graph.by_old.shape[1]), dtype=np.int64)
        np.add.at(held, part, self.graph.by_old)
        heirs = np.array(match(held)[0])
        stays = np.where(heirs == NEW, 0, self.graph.by_old[:, np.maximum(heirs, 0)])
        cold = np.zeros(_COLD)
        limits = np.array(
            [
                *(rule.low, rule.high, whole / rule.k),
                *(rule.balance / rule.k, rule.keep / whole, ENCLOSED_WEIGHT),
            ],
            dtype=np.float64,
        )
        share = np.append(np.geomspace(weight, 1.0, sweeps), np.ones(_COLD))
        worked = np.append(part, np.full(self.holes, rule.k))
        anneal(
            worked,
            self.starts,
            self.near,
            self.cost,
            self.graph.households,
            np.ascontiguousarray(stays),
            self.is_rim,
            limits,
            np.append(np.geomspace(heat, heat / 100.0, sweeps), cold),
            share[:, None] * [OUTSIDE_WEIGHT / whole, MISFIT_WEIGHT],
            seed,
        )
        part[:] = worked[: len(part)]

    def start(self, random: np.random.Generator, *, from_today: bool) -> IntArray:
        """Return a proposal to begin with."""
        if from_today:
            groups = [
                piece
                for old in np.unique(self.graph.old)
                for piece in self._pieces(set(np.flatnonzero(self.graph.old == old).tolist()))
            ]
            groups = self._divided(self._merged(groups), random)
        else:
            groups = self._bisected(set(range(len(self.graph))), self.rule.k, random)
        part = np.zeros(len(self.graph), dtype=np.int64)
        for name, group in enumerate(groups):
            part[sorted(group)] = name
        return part

    def _sum(self, group: set[int]) -> int:
        return sum(self.households[atom] for atom in group)

    def _pieces(self, group: set[int]) -> list[set[int]]:
        left, found = set(group), []
        while left:
            first = min(left)
            left.discard(first)
            piece, reached = {first}, [first]
            while reached:
                fresh = [b for b in self.beside[reached.pop()] if b in left]
                left.difference_update(fresh)
                piece.update(fresh)
                reached += fresh
            found.append(piece)
        return found

    def _merged(self, groups: list[set[int]]) -> list[set[int]]:
        """Merge the smallest group into its smallest neighbour until there are at most ``k``."""
        groups = list(groups)
        while len(groups) > self.rule.k:
            groups.sort(key=lambda group: (self._sum(group), min(group)))
            least = groups.pop(0)
            around = {other for atom in least for other in self.beside[atom]}
            host = next(i for i, group in enumerate(groups) if not around.isdisjoint(group))
            groups[host] = groups[host] | least
        return groups

    def _divided(self, groups: list[set[int]], random: np.random.Generator) -> list[set[int]]:
        """Cut the largest group that can be cut into two until there are ``k``."""
        groups = list(groups)
        while len(groups) < self.rule.k:
            groups.sort(key=lambda group: (len(group) > 1, self._sum(group), -min(group)))
            groups += self._bisected(groups.pop(), 2, random)
        return groups

    def _bisected(self, group: set[int], k: int, random: np.random.Generator) -> list[set[int]]:
        """Cut a group into ``k`` by the best balanced edges of random spanning trees."""
        if k == 1:
            return [group]
        whole = self._sum(group)
        fits = (
            (abs(count - whole * few / k), min(side), few, side)
            for _ in range(_TREES)
            for count, side in self._sides(group, random)
            for few in range(1, k)
            if few <= len(side) and k - few <= len(group) - len(side)
        )
        _, _, few, side = min(fits, key=lambda fit: fit[:3])
        return [
            *self._bisected(side, few, random),
            *self._bisected(group - side, k - few, random),
        ]

    def _sides(
        self, group: set[int], random: np.random.Generator
    ) -> Iterator[tuple[int, set[int]]]:
        """Yield, for every edge of one random spanning tree, one side of it and its households."""
        above = {min(group): -1}
        walk, open_ends = [], [min(group)]
        while open_ends:
            atom = open_ends.pop(int(random.integers(len(open_ends))))
            walk.append(atom)
            fresh = [b for b in self.beside[atom] if b in group and b not in above]
            above.update(dict.fromkeys(fresh, atom))
            open_ends += fresh
        below: dict[int, set[int]] = {}
        for atom in reversed(walk[1:]):
            side = below.setdefault(atom, set())
            side.add(atom)
            yield self._sum(side), side
            below.setdefault(above[atom], set()).update(side)
