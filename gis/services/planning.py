"""Coverage 覆盖: who is within reach of which stations, by area, and where nobody is reached.

Nothing is cached: each call reads the city as it is (0.2 s for 120,000 buildings), so an answer is
never older than its question. The boundary revision that it was counted with stands in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
import shapely

from gis.coverage import reach as straight
from gis.coverage.demand import people_by_area, people_weighted_centres
from gis.errors import (
    AreaUnknown,
    LevelTooCoarse,
    NoPublishedBoundary,
    OutsideScope,
    RadiusInvalid,
    ReachUnavailable,
    StationKindUnknown,
)
from gis.geometry.cell_index import CellIndex
from gis.geometry.circles import EqualAreaFrame, circles, uncovered
from gis.services.coverage_answer import Assessment, CoverageView, as_contract, as_view
from gis.store import city
from gis.store.areas import published_revision

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database, UnitOfWork

GeometryArray = npt.NDArray[np.object_]
PositionArray = npt.NDArray[np.intp]
Level = Literal["city", "county", "subdistrict", "community", "grid"]

LEVELS: Final[tuple[Level, ...]] = ("city", "county", "subdistrict", "community", "grid")
LARGEST_RADIUS_M: Final = 50_000.0


def coverage(
    database: Database,
    actor: Actor,
    *,
    kinds: Sequence[str] | None = None,
    radius_m: float = 3000.0,
    reach: str = "straight",
    area: str | None = None,
    by: Level = "community",
) -> dict[str, Any]:
    """Return who is within reach of stations, in the shape of the contract.

    Parameters
    ----------
    kinds
        Kinds of stations; None or empty: every open station.
    radius_m
        Metres, 0 < r <= 50,000; a building at the radius is covered.
    reach
        ``straight``: geodesic distance. Nothing else yet.
    area
        Code of the area asked about; None: the actor's own area, or the whole city. Stations
        outside it reach into it.
    by
        Level of the result's areas.

    Returns
    -------
    dict
        ``summary``, ``areas`` (by code), ``gaps`` (GeoJSON: of each area the part that no station
        reaches, most people first, then by code) and what the figures stand on. ``nearest_m`` runs
        from an area's people-weighted centre (its centroid without people) to the nearest station
        of the kinds; a ratio of nobody is null. People whose building lies in no area are in
        ``not_assessable`` only.

    Raises
    ------
    gis.errors.GovernanceError
        RadiusInvalid, ReachUnavailable, StationKindUnknown, LevelTooCoarse (422), AreaUnknown
        (404), OutsideScope (403), NoPublishedBoundary (503).
    """
    answer = assess(database, actor, kinds=kinds, radius_m=radius_m, reach=reach, area=area, by=by)
    return as_contract(answer)


@dataclass(frozen=True, slots=True)
class Planner:
    """One caller's planning questions to one database: what map builders are given."""

    database: Database
    actor: Actor

    def coverage_view(
        self, *, kinds: Sequence[str] | None, radius_m: float, area: str | None
    ) -> CoverageView:
        """Return :func:`coverage_view` for this caller."""
        return coverage_view(self.database, self.actor, kinds=kinds, radius_m=radius_m, area=area)


def coverage_view(
    database: Database,
    actor: Actor,
    *,
    kinds: Sequence[str] | None = None,
    radius_m: float = 3000.0,
    area: str | None = None,
) -> CoverageView:
    """Return what the coverage map draws; parameters and errors as in :func:`coverage`."""
    return as_view(assess(database, actor, kinds=kinds, radius_m=radius_m, area=area, by=None))


def assess(
    database: Database,
    actor: Actor,
    *,
    kinds: Sequence[str] | None = None,
    radius_m: float = 3000.0,
    reach: str = "straight",
    area: str | None = None,
    by: Level | None = "community",
) -> Assessment:
    """Answer a coverage question; parameters and errors as in :func:`coverage`.

    ``by=None``: by communities, inside a community by its grids.
    """
    scope = checked_scope(actor, radius_m=radius_m, reach=reach, area=area)
    with database.reading(actor) as work:
        return Reading.of(work, scope, by, kinds).assessed(radius_m)


