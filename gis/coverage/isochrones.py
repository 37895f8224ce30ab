"""Isochrones 等时线: the stretches of road within a distance, cut where the distance ends.

The stretches are the result; a polygon around them is for drawing only, and nothing is ever
counted with it (a polygon holds places that cannot be reached).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from gis.coverage.network import Attached, StationSearch, Towards, limit_of
from gis.coverage.roads import FloatArray, GeometryArray, IntArray, Mode, RoadGraph

_SHORTEST_M = 0.001


@dataclass(frozen=True, slots=True)
class Stretches:
    """Parts of edges within reach, by edge and place on it; no two of one edge touch.

    Attributes
    ----------
    edge
        The edge of each stretch.
    begin, end
        Where it lies on the edge, shares from 0 to 1.
    length_m
        Its length along the edge.
    """

    edge: IntArray
    begin: FloatArray
    end: FloatArray
    length_m: FloatArray


def reached_stretches(
    graph: RoadGraph,
    stations: Attached,
    limit_m: float,
    *,
    mode: Mode = "walk",
    towards: Towards = "stations",
) -> Stretches:
    """Return all road within the limit of any of the stations, their access ways counted.

    Parameters as in :func:`gis.coverage.network.nearest_station`.

    Examples
    --------
    >>> from gis.coverage.network import attach
    >>> graph = RoadGraph.build([[118.30, 32.3], [118.31, 32.3]], [[0, 1]], [1000.0])
    >>> found = reached_stretches(graph, attach(graph, [[118.30, 32.3]]), 250.0)
    >>> found.begin.tolist(), found.end.round(6).tolist()
    ([0.0], [0.250001])
    """
    limit = limit_of(limit_m)
    if not len(graph.start):
        none = np.empty(0)
        return Stretches(np.empty(0, dtype=np.intp), none, none, none)
    search = StationSearch(graph, stations, mode, towards)
    distance, _ = search.from_all(limit)
    number = np.arange(len(graph.length_m))
    placed = np.flatnonzero(stations.assessable)
    on, share = stations.edge[placed], stations.share[placed]
    left = limit - stations.access_m[placed]
    from_start = _shares(limit - distance[graph.start], graph.length_m)
    from_end = _shares(limit - distance[graph.end], graph.length_m)
    ahead = np.where(search.ahead[on], _shares(left, graph.length_m[on]), 0.0)
    behind = np.where(search.behind[on], _shares(left, graph.length_m[on]), 0.0)
    edge = np.concatenate([number[search.ahead], number[search.behind], on[left >= 0.0]])
    begin = np.concatenate(
        [
            np.zeros(int(search.ahead.sum())),
            1.0 - from_end[search.behind],
            (share - behind)[left >= 0],
        ]
    )
    end = np.concatenate(
        [from_start[search.ahead], np.ones(int(search.behind.sum())), (share + ahead)[left >= 0]]
    )
    return _merged(graph, edge, np.clip(begin, 0.0, 1.0), np.clip(end, 0.0, 1.0))


def _shares(left_m: FloatArray, length_m: FloatArray) -> FloatArray:
    """Return how much of each edge what is left will do, 0 to 1."""
    left = np.where(np.isfinite(left_m), left_m, np.where(left_m > 0.0, np.inf, -1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(left < 0.0, 0.0, left / length_m)
    return np.asarray(np.clip(np.nan_to_num(share, nan=1.0, posinf=1.0), 0.0, 1.0))


def _merged(graph: RoadGraph, edge: IntArray, begin: FloatArray, end: FloatArray) -> Stretches:
    some = end > begin
    edge, begin, end = edge[some], begin[some], end[some]
    order = np.lexsort((begin, edge))
    edge, begin, end = edge[order], begin[order], end[order]
    shift = 2.0 * edge  # edges lie apart on one line, so that one running maximum does for all
    farthest = np.maximum.accumulate(end + shift) if len(edge) else end
    starts = np.ones(len(edge), dtype=np.bool_)
    starts[1:] = (edge[1:] != edge[:-1]) | (begin[1:] + shift[1:] > farthest[:-1])
    first = np.flatnonzero(starts)
    length = graph.length_m[edge[first]]
    finish = np.maximum.reduceat(end, first) if len(first) else end
    along = (finish - begin[first]) * length
    keep = (along >= _SHORTEST_M) | (length == 0.0)
    return Stretches(edge[first][keep], begin[first][keep], finish[keep], along[keep])


def drawn(graph: RoadGraph, stretches: Stretches) -> GeometryArray:
    """Return the stretches as lines in lon/lat."""
    lines = graph.lines[stretches.edge].copy()
    partial = np.flatnonzero((stretches.begin > 0.0) | (stretches.end < 1.0))
    for number in partial:
        lines[number] = substring(
            lines[number], stretches.begin[number], stretches.end[number], normalized=True
        )
    return graph.frame.to_lon_lat(lines)


def around(graph: RoadGraph, stretches: Stretches, width_m: float) -> BaseGeometry:
    """Return an area around the stretches in lon/lat: for drawing, never for counting."""
    lines = graph.frame.to_plane(drawn(graph, stretches))
    area: npt.NDArray[np.object_] = np.asarray([shapely.union_all(shapely.buffer(lines, width_m))])
    return cast("BaseGeometry", graph.frame.to_lon_lat(area)[0])
