"""Counting who is covered: whole numbers, by area, and why the others are not.

Of each area ``people = covered + full + closed + none + not_assessable``, exactly: within reach of
an open station with room; in reach of open stations that are all full; in reach of stations that
are closed only; in reach of none; not on the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gis.coverage.served import served_within
from gis.errors import DemandUnknown
from gis.store import planning as store

if TYPE_CHECKING:
    from gis.services.city_reading import CityReading, Parts, ReachRule
    from gis.services.coverage_question import StationSet
    from gis.services.demand import Demand

IntArray = npt.NDArray[np.int64]
AGES = ("age_0_14", "age_15_59", "age_60_plus")


@dataclass(frozen=True, slots=True)
class ByArea:
    """Sums of each area of the answer; see the module for what adds up to ``people``."""

    people: IntArray
    covered: IntArray
    full: IntArray
    closed: IntArray
    none: IntArray
    not_assessable: IntArray
    households: IntArray
    households_covered: IntArray
    once: IntArray
    twice: IntArray
    groups: dict[str, tuple[IntArray, IntArray]]

    @property
    def uncovered(self) -> IntArray:
        """Return the people of whom it is known that no station serves them."""
        return self.full + self.closed + self.none


@dataclass(frozen=True, slots=True)
class Counted:
    """A coverage question counted.

    Attributes
    ----------
    by_area
        Sums by area.
    covered, uncovered
        Of each place of the demand, people.
    members
        Of each place, its area; -1 outside.
    in_no_area
        People of the scope who live in no area: in no sum.
    by_kind
        Kind -> people within reach of its open stations.
    load
        Of each station, the people who go there; None without capacities.
    """

    by_area: ByArea
    covered: IntArray
    uncovered: IntArray
    members: npt.NDArray[np.intp]
    in_no_area: int
    by_kind: dict[str, int]
    load: IntArray | None


def counted(
    reading: CityReading,
    demand: Demand,
    parts: Parts,
    rule: ReachRule,
    stations: StationSet,
    *,
    capacity: bool = False,
    groups: Sequence[str] = (),
) -> Counted:
    """Count who is covered by stations.

    Raises
    ------
    gis.errors.NetworkMissing, gis.errors.DemandUnknown
    """
    members, in_no_area = reading.members(demand, parts)
    reach = reading.reach(demand, rule)
    on_network = np.ones(len(members), dtype=np.bool_)
    if rule.by_network:
        on_network = reading.attached(demand, rule).assessable
    times = reach.counts(stations.positions[stations.open])
    by_kind = {}
    inside = members >= 0
    for kind in dict.fromkeys(stations.kinds):
        chosen = stations.of_kind(kind)
        seen = (
            times
            if chosen.sum() == stations.open.sum()
            else reach.counts(stations.positions[chosen])
        )
        by_kind[kind] = int(demand.people[inside & (seen > 0)].sum())
    covered, load = np.where(times > 0, demand.people, 0), None
    if capacity:
        served = served_within(
            reach.lists(stations.positions[stations.open]),
            demand.people,
            stations.capacity[stations.open],
        )
        covered = served.people
        load = np.zeros(len(stations), dtype=np.int64)
        load[stations.open] = served.load
    closed = (times == 0) & on_network
    if (~stations.open).any():
        closed &= reach.counts(stations.positions[~stations.open]) > 0
    else:
        closed[:] = False
    sums = _Sums(members, len(parts.areas))
    people = demand.people
    lost = np.where(on_network, 0, people)
    full = np.where(times > 0, people - covered, 0)
    shut = np.where(closed, people, 0)
    none = people - covered - full - shut - lost
    by_area = ByArea(
        people=sums.of(people),
        covered=sums.of(covered),
        full=sums.of(full),
        closed=sums.of(shut),
        none=sums.of(none),
        not_assessable=sums.of(lost),
        households=sums.of(demand.households),
        households_covered=sums.of(
            np.where((times > 0) & (covered == people), demand.households, 0)
        ),
        once=sums.of(np.where(times == 1, people, 0)),
        twice=sums.of(np.where(times > 1, people, 0)),
        groups={
            name: (sums.of(amount), sums.of(np.where(times > 0, amount, 0)))
            for name, amount in _groups(reading, demand, groups)
        },
    )
    return Counted(by_area, covered, full + shut + none, members, in_no_area, by_kind, load)


class _Sums:
    """Whole numbers of places, summed by area."""

    def __init__(self, members: npt.NDArray[np.intp], areas: int) -> None:
        self._inside = np.flatnonzero(members >= 0)
        self._members, self._areas = members[self._inside], areas

    def of(self, values: npt.NDArray[Any]) -> IntArray:
        # whole numbers below 2**53 stay whole in the float sums of bincount
        sums = np.bincount(self._members, weights=values[self._inside], minlength=self._areas)
        return sums.astype(np.int64)


def _groups(
    reading: CityReading, demand: Demand, names: Sequence[str]
) -> list[tuple[str, IntArray]]:
    """Return people of age groups and tags at each place."""
    if not names:
        return []
    tags = reading.memory.keep(
        "tags", reading.basis.key("buildings"), lambda: store.tag_names(reading.work)
    )
    known = ([*AGES] if demand.ages is not None else []) + (
        tags if demand.method == "buildings" else []
    )
    found: list[tuple[str, IntArray]] = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise DemandUnknown(name=name, known=", ".join(known) or "-")
        if name in AGES and demand.ages is not None:
            found.append((name, demand.ages[:, AGES.index(name)]))
            continue
        ids, amount = reading.memory.keep(
            "tagged",
            (reading.basis.key("buildings"), name),
            lambda name=name: store.tagged(reading.work, name),  # type: ignore[misc]
            most=8,
        )
        values = np.zeros(len(demand.people), dtype=np.int64)
        at = np.searchsorted(demand.building_ids, ids)
        values[at] = amount
        found.append((name, values))
    return found
