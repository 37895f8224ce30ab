"""Atoms 基本地块: the ground of a community, cut where a border between grids could run.

Cut are today's borders, then roads. What they leave with too many households is cut further, from
vertex to vertex, where no building stands. What a building (or whatever else must stay whole)
straddles is joined again; so are pieces too small or too thin for anybody, and pieces that another
one surrounds. Whatever is put together from atoms therefore cuts no building.

Nothing that a neighbour has is touched. A road that comes near a border is led to a vertex that
the border has already: the outline keeps its vertices, bit by bit, and gets no other ones. Roads
within :data:`ALONG_M` of a border are that border's road, and cut nothing themselves.

All coordinates are lon/lat as stored; distances are measured in an equal-area frame around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.coverage.chords import split
from gis.geometry.frames import EqualAreaFrame, Geometries

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ALONG_M: Final = 15.0
"""A border within this distance of a road's middle runs along it."""
LINK_M: Final = 80.0
"""How far a road may be led to reach a vertex of a border."""
SHARP_DEG: Final = 15.0
"""No road meets a border at a smaller angle."""
LEAST_M2: Final = 300.0
LEAST_WIDTH_M: Final = 8.0
"""Smaller or thinner pieces are given to a neighbour."""
STRADDLES_M2: Final = 0.01
"""A building that has more than this in two pieces keeps them together."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a community's atoms are made of; everything in lon/lat.

    Attributes
    ----------
    grids
        Today's grids, which tile the community edge by edge (``coverage_is_valid``).
    roads
        Lines, from anywhere.
    whole
        Polygons that no border may cut: footprints, and the like.
    places, households
        Shape (n, 2), (n,): where households live, which counts.
    """

    grids: Geometries
    roads: Geometries
    whole: Geometries
    places: FloatArray
    households: IntArray


@dataclass(frozen=True, slots=True)
class Atoms:
    """The atoms, and how they lie to each other.

    Attributes
    ----------
    faces, atom
        Polygons that tile the community edge by edge, and the atom of each.
    old
        Of each face, the position of today's grid.
    edges, length_m, along_m
        Pairs of neighbouring atoms (each once, smaller first), the metres they share, and how many
        of these lie along roads. Links between islands come last, with 0 metres.
    links
        Pairs of atoms between which there is ground of others, or none: what makes an island part
        of the rest.
    is_rim
        Whether an atom lies at the outline.
    holes
        Pairs: a hole in the community, an atom that lies at it.
    area_m2
        Of each face.
    """

    faces: Geometries
    atom: IntArray
    old: IntArray
    edges: IntArray
    length_m: FloatArray
    along_m: FloatArray
    links: IntArray
    is_rim: npt.NDArray[np.bool_]
    holes: IntArray
    area_m2: FloatArray

    def __len__(self) -> int:
        """Return the number of atoms."""
        return int(self.atom.max()) + 1


def cut(ground: Ground, *, most_households: int) -> Atoms:
    """Cut a community into atoms of at most so many households, where its buildings allow it.

    Raises
    ------
    ValueError
        No grids.

    Examples
    --------
    A square of two grids with a road across both:

    >>> west, east = shapely.box(0, 0, 0.01, 0.02), shapely.box(0.01, 0, 0.02, 0.02)
    >>> grids = np.array([shapely.segmentize(g, 0.001) for g in (west, east)])
    >>> ground = Ground(grids, np.array([shapely.LineString([(0, 0.012), (0.02, 0.012)])]),
    ...     np.empty(0, dtype=object), np.empty((0, 2)), np.empty(0, dtype=np.int64))
    >>> atoms = cut(ground, most_households=50)
    >>> len(atoms), atoms.edges.tolist(), bool(shapely.coverage_is_valid(atoms.faces))
    (4, [[0, 1], [0, 2], [1, 3], [2, 3]], True)
    """
    if not len(ground.grids):
        message = "no grids"
        raise ValueError(message)
    frame = EqualAreaFrame.around(ground.grids)
    roads = near_roads(frame, ground.grids, ground.roads)
    faces = _faces(frame, ground, roads)
    faces = split(
        frame, faces, ground.whole, ground.places, ground.households, most=most_households
    )
    where = np.asarray(shapely.point_on_surface(faces), dtype=object)
    old = holders(ground.grids, where)
    sides = _sides(frame, faces, roads)
    place = holders(faces, np.asarray(shapely.points(ground.places), dtype=object))
    lived_in = np.bincount(place[place >= 0], ground.households[place >= 0], len(faces))
    pairs = _straddled(frame, ground.whole, faces)
    while True:
        atom = _grouped(len(faces), pairs)
        more = _unfit(frame, faces, atom, old, sides)
        if not len(more):
            more = _surrounded(atom, lived_in, sides, most_households)
        if not len(more):
            return _atoms(frame, faces, atom, old, sides)
        pairs = np.concatenate([pairs, more])


