"""Seekers and openings 求职与岗位: who gets which, and what would help the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from gis import clock
from gis.coverage import reach as straight
from gis.coverage.employment import Assigned, Suitable, assigned
from gis.coverage.network import attach
from gis.coverage.road_reach import PointsOnRoads
from gis.coverage.roads import Mode
from gis.coverage.straight_points import PointsOnEllipsoid
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading, ReachRule
from gis.services.coverage_question import checked_area, checked_rule
from gis.store import employment as store

if TYPE_CHECKING:
    from gis.coverage.reached import ReachedPoints
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WHY: Final = {
    "none_in_reach": ("范围内没有任何岗位", "no opening of any kind within reach"),
    "trade_missing": ("范围内没有本工种岗位", "no opening of the trade within reach"),
    "wage_below_wish": ("范围内本工种工资均低于期望", "wages within reach are below the wish"),
    "all_taken": ("合适岗位已被其他人占满", "every suitable opening is taken by others"),
    "not_assessable": ("住处离路网太远，无法判定", "the home is too far from every road"),
}


@dataclass(frozen=True, slots=True)
class OffersQuestion:
    """Asks who of the seekers living in an area gets which opening within reach."""

    area: str | None = None
    radius_m: float = 3000.0
    reach: str = "straight"
    mode: Mode = "walk"
    snap_m: float = 200.0
    same_trade: bool = True
    at: datetime | None = None


def offers(database: Database, actor: Actor, question: OffersQuestion) -> dict[str, Any]:
    """Assign seekers to openings within reach: capacity, trade, wage wish, an optimal assignment.

    Zero-employment households come first, then as many seekers as possible, then the shortest ways
    (:mod:`gis.coverage.employment`). Openings of the whole city count; seekers outside the area do
    not compete.

    Returns
    -------
    dict
        ``assignments`` (by seeker), ``unmatched`` (by seeker, with the reason and what would
        change it), ``summary`` (seekers with a suitable opening within reach, matched,
        zero-employment households open), ``by_trade``, ``proof``.

    Raises
    ------
    gis.errors.GovernanceError
        RadiusInvalid, PlanningInvalid (422), AreaUnknown (404), OutsideScope (403),
        NetworkMissing, NoPublishedBoundary (503).
    """
    rule = checked_rule(question.reach, question.radius_m, question.mode, "points", question.snap_m)
    scope = checked_area(actor, question.area)
    at = question.at or clock.now()
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database))
        seekers = _inside(reading, scope, store.seekers_of(work))
        openings = store.openings_at(work, at)
        market = _Market.of(reading, seekers, openings, rule, same_trade=question.same_trade)
    found = assigned(market.suitable, openings.places, market.household)
    matched = found.opening >= 0
    return {
        "summary": market.summary(found),
        "by_trade": market.by_trade(found),
        "assignments": [market.assignment(found, int(i)) for i in np.flatnonzero(matched)],
        "unmatched": market.unmatched(found),
        "proof": {
            "status": "optimal" if found.proven else "feasible",
            "order": [
                "zero-employment households with an offer, most",
                "seekers with an offer, most",
                "metres to the opening, least (one member for each household given)",
            ],
            "households": found.households,
            "seekers": found.matched,
            "metres": found.total_m,
        },
        "question": {
            **rule.facts(),
            "area": scope,
            "same_trade": question.same_trade,
            "at": at.isoformat(timespec="seconds"),
        },
        "basis": reading.basis.facts(),
    }


def _inside(reading: CityReading, scope: str | None, seekers: store.Seekers) -> store.Seekers:
    if scope is None:
        return seekers
    outline = reading.parts(scope, None).scope_outline
    some = np.flatnonzero(shapely.intersects_xy(outline, *seekers.positions.T))
    return store.Seekers(
        codes=[seekers.codes[i] for i in some],
        trades=[seekers.trades[i] for i in some],
        wage_wish=seekers.wage_wish[some],
        households=[seekers.households[i] for i in some],
        zero_employment=seekers.zero_employment[some],
        positions=seekers.positions[some],
    )


@dataclass(frozen=True, slots=True)
class _Market:
    """Seekers and openings, who could reach whom, and which of these pairs fit.

    ``reached`` holds for every opening the seekers in reach of it.
    """

    seekers: store.Seekers
    openings: store.Openings
    rule: ReachRule
    reached: ReachedPoints
    near_opening: IntArray
    same: npt.NDArray[np.bool_]
    paid: npt.NDArray[np.bool_]
    suitable: Suitable
    household: IntArray
    lost: npt.NDArray[np.bool_]
    seeker_trade: IntArray
    opening_trade: IntArray

    @classmethod
    def of(
        cls,
        reading: CityReading,
        seekers: store.Seekers,
        openings: store.Openings,
        rule: ReachRule,
        *,
        same_trade: bool,
    ) -> _Market:
        lost = np.zeros(len(seekers.codes), dtype=np.bool_)
        if rule.by_network:
            graph = reading.network()
            on = attach(graph, seekers.positions, mode=rule.mode, snap_m=rule.snap_m)
            jobs = attach(graph, openings.positions, mode=rule.mode, snap_m=rule.snap_m)
            ready = PointsOnRoads(graph, on, mode=rule.mode, towards="stations")
            reached, lost = ready.reached(jobs, rule.radius_m), ~on.assessable
        else:
            reached = PointsOnEllipsoid(seekers.positions).reached(
                openings.positions, rule.radius_m
            )
        names = sorted({*seekers.trades, *openings.trades})
        number = {name: place for place, name in enumerate(names)}
        wanted = np.array([number[name] for name in seekers.trades], dtype=np.int64)
        offered = np.array([number[name] for name in openings.trades], dtype=np.int64)
        job = np.repeat(np.arange(len(openings.codes)), np.diff(reached.bounds))
        same = wanted[reached.points] == offered[job]
        wish, wage = seekers.wage_wish[reached.points], openings.wage_max[job]
        paid = (wish < 0) | (wage < 0) | (wage >= wish)
        fits = np.flatnonzero((same | (not same_trade)) & paid)
        homes = {name: place for place, name in enumerate(sorted(filter(None, seekers.households)))}
        household = np.array(
            [
                -1 if not zero else homes.get(home or "", len(homes) + i)
                for i, (home, zero) in enumerate(
                    zip(seekers.households, seekers.zero_employment, strict=True)
                )
            ],
            dtype=np.int64,
        )
        return cls(
            seekers=seekers,
            openings=openings,
            rule=rule,
            reached=reached,
            near_opening=job,
            same=same,
            paid=paid,
            suitable=Suitable(
                reached.points[fits], job[fits], np.rint(reached.metres[fits]).astype(np.int64)
            ),
            household=household,
            lost=lost,
            seeker_trade=wanted,
            opening_trade=offered,
        )

    def summary(self, found: Assigned) -> dict[str, Any]:
        """Return the city's figures."""
        count = len(self.seekers.codes)
        suited = np.zeros(count, dtype=np.bool_)
        suited[self.suitable.seeker] = True
        zero = self.household >= 0
        homes = np.unique(self.household[zero])
        with_offer = np.unique(self.household[zero & (found.opening >= 0)])
        in_reach = np.unique(self.household[zero & suited])
        return {
            "seekers": count,
            "seekers_with_offer_in_reach": int(suited.sum()),
            "seekers_matched": found.matched,
            "seekers_unmatched": count - found.matched,
            "seekers_not_assessable": int(self.lost.sum()),
            "openings": len(self.openings.codes),
            "places": int(self.openings.places.sum()),
            "places_left": int(self.openings.places.sum()) - found.matched,
            "zero_employment_households": len(homes),
            "zero_employment_households_with_offer_in_reach": len(in_reach),
            "zero_employment_households_matched": len(with_offer),
            "zero_employment_households_open": len(homes) - len(with_offer),
        }

    def by_trade(self, found: Assigned) -> list[dict[str, Any]]:
        """Return seekers, places and matches of each trade."""
        rows = []
        taken = np.bincount(found.opening[found.opening >= 0], minlength=len(self.openings.codes))
        for name in sorted({*self.seekers.trades, *self.openings.trades}):
            who = np.array([trade == name for trade in self.seekers.trades], dtype=np.bool_)
            what = np.array([trade == name for trade in self.openings.trades], dtype=np.bool_)
            rows.append(
                {
                    "trade": name,
                    "seekers": int(who.sum()),
                    "seekers_matched": int((who & (found.opening >= 0)).sum()),
                    "places": int(self.openings.places[what].sum()),
                    "places_taken": int(taken[what].sum()),
                }
            )
        return rows

    def assignment(self, found: Assigned, seeker: int) -> dict[str, Any]:
        """Return one match."""
        job = int(found.opening[seeker])
        return {
            "seeker": self.seekers.codes[seeker],
            "zero_employment_household": bool(self.household[seeker] >= 0),
            "opening": self.openings.codes[job],
            "employer": self.openings.employers[job],
            "title": self.openings.titles[job],
            "trade": self.openings.trades[job],
            "distance_m": int(found.metres[seeker]),
        }

    def unmatched(self, found: Assigned) -> list[dict[str, Any]]:
        """Return the seekers without an offer, why, and what would change it."""
        left = np.flatnonzero(found.opening < 0)
        count = len(self.seekers.codes)
        any_near, trade_near, suited = (np.zeros(count, dtype=np.bool_) for _ in range(3))
        any_near[self.reached.points] = True
        trade_near[self.reached.points[self.same]] = True
        suited[self.suitable.seeker] = True
        best_wage = np.full(count, -1, dtype=np.int64)
        np.maximum.at(
            best_wage,
            self.reached.points[self.same],
            self.openings.wage_max[self.near_opening[self.same]],
        )
        elsewhere = self._elsewhere(left)
        nearest = self._nearest_suitable(left)
        rows = []
        for i in left:
            if self.lost[i]:
                why = "not_assessable"
            elif suited[i]:
                why = "all_taken"
            elif trade_near[i]:
                why = "wage_below_wish"
            else:
                why = "trade_missing" if any_near[i] else "none_in_reach"
            helps = self._helps(int(i), why, best_wage, elsewhere, nearest)
            rows.append(
                {
                    "seeker": self.seekers.codes[i],
                    "trade": self.seekers.trades[i],
                    "zero_employment_household": bool(self.household[i] >= 0),
                    "reason": {"code": why, "text_zh": WHY[why][0], "text_en": WHY[why][1]},
                    "would_help": helps,
                }
            )
        return rows

    def _helps(
        self,
        i: int,
        why: str,
        best_wage: IntArray,
        elsewhere: dict[int, dict[str, int]],
        nearest: dict[int, tuple[int, float]],
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if why == "wage_below_wish":
            lower = int(self.seekers.wage_wish[i] - best_wage[i])
            found.append(
                {
                    "change": "lower_wage_wish",
                    "by_yuan": lower,
                    "text_zh": f"期望工资降低 {lower} 元，范围内即有本工种岗位",
                    "text_en": f"a wish lower by {lower} yuan meets an opening within reach",
                }
            )
        if i in nearest:
            job, metres = nearest[i]
            found.append(
                {
                    "change": "go_farther",
                    "opening": self.openings.codes[job],
                    "straight_m": round(metres),
                    "text_zh": f"最近的合适岗位直线距离 {metres:,.0f} 米",
                    "text_en": f"the nearest suitable opening is {metres:,.0f} m away, straight",
                }
            )
        if elsewhere.get(i):
            found.append(
                {
                    "change": "other_trade",
                    "places_by_trade": elsewhere[i],
                    "text_zh": "转岗：范围内其他工种有达到期望工资的空余岗位",
                    "text_en": "places of other trades within reach pay what is wished",
                }
            )
        if why == "all_taken":
            found.append(
                {
                    "change": "more_places",
                    "text_zh": "范围内同工种再增加一个达到期望工资的岗位",
                    "text_en": "one more place of the trade within reach that pays as wished",
                }
            )
        return found

    def _elsewhere(self, left: IntArray) -> dict[int, dict[str, int]]:
        """Return, of the seekers left, the places of other trades within reach that pay enough."""
        waits = np.zeros(len(self.seekers.codes), dtype=np.bool_)
        waits[left] = True
        some = np.flatnonzero(waits[self.reached.points] & ~self.same & self.paid)
        trades = sorted({*self.seekers.trades, *self.openings.trades})
        key = self.reached.points[some] * len(trades) + self.opening_trade[self.near_opening[some]]
        names, place = np.unique(key, return_inverse=True)
        sums = np.bincount(place.reshape(-1), weights=self.openings.places[self.near_opening[some]])
        found: dict[int, dict[str, int]] = {}
        for name, total in zip(names, sums, strict=True):
            seeker, trade = divmod(int(name), len(trades))
            found.setdefault(seeker, {})[trades[trade]] = int(total)
        return found

    def _nearest_suitable(self, left: IntArray) -> dict[int, tuple[int, float]]:
        """Return, of the seekers left, the nearest opening of their trade and wage out of reach."""
        suited = np.unique(self.suitable.seeker)
        found: dict[int, tuple[int, float]] = {}
        for trade in np.unique(self.seeker_trade[left]):
            who = np.setdiff1d(left[self.seeker_trade[left] == trade], suited)
            what = np.flatnonzero(self.opening_trade == trade)
            if not len(who) or not len(what):
                continue
            chord = straight.chords(self.seekers.positions[who], self.openings.positions[what])
            wish, wage = self.seekers.wage_wish[who], self.openings.wage_max[what]
            fits = (wish[:, None] < 0) | (wage[None, :] < 0) | (wage[None, :] >= wish[:, None])
            chord = np.where(fits, chord, np.inf)
            best = chord.argmin(axis=1)
            for row, seeker in enumerate(who):
                if np.isfinite(chord[row, best[row]]):
                    found[int(seeker)] = (int(what[best[row]]), float(chord[row, best[row]]))
        return found
