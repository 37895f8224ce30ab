"""Access to stations 可达性: supply shared among the people who can reach it, by area."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gis.coverage.accessibility import Access, enhanced_two_step, two_step
from gis.coverage.network import Towards
from gis.coverage.roads import Mode
from gis.errors import PlanningInvalid
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading, Level
from gis.services.coverage_answer import ratio
from gis.services.coverage_question import checked_area, checked_rule, stations_of
from gis.services.demand import AUTO, demand_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

Method = Literal["2sfca", "e2sfca"]
METHODS: Final[tuple[Method, ...]] = ("2sfca", "e2sfca")
THIRDS: Final = (1.0, 0.68, 0.22)
"""Weights of Luo and Qi (2009) for the thirds of the radius."""
PER: Final = 1000


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """Asks what share of the stations' supply each person can reach.

    ``supply``: ``capacity`` (stations without one are left out and counted) or ``stations`` (each
    one counts 1). ``steps``: (metres, weight) of E2SFCA, rising; None: thirds of the radius.
    """

    kinds: Sequence[str] | None = None
    method: Method = "e2sfca"
    supply: Literal["capacity", "stations"] = "capacity"
    radius_m: float = 3000.0
    reach: str = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: float = 200.0
    area: str | None = None
    boundaries_at: datetime | None = None
    by: Level = "community"
    demand: str = AUTO
    steps: tuple[tuple[float, float], ...] | None = None


def accessibility(database: Database, actor: Actor, question: AccessQuestion) -> dict[str, Any]:
    """Return scores (supply per 1,000 people) by area: mean, median, P10, people at zero.

    People whom no station reaches score 0 and are in every figure; people off the network are not
    assessable and in none. Everybody in the city shares the supply, wherever the question looks.

    Raises
    ------
    gis.errors.GovernanceError
        As :func:`gis.services.planning.coverage`.
    """
    rule = checked_rule(
        question.reach, question.radius_m, question.mode, question.towards, question.snap_m
    )
    steps = _steps(question)
    scope = checked_area(actor, question.area)
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database), question.boundaries_at)
        parts = reading.parts(scope, question.by)
        demand = demand_of(reading, question.demand)
        members, in_no_area = reading.members(demand, parts)
        kinds = reading.kinds(question.kinds)
        stations = stations_of(reading.all_stations, kinds, None)
        known = np.ones(len(demand.people), dtype=np.bool_)
        if rule.by_network:
            known = reading.attached(demand, rule).assessable
        offered = np.ones(len(stations), dtype=np.bool_)
        if question.supply == "capacity":
            offered = stations.capacity >= 0
        reached = reading.reach(demand, rule).lists(stations.positions[offered])
    supply = (
        stations.capacity[offered].astype(np.float64)
        if question.supply == "capacity"
        else np.ones(int(offered.sum()))
    )
    people = np.where(known, demand.people, 0).astype(np.float64)
    table = reached.table(len(people))
    if question.method == "2sfca":
        ones = csr_array((np.ones(table.nnz), table.indices, table.indptr), shape=table.shape)
        access = two_step(ones, people, supply)
    else:
        access = enhanced_two_step(table, people, supply, steps=steps)
    inside = members >= 0
    return {
        "summary": {
            **_figures(access, inside & known),
            "stations": int(offered.sum()),
            "stations_without_capacity": int((~offered).sum()),
            "supply": float(supply.sum()),
            "supply_within_reach_of_somebody": access.supplied,
            "shared_out": float(access.score @ access.people),
            "people_off_network": int(demand.people[inside & ~known].sum()),
            "people_in_no_area": in_no_area,
        },
        "areas": [
            {
                "code": reading.areas.codes[area],
                "name": reading.areas.names[area],
                **_figures(access, (members == number) & known),
            }
            for number, area in enumerate(parts.areas)
        ],
        "stations": [
            {"code": stations.codes[i], "per_1000": float(access.ratio[k] * PER)}
            for k, i in enumerate(np.flatnonzero(offered))
        ],
        "question": {
            "kinds": kinds,
            "method": question.method,
            "supply": question.supply,
            "steps": [list(step) for step in steps] if question.method == "e2sfca" else None,
            **rule.facts(),
            "area": scope,
            "boundaries_at": None if (then := question.boundaries_at) is None else then.isoformat(),
            "by": question.by,
            "demand": demand.name,
        },
        "unit": "supply per 1,000 people",
        "demand": demand.facts(),
        "basis": reading.basis.facts(),
    }


def _steps(question: AccessQuestion) -> tuple[tuple[float, float], ...]:
    if question.method not in METHODS:
        raise PlanningInvalid(what="method", value=question.method, fit=", ".join(METHODS))
    if question.supply not in {"capacity", "stations"}:
        raise PlanningInvalid(what="supply", value=question.supply, fit="capacity, stations")
    steps = question.steps or tuple(
        (question.radius_m * (k + 1) / 3.0, weight) for k, weight in enumerate(THIRDS)
    )
    rising = all(a[0] < b[0] for a, b in pairwise(steps))
    fits = rising and all(math.isfinite(m) and m > 0 and 0 <= w <= 1 for m, w in steps)
    if not fits or steps[-1][0] > question.radius_m + 1e-6:
        fit = "rising metres up to radius_m, weights 0..1"
        raise PlanningInvalid(what="steps", value=str(steps), fit=fit)
    # the rule's millimetre: a distance at a step belongs to it
    return tuple((metres + 0.001, weight) for metres, weight in steps)


def _figures(access: Access, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    part = Access(access.score[chosen], access.ratio, access.people[chosen], access.supplied)
    whole = float(part.people.sum())

    def per(value: float) -> float | None:
        return round(value * PER, 6) if math.isfinite(value) else None

    at_zero = float(part.people[part.score == 0.0].sum())
    return {
        "people": int(whole),
        "mean": per(part.mean),
        "median": per(part.quantile(0.5)),
        "p10": per(part.quantile(0.1)),
        "people_at_zero": int(at_zero),
        "share_at_zero": ratio(at_zero, whole),
    }
