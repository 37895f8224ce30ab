"""Is everything there, and what does the city amount to: readiness and the start page's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gis.errors import PostgisMissing, SchemaBehind
from gis.governance.actors import NOWHERE, SYSTEM, Actor
from gis.services.lookup import Boundaries
from gis.store import overview as store
from gis.store import schema
from gis.store.areas import published_revision
from gis.store.unit_of_work import Database


@dataclass(frozen=True, slots=True)
class CityNumbers:
    """The city in numbers; ``name`` and ``revision`` are None before the first publication."""

    name: str | None
    revision: int | None
    areas: Mapping[str, int]
    stations: int
    events_today: int


def city_numbers(database: Database, actor: Actor) -> CityNumbers:
    """Return name, areas by level, open stations and the events of today (Asia/Shanghai)."""
    with database.reading(actor) as work:
        revision = published_revision(work)
        names = [] if revision is None else store.city_names(work, revision)
        return CityNumbers(
            name="、".join(names) or None,
            revision=revision,
            areas={} if revision is None else store.areas_by_level(work, revision),
            stations=store.open_stations(work),
            events_today=store.events_today(work),
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """What the pages of a caller begin with: the area's name and its bounds in degrees."""

    name: str | None
    bounds: tuple[float, ...] | None


def scope_of(database: Database, actor: Actor) -> Scope:
    """Return the area that an actor acts in (the whole city without one, and to look at)."""
    with database.reading(actor) as work:
        revision = published_revision(work)
        if revision is None:
            return Scope(None, None)
        code = None if actor.area_code == NOWHERE else actor.area_code
        name = None if code is None else store.area_name(work, revision, code)
        return Scope(name, store.extent(work, revision, code))


def check_database(database: Database) -> dict[str, Any]:
    """Return the versions of PostgreSQL and PostGIS.

    Raises
    ------
    gis.errors.DatabaseUnavailable
        It does not answer.
    gis.errors.PostgisMissing
        It answers, without PostGIS.
    """
    with database.reading(SYSTEM) as work:
        postgresql, postgis = store.versions(work)
    if postgis is None:
        raise PostgisMissing(postgresql=postgresql)
    return {"postgresql": postgresql, "postgis": postgis}


def check_schema(database: Database) -> dict[str, Any]:
    """Return the migration that the database stands at, which must be the code's head.

    Raises
    ------
    gis.errors.SchemaBehind
        It stands elsewhere.
    """
    with database.reading(SYSTEM) as work:
        current = store.migration(work)
    if current != _head():
        raise SchemaBehind(current=current or "-", head=_head())
    return {"migration": current}


def check_boundaries(database: Database, boundaries: Boundaries) -> dict[str, Any]:
    """Return the published revision, with its index in memory (loaded here if it was not).

    Raises
    ------
    gis.errors.NoPublishedBoundary
        Nothing is published.
    """
    with database.reading(SYSTEM) as work:
        snapshot = boundaries.snapshot(work)
    return {"revision": snapshot.revision, "areas": len(snapshot.areas)}


@cache
def _head() -> str:
    """Return the code's migration head: it does not change while the process lives."""
    return schema.head()
