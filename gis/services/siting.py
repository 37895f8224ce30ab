"""Siting 选址: where the next stations go, on the city as it is, with the proof beside the plan.

Who counts: residents, at the building they live in, inside the area asked about; along roads those
who can be put on them. What may become a station is said by ``candidates`` (by default the
people-weighted centre of every community, inside a community of every grid, and buildings that are
no homes, thinned evenly). The answer names all that were compared: a plan is the best of these.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from gis.coverage.capacity import CapacityPlan, backup_covering, capacitated_covering
from gis.coverage.limits import Limits, limited_covering
from gis.coverage.max_cover import built_in_order
from gis.coverage.network import Attached
from gis.coverage.plans import Effort, Plan, Watch
from gis.coverage.siting import coverage_curve, max_covering, p_center, p_median, set_covering
from gis.errors import NoPlan, SitingInvalid
from gis.services.city_memory import StationReach, memory_of
from gis.services.city_reading import CityReading, Parts, ReachRule
from gis.services.coverage_question import StationSet, checked_area, stations_of
from gis.services.demand import Demand, demand_of
from gis.services.planning import centres_of
from gis.services.siting_answer import (
    by_area,
    existing_value,
    features,
    proof,
    state,
)
from gis.services.siting_candidates import Candidates, candidates_of
from gis.services.siting_distances import Distances, road_distances, straight_distances
from gis.services.siting_question import (
    COVERING,
    MOST_JOB_SECONDS,
    MOST_SECONDS,
    MOST_SITES,
    OBJECTIVES,
    STANDARD_SECONDS,
    Objective,
    OwnCandidate,
    SitingQuestion,
    check,
)

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

FloatArray = npt.NDArray[np.float64]

MOST_CANDIDATES: Final = 2000
FEWER_CANDIDATES: Final = 1000
"""For distances, where every candidate is compared with everybody and not only those in reach."""
FEWEST_CANDIDATES: Final = 300
"""For stations that fill up, for people reached twice, and for distances along roads."""
MOST_PLACES: Final = 6000
"""For distances: beyond so many buildings their people are gathered by cells; see ``demand``."""
GAP: Final = 0.001
"""Where a run stops early: at most a thousandth better is possible."""

__all__ = [
    "MOST_JOB_SECONDS",
    "MOST_SECONDS",
    "MOST_SITES",
    "OBJECTIVES",
    "STANDARD_SECONDS",
    "Objective",
    "OwnCandidate",
    "SitingQuestion",
    "site",
]


def site(
    database: Database,
    actor: Actor,
    question: SitingQuestion,
    *,
    watch: Watch | None = None,
    most_seconds: float = MOST_SECONDS,
) -> dict[str, Any]:
    """Return where new stations should stand, in the shape of the contract.

    Parameters
    ----------
    watch
        Is told how far the run is, a few times a second; False ends it with its best plan.

    Returns
    -------
    dict
        ``sites`` (GeoJSON, the one that brings most people first, with what each adds to those
        before it), ``before`` and ``after`` (people within reach, mean and largest distance,
        counted again from positions: ``before + marginal people = after``), ``proof`` (the bound
        that no plan of these candidates beats), ``unreachable`` (people whom no candidate and no
        kept station reaches, by area), ``existing`` (what each standing station alone brings, and
        which bring nothing), ``candidates`` and ``demand`` (what was compared).

    Raises
    ------
    gis.errors.GovernanceError
        As :func:`gis.services.planning.coverage`, SitingInvalid and NoPlan (422).
    """
    started = time.perf_counter()
    check(question, most_seconds=most_seconds)
    rule = question.rule()
    scope = checked_area(actor, question.area)
    with database.reading(actor, snapshot=True) as work:
        problem = _Problem.of(CityReading(work, memory_of(database)), question, rule, scope)
    answer = problem.answered(watch)
    return {**answer, "seconds": round(time.perf_counter() - started, 3)}


@dataclass(frozen=True, slots=True)
class _Problem:
    """A siting question and the city it is asked of; no database any more.

    ``inside`` are the places of the demand that count, ``kept`` the stations that stand.
    """

    question: SitingQuestion
    rule: ReachRule
    reading: CityReading
    parts: Parts
    demand: Demand
    members: npt.NDArray[np.intp]
    in_no_area: int
    inside: npt.NDArray[np.intp]
    off_network: int
    kinds: list[str]
    kept: StationSet
    candidates: Candidates
    reach: StationReach
    on: Attached | None
    on_candidates: Attached | None
    on_kept: Attached | None

    @classmethod
    def of(
        cls,
        reading: CityReading,
        question: SitingQuestion,
        rule: ReachRule,
        scope: str | None,
    ) -> _Problem:
        kinds = reading.kinds(question.kinds)
        parts = reading.parts(scope, None)
        demand = demand_of(reading, question.demand)
        members, in_no_area = reading.members(demand, parts)
        inside = members >= 0
        off = 0
        if rule.by_network:
            on_roads = reading.attached(demand, rule).assessable
            off = int(demand.people[inside & ~on_roads].sum())
            inside = inside & on_roads
        kept, present = _kept(reading, question, kinds)
        found = candidates_of(
            reading,
            parts,
            centres_of(reading, parts, demand),
            question,
            present=present,
            most=_most(question, rule),
        )
        if not len(found):
            raise SitingInvalid(what="candidates", value=question.candidates, fit="another source")
        on, on_candidates, on_kept = None, None, None
        if rule.by_network:
            on = reading.attached(demand, rule)
            on_candidates = reading.put_on_roads(found.positions, rule)
            on_kept = reading.put_on_roads(kept.positions, rule)
        return cls(
            question=question,
            rule=rule,
            reading=reading,
            parts=parts,
            demand=demand,
            members=members,
            in_no_area=in_no_area,
            inside=np.flatnonzero(inside),
            off_network=off,
            kinds=kinds,
            kept=kept,
            candidates=found,
            reach=reading.reach(demand, rule),
            on=on,
            on_candidates=on_candidates,
            on_kept=on_kept,
        )

    @property
    def k(self) -> int:
        """Return how many sites are chosen: new ones, and those that may move."""
        return self.question.k + len(self.question.relocate)

    def answered(self, watch: Watch | None) -> dict[str, Any]:
        """Solve, count again from positions, and say it in the shape of the contract."""
        question = self.question
        effort = Effort(seconds=question.seconds, gap=GAP, seed=question.seed, watch=watch)
        people = self.demand.people[self.inside].astype(np.float64)
        covers = self._covers(self.candidates.positions)
        times = self.reach.counts(self.kept.positions)[self.inside]
        open_rows = np.flatnonzero(times == 0)
        fresh = csr_array(covers[open_rows])
        plan, distances = self._plan(covers, fresh, people, times, effort)
        if plan.status == "infeasible":
            raise NoPlan(k=self.k, objective=question.objective)
        chosen = np.array(plan.sites, dtype=np.intp)
        order, marginal = built_in_order(fresh, people[open_rows], chosen)
        before, after = self._state(()), self._state(order)
        lost = open_rows[np.diff(fresh.indptr) == 0]
        answer = {
            "sites": features(self.candidates, order, marginal),
            "before": before,
            "after": after,
            "proof": proof(question, plan, after, distances),
            "unreachable": by_area(
                self.reading.areas, self.parts, self.members[self.inside], people, lost
            ),
            "existing": existing_value(self.reach, self.demand, self.inside, self.kept),
            "candidates": self.candidates.facts(),
            "demand": self._demand_facts(len(open_rows), distances),
            "question": self._facts(),
            "basis": self.reading.basis.facts(),
            "boundary_revision": self.reading.basis.revision,
        }
        if isinstance(plan, CapacityPlan):
            answer["served"] = self._served(plan)
        if question.curve:
            answer["curve"] = self._curve(fresh, people[open_rows], before, effort)
        return answer

    def _covers(self, positions: FloatArray) -> csr_array:
        """Return who is within reach of which site, some sites at a time: pairs are many."""
        parts = [
            self.reach.lists(positions[start : start + 50]).covers(len(self.demand.people))[
                self.inside
            ]
            for start in range(0, len(positions), 50)
        ]
        return csr_array(hstack(parts, format="csr"))

    def _plan(
        self,
        covers: csr_array,
        fresh: csr_array,
        people: FloatArray,
        times: npt.NDArray[np.int64],
        effort: Effort,
    ) -> tuple[Plan, Distances | None]:
        """Return the plan, and the distances that it was made with."""
        question = self.question
        left = people[times == 0]
        if question.objective == "min_stations":
            return set_covering(fresh, skip_unreachable=True, effort=effort), None
        if question.objective == "max_covered":
            return self._covering_plan(covers, fresh, people, left, effort), None
        found = self._distances()
        fixed = [found.cost.shape[1] - 1] if found.kept else []
        if question.objective == "min_mean_distance":
            return p_median(found.cost, found.people, self.k, fixed=fixed, effort=effort), found
        return p_center(found.cost, self.k, fixed=fixed, effort=effort), found

    def _covering_plan(
        self,
        covers: csr_array,
        fresh: csr_array,
        people: FloatArray,
        left: FloatArray,
        effort: Effort,
    ) -> Plan:
        question, sites = self.question, len(self.candidates)
        forced = self.candidates.positions_of(question.forced, "forced")
        forbidden = self.candidates.positions_of(question.forbidden, "forbidden")
        if len(forced) > self.k or set(forced) & set(forbidden):
            fit = "at most k, none of them forbidden"
            raise SitingInvalid(what="forced", value=", ".join(question.forced), fit=fit)
        if question.limited:
            return limited_covering(
                fresh,
                left,
                self.k,
                self._limits(people),
                forced=forced,
                forbidden=forbidden,
                effort=effort,
            )
        if question.capacity is None and question.times == 1:
            return max_covering(
                fresh, left, self.k, forced=forced, forbidden=forbidden, effort=effort
            )
        both = csr_array(hstack([covers, self._covers(self.kept.positions)], format="csr"))
        fixed = range(sites, sites + len(self.kept))
        if question.times == 2:
            return backup_covering(
                both, people, self.k, fixed=fixed, forbidden=forbidden, effort=effort
            )
        total = float(people.sum())
        there = np.where(self.kept.capacity < 0, total, self.kept.capacity)
        room = np.concatenate([np.full(sites, float(question.capacity or 0)), there])
        return capacitated_covering(
            both, people, room, self.k, fixed=fixed, forbidden=forbidden, effort=effort
        )

    def _limits(self, people: FloatArray) -> Limits:
        """Return budget and shares; the limits speak of places that nothing reaches yet."""
        question = self.question
        group, least = None, None
        reached = self.reach.counts(self.kept.positions)[self.inside] > 0
        if question.equity_level is not None and question.equity_ratio is not None:
            above = self.reading.ancestors[question.equity_level]
            owner = above[self.parts.areas[self.members[self.inside]]]
            _, number = np.unique(owner, return_inverse=True)
            number = np.where(owner >= 0, number.reshape(-1), -1)
            count = int(number.max(initial=-1)) + 1
            known = number >= 0
            whole = np.bincount(number[known], people[known], count)
            done = np.bincount(number[known], (people * reached)[known], count)
            group = number[~reached].astype(np.intp)
            least = np.maximum(np.ceil(whole * question.equity_ratio - 1e-9) - done, 0.0)
        cost = self.candidates.cost if question.budget is not None else None
        return Limits(cost, question.budget, group, least)

    def _distances(self) -> Distances:
        positions = self.demand.positions[self.inside]
        people = self.demand.people[self.inside]
        if self.on is None or self.on_candidates is None or self.on_kept is None:
            return straight_distances(
                positions, people, self.candidates.positions, self.kept.positions, MOST_PLACES
            )
        on = Attached(
            self.on.edge[self.inside], self.on.share[self.inside], self.on.access_m[self.inside]
        )
        return road_distances(
            self.reading.network(),
            positions,
            people,
            on,
            candidates=self.on_candidates,
            kept=self.on_kept,
            most=MOST_PLACES,
            rule=self.rule,
        )

    def _state(self, new: Sequence[int]) -> dict[str, Any]:
        """Count who is within reach of what is kept and the new sites, from positions alone."""
        stations = np.vstack([self.kept.positions, self.candidates.positions[list(new)]])
        return state(self, stations)

    def _served(self, plan: CapacityPlan) -> dict[str, Any]:
        """Return who finds room, before and after, and what each chosen station takes on."""
        sites = len(self.candidates)
        rows = []
        for station, load in zip(plan.stations, plan.load, strict=True):
            if station < sites:
                code, room = self.candidates.codes[station], self.question.capacity
            else:
                code = self.kept.codes[station - sites]
                there = int(self.kept.capacity[station - sites])
                room = None if there < 0 else there
            rows.append({"code": code, "load": round(load), "capacity": room})
        return {
            "people_served_before": round(plan.before),
            "people_served": round(plan.objective),
            "stations": rows,
        }

    def _curve(
        self, fresh: csr_array, left: FloatArray, before: dict[str, Any], effort: Effort
    ) -> list[dict[str, Any]]:
        """Return the best plans for 0, 1, ... k new sites, within the same time once more."""
        base = before["people_covered"]
        codes, previous, rows = self.candidates.codes, 0.0, []
        for count, plan in enumerate(coverage_curve(fresh, left, self.k, effort=replace(effort))):
            rows.append(
                {
                    "k": count,
                    "people_covered": base + round(plan.objective),
                    "people_gained": round(plan.objective - previous),
                    "bound": base + plan.bound,
                    "gap": plan.gap if math.isfinite(plan.gap) else None,
                    "status": plan.status,
                    "sites": [codes[number] for number in plan.sites],
                }
            )
            previous = plan.objective
        return rows

    def _demand_facts(self, open_places: int, distances: Distances | None) -> dict[str, Any]:
        facts = {
            **self.demand.facts(),
            "places": open_places,
            "cell_m": None,
            "mean_shift_m": 0.0,
            "largest_shift_m": 0.0,
            "not_assessable": self.in_no_area + self.off_network,
            "people_off_network": self.off_network,
            "people_in_no_area": self.in_no_area,
        }
        return facts if distances is None else facts | distances.facts

    def _facts(self) -> dict[str, Any]:
        asked = self.question
        return {
            "objective": asked.objective,
            "k": None if asked.objective == "min_stations" else asked.k,
            "kinds": self.kinds,
            **self.rule.facts(),
            "area": self.parts.scope,
            "keep_existing": asked.keep_existing,
            "demand": self.demand.name,
            "changes": [change.facts() for change in asked.changes],
            "relocate": list(asked.relocate),
            "candidates": asked.candidates,
            "forced": list(asked.forced),
            "forbidden": list(asked.forbidden),
            "capacity": asked.capacity,
            "times": asked.times,
            "budget": asked.budget,
            "equity_level": asked.equity_level,
            "equity_ratio": asked.equity_ratio,
            "seconds": asked.seconds,
            "seed": asked.seed,
        }


def _most(question: SitingQuestion, rule: ReachRule) -> int:
    """Return how many candidates a question of this kind can compare."""
    if question.capacity is not None or question.times > 1:
        return min(FEWEST_CANDIDATES, MOST_CANDIDATES)
    if question.objective in COVERING:
        return MOST_CANDIDATES
    return FEWEST_CANDIDATES if rule.by_network else FEWER_CANDIDATES


def _kept(
    reading: CityReading, question: SitingQuestion, kinds: list[str]
) -> tuple[StationSet, list[tuple[str, str, float, float]]]:
    """Return the stations that stay as they are, and those that may move."""
    found = stations_of(reading.all_stations, kinds, None, question.changes)
    stays = found.open.copy()
    place = {code: number for number, code in enumerate(found.codes)}
    present = []
    for code in dict.fromkeys(question.relocate):
        if code not in place:
            raise SitingInvalid(what="relocate", value=code, fit="codes of stations of the kinds")
        at = place[code]
        stays[at] = False
        lon, lat = found.positions[at]
        present.append((code, found.names[at], float(lon), float(lat)))
    if not question.keep_existing:
        stays[:] = False
    chosen = np.flatnonzero(stays)
    kept = StationSet(
        codes=[found.codes[i] for i in chosen],
        names=[found.names[i] for i in chosen],
        kinds=[found.kinds[i] for i in chosen],
        staffed=[found.staffed[i] for i in chosen],
        positions=found.positions[chosen],
        capacity=found.capacity[chosen],
        open=np.ones(len(chosen), dtype=np.bool_),
        unread=[],
    )
    return kept, present
