"""A siting question: what is wanted, of which candidates, within which limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gis.coverage.network import Towards
from gis.coverage.roads import Mode
from gis.errors import SitingInvalid
from gis.services.city_reading import LEVELS, Level, ReachRule
from gis.services.coverage_question import StationChange, checked_rule
from gis.services.demand import AUTO

Objective = Literal["max_covered", "min_stations", "min_mean_distance", "min_max_distance"]
Source = Literal["standard", "communities", "buildings", "plots", "own"]

OBJECTIVES: Final[tuple[Objective, ...]] = (
    "max_covered",
    "min_stations",
    "min_mean_distance",
    "min_max_distance",
)
SOURCES: Final[tuple[Source, ...]] = ("standard", "communities", "buildings", "plots", "own")
MOST_SITES: Final = 100
MOST_SECONDS: Final = 60.0
MOST_JOB_SECONDS: Final = 1800.0
STANDARD_SECONDS: Final = 20.0
MOST_OWN: Final = 5000
COVERING: Final = frozenset({"max_covered", "min_stations"})


@dataclass(frozen=True, slots=True)
class OwnCandidate:
    """A place that the asker names: a vacant shop, a plot of land."""

    code: str
    lon: float
    lat: float
    name: str | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class SitingQuestion:
    """Asks for new stations; ``k`` counts NEW ones and is not read by ``min_stations``.

    Attributes
    ----------
    kinds
        Of the stations that exist already (all without); with ``keep_existing=False`` the plan
        begins from nothing.
    boundaries_at
        Areas as they were in force then; now without it.
    changes
        Stations closed, moved or added in thought before planning.
    relocate
        Codes of stations that may move: each is one more site to choose, and its present place is
        one of the candidates.
    candidates, own
        Where a station may come; ``own`` are read with ``candidates="own"``, or on top.
    forced, forbidden
        Codes of candidates that must, or must not, be chosen (``max_covered``).
    capacity
        People whom a new station can serve; the others by their own capacity.
    times
        2: count people reached by two stations at least (``max_covered``).
    budget
        For all new sites, in the unit of the candidates' ``cost``.
    equity_level, equity_ratio
        Of every area of that level this share of people at least must be covered.
    curve
        Also the best plans for 0, 1, ... k new sites (``max_covered``).
    """

    objective: Objective = "max_covered"
    k: int = 5
    kinds: Sequence[str] | None = None
    radius_m: float = 3000.0
    reach: str = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: float = 200.0
    area: str | None = None
    boundaries_at: datetime | None = None
    keep_existing: bool = True
    demand: str = AUTO
    changes: Sequence[StationChange] = ()
    relocate: Sequence[str] = ()
    candidates: Source = "standard"
    own: Sequence[OwnCandidate] = ()
    forced: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    capacity: int | None = None
    times: int = 1
    budget: float | None = None
    equity_level: Level | None = None
    equity_ratio: float | None = None
    curve: bool = False
    seconds: float = STANDARD_SECONDS
    seed: int = 0

    def rule(self) -> ReachRule:
        """Return how reach is measured, after proving that it can be."""
        return checked_rule(self.reach, self.radius_m, self.mode, self.towards, self.snap_m)

    @property
    def limited(self) -> bool:
        """Tell whether plans must keep to a budget or to shares."""
        return self.budget is not None or self.equity_ratio is not None


def check(question: SitingQuestion, *, most_seconds: float = MOST_SECONDS) -> None:
    """Refuse what has no meaning.

    Raises
    ------
    gis.errors.SitingInvalid
    """
    ranges: tuple[tuple[str, object, bool, str], ...] = (
        ("objective", question.objective, question.objective in OBJECTIVES, ", ".join(OBJECTIVES)),
        ("candidates", question.candidates, question.candidates in SOURCES, ", ".join(SOURCES)),
        ("k", question.k, 1 <= question.k <= MOST_SITES, f"1..{MOST_SITES}"),
        (
            "seconds",
            question.seconds,
            1.0 <= question.seconds <= most_seconds,
            f"1..{most_seconds:g}",
        ),
        ("seed", question.seed, 0 <= question.seed < 2**32, "0..4294967295"),
        ("times", question.times, question.times in {1, 2}, "1, 2"),
        (
            "capacity",
            question.capacity,
            question.capacity is None or 1 <= question.capacity <= 10**8,
            "1..100000000",
        ),
        ("own", len(question.own), len(question.own) <= MOST_OWN, f"0..{MOST_OWN}"),
        ("budget", question.budget, _positive(question.budget), ">= 0"),
        (
            "equity_ratio",
            question.equity_ratio,
            question.equity_ratio is None or 0.0 < question.equity_ratio <= 1.0,
            "0 < ratio <= 1",
        ),
        (
            "equity_level",
            question.equity_level,
            question.equity_level is None or question.equity_level in LEVELS,
            ", ".join(LEVELS),
        ),
    )
    for what, value, fits, fit in ranges:
        if not fits:
            raise SitingInvalid(what=what, value=str(value), fit=fit)
    _check_together(question)


def _check_together(question: SitingQuestion) -> None:
    special = [
        name
        for name, given in (
            ("capacity", question.capacity is not None),
            ("times", question.times > 1),
            ("budget / equity_ratio", question.limited),
        )
        if given
    ]
    if question.objective != "max_covered" and (
        special or question.forced or question.forbidden or question.curve
    ):
        what = ", ".join([*special, *(("forced / forbidden / curve",) if not special else ())])
        raise SitingInvalid(what=what, value=question.objective, fit="objective=max_covered")
    if len(special) > 1:
        raise SitingInvalid(what=", ".join(special), value="2", fit="one of them in one question")
    if special and question.curve:
        raise SitingInvalid(what="curve", value=special[0], fit="a curve without further limits")
    if special and question.forced and special[0] in {"capacity", "times"}:
        raise SitingInvalid(what="forced", value=special[0], fit="forced without capacity or times")
    if (question.equity_level is None) != (question.equity_ratio is None):
        fit = "equity_level and equity_ratio together"
        raise SitingInvalid(what="equity_level", value=str(question.equity_level), fit=fit)
    if question.candidates == "own" and not question.own:
        raise SitingInvalid(what="own", value="0", fit="at least one candidate")
    if question.relocate and not question.keep_existing:
        raise SitingInvalid(what="relocate", value="keep_existing=false", fit="keep_existing=true")


def _positive(number: float | None) -> bool:
    return number is None or (math.isfinite(number) and number >= 0.0)
