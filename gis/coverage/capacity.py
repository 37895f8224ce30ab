"""Stations that fill up, and people who must be reached twice.

Both are asked as programmes with people who may be shared between stations; a plan is judged by
an exact assignment (a flow), never by a share of it. For some hundred sites and some thousand
merged places; larger ones end with the gap that the time allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack, vstack
from scipy.sparse.csgraph import maximum_flow

from gis.coverage.cover_model import (
    Covers,
    FloatArray,
    IntArray,
    checked_covers,
    checked_sites,
    checked_weight,
    merged,
)
from gis.coverage.exact import Programme, solved
from gis.coverage.plans import STANDARD, Effort, Plan, Run, gap_between, status_of

_EPS: Final = 1e-6
_LARGEST_FLOW: Final = 2.0**31 - 1.0
_SOLVABLE_PAIRS: Final = 60_000
"""Beyond so many pairs within reach the plan is grown, and bound by people and by room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPlan(Plan):
    """A plan in which nobody is sent to a full station.

    Attributes
    ----------
    before
        People that the fixed sites can serve alone.
    load
        People served by each of ``stations``, in that order; at most its capacity.
    """

    before: float
    load: tuple[float, ...]


def capacitated_covering(
    covers: Covers,
    weight: npt.ArrayLike,
    capacity: npt.ArrayLike,
    k: int,
    *,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> CapacityPlan:
    """Return the k new sites that serve the most people within reach and within capacity.

    Parameters
    ----------
    covers, weight, k, fixed, forbidden, effort
        As in :func:`gis.coverage.siting.max_covering`. People of one place may go to several
        stations.
    capacity
        Of each site, how many people it can serve.

    Examples
    --------
    >>> covers = np.array([[1, 1], [1, 0]], dtype=bool)
    >>> plan = capacitated_covering(covers, [30, 30], [40, 25], 2)
    >>> plan.objective, sum(plan.load), plan.status
    (60.0, 60.0, 'optimal')
    """
    run = Run(effort)
    matrix = checked_covers(covers)
    people = checked_weight(weight, matrix.shape[0])
    room = checked_weight(capacity, matrix.shape[1])
    held, never = (checked_sites(sites, matrix.shape[1]) for sites in (fixed, forbidden))
    if k < 0:
        raise ValueError(f"a number of sites is not negative: {k}")
    lost = np.flatnonzero((np.diff(matrix.indptr) == 0) & (people > 0.0))
    rows, crowd = merged(matrix, people)
    flow = _Flow(rows, crowd, room)
    before, _ = flow.served(held, run)
    free = np.setdiff1d(np.arange(matrix.shape[1]), np.union1d(held, never))
    plan = _grown(flow, held, free, k)
    objective, values = flow.served(np.union1d(held, plan), run)
    run.objective = objective
    bound = min(flow.total, before + float(np.sort(room[free])[::-1][:k].sum()))
    if objective < bound - _EPS and k and len(free) and flow.pairs <= _SOLVABLE_PAIRS:
        answer = solved(flow.programme(held, free, k), run, start=values, gap=effort.gap / 2.0)
        bound = min(bound, -answer.bound)
        if answer.values is not None:
            better = np.setdiff1d(
                np.flatnonzero(answer.values[flow.pairs :] > 0.5), held, assume_unique=True
            )
            value, values_better = flow.served(np.union1d(held, better), run)
            if value > objective + _EPS:
                objective, values, plan = value, values_better, better
    bound = max(bound, objective)
    if flow.whole:
        bound = max(objective, float(np.floor(bound + _EPS * max(1.0, bound**0.5))))
    gap = gap_between(objective, bound)
    stations = np.union1d(held, plan)
    load = np.zeros(matrix.shape[1]) if values is None else flow.load(values)
    return CapacityPlan(
        sites=tuple(plan.tolist()),
        fixed=tuple(held.tolist()),
        objective=objective,
        bound=bound,
        status=status_of(gap),
        gap=gap,
        seconds=run.seconds,
        unreachable=tuple(lost.tolist()),
        before=before,
        load=tuple(load[stations].tolist()),
    )


class _Flow:
    """People from merged places to sites: one variable for each pair within reach."""

    def __init__(self, rows: csr_array, crowd: FloatArray, room: FloatArray) -> None:
        self.crowd, self.room = crowd, room
        self.columns = csr_array(rows.T)
        self.pairs = rows.nnz
        self.row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        self.site = np.asarray(rows.indices, dtype=np.intp)
        whole = np.concatenate([crowd, room])
        self.whole = bool((whole == np.floor(whole)).all())
        self.most = np.minimum(crowd[self.row], room[self.site])

    @property
    def total(self) -> float:
        return float(self.crowd.sum())

    def load(self, values: FloatArray) -> FloatArray:
        served = np.bincount(self.site, values[: self.pairs], len(self.room))
        return np.asarray(np.round(served, 6), dtype=np.float64)

    def served(self, stations: IntArray, run: Run) -> tuple[float, FloatArray | None]:
        """Return the most people that these stations can serve, and the flows."""
        if not len(stations) or not self.pairs:
            return 0.0, None
        if self.whole and self.total < _LARGEST_FLOW:
            return self._flow(stations)
        programme = self.programme(stations, np.empty(0, dtype=np.intp), 0)
        answer = solved(programme, Run(Effort(seconds=max(run.left, 5.0))))
        if answer.values is None:
            return 0.0, None
        total = float(answer.values[: self.pairs].sum())
        return (float(np.round(total)) if self.whole else total), answer.values

    def _flow(self, stations: IntArray) -> tuple[float, FloatArray]:
        """Return :meth:`served` for whole people and whole room: a maximum flow."""
        places, sites = len(self.crowd), len(self.room)
        sink = places + sites + 1
        room = np.zeros(sites)
        room[stations] = np.minimum(self.room[stations], self.total)
        tail = np.concatenate([np.zeros(places), 1 + self.row, 1 + places + np.arange(sites)])
        head = np.concatenate([1 + np.arange(places), 1 + places + self.site, np.full(sites, sink)])
        most = np.concatenate([self.crowd, np.minimum(self.most, self.total), room])
        network = csr_array(
            (most.astype(np.int32), (tail.astype(np.int32), head.astype(np.int32))),
            shape=(sink + 1, sink + 1),
        )
        found = maximum_flow(network, 0, sink)
        flows = np.asarray(csr_array(found.flow)[1 + self.row, 1 + places + self.site])
        opened = np.zeros(sites)
        opened[stations] = 1.0
        return float(found.flow_value), np.concatenate([flows.astype(np.float64), opened])

    def programme(self, held: IntArray, free: IntArray, k: int) -> Programme:
        """Return the programme: flows, then sites; closed sites have no room."""
        pairs, sites, places = self.pairs, len(self.room), len(self.crowd)
        pair = np.arange(pairs)
        ones = np.ones(pairs)
        out = csr_array((ones, (self.row, pair)), shape=(places, pairs + sites))
        into = csr_array(
            (
                np.concatenate([ones, -self.room]),
                (
                    np.concatenate([self.site, np.arange(sites)]),
                    np.concatenate([pair, pairs + np.arange(sites)]),
                ),
            ),
            shape=(sites, pairs + sites),
        )
        strong = csr_array(
            (
                np.concatenate([ones, -self.most]),
                (np.concatenate([pair, pair]), np.concatenate([pair, pairs + self.site])),
            ),
            shape=(pairs, pairs + sites),
        )
        budget = csr_array(
            (np.ones(len(free)), (np.zeros(len(free), dtype=np.intp), pairs + free)),
            shape=(1, pairs + sites),
        )
        upper = np.zeros(sites)
        upper[held], upper[free] = 1.0, 1.0
        lower = np.zeros(sites)
        lower[held] = 1.0
        matrix = vstack([out, into, strong, budget], format="csr")
        return Programme(
            cost=np.concatenate([-ones, np.zeros(sites)]),
            lower=np.concatenate([np.zeros(pairs), lower]),
            upper=np.concatenate([self.most, upper]),
            whole=np.concatenate([np.zeros(pairs, dtype=np.bool_), upper > lower]),
            matrix=matrix,
            row_lower=np.full(matrix.shape[0], -np.inf),
            row_upper=np.concatenate([self.crowd, np.zeros(sites + pairs), [float(k)]]),
        )


def _grown(flow: _Flow, held: IntArray, free: IntArray, k: int) -> IntArray:
    """Return k sites, each the one that takes the most people still waiting."""
    waiting = flow.crowd.copy()
    for station in held.tolist():
        _fill(flow, waiting, station)
    chosen: list[int] = []
    left = free.copy()
    for _ in range(min(k, len(free))):
        takes = np.minimum(np.asarray(flow.columns[left] @ waiting), flow.room[left])
        best = int(left[int(np.argmax(takes))])
        chosen.append(best)
        _fill(flow, waiting, best)
        left = left[left != best]
    return np.sort(np.array(chosen, dtype=np.intp))


def _fill(flow: _Flow, waiting: FloatArray, station: int) -> None:
    rows = flow.columns.indices[flow.columns.indptr[station] : flow.columns.indptr[station + 1]]
    before = np.cumsum(waiting[rows]) - waiting[rows]
    waiting[rows] -= np.clip(flow.room[station] - before, 0.0, waiting[rows])


def backup_covering(
    covers: Covers,
    weight: npt.ArrayLike,
    k: int,
    *,
    times: int = 2,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> Plan:
    """Return the k new sites with the most people reached by at least ``times`` sites.

    Fixed sites count. People reached fewer times count nothing (Hogan and ReVelle 1986 weigh
    them; here a person has a back-up or has none).

    Examples
    --------
    >>> covers = np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)
    >>> plan = backup_covering(covers, [10, 20], 2)
    >>> plan.sites, plan.objective
    ((1, 2), 20.0)
    """
    if times < 1 or k < 0:
        raise ValueError("times is at least 1, k not negative")
    run = Run(effort)
    matrix = checked_covers(covers)
    people = checked_weight(weight, matrix.shape[0])
    held, never = (checked_sites(sites, matrix.shape[1]) for sites in (fixed, forbidden))
    free = np.setdiff1d(np.arange(matrix.shape[1]), np.union1d(held, never))
    need = times - np.diff(csr_array(matrix[:, held]).indptr)
    done = float(people[need <= 0].sum())
    reach = matrix[:, free]
    possible = (need > 0) & (np.diff(reach.indptr) >= need)
    lost = np.flatnonzero((need > 0) & ~possible & (people > 0.0))
    # rows are equal when the same sites reach them and as many are missing
    marks = csr_array((possible[:, None] & (need[:, None] == np.arange(1, times + 1))) * 1.0)
    rows, crowd = merged(hstack([reach, marks], format="csr")[possible], people[possible])
    wanted = np.asarray(rows[:, len(free) :] @ np.arange(1.0, times + 1.0))
    rows = csr_array(rows[:, : len(free)])
    plan = _grown_twice(rows, crowd, wanted, min(k, len(free)))
    objective, bound = _enough(rows, crowd, wanted, plan), float(crowd.sum()) if k else 0.0
    run.objective = done + objective
    if k and objective < bound and rows.shape[0]:
        programme = _backup_programme(rows, crowd, wanted, k)
        start = np.zeros(len(free) + len(crowd))
        start[plan] = 1.0
        start[len(free) :] = _counts(rows, plan) >= wanted
        answer = solved(programme, run, start=start, gap=effort.gap / 2.0)
        bound = min(bound, -answer.bound)
        if answer.values is not None:
            found = np.flatnonzero(answer.values[: len(free)] > 0.5)
            value = _enough(rows, crowd, wanted, found)
            if value > objective:
                objective, plan = value, found
    if (crowd == np.floor(crowd)).all():
        bound = float(np.floor(bound + _EPS * max(1.0, bound**0.5)))
    objective, bound = done + objective, done + max(bound, objective)
    gap = gap_between(objective, bound)
    spare = np.setdiff1d(np.arange(len(free)), plan)[: max(0, k - len(plan))]
    return Plan(
        sites=tuple(free[np.union1d(plan, spare)].tolist()),
        fixed=tuple(held.tolist()),
        objective=objective,
        bound=bound,
        status=status_of(gap),
        gap=gap,
        seconds=run.seconds,
        unreachable=tuple(lost.tolist()),
    )


def _counts(rows: csr_array, plan: IntArray) -> FloatArray:
    chosen = np.zeros(rows.shape[1])
    chosen[plan] = 1.0
    return np.asarray(rows @ chosen)


def _enough(rows: csr_array, crowd: FloatArray, wanted: FloatArray, plan: IntArray) -> float:
    return float(crowd[_counts(rows, plan) >= wanted].sum())


def _grown_twice(rows: csr_array, crowd: FloatArray, wanted: FloatArray, k: int) -> IntArray:
    """Return k columns, each the one that brings people most of the way to what they need."""
    chosen: list[int] = []
    for _ in range(k):
        missing = wanted - _counts(rows, np.array(chosen, dtype=np.intp))
        worth = np.where(missing > 0.0, crowd / np.maximum(missing, 1.0) ** 2, 0.0)
        gain = np.asarray(rows.T @ worth)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
    return np.sort(np.array(chosen, dtype=np.intp))


def _backup_programme(rows: csr_array, crowd: FloatArray, wanted: FloatArray, k: int) -> Programme:
    places, sites = rows.shape
    need = csr_array((wanted, (np.arange(places), np.arange(places))), shape=(places, places))
    budget = csr_array(np.concatenate([np.ones(sites), np.zeros(places)])[None, :])
    matrix = vstack([hstack([-rows, need]), budget], format="csr")
    return Programme(
        cost=np.concatenate([np.zeros(sites), -crowd]),
        lower=np.zeros(sites + places),
        upper=np.ones(sites + places),
        whole=np.ones(sites + places, dtype=np.bool_),
        matrix=matrix,
        row_lower=np.full(places + 1, -np.inf),
        row_upper=np.append(np.zeros(places), float(k)),
    )
