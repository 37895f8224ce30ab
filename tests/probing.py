"""Layers that are hard to look up, points that are hard to place, and who owns them by GEOS."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from tests import exact
from tests.bench.tilings import tiling

Layer = npt.NDArray[np.object_]
Points = npt.NDArray[np.float64]
WEST, SOUTH, SIDE = 118.3, 32.1, 0.037


REAL_LAYERS = {
    "messy-polygons": "messy-polygons/nyc_election_districts_2013.geojson",
    "nyc-311": "nyc-311/community_districts_2013.geojson",
    "taipei-villages": "taipei-villages/villages.geojson",
    "shenzhen-zones": "shenzhen-zones/traffic_zones_gcj02.geojson",
}
"""Real layers with invalid and overlapping areas, to be mended: name -> file of the shared data."""


def vertices_and_middles(areas: Sequence[object]) -> Points:
    """Every vertex and every edge midpoint."""
    vertices, starts = _vertices(areas)
    return np.vstack([vertices, ((vertices[1:] + vertices[:-1]) / 2)[starts]])


def beside(points: Points) -> Points:
    """The points, and those one ulp west, east, south and north of them."""
    found = [points]
    for axis in (0, 1):
        for towards in (-np.inf, np.inf):
            moved = points.copy()
            moved[:, axis] = np.nextafter(moved[:, axis], towards)
            found.append(moved)
    return np.vstack(found)


def probes(areas: Sequence[object], generator: np.random.Generator, number: int) -> Points:
    """Vertices, edge midpoints, the points one ulp beside them, and as many random points."""
    vertices, starts = _vertices(areas)
    along = generator.uniform(0, 1, (len(vertices) - 1, 1))
    between = (vertices[:-1] + along * np.diff(vertices, axis=0))[starts]
    hard = beside(np.vstack([vertices_and_middles(areas), between]))
    hard = hard[generator.permutation(len(hard))[:number]]
    west, south, east, north = shapely.total_bounds(areas)
    pad = 0.05 * max(east - west, north - south)
    anywhere = generator.uniform(
        (west - pad, south - pad), (east + pad, north + pad), (number // 4, 2)
    )
    return np.vstack([hard, anywhere])


def _vertices(areas: Sequence[object]) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Return all vertices, ring after ring, and of which an edge leads to the next one."""
    parts = shapely.get_parts(np.asarray(areas, dtype=object))
    rings = shapely.get_rings(parts[~shapely.is_empty(parts)])
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    return vertices, ring[1:] == ring[:-1]


def owners_by_geos(areas: Layer, keys: Sequence[str], points: Points) -> npt.NDArray[np.intp]:
    """The covering area with the smallest key."""
    rank = np.argsort(np.argsort(np.asarray(keys, dtype=object)))
    numbers, positions = shapely.STRtree(areas).query(shapely.points(points), "covered_by")
    best = np.full(len(points), len(areas))
    np.minimum.at(best, numbers, rank[positions])
    return np.append(np.argsort(rank), -1)[best]


def owner_by_integers(areas: Layer, keys: Sequence[str], lon: float, lat: float) -> int:
    found = [i for i, area in enumerate(areas) if exact.covers(area, lon, lat)]
    return min(found, key=lambda i: keys[i], default=-1)


def rectangles(generator: np.random.Generator) -> Layer:
    """A square cut in two again and again: T-junctions everywhere."""
    pieces = [(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)]
    for _ in range(int(generator.integers(1, 60))):
        w, s, e, n = pieces.pop(int(generator.integers(len(pieces))))
        if generator.random() < 0.5:
            cut = w + (e - w) * generator.uniform(0.1, 0.9)
            pieces += [(w, s, cut, n), (cut, s, e, n)]
        else:
            cut = s + (n - s) * generator.uniform(0.1, 0.9)
            pieces += [(w, s, e, cut), (w, cut, e, n)]
    return shapely.box(*np.array(pieces).T)


