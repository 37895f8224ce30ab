"""The gazetteer in memory: one :class:`AddressIndex` per boundary revision and stamp of the rows.

Building takes about two seconds for 200,000 entries, so a thread builds what comes next in the
background (:class:`GazetteerWatch`); requests meanwhile read addresses by what was there before, on
the boundaries in force. Commands ask for exactly what their transaction sees.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
import shapely
import structlog
from sqlalchemy.exc import DBAPIError

from gis.errors import DatabaseUnavailable, NoPublishedBoundary
from gis.governance.actors import SYSTEM, Actor
from gis.matching.address import AddressIndex, Place
from gis.matching.address_rows import AreaName, Entries, RoadLines
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.experience import KnowledgeBase
from gis.services.lookup import Snapshots
from gis.store import areas as area_store
from gis.store import gazetteer as store
from gis.store.unit_of_work import Database, UnitOfWork

POLL_S: Final = 2.0
"""How far addresses may lag behind an import, and a little more for the build."""
NAMED_LEVELS: Final = ("city", "county", "subdistrict", "community")

_FORESEEN: Final = (DBAPIError, DatabaseUnavailable)

_log = structlog.wrap_logger(logging.getLogger(__name__))


class Gazetteer:
    """The address index of one database, shared by the threads of a process."""

    def __init__(self, database: Database, boundaries: Snapshots) -> None:
        self._database = database
        self._boundaries = boundaries
        self._gate = threading.Lock()
        self._loaded: tuple[tuple[int, int], AddressIndex] | None = None

    def exact(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> AddressIndex:
        """Return the index of the rows that this transaction sees, on these boundaries.

        Builds it when it is not the one in memory; one thread builds, others wait.
        """
        wanted = snapshot.revision, store.version(work)
        loaded = self._loaded
        if loaded is not None and loaded[0] == wanted:
            return loaded[1]
        with self._gate:
            loaded = self._loaded
            if loaded is None or loaded[0] != wanted:
                loaded = self._loaded = wanted, build(work, snapshot)
            return loaded[1]

    def index(self, work: UnitOfWork, snapshot: BoundarySnapshot) -> AddressIndex:
        """Return the index on these boundaries without waiting for a newer stamp of the rows.

        What a request uses: after an import it lags behind by :data:`POLL_S` and the build.
        """
        loaded = self._loaded
        if loaded is not None and loaded[0][0] == snapshot.revision:
            return loaded[1]
        return self.exact(work, snapshot)

    def in_memory(self, snapshot: BoundarySnapshot) -> AddressIndex | None:
        """Return what :meth:`index` returns without asking the database, where it need not."""
        loaded = self._loaded
        return loaded[1] if loaded is not None and loaded[0][0] == snapshot.revision else None

    def loaded(self) -> AddressIndex | None:
        """Return what is in memory, without the database; None before the first build."""
        loaded = self._loaded
        return None if loaded is None else loaded[1]

    def refresh(self) -> bool:
        """Load what is in force now when it changed; tell whether anything was built.

        Raises
        ------
        gis.errors.NoPublishedBoundary
            Nothing is published.
        """
        before = self._loaded
        with self._database.reading(SYSTEM) as work:
            self.exact(work, self._boundaries.snapshot(work))
        return self._loaded is not before

    def search(
        self,
        actor: Actor,
        text: str,
        *,
        near: tuple[float, float] | None = None,
        limit: int = 10,
    ) -> tuple[list[tuple[Place, list[dict[str, str]]]], int]:
        """Return the places that a text may mean, each with its areas, and the revision.

        Parameters
        ----------
        near
            WGS84 lon, lat: nearer places of the same name come first.
        """
        with self._database.reading(actor) as work:
            snapshot = self._boundaries.snapshot(work)
            index = self.index(work, snapshot)
        found = index.places(text, near, most=limit)
        return [(place, _path(snapshot, place)) for place in found], snapshot.revision


def _path(snapshot: BoundarySnapshot, place: Place) -> list[dict[str, str]]:
    """Return the areas of a place, coarsest first: of its own point unless it is an area."""
    if place.level in NAMED_LEVELS:
        return [area.brief() for area in snapshot.path(place.area_code or "")]
    covering = snapshot.finest_covering(place.lon, place.lat)
    return [] if covering is None else [area.brief() for area in snapshot.path(covering.code)]


def inform(database: Database, boundaries: Snapshots, precision: float) -> None:
    """Let matching on these boundaries read addresses and use what was learned.

    ``precision``: what is wanted of the cases that route themselves.
    """
    boundaries.know(KnowledgeBase(Gazetteer(database, boundaries), precision=precision))


def build(work: UnitOfWork, snapshot: BoundarySnapshot) -> AddressIndex:
    """Return the index of the gazetteer's rows on a snapshot of the boundaries."""
    began = time.perf_counter()
    columns = store.as_columns(store.entries(work))
    names, edges = store.road_edges(work)
    areas = _area_names(work, snapshot)
    read = time.perf_counter()
    index = AddressIndex.build(
        areas,
        _entries(snapshot, columns),
        RoadLines(names, np.asarray(shapely.from_wkb(edges), dtype=object)),
    )
    _log.info(
        "gazetteer_loaded",
        entries=len(index),
        revision=snapshot.revision,
        read_s=round(read - began, 2),
        build_s=round(time.perf_counter() - read, 2),
    )
    return index


