"""What a siting answer says of itself: the sites, the value, and the proof beside it.

No answer comes without a ``bound``: what no plan at all can beat. The gap between the two is what
could still be gained, and a planner reads it as "at most 0.4 % better is possible".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

Status = Literal["optimal", "feasible", "infeasible"]
Stage = Literal["prepare", "search", "bound", "prove"]

PROVEN: Final = 1e-9
"""A plan is called optimal when nothing better than this share of the value is possible."""


EXTRA_S: Final = 3.0
"""What is spent on the last proof when the gap that was asked for is reached already."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    stage
        ``prepare`` (rows merged, sites dropped), ``search`` (swaps), ``bound``, ``prove``.
    seconds
        Since the start.
    objective, bound
        The best plan and the best bound so far; ``nan`` before there is one.
    """

    stage: Stage
    seconds: float
    objective: float
    bound: float


Watch = Callable[[Progress], object]
"""Is told how far a run is; a run stops with its best plan when it returns False."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how far a run may go.

    Attributes
    ----------
    seconds
        Wall time; when it is over, the best plan and bound so far are the answer.
    gap
        Where to stop: a certified distance to the optimum as a share of the objective. Problems
        that are small after merging are always solved to the end.
    seed
        Of the random restarts. Same input, seed and enough time: same answer.
    watch
        Is called a few times a second; returning False ends the run.
    """

    seconds: float = 60.0
    gap: float = 0.005
    seed: int = 0
    watch: Watch | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0.0 or not 0.0 <= self.gap < 1.0:
            raise ValueError("the time must be positive and the gap in 0 <= gap < 1")


STANDARD: Final = Effort()


@dataclass(slots=True)
class Run:
    """The stopwatch and the ear of one run."""

    effort: Effort
    started: float = field(default_factory=time.perf_counter)
    stopped: bool = False
    objective: float = math.nan
    bound: float = math.nan
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.effort.seed)

    @property
    def seconds(self) -> float:
        """Return the wall time since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Return the time that is left; 0 when the run is over or was stopped."""
        return 0.0 if self.stopped else max(0.0, self.effort.seconds - self.seconds)

    def goes_on(self, stage: Stage) -> bool:
        """Tell the watcher, and return whether there is time left and nobody said stop."""
        if not self.stopped and self.effort.watch is not None:
            told = Progress(stage, self.seconds, self.objective, self.bound)
            self.stopped = self.effort.watch(told) is False
        return self.left > 0.0


def gap_between(objective: float, bound: float) -> float:
    """Return how much better a plan could be, as a share of the objective.

    >>> gap_between(200.0, 201.0)
    0.005
    >>> gap_between(0.0, 0.0), gap_between(0.0, 5.0)
    (0.0, inf)
    """
    distance = abs(bound - objective)
    if distance <= PROVEN * max(1.0, abs(objective)):
        return 0.0
    if not math.isfinite(distance) or objective == 0.0:
        return math.inf
    return distance / abs(objective)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A siting plan with its proof; one of several of equal value where there are ties.

    Attributes
    ----------
    sites
        Positions of the NEW sites, ascending; ``fixed`` ones are on top of these.
    fixed
        Positions of the sites that were there before, ascending.
    objective
        What the plan reaches, fixed sites included, counted again from the input.
    bound
        What no plan can beat (an upper bound when maximising, a lower one when minimising).
    status
        ``optimal`` (bound reached), ``feasible`` (see ``gap``), ``infeasible`` (no plan at all:
        see ``unreachable`` first).
    gap
        See :func:`gap_between`.
    seconds
        Wall time of the run.
    unreachable
        Positions of the demand that no candidate and no fixed site reaches.
    """

    sites: tuple[int, ...]
    fixed: tuple[int, ...]
    objective: float
    bound: float
    status: Status
    gap: float
    seconds: float
    unreachable: tuple[int, ...] = ()

    @property
    def stations(self) -> tuple[int, ...]:
        """Return the fixed and the new sites together, ascending."""
        return tuple(sorted({*self.sites, *self.fixed}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverPlan(Plan):
    """A plan that covers people, with what each new site brings.

    Attributes
    ----------
    before
        What the fixed sites cover alone.
    build_order
        The new sites, the one that brings most first.
    marginal
        For each of ``build_order``, what it adds to those before it; these sum to
        ``objective - before``.
    """

    before: float
    build_order: tuple[int, ...]
    marginal: tuple[float, ...]


def status_of(gap: float) -> Status:
    """Return ``optimal`` for a gap of nothing, else ``feasible``."""
    return "optimal" if gap == 0.0 else "feasible"
