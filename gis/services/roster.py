"""The roster 值守表 in memory: who answers for an area now, without the database.

A :class:`Roster` is immutable and names the stamp that it was read at; :class:`Rosters` holds the
newest one of a process, at most :data:`~gis.services.lookup.OLDEST_S` old in a running server
(:mod:`gis.services.revision_watch` refreshes it with the boundaries). How many open orders a person
has in hand is not kept, because every event changes it: where that decides, the roster says so and
the database is asked. So it does where a final ruling or the owner of an asset may decide.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely

from gis.governance.actors import SYSTEM
from gis.governance.categories import Category
from gis.governance.clocks import STANDARD, Ruler
from gis.governance.duty import Assignment, TeamMember, Unrouted
from gis.services.city_time import ruler_of
from gis.services.lookup import OLDEST_S
from gis.services.responsibility import choose
from gis.store import categories
from gis.store import roster as store
from gis.store.unit_of_work import Database, UnitOfWork

_MOST_CHOICES = 200_000
_LEAST_M_PER_DEGREE: Final = 55_000.0  # of longitude, south of 60 N, as gis.store.city_files has it


@dataclass(frozen=True, slots=True)
class _Period:
    """A range of instants; None is open, ``with_*`` tell whether a bound belongs to it."""

    begins: datetime | None
    ends: datetime | None
    with_begin: bool
    with_end: bool

    def holds(self, at: datetime) -> bool:
        """Tell whether it contains an instant, as PostgreSQL's ``@>`` does."""
        if self.begins is not None and (
            at < self.begins or (at == self.begins and not self.with_begin)
        ):
            return False
        return self.ends is None or at < self.ends or (at == self.ends and self.with_end)