def _entries(snapshot: BoundarySnapshot, columns: Sequence[Any]) -> Entries:
    number, kind, name, road, house, compound, building, unit, aliases, lon, lat, unsure, stated = (
        columns
    )
    return Entries(
        id=number,
        kind=kind,
        name=name,
        road=road,
        house_number=house,
        compound=compound,
        building=building,
        unit=unit,
        aliases=aliases,
        lon=lon,
        lat=lat,
        uncertainty_m=unsure,
        community=_communities(snapshot, lon, lat),
        stated=stated,
    )


def _communities(snapshot: BoundarySnapshot, lon: Any, lat: Any) -> Sequence[str | None]:  # noqa: ANN401
    """Return the code of the community that covers each point, whatever its row says."""
    index = snapshot.index("community")
    if len(lon) == 0 or len(index.keys) == 0:
        return [None] * len(lon)
    keys = index.keys
    return [keys[k] if k >= 0 else None for k in index.locate(lon, lat).tolist()]


def _area_names(work: UnitOfWork, snapshot: BoundarySnapshot) -> list[AreaName]:
    aliases = store.aliases(work)
    places = {row["code"]: row for row in area_store.middles(work, snapshot.revision)}
    found = []
    for area in snapshot.areas.values():
        if area.level not in NAMED_LEVELS:
            continue
        place = places[area.code]
        found.append(
            AreaName(
                area.code,
                area.level,
                area.name,
                area.parent_code,
                float(place["lon"]),
                float(place["lat"]),
                float(place["radius_m"]),
                aliases.get(area.code, ()),
            )
        )
    return found


class GazetteerWatch:
    """A thread that rebuilds the index when rows or boundaries change."""

    def __init__(self, gazetteer: Gazetteer, *, poll_s: float = POLL_S) -> None:
        self._gazetteer = gazetteer
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to watch; returns at once, also when the database is not there yet."""
        self._thread = threading.Thread(target=self._run, name="gazetteer-watch", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch; a build under way is waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._gazetteer.refresh()
            except NoPublishedBoundary:
                pass  # an empty city
            except Exception as error:  # noqa: BLE001 - no file left, a bug: nobody would go on
                _log.warning(
                    "gazetteer_watch_lost",
                    reason=str(error),
                    exc_info=not isinstance(error, _FORESEEN),
                )
            self._stopping.wait(self._poll_s)
