"""Staffing 社区工作者配备, load of grid workers, volunteers of compounds: by community and city."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gis import clock
from gis.coverage import reach
from gis.coverage.accessibility import staffing
from gis.errors import PlanningInvalid
from gis.governance.duty import ROLES
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading, Parts, is_of
from gis.services.coverage_question import LARGEST_RADIUS_M, checked_area
from gis.services.demand import AUTO, demand_of
from gis.store import staffing as store

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

WORKERS: Final = ("cadre", "grid_worker", "social_worker")
"""Duty roles that count as community workers unless the asker names others."""
STANDARD: Final = 18
VOLUNTEERS: Final = ("volunteer", "organisation")


@dataclass(frozen=True, slots=True)
class StaffingQuestion:
    """Asks how the urban communities of an area are staffed.

    ``per_10000`` posts for 10,000 residents; ``roles`` count as staff; ``radius_m`` is the reach of
    a station for the compounds.
    """

    area: str | None = None
    per_10000: int = STANDARD
    roles: tuple[str, ...] = WORKERS
    radius_m: float = 1000.0
    at: datetime | None = None
    demand: str = AUTO


def staffed(database: Database, actor: Actor, question: StaffingQuestion) -> dict[str, Any]:
    """Return posts asked for by the standard, staff that is there, and loads.

    Returns
    -------
    dict
        ``items``: for each urban community residents, exact posts (a fraction), posts (rounded
        up), staff, missing, compounds with a volunteer team 队 (in the community), group 组 (in
        the grid) and station 站 (within reach). ``city``: the same rounded once, and the sum of
        the communities, because they differ. ``grids``: households, workers, open and overdue
        cases, and each per worker.

    Raises
    ------
    gis.errors.GovernanceError
        PlanningInvalid (422), AreaUnknown (404), OutsideScope (403), NoPublishedBoundary (503).
    """
    if unknown := sorted(set(question.roles) - set(ROLES)):
        raise PlanningInvalid(what="roles", value=", ".join(unknown), fit=", ".join(ROLES))
    if not 1 <= question.per_10000 <= 1000:
        raise PlanningInvalid(what="per_10000", value=question.per_10000, fit="1..1000")
    if not 0.0 < question.radius_m <= LARGEST_RADIUS_M:
        fit = f"0 < radius_m <= {LARGEST_RADIUS_M:g}"
        raise PlanningInvalid(what="radius_m", value=str(question.radius_m), fit=fit)
    scope = checked_area(actor, question.area)
    at = question.at or clock.now()
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database))
        parts = reading.parts(scope, "community")
        staff = _by_community(reading, store.on_duty(work, question.roles, at))
        volunteers = store.on_duty(work, VOLUNTEERS, at)
        compounds = _compounds(reading, volunteers, question.radius_m)
        people = _sums(reading, parts, question.demand)
        grids = _grids(reading, scope, question, at)
    urban = [i for i, area in enumerate(parts.areas) if reading.areas.kinds[area] != "rural"]
    codes = [reading.areas.codes[parts.areas[i]] for i in urban]
    residents = [int(people[i]) for i in urban]
    there = [staff.get(code, 0) for code in codes]
    asked = staffing(residents, Fraction(question.per_10000, 10_000), staff=there)
    missing = asked.missing or ()
    return {
        "items": [
            {
                "code": code,
                "name": reading.areas.names[parts.areas[i]],
                "residents": residents[number],
                "posts_exact": str(asked.exact[number]),
                "posts": asked.posts[number],
                "staff": there[number],
                "missing": missing[number],
                "compounds": compounds.get(code, dict.fromkeys(_COMPOUND, 0)),
            }
            for number, (i, code) in enumerate(zip(urban, codes, strict=True))
        ],
        "city": {
            "communities": len(urban),
            "residents": sum(residents),
            "posts_exact": str(asked.city_exact),
            "posts": asked.city_posts,
            "staff": sum(there),
            "missing": asked.city_missing,
            "posts_of_communities": sum(asked.posts),
            "missing_of_communities": sum(missing),
            "communities_short": sum(count > 0 for count in missing),
        },
        "grids": grids,
        "rule": {
            "per_10000": question.per_10000,
            "roles": list(question.roles),
            "at": at.isoformat(timespec="seconds"),
            "radius_m": question.radius_m,
            "rounding": "each community rounded up; the city rounded up once",
        },
        "basis": reading.basis.facts(),
    }


def _sums(reading: CityReading, parts: Parts, asked: str) -> npt.NDArray[np.int64]:
    demand = demand_of(reading, asked)
    members, _ = reading.members(demand, parts)
    inside = members >= 0
    return np.bincount(
        members[inside], weights=demand.people[inside], minlength=len(parts.areas)
    ).astype(np.int64)


def _by_community(reading: CityReading, duty: dict[str, int]) -> dict[str, int]:
    """Return duty counts of communities and of what lies in them."""
    above = reading.ancestors["community"]
    place = {code: number for number, code in enumerate(reading.areas.codes)}
    found: dict[str, int] = {}
    for code, count in duty.items():
        at = place.get(code)
        if at is not None and above[at] >= 0:
            community = reading.areas.codes[above[at]]
            found[community] = found.get(community, 0) + count
    return found


_COMPOUND: Final = ("compounds", "with_team", "with_group", "with_station", "with_all")


def _compounds(
    reading: CityReading, volunteers: dict[str, int], radius_m: float
) -> dict[str, dict[str, int]]:
    """Return how many residential compounds of each community have team, group and station."""
    rows = store.compounds(reading.work)
    if not rows:
        return {}
    at = np.array([(row[1], row[2]) for row in rows])
    stations = reading.all_stations.positions
    near = reach.covered(at, stations, radius_m)
    index = reading.grid_index()
    grid = index.locate(*at.T) if index is not None else np.full(len(rows), -1)
    teams = {code for code, count in volunteers.items() if count}
    found: dict[str, dict[str, int]] = {}
    for number, (community, _, _) in enumerate(rows):
        own = found.setdefault(community, dict.fromkeys(_COMPOUND, 0))
        here = index.keys[grid[number]] if index is not None and grid[number] >= 0 else ""
        has = (community in teams, here in teams, bool(near[number]))
        own["compounds"] += 1
        for name, there in zip(_COMPOUND[1:4], has, strict=True):
            own[name] += there
        own["with_all"] += all(has)
    return found


def _grids(
    reading: CityReading, scope: str | None, question: StaffingQuestion, at: datetime
) -> list[dict[str, Any]]:
    """Return what each grid's workers carry, the most loaded first."""
    if "grid" not in reading.areas.levels:
        return []
    parts = reading.parts(scope, "grid")
    demand = demand_of(reading, question.demand)
    members, _ = reading.members(demand, parts)
    inside = members >= 0
    households = np.bincount(
        members[inside], weights=demand.households[inside], minlength=len(parts.areas)
    ).astype(np.int64)
    workers = store.on_duty(reading.work, ("grid_worker",), at)
    cases = store.cases_by_grid(reading.work, at)
    rows = []
    for number, area in enumerate(parts.areas):
        if not is_of(reading.areas, int(area), "grid"):
            continue
        code = reading.areas.codes[area]
        count = workers.get(code, 0)
        waiting, overdue = cases.get(code, (0, 0))
        rows.append(
            {
                "code": code,
                "name": reading.areas.names[area],
                "workers": count,
                "households": int(households[number]),
                "open_cases": waiting,
                "overdue_cases": overdue,
                "households_per_worker": round(int(households[number]) / count, 1)
                if count
                else None,
                "open_cases_per_worker": round(waiting / count, 2) if count else None,
            }
        )
    rows.sort(key=lambda row: (row["workers"] > 0, -(row["households_per_worker"] or 0.0)))
    return rows
