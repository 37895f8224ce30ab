"""Siting 选址: where the next stations go, on the city as it is, with the proof beside the plan.

Who counts: residents, at the building they live in, inside the area asked about. What may become a
station: the people-weighted centre of every community (inside a community: of every grid), and
buildings that are no homes, thinned evenly to :data:`MOST_CANDIDATES`. The answer names all that
were compared: a plan is the best of these, not of every plot of land.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array, hstack

from gis.coverage import reach as straight
from gis.coverage.demand import people_weighted_centres
from gis.coverage.max_cover import built_in_order
from gis.coverage.plans import Effort, Plan, gap_between
from gis.coverage.siting import max_covering, p_center, p_median, set_covering
from gis.coverage.spread import evenly, gathered
from gis.errors import SitingInvalid
from gis.services.planning import Reading, checked_scope
from gis.store import city

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

FloatArray = npt.NDArray[np.float64]
Objective = Literal["max_covered", "min_stations", "min_mean_distance", "min_max_distance"]

OBJECTIVES: Final[tuple[Objective, ...]] = (
    "max_covered",
    "min_stations",
    "min_mean_distance",
    "min_max_distance",
)
MOST_SITES: Final = 100
MOST_SECONDS: Final = 60.0
STANDARD_SECONDS: Final = 20.0
MOST_CANDIDATES: Final = 2000
FEWER_CANDIDATES: Final = 1000
"""For distances, where every candidate is compared with everybody and not only those in reach."""
MOST_PLACES: Final = 6000
"""For distances: beyond so many buildings their people are gathered by cells; see ``demand``."""
GAP: Final = 0.001
"""Where a run stops early: at most a thousandth better is possible."""
SAME_DISTANCE: Final = 1e-6
"""Distances are called optimal to a millionth (the chord that is optimised, see ``chords``)."""

_DIGITS: Final = 7  # of a degree: a centimetre; the sites of the answer are those that were counted
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class SitingQuestion:
    """Asks for new stations; ``k`` counts NEW ones and is not read by ``min_stations``.

    ``kinds`` (all without) are the stations that exist already; with ``keep_existing=False`` the
    plan begins from nothing.
    """

    objective: Objective = "max_covered"
    k: int = 5
    kinds: Sequence[str] | None = None
    radius_m: float = 3000.0
    reach: str = "straight"
    area: str | None = None
    keep_existing: bool = True
    seconds: float = STANDARD_SECONDS
    seed: int = 0


def site(database: Database, actor: Actor, question: SitingQuestion) -> dict[str, Any]:
    """Return where new stations should stand, in the shape of the contract.

    Returns
    -------
    dict
        ``sites`` (GeoJSON, the one that brings most people first, with what each adds to those
        before it), ``before`` and ``after`` (people within reach, mean and largest distance,
        counted again from positions: ``before + marginal people = after``), ``proof`` (the bound
        that no plan of these candidates beats), ``unreachable`` (people whom no candidate and no
        kept station reaches, by area), ``candidates`` and ``demand`` (what was compared).

    Raises
    ------
    gis.errors.GovernanceError
        As :func:`gis.services.planning.coverage`, and SitingInvalid (422).
    """
    started = time.perf_counter()
    _check(question)
    scope = checked_scope(
        actor, radius_m=question.radius_m, reach=question.reach, area=question.area
    )
    with database.reading(actor) as work:
        reading = Reading.of(work, scope, None, question.kinds)
        problem = _Problem.of(reading, city.premises(work), question)
    answer = problem.answered()
    return {**answer, "seconds": round(time.perf_counter() - started, 3)}


def _check(question: SitingQuestion) -> None:
    if question.objective not in OBJECTIVES:
        raise SitingInvalid(what="objective", value=question.objective, fit=", ".join(OBJECTIVES))
    if not 1 <= question.k <= MOST_SITES:
        raise SitingInvalid(what="k", value=question.k, fit=f"1..{MOST_SITES}")
    if not 1.0 <= question.seconds <= MOST_SECONDS:
        raise SitingInvalid(what="seconds", value=question.seconds, fit=f"1..{MOST_SECONDS:g}")
    if not 0 <= question.seed < 2**32:
        raise SitingInvalid(what="seed", value=question.seed, fit="0..4294967295")


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Where a station may come, in the order that ties follow: centres by code, then buildings."""

    positions: FloatArray
    codes: list[str]
    names: list[str]
    kinds: list[str]
    most: int
    buildings_in_area: int

    @classmethod
    def of(
        cls, reading: Reading, members: npt.NDArray[np.intp], premises: city.Premises, most: int
    ) -> _Candidates:
        centroids = shapely.get_coordinates(shapely.centroid(reading.outlines))
        buildings = reading.buildings
        centres = people_weighted_centres(
            members, buildings.residents, buildings.positions, centroids
        )
        chosen = evenly(centres, most)
        areas = [reading.areas[number] for number in chosen]
        shapely.prepare(reading.scope_outline)
        inside = np.flatnonzero(shapely.intersects_xy(reading.scope_outline, *premises.positions.T))
        some = inside[evenly(premises.positions[inside], most - len(chosen))]
        positions: FloatArray = np.vstack([centres[chosen], premises.positions[some]])
        return cls(
            positions=positions.round(_DIGITS),
            codes=[
                *(f"area:{reading.city_areas.codes[area]}" for area in areas),
                *(f"building:{premises.ids[number]}" for number in some),
            ],
            names=[
                *(reading.city_areas.names[area] for area in areas),
                *(premises.names[number] for number in some),
            ],
            kinds=[*(["centre"] * len(areas)), *(premises.kinds[number] for number in some)],
            most=most,
            buildings_in_area=len(inside),
        )


