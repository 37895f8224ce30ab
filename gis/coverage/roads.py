"""The road network as arrays: who may go where, in which direction, and how far it is.

Built once from lists of nodes and edges, changed by building it again (a fraction of a second):
there is no index beside the arrays that could be out of date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from gis.geometry.circles import EqualAreaFrame, lon_lat

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
GeometryArray = npt.NDArray[np.object_]
Mode = Literal["walk", "ride"]
MODE_NAMES: Final[dict[Mode, tuple[str, str]]] = {
    "walk": ("步行", "walking"),
    "ride": ("骑行", "riding"),
}

_GRID_M: Final = 0.001  # crossings are found on a grid of a millimetre


@dataclass(frozen=True)
class RoadGraph:
    """Nodes and edges of a road network.

    Attributes
    ----------
    nodes
        (n, 2) lon, lat of the nodes.
    start, end
        Of each edge, the positions of its nodes.
    length_m
        Of each edge, metres along it.
    oneway
        Of each edge: 0 both ways, 1 from start to end only, -1 from end to start only. Holds for
        riding; people walk both ways.
    walk, ride
        Whether people may walk, and ride, on the edge.
    lines
        The edges as lines in the plane of ``frame``, from start to end; points are put on these.
    frame
        A metric plane around the network.
    """

    nodes: FloatArray
    start: IntArray
    end: IntArray
    length_m: FloatArray
    oneway: npt.NDArray[np.int8]
    walk: BoolArray
    ride: BoolArray
    lines: GeometryArray
    frame: EqualAreaFrame

    @classmethod
    def build(
        cls,
        nodes: npt.ArrayLike,
        edges: npt.ArrayLike,
        length_m: npt.ArrayLike | None = None,
        *,
        oneway: npt.ArrayLike | None = None,
        walk: npt.ArrayLike | None = None,
        ride: npt.ArrayLike | None = None,
        lines: Sequence[BaseGeometry] | GeometryArray | None = None,
    ) -> RoadGraph:
        """Return the graph of nodes and edges.

        Parameters
        ----------
        nodes
            (n, 2) lon, lat.
        edges
            (m, 2) positions of the nodes at start and end.
        length_m
            Metres of each edge; without it, the length of its line on the plane.
        oneway, walk, ride
            See the class; by default both ways, walking and riding allowed.
        lines
            Of each edge a line in lon/lat from start to end; without it, straight lines.

        Raises
        ------
        ValueError
            Arrays of different lengths, nodes that do not exist, negative or infinite lengths.

        Examples
        --------
        >>> graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3]], [[0, 1]])
        >>> graph.length_m.round().tolist()
        [942.0]
        """
        places = lon_lat(nodes)
        pairs = np.asarray(edges, dtype=np.intp).reshape(-1, 2)
        count = len(pairs)
        if count and (pairs.min() < 0 or pairs.max() >= len(places)):
            raise ValueError(f"edges name nodes outside 0..{len(places) - 1}")
        middle = places.mean(axis=0) if len(places) else np.array([0.0, 0.0])
        frame = EqualAreaFrame.around(float(middle[0]), float(middle[1]))
        drawn = shapely.linestrings(places[pairs]) if lines is None else lines
        plane = frame.to_plane(_from_node_to_node(np.asarray(drawn, dtype=object), places, pairs))
        length = shapely.length(plane) if length_m is None else length_m
        graph = cls(
            nodes=places,
            start=pairs[:, 0],
            end=pairs[:, 1],
            length_m=_each(length, count, np.float64, 0.0),
            oneway=_each(oneway, count, np.int8, 0),
            walk=_each(walk, count, np.bool_, fill=True),
            ride=_each(ride, count, np.bool_, fill=True),
            lines=plane,
            frame=frame,
        )
        if not np.isin(graph.oneway, (-1, 0, 1)).all():
            raise ValueError("oneway is -1, 0 or 1")
        if not np.isfinite(graph.length_m).all() or (graph.length_m < 0.0).any():
            raise ValueError("lengths must be finite and not negative")
        return graph

    def allowed(self, mode: Mode) -> BoolArray:
        """Return which edges may be used."""
        return self.walk if mode == "walk" else self.ride

    def directions(self, mode: Mode) -> tuple[BoolArray, BoolArray]:
        """Return which edges may be used from start to end, and which from end to start."""
        allowed = self.allowed(mode)
        if mode == "walk":
            return allowed, allowed
        return allowed & (self.oneway >= 0), allowed & (self.oneway <= 0)

    def matrix(self, mode: Mode) -> csr_array:
        """Return the distances node to node; of parallel edges the shortest, without loops."""
        return self._walking if mode == "walk" else self._riding

    @cached_property
    def _walking(self) -> csr_array:
        return self._joined("walk")

    @cached_property
    def _riding(self) -> csr_array:
        return self._joined("ride")

    def lines_of(self, mode: Mode) -> tuple[IntArray, shapely.STRtree]:
        """Return the edges that may be used, and a tree over their lines, built once."""
        return self._walked_lines if mode == "walk" else self._ridden_lines

    @cached_property
    def _walked_lines(self) -> tuple[IntArray, shapely.STRtree]:
        usable = np.flatnonzero(self.walk)
        return usable, shapely.STRtree(self.lines[usable])

    @cached_property
    def _ridden_lines(self) -> tuple[IntArray, shapely.STRtree]:
        usable = np.flatnonzero(self.ride)
        return usable, shapely.STRtree(self.lines[usable])

    def _joined(self, mode: Mode) -> csr_array:
        forward, backward = self.directions(mode)
        tail = np.concatenate([self.start[forward], self.end[backward]])
        head = np.concatenate([self.end[forward], self.start[backward]])
        length = np.concatenate([self.length_m[forward], self.length_m[backward]])
        keep = tail != head
        tail, head, length = tail[keep], head[keep], length[keep]
        order = np.lexsort((length, head, tail))
        tail, head, length = tail[order], head[order], length[order]
        first = np.ones(len(tail), dtype=np.bool_)
        first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
        size = len(self.nodes)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(tail[first], minlength=size))])
        return csr_array(
            (length[first], head[first].astype(np.int32), indptr.astype(np.int32)),
            shape=(size, size),
        )

    def components(self, mode: Mode) -> Components:
        """Return the parts of the network that hang together (direction left aside)."""
        allowed = self.allowed(mode)
        size = len(self.nodes)
        joined = coo_array(
            (np.ones(int(allowed.sum())), (self.start[allowed], self.end[allowed])),
            shape=(size, size),
        )
        _, label = connected_components(joined, directed=False)
        label = np.asarray(label, dtype=np.intp)
        nodes = np.bincount(label) if size else np.empty(0, dtype=np.intp)
        order = np.argsort(-nodes, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        label = rank[label] if size else label
        of_edge = np.where(allowed, label[self.start], -1)
        length = np.bincount(of_edge[allowed], self.length_m[allowed], len(order))
        return Components(label, of_edge, nodes[order], np.asarray(length, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Components:
    """Parts of a network, the one with most nodes first.

    Attributes
    ----------
    of_node, of_edge
        The part of each node and edge (-1: the edge may not be used).
    nodes, length_m
        Of each part, the number of its nodes and the length of its edges.
    """

    of_node: IntArray
    of_edge: IntArray
    nodes: IntArray
    length_m: FloatArray


def _from_node_to_node(lines: GeometryArray, places: FloatArray, pairs: IntArray) -> GeometryArray:
    """Return lines whose ends are the nodes to the last digit (files round them differently)."""
    if len(lines) != len(pairs):
        raise ValueError(f"{len(pairs)} edges need {len(pairs)} lines, not {len(lines)}")
    positions, owner = shapely.get_coordinates(lines, return_index=True)
    first = np.searchsorted(owner, np.arange(len(lines)), "left")
    last = np.searchsorted(owner, np.arange(len(lines)), "right") - 1
    positions[first], positions[last] = places[pairs[:, 0]], places[pairs[:, 1]]
    return np.asarray(shapely.linestrings(positions, indices=owner), dtype=object)


_T = TypeVar("_T", bound=np.generic)


def _each(given: npt.ArrayLike | None, count: int, kind: type[_T], fill: float) -> npt.NDArray[_T]:
    values = np.full(count, fill, dtype=kind) if given is None else np.asarray(given, dtype=kind)
    if values.shape != (count,):
        raise ValueError(f"{count} edges need {count} values, not {values.shape}")
    return values


def node_lines(
    lines: Sequence[BaseGeometry] | GeometryArray,
    *,
    oneway: npt.ArrayLike | None = None,
    walk: npt.ArrayLike | None = None,
    ride: npt.ArrayLike | None = None,
    level: npt.ArrayLike | None = None,
    snap_m: float = 0.0,
) -> RoadGraph:
    """Return the graph of raw lines: cut where they meet or cross, joined where they touch.

    Parameters
    ----------
    lines
        LineStrings (or MultiLineStrings) in lon/lat.
    oneway, walk, ride
        Of each line, as in :class:`RoadGraph`; a one-way runs as its line is drawn.
    level
        Of each line, the storey: lines of different storeys cross without meeting (a bridge), and
        meet only at common ends.
    snap_m
        Ends nearer than this become one node: closes small gaps of the drawing.

    Examples
    --------
    >>> cross = [shapely.LineString([(118.30, 32.30), (118.32, 32.30)]),
    ...          shapely.LineString([(118.31, 32.29), (118.31, 32.31)])]
    >>> graph = node_lines(cross)
    >>> len(graph.nodes), len(graph.start)
    (5, 4)
    >>> len(node_lines(cross, level=[0, 1]).start)
    2
    """
    graph, _ = node_lines_of(lines, oneway=oneway, walk=walk, ride=ride, level=level, snap_m=snap_m)
    return graph


def node_lines_of(
    lines: Sequence[BaseGeometry] | GeometryArray,
    *,
    oneway: npt.ArrayLike | None = None,
    walk: npt.ArrayLike | None = None,
    ride: npt.ArrayLike | None = None,
    level: npt.ArrayLike | None = None,
    snap_m: float = 0.0,
) -> tuple[RoadGraph, IntArray]:
    """Return :func:`node_lines`, and for each edge the line that it is a piece of."""
    raw, source = shapely.get_parts(np.asarray(lines, dtype=object), return_index=True)
    if not len(raw):
        nothing = RoadGraph.build(np.empty((0, 2)), np.empty((0, 2), dtype=np.intp))
        return nothing, np.empty(0, dtype=np.intp)
    count = len(np.asarray(lines, dtype=object))
    middle = shapely.get_coordinates(raw).mean(axis=0)
    frame = EqualAreaFrame.around(float(middle[0]), float(middle[1]))
    plane = frame.to_plane(raw)
    storey = _each(level, count, np.int64, 0)[source]
    parts, origins = _cut(plane, storey)
    origin = source[origins]
    ends = np.concatenate(
        [_point_of(parts, 0), _point_of(parts, -1)],
    )
    label = _joined_ends(ends, max(snap_m, _GRID_M))
    places = np.zeros((int(label.max()) + 1, 2))
    places[label[::-1]] = ends[::-1]  # the first end names the place
    points = frame.to_lon_lat(np.asarray(shapely.points(places), dtype=object))
    edges = np.column_stack([label[: len(parts)], label[len(parts) :]])
    graph = RoadGraph.build(
        shapely.get_coordinates(points),
        edges,
        oneway=_each(oneway, count, np.int8, 0)[origin],
        walk=_each(walk, count, np.bool_, fill=True)[origin],
        ride=_each(ride, count, np.bool_, fill=True)[origin],
        lines=frame.to_lon_lat(parts),
    )
    return graph, origin


def _cut(plane: GeometryArray, storey: IntArray) -> tuple[GeometryArray, IntArray]:
    """Return the pieces between crossings, each in the direction of its line, and their lines."""
    pieces: list[GeometryArray] = []
    origins: list[IntArray] = []
    for number in np.unique(storey):
        here = np.flatnonzero(storey == number)
        noded = shapely.get_parts(shapely.union_all(plane[here], grid_size=_GRID_M))
        tree = shapely.STRtree(plane[here])
        middle = shapely.line_interpolate_point(noded, 0.5, normalized=True)
        piece, line = tree.query(middle, predicate="dwithin", distance=5 * _GRID_M)
        order = np.lexsort((line, piece))
        piece, first = np.unique(piece[order], return_index=True)
        line = here[line[order][first]]
        pieces.append(_along(noded[piece], plane[line]))
        origins.append(line)
    return np.concatenate(pieces), np.concatenate(origins)


def _along(pieces: GeometryArray, lines: GeometryArray) -> GeometryArray:
    """Return pieces turned round where they run against their line."""
    # inner points: the ends of a piece of a ring may be the start and the end of the line at once
    inner = (
        shapely.line_interpolate_point(pieces, share, normalized=True) for share in (0.25, 0.75)
    )
    begin, finish = (shapely.line_locate_point(lines, point) for point in inner)
    return np.where(begin > finish, shapely.reverse(pieces), pieces)


def _point_of(lines: GeometryArray, place: int) -> FloatArray:
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, place)), dtype=np.float64)


def _joined_ends(ends: FloatArray, distance_m: float) -> IntArray:
    """Return a number for each end, the same for ends that are the same place."""
    points = np.asarray(shapely.points(ends), dtype=object)
    pairs = shapely.STRtree(points).query(points, predicate="dwithin", distance=distance_m)
    joined = coo_array((np.ones(pairs.shape[1]), pairs), shape=(len(ends), len(ends)))
    _, label = connected_components(joined, directed=False)
    return np.asarray(label, dtype=np.intp)
