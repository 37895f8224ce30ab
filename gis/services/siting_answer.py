"""What a siting answer says: counted again from positions, with the bound beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gis.coverage import reach as straight
from gis.coverage.network import nearest_station
from gis.coverage.plans import gap_between

if TYPE_CHECKING:
    from gis.coverage.plans import Plan
    from gis.services.siting_candidates import Candidates
    from gis.services.siting_distances import Distances
    from gis.services.siting_problem import Problem
    from gis.services.siting_question import SitingQuestion

FloatArray = npt.NDArray[np.float64]

SAME_DISTANCE: Final = 1e-6
"""Distances are called optimal to a millionth (the chord that is optimised, see ``chords``)."""


def state(problem: Problem, stations: FloatArray) -> dict[str, Any]:
    """Return who is within reach of stations, and how far the nearest is, from positions alone."""
    inside, demand = problem.inside, problem.demand
    people = demand.people[inside]
    reached = problem.reach.counts(stations)[inside] > 0
    on = problem.on_inside
    if on is None:
        _, nearest_m = straight.nearest(demand.positions[inside], stations)
    else:
        rule = problem.rule
        there = problem.reading.put_on_roads(stations, rule)
        nearest_m = nearest_station(
            problem.reading.network(), on, there, mode=rule.mode, towards=rule.towards
        ).distance_m
    known = np.isfinite(nearest_m)
    some = int(people[known].sum())
    total, covered = int(people.sum()), int(people[reached].sum())
    mean = float(people[known] @ nearest_m[known]) / some if some else math.nan
    largest = nearest_m[known & (people > 0)]
    return {
        "stations": len(stations),
        "people": total,
        "people_covered": covered,
        "ratio": covered / total if total else None,
        "mean_distance_m": round(mean, 3) if math.isfinite(mean) else None,
        "largest_distance_m": round(float(largest.max()), 3) if len(largest) else None,
        "people_without_way": total - some if len(stations) else total,
    }


def features(found: Candidates, order: Sequence[int], marginal: Sequence[float]) -> dict[str, Any]:
    """Return the new sites as GeoJSON, the one that brings most people first."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": found.codes[number],
                "geometry": {"type": "Point", "coordinates": found.positions[number].tolist()},
                "properties": {
                    "rank": rank,
                    "code": found.codes[number],
                    "name": found.names[number],
                    "kind": found.kinds[number],
                    "cost": float(found.cost[number]),
                    "marginal_people": round(added),
                },
            }
            for rank, (number, added) in enumerate(zip(order, marginal, strict=True), start=1)
        ],
    }


def proof(
    question: SitingQuestion, plan: Plan, after: dict[str, Any], distances: Distances | None
) -> dict[str, Any]:
    """Return the value of the plan as counted again, and the bound that holds for it.

    With people gathered by cells the optimiser's bound is lowered by what gathering can change.
    """
    objective = question.objective
    if objective == "max_covered":
        special = question.capacity is not None or question.times > 1
        served = after["people_covered"] - plan.objective
        value = plan.objective if special else float(after["people_covered"])
        bound, unit = (plan.bound if special else plan.bound + served), "people"
    elif distances is None:
        value, bound, unit = float(len(plan.sites)), plan.bound, "stations"
    else:
        mean = objective == "min_mean_distance"
        people = max(float(distances.people.sum()), 1.0)
        value = after["mean_distance_m" if mean else "largest_distance_m"] or 0.0
        loosened = distances.mean_shift_m if mean else distances.largest_shift_m
        bound = max((plan.bound / people if mean else plan.bound) - loosened, 0.0)
        unit = "metres"
        if abs(value - bound) <= max(SAME_DISTANCE * value, 0.001):
            bound = value
    gap = gap_between(value, bound)
    return {
        "status": "optimal" if gap == 0.0 else "feasible",
        "value": value,
        "bound": bound if math.isfinite(bound) else None,
        "gap": gap if math.isfinite(gap) else None,
        "unit": unit,
        "counts": _what(question),
    }


def _what(question: SitingQuestion) -> str:
    if question.capacity is not None:
        return "people within reach who find room"
    if question.times > 1:
        return "people within reach of two stations at least"
    return {
        "max_covered": "people within reach",
        "min_stations": "new stations",
        "min_mean_distance": "metres to the nearest station, by person",
        "min_max_distance": "metres to the nearest station, at most",
    }[question.objective]


def existing_value(problem: Problem) -> dict[str, Any]:
    """Return what each standing station alone brings, and which bring nobody.

    ``people_only``: who would lose reach if this one station closed. Stations without any are
    redundant one at a time: closing two of them together may well cost people.
    """
    reach, demand, kept = problem.reach, problem.demand, problem.kept
    inside = problem.inside
    people = np.zeros(len(demand.people), dtype=np.int64)
    people[inside] = demand.people[inside]
    once = reach.counts(kept.positions) == 1
    rows = []
    for number, (points, _) in enumerate(reach.each(kept.positions)):
        rows.append(
            {
                "code": kept.codes[number],
                "name": kept.names[number],
                "kind": kept.kinds[number],
                "people_in_reach": int(people[points].sum()),
                "people_only": int(people[points[once[points]]].sum()),
            }
        )
    in_scope = [row for row in rows if row["people_in_reach"]]
    in_scope.sort(key=lambda row: (row["people_only"], str(row["code"])))
    return {
        "stations": in_scope,
        "redundant": [row["code"] for row in in_scope if not row["people_only"]],
        "note": "redundant one at a time",
    }


def by_area(problem: Problem, people: FloatArray, rows: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Return the people of some places that count by area, most first, then by code."""
    areas, parts = problem.reading.areas, problem.parts
    members = problem.members[problem.inside]
    sums = np.bincount(members[rows], weights=people[rows], minlength=len(parts.areas))
    some = [int(number) for number in np.flatnonzero(sums)]
    some.sort(key=lambda number: (-sums[number], number))
    return {
        "people": int(sums.sum()),
        "areas": [
            {
                "code": areas.codes[parts.areas[number]],
                "name": areas.names[parts.areas[number]],
                "people": int(sums[number]),
            }
            for number in some
        ],
    }
