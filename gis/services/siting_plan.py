"""How a siting question is solved: which optimiser is asked, with which numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from gis.coverage.capacity import backup_covering, capacitated_covering
from gis.coverage.limits import Limits, limited_covering
from gis.coverage.siting import coverage_curve, max_covering, p_center, p_median, set_covering
from gis.errors import SitingInvalid
from gis.services.siting_distances import Distances, road_distances, straight_distances

if TYPE_CHECKING:
    from gis.coverage.plans import Effort, Plan
    from gis.services.siting_problem import Problem

FloatArray = npt.NDArray[np.float64]

MOST_PLACES: Final = 6000
"""For distances: beyond so many buildings their people are gathered by cells; see ``demand``."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is within reach of what, over the places that count.

    Attributes
    ----------
    people
        Of each place.
    covers
        Places x candidates.
    reached
        Which places a kept station reaches.
    open_rows
        Positions of the others; ``fresh`` are their rows of ``covers``.
    """

    people: FloatArray
    covers: csr_array
    reached: npt.NDArray[np.bool_]
    open_rows: npt.NDArray[np.intp]
    fresh: csr_array

    @classmethod
    def of(cls, problem: Problem) -> Reached:
        """Measure it."""
        covers = problem.covers(problem.candidates.positions)
        reached = problem.reach.counts(problem.kept.positions)[problem.inside] > 0
        open_rows = np.flatnonzero(~reached)
        return cls(problem.people, covers, reached, open_rows, csr_array(covers[open_rows]))

    @property
    def left(self) -> FloatArray:
        """Return the people whom nothing reaches yet."""
        return self.people[self.open_rows]

    @property
    def lost(self) -> npt.NDArray[np.intp]:
        """Return the places that neither a kept station nor a candidate reaches."""
        reaching = np.asarray(np.diff(self.fresh.indptr), dtype=np.intp)
        return np.asarray(self.open_rows[reaching == 0], dtype=np.intp)


def planned(problem: Problem, found: Reached, effort: Effort) -> tuple[Plan, Distances | None]:
    """Return the plan, and the distances that it was made with.

    Raises
    ------
    gis.errors.SitingInvalid
        Forced or forbidden sites that are no candidates, or do not fit together.
    """
    question = problem.question
    if question.objective == "min_stations":
        return set_covering(found.fresh, skip_unreachable=True, effort=effort), None
    if question.objective == "max_covered":
        return _covering(problem, found, effort), None
    table = _distances(problem)
    fixed = [table.cost.shape[1] - 1] if table.kept else []
    if question.objective == "min_mean_distance":
        return p_median(table.cost, table.people, problem.k, fixed=fixed, effort=effort), table
    return p_center(table.cost, problem.k, fixed=fixed, effort=effort), table


def _covering(problem: Problem, found: Reached, effort: Effort) -> Plan:
    question, k, sites = problem.question, problem.k, len(problem.candidates)
    forced = problem.candidates.positions_of(question.forced, "forced")
    forbidden = problem.candidates.positions_of(question.forbidden, "forbidden")
    if len(set(forced)) > k or set(forced) & set(forbidden):
        fit = "at most k, none of them forbidden"
        raise SitingInvalid(what="forced", value=", ".join(question.forced), fit=fit)
    if question.capacity is None and question.times == 1:
        asked = {"forced": forced, "forbidden": forbidden}
        if not question.limited:
            return max_covering(found.fresh, found.left, k, effort=effort, **asked)
        limits = _limits(problem, found)
        return limited_covering(found.fresh, found.left, k, limits, effort=effort, **asked)
    both = csr_array(hstack([found.covers, problem.covers(problem.kept.positions)], format="csr"))
    fixed = range(sites, sites + len(problem.kept))
    if question.times == 2:
        return backup_covering(
            both, found.people, k, fixed=fixed, forbidden=forbidden, effort=effort
        )
    there = problem.kept.capacity
    there = np.where(there < 0, float(found.people.sum()), there)  # without a capacity: for all
    room = np.concatenate([np.full(sites, float(question.capacity or 0)), there])
    return capacitated_covering(
        both, found.people, room, k, fixed=fixed, forbidden=forbidden, effort=effort
    )


def _limits(problem: Problem, found: Reached) -> Limits:
    """Return budget and shares; the limits speak of places that nothing reaches yet."""
    question = problem.question
    group, least = None, None
    if problem.groups is not None and question.equity_ratio is not None:
        owner = problem.groups[problem.inside]
        _, number = np.unique(owner, return_inverse=True)
        number = np.where(owner >= 0, number.reshape(-1), -1)
        count = int(number.max(initial=-1)) + 1
        known = number >= 0
        whole = np.bincount(number[known], found.people[known], count)
        done = np.bincount(number[known], (found.people * found.reached)[known], count)
        group = number[found.open_rows].astype(np.intp)
        least = np.maximum(np.ceil(whole * question.equity_ratio - 1e-9) - done, 0.0)
    cost = problem.candidates.cost if question.budget is not None else None
    return Limits(cost, question.budget, group, least)


def _distances(problem: Problem) -> Distances:
    positions = problem.demand.positions[problem.inside]
    people = problem.demand.people[problem.inside]
    on = problem.on_inside
    if on is None or problem.on_candidates is None or problem.on_kept is None:
        return straight_distances(
            positions, people, problem.candidates.positions, problem.kept.positions, MOST_PLACES
        )
    return road_distances(
        problem.reading.network(),
        positions,
        people,
        on,
        candidates=problem.on_candidates,
        kept=problem.on_kept,
        most=MOST_PLACES,
        rule=problem.rule,
    )


def curve(problem: Problem, found: Reached, base: int, effort: Effort) -> list[dict[str, Any]]:
    """Return the best plans for 0, 1, ... k new sites, within the same time once more.

    ``base``: people whom the kept stations reach.
    """
    codes, previous, rows = problem.candidates.codes, 0.0, []
    plans = coverage_curve(found.fresh, found.left, problem.k, effort=replace(effort))
    for count, plan in enumerate(plans):
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