def holders(polygons: Geometries, points: Geometries) -> IntArray:
    """Return the polygon (the first of several) of each point; -1 for none."""
    point, polygon = shapely.STRtree(polygons).query(points, predicate="intersects")
    found = np.full(len(points), len(polygons), dtype=np.int64)
    np.minimum.at(found, point, polygon)
    return np.where(found == len(polygons), -1, found)


def near_roads(frame: EqualAreaFrame, grids: Geometries, roads: Geometries) -> Geometries:
    """Return the parts of roads in or near grids, noded, in metres."""
    around = shapely.buffer(shapely.union_all(frame.project(grids)), ALONG_M)
    lines = frame.project(roads)
    lines = lines[shapely.STRtree(lines).query(around, predicate="intersects")]
    parts = shapely.get_parts(shapely.unary_union(shapely.intersection(lines, around)))
    return np.asarray(parts[shapely.get_type_id(parts) == 1], dtype=object)


def _faces(frame: EqualAreaFrame, ground: Ground, roads: Geometries) -> Geometries:
    """Return the faces between today's borders and the roads that reach from border to border."""
    segments, _ = _segments(ground.grids)
    number, _ = _numbered(segments)
    borders = segments[np.unique(number, return_index=True)[1]]
    fixed = np.asarray(shapely.linestrings(borders), dtype=object)
    lines = [*fixed, *_roads_between(frame, borders, roads)]
    noded = shapely.get_parts(shapely.unary_union(np.array(lines, dtype=object)))
    faces = np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)
    inside = holders(ground.grids, np.asarray(shapely.point_on_surface(faces), dtype=object))
    return faces[inside >= 0]


def _segments(polygons: Geometries) -> tuple[FloatArray, IntArray]:
    """Return every edge, shape (m, 2, 2), and the polygon it belongs to."""
    parts, of = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(ring[1:] == ring[:-1])
    return np.stack([xy[start], xy[start + 1]], axis=1), of[part[ring[start]]]


def _roads_between(
    frame: EqualAreaFrame, borders: FloatArray, roads: Geometries
) -> list[shapely.Geometry]:
    """Return the roads away from the borders, led to a vertex of one where they come near it."""
    if not len(roads):
        return []
    ends = _Ends.of(frame, borders)
    parts = shapely.get_parts(shapely.difference(roads, shapely.buffer(ends.border, ALONG_M)))
    parts = shapely.get_parts(shapely.line_merge(shapely.unary_union(parts)))
    found: list[shapely.Geometry] = []
    for part in parts[shapely.length(parts) > ALONG_M]:
        xy = shapely.get_coordinates(part)
        line = np.column_stack(frame.lon_lat(xy[:, 0], xy[:, 1]))
        first, last = ends.vertex_for(xy[0]), ends.vertex_for(xy[-1])
        before = ends.lon_lat[[first]] if first is not None else line[:0]
        after = ends.lon_lat[[last]] if last is not None else line[:0]
        found.append(shapely.LineString(np.concatenate([before, line, after])))
    return found


@dataclass(frozen=True, slots=True)
class _Ends:
    """The vertices of today's borders, where a road may end: lon/lat as stored, and metres."""

    border: shapely.Geometry
    lon_lat: FloatArray
    metric: FloatArray
    tree: cKDTree
    beside: list[list[int]]

    @classmethod
    def of(cls, frame: EqualAreaFrame, borders: FloatArray) -> _Ends:
        vertices, number = np.unique(borders.reshape(-1, 2), axis=0, return_inverse=True)
        metric = np.column_stack(frame.forward.transform(vertices[:, 0], vertices[:, 1]))
        edges = number.reshape(-1, 2)
        beside: list[list[int]] = [[] for _ in vertices]
        for one, other in edges.tolist():
            beside[one].append(other)
            beside[other].append(one)
        border = shapely.MultiLineString(list(metric[edges]))
        shapely.prepare(border)
        return cls(border, vertices, metric, cKDTree(metric), beside)

    def vertex_for(self, end: FloatArray) -> int | None:
        """Return the nearest vertex to which the end of a road can be led.

        Only an end at the edge of the zone around the borders, only a way that touches no border
        before it arrives, and none that makes a sharp corner with one.
        """
        if shapely.distance(shapely.points(end), self.border) > 1.1 * ALONG_M:
            return None
        number = min(8, len(self.metric))
        near = np.atleast_1d(self.tree.query(end, k=number, distance_upper_bound=LINK_M)[1])
        for vertex in near[near < len(self.metric)].tolist():
            way = self.metric[vertex] - end
            short = end + way * (1.0 - 0.001 / np.hypot(*way))
            if not shapely.intersects(
                self.border, shapely.linestrings([end, short])
            ) and self._is_blunt(vertex, -way):
                return int(vertex)
        return None

    def _is_blunt(self, vertex: int, way: FloatArray) -> bool:
        edges = self.metric[self.beside[vertex]] - self.metric[vertex]
        cross = edges[:, 0] * way[1] - edges[:, 1] * way[0]
        angle = np.degrees(np.arctan2(np.abs(cross), edges @ way))
        return bool((angle > SHARP_DEG).all())


