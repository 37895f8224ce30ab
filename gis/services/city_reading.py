"""The city as one transaction sees it, from memory where nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
import shapely

from gis.coverage.network import Attached, Towards, attach
from gis.coverage.road_reach import PointsOnRoads
from gis.coverage.roads import Mode, RoadGraph
from gis.coverage.straight_points import PointsOnEllipsoid
from gis.errors import AreaUnknown, LevelTooCoarse, NetworkMissing, StationKindUnknown
from gis.geometry.cell_index import CellIndex
from gis.geometry.circles import EqualAreaFrame
from gis.services.city_memory import Basis, CityMemory, StationReach
from gis.services.road_network import network_of
from gis.store import city
from gis.store import planning as store

if TYPE_CHECKING:
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from gis.services.demand import Demand
    from gis.store.unit_of_work import UnitOfWork

FloatArray = npt.NDArray[np.float64]
GeometryArray = npt.NDArray[np.object_]
PositionArray = npt.NDArray[np.intp]
Level = Literal["city", "county", "subdistrict", "community", "grid"]

LEVELS: Final[tuple[Level, ...]] = ("city", "county", "subdistrict", "community", "grid")


@dataclass(frozen=True, slots=True)
class ReachRule:
    """How reach is measured: in a straight line, or along roads."""

    reach: Literal["straight", "network"] = "straight"
    radius_m: float = 3000.0
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: float = 200.0

    @property
    def by_network(self) -> bool:
        """Tell whether roads are followed."""
        return self.reach == "network"

    def facts(self) -> dict[str, Any]:
        """Return the rule as an answer repeats it; what does not apply is null."""
        by_network = self.by_network
        return {
            "reach": self.reach,
            "radius_m": self.radius_m,
            "mode": self.mode if by_network else None,
            "towards": self.towards if by_network and self.mode == "ride" else None,
            "snap_m": self.snap_m if by_network else None,
        }


@dataclass(frozen=True, slots=True)
class Parts:
    """The areas that an answer lists, and the ground that it is about.

    ``areas`` are positions in ``city.Areas``; ``plane`` holds their outlines in ``frame``.
    """

    by: Level
    scope: str | None
    areas: PositionArray
    outlines: GeometryArray
    scope_outline: BaseGeometry
    frame: EqualAreaFrame
    plane: GeometryArray
    scope_m2: float


class CityReading:
    """One transaction (a snapshot) with what is in memory of the same state.

    The city is that of now, in the boundaries as they were in force at ``boundaries_at``.
    """

    def __init__(
        self, work: UnitOfWork, memory: CityMemory, boundaries_at: datetime | None = None
    ) -> None:
        self.work, self.memory = work, memory
        self.basis = Basis.of(work, boundaries_at)

    @property
    def areas(self) -> city.Areas:
        """Return every area of the revision asked about."""
        revision = self.basis.revision
        return self.memory.keep("areas", revision, lambda: city.areas_of(self.work, revision))

    @property
    def ancestors(self) -> dict[Level, PositionArray]:
        """Return for each level the position of each area's ancestor of it, -1 for none."""
        return self.memory.keep(
            "ancestors",
            self.basis.revision,
            lambda: {level: ancestors(self.areas, level) for level in LEVELS},
        )

    @property
    def buildings(self) -> city.Buildings:
        """Return every building with residents."""
        return self.memory.keep(
            "buildings", self.basis.key("buildings"), lambda: city.inhabited_buildings(self.work)
        )

    @property
    def all_stations(self) -> city.Stations:
        """Return every open station."""
        return self.memory.keep(
            "stations", self.basis.key("stations"), lambda: city.open_stations(self.work)
        )

    def kinds(self, wanted: Sequence[str] | None) -> list[str]:
        """Return the kinds asked for, all of them without any.

        Raises
        ------
        gis.errors.StationKindUnknown
        """
        known = sorted(set(self.all_stations.kinds))
        chosen = sorted(set(wanted)) if wanted else known
        if unknown := sorted(set(chosen) - set(known)):
            raise StationKindUnknown(kinds=", ".join(unknown), known=", ".join(known) or "-")
        return chosen

    @property
    def has_roads(self) -> bool:
        """Tell whether the city has a road network."""
        return bool(len(self._graph().start))

    def _graph(self) -> RoadGraph:
        return self.memory.keep(
            "network", self.basis.key("roads"), lambda: network_of(store.roads_of(self.work))
        )

    def network(self) -> RoadGraph:
        """Return the road network.

        Raises
        ------
        gis.errors.NetworkMissing
            The city has no roads.
        """
        graph = self._graph()
        if not len(graph.start):
            raise NetworkMissing
        return graph

    def attached(self, demand: Demand, rule: ReachRule) -> Attached:
        """Return the people's places on the network."""
        key = (self.basis.key("roads"), demand.key, rule.mode, rule.snap_m)
        return self.memory.keep(
            "attached",
            key,
            lambda: attach(self.network(), demand.positions, mode=rule.mode, snap_m=rule.snap_m),
            most=4,
        )

    def put_on_roads(self, positions: FloatArray, rule: ReachRule) -> Attached:
        """Return other places on the network (stations, candidates)."""
        return attach(self.network(), positions, mode=rule.mode, snap_m=rule.snap_m)

    def on_roads(self, demand: Demand, rule: ReachRule) -> PointsOnRoads:
        """Return the people's places, ready to be reached along roads."""
        key = (self.basis.key("roads"), demand.key, rule.mode, rule.towards, rule.snap_m)
        return self.memory.keep(
            "on-roads",
            key,
            lambda: PointsOnRoads(
                self.network(),
                self.attached(demand, rule),
                mode=rule.mode,
                towards=rule.towards,
            ),
            most=4,
        )

    def reach(self, demand: Demand, rule: ReachRule) -> StationReach:
        """Return who is within reach of what, by the rule."""
        places = len(demand.positions)
        if not rule.by_network:
            ready = self.memory.keep(
                "on-ellipsoid", demand.key, lambda: PointsOnEllipsoid(demand.positions)
            )
            return self.memory.keep(
                "reach",
                (demand.key, rule.radius_m),
                lambda: StationReach(places, lambda at: ready.reached(at, rule.radius_m)),
                most=6,
            )
        on_roads = self.on_roads(demand, rule)
        snap_m, mode = rule.snap_m, rule.mode
        return self.memory.keep(
            "reach",
            (self.basis.key("roads"), demand.key, rule),
            lambda: StationReach(
                places,
                lambda at: on_roads.reached(
                    attach(on_roads.graph, at, mode=mode, snap_m=snap_m), rule.radius_m
                ),
            ),
            most=6,
        )

    def parts(self, scope: str | None, by: Level | None) -> Parts:
        """Return the areas of a level inside a scope; ``by=None``: communities, inside one grids.

        Raises
        ------
        gis.errors.AreaUnknown, gis.errors.LevelTooCoarse
        """
        level = by or _finer(self.areas, scope)
        return self.memory.keep(
            "parts",
            (self.basis.revision, scope, level),
            lambda: self._parts(scope, level),
            most=8,
        )

    def _parts(self, scope: str | None, by: Level) -> Parts:
        chosen, whole = _chosen(self.areas, self.ancestors, scope, by)
        outlines = city.geometries_of(self.work, self.areas.ids[chosen])
        outline: Any = shapely.union_all(city.geometries_of(self.work, self.areas.ids[whole]))
        west, south, east, north = shapely.bounds(outline)
        frame = EqualAreaFrame.around((west + east) / 2.0, (south + north) / 2.0)
        (ground,) = frame.to_plane(np.array([outline], dtype=object))
        shapely.prepare(outline)
        return Parts(
            by=by,
            scope=scope,
            areas=chosen,
            outlines=outlines,
            scope_outline=outline,
            frame=frame,
            plane=frame.to_plane(outlines),
            scope_m2=float(shapely.area(ground)),
        )

    def grid_index(self) -> CellIndex | None:
        """Return the look-up of the general grids in force, None without any."""
        areas = self.areas
        chosen = [i for i in range(len(areas.codes)) if is_of(areas, i, "grid")]
        if not chosen:
            return None
        return self.memory.keep(
            "grid-index",
            self.basis.revision,
            lambda: CellIndex.build(
                list(city.geometries_of(self.work, areas.ids[chosen])),
                [areas.codes[i] for i in chosen],
            ),
        )

    def members(self, demand: Demand, parts: Parts) -> tuple[PositionArray, int]:
        """Return the place in ``parts.areas`` of each place's area, and the people without one.

        By exact look-up in the boundaries asked about; on a shared line the smaller code.
        """
        return self.memory.keep(
            "members",
            (self.basis.revision, demand.key, parts.scope, parts.by),
            lambda: members_of(self.areas, parts, demand),
            most=8,
        )


