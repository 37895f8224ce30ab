"""Reach along the road network: walking and riding, exact to the point on the edge.

Points are put on the nearest edge that may be used, at a share of its length, and the way from the
point to the edge counts. The search runs from all stations at once over sparse arrays and stops at
the limit (Dijkstra); nothing is stored between questions, so that an edited network answers at
once. What cannot be put on the network is *not assessable*: neither covered nor uncovered, never a
number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array

from gis.coverage.roads import BoolArray, FloatArray, IntArray, Mode, RoadGraph
from gis.geometry.circles import lon_lat

TOLERANCE_M: Final = 0.001
"""As in a straight line: a point at the limit itself is within."""

SNAP_M: Final = 200.0
_TOUCHING_M: Final = 1e-6
_STRIDE: Final = 3.0  # edges; from 2 to 4 the search takes the same time
Towards = Literal["stations", "points"]


class State(IntEnum):
    """What can be said of a place."""

    NOT_ASSESSABLE = -1
    NOT_COVERED = 0
    COVERED = 1


@dataclass(frozen=True, slots=True)
class Attached:
    """Points on edges.

    Attributes
    ----------
    edge
        The edge of each point, -1 for a point that is farther than ``snap_m`` from all edges.
    share
        How far along the edge, from 0 (its start) to 1.
    access_m
        Metres from the point to the edge, in a straight line.
    """

    edge: IntArray
    share: FloatArray
    access_m: FloatArray

    @property
    def assessable(self) -> BoolArray:
        """Return which points are on the network."""
        return self.edge >= 0

    def of(self, places: npt.NDArray[np.intp]) -> Attached:
        """Return some of the points, by position, in that order."""
        return Attached(self.edge[places], self.share[places], self.access_m[places])

    def with_others(self, others: Attached) -> Attached:
        """Return these points and then the others."""
        return Attached(
            np.append(self.edge, others.edge),
            np.append(self.share, others.share),
            np.append(self.access_m, others.access_m),
        )


def attach(
    graph: RoadGraph, points: npt.ArrayLike, *, mode: Mode = "walk", snap_m: float = SNAP_M
) -> Attached:
    """Put points on the nearest edges that may be used; of equally near edges on the first.

    Parameters
    ----------
    points
        (n, 2) lon, lat.
    snap_m
        A point farther than this from every edge is not put anywhere; 0: only points on a road.

    Examples
    --------
    >>> graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3]], [[0, 1]])
    >>> on = attach(graph, [[118.305, 32.3001], [118.5, 32.3]])
    >>> on.edge.tolist(), on.share.round(3).tolist(), on.access_m.round(1).tolist()
    ([0, -1], [0.5, 0.0], [11.1, inf])
    """
    if not (math.isfinite(snap_m) and snap_m >= 0.0):
        raise ValueError("the distance to the network must be finite and not negative")
    places = lon_lat(points)
    count = len(places)
    edge = np.full(count, -1, dtype=np.intp)
    share, access = np.zeros(count), np.full(count, np.inf)
    usable, tree = graph.lines_of(mode)
    if not count or not len(usable):
        return Attached(edge, share, access)
    plane = graph.frame.to_plane(np.asarray(shapely.points(places), dtype=object))
    # the tree takes no distance of 0: it is asked for a little more, and what is beyond is dropped
    (point, line), distance = tree.query_nearest(
        plane, max_distance=max(snap_m, _TOUCHING_M), return_distance=True
    )
    near = distance <= snap_m
    point, line, distance = point[near], line[near], distance[near]
    order = np.lexsort((line, point))
    point, first = np.unique(point[order], return_index=True)
    chosen = usable[line[order][first]]
    edge[point], access[point] = chosen, distance[order][first]
    share[point] = np.clip(
        np.nan_to_num(
            shapely.line_locate_point(graph.lines[chosen], plane[point], normalized=True)
        ),
        0.0,
        1.0,
    )
    return Attached(edge, share, access)


def at_nodes(graph: RoadGraph, nodes: npt.ArrayLike, *, mode: Mode = "walk") -> Attached:
    """Return nodes of the network as points on it, without an access way.

    A node without an edge that may be used is not assessable.
    """
    wanted = np.asarray(nodes, dtype=np.intp)
    usable = np.flatnonzero(graph.allowed(mode))
    edge, share = np.full(len(graph.nodes), -1, dtype=np.intp), np.zeros(len(graph.nodes))
    for ends, place in ((graph.end, 1.0), (graph.start, 0.0)):
        edge[ends[usable]], share[ends[usable]] = usable, place
    found = edge[wanted]
    return Attached(found, share[wanted], np.where(found >= 0, 0.0, np.inf))


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest station of each point along the network.

    Attributes
    ----------
    station
        Position of the station, -1 for none within the limit; of equals the first.
    distance_m
        Metres with both ways to the network; infinite for none within the limit.
    state
        See :class:`State`; not assessable points have station -1 and an infinite distance.
    """

    station: IntArray
    distance_m: FloatArray
    state: npt.NDArray[np.int8]