@dataclass(frozen=True, slots=True)
class _Sides:
    """Pairs of faces that share edges, with metres in all and along roads.

    ``at_rim`` marks faces at the outline, ``holes`` are pairs of a hole and a face at it.
    """

    pairs: IntArray
    length_m: FloatArray
    along_m: FloatArray
    at_rim: npt.NDArray[np.bool_]
    holes: IntArray


def _sides(frame: EqualAreaFrame, faces: Geometries, roads: Geometries) -> _Sides:
    segments, face = _segments(faces)
    number, count = _numbered(segments)
    order = np.argsort(number, kind="stable")
    twice = np.flatnonzero(number[order][1:] == number[order][:-1])
    one, other = order[twice], order[twice + 1]
    one, other = one[face[one] != face[other]], other[face[one] != face[other]]
    xy = np.stack(frame.forward.transform(segments[one, :, 0], segments[one, :, 1]), axis=-1)
    length = np.hypot(*(xy[:, 1] - xy[:, 0]).T)
    along = np.where(is_along(xy, roads), length, 0.0)
    both = np.sort(np.column_stack([face[one], face[other]]), axis=1)
    pairs, at = np.unique(both, axis=0, return_inverse=True)
    at = at.reshape(-1)
    alone = count[number] == 1
    inner = _inner_rings(faces)
    hole_of = np.full(len(segments), -1, dtype=np.int64)
    if len(inner):
        edges, hole = _segments(inner)
        both_numbers, _ = _numbered(np.concatenate([segments, edges]))
        by_number = dict(zip(both_numbers[len(segments) :].tolist(), hole.tolist(), strict=True))
        hole_of = np.array([by_number.get(n, -1) for n in both_numbers[: len(segments)].tolist()])
    at_rim = np.zeros(len(faces), dtype=np.bool_)
    at_rim[face[alone & (hole_of < 0)]] = True
    at_hole = np.flatnonzero(hole_of >= 0)
    return _Sides(
        pairs.astype(np.int64).reshape(-1, 2),
        np.bincount(at, length, len(pairs)).astype(np.float64),
        np.bincount(at, along, len(pairs)).astype(np.float64),
        at_rim,
        np.unique(np.column_stack([hole_of[at_hole], face[at_hole]]), axis=0).astype(np.int64),
    )


def _numbered(segments: FloatArray) -> tuple[IntArray, IntArray]:
    """Return one number for both directions of an edge, and how often each number occurs."""
    ends = np.sort(np.ascontiguousarray(segments).view("c16").reshape(-1, 2), axis=1)
    _, number, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    return number.reshape(-1), count


def _inner_rings(faces: Geometries) -> Geometries:
    """Return the holes of the ground that faces tile, as polygons."""
    parts = shapely.get_parts(shapely.coverage_union_all(faces))
    holes = [shapely.Polygon(ring) for part in parts for ring in part.interiors]
    return np.array(holes, dtype=object)


def shared_borders(grids: Geometries, roads: Geometries) -> tuple[float, float]:
    """Return the metres of border between grids (lon/lat), and how many lie along roads."""
    frame = EqualAreaFrame.around(grids)
    sides = _sides(frame, grids, near_roads(frame, grids, roads))
    return float(sides.length_m.sum()), float(sides.along_m.sum())