def members_of(areas: city.Areas, parts: Parts, demand: Demand) -> tuple[PositionArray, int]:
    """Return :meth:`CityReading.members`, computed."""
    index = CellIndex.build(list(parts.outlines), [areas.codes[i] for i in parts.areas])
    members = index.locate(*demand.positions.T).astype(np.intp)
    nowhere = np.flatnonzero(members < 0)
    if parts.scope is not None:
        shapely.prepare(parts.scope_outline)
        nowhere = nowhere[shapely.intersects_xy(parts.scope_outline, *demand.positions[nowhere].T)]
    return members, int(demand.people[nowhere].sum())


def _finer(areas: city.Areas, scope: str | None) -> Level:
    """Return the level that a map of the scope is drawn by."""
    root = None if scope is None else areas.position(scope)
    inside = root is not None and areas.levels[root] in {"community", "grid"}
    return "grid" if inside or "community" not in areas.levels else "community"


def _chosen(
    areas: city.Areas,
    above: dict[Level, PositionArray],
    scope: str | None,
    by: Level,
) -> tuple[PositionArray, PositionArray]:
    """Return the positions of the result's areas, and of what makes up the scope."""
    of_level = np.array([is_of(areas, position, by) for position in range(len(areas.codes))])
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
            chosen = np.flatnonzero(of_level & (above[LEVELS[start]] == root))
    if not len(chosen):
        fit = [level for level in LEVELS[start:] if level in areas.levels]
        raise LevelTooCoarse(area=scope or "*", by=by, levels=", ".join(fit))
    return chosen, whole


def is_of(areas: city.Areas, position: int, level: Level) -> bool:
    """Tell whether an area is of a level; of the grids only the general ones tile the city."""
    return areas.levels[position] == level and (
        level != "grid" or areas.kinds[position] in {None, "general"}
    )


def ancestors(areas: city.Areas, level: Level) -> PositionArray:
    """Return for each area the position of its ancestor (or itself) of a level, -1 for none."""
    place = {code: position for position, code in enumerate(areas.codes)}
    found: dict[int, int] = {}

    def ancestor(position: int) -> int:
        if position not in found:
            found[position] = -1  # also ends a circle of parents, which would be wrong data
            parent = place.get(areas.parents[position] or "")
            if is_of(areas, position, level):
                found[position] = position
            elif parent is not None:
                found[position] = ancestor(parent)
        return found[position]

    return np.array([ancestor(position) for position in range(len(areas.codes))], dtype=np.intp)