def voronoi(generator: np.random.Generator) -> Layer:
    """Cells of random seeds; some left out (gaps), some joined (multipolygons)."""
    seeds = generator.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (40, 2))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds)))
    group = generator.integers(0, 25, len(cells))
    layer = [shapely.union_all(cells[group == g]) for g in range(24) if (group == g).any()]
    return np.array(layer, dtype=object)


def slanted(generator: np.random.Generator) -> Layer:
    """Neighbours along one slanted line whose vertices do not match: gaps and overlaps of ulps."""
    along = np.sort(generator.uniform(0, 1, (2, 12)), axis=1)
    a, b = np.array([WEST, SOUTH]), np.array([WEST + SIDE, SOUTH + SIDE / 3])
    upper, lower = (a + t[:, None] * (b - a) for t in along)
    top, bottom = [WEST, SOUTH + SIDE], [WEST + SIDE, SOUTH - SIDE]
    above = shapely.Polygon([*upper, [WEST + SIDE, SOUTH + SIDE], top])
    below = shapely.Polygon([*lower, bottom, [WEST, SOUTH - SIDE]])
    return np.array([above, below], dtype=object)


def blobs(generator: np.random.Generator) -> Layer:
    """Overlapping stars, some with a star for a hole, some as multipolygons."""
    layer = []
    for _ in range(int(generator.integers(1, 15))):
        area = star(generator)
        if generator.random() < 0.4:
            area = shapely.difference(area, star(generator))
        if generator.random() < 0.3:
            area = shapely.union(area, star(generator))
        polygons = [p for p in shapely.get_parts(area) if p.geom_type == "Polygon"]
        layer.append(shapely.MultiPolygon(polygons))
    if generator.random() < 0.3:
        layer.append(layer[0])
    return np.array(layer, dtype=object)


def star(generator: np.random.Generator) -> shapely.Polygon:
    number = int(generator.integers(3, 40))
    turn = np.linspace(0, 2 * np.pi, number, endpoint=False)
    reach = SIDE * generator.uniform(0.02, 0.4) * generator.uniform(0.3, 1.0, number)
    centre = generator.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE))
    return shapely.Polygon(centre + reach[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1))


def fan(generator: np.random.Generator) -> Layer:
    """Many slivers that meet in one point; a far small area makes the cells large."""
    number = int(generator.integers(3, 300))
    turn = np.linspace(0, 2 * np.pi, number + 1)
    rim = np.array([WEST, SOUTH]) + SIDE * np.stack([np.cos(turn), np.sin(turn)], 1)
    rim[-1] = rim[0]
    slivers = [shapely.Polygon([(WEST, SOUTH), a, b]) for a, b in pairwise(rim)]
    return np.array([*slivers, shapely.box(100.0, 20.0, 100.0001, 20.0001)], dtype=object)


def lattice(generator: np.random.Generator) -> Layer:
    """Squares on a lattice of round numbers, with holes and corners that only touch."""
    n = int(generator.integers(2, 8))
    step = 2.0 ** -int(generator.integers(3, 9))
    squares = [
        shapely.box(i * step, j * step, (i + 1) * step, (j + 1) * step)
        for i in range(n)
        for j in range(n)
    ]
    group = generator.integers(0, 6, len(squares))
    layer = [shapely.union_all([squares[i] for i in np.flatnonzero(group == g)]) for g in range(5)]
    return np.array([area for area in layer if not area.is_empty], dtype=object)


def wiggly(generator: np.random.Generator) -> Layer:
    return tiling(
        int(generator.integers(1, 30)), seed=int(generator.integers(1 << 30)), degrees=SIDE
    )


LAYERS = {
    "rectangles": rectangles,
    "voronoi": voronoi,
    "slanted": slanted,
    "blobs": blobs,
    "fan": fan,
    "lattice": lattice,
    "wiggly": wiggly,
}
