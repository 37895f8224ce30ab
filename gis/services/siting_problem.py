"""Where a siting question stands in the city: who counts, what stands, what may be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from gis.coverage.network import Attached
from gis.errors import SitingInvalid
from gis.services.city_memory import StationReach
from gis.services.city_reading import LEVELS, CityReading, Parts, ReachRule
from gis.services.coverage_question import StationSet, stations_of
from gis.services.demand import Demand, demand_of
from gis.services.planning import centres_of
from gis.services.siting_candidates import Candidates, candidates_of
from gis.services.siting_question import COVERING

if TYPE_CHECKING:
    from gis.services.siting_question import SitingQuestion

FloatArray = npt.NDArray[np.float64]

MOST_CANDIDATES: Final = 2000
FEWER_CANDIDATES: Final = 1000
"""For distances, where every candidate is compared with everybody and not only those in reach."""
FEWEST_CANDIDATES: Final = 300
"""For stations that fill up, for people reached twice, and for distances along roads."""
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """A siting question and the city it is asked of; no database any more.

    ``inside`` are the places of the demand that count, ``kept`` the stations that stand;
    ``groups`` says of each place in which area of ``equity_level`` it lies (-1: in none).
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
    groups: npt.NDArray[np.intp] | None

    @classmethod
    def of(
        cls,
        reading: CityReading,
        question: SitingQuestion,
        rule: ReachRule,
        scope: str | None,
    ) -> Problem:
        """Read what the question is about.

        Raises
        ------
        gis.errors.GovernanceError
            StationKindUnknown, DemandUnknown, SitingInvalid (422), AreaUnknown (404),
            NetworkMissing (503).
        """
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
            groups=_groups(reading, question, parts, demand, members),
        )

    @property
    def k(self) -> int:
        """Return how many sites are chosen: new ones, and those that may move."""
        return self.question.k + len(self.question.relocate)

    @property
    def people(self) -> FloatArray:
        """Return the people of each place that counts."""
        return self.demand.people[self.inside].astype(np.float64)

    @property
    def on_inside(self) -> Attached | None:
        """Return the places that count on the roads; None for straight lines."""
        return None if self.on is None else self.on.of(self.inside)

    def covers(self, positions: FloatArray) -> csr_array:
        """Return who is within reach of which site, some sites at a time: pairs are many."""
        parts = [
            self.reach.lists(positions[start : start + _AT_ONCE]).covers(len(self.demand.people))[
                self.inside
            ]
            for start in range(0, max(len(positions), 1), _AT_ONCE)  # of no positions: no columns
        ]
        return csr_array(hstack(parts, format="csr"))


def _most(question: SitingQuestion, rule: ReachRule) -> int:
    """Return how many candidates a question of this kind can compare."""
    if question.capacity is not None or question.times > 1:
        return min(FEWEST_CANDIDATES, MOST_CANDIDATES)
    if question.objective in COVERING:
        return MOST_CANDIDATES
    return FEWEST_CANDIDATES if rule.by_network else FEWER_CANDIDATES


def _groups(
    reading: CityReading,
    question: SitingQuestion,
    parts: Parts,
    demand: Demand,
    members: npt.NDArray[np.intp],
) -> npt.NDArray[np.intp] | None:
    level = question.equity_level
    if level is None:
        return None
    if LEVELS.index(level) > LEVELS.index(parts.by):  # finer than what the answer lists
        return reading.members(demand, reading.parts(parts.scope, level))[0]
    return np.where(members >= 0, reading.ancestors[level][parts.areas[members]], -1)


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
        if not found.open[at]:
            raise SitingInvalid(what="relocate", value=code, fit="stations that are not closed")
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