class _Assets:
    """Where owners of assets may have a say: boxes as wide as their reach."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        held = list(rows)
        self._categories = [frozenset(row["categories"]) for row in held]
        reach = np.array([row["reach_m"] for row in held]) / _LEAST_M_PER_DEGREE
        west, south, east, north = (
            np.array([row[bound] for row in held]) for bound in ("xmin", "ymin", "xmax", "ymax")
        )
        boxes: Any = shapely.box(west - reach, south - reach, east + reach, north + reach)
        self._tree = shapely.STRtree(boxes)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._categories)

    def may_decide(self, place: tuple[float, float], category: str | None) -> bool:
        """Tell whether an asset may lie within its reach of a place (EPSG:4326); None: any."""
        if not self._categories:
            return False
        near = self._tree.query(shapely.Point(place)).tolist()
        return any(category is None or category in self._categories[at] for at in near)


class Roster:
    """Everybody's duties and absences from now on, and the categories.

    Attributes
    ----------
    stamp
        That of :func:`gis.store.roster.stamp`: as long as it stays, so does the roster.
    categories
        Key -> category, retired ones too.
    ruler
        How the city counts time.
    """

    def __init__(
        self,
        stamp: tuple[int, int],
        duties: Iterable[Mapping[str, Any]],
        absences: Iterable[Mapping[str, Any]],
        known: Iterable[Category],
        *,
        rulings: Iterable[Mapping[str, Any]] = (),
        assets: Iterable[Mapping[str, Any]] = (),
        ruler: Ruler = STANDARD,
    ) -> None:
        self.stamp = stamp
        self.ruler = ruler
        self._assets = _Assets(assets)
        self.categories = {category.key: category for category in known}
        self._duties: dict[str, list[tuple[_Period, dict[str, Any]]]] = {}
        self._absences: dict[int, list[_Period]] = {}
        instants: set[datetime] = set()
        for row in duties:
            held = dict(row)
            period = _Period(
                held["valid_from"], held["valid_to"], held.pop("with_begin"), held.pop("with_end")
            )
            self._duties.setdefault(held["area_code"], []).append((period, held))
            instants.update(end for end in (period.begins, period.ends) if end is not None)
        for row in absences:
            period = _Period(row["begins"], row["ends"], row["with_begin"], row["with_end"])
            self._absences.setdefault(row["person_id"], []).append(period)
            instants.update(end for end in (period.begins, period.ends) if end is not None)
        self._rulings: dict[str, list[tuple[str | None, datetime]]] = {}
        for row in rulings:
            self._rulings.setdefault(row["area_code"], []).append(
                (row["category"], row["expires_at"])
            )
            instants.add(row["expires_at"])
        self._instants = sorted(instants)
        self._choices: dict[tuple[Any, ...], object] = {}

    @classmethod
    def load(cls, work: UnitOfWork, stamp: tuple[int, int] | None = None) -> Roster:
        """Read it in this transaction."""
        return cls(
            stamp or store.stamp(work),
            map(dict, store.standing_duties(work)),
            map(dict, store.standing_absences(work)),
            categories.everything(work),
            rulings=map(dict, store.standing_rulings(work)),
            assets=map(dict, store.standing_assets(work)),
            ruler=ruler_of(work),
        )

    def team_of(self, area_codes: Sequence[str], at: datetime) -> list[TeamMember]:
        """Return who holds a duty in the areas at an instant not before the load; without load."""
        return [
            TeamMember(**row, absent=self._absent(row["person_id"], at))
            for code in sorted(set(area_codes))
            for period, row in self._duties.get(code, ())
            if period.holds(at)
        ]

    def responsible(
        self,
        path: Mapping[str, str],
        category: Category | None,
        at: datetime,
        *,
        unit_code: str | None = None,
        place: tuple[float, float] | None = None,
    ) -> Assignment | Unrouted | None:
        """Return whom :func:`gis.services.responsibility.responsible` returns.

        Its reason does not tell how many orders the person has in hand. None: ask the database.
        Several could take it, so that what they have in hand decides; or a final ruling or, with a
        ``place`` (EPSG:4326), the owner of an asset may decide.
        """
        key = (
            tuple(path.values()), None if category is None else category.key, unit_code,
            self.era(at),
        )  # fmt: skip
        chosen = self._choices.get(key, _UNASKED)
        if chosen is _UNASKED:
            if len(self._choices) >= _MOST_CHOICES:
                self._choices.clear()
            chosen = self._choices[key] = self._chosen(path, category, at, unit_code)
        if place is None or not path or not isinstance(chosen, Assignment | Unrouted):
            return chosen  # type: ignore[return-value] # None, which says to ask
        nobody = isinstance(chosen, Unrouted)
        if nobody or (category is not None and unit_code is None):
            wanted = None if nobody or category is None else category.key
            if self._assets.may_decide(place, wanted):
                return None
        return chosen

    @property
    def has_assets(self) -> bool:
        """Tell whether anything has an owner."""
        return bool(self._assets)

    def has_owner_near(self, place: tuple[float, float]) -> bool:
        """Tell whether the owner of any asset may have a say at a place (EPSG:4326)."""
        return self._assets.may_decide(place, None)

    def _chosen(
        self,
        path: Mapping[str, str],
        category: Category | None,
        at: datetime,
        unit_code: str | None,
    ) -> Assignment | Unrouted | None:
        if self._is_ruled(path, category, at):
            return None
        team = self.team_of(list(path.values()), at)
        chosen: Assignment | Unrouted = choose(team, path, category, at, unit_code=unit_code)
        if not isinstance(chosen, Assignment):
            return chosen
        if _has_rival(team, chosen.member):
            return None
        facts = {key: fact for key, fact in chosen.reason.facts.items() if key != "open_orders"}
        return replace(chosen, reason=replace(chosen.reason, facts=facts))

    def _is_ruled(self, path: Mapping[str, str], category: Category | None, at: datetime) -> bool:
        """Tell whether a final ruling 终审 is in force for the category in the area or above."""
        key = None if category is None else category.key
        return any(
            ruled in (None, key) and at < expires
            for code in path.values()
            for ruled, expires in self._rulings.get(code, ())
        )

    def era(self, at: datetime) -> tuple[int, bool]:
        """Return what is the same for two instants between which no duty or absence begins or ends.

        An instant at which one does is an era of its own.
        """
        place = bisect_right(self._instants, at)
        return place, place > 0 and self._instants[place - 1] == at

    def _absent(self, person_id: int, at: datetime) -> bool:
        return any(period.holds(at) for period in self._absences.get(person_id, ()))


class Rosters:
    """The newest roster of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current: Roster | None = None
        self._heard_at = 0.0

    def refresh(self) -> Roster:
        """Ask for the stamp, and read the roster when it has changed."""
        asked_at = time.monotonic()
        with self._database.reading(SYSTEM) as work:
            stamp = store.stamp(work)
            current = self._current
            if current is None or current.stamp != stamp:
                current = self._current = Roster.load(work, stamp)
        self._heard_at = asked_at
        return current

    def current(self) -> Roster | None:
        """Return the roster, None when the database was not heard of for too long: then ask it."""
        if time.monotonic() - self._heard_at > OLDEST_S:
            return None
        return self._current

    def at(self, stamp: tuple[int, int]) -> Roster | None:
        """Return the roster of a stamp that a transaction has read; None: it is not in memory."""
        current = self._current
        return current if current is not None and current.stamp == stamp else None


_UNASKED: Final = object()


def _has_rival(team: Sequence[TeamMember], member: TeamMember) -> bool:
    return any(
        other.person_id != member.person_id
        and not other.absent
        and (other.area_code, other.role, other.deputy)
        == (member.area_code, member.role, member.deputy)
        for other in team
    )