def nearest_station(
    graph: RoadGraph,
    points: Attached,
    stations: Attached,
    limit_m: float = math.inf,
    *,
    mode: Mode = "walk",
    towards: Towards = "stations",
) -> Nearest:
    """Return for each point the nearest station within the limit.

    Parameters
    ----------
    points, stations
        From :func:`attach` with the same mode.
    limit_m
        Metres; a point at the limit counts as within.
    towards
        Who rides to whom, where streets are one-way: points to stations, or stations to points.

    Examples
    --------
    >>> graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3], [118.32, 32.3]], [[0, 1], [1, 2]])
    >>> stations = attach(graph, [[118.30, 32.3]])
    >>> found = nearest_station(graph, attach(graph, [[118.315, 32.3], [119, 33]]), stations, 3000)
    >>> found.distance_m.round().tolist(), found.state.tolist()
    ([1413.0, inf], [1, -1])
    """
    limit = limit_of(limit_m)
    if not len(graph.start):
        count = len(points.edge)
        nobody = np.zeros(count, dtype=np.bool_)
        return Nearest(np.full(count, -1), np.full(count, np.inf), _states(points, nobody))
    search = StationSearch(graph, stations, mode, towards)
    distance, station = search.from_all(limit)
    by_start, by_end = search.legs(points)
    on = np.maximum(points.edge, 0)
    start, end = graph.start[on], graph.end[on]
    over_start, over_end = distance[start] + by_start, distance[end] + by_end
    point, other, along = search.same_edge(points)
    best = np.minimum(over_start, over_end)
    np.minimum.at(best, point, along)
    none = len(stations.edge)
    ways = np.minimum(
        np.where(over_start == best, station[start], none),
        np.where(over_end == best, station[end], none),
    )
    equal = along == best[point]
    np.minimum.at(ways, point[equal], other[equal])
    best += points.access_m
    reached = points.assessable & np.isfinite(best) & (best <= limit)
    return Nearest(
        station=np.where(reached, ways, -1),
        distance_m=np.where(reached, best, np.inf),
        state=_states(points, reached),
    )


def distances(
    graph: RoadGraph,
    points: Attached,
    stations: Attached,
    limit_m: float,
    *,
    mode: Mode = "walk",
    towards: Towards = "stations",
) -> csr_array:
    """Return the metres of every pair within the limit, points x stations.

    Every stored entry is a pair within reach (0.0 is one too); what is not stored is beyond the
    limit or not assessable. ``table.astype(bool)`` would lose pairs at 0.0: use the structure.
    Parameters as in :func:`nearest_station`.
    """
    from gis.coverage.road_reach import PointsOnRoads  # noqa: PLC0415 - it stands on this module

    ready = PointsOnRoads(graph, points, mode=mode, towards=towards)
    return ready.reached(stations, limit_m).table(len(points.edge))


def _states(points: Attached, reached: BoolArray) -> npt.NDArray[np.int8]:
    known = np.where(reached, State.COVERED, State.NOT_COVERED)
    return np.where(points.assessable, known, State.NOT_ASSESSABLE).astype(np.int8)


def limit_of(limit_m: float) -> float:
    """Return the limit with the tolerance, after proving that it is one."""
    if math.isnan(limit_m) or limit_m < 0.0:
        raise ValueError(f"a limit is not negative: {limit_m}")
    return limit_m + TOLERANCE_M


