"""Where is this point: look-ups on the published boundaries, held in memory by revision.

:class:`Boundaries` hands out the :class:`~gis.services.boundary_snapshot.BoundarySnapshot` of the
revision that the caller's own transaction sees, so an answer never mixes two.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gis.errors import AreaUnknown, NoPublishedBoundary
from gis.geometry.crs import point_to_wgs84
from gis.governance.actors import SYSTEM, Actor
from gis.matching.knowledge import Knowledge
from gis.services.boundary_snapshot import IN_MEMORY, BoundarySnapshot
from gis.services.exceptions import ExceptionIndex
from gis.services.experience import KnowledgeBase
from gis.services.index_cache import IndexCache
from gis.store import areas as area_store
from gis.store.unit_of_work import Database, UnitOfWork

OLDEST_S: Final = 2.0
"""An answer from memory may lag behind a publication by no more than this."""

_KEPT = 4  # snapshots of so many revisions stay in memory; older ones are loaded again on demand


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides at an instant: the boundaries of one revision and the exceptions from them."""

    snapshot: BoundarySnapshot
    exceptions: ExceptionIndex


class Snapshots:
    """The snapshots of a process: loaded once per revision, shared by its threads."""

    def __init__(self, cache: IndexCache = IN_MEMORY) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._snapshots: OrderedDict[int, BoundarySnapshot] = OrderedDict()
        self._gates: dict[int, threading.Lock] = {}
        self._exceptions = ExceptionIndex((0, 0), ())
        self._knowledge = KnowledgeBase()

    def know(self, knowledge: KnowledgeBase) -> None:
        """Match with a gazetteer and with what was learned from now on."""
        self._knowledge = knowledge

    def knowledge(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> Knowledge:
        """Return what matching knows beside the boundaries, as this transaction may use it."""
        return self._knowledge.at(work, snapshot)

    def recent_knowledge(self) -> Knowledge:
        """Return what was learned as last heard of, without the database and without addresses."""
        return self._knowledge.recent()

    def knowledge_in_memory(self, snapshot: BoundarySnapshot) -> Knowledge | None:
        """Return what :meth:`knowledge` returned last, addresses too; None: ask the database."""
        return self._knowledge.in_memory(snapshot)

    def forget_learned(self) -> None:
        """Read what was learned again at the next use."""
        self._knowledge.forget()

    def snapshot(self, work: UnitOfWork, at: datetime | None = None) -> BoundarySnapshot:
        """Return the boundaries in force at an instant, as this transaction sees them.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            Nothing was published then.
        """
        return self.of_revision(work, area_store.published_revision(work, at))

    def in_force(self, work: UnitOfWork, at: datetime | None = None) -> InForce:
        """Return boundaries and exceptions as this transaction sees them, in one round trip.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            Nothing was published then.
        """
        return self.as_read(work, *area_store.in_force(work, at))

    def as_read(self, work: UnitOfWork, revision: int | None, stamp: tuple[int, int]) -> InForce:
        """Return what a revision and a stamp stand for that this transaction has read.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            There is no revision (None).
        """
        snapshot = self.of_revision(work, revision)
        exceptions = self._exceptions
        if exceptions.stamp != stamp:
            exceptions = self._exceptions = ExceptionIndex.load(work, stamp)
        return InForce(snapshot, exceptions)

    def of_revision(self, work: UnitOfWork, revision: int | None) -> BoundarySnapshot:
        """Return the snapshot of a revision that this transaction has read.

        One thread loads it, those that want the same one wait; other revisions stay in reach.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            There is none (None).
        """
        if revision is None:
            raise NoPublishedBoundary
        found = self._kept(revision)
        if found is not None:
            return found
        with self._lock:
            gate = self._gates.setdefault(revision, threading.Lock())
        with gate:
            found = self._kept(revision)
            if found is None:
                rows = area_store.of_revision(work, revision)
                found = BoundarySnapshot(revision, rows, self._cache)
                with self._lock:
                    self._snapshots[revision] = found
                    while len(self._snapshots) > _KEPT:
                        self._snapshots.popitem(last=False)
                    self._gates.pop(revision, None)
        return found

    def _kept(self, revision: int) -> BoundarySnapshot | None:
        with self._lock:
            found = self._snapshots.get(revision)
            if found is not None:
                self._snapshots.move_to_end(revision)
            return found

    def loaded_revision(self) -> int | None:
        """Return the newest revision in memory, None before the first look-up."""
        with self._lock:
            return max(self._snapshots, default=None)


class Boundaries(Snapshots):
    """Look-ups on the published boundaries of one database."""

    def __init__(self, database: Database, cache: IndexCache = IN_MEMORY) -> None:
        super().__init__(cache)
        self._database = database
        self._current: InForce | None = None
        self._heard_at = 0.0

    def refresh(self) -> InForce:
        """Load what is in force now, and the next revision that waits for its day.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            Nothing is published.
        """
        # What is read below may take seconds to load: it is as old as the moment of asking.
        asked_at = time.monotonic()
        with self._database.reading(SYSTEM) as work:
            upcoming = area_store.upcoming_revision(work)
            if upcoming is not None:
                self.of_revision(work, upcoming)
            self._knowledge.experience(work)
            found = self.in_force(work)
        with self._lock:
            if asked_at >= self._heard_at:  # else another thread asked later and was quicker
                self._current, self._heard_at = found, asked_at
        return found

    def current(self) -> InForce:
        """Return what was in force when this process last heard of it, without the database.

        In a running server that is at most 2 s old (:mod:`gis.services.revision_watch`).

        Raises
        ------
        gis.errors.NoPublishedBoundary
            Nothing is published, or nothing was heard of yet.
        """
        current = self._current
        if current is None:
            raise NoPublishedBoundary
        return current

    def fresh(self) -> InForce | None:
        """Return what was in force within the last :data:`OLDEST_S`; None: ask the database."""
        heard_at = self._heard_at  # before what was heard: what comes in between is only younger
        current = self._current
        if current is None or time.monotonic() - heard_at > OLDEST_S:
            return None
        return current

    def at_now(self, lon: float, lat: float, crs: str = "WGS84") -> dict[str, Any] | None:
        """Answer which areas own a point now, from memory alone: never blocks.

        None when the database was not heard of for :data:`OLDEST_S`: then :meth:`at` must ask it.
        """
        current = self.fresh()
        if current is None:
            return None
        return locate(current.snapshot, *point_to_wgs84(lon, lat, crs))

    def at(
        self,
        actor: Actor,
        *,
        lon: float,
        lat: float,
        crs: str = "WGS84",
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Answer which areas own a point (CONTRACT: ``GET /v1/areas/at``).

        Parameters
        ----------
        lon, lat
            In ``crs``; projected systems take easting and northing.
        at
            The instant whose boundaries count; None for now.
        """
        x, y = point_to_wgs84(lon, lat, crs)
        with self._database.reading(actor) as work:
            snapshot = self.snapshot(work, at)
        return locate(snapshot, x, y)

    def feature(self, actor: Actor, code: str, at: datetime | None = None) -> dict[str, Any]:
        """Return one area as a GeoJSON Feature.

        Raises
        ------
        gis.errors.AreaUnknown
            No such area at that time.
        """
        with self._database.reading(actor) as work:
            revision = self._revision(work, at)
            row = area_store.feature(work, code, revision)
        if row is None:
            raise AreaUnknown(code=code)
        return {**_as_feature(dict(row)), "boundary_revision": revision}

    def listing(
        self,
        actor: Actor,
        *,
        level: str | None = None,
        parent: str | None = None,
        text: str | None = None,
        at: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return areas by code and whether more follow."""
        with self._database.reading(actor) as work:
            rows = area_store.listing(
                work,
                self._revision(work, at),
                level=level,
                parent=parent,
                text=text,
                after=after,
                limit=limit + 1,
            )
        return [dict(row) for row in rows[:limit]], len(rows) > limit

    @staticmethod
    def _revision(work: UnitOfWork, at: datetime | None) -> int:
        revision = area_store.published_revision(work, at)
        if revision is None:
            raise NoPublishedBoundary
        return revision


def locate(snapshot: BoundarySnapshot, lon: float, lat: float) -> dict[str, Any]:
    """Return path, grid, edge distance and status of a WGS84 point on a snapshot.

    ``status`` is ``inside`` when an area of the finest drawn level covers the point, ``gap`` when
    only a coarser one does, ``outside`` when none does. ``edge_distance_m`` is measured to the
    nearest edge of the covering finest area, otherwise to the nearest area of that level.
    """
    level = snapshot.finest
    index = snapshot.index(level)
    covering = index.covering(lon, lat)
    answer: dict[str, Any] = {
        "path": [],
        "grid": None,
        "edge_distance_m": None,
        "ambiguous": len(covering) > 1,
        "boundary_revision": snapshot.revision,
        "status": "inside",
        "nearest": None,
        "point": {"lon": lon, "lat": lat},
        "dedicated": [
            snapshot.areas[snapshot.index("dedicated").keys[position]].brief()
            for position in snapshot.index("dedicated").covering(lon, lat)
        ],
    }
    if covering:
        code = index.keys[covering[0]]
        answer["path"] = [area.brief() for area in snapshot.path(code)]
        if level == "grid":
            answer["grid"] = snapshot.areas[code].brief()
        answer["edge_distance_m"] = round(index.edge_distance_m(covering[0], lon, lat), 3)
        if answer["ambiguous"]:
            answer["candidates"] = [snapshot.areas[index.keys[p]].brief() for p in covering]
        return answer
    coarser = snapshot.finest_covering(lon, lat)
    answer["status"] = "gap" if coarser is not None else "outside"
    if coarser is not None:
        answer["path"] = [area.brief() for area in snapshot.path(coarser.code)]
    nearest = index.nearest(lon, lat)
    if nearest is not None:
        area = snapshot.areas[index.keys[nearest.position]]
        answer["nearest"] = {
            "code": area.code,
            "name": area.name,
            "distance_m": round(nearest.distance_m, 3),
        }
        answer["edge_distance_m"] = round(nearest.distance_m, 3)
    return answer


def _as_feature(row: Mapping[str, Any]) -> dict[str, Any]:
    properties = {key: value for key, value in row.items() if key != "geometry"}
    return {
        "type": "Feature",
        "id": row["code"],
        "geometry": json.loads(row["geometry"]),
        "properties": properties,
    }
