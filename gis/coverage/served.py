"""Stations that fill up: the most people whom those in reach can serve, as a maximum flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from gis.coverage.reached import ReachedPoints
from gis.coverage.spread_people import apportioned

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Served:
    """Who finds room.

    Attributes
    ----------
    people
        Of each place, those who are served; the most in all that is possible.
    load
        Of each station, those who go there; at most its capacity.
    """

    people: IntArray
    load: IntArray


def served_within(reached: ReachedPoints, people: npt.ArrayLike, capacity: npt.ArrayLike) -> Served:
    """Return the most people who can be served within reach and within capacity.

    Parameters
    ----------
    reached
        Who is within reach of each station.
    people
        Of each place, whole numbers. People of one place may go to several stations.
    capacity
        Of each station; -1: it never fills up.

    Notes
    -----
    Places that the same stations reach are one node of the flow; what it is served is shared out
    among them in proportion to their people, so that no place is full by its number alone.

    Examples
    --------
    >>> both = ReachedPoints.of_parts([(np.array([0, 1]), np.zeros(2)), (np.array([1]),
    ...                                 np.zeros(1))])
    >>> found = served_within(both, [30, 30], [40, 10])
    >>> found.people.tolist(), found.load.tolist()
    ([30, 20], [40, 10])
    """
    crowd = np.asarray(people, dtype=np.int64)
    room = np.asarray(capacity, dtype=np.int64)
    places, stations = len(crowd), len(reached)
    if crowd.sum() >= 2**31:
        raise ValueError("more than two billion people do not fit into one flow")
    covers = reached.covers(places)
    some = np.flatnonzero((np.diff(covers.indptr) > 0) & (crowd > 0))
    if not len(some):
        return Served(np.zeros(places, dtype=np.int64), np.zeros(stations, dtype=np.int64))
    group, first = _alike(covers, some)
    total = np.bincount(group, weights=crowd[some]).astype(np.int64)
    pairs = covers[some[first]]
    groups = len(first)
    # nodes: source, groups, stations, sink
    source, sink = 0, groups + stations + 1
    row = np.repeat(np.arange(groups), np.diff(pairs.indptr))
    tail = np.concatenate([np.zeros(groups), 1 + row, 1 + groups + np.arange(stations)])
    head = np.concatenate(
        [1 + np.arange(groups), 1 + groups + pairs.indices, np.full(stations, sink)]
    )
    most = np.where(room < 0, int(total.sum()), np.minimum(room, int(total.sum())))
    size = np.concatenate([total, total[row], most])
    network = csr_array(
        (size.astype(np.int32), (tail.astype(np.int32), head.astype(np.int32))),
        shape=(sink + 1, sink + 1),
    )
    flow = csr_array(maximum_flow(network, source, sink).flow)
    out = flow[[source]].toarray()[0][1 : 1 + groups].astype(np.int64)
    load = -flow[[sink]].toarray()[0][1 + groups : 1 + groups + stations].astype(np.int64)
    answer = np.zeros(places, dtype=np.int64)
    answer[some] = apportioned(out, group, crowd[some].astype(np.float64))
    return Served(np.minimum(answer, crowd), load)


def _alike(covers: csr_array, some: IntArray) -> tuple[IntArray, IntArray]:
    """Return the group of each row (rows that the same stations reach), and its first row."""
    rows = covers[some]
    salt = np.random.default_rng(20_261_125).integers(0, 2**63, covers.shape[1], dtype=np.uint64)
    keys = np.add.reduceat(salt[rows.indices], rows.indptr[:-1])
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    like = rows[first[group]]
    if not np.array_equal(like.indptr, rows.indptr) or not np.array_equal(
        like.indices, rows.indices
    ):
        return np.arange(len(some)), np.arange(len(some))  # two keys met: nothing is merged
    return group.reshape(-1).astype(np.int64), first.astype(np.int64)