def checked_scope(actor: Actor, *, radius_m: float, reach: str, area: str | None) -> str | None:
    """Return the area that a planning question is about, None for the whole city.

    Raises
    ------
    gis.errors.GovernanceError
        ReachUnavailable, RadiusInvalid (422), OutsideScope (403).
    """
    if reach != "straight":
        raise ReachUnavailable(reach=reach)
    if not (math.isfinite(radius_m) and 0.0 < radius_m <= LARGEST_RADIUS_M):
        raise RadiusInvalid(radius_m=str(radius_m), largest_m=int(LARGEST_RADIUS_M))
    scope = area or actor.area_code
    if scope is not None and not actor.covers(scope):
        raise OutsideScope(scope=actor.area_code, code=scope)
    return scope


@dataclass(frozen=True, slots=True)
class Reading:
    """The city as one transaction saw it."""

    scope: str | None
    by: Level
    kinds: list[str]
    city_areas: city.Areas
    areas: PositionArray
    outlines: GeometryArray
    scope_outline: Any
    stations: city.Stations
    buildings: city.Buildings
    source: city.Source

    @classmethod
    def of(
        cls, work: UnitOfWork, scope: str | None, by: Level | None, kinds: Sequence[str] | None
    ) -> Reading:
        """Read the published boundaries, open stations of the kinds, and who lives where.

        ``by=None``: communities, inside a community its grids.
        """
        revision = published_revision(work)
        if revision is None:
            raise NoPublishedBoundary
        known = city.station_kinds(work)
        wanted = sorted(set(kinds)) if kinds else known
        if unknown := sorted(set(wanted) - set(known)):
            raise StationKindUnknown(kinds=", ".join(unknown), known=", ".join(known) or "-")
        areas = city.areas_of(work, revision)
        by = by or _finer(areas, scope)
        chosen, scope_positions = _chosen(areas, scope, by)
        return cls(
            scope=scope,
            by=by,
            kinds=wanted,
            city_areas=areas,
            areas=chosen,
            outlines=city.geometries_of(work, areas.ids[chosen]),
            scope_outline=shapely.union_all(city.geometries_of(work, areas.ids[scope_positions])),
            stations=city.open_stations(work, wanted),
            buildings=city.inhabited_buildings(work, revision),
            source=city.source_of(work, revision),
        )

    def assessed(self, radius_m: float) -> Assessment:
        """Compute; no database any more."""
        members, not_assessable = self.members()
        reached_buildings = straight.covered(
            self.buildings.positions, self.stations.positions, radius_m
        )
        residents = self.buildings.residents
        people = people_by_area(members, residents, reached_buildings, len(self.areas))
        centroids = shapely.get_coordinates(shapely.centroid(self.outlines))
        centres = people_weighted_centres(members, residents, self.buildings.positions, centroids)
        _, nearest_m = straight.nearest(centres, self.stations.positions)

        west, south, east, north = shapely.bounds(self.scope_outline)
        frame = EqualAreaFrame.around((west + east) / 2.0, (south + north) / 2.0)
        discs = frame.to_plane(circles(self.stations.positions, radius_m, equal_area=True))
        (scope_plane,) = frame.to_plane(np.array([self.scope_outline], dtype=object))
        discs = discs[shapely.intersects(discs, shapely.box(*shapely.bounds(scope_plane)))]
        reached = uncovered(frame.to_plane(self.outlines), discs)
        gap_m2 = shapely.area(shapely.difference(scope_plane, reached.discs))
        area_m2 = shapely.area(scope_plane)
        return Assessment(
            revision=self.city_areas.revision,
            scope=self.scope,
            by=self.by,
            radius_m=radius_m,
            kinds=self.kinds,
            city_areas=self.city_areas,
            areas=self.areas,
            stations=self.stations,
            people=people,
            nearest_m=nearest_m,
            not_assessable=not_assessable,
            frame=frame,
            outlines=self.outlines,
            reached=reached,
            scope_outline=self.scope_outline,
            source=self.source,
            area_m2=float(area_m2),
            area_covered_m2=float(area_m2 - gap_m2),
        )

    def members(self) -> tuple[PositionArray, int]:
        """Return the place in ``areas`` of each building's area, and the people who have none.

        By the building's grid and its parents; a building without a grid of this revision, or
        whose grid has no parent of the level (a dedicated grid by grids), by exact look-up.
        """
        above = _ancestors(self.city_areas, self.by)
        order = np.argsort(self.city_areas.ids)
        at = np.searchsorted(self.city_areas.ids, self.buildings.grids, sorter=order)
        has_grid = self.buildings.grids >= 0
        position = np.full(len(has_grid), -1, dtype=np.intp)
        if all(_is_of(self.city_areas, area, self.by) for area in self.areas):
            position[has_grid] = above[order[at[has_grid]]]
        result_of = np.full(len(self.city_areas.codes) + 1, -1, dtype=np.intp)
        result_of[self.areas] = np.arange(len(self.areas))
        members = result_of[position]  # position -1 reads the last place, which is -1
        lost = np.flatnonzero(position < 0)
        if not len(lost):
            return members, 0
        index = CellIndex.build(list(self.outlines), [self.city_areas.codes[i] for i in self.areas])
        lon, lat = self.buildings.positions[lost].T
        members[lost] = index.locate(lon, lat)
        nowhere = lost[members[lost] < 0]
        if self.scope is not None:
            nowhere = nowhere[
                shapely.intersects_xy(self.scope_outline, *self.buildings.positions[nowhere].T)
            ]
        return members, int(self.buildings.residents[nowhere].sum())