def is_along(segments: FloatArray, roads: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which edges (m, 2, 2; metres) have their middle within :data:`ALONG_M` of a road."""
    if not len(roads) or not len(segments):
        return np.zeros(len(segments), dtype=np.bool_)
    middles = np.asarray(shapely.points(segments.mean(axis=1)), dtype=object)
    near, _ = shapely.STRtree(roads).query_nearest(
        middles, max_distance=ALONG_M, return_distance=False, all_matches=False
    )
    found = np.zeros(len(segments), dtype=np.bool_)
    found[near] = True
    return found


def _straddled(frame: EqualAreaFrame, whole: Geometries, faces: Geometries) -> IntArray:
    """Return pairs of faces that something whole lies in, shape (n, 2)."""
    thing, face = shapely.STRtree(faces).query(whole, predicate="intersects")
    several = np.bincount(thing, minlength=len(whole))[thing] > 1
    thing, face = thing[several], face[several]
    common = shapely.intersection(frame.project(whole)[thing], frame.project(faces)[face])
    much = shapely.area(common) > STRADDLES_M2
    thing, face = thing[much], face[much]
    order = np.lexsort((face, thing))
    thing, face = thing[order], face[order]
    same = np.flatnonzero(thing[1:] == thing[:-1])
    return np.column_stack([face[same], face[same + 1]]).astype(np.int64)


def _grouped(count: int, pairs: IntArray) -> IntArray:
    """Return the group of each of so many things, pairs being in one; numbered in order."""
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    label = connected_components(links, directed=False)[1]
    _, first, group = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[group]


def _unfit(
    frame: EqualAreaFrame, faces: Geometries, atom: IntArray, old: IntArray, sides: _Sides
) -> IntArray:
    """Return pairs of faces that join each atom too small or thin to its best neighbour.

    That is the one with the longest shared edge, those in the same grid of today first.
    """
    metric = frame.project(faces)
    one, other = atom[sides.pairs].T
    inner = one == other
    size = np.bincount(atom, shapely.area(metric))
    perimeter = np.bincount(atom, shapely.length(metric))
    np.subtract.at(perimeter, one[inner], 2.0 * sides.length_m[inner])
    bad = (size < LEAST_M2) | (2.0 * size < LEAST_WIDTH_M * perimeter)
    found = []
    for small in np.flatnonzero(bad).tolist():
        touching = np.flatnonzero((one == small) ^ (other == small))
        if not len(touching):
            continue
        host = np.where(one == small, other, one)[touching]
        shared = np.bincount(host, sides.length_m[touching])
        is_same = old[sides.pairs[touching, 0]] == old[sides.pairs[touching, 1]]
        same = np.bincount(host, is_same)
        best = max(np.unique(host).tolist(), key=lambda h: (same[h] > 0, shared[h], -h))
        found.append(sides.pairs[touching[np.flatnonzero(host == best)[0]]])
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _surrounded(atom: IntArray, lived_in: IntArray, sides: _Sides, most: int) -> IntArray:
    """Return pairs of faces that join what an atom surrounds to it, unless many live there."""
    pairs = atom[sides.pairs]
    count = int(atom.max()) + 1
    households = np.bincount(atom, lived_in)
    at_rim = np.zeros(count, dtype=np.bool_)
    at_rim[atom[sides.at_rim]] = True
    found = []
    for around in range(count):
        kept = (pairs != around).all(axis=1)
        group = _grouped(count, pairs[kept])
        outer = np.isin(group, group[at_rim])
        outer[around] = True
        inner = np.flatnonzero(~outer)
        if len(inner) and households[inner].sum() <= most:
            touching = (pairs == around).any(axis=1) & np.isin(pairs, inner).any(axis=1)
            found.append(sides.pairs[touching])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _links(frame: EqualAreaFrame, faces: Geometries, atom: IntArray, edges: IntArray) -> IntArray:
    """Return the pairs of atoms, nearest to each other, that tie islands to the rest."""
    count = int(atom.max()) + 1
    island = _grouped(count, edges)
    metric = frame.project(faces)
    found = []
    while island.max() > 0:
        main = metric[island[atom] == 0]
        beyond = np.flatnonzero(island[atom] != 0)
        near, distance = shapely.STRtree(main).query_nearest(
            metric[beyond], return_distance=True, all_matches=False
        )
        best = int(np.argmin(distance))
        one = atom[np.flatnonzero(island[atom] == 0)[near[1, best]]]
        other = atom[beyond[near[0, best]]]
        found.append(sorted((int(one), int(other))))
        island[island == island[other]] = 0
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _atoms(
    frame: EqualAreaFrame, faces: Geometries, atom: IntArray, old: IntArray, sides: _Sides
) -> Atoms:
    both = np.sort(atom[sides.pairs], axis=1)
    parted = both[:, 0] != both[:, 1]
    edges, at = np.unique(both[parted], axis=0, return_inverse=True)
    edges, at = edges.astype(np.int64).reshape(-1, 2), at.reshape(-1)
    links = _links(frame, faces, atom, edges)
    nothing = np.zeros(len(links))
    holes = np.column_stack([sides.holes[:, 0], atom[sides.holes[:, 1]]])
    at_rim = np.zeros(int(atom.max()) + 1, dtype=np.bool_)
    at_rim[atom[sides.at_rim]] = True
    return Atoms(
        faces=faces,
        atom=atom,
        old=old,
        edges=np.concatenate([edges, links]),
        length_m=np.append(np.bincount(at, sides.length_m[parted], len(edges)), nothing),
        along_m=np.append(np.bincount(at, sides.along_m[parted], len(edges)), nothing),
        links=links,
        is_rim=at_rim,
        holes=np.unique(holes, axis=0),
        area_m2=np.asarray(shapely.area(frame.project(faces)), dtype=np.float64),
    )
