"""The roster 值守表 in memory: who answers for an area now, without the database.

A :class:`Roster` is immutable and names the stamp that it was read at; :class:`Rosters` holds the
newest one of a process, at most :data:`~gis.services.lookup.OLDEST_S` old in a running server
(:mod:`gis.services.revision_watch` refreshes it with the boundaries). How many open orders a person
has in hand is not kept, because every event changes it: where that decides, the roster says so and
the database is asked.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gis.governance.actors import SYSTEM
from gis.governance.categories import Category
from gis.governance.duty import Assignment, TeamMember, Unrouted
from gis.services.lookup import OLDEST_S
from gis.services.responsibility import choose
from gis.store import categories
from gis.store import roster as store
from gis.store.unit_of_work import Database, UnitOfWork

_MOST_CHOICES = 200_000


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


class Roster:
    """Everybody's duties and absences from now on, and the categories.

    Attributes
    ----------
    stamp
        That of :func:`gis.store.roster.stamp`: as long as it stays, so does the roster.
    categories
        Key -> category, retired ones too.
    """

    def __init__(
        self,
        stamp: tuple[int, int],
        duties: Iterable[Mapping[str, Any]],
        absences: Iterable[Mapping[str, Any]],
        known: Iterable[Category],
        *,
        ruled: Collection[tuple[str, str | None]] = (),
        owned: Collection[str] = (),
    ) -> None:
        self.stamp = stamp
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
        self._instants = sorted(instants)
        self._ruled, self._owned = frozenset(ruled), frozenset(owned)
        self._choices: dict[tuple[Any, ...], Assignment | Unrouted | None] = {}

    @classmethod
    def load(cls, work: UnitOfWork, stamp: tuple[int, int] | None = None) -> Roster:
        """Read it in this transaction."""
        return cls(
            stamp or store.stamp(work),
            map(dict, store.standing_duties(work)),
            map(dict, store.standing_absences(work)),
            categories.everything(work),
            ruled=store.ruled(work),
            owned=store.owned_categories(work),
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
    ) -> Assignment | Unrouted | None:
        """Return whom :func:`gis.services.responsibility.responsible` returns.

        None where several could take it, so that what they have in hand decides, where a final
        ruling stands, or where the owner of an asset may answer: ask the database.
        """
        if self._decided_elsewhere(path, None if category is None else category.key):
            return None
        key = (
            tuple(path.values()), None if category is None else category.key, unit_code,
            self.era(at),
        )  # fmt: skip
        if key in self._choices:
            return self._choices[key]
        team = self.team_of(list(path.values()), at)
        chosen: Assignment | Unrouted | None = choose(team, path, category, at, unit_code=unit_code)
        if isinstance(chosen, Assignment) and _has_rival(team, chosen.member):
            chosen = None
        elif isinstance(chosen, Unrouted) and self._owned:
            chosen = None  # the owner of what stands there comes before nobody at all
        if len(self._choices) >= _MOST_CHOICES:
            self._choices.clear()
        self._choices[key] = chosen
        return chosen

    def _decided_elsewhere(self, path: Mapping[str, str], category: str | None) -> bool:
        if category in self._owned:
            return True
        return bool(self._ruled) and any(
            (code, key) in self._ruled for code in path.values() for key in (None, category)
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


def _has_rival(team: Sequence[TeamMember], member: TeamMember) -> bool:
    return any(
        other.person_id != member.person_id
        and not other.absent
        and (other.area_code, other.role, other.deputy)
        == (member.area_code, member.role, member.deputy)
        for other in team
    )
