"""Areas as sets of mesh cells: subdistricts, communities, grids, each connected.

Every level grows from seeds over the cells of its parent (shortest paths with noisy costs), so an
area is connected by construction and never leaves its parent. Offsets per seed are adjusted until
the sizes fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.demo.borders import OUTSIDE
from layers.demo.frame import Floats, Ints
from layers.demo.mesh import Mesh
from layers.demo.register import County
from layers.demo.towns import (
    BLOCKS_PER_URBAN_GRID,
    RURAL_GRIDS_PER_COMMUNITY,
    URBAN_GRIDS_PER_COMMUNITY,
    Town,
)

CELLS_PER_RURAL_GRID: Final = 16
GRIDS: Final = 5500
_TOWN_EDGE_COST: Final = 3.0
"""Crossing from town to country costs more: areas like to end at the edge of town."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Which area each cell belongs to, and the areas above each other.

    Labels are positions in the code lists; ``OUTSIDE`` beyond the city.
    """

    subdistrict: Ints
    community: Ints
    grid: Ints
    grid_community: Ints
    grid_urban: np.ndarray


def divide(
    mesh: Mesh, counties: list[County], towns: list[Town], scale: float, rng: np.random.Generator
) -> Regions:
    """Return the division of the mesh into subdistricts, communities and grids."""
    noise, cost = _edge_costs(mesh, rng)
    subdistrict = _subdistricts(mesh, noise, counties, towns, rng)
    community = _communities(mesh, cost, counties, subdistrict, rng)
    grid, grid_community, grid_urban = _grids(mesh, cost, community, scale, rng)
    return Regions(subdistrict, community, grid, grid_community, grid_urban)


def grow(edge_cells: Ints, cost: Floats, parent: Ints, seeds: Ints, offsets: Floats) -> Ints:
    """Return for every cell the seed whose path is shortest within the cell's parent.

    Parameters
    ----------
    edge_cells, cost
        Neighbours and the cost of the step between them.
    parent
        Label per cell; steps between different parents are not taken.
    seeds, offsets
        Cell and head start (smaller is earlier) per seed.

    Returns
    -------
    Position in ``seeds`` per cell; ``OUTSIDE`` where no seed reaches.
    """
    cells = len(parent)
    first, second = edge_cells.T
    inner = (parent[first] == parent[second]) & (parent[first] != OUTSIDE)
    rows = np.concatenate([first[inner], second[inner], np.full(len(seeds), cells)])
    columns = np.concatenate([second[inner], first[inner], seeds])
    values = np.concatenate([cost[inner], cost[inner], offsets + 1e-6])
    graph = csr_array((values, (rows, columns)), shape=(cells + 1, cells + 1))
    _, before = dijkstra(graph, indices=cells, return_predecessors=True)
    label = np.full(cells + 1, OUTSIDE)
    label[seeds] = np.where(before[seeds] == cells, np.arange(len(seeds)), OUTSIDE)
    jump = np.where(before < 0, cells, before)
    rooted = jump == cells
    jump[rooted] = np.flatnonzero(rooted)
    jump[cells] = cells
    for _ in range(int(np.ceil(np.log2(cells))) + 1):
        jump = jump[jump]
    return label[jump][:cells]


def grow_to_size(
    edge_cells: Ints, cost: Floats, parent: Ints, seeds: Ints, target: Floats, *, rounds: int
) -> Ints:
    """Return a growth whose sizes in cells approach ``target`` (one number per seed).

    Raises
    ------
    ValueError
        When two seeds share a cell: one of them could never grow.
    """
    if len(np.unique(seeds)) < len(seeds):
        raise ValueError("two seeds share a cell")
    offsets = np.zeros(len(seeds))
    above = parent[seeds]
    label = best = grow(edge_cells, cost, parent, seeds, offsets)
    least = np.inf
    for turn in range(rounds):
        size = np.bincount(label[label >= 0], minlength=len(seeds))
        miss = float(np.abs(np.log(np.maximum(size, 0.1) / target)).sum())
        if miss < least:
            least, best = miss, label
        # A region of n cells is about sqrt(n / pi) steps across.
        damping = 0.6 * 0.9**turn
        offsets += damping * (np.sqrt(size / np.pi) - np.sqrt(target / np.pi))
        offsets[size == 0] = -np.inf
        floor = np.full(above.max() + 1, np.inf)
        np.minimum.at(floor, above, np.where(np.isfinite(offsets), offsets, np.inf))
        offsets = np.maximum(offsets - floor[above], 0.0)
        label = grow(edge_cells, cost, parent, seeds, offsets)
    # Whoever was swallowed gets their own seed back.
    label = best
    lost = np.bincount(label[label >= 0], minlength=len(seeds)) == 0
    while lost.any():
        offsets[lost] = 0.0
        offsets[~lost] += 0.5
        label = grow(edge_cells, cost, parent, seeds, offsets)
        lost = np.bincount(label[label >= 0], minlength=len(seeds)) == 0
    return label


def spread(points: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Return ``count`` distinct positions in ``points``, spread evenly (k-means)."""
    if count >= len(points):
        return np.arange(len(points))
    centres = points[rng.choice(len(points), count, replace=False)]
    for _ in range(7):
        distance = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
        nearest = distance.argmin(axis=1)
        size = np.bincount(nearest, minlength=count)
        for axis in (0, 1):
            total = np.bincount(nearest, weights=points[:, axis], minlength=count)
            centres[:, axis] = np.where(size > 0, total / np.maximum(size, 1), centres[:, axis])
    chosen = np.unique(((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=0))
    if len(chosen) < count:
        rest = np.setdiff1d(np.arange(len(points)), chosen)
        chosen = np.concatenate([chosen, rng.choice(rest, count - len(chosen), replace=False)])
    return np.sort(chosen)


def _edge_costs(mesh: Mesh, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the cost of each step, without and with the price of leaving town."""
    first, second = mesh.edge_cells.T
    noise = rng.uniform(0.75, 1.25, size=len(first))
    changes = (mesh.town[first] >= 0) != (mesh.town[second] >= 0)
    ends = mesh.vertices[mesh.edge_ends]
    width = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    gap = np.hypot(*(mesh.sites[first] - mesh.sites[second]).T)
    # A step over a short edge is nearly a step over a corner.
    corner = 1.0 + 1.5 * (width < 0.25 * gap)
    plain = noise * corner
    return plain, plain * np.where(changes, _TOWN_EDGE_COST, 1.0)


def _subdistricts(
    mesh: Mesh, cost: Floats, counties: list[County], towns: list[Town], rng: np.random.Generator
) -> Ints:
    seeds: list[int] = []
    target: list[float] = []
    for label, county in enumerate(counties):
        cells = np.flatnonzero(mesh.county == label)
        weight = np.array(
            [
                s.urban_count * URBAN_GRIDS_PER_COMMUNITY * BLOCKS_PER_URBAN_GRID
                + (len(s.communities) - s.urban_count)
                * RURAL_GRIDS_PER_COMMUNITY
                * CELLS_PER_RURAL_GRID
                for s in county.subdistricts
            ]
        )
        target.extend(weight / weight.sum() * len(cells))
        start = {}
        for town in towns:
            if town.county != label or not town.subdistricts:
                continue
            members = [k for k, s in enumerate(county.subdistricts) if s.code in town.subdistricts]
            share = [county.subdistricts[k].urban_count / weight[k] for k in members]
            reach = int(weight[members].sum() / weight.sum() * len(cells))
            chosen = _around(mesh.sites[cells] - town.centre, len(members), reach, rng)
            # The most urban of them lie in the middle.
            for k, cell in zip(np.argsort(share, kind="stable")[::-1], chosen, strict=True):
                start[county.subdistricts[members[k]].code] = cells[cell]
        seeds.extend(start[s.code] for s in county.subdistricts)
    return grow_to_size(
        mesh.edge_cells, cost, mesh.county, np.array(seeds), np.array(target), rounds=24
    )


def _around(offset: Floats, count: int, reach: int, rng: np.random.Generator) -> Ints:
    """Return ``count`` positions that share the ``reach`` nearest cells fairly, inner ones first.

    Cells are dense in town and wide outside: with the radius replaced by the root of the rank,
    equal area means equal numbers of cells.
    """
    order = np.argsort(np.hypot(offset[:, 0], offset[:, 1]), kind="stable")
    pool = order[: max(reach, 6 * count)]
    if count == 1:
        return pool[:1]
    angle = np.arctan2(offset[pool, 1], offset[pool, 0])
    even = np.sqrt(np.arange(len(pool)))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return pool[np.sort(spread(even, count, rng))]


def _communities(
    mesh: Mesh, cost: Floats, counties: list[County], subdistrict: Ints, rng: np.random.Generator
) -> Ints:
    seeds: list[int] = []
    target: list[float] = []
    districts = [s for county in counties for s in county.subdistricts]
    cells_of = _members(subdistrict, len(districts))
    for position, district in enumerate(districts):
        cells = cells_of[position]
        built = mesh.town[cells] >= 0
        urban = np.array([c.urban for c in district.communities])
        picks = np.zeros(len(urban), np.int64)
        sizes = np.zeros(len(urban))
        free = cells
        for wanted, ground in ((urban, cells[built]), (~urban, cells[~built])):
            count = int(wanted.sum())
            if count == 0:
                continue
            pool = np.intersect1d(ground, free)  # two communities never begin in one cell
            usable = pool if len(pool) >= 2 * count else free
            chosen = usable[spread(mesh.sites[usable], count, rng)]
            picks[wanted] = chosen
            free = np.setdiff1d(free, chosen)
            sizes[wanted] = len(usable) / count
        seeds.extend(picks)
        target.extend(sizes / sizes.sum() * len(cells))
    return grow_to_size(
        mesh.edge_cells, cost, subdistrict, np.array(seeds), np.array(target), rounds=10
    )


def _grids(
    mesh: Mesh, cost: Floats, community: Ints, scale: float, rng: np.random.Generator
) -> tuple[Ints, Ints, np.ndarray]:
    count = int(community.max()) + 1
    cells_of = _members(community, count)
    weight = np.where(mesh.town >= 0, 1 / BLOCKS_PER_URBAN_GRID, 1 / CELLS_PER_RURAL_GRID)
    inside = community >= 0
    share = np.bincount(community[inside], weights=weight[inside], minlength=count)
    size = np.bincount(community[inside], minlength=count)
    wanted = _rounded(share / share.sum() * max(round(GRIDS * scale), count), size // 3)
    seeds = []
    for position in range(count):
        cells = cells_of[position]
        seeds.append(cells[spread(mesh.sites[cells], int(wanted[position]), rng)])
    flat = np.concatenate(seeds)
    target = np.repeat(size / wanted, wanted)
    grid = grow_to_size(mesh.edge_cells, cost, community, flat, target, rounds=7)
    grid_community = np.repeat(np.arange(count), wanted)
    built = np.bincount(grid[inside], weights=(mesh.town >= 0)[inside], minlength=len(flat))
    total = np.bincount(grid[inside], minlength=len(flat))
    return grid, grid_community, built > 0.5 * total


def _members(label: Ints, count: int) -> list[Ints]:
    """Return the cells of every label, ascending."""
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    return [order[bounds[k] : bounds[k + 1]] for k in range(count)]


def _rounded(share: Floats, most: Ints) -> Ints:
    """Return whole numbers near ``share`` with its sum, each from 1 to ``most``."""
    limit = np.maximum(most, 1)
    whole = np.clip(np.floor(share).astype(np.int64), 1, limit)
    missing = round(share.sum()) - whole.sum()
    order = np.argsort(whole - share, kind="stable")
    for position in order:
        if missing <= 0:
            break
        if whole[position] < limit[position]:
            whole[position] += 1
            missing -= 1
    return whole
