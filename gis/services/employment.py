"""The 3 km employment circle 三公里就业圈 of every urban community, straight and on foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gis import clock
from gis.coverage.network import attach
from gis.coverage.reached import ReachedPoints
from gis.coverage.road_reach import PointsOnRoads
from gis.coverage.straight_points import PointsOnEllipsoid
from gis.errors import AreaUnknown, PlanningInvalid
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading, Parts, ReachRule
from gis.services.coverage_question import checked_area, checked_rule
from gis.services.demand import AUTO, demand_of
from gis.services.planning import centres_of
from gis.store import employment as store

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

JOB_SERVICE: Final = "job_service"
LEAST_OPENINGS: Final = 10
"""Places of work that a covered community has within reach, unless the asker says otherwise."""

REASONS: Final = {
    "no_station": ("范围内没有就业服务站", "no job-service station within reach"),
    "station_not_staffed": ("范围内的就业服务站均无人值守", "no station within reach is staffed"),
    "too_few_openings": ("范围内岗位不足", "too few openings within reach"),
    "not_assessable": ("中心离路网太远，无法判定", "the centre is too far from every road"),
}


@dataclass(frozen=True, slots=True)
class CircleQuestion:
    """Asks for the circles of the urban communities of an area.

    ``reach`` decides which measure ``covered`` stands on; both are in every row. ``at``: openings
    valid then; ``boundaries_at``: areas as in force then.
    """

    area: str | None = None
    radius_m: float = 3000.0
    reach: str = "straight"
    least_openings: int = LEAST_OPENINGS
    at: datetime | None = None
    boundaries_at: datetime | None = None
    snap_m: float = 200.0
    demand: str = AUTO


def circles(database: Database, actor: Actor, question: CircleQuestion) -> dict[str, Any]:
    """Return one row for each urban community: what lies within reach of it, covered or not, why.

    Returns
    -------
    dict
        ``items`` (by code): ``stations``, ``openings``, ``openings_by_trade``, ``seekers``,
        ``residents`` within reach, ``covered``, ``why_not`` by the measure asked for, and the same
        under ``straight`` and ``walk`` (None where the city has no roads). ``summary``:
        communities covered of all, by both measures.

    Raises
    ------
    gis.errors.GovernanceError
        RadiusInvalid, PlanningInvalid (422), AreaUnknown (404), OutsideScope (403),
        NetworkMissing (503, with reach=network), NoPublishedBoundary (503).
    """
    rule = checked_rule(question.reach, question.radius_m, "walk", "stations", question.snap_m)
    if question.least_openings < 0:
        raise PlanningInvalid(what="least_openings", value=question.least_openings, fit=">= 0")
    scope = checked_area(actor, question.area)
    at = question.at or clock.now()
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database), question.boundaries_at)
        parts = _urban(reading, scope)
        found = _Circles.of(reading, parts, question, at)
        straight = found.by(ReachRule(radius_m=rule.radius_m))
        has_roads = rule.by_network or reading.has_roads
        walk_rule = ReachRule("network", rule.radius_m, snap_m=question.snap_m)
        walk = found.by(walk_rule) if has_roads else None
    rows = []
    asked = walk if rule.by_network and walk is not None else straight
    for number, area in enumerate(parts.areas):
        code, name = reading.areas.codes[area], reading.areas.names[area]
        rows.append(
            {
                "code": code,
                "name": name,
                "centre": found.centre(number),
                **asked[number],
                "straight": straight[number],
                "walk": None if walk is None else walk[number],
            }
        )
    return {
        "items": rows,
        "summary": {
            "communities": len(rows),
            "covered": sum(row["covered"] for row in rows),
            "covered_straight": sum(row["covered"] for row in straight),
            "covered_walk": None if walk is None else sum(row["covered"] for row in walk),
            "why_not": _tally(rows),
        },
        "rule": {
            **rule.facts(),
            "least_openings": question.least_openings,
            "at": at.isoformat(timespec="seconds"),
            "boundaries_at": None if (then := question.boundaries_at) is None else then.isoformat(),
            "covered_when_zh": "范围内至少一个有人值守的就业服务站，且岗位数达到下限",
            "covered_when": "a staffed job-service station and enough openings within reach",
        },
        "basis": reading.basis.facts(),
    }


def _tally(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = dict.fromkeys(REASONS, 0)
    for row in rows:
        for reason in row["why_not"]:
            counts[reason["code"]] += 1
    return counts


def _urban(reading: CityReading, scope: str | None) -> Parts:
    """Return the urban communities of a scope (a city without kinds counts all as urban)."""
    parts = reading.parts(scope, "community")
    kinds = [reading.areas.kinds[area] for area in parts.areas]
    urban = np.array([kind != "rural" for kind in kinds], dtype=np.bool_)
    if not len(urban) and scope is not None:
        raise AreaUnknown(code=scope)
    return replace(
        parts,
        areas=parts.areas[urban],
        outlines=parts.outlines[urban],
        plane=parts.plane[urban],
    )


@dataclass(frozen=True, slots=True)
class _Circles:
    """The centres of communities, and everything that may lie around them."""

    reading: CityReading
    question: CircleQuestion
    centres: FloatArray
    sources: list[str]
    stations: FloatArray
    staffed: npt.NDArray[np.bool_]
    openings: store.Openings
    seekers: store.Seekers

    @classmethod
    def of(
        cls, reading: CityReading, parts: Parts, question: CircleQuestion, at: datetime
    ) -> _Circles:
        work = reading.work
        whole = reading.parts(parts.scope, "community")
        mean = centres_of(reading, whole, demand_of(reading, question.demand))
        place = {int(area): number for number, area in enumerate(whole.areas)}
        own = store.service_centres(work)
        centres, sources = [], []
        for area in parts.areas:
            station = own.get(reading.areas.codes[area])
            at_mean = mean[place[int(area)]]
            centres.append(station[1:] if station else (at_mean[0], at_mean[1]))
            sources.append(f"station:{station[0]}" if station else "people")
        stations = reading.all_stations
        jobs = np.array([kind == JOB_SERVICE for kind in stations.kinds], dtype=np.bool_)
        return cls(
            reading=reading,
            question=question,
            centres=np.array(centres, dtype=np.float64).reshape(-1, 2),
            sources=sources,
            stations=stations.positions[jobs],
            staffed=np.array(stations.staffed, dtype=np.bool_)[jobs],
            openings=store.openings_at(work, at),
            seekers=store.seekers_of(work),
        )

    def centre(self, number: int) -> dict[str, Any]:
        lon, lat = self.centres[number]
        return {"lon": float(lon), "lat": float(lat), "source": self.sources[number]}

    def by(self, rule: ReachRule) -> list[dict[str, Any]]:
        """Return what lies within reach of each centre, by one measure."""
        demand = demand_of(self.reading, self.question.demand)
        lost = np.zeros(len(self.centres), dtype=np.bool_)
        if rule.by_network:
            lost = ~self.reading.put_on_roads(self.centres, rule).assessable
        homes = self.reading.reach(demand, rule).lists(self.centres)
        stations = self._around(self.stations, rule)
        openings = self._around(self.openings.positions, rule)
        seekers = self._around(self.seekers.positions, rule)
        trades, trade = np.unique(np.array(self.openings.trades, dtype=object), return_inverse=True)
        rows = []
        for number in range(len(self.centres)):
            near, jobs = stations.of(number)[0], openings.of(number)[0]
            by_trade = np.bincount(
                trade[jobs], weights=self.openings.places[jobs], minlength=len(trades)
            )
            row = {
                "stations": len(near),
                "stations_staffed": int(self.staffed[near].sum()),
                "openings": int(self.openings.places[jobs].sum()),
                "openings_by_trade": {
                    str(name): int(count)
                    for name, count in zip(trades, by_trade, strict=True)
                    if count
                },
                "seekers": len(seekers.of(number)[0]),
                "residents": int(demand.people[homes.of(number)[0]].sum()),
            }
            why = self._why_not(row, lost=bool(lost[number]))
            rows.append({**row, "covered": not why, "why_not": why})
        return rows

    def _why_not(self, row: dict[str, Any], *, lost: bool) -> list[dict[str, Any]]:
        found: list[tuple[str, dict[str, Any]]] = []
        if lost:
            found.append(("not_assessable", {}))
        elif not row["stations"]:
            found.append(("no_station", {}))
        elif not row["stations_staffed"]:
            found.append(("station_not_staffed", {"stations": row["stations"]}))
        least = self.question.least_openings
        if not lost and row["openings"] < least:
            facts = {
                "openings": row["openings"],
                "least": least,
                "missing": least - row["openings"],
            }
            found.append(("too_few_openings", facts))
        return [
            {"code": code, "text_zh": REASONS[code][0], "text_en": REASONS[code][1], **facts}
            for code, facts in found
        ]

    def _around(self, positions: FloatArray, rule: ReachRule) -> ReachedPoints:
        """Return what of some places lies within reach of each centre."""
        if not rule.by_network:
            return PointsOnEllipsoid(positions).reached(self.centres, rule.radius_m)
        graph = self.reading.network()
        on = attach(graph, positions, mode="walk", snap_m=rule.snap_m)
        centres = attach(graph, self.centres, mode="walk", snap_m=rule.snap_m)
        return PointsOnRoads(graph, on).reached(centres, rule.radius_m)