def _finer(areas: city.Areas, scope: str | None) -> Level:
    """Return the level that a map of the scope is drawn by."""
    root = None if scope is None else areas.position(scope)
    inside = root is not None and areas.levels[root] in {"community", "grid"}
    return "grid" if inside or "community" not in areas.levels else "community"


def _chosen(areas: city.Areas, scope: str | None, by: Level) -> tuple[PositionArray, PositionArray]:
    """Return the positions of the result's areas, and of what makes up the scope."""
    of_level = np.array([_is_of(areas, position, by) for position in range(len(areas.codes))])
    if scope is None:
        top = next((level for level in LEVELS if level in areas.levels), None)
        chosen = np.flatnonzero(of_level)
        whole = np.flatnonzero(np.array([level == top for level in areas.levels]))
        start = 0
    else:
        root = areas.position(scope)
        if root is None:
            raise AreaUnknown(code=scope)
        start = LEVELS.index(cast("Level", areas.levels[root]))
        whole = np.array([root])
        chosen = whole  # also a dedicated grid, asked about by itself
        if areas.levels[root] != by:
            chosen = np.flatnonzero(of_level & (_ancestors(areas, LEVELS[start]) == root))
    if not len(chosen):
        fit = [level for level in LEVELS[start:] if level in areas.levels]
        raise LevelTooCoarse(area=scope or "*", by=by, levels=", ".join(fit))
    return chosen, whole


def _is_of(areas: city.Areas, position: int, level: Level) -> bool:
    """Tell whether an area is of a level; of the grids only the general ones tile the city."""
    return areas.levels[position] == level and (
        level != "grid" or areas.kinds[position] in {None, "general"}
    )


def _ancestors(areas: city.Areas, level: Level) -> PositionArray:
    """Return for each area the position of its ancestor (or itself) of a level, -1 for none."""
    place = {code: position for position, code in enumerate(areas.codes)}
    found: dict[int, int] = {}

    def ancestor(position: int) -> int:
        if position not in found:
            found[position] = -1  # also ends a circle of parents, which would be wrong data
            parent = place.get(areas.parents[position] or "")
            if _is_of(areas, position, level):
                found[position] = position
            elif parent is not None:
                found[position] = ancestor(parent)
        return found[position]

    return np.array([ancestor(position) for position in range(len(areas.codes))], dtype=np.intp)
