"""The 3 km employment circle 三公里就业圈: who gets which opening, as an optimal assignment.

First as many zero-employment households as possible get an offer (one member each), then as many
seekers as possible, then the ways are as short as can be. The answer carries prices of the openings
that prove it: they give a bound that holds whatever the solver did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import (
    connected_components,
    maximum_flow,
    min_weight_full_bipartite_matching,
)

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_LARGEST: Final = 2.0**52


@dataclass(frozen=True, slots=True)
class Suitable:
    """Pairs of seekers and openings that fit: within reach, of the trade, paid as wished.

    ``metres`` are whole metres; no pair occurs twice.
    """

    seeker: IntArray
    opening: IntArray
    metres: IntArray


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment with its proof.

    Attributes
    ----------
    opening
        Of each seeker, the opening; -1 for none.
    metres
        Of each seeker, the way to it; -1 for none.
    households
        How many zero-employment households got an offer: the most that is possible.
    matched
        How many seekers did: the most that is possible.
    total_m
        All ways together: the least for as many seekers, given who comes for each household.
    proven
        Whether the prices prove all of it (value and bound are equal, in whole numbers).
    """

    opening: IntArray
    metres: IntArray
    households: int
    matched: int
    total_m: int
    proven: bool


def assigned(
    pairs: Suitable,
    places: npt.ArrayLike,
    household: npt.ArrayLike,
) -> Assigned:
    """Return who gets which opening.

    Parameters
    ----------
    pairs
        Who fits where.
    places
        Of each opening, how many people it takes.
    household
        Of each seeker, the number of its zero-employment household; -1: of none.

    Examples
    --------
    >>> fits = Suitable(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([10, 5, 900]))
    >>> found = assigned(fits, [1, 1], [-1, -1])
    >>> found.opening.tolist(), found.total_m, found.proven
    ([0, 1], 910, True)
    >>> assigned(fits, [1, 0], [-1, 0]).opening.tolist()
    [-1, 0]
    """
    room = np.asarray(places, dtype=np.int64)
    family = np.asarray(household, dtype=np.int64)
    if (room < 0).any():
        raise ValueError("an opening takes a number of people that is not negative")
    first, households = _representatives(pairs, room, family)
    opening = np.full(len(family), -1, dtype=np.int64)
    metres = np.full(len(family), -1, dtype=np.int64)
    proven = True
    usable = np.flatnonzero(room[pairs.opening] > 0)
    for chosen in _components(pairs, usable, len(family), len(room)):
        part = Suitable(pairs.seeker[chosen], pairs.opening[chosen], pairs.metres[chosen])
        proven &= _assign_part(part, room, first, opening, metres)
    matched = opening >= 0
    return Assigned(
        opening=opening,
        metres=metres,
        households=households,
        matched=int(matched.sum()),
        total_m=int(metres[matched].sum()),
        proven=proven and int((matched & first).sum()) == households,
    )


def _representatives(pairs: Suitable, room: IntArray, family: IntArray) -> tuple[BoolArray, int]:
    """Return one seeker for each household of a largest set that can be served at once."""
    first = np.zeros(len(family), dtype=np.bool_)
    own = np.flatnonzero((family[pairs.seeker] >= 0) & (room[pairs.opening] > 0))
    if not len(own):
        return first, 0
    names, home = np.unique(family[pairs.seeker[own]], return_inverse=True)
    count, openings = len(names), len(room)
    sink = count + openings + 1
    tail = np.concatenate([np.zeros(count), 1 + home, 1 + count + np.arange(openings)])
    head = np.concatenate(
        [1 + np.arange(count), 1 + count + pairs.opening[own], np.full(openings, sink)]
    )
    size = np.concatenate([np.ones(count), np.ones(len(own)), np.minimum(room, count)])
    # two members who fit one opening are one edge of 2, which the 1 from the source keeps at 1
    network = csr_array(
        (size.astype(np.int32), (tail.astype(np.int32), head.astype(np.int32))),
        shape=(sink + 1, sink + 1),
    )
    flow = csr_array(maximum_flow(network, 0, sink).flow)
    taken = np.asarray(flow[1 + home, 1 + count + pairs.opening[own]]).ravel() > 0
    some = own[taken]
    order = np.lexsort((pairs.seeker[some], pairs.metres[some], family[pairs.seeker[some]]))
    _, at = np.unique(family[pairs.seeker[some]][order], return_index=True)
    first[pairs.seeker[some[order[at]]]] = True
    return first, len(at)


