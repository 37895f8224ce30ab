"""Siting 选址: where the next stations go, on the city as it is, with the proof beside the plan.

Who counts: residents, at the building they live in, inside the area asked about; along roads those
who can be put on them. What may become a station is said by ``candidates`` (by default the
people-weighted centre of every community, inside a community of every grid, and buildings that are
no homes, thinned evenly). The answer names all that were compared: a plan is the best of these.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gis.coverage.capacity import CapacityPlan
from gis.coverage.max_cover import built_in_order
from gis.coverage.plans import Effort
from gis.errors import NoPlan
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading
from gis.services.coverage_question import checked_area
from gis.services.siting_answer import by_area, existing_value, features, proof, state
from gis.services.siting_plan import Reached, curve, planned
from gis.services.siting_problem import Problem
from gis.services.siting_question import (
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
    from gis.coverage.plans import Watch
    from gis.governance.actors import Actor
    from gis.services.siting_distances import Distances
    from gis.store.unit_of_work import Database

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
        problem = Problem.of(
            CityReading(work, memory_of(database), question.boundaries_at), question, rule, scope
        )
    answer = _answer(problem, watch)
    return {**answer, "seconds": round(time.perf_counter() - started, 3)}


def _answer(problem: Problem, watch: Watch | None) -> dict[str, Any]:
    """Solve, count again from positions, and say it in the shape of the contract."""
    question = problem.question
    effort = Effort(seconds=question.seconds, gap=GAP, seed=question.seed, watch=watch)
    found = Reached.of(problem)
    plan, distances = planned(problem, found, effort)
    if plan.status == "infeasible":
        raise NoPlan(k=problem.k, objective=question.objective)
    chosen = np.array(plan.sites, dtype=np.intp)
    order, marginal = built_in_order(found.fresh, found.left, chosen)
    kept, sites = problem.kept.positions, problem.candidates.positions
    before, after = state(problem, kept), state(problem, np.vstack([kept, sites[list(order)]]))
    answer = {
        "sites": features(problem.candidates, order, marginal),
        "before": before,
        "after": after,
        "proof": proof(question, plan, after, distances),
        "unreachable": by_area(problem, found.people, found.lost),
        "existing": existing_value(problem),
        "candidates": problem.candidates.facts(),
        "demand": _demand_facts(problem, len(found.open_rows), distances),
        "question": _facts(problem),
        "basis": problem.reading.basis.facts(),
        "boundary_revision": problem.reading.basis.revision,
    }
    if isinstance(plan, CapacityPlan):
        answer["served"] = _served(problem, plan)
    if question.curve:
        answer["curve"] = curve(problem, found, before["people_covered"], effort)
    return answer


def _served(problem: Problem, plan: CapacityPlan) -> dict[str, Any]:
    """Return who finds room, before and after, and what each chosen station takes on."""
    sites = len(problem.candidates)
    rows = []
    for station, load in zip(plan.stations, plan.load, strict=True):
        if station < sites:
            code, room = problem.candidates.codes[station], problem.question.capacity
        else:
            code = problem.kept.codes[station - sites]
            there = int(problem.kept.capacity[station - sites])
            room = None if there < 0 else there
        rows.append({"code": code, "load": round(load), "capacity": room})
    return {
        "people_served_before": round(plan.before),
        "people_served": round(plan.objective),
        "stations": rows,
    }


def _demand_facts(
    problem: Problem, open_places: int, distances: Distances | None
) -> dict[str, Any]:
    facts = {
        **problem.demand.facts(),
        "places": open_places,
        "cell_m": None,
        "mean_shift_m": 0.0,
        "largest_shift_m": 0.0,
        "not_assessable": problem.in_no_area + problem.off_network,
        "people_off_network": problem.off_network,
        "people_in_no_area": problem.in_no_area,
        "people_without_way": 0,
    }
    return facts if distances is None else facts | distances.facts


def _facts(problem: Problem) -> dict[str, Any]:
    asked = problem.question
    return {
        "objective": asked.objective,
        "k": None if asked.objective == "min_stations" else asked.k,
        "kinds": problem.kinds,
        **problem.rule.facts(),
        "area": problem.parts.scope,
        "boundaries_at": None if (then := asked.boundaries_at) is None else then.isoformat(),
        "keep_existing": asked.keep_existing,
        "demand": problem.demand.name,
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
