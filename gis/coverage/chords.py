"""Blocks with many households, cut further where there is no road: from vertex to vertex.

A cut runs straight between two vertices that the block has, stays inside it, keeps away from what
must stay whole, and makes no sharp corner. Of all such cuts that are tried the one is taken that
divides the households most evenly for its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import shapely

if TYPE_CHECKING:
    from gis.geometry.frames import EqualAreaFrame, Geometries

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CLEAR_M: Final = 2.0
"""A cut stays this far from every building."""
_VERTICES: Final = 48
"""So many vertices of a block, evenly along its edge, are tried as ends of a cut."""
_SHARP_DEG: Final = 20.0
_LEAST_SHARE: Final = 0.15
"""The smaller side has at least this share of the households."""
_LENGTH_WEIGHT: Final = 0.5


def split(
    frame: EqualAreaFrame,
    faces: Geometries,
    whole: Geometries,
    places: FloatArray,
    households: IntArray,
    *,
    most: int,
) -> Geometries:
    """Return the faces, those with more than ``most`` households cut until none has, or none can.

    Parameters
    ----------
    faces
        Polygons in lon/lat that tile some ground. Cuts add edges between vertices, never vertices.
    whole
        What must not be cut: polygons in lon/lat.
    places, households
        Where households live (lon, lat), which no cut comes near either.

    Examples
    --------
    >>> from gis.geometry.frames import EqualAreaFrame
    >>> block = shapely.segmentize(shapely.box(0, 0, 0.002, 0.001), 0.0005)
    >>> faces = np.array([block], dtype=object)
    >>> homes = np.array([[0.0004, 0.0006], [0.0016, 0.0004]])
    >>> made = split(EqualAreaFrame.around(faces), faces, faces[:0], homes,
    ...     np.array([40, 40]), most=50)
    >>> [face.bounds for face in made]
    [(0.0, 0.0, 0.001, 0.001), (0.001, 0.0, 0.002, 0.001)]
    """
    points = np.column_stack(frame.forward.transform(places[:, 0], places[:, 1]))
    homes = shapely.points(points[households > 0])
    obstacles = np.concatenate([frame.project(whole), np.asarray(homes, dtype=object)])
    tree = shapely.STRtree(obstacles)
    waiting, done = list(faces), []
    while waiting:
        face = waiting.pop()
        metric = frame.project(np.array([face], dtype=object))[0]
        inside = np.flatnonzero(shapely.intersects_xy(metric, points[:, 0], points[:, 1]))
        count = households[inside]
        halves = None
        if count.sum() > most and np.count_nonzero(count) > 1:
            halves = _halves(face, metric, tree, points[inside], count)
        if halves is None:
            done.append(face)
        else:
            waiting += halves
    return np.array(done[::-1], dtype=object)


def _halves(
    face: shapely.Polygon,
    metric: shapely.Polygon,
    obstacles: shapely.STRtree,
    points: FloatArray,
    households: IntArray,
) -> list[shapely.Polygon] | None:
    """Return both sides of the best cut; None without any."""
    ring = shapely.get_coordinates(metric.exterior)[:-1]
    ends = _ends(ring)
    first, second = np.triu_indices(len(ends), 1)
    pairs = np.column_stack([ends[first], ends[second]])
    chords = np.stack([ring[pairs[:, 0]], ring[pairs[:, 1]]], axis=1)
    length = np.hypot(*(chords[:, 1] - chords[:, 0]).T)
    fits = length > 1.0
    for end in (0, 1):
        fits &= _is_blunt(ring, pairs[:, end], chords[:, 1 - end] - chords[:, end])
    pairs, chords, length = pairs[fits], chords[fits], length[fits]
    fits = _is_inside(metric, chords, length)
    pairs, chords, length = pairs[fits], chords[fits], length[fits]
    lines = np.asarray(shapely.linestrings(chords), dtype=object)
    blocked = np.unique(obstacles.query(lines, predicate="dwithin", distance=CLEAR_M)[0])
    free = np.setdiff1d(np.arange(len(lines)), blocked)
    share = _shares(ring, pairs[free], points, households)
    even = np.abs(1.0 - 2.0 * share)
    cost = even + _LENGTH_WEIGHT * length[free] / np.sqrt(shapely.area(metric))
    cost[np.minimum(share, 1.0 - share) < _LEAST_SHARE] = np.inf
    for best in np.argsort(cost, kind="stable"):
        if not np.isfinite(cost[best]):
            return None
        halves = _cut(face, *pairs[free[best]].tolist())
        if halves is not None:
            return halves
    return None


def _ends(ring: FloatArray) -> IntArray:
    """Return positions of vertices, about evenly along the ring."""
    if len(ring) <= _VERTICES:
        return np.arange(len(ring))
    step = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
    at = np.append(0.0, np.cumsum(step))
    wanted = np.linspace(0.0, at[-1], _VERTICES, endpoint=False)
    return np.unique(np.searchsorted(at[:-1], wanted, side="right") - 1)


def _is_blunt(ring: FloatArray, at: IntArray, way: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which ways leave the ring without a sharp corner to either of its edges."""
    fits = np.ones(len(at), dtype=np.bool_)
    for beside in (at - 1, (at + 1) % len(ring)):
        edge = ring[beside] - ring[at]
        cross = edge[:, 0] * way[:, 1] - edge[:, 1] * way[:, 0]
        angle = np.degrees(np.arctan2(np.abs(cross), (edge * way).sum(axis=1)))
        fits &= angle > _SHARP_DEG
    return fits


def _is_inside(
    metric: shapely.Polygon, chords: FloatArray, length: FloatArray
) -> npt.NDArray[np.bool_]:
    """Tell which chords run inside the block but for their ends."""
    near = (0.01 / length)[:, None]
    start, way = chords[:, 0], chords[:, 1] - chords[:, 0]
    short = np.stack([start + near * way, start + (1.0 - near) * way], axis=1)
    shapely.prepare(metric)
    return np.asarray(shapely.contains_properly(metric, shapely.linestrings(short)), dtype=np.bool_)


def _shares(
    ring: FloatArray, pairs: IntArray, points: FloatArray, households: IntArray
) -> FloatArray:
    """Return the share of the households on the side of the ring between both ends."""
    sides = [shapely.polygons(ring[i : j + 1]) for i, j in pairs.tolist()]
    inside = shapely.intersects_xy(
        np.array(sides, dtype=object)[:, None], points[None, :, 0], points[None, :, 1]
    )
    return np.asarray((inside * households).sum(axis=1) / households.sum(), dtype=np.float64)


def _cut(face: shapely.Polygon, i: int, j: int) -> list[shapely.Polygon] | None:
    """Return a polygon cut between two vertices of its shell; None if that makes it invalid."""
    ring = shapely.get_coordinates(face.exterior)[:-1]
    shells = [
        shapely.Polygon(ring[i : j + 1]),
        shapely.Polygon(np.concatenate([ring[j:], ring[: i + 1]])),
    ]
    holes = [[h for h in face.interiors if shell.contains(h)] for shell in shells]
    if sum(len(inside) for inside in holes) != len(face.interiors):
        return None
    made = [
        shapely.Polygon(shell.exterior, inside) for shell, inside in zip(shells, holes, strict=True)
    ]
    if not all(part.is_valid for part in made):
        return None
    lost = abs(face.area - sum(part.area for part in made))
    return made if lost <= 1e-9 * face.area else None
