"""Where the next stations go, with proof 选址: four questions, one kind of answer.

* :func:`max_covering` (MCLP): k new sites, the most people within reach
* :func:`set_covering` (LSCP): everybody within reach, the fewest sites
* :func:`p_median`: p new sites, the least distance over all people
* :func:`p_center`: p new sites, the farthest one as near as can be

Also :func:`coverage_curve` (k = 0..K), and :mod:`gis.coverage.capacity` for stations that fill up
and for people who must be reached twice.

``fixed`` sites stand already: they serve, and ``k`` or ``p`` counts NEW sites on top of them. The
sites of an answer are the new ones. Positions are those of the columns: give sites in the order of
their codes, since ties go to the smaller position (of several optimal plans one is returned; no
other plan that differs from it in one site is equal and earlier).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gis.coverage.centers import centered, farthest
from gis.coverage.cover_model import (
    Covers,
    FloatArray,
    IntArray,
    checked_covers,
    checked_weight,
    covered_rows,
    merged,
)
from gis.coverage.median_prices import MedianTable
from gis.coverage.medians import cheapest
from gis.coverage.plans import STANDARD, CoverPlan, Effort, Plan, Run
from gis.coverage.questions import (
    CoverQuestion,
    checked_cost,
    counted,
    filled,
    no_plan,
    parted,
    plan_of,
)
from gis.coverage.set_cover import fewest

_FAR: Final = 100.0
_FARTHEST: Final = 1e6


def max_covering(
    covers: Covers,
    weight: npt.ArrayLike,
    k: int,
    *,
    fixed: Iterable[int] = (),
    forced: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> CoverPlan:
    """Return the k new sites that bring the most people within reach (Church and ReVelle 1974).

    Parameters
    ----------
    covers
        Demand x sites, true where a site reaches a place; sparse, or a small array.
    weight
        People of each place.
    k
        How many new sites; all candidates when there are fewer. Sites that bring nobody are
        still named (their marginal is 0), so that the plan has k.
    fixed, forced, forbidden
        Sites that stand already; new sites that must be (they count in k); sites that cannot be.
    effort
        Time, gap, seed and a watcher.

    Raises
    ------
    ValueError
        A negative k, more forced sites than k, positions that do not exist, bad weights.

    Examples
    --------
    >>> covers = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    >>> plan = max_covering(covers, [10, 20, 30, 5], 1)
    >>> plan.sites, plan.objective, plan.bound, plan.status
    ((1,), 50.0, 50.0, 'optimal')
    >>> max_covering(covers, [10, 20, 30, 5], 1, fixed=[1]).sites
    (0,)
    """
    run = Run(effort)
    question = CoverQuestion(covers, weight, fixed, forced, forbidden)
    return question.answer(counted(k), run)


def coverage_curve(
    covers: Covers,
    weight: npt.ArrayLike,
    k: int,
    *,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> tuple[CoverPlan, ...]:
    """Return the best plans for 0, 1, ... k new sites: what each further site would bring.

    The plans need not contain each other. ``effort.seconds`` holds for the whole curve; each plan
    is at least as good as the one before with one more site.

    Examples
    --------
    >>> covers = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    >>> [plan.objective for plan in coverage_curve(covers, [10, 20, 30, 5], 3)]
    [0.0, 50.0, 60.0, 65.0]
    """
    question = CoverQuestion(covers, weight, fixed, (), forbidden)
    whole, plans = Run(effort), list[CoverPlan]()
    for count in range(counted(k) + 1):
        share = max(whole.left / (counted(k) + 1 - count), 0.01)
        run = Run(Effort(seconds=share, gap=effort.gap, seed=effort.seed, watch=effort.watch))
        run.stopped = whole.stopped
        start = np.array(plans[-1].sites, dtype=np.intp) if plans else None
        plans.append(question.answer(count, run, start=start))
        whole.stopped = run.stopped
    return tuple(plans)


def set_covering(
    covers: Covers,
    *,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    skip_unreachable: bool = False,
    effort: Effort = STANDARD,
) -> Plan:
    """Return the fewest new sites that bring every place within reach (Toregas et al. 1971).

    Parameters
    ----------
    covers, fixed, forbidden, effort
        As in :func:`max_covering`.
    skip_unreachable
        False: a place that nothing reaches makes the answer ``infeasible``, with the places named
        in ``unreachable``. True: they are named, and the others are covered.

    Notes
    -----
    ``objective`` and ``bound`` count new sites. The time ends the run, not the gap: a plan of 21
    sites where 20 might do is worth the wait.

    Examples
    --------
    >>> covers = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0]], dtype=bool)
    >>> plan = set_covering(covers)
    >>> plan.sites, plan.objective, plan.status
    ((0, 1), 2.0, 'optimal')
    """
    run = Run(effort)
    matrix = checked_covers(covers)
    held, candidates = parted(matrix.shape[1], fixed, forbidden)
    open_rows = np.flatnonzero(~covered_rows(matrix, held))
    rest = matrix[open_rows][:, candidates]
    empty = np.diff(rest.indptr) == 0
    lost = open_rows[empty]
    if len(lost) and not skip_unreachable:
        return no_plan(held, lost, run)
    rows, _ = merged(rest, np.ones(rest.shape[0]))
    found, lower = fewest(rows, run)
    return plan_of(candidates[found], held, float(len(found)), float(lower), run, lost=lost)


def p_median(
    cost: npt.ArrayLike,
    weight: npt.ArrayLike,
    p: int,
    *,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> Plan:
    """Return the p new sites with the least cost of all people to their nearest (Hakimi 1964).

    Parameters
    ----------
    cost
        Demand x sites, not negative (metres, minutes); infinite where a site does not reach a
        place.
    weight
        People of each place; places without people do not count.
    p, fixed, forbidden, effort
        As k in :func:`max_covering`.

    Returns
    -------
    Plan
        ``infeasible`` when people remain whom no p sites reach; ``unreachable`` then names those
        whom no candidate reaches, if these are the reason.

    Examples
    --------
    >>> plan = p_median([[0, 5, 9], [5, 0, 4], [9, 4, 0]], [1, 1, 1], 1)
    >>> plan.sites, plan.objective, plan.bound
    ((1,), 9.0, 9.0)
    """
    run = Run(effort)
    table = checked_cost(cost)
    people = checked_weight(weight, len(table))
    held, candidates = parted(table.shape[1], fixed, forbidden)
    some = np.flatnonzero(people > 0.0)
    every = len(some) == len(table) and len(candidates) == table.shape[1]
    near = table if every else table[np.ix_(some, candidates)]
    there = table[np.ix_(some, held)].min(axis=1, initial=np.inf)
    reach = np.minimum(there, near.min(axis=1, initial=np.inf))
    lost = some[np.isinf(reach)]
    if len(lost):
        return no_plan(held, lost, run)
    start, possible = _reaching_all(near, there, counted(p), run)
    if not possible:
        return no_plan(held, lost, run)
    found, bound = _median(near, people[some], there, p, start=start, run=run)
    if (
        start is not None
        and np.isinf(near[:, found].min(axis=1, initial=np.inf)[np.isinf(there)]).any()
    ):
        found = start  # one person out of reach would not outweigh what all others gain
    new = filled(candidates[found], candidates, p)
    nearest = table[some][:, np.union1d(new, held)].min(axis=1, initial=np.inf)
    return plan_of(new, held, float(people[some] @ nearest), bound, run)


def p_center(
    cost: npt.ArrayLike,
    p: int,
    *,
    fixed: Iterable[int] = (),
    forbidden: Iterable[int] = (),
    effort: Effort = STANDARD,
) -> Plan:
    """Return the p new sites that bring the farthest place as near as can be (Hakimi 1964).

    Parameters as in :func:`p_median`; every place counts alike.

    Examples
    --------
    >>> plan = p_center([[0, 5, 9], [5, 0, 4], [9, 4, 0]], 1)
    >>> plan.sites, plan.objective, plan.status
    ((1,), 5.0, 'optimal')
    """
    run = Run(effort)
    table = checked_cost(cost)
    held, candidates = parted(table.shape[1], fixed, forbidden)
    near = table[:, candidates]
    there = table[:, held].min(axis=1, initial=np.inf)
    lost = np.flatnonzero(np.isinf(np.minimum(there, near.min(axis=1, initial=np.inf))))
    if len(lost):
        return no_plan(held, lost, run)
    found, bound = centered(near, counted(p), there, run)
    new = filled(candidates[found], candidates, p)
    reached = farthest(table, np.union1d(new, held), np.full(len(table), np.inf))
    if np.isinf(reached):
        return no_plan(held, lost, run, bound=bound)
    return plan_of(new, held, reached, bound, run)


def _reaching_all(
    near: FloatArray, there: FloatArray, p: int, run: Run
) -> tuple[IntArray | None, bool]:
    """Return p columns that reach everybody (None: any do, or none is known), and if there are."""
    if np.isfinite(near).all() and p > 0:
        return None, True
    rows, _ = merged(
        csr_array(np.isfinite(near[np.isinf(there)]), dtype=np.float64),
        np.ones(int(np.isinf(there).sum())),
    )
    found, fewer = fewest(rows, run, enough=max(p, 1))
    return (found if len(found) <= p else None), fewer <= p


def _median(
    near: FloatArray,
    weight: FloatArray,
    there: FloatArray,
    p: int,
    *,
    start: IntArray | None,
    run: Run,
) -> tuple[IntArray, float]:
    """Return columns and a bound; a place out of reach costs far more than any that is in it."""
    finite = near[np.isfinite(near)]
    largest = max(float(finite.max(initial=0.0)), float(there[np.isfinite(there)].max(initial=0.0)))
    share = float(weight.sum() / weight.min(initial=np.inf)) if len(weight) else 0.0
    far = np.ceil(largest + 1.0) * np.ceil(min(max(_FAR, 2.0 * share), _FARTHEST))
    # a large table is not copied without need
    cost = near if len(finite) == near.size else np.minimum(near, far)
    held = np.minimum(there, far)
    whole = (
        bool((weight == np.floor(weight)).all() and (finite == np.floor(finite)).all())
        and bool((held == np.floor(held)).all())
        and float(weight.sum()) * far < 2.0**52
    )
    return cheapest(MedianTable(cost, weight, held, whole), p, run, start=start)
