"""Redrawing the grids of a community 网格重划: what a proposal is, and how good it is.

Ground is given out in *atoms*: blocks between roads that no building straddles (see
:mod:`gis.coverage.atoms`). A proposal puts every atom into one of ``k`` parts. Parts must hang
together: two atoms are neighbours when they share an edge of positive length (a common corner is
not enough); islands hang on by links, which are named.

The smaller the score the better::

    10 * misfits + 100 * outside + 10 * enclosed + balance * B + border * C + keep * M

``misfits``, ``outside``
    grids with more or fewer households than a grid should have; the households above or below,
    summed, over all households.
``enclosed``
    groups of atoms that a part surrounds (a grid in a grid).
``B``
    mean squared deviation of the parts' households from their mean, over the square of the mean.
``C``
    metres of border between parts, those away from roads counted ``off_road`` times, over
    ``sqrt(area * k)``, which makes it the same for a small and a large community.
``M``
    share of the households whose grid is another one than today's. Each part takes over the code
    of at most one of today's grids: the assignment with the fewest households moved.

Balance is a limit, short borders along roads are the aim, people who move are a cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MISFIT_WEIGHT: Final = 10.0
OUTSIDE_WEIGHT: Final = 100.0
ENCLOSED_WEIGHT: Final = 10.0
ROOM: Final = 0.1
NEW: Final = -1
"""A part that takes over none of today's grids."""