def _components(pairs: Suitable, usable: IntArray, seekers: int, openings: int) -> list[IntArray]:
    """Return the pairs of each part of the problem that has nothing to do with the others."""
    if not len(usable):
        return []
    size = seekers + openings
    graph = coo_array(
        (np.ones(len(usable)), (pairs.seeker[usable], seekers + pairs.opening[usable])),
        shape=(size, size),
    )
    _, label = connected_components(graph, directed=False)
    part = label[pairs.seeker[usable]]
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    return np.split(usable[order], starts[1:])


def _assign_part(
    part: Suitable, room: IntArray, first: BoolArray, opening: IntArray, metres: IntArray
) -> bool:
    """Assign one part, write it down, and return whether it is proven to be the best."""
    who, seeker = np.unique(part.seeker, return_inverse=True)
    what, job = np.unique(part.opening, return_inverse=True)
    degree = np.bincount(job, minlength=len(what))
    size = np.minimum(room[what], degree)
    alone = _penalties(len(who), part.metres, first[who])
    chosen = _matched(seeker, job, part.metres, size, alone)
    got = chosen >= 0
    opening[who[got]] = what[job[chosen[got]]]
    metres[who[got]] = part.metres[chosen[got]]
    value = int(part.metres[chosen[got]].sum()) + int(alone[~got].sum())
    return value == _bound(seeker, job, part.metres, size, alone=alone, chosen=chosen)


def _penalties(count: int, metres: IntArray, first: BoolArray) -> IntArray:
    """Return what it costs to leave each seeker without: more than all ways, then more than all."""
    far = int(metres.max(initial=0)) + 1
    other = (count + 1) * far
    household = (count + 1) * (other + 1)
    if float(first.sum()) * household + float(count) * other >= _LARGEST:
        raise ValueError("too many seekers in one part for exact whole numbers")
    return np.where(first, household, other).astype(np.int64)


def _matched(
    seeker: IntArray, job: IntArray, metres: IntArray, size: IntArray, alone: IntArray
) -> IntArray:
    """Return for each seeker the pair that it gets, -1 for none."""
    # every opening as so many places; one place of one's own stands for going without
    start = np.concatenate([[0], np.cumsum(size)])
    copies = size[job]
    pair = np.repeat(np.arange(len(job)), copies)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(copies) - copies, copies) + start[job[pair]]
    own = np.arange(len(alone))
    rows = np.concatenate([seeker[pair], own])
    columns = np.concatenate([place, start[-1] + own])
    cost = np.concatenate([metres[pair], alone]).astype(np.float64) + 1.0  # zeros are no edges
    shape = (len(alone), int(start[-1]) + len(alone))
    row, column = min_weight_full_bipartite_matching(
        csr_array((cost, (rows, columns)), shape=shape)
    )
    chosen = np.full(len(alone), -1, dtype=np.int64)
    real = column < start[-1]
    taken = np.searchsorted(start, column[real], "right") - 1
    key = seeker.astype(np.int64) * len(size) + job
    order = np.argsort(key)
    chosen[row[real]] = order[np.searchsorted(key[order], row[real] * len(size) + taken)]
    return chosen


def _bound(
    seeker: IntArray,
    job: IntArray,
    metres: IntArray,
    size: IntArray,
    *,
    alone: IntArray,
    chosen: IntArray,
) -> int:
    """Return a cost that no assignment goes below, from the prices of the openings.

    The price of an opening is what one place less would cost: the cheapest chain of moves that ends
    at a free place or leaves somebody without. Any prices that are not negative give a bound
    (linear duality), so that nothing rests on how they were found.
    """
    got = chosen >= 0
    at = np.full(len(alone), -1, dtype=np.int64)
    at[got] = job[chosen[got]]
    now = np.zeros(len(alone), dtype=np.int64)
    now[got] = metres[chosen[got]]
    taken = np.bincount(at[got], minlength=len(size))
    huge = np.iinfo(np.int64).max // 4
    price = np.where(taken < size, 0, huge)
    leaving = np.full(len(size), huge, dtype=np.int64)
    np.minimum.at(leaving, at[got], (alone - now)[got])
    price = np.minimum(price, leaving)
    moves = np.flatnonzero(got[seeker])
    here, there = at[seeker[moves]], job[moves]
    cost = metres[moves] - now[seeker[moves]]
    for _ in range(len(size) + 1):
        better = price.copy()
        np.minimum.at(better, here, cost + price[there])
        if (better == price).all():
            break
        price = better
    price = np.maximum(price, 0)
    best = alone.copy()
    np.minimum.at(best, seeker, metres + price[job])
    return int(best.sum()) - int((size * price).sum())
