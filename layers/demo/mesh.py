"""The fine mesh: one Voronoi diagram of the whole city, whose cells every area is made of.

Pairs of sites stand left and right of each county border, so that the border itself is made of
Voronoi edges: no clipping, and every border is shared by construction. In towns the sites are the
blocks of a bent street lattice; in the country they grow with the distance from town.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from layers.demo.borders import OUTSIDE, Borders, along
from layers.demo.frame import Floats, Ints
from layers.demo.towns import Town, lattice

BORDER_STEP_M: Final = 230.0
RURAL_CELL_M: Final = 445.0
LARGEST_CELL_M: Final = 1500.0
_SHORTEST_EDGE_M: Final = 1.5


@dataclass(frozen=True, slots=True)
class Mesh:
    """Cells and the edges between them, in metres of the plane.

    Attributes
    ----------
    sites
        Shape (cells, 2).
    county
        County label per cell, ``OUTSIDE`` beyond the city.
    town
        Position of the town whose block the cell is; -1 in the country.
    block
        Shape (cells, 2): (column, row) in the town's lattice.
    vertices
        Shape (v, 2).
    edge_cells, edge_ends
        Shape (e, 2): the two cells and the two vertices of each edge; edges that run to infinity
        (always outside the city) are left out.
    """

    sites: Floats
    county: Ints
    town: Ints
    block: Ints
    vertices: Floats
    edge_cells: Ints
    edge_ends: Ints


def build_mesh(borders: Borders, towns: list[Town], scale: float, rng: np.random.Generator) -> Mesh:
    """Return the mesh of the city for its towns."""
    pairs = _border_sites(borders)
    urban, town_of, block = _urban_sites(borders, towns, rng)
    rural = _rural_sites(borders, towns, scale, rng)
    sites = np.vstack([pairs, urban, rural, _far_frame(borders)])
    first = len(pairs)
    town = np.full(len(sites), -1)
    town[first : first + len(urban)] = town_of
    blocks = np.full((len(sites), 2), -1)
    blocks[first : first + len(urban)] = block
    diagram = Voronoi(sites)
    ends = np.asarray(diagram.ridge_vertices)
    finite = (ends >= 0).all(axis=1)
    edge_cells, ends = np.asarray(diagram.ridge_points)[finite].astype(np.int64), ends[finite]
    vertices = _spread_close_vertices(diagram.vertices, ends)
    county = _joined(_county_of(borders, sites), edge_cells)
    return Mesh(sites, county, town, blocks, vertices, edge_cells, ends.astype(np.int64))


def _border_sites(borders: Borders) -> Floats:
    left, right = [], []
    half = 0.45 * BORDER_STEP_M
    for arc in borders.arcs:
        length = shapely.length(arc)
        count = max(1, round(length / BORDER_STEP_M))
        at = (np.arange(count) + 0.5) * length / count
        before = along(arc, at - 15.0)
        after = along(arc, at + 15.0)
        heading = after - before
        heading /= np.maximum(np.hypot(heading[:, 0], heading[:, 1]), 1e-9)[:, None]
        middle = along(arc, at)
        normal = np.column_stack([-heading[:, 1], heading[:, 0]])
        left.append(middle + half * normal)
        right.append(middle - half * normal)
    both = np.vstack(left), np.vstack(right)
    labels = [_county_of(borders, side) for side in both]
    good = labels[0] != labels[1]
    for side in both:
        # In a narrow bend a site comes too near to the border's other side: the pair goes.
        good &= _off_borders(borders, side, 0.8 * half)
    return np.vstack([side[good] for side in both])


def _urban_sites(
    borders: Borders, towns: list[Town], rng: np.random.Generator
) -> tuple[Floats, Ints, Ints]:
    sites, owner, block = [], [], []
    for position, town in enumerate(towns):
        points, index = lattice(town, rng)
        keep = _county_of(borders, points) == town.county
        sites.append(points[keep])
        block.append(index[keep])
        owner.append(np.full(keep.sum(), position))
    points, town_of = np.vstack(sites), np.concatenate(owner)
    clear = _off_borders(borders, points, 0.9 * BORDER_STEP_M)
    reach = np.full(len(points), np.inf)
    winner = np.full(len(points), -1)
    for position, town in enumerate(towns):
        here = town.reach(points)
        better = here < reach
        reach[better], winner[better] = here[better], position
    keep = clear & (winner == town_of)
    return points[keep], town_of[keep], np.vstack(block)[keep]


def _rural_sites(
    borders: Borders, towns: list[Town], scale: float, rng: np.random.Generator
) -> Floats:
    largest = min(RURAL_CELL_M / np.sqrt(scale), LARGEST_CELL_M)
    smallest = towns[0].block_m * 1.15
    west, south, east, north = shapely.total_bounds(borders.polygons)
    base = largest * 8
    x, y = np.meshgrid(np.arange(west, east + base, base), np.arange(south, north + base, base))
    corner, size = np.column_stack([x.ravel(), y.ravel()]), base
    radii = np.array([town.radius_m for town in towns])
    tree = cKDTree(np.array([town.centre for town in towns]))
    leaves = []
    while len(corner):
        middle = corner + size / 2
        near, which = tree.query(middle, k=min(4, len(towns)))
        gap = (near - 1.05 * radii[which]).min(axis=1) if near.ndim == 2 else near - radii[which]
        target = np.clip(smallest + 0.2 * np.maximum(gap - 0.3 * size, 0), smallest, largest)
        fine = size > target * 1.42
        leaf = corner[~fine]
        leaves.append(leaf + size * rng.uniform(0.12, 0.88, size=leaf.shape))
        parts = [
            corner[fine] + np.array(step) * size / 2 for step in ((0, 0), (1, 0), (0, 1), (1, 1))
        ]
        corner, size = np.vstack(parts), size / 2
    points: Floats = np.vstack(leaves)
    points = points[_county_of(borders, points) != OUTSIDE]
    points = points[_off_borders(borders, points, 0.95 * BORDER_STEP_M)]
    for town in towns:
        margin = 0.55 * town.block_m / town.radius_m
        away = np.abs(points - np.asarray(town.centre)).max(axis=1) > 2.5 * town.radius_m
        near = np.flatnonzero(~away)
        away[near] = town.reach(points[near]) > 1.0 + margin
        points = points[away]
    return points


def _far_frame(borders: Borders) -> Floats:
    west, south, east, north = shapely.total_bounds(borders.polygons)
    x, y = np.linspace(west - 5e4, east + 5e4, 9), np.linspace(south - 5e4, north + 5e4, 9)
    sides = [
        np.column_stack([x, np.full(9, y[0])]),
        np.column_stack([x, np.full(9, y[-1])]),
        np.column_stack([np.full(7, x[0]), y[1:-1]]),
        np.column_stack([np.full(7, x[-1]), y[1:-1]]),
    ]
    return np.vstack(sides)


def _county_of(borders: Borders, points: Floats) -> Ints:
    label = np.full(len(points), OUTSIDE)
    for position, polygon in enumerate(borders.polygons):
        shapely.prepare(polygon)
        label[shapely.contains_xy(polygon, points[:, 0], points[:, 1])] = position
    return label


def _off_borders(borders: Borders, points: Floats, distance: float) -> NDArray[np.bool_]:
    # Arcs have a vertex every 25 m: the nearest vertex is near enough to the nearest point.
    tree = cKDTree(shapely.get_coordinates(borders.arcs))
    clear: NDArray[np.bool_] = tree.query(points, distance_upper_bound=distance)[0] > distance
    return clear


def _spread_close_vertices(vertices: Floats, ends: NDArray[Any]) -> Floats:
    """Push the ends of very short edges apart: a vertex of three cells stays one of three."""
    moved = vertices.copy()
    for _ in range(3):
        edge = moved[ends[:, 1]] - moved[ends[:, 0]]
        length = np.hypot(edge[:, 0], edge[:, 1])
        short = length < _SHORTEST_EDGE_M
        if not short.any():
            break
        lack = (1.05 * _SHORTEST_EDGE_M - length[short]) / 2
        unit = edge[short] / np.maximum(length[short], 1e-9)[:, None]
        np.add.at(moved, ends[short, 1], lack[:, None] * unit)
        np.add.at(moved, ends[short, 0], -lack[:, None] * unit)
    return moved


def _joined(county: Ints, edge_cells: Ints) -> Ints:
    """Return the labels with stray pieces given to the neighbour that they touch most."""
    label = county.copy()
    for _ in range(6):
        first, second = edge_cells.T
        same = label[first] == label[second]
        graph = coo_array(
            (np.ones(same.sum()), (first[same], second[same])), shape=(len(label), len(label))
        )
        _, piece = connected_components(graph, directed=False)
        sizes = np.bincount(piece)
        main = np.zeros(len(sizes), bool)
        for value in np.unique(label):
            members = np.unique(piece[label == value])
            main[members[sizes[members].argmax()]] = True
        # The far frame and what hangs on it is the outside's main piece in any case.
        main[piece[-1]] = True
        stray = np.flatnonzero(~main[piece])
        if len(stray) == 0:
            break
        is_stray = ~main[piece]
        touching = is_stray[first] != is_stray[second]
        own = np.where(is_stray[first], first, second)[touching]
        other = np.where(is_stray[first], second, first)[touching]
        label[own] = label[other]
    return label