class StationSearch:
    """Dijkstra from stations on edges; ``towards`` stations means against the direction."""

    def __init__(self, graph: RoadGraph, stations: Attached, mode: Mode, towards: Towards) -> None:
        self.graph, self.stations = graph, stations
        self.matrix, self.ahead, self.behind = self.directed(graph, mode, towards)

    @staticmethod
    def directed(
        graph: RoadGraph, mode: Mode, towards: Towards
    ) -> tuple[csr_array, BoolArray, BoolArray]:
        """Return the network as it is searched from stations, and which edges lead which way."""
        forward, backward = graph.directions(mode)
        matrix = graph.matrix(mode)
        # the way is searched from the station; ahead: may it be gone from start to end that way
        if towards == "stations":
            return csr_array(matrix.T.tocsr()), backward, forward
        return matrix, forward, backward

    def station_ways(self) -> tuple[FloatArray, IntArray]:
        """Return of each station the ways to both ends of its edge (infinite: none), and these."""
        on = np.maximum(self.stations.edge, 0)
        length = self.graph.length_m[on]
        share = self.stations.share
        # a station at a node is at the node: no direction binds a way of no length
        to_start = np.where(self.behind[on] | (share == 0.0), share * length, np.inf)
        to_end = np.where(self.ahead[on] | (share == 1.0), (1.0 - share) * length, np.inf)
        ways = np.column_stack([to_start, to_end]) + self.stations.access_m[:, None]
        return ways, np.column_stack([self.graph.start[on], self.graph.end[on]])

    def from_all(self, limit: float) -> tuple[FloatArray, IntArray]:
        """Return each node's distance from its nearest station, and the first such station."""
        from gis.coverage.road_search import nearest_seeds  # noqa: PLC0415 - numba when needed

        size, count = len(self.graph.nodes), len(self.stations.edge)
        if not count or not size:
            return np.full(size, np.inf), np.full(size, count, dtype=np.intp)
        ways, ends = self.station_ways()
        open_ways = np.isfinite(ways)
        distance, station = nearest_seeds(
            self.arrays(),
            (
                ends[open_ways].astype(np.int64),
                ways[open_ways],
                np.repeat(np.arange(count), open_ways.sum(axis=1)),
            ),
            limit,
            _STRIDE * float(self.matrix.data.mean()) if self.matrix.nnz else 1.0,
        )
        return distance, np.where(station >= 0, station, count).astype(np.intp)

    def arrays(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray]:
        """Return the matrix as a compiled search reads it."""
        matrix = self.matrix
        return (
            matrix.indptr.astype(np.int32, copy=False),
            matrix.indices.astype(np.int32, copy=False),
            matrix.data,
        )

    def legs(self, points: Attached) -> tuple[FloatArray, FloatArray]:
        """Return what is left from the start, and from the end, of a point's edge to the point."""
        on = np.maximum(points.edge, 0)
        return self.legs_of(points, self.graph.length_m[on], self.ahead[on], self.behind[on])

    @staticmethod
    def legs_of(
        points: Attached, length: FloatArray, ahead: BoolArray, behind: BoolArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return :meth:`legs`, given the length and the directions of each point's edge."""
        share = points.share
        by_start = np.where(ahead | (share == 0.0), share * length, np.inf)
        by_end = np.where(behind | (share == 1.0), (1.0 - share) * length, np.inf)
        lost = ~points.assessable
        by_start[lost], by_end[lost] = np.inf, np.inf
        return by_start, by_end

    def same_edge(self, points: Attached) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the pairs of points and stations on one edge, and the way along it.

        The station's way to the edge is in it, the point's is not.
        """
        placed = np.flatnonzero(self.stations.assessable)
        order = placed[np.argsort(self.stations.edge[placed], kind="stable")]
        edges = self.stations.edge[order]
        low = np.searchsorted(edges, points.edge, "left")
        counts = np.searchsorted(edges, points.edge, "right") - low
        counts[~points.assessable] = 0
        point = np.repeat(np.arange(len(counts)), counts)
        before = np.cumsum(counts) - counts
        place = np.arange(len(point)) - np.repeat(before, counts) + np.repeat(low, counts)
        station = order[place]
        open_way, along = self.along(points, point, station)
        return point[open_way], station[open_way], along[open_way]

    def along(
        self, points: Attached, point: IntArray, station: IntArray
    ) -> tuple[BoolArray, FloatArray]:
        """Return which pairs on one edge have a way along it, and how long it is."""
        edge = points.edge[point]
        ahead = points.share[point] - self.stations.share[station]
        open_way = np.where(ahead > 0.0, self.ahead[edge], self.behind[edge]) | (ahead == 0.0)
        along = np.abs(ahead) * self.graph.length_m[edge] + self.stations.access_m[station]
        return open_way, along
