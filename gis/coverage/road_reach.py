"""Points on a road network, made ready once to be reached from any station at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gis.coverage.network import Attached, StationSearch, Towards, attach, limit_of, nearest_station
from gis.coverage.reached import ReachedPoints
from gis.coverage.roads import BoolArray, FloatArray, Mode, RoadGraph

Counts = npt.NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)


class PointsOnRoads:
    """Points attached to a network, ready for many questions.

    Parameters
    ----------
    graph, points, mode, towards
        As in :func:`gis.coverage.network.nearest_station`.

    Examples
    --------
    >>> from gis.coverage.network import attach
    >>> graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3]], [[0, 1]], [1000.0])
    >>> homes = attach(graph, [[118.302, 32.3], [118.309, 32.3]])
    >>> found = PointsOnRoads(graph, homes).reached(attach(graph, [[118.30, 32.3]]), 500.0)
    >>> found.points.tolist(), found.metres.round().tolist()
    ([0], [200.0])
    """

    def __init__(
        self,
        graph: RoadGraph,
        points: Attached,
        *,
        mode: Mode = "walk",
        towards: Towards = "stations",
    ) -> None:
        self.graph, self.points, self.mode, self.towards = graph, points, mode, towards
        self.matrix, ahead, behind = StationSearch.directed(graph, mode, towards)
        on = np.maximum(points.edge, 0)
        length = graph.length_m[on] if len(graph.start) else np.zeros(len(on))
        by_start, by_end = StationSearch.legs_of(
            points, length, _each(ahead, on), _each(behind, on)
        )
        ends = np.concatenate([_each(graph.start, on), _each(graph.end, on)])
        ways = np.concatenate([by_start, by_end])
        point = np.tile(np.arange(len(on)), 2)
        open_ways = np.flatnonzero(np.isfinite(ways))
        order = open_ways[np.argsort(ends[open_ways], kind="stable")]
        self._hanging = point[order].astype(np.int64)
        self._hanging_ways = ways[order]
        count = np.bincount(ends[order].astype(np.int64), minlength=len(graph.nodes))
        self._hanging_bounds = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        self._by_edge = np.argsort(points.edge, kind="stable")
        self._edges = points.edge[self._by_edge]

    @property
    def assessable(self) -> BoolArray:
        """Return which points are on the network."""
        return self.points.assessable

    def reached(self, stations: Attached, limit_m: float) -> ReachedPoints:
        """Return the points within the limit of each station, each station by itself."""
        from gis.coverage.road_search import ways_to_points  # noqa: PLC0415 - numba when needed

        limit = limit_of(limit_m)
        count = len(stations.edge)
        if not len(self.graph.start) or not count or not len(self.points.edge):
            none = np.empty(0, dtype=np.int64)
            return ReachedPoints(np.zeros(count + 1, dtype=np.int64), none, np.empty(0))
        search = StationSearch(self.graph, stations, self.mode, self.towards)
        ways, ends = search.station_ways()
        open_ways = np.isfinite(ways)
        seed_bounds = np.concatenate([[0], np.cumsum(open_ways.sum(axis=1))]).astype(np.int64)
        station, point, along = self._on_same_edge(search, stations)
        direct_bounds = np.searchsorted(station, np.arange(count + 1)).astype(np.int64)
        bounds, points, metres = ways_to_points(
            search.arrays(),
            (ends[open_ways].astype(np.int64), ways[open_ways], seed_bounds),
            (point.astype(np.int64), along, direct_bounds),
            (self._hanging, self._hanging_ways, self._hanging_bounds),
            self.points.access_m,
            limit,
        )
        return ReachedPoints(bounds, points, metres)

    def _on_same_edge(
        self, search: StationSearch, stations: Attached
    ) -> tuple[Counts, Counts, FloatArray]:
        """Return the points on the edge of each station, by station, and the way along it."""
        low = np.searchsorted(self._edges, stations.edge, "left")
        counts = np.searchsorted(self._edges, stations.edge, "right") - low
        counts[~stations.assessable] = 0
        station = np.repeat(np.arange(len(counts)), counts)
        before = np.cumsum(counts) - counts
        place = np.arange(len(station)) - np.repeat(before, counts) + np.repeat(low, counts)
        point = self._by_edge[place]
        open_way, along = search.along(self.points, point, station)
        return station[open_way], point[open_way], along[open_way]


def warm_up() -> None:
    """Compile the search, or read it from disk, so that no request waits for that."""
    graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3]], [[0, 1]])
    place = attach(graph, [[118.301, 32.3]])
    PointsOnRoads(graph, place).reached(place, 100.0)
    nearest_station(graph, place, place)


def _each(values: npt.NDArray[_T], on: npt.NDArray[np.intp]) -> npt.NDArray[_T]:
    return values[on] if len(values) else np.zeros(len(on), dtype=values.dtype)
