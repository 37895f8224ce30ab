"""Coverage 覆盖: who is within reach of which stations, by area, and where nobody is reached.

A question reads the city in one snapshot; what did not change since the last one comes from memory
(:mod:`gis.services.city_memory`), so an answer is never older than its question, and says what it
stands on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from gis.coverage import reach as straight
from gis.coverage.demand import people_weighted_centres
from gis.coverage.network import nearest_station
from gis.services.city_memory import memory_of
from gis.services.city_reading import LEVELS, CityReading, Level, Parts, ReachRule
from gis.services.coverage_answer import Assessment, as_contract
from gis.services.coverage_count import Counted, counted
from gis.services.coverage_gaps import CellGaps, CircleGaps, Gaps
from gis.services.coverage_question import (
    LARGEST_RADIUS_M,
    CoverageQuestion,
    StationSet,
    checked_area,
    stations_of,
)
from gis.services.coverage_view import CoverageView, as_view
from gis.services.demand import (
    BUILDINGS,
    COMMUNITIES,
    Demand,
    demand_of,
    imported_series,
)
from gis.store import city

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

FloatArray = npt.NDArray[np.float64]

__all__ = [
    "LARGEST_RADIUS_M",
    "LEVELS",
    "CoverageQuestion",
    "Level",
    "Planner",
    "assess",
    "coverage",
    "coverage_view",
]


def coverage(
    database: Database,
    actor: Actor,
    question: CoverageQuestion | None = None,
    **asked: Any,  # noqa: ANN401 - the fields of a question
) -> dict[str, Any]:
    """Return who is within reach of stations, in the shape of the contract.

    Parameters
    ----------
    question
        See :class:`~gis.services.coverage_question.CoverageQuestion`; its fields may be given by
        name instead: ``kinds`` (of stations; none: all), ``radius_m``, ``reach`` (``straight``:
        geodesic; ``network``: along roads, with ``mode``, ``towards``, ``snap_m``), ``area``
        (None: the actor's own, or the whole city; stations outside reach into it), ``by`` (level
        of the rows), ``at`` (an instant: who is open), ``boundaries_at`` (an instant: areas as in
        force then), ``capacity`` (stations fill up),
        ``demand`` (how people are placed), ``groups`` (ages and tags), ``methods`` (compare the
        ways of placing people), ``changes`` (stations added, moved, closed in thought).

    Returns
    -------
    dict
        ``summary``, ``areas`` (by code), ``gaps`` (GeoJSON, most people first, then by code, with
        the cause) and what the figures stand on. ``nearest_m`` runs from an area's people-weighted
        centre (its centroid without people) to the nearest open station; a ratio of nobody is
        null. With ``changes``: how things stand after them, the rows that differ, and ``change``.

    Raises
    ------
    gis.errors.GovernanceError
        RadiusInvalid, PlanningInvalid, StationKindUnknown, DemandUnknown, LevelTooCoarse (422),
        AreaUnknown, StationUnknown (404), OutsideScope (403), NoPublishedBoundary,
        NetworkMissing (503).
    """
    return as_contract(assess(database, actor, question, **asked))


@dataclass(frozen=True, slots=True)
class Planner:
    """One caller's planning questions to one database: what map builders are given."""

    database: Database
    actor: Actor

    def coverage_view(self, **asked: Any) -> CoverageView:  # noqa: ANN401 - fields of a question
        """Return :func:`coverage_view` for this caller."""
        return coverage_view(self.database, self.actor, **asked)


def coverage_view(
    database: Database,
    actor: Actor,
    **asked: Any,  # noqa: ANN401 - the fields of a question
) -> CoverageView:
    """Return what the coverage map draws; parameters and errors as in :func:`coverage`.

    By communities, inside a community by its grids.
    """
    return as_view(assess(database, actor, **{**asked, "by": None}))


def assess(
    database: Database,
    actor: Actor,
    question: CoverageQuestion | None = None,
    **asked: Any,  # noqa: ANN401 - the fields of a question
) -> Assessment:
    """Answer a coverage question; parameters and errors as in :func:`coverage`."""
    question = question or CoverageQuestion(**asked)
    rule = question.rule()
    scope = checked_area(actor, question.area)
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database), question.boundaries_at)
        return assessed(reading, question, rule, scope)


def assessed(
    reading: CityReading, question: CoverageQuestion, rule: ReachRule, scope: str | None
) -> Assessment:
    """Answer a coverage question of a reading."""
    kinds = reading.kinds(question.kinds)
    parts = reading.parts(scope, question.by)
    demand = demand_of(reading, question.demand)
    plain = replace(question, kinds=tuple(kinds), groups=tuple(question.groups), changes=())

    asked = _Asked(reading, rule, kinds, parts, demand)

    def as_it_stands() -> Assessment:
        stations = stations_of(reading.all_stations, kinds, question.at)
        return asked.answered(plain, stations)

    before = reading.memory.keep("assessed", (reading.basis, plain, scope), as_it_stands, most=6)
    if not question.changes:
        return before
    now = stations_of(reading.all_stations, kinds, question.at, question.changes)
    return replace(asked.answered(question, now), before=before)


