"""Faults of single vertices: spikes, repeated and nearly repeated ones, unmatched ones.

spike
    A vertex where the boundary turns back on itself within :data:`SPIKE_DEG`, the area being the
    thin side. The size is that of the triangle cut off by the shorter of both edges.
duplicate-vertex, near-vertex
    A vertex that repeats the one before it, or lies within :data:`NEAR_M` of it. One row per area,
    at the first of them, with their count.
edge
    A vertex of one area on the boundary of a neighbour (within :data:`TOUCH_M`) that has no vertex
    there (a T-junction): the line that both should share is drawn differently. One row per pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.geometry.findings import Measure
    from gis.geometry.frames import Geometries
    from gis.geometry.gcj02 import Floats

SPIKE_DEG: Final = 5.0
NEAR_M: Final = 0.01
TOUCH_M: Final = 0.001


@dataclass(frozen=True, slots=True)
class _Rings:
    """Every vertex of every ring, closing ones too: its place, its ring and its area."""

    xy: Floats
    metric: Floats
    ring: NDArray[np.intp]
    owner: NDArray[np.intp]

    def only(self, kept: NDArray[np.bool_]) -> _Rings:
        return _Rings(self.xy[kept], self.metric[kept], self.ring[kept], self.owner[kept])


def vertex_faults(measure: Measure, shapes: Geometries) -> gpd.GeoDataFrame:
    """Return spikes, repeated and nearly repeated vertices of polygons, with ``kind, count``."""
    parts, area_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    metric = np.column_stack(measure.frame.forward.transform(xy[:, 0], xy[:, 1]))
    all_of_them = _Rings(xy, metric, ring, area_of_part[part][ring])
    step = np.full(len(xy), np.inf)
    step[1:] = np.hypot(*(metric[1:] - metric[:-1]).T)
    step[1:][ring[1:] != ring[:-1]] = np.inf
    repeated = np.isfinite(step)
    repeated[1:] &= (xy[1:] == xy[:-1]).all(axis=1)
    near = ~repeated & (step <= NEAR_M)
    found = [
        _spikes(measure, all_of_them.only(~repeated)),  # repeated vertices would hide the turn
        _by_area(measure, all_of_them.only(repeated), step[repeated], "duplicate-vertex"),
        _by_area(measure, all_of_them.only(near), step[near], "near-vertex"),
    ]
    return joined(found)


def joined(found: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return lists one below the other; the first of them when all are empty."""
    filled = [one for one in found if not one.empty] or found[:1]
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=found[0].crs)


def _by_area(measure: Measure, at: _Rings, step: Floats, kind: str) -> gpd.GeoDataFrame:
    areas, first, group, count = np.unique(
        at.owner, return_index=True, return_inverse=True, return_counts=True
    )
    width = np.zeros(len(areas))
    np.maximum.at(width, group, step)
    concerned: list[tuple[int, ...]] = [(int(i),) for i in areas]
    table = measure.at_points(at.xy[first], concerned, np.zeros(len(areas)), width)
    return table.assign(kind=kind, count=count)


def _spikes(measure: Measure, rings: _Rings) -> gpd.GeoDataFrame:
    xy, metric, ring = rings.xy, rings.metric, rings.ring
    edge = np.flatnonzero(ring[1:] == ring[:-1])  # from a vertex to the next; rings are closed
    ring_of_edge = ring[edge]
    along = metric[edge + 1] - metric[edge]
    before = np.arange(len(edge)) - 1
    starts = np.flatnonzero(np.append(True, ring_of_edge[1:] != ring_of_edge[:-1]))
    if len(edge):
        before[starts] = np.append(starts[1:], len(edge)) - 1
    came, goes = along[before], along
    cross = came[:, 0] * goes[:, 1] - came[:, 1] * goes[:, 0]
    back = -(came * goes).sum(axis=1)
    angle = np.arctan2(np.abs(cross), back)
    tips = np.flatnonzero((cross > 0.0) & (angle <= np.radians(SPIKE_DEG)))
    length = np.minimum(np.hypot(*came[tips].T), np.hypot(*goes[tips].T))
    area_m2 = 0.5 * length**2 * np.sin(angle[tips])
    width_m = 2.0 * length * np.sin(angle[tips] / 2.0)
    real = length > NEAR_M
    tips, area_m2, width_m = tips[real], area_m2[real], width_m[real]
    areas: list[tuple[int, ...]] = [(int(i),) for i in rings.owner[edge[tips]]]
    table = measure.at_points(xy[edge[tips]], areas, area_m2, width_m)
    return table.assign(kind="spike", count=1)


def unmatched(measure: Measure, shapes: Geometries, suspects: Geometries) -> gpd.GeoDataFrame:
    """Return the vertices among those of ``suspects`` that a neighbour lacks; see the module.

    ``suspects`` are lines and polygons in the frame of ``shapes``: edges without a match, gaps.
    """
    where = np.unique(shapely.get_coordinates(suspects), axis=0)
    tree = shapely.STRtree(shapes)
    close = np.unique(tree.query(suspects, predicate="intersects")[1])
    outlines = measure.frame.project(np.asarray(shapely.boundary(shapes[close]), dtype=object))
    bent = measure.metric(np.asarray(shapely.boundary(shapes[close]), dtype=object))
    points = np.column_stack(measure.frame.forward.transform(where[:, 0], where[:, 1]))
    vertices, owner = shapely.get_coordinates(outlines, return_index=True)
    empty = measure.at_points(np.empty((0, 2)), [], np.empty(0), np.empty(0))
    if not len(points) or not len(vertices):
        return empty.assign(kind="edge", count=0)
    near = cKDTree(points).sparse_distance_matrix(cKDTree(vertices), TOUCH_M, output_type="ndarray")
    has = np.unique(near["i"] * len(close) + owner[near["j"]])
    dots = np.asarray(shapely.points(points), dtype=object)
    dot, area = shapely.STRtree(bent).query(dots, predicate="dwithin", distance=TOUCH_M)
    lacks = ~np.isin(dot * len(close) + area, has)
    dot, area = dot[lacks], area[lacks]
    # The vertex is told of the area with the smallest code among those that have it.
    rank = np.argsort(np.argsort(np.array(measure.names, dtype=object)[close]))
    first = np.full(len(points), -1)
    having, haver = np.divmod(has, len(close))
    order = np.argsort(rank[haver], kind="stable")[::-1]
    first[having[order]] = haver[order]
    known = first[dot] >= 0
    dot, area = dot[known], area[known]
    offset = np.asarray(shapely.distance(dots[dot], bent[area]), dtype=np.float64)
    low = np.where(rank[first[dot]] < rank[area], first[dot], area)
    high = np.where(low == area, first[dot], area)
    pairs, at, group, count = np.unique(
        low * len(close) + high, return_index=True, return_inverse=True, return_counts=True
    )
    width = np.zeros(len(pairs))
    np.maximum.at(width, group, offset)
    areas: list[tuple[int, ...]] = [
        (int(close[pair // len(close)]), int(close[pair % len(close)])) for pair in pairs
    ]
    table = measure.at_points(where[dot[at]], areas, np.zeros(len(pairs)), width)
    return table.assign(kind="edge", count=count)