@dataclass(frozen=True, slots=True)
class AtomGraph:
    """The atoms of a community and who is whose neighbour.

    Attributes
    ----------
    households
        Of each of n atoms.
    by_old
        Shape (n, g): the same by today's grid. A block that a building joins across a border of
        today may have households of two.
    old
        Of each atom the position of today's grid, that with most of its ground; -1 for none.
    edges
        Shape (m, 2): pairs of neighbours, each pair once.
    length_m, along_m
        Metres that the pair shares, and how many of them lie along a road. Both 0 for a link.
    is_rim
        Whether an atom lies at the outer edge of the community.
    holes
        Shape (j, 2): a hole in the community and an atom at it. A part that goes around a hole
        surrounds it.
    area_m2
        Of all atoms together.
    """

    households: IntArray
    by_old: IntArray
    old: IntArray
    edges: IntArray
    length_m: FloatArray
    along_m: FloatArray
    is_rim: npt.NDArray[np.bool_]
    holes: IntArray
    area_m2: float

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.households)

    def subgraph_pieces(self, chosen: npt.NDArray[np.bool_]) -> tuple[int, IntArray]:
        """Return how many pieces the chosen atoms fall into, and the piece of each (in order)."""
        number = np.cumsum(chosen) - 1
        inside = chosen[self.edges].all(axis=1)
        first, second = number[self.edges[inside]].T
        size = int(chosen.sum())
        links = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
        count, label = connected_components(links, directed=False)
        return int(count), np.asarray(label, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class RedrawRule:
    """What is asked of a proposal: ``k`` grids of ``low`` to ``high`` households, and the weights.

    ``keep`` weighs households that move, ``border`` the borders, ``balance`` evenness within the
    range; a metre of border away from roads counts ``off_road`` times.
    """

    k: int
    low: int = 300
    high: int = 500
    balance: float = 1.0
    border: float = 1.0
    keep: float = 1.0
    off_road: float = 2.0

    def outside(self, households: int) -> int:
        """Return how many households a part has too many or too few."""
        return max(0, self.low - households, households - self.high)


@dataclass(frozen=True, slots=True)
class RedrawScore:
    """How good a proposal is; ``total`` is the score, the rest its terms (see the module).

    ``heirs`` names for each part today's grid whose code it takes over, :data:`NEW` for none.
    """

    total: float
    misfits: int
    outside: int
    enclosed: int
    balance: float
    border: float
    moved: int
    heirs: tuple[int, ...]


def border_costs(graph: AtomGraph, rule: RedrawRule) -> FloatArray:
    """Return what each pair of neighbours adds to the score when it is parted."""
    metres = graph.along_m + rule.off_road * (graph.length_m - graph.along_m)
    costs: FloatArray = rule.border * metres / np.sqrt(graph.area_m2 * rule.k)
    return costs


def match(held: npt.ArrayLike) -> tuple[tuple[int, ...], int]:
    """Return the heir of each part and the households that stay, from households (k, g).

    As many households as possible stay; parts of which no household would stay are new.

    >>> match([[100, 10], [0, 90], [5, 0]])
    ((0, 1, -1), 190)
    """
    table = np.asarray(held, dtype=np.int64)
    parts, grids = linear_sum_assignment(table, maximize=True)
    heirs = np.full(len(table), NEW, dtype=np.int64)
    stays = table[parts, grids] > 0
    heirs[parts[stays]] = grids[stays]
    return tuple(heirs.tolist()), int(table[parts, grids].sum())


def score(graph: AtomGraph, rule: RedrawRule, part: Sequence[int] | IntArray) -> RedrawScore:
    """Return how good a proposal is, counted afresh from the part (0..k-1) of every atom.

    Raises
    ------
    ValueError
        A part is empty or hangs not together: that is no proposal.
    """
    of = np.asarray(part, dtype=np.int64)
    households = np.bincount(of, weights=graph.households, minlength=rule.k).astype(np.int64)
    whole = max(int(households.sum()), 1)
    enclosed = 0
    for number in range(rule.k):
        mine = of == number
        if not mine.any() or graph.subgraph_pieces(mine)[0] != 1:
            message = f"part {number} is empty or in pieces"
            raise ValueError(message)
        enclosed += count_enclosed(graph, mine)
    each = [rule.outside(int(count)) for count in households]
    outside, misfits = sum(each), sum(count > 0 for count in each)
    mean = whole / rule.k
    balance = rule.balance * float((((households - mean) / mean) ** 2).mean())
    first, second = of[graph.edges].T
    border = float(border_costs(graph, rule)[first != second].sum())
    held = np.zeros((rule.k, graph.by_old.shape[1]), dtype=np.int64)
    np.add.at(held, of, graph.by_old)
    heirs, stays = match(held)
    moved = whole - stays if households.sum() else 0
    total = (
        MISFIT_WEIGHT * misfits
        + OUTSIDE_WEIGHT * outside / whole
        + ENCLOSED_WEIGHT * enclosed
        + balance
        + border
        + rule.keep * moved / whole
    )
    return RedrawScore(total, misfits, outside, enclosed, balance, border, moved, heirs)


def count_enclosed(graph: AtomGraph, mine: npt.NDArray[np.bool_]) -> int:
    """Return into how many groups without a way to the rim a part cuts the others."""
    size = len(graph) + (int(graph.holes[:, 0].max()) + 1 if len(graph.holes) else 0)
    rest = np.append(~mine, np.ones(size - len(graph), dtype=bool))
    beside = np.concatenate([graph.edges, graph.holes[:, ::-1] + [0, len(graph)]])
    first, second = beside[rest[beside].all(axis=1)].T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    piece = connected_components(links, directed=False)[1]
    return len(np.unique(piece[rest])) - len(np.unique(piece[: len(graph)][graph.is_rim & ~mine]))


def fitting_numbers(households: int, low: int, high: int) -> range:
    """Return the numbers of grids whose mean lies within the range; may be empty.

    >>> [fitting_numbers(households, 300, 500) for households in (2100, 550, 9)]
    [range(5, 8), range(2, 2), range(1, 1)]
    """
    fewest = max(1, -(-households // high))
    return range(fewest, max(households // low, fewest - 1) + 1)


def derived_number(households: int, low: int, high: int, today: int) -> int | None:
    """Return how many grids there should be, None when no number fits the range.

    As many as today if that fits. Else the number nearest to it that leaves room on both sides: a
    mean at least :data:`ROOM` of the range away from its ends, where there is such a number.

    >>> derived_number(2100, 300, 500, 7), derived_number(2100, 300, 500, 9)
    (7, 6)
    """
    fits = fitting_numbers(households, low, high)
    if not fits or today in fits:
        return today if fits else None
    room = ROOM * (high - low)
    roomy = [n for n in fits if low + room <= households / n <= high - room] or list(fits)
    return min(max(today, roomy[0]), roomy[-1])