@dataclass(frozen=True, slots=True)
class _Problem:
    """A siting question and the city it is asked of; no database any more."""

    question: SitingQuestion
    reading: Reading
    members: npt.NDArray[np.intp]
    positions: FloatArray
    residents: npt.NDArray[np.int64]
    not_assessable: int
    kept: FloatArray
    candidates: _Candidates

    @classmethod
    def of(cls, reading: Reading, premises: city.Premises, question: SitingQuestion) -> _Problem:
        members, not_assessable = reading.members()
        covering = question.objective in {"max_covered", "min_stations"}
        most = MOST_CANDIDATES if covering else FEWER_CANDIDATES
        inside = members >= 0
        kept = reading.stations.positions
        return cls(
            question=question,
            reading=reading,
            members=members[inside],
            positions=reading.buildings.positions[inside],
            residents=reading.buildings.residents[inside],
            not_assessable=not_assessable,
            kept=kept if question.keep_existing else kept[:0],
            candidates=_Candidates.of(reading, members, premises, most),
        )

    def answered(self) -> dict[str, Any]:
        """Solve, count again from positions, and say it in the shape of the contract."""
        question, sites = self.question, self.candidates.positions
        open_rows = np.flatnonzero(~straight.covered(self.positions, self.kept, question.radius_m))
        covers = _within(self.positions[open_rows], sites, question.radius_m)
        people = self.residents[open_rows].astype(np.float64)
        plan, demand, loosened = self._plan(covers, people)
        order, marginal = built_in_order(
            csr_array(covers, dtype=np.float64), people, np.array(plan.sites, dtype=np.intp)
        )
        before, after = self._state(()), self._state(order)
        lost = open_rows[np.diff(covers.indptr) == 0]
        return {
            "sites": self._features(order, marginal),
            "before": before,
            "after": after,
            "proof": self._proof(plan, after, before["people_covered"], loosened),
            "unreachable": self._by_area(lost),
            "candidates": {
                "used": len(sites),
                "most": self.candidates.most,
                "centres": self.candidates.kinds.count("centre"),
                "buildings": len(sites) - self.candidates.kinds.count("centre"),
                "buildings_in_area": self.candidates.buildings_in_area,
                "codes": self.candidates.codes,
            },
            "demand": demand,
            "question": {
                "objective": question.objective,
                "k": None if question.objective == "min_stations" else question.k,
                "kinds": self.reading.kinds,
                "radius_m": question.radius_m,
                "reach": "straight",
                "area": self.reading.scope,
                "keep_existing": question.keep_existing,
                "seconds": question.seconds,
                "seed": question.seed,
            },
            "boundary_revision": self.reading.city_areas.revision,
        }

    def _plan(self, covers: csr_array, people: FloatArray) -> tuple[Plan, dict[str, Any], float]:
        """Return the plan, whom it was made for, and how many metres its bound is looser."""
        question = self.question
        effort = Effort(seconds=question.seconds, gap=GAP, seed=question.seed)
        demand: dict[str, Any] = {
            "places": len(people),
            "method": "buildings",
            "cell_m": None,
            "mean_shift_m": 0.0,
            "largest_shift_m": 0.0,
            "not_assessable": self.not_assessable,
        }
        if question.objective == "max_covered":
            return max_covering(covers, people, question.k, effort=effort), demand, 0.0
        if question.objective == "min_stations":
            return set_covering(covers, skip_unreachable=True, effort=effort), demand, 0.0
        homes = gathered(self.positions, self.residents, MOST_PLACES)
        demand |= {"places": len(homes.people)}
        if homes.cell_m:
            demand |= {
                "method": "cells",
                "cell_m": round(homes.cell_m, 1),
                "mean_shift_m": round(homes.mean_shift_m, 3),
                "largest_shift_m": round(homes.largest_shift_m, 3),
            }
        cost = straight.chords(homes.positions, self.candidates.positions)
        fixed: list[int] = []
        if len(self.kept):  # all that stands is one column: the distance to the nearest of them
            there = straight.chords(homes.positions, self.kept).min(axis=1)
            fixed, cost = [cost.shape[1]], np.column_stack([cost, there])
        if question.objective == "min_mean_distance":
            plan = p_median(cost, homes.people, question.k, fixed=fixed, effort=effort)
            return plan, demand, homes.mean_shift_m
        plan = p_center(cost, question.k, fixed=fixed, effort=effort)
        return plan, demand, homes.largest_shift_m

    def _state(self, new: Sequence[int]) -> dict[str, Any]:
        """Count who is within reach of what is kept and the new sites, from positions alone."""
        stations = np.vstack([self.kept, self.candidates.positions[list(new)]])
        reached = straight.covered(self.positions, stations, self.question.radius_m)
        _, nearest_m = straight.nearest(self.positions, stations)
        people, covered = int(self.residents.sum()), int(self.residents[reached].sum())
        mean = float(self.residents @ nearest_m) / people if people else math.nan
        return {
            "stations": len(stations),
            "people": people,
            "people_covered": covered,
            "ratio": covered / people if people else None,
            "mean_distance_m": round(mean, 3) if math.isfinite(mean) else None,
            "largest_distance_m": (
                round(float(nearest_m.max()), 3) if people and len(stations) else None
            ),
        }

    def _proof(
        self, plan: Plan, after: dict[str, Any], served: int, loosened: float
    ) -> dict[str, Any]:
        """Return the value of the plan as counted again, and the bound that holds for it.

        With people gathered by cells the optimiser's bound is lowered by what gathering can change.
        """
        objective = self.question.objective
        if objective == "max_covered":
            value, bound, unit = float(after["people_covered"]), plan.bound + served, "people"
        elif objective == "min_stations":
            value, bound, unit = float(len(plan.sites)), plan.bound, "stations"
        else:
            mean = objective == "min_mean_distance"
            people = max(after["people"], 1)
            value = after["mean_distance_m" if mean else "largest_distance_m"] or 0.0
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
        }

    def _features(self, order: Sequence[int], marginal: Sequence[float]) -> dict[str, Any]:
        found = self.candidates
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": found.codes[number],
                    "geometry": {
                        "type": "Point",
                        "coordinates": found.positions[number].tolist(),
                    },
                    "properties": {
                        "rank": rank,
                        "code": found.codes[number],
                        "name": found.names[number],
                        "kind": found.kinds[number],
                        "marginal_people": int(added),
                    },
                }
                for rank, (number, added) in enumerate(zip(order, marginal, strict=True), start=1)
            ],
        }

    def _by_area(self, rows: npt.NDArray[np.intp]) -> dict[str, Any]:
        """Return the people of some buildings by area, most first, then by code."""
        areas = self.reading.city_areas
        people = np.bincount(
            self.members[rows],
            weights=self.residents[rows].astype(np.float64),
            minlength=len(self.reading.areas),
        )
        some = [int(number) for number in np.flatnonzero(people)]
        some.sort(key=lambda number: (-people[number], number))
        return {
            "people": int(people.sum()),
            "areas": [
                {
                    "code": areas.codes[self.reading.areas[number]],
                    "name": areas.names[self.reading.areas[number]],
                    "people": int(people[number]),
                }
                for number in some
            ],
        }


def _within(points: FloatArray, sites: FloatArray, radius_m: float) -> csr_array:
    """Return who is within reach of which site, some sites at a time: pairs are many."""
    parts = [
        straight.within(points, sites[start : start + _AT_ONCE], radius_m)
        for start in range(0, len(sites), _AT_ONCE)
    ]
    return csr_array(hstack(parts, format="csr"))
