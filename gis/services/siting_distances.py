"""Distances for plans that count metres: people gathered to few places, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gis.coverage import reach as straight
from gis.coverage.network import Attached, nearest_station
from gis.coverage.road_reach import PointsOnRoads
from gis.coverage.spread import gathered, groups_of

if TYPE_CHECKING:
    from gis.coverage.roads import RoadGraph
    from gis.services.city_reading import ReachRule

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distances:
    """A cost table and how far its people stand from where they live.

    Attributes
    ----------
    cost
        Places x candidates, metres; infinite where there is no way. The last column, if ``kept``,
        is the distance to the nearest station that stands already.
    people
        Of each place.
    kept
        Whether there is that column.
    mean_shift_m, largest_shift_m
        No mean (largest) distance to any sites is lower, by more than that, than in the table.
    facts
        How the places were made, and how many people have no way to any site at all (they are in
        no plan's mean), as an answer says it.
    """

    cost: FloatArray
    people: FloatArray
    kept: bool
    mean_shift_m: float
    largest_shift_m: float
    facts: dict[str, Any]


def straight_distances(
    positions: FloatArray,
    people: npt.NDArray[np.int64],
    candidates: FloatArray,
    kept: FloatArray,
    most: int,
) -> Distances:
    """Return the table by chords, which never exceed the geodesic."""
    homes = gathered(positions, people, most)
    cost = straight.chords(homes.positions, candidates)
    if len(kept):
        there = straight.chords(homes.positions, kept).min(axis=1)
        cost = np.column_stack([cost, there])
    return Distances(
        cost=cost,
        people=homes.people,
        kept=bool(len(kept)),
        mean_shift_m=homes.mean_shift_m,
        largest_shift_m=homes.largest_shift_m,
        facts=_facts(len(homes.people), homes.cell_m, homes.mean_shift_m, homes.largest_shift_m)
        | {"people_without_way": 0},
    )


def road_distances(
    graph: RoadGraph,
    positions: FloatArray,
    people: npt.NDArray[np.int64],
    on: Attached,
    *,
    candidates: Attached,
    kept: Attached,
    most: int,
    rule: ReachRule,
) -> Distances:
    """Return the table along roads; each cell's people stand at the place of its most people.

    The way from there to each of them bounds what gathering can change: by the triangle
    inequality nobody's way to a site is shorter than the table's less that.
    """
    every = nearest_station(
        graph, on, candidates.with_others(kept), mode=rule.mode, towards=rule.towards
    )
    has_way = np.flatnonzero(every.station >= 0)
    lost = int(people.sum() - people[has_way].sum())
    positions, people, on = positions[has_way], people[has_way], on.of(has_way)
    group, cell_m = groups_of(positions, most)
    count = int(group.max()) + 1 if len(group) else 0
    order = np.lexsort((np.arange(len(group)), -people, group))
    heads = order[np.searchsorted(group[order], np.arange(count))]
    crowd = np.bincount(group, weights=people, minlength=count).astype(np.float64)
    at = on.of(heads)
    table = PointsOnRoads(graph, at, mode=rule.mode, towards=rule.towards)
    cost = _dense(table.reached(candidates, np.inf), count)
    has_kept = bool(len(kept.edge))
    if has_kept:
        there = table.reached(kept, np.inf).nearest_m(count)
        cost = np.column_stack([cost, there])
    shift = np.zeros(len(group))
    if cell_m:
        shift = _shifts(PointsOnRoads(graph, on, mode=rule.mode, towards="points"), at, group)
    known = float(people.sum()) or 1.0
    mean, largest = float(people @ shift) / known, float(shift.max(initial=0.0))
    facts = _facts(count, cell_m, mean, largest) | {"people_without_way": lost}
    return Distances(cost, crowd, has_kept, mean, largest, facts)


def _dense(reached: Any, places: int) -> FloatArray:  # noqa: ANN401 - ReachedPoints
    cost = np.full((places, len(reached)), np.inf)
    column = np.repeat(np.arange(len(reached)), np.diff(reached.bounds))
    cost[reached.points, column] = reached.metres
    return cost


def _shifts(points: PointsOnRoads, heads: Attached, group: npt.NDArray[np.intp]) -> FloatArray:
    """Return the way from the head of each point's group to the point."""
    shift = np.full(len(group), np.inf)
    limit, open_heads = 2_000.0, np.arange(len(heads.edge))
    while len(open_heads):
        found = points.reached(heads.of(open_heads), limit)
        owner = open_heads[np.repeat(np.arange(len(open_heads)), np.diff(found.bounds))]
        own = group[found.points] == owner
        shift[found.points[own]] = found.metres[own]
        left = np.unique(group[np.isinf(shift)])
        if limit == np.inf:
            break
        open_heads, limit = left, limit * 8.0 if limit < 100_000.0 else np.inf
    return shift


def _facts(places: int, cell_m: float, mean: float, largest: float) -> dict[str, Any]:
    if not cell_m:
        return {"places": places}
    return {
        "places": places,
        "method": "cells",
        "cell_m": round(cell_m, 1),
        "mean_shift_m": round(mean, 3) if np.isfinite(mean) else None,
        "largest_shift_m": round(largest, 3) if np.isfinite(largest) else None,
    }