def centres_of(reading: CityReading, parts: Parts, demand: Demand) -> FloatArray:
    """Return the people-weighted centre of each area, its centroid without people."""
    key = (reading.basis.revision, demand.key, parts.scope, parts.by)

    def make() -> FloatArray:
        members, _ = reading.members(demand, parts)
        centroids = shapely.get_coordinates(shapely.centroid(parts.outlines))
        return people_weighted_centres(members, demand.people, demand.positions, centroids)

    return reading.memory.keep("centres", key, make, most=8)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question is about; only the stations may still differ."""

    reading: CityReading
    rule: ReachRule
    kinds: list[str]
    parts: Parts
    demand: Demand

    def answered(self, question: CoverageQuestion, stations: StationSet) -> Assessment:
        """Return the answer for some stations."""
        reading = self.reading
        found = counted(
            reading,
            self.demand,
            self.parts,
            self.rule,
            stations,
            capacity=question.capacity,
            groups=question.groups,
        )
        gaps = self._gaps(stations, found)
        nearest_m = self._nearest(stations)
        return Assessment(
            basis=reading.basis,
            question=question,
            rule=self.rule,
            kinds=self.kinds,
            city_areas=reading.areas,
            parts=self.parts,
            demand=self.demand,
            stations=stations,
            counted=found,
            gaps=gaps,
            nearest_m=nearest_m,
            methods=self._methods(question, stations, found, gaps, nearest_m),
            source=city.source_of(reading.work, reading.basis.revision),
            graph=reading.network() if self.rule.by_network else None,
        )

    def _gaps(self, stations: StationSet, found: Counted) -> Gaps:
        reading, parts, demand = self.reading, self.parts, self.demand
        key = (reading.basis.revision, parts.scope, parts.by)
        if self.rule.by_network:
            cells = reading.memory.keep(
                "cells",
                (*key, demand.key),
                lambda: CellGaps(parts, demand.positions, found.members),
                most=4,
            )
            return cells.left_by(found.uncovered)
        cutter = reading.memory.keep(
            "circle-gaps",
            (*key, self.rule.radius_m),
            lambda: CircleGaps(parts, self.rule.radius_m),
            most=8,
        )
        return cutter.left_by(stations.positions[stations.open])

    def _nearest(self, stations: StationSet) -> FloatArray:
        """Return the metres from each area's centre to its nearest open station."""
        reading, parts, rule = self.reading, self.parts, self.rule
        centres = centres_of(reading, parts, self.demand)
        there = stations.positions[stations.open]
        if not rule.by_network:
            _, nearest_m = straight.nearest(centres, there)
            return nearest_m
        key = (reading.basis.revision, reading.basis.key("roads"), self.demand.key)
        on = reading.memory.keep(
            "centres-on-roads",
            (*key, parts.scope, parts.by, rule.mode, rule.snap_m),
            lambda: reading.put_on_roads(centres, rule),
            most=8,
        )
        return nearest_station(
            reading.network(),
            on,
            reading.put_on_roads(there, rule),
            mode=rule.mode,
            towards=rule.towards,
        ).distance_m

    def _methods(
        self,
        question: CoverageQuestion,
        stations: StationSet,
        found: Counted,
        gaps: Gaps,
        nearest_m: FloatArray,
    ) -> dict[str, float | None]:
        """Return the share covered by each way of placing people: how much the method matters.

        ``centroid``: an area is covered when its centre is. ``areal``: people lie evenly over
        their area. With ``methods`` also every other count of people that the city has.
        """
        people = found.by_area.people
        whole = int(people.sum())
        if not whole:
            return {}
        near = nearest_m <= self.rule.radius_m + straight.TOLERANCE_M
        shares: dict[str, float | None] = {
            self.demand.name: float(found.by_area.covered.sum()) / whole,
            "centroid": float(people[near].sum()) / whole,
            "areal": None,
        }
        if not self.rule.by_network:
            ground = np.maximum(np.asarray(shapely.area(self.parts.plane)), 1e-9)
            shares["areal"] = float((people * (1.0 - gaps.area_m2 / ground)).sum()) / whole
        if question.methods:
            for name in self._other_demands():
                other = demand_of(self.reading, name)
                sums = counted(self.reading, other, self.parts, self.rule, stations).by_area
                total = int(sums.people.sum())
                shares[name] = float(sums.covered.sum()) / total if total else None
        return shares

    def _other_demands(self) -> list[str]:
        names = [BUILDINGS, COMMUNITIES, *imported_series(self.reading)]
        return [name for name in names if name != self.demand.name]
