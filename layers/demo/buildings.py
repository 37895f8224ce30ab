"""Buildings 楼栋 with footprints, floors, households and ages; all inside their grid.

In town, slabs stand in rows on the blocks of compounds; in the country, rows of farmhouses face
south around the middle of a hamlet. More places are laid out than needed; the best are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo import settlements as use
from layers.demo.frame import Floats, Ints
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions
from layers.demo.roads import Roads
from layers.demo.settlements import Settlements, border_cells
from layers.demo.towns import Town

BUILDINGS: Final = 120_000
RESIDENTS: Final = 4_000_000
PERSONS_PER_HOUSEHOLD: Final = 2.7
URBAN_BUILDINGS_PER_GRID: Final = 24.0
ROAD_CLEARANCE_M: Final = 7.0
TAGS: Final = (
    ("living_alone_80_plus", 0.010),
    ("disabled", 0.022),
    ("left_behind_child", 0.009),
    ("minimum_living_allowance", 0.018),
)
"""Care tags 关爱对象 and the share of residents that carries them."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How buildings stand on a cell of a use: slots of ``step``, size in metres, floors."""

    kind: str
    columns: int
    rows: int
    step: tuple[float, float]
    width: tuple[float, float]
    depth: tuple[float, float]
    floors: tuple[int, int]


_LAYOUTS: Final = {
    use.HAMLET: _Layout("farmhouse", 3, 6, (62, 23), (24, 50), (9, 11.5), (1, 3)),
    use.RESIDENTIAL: _Layout("residential", 0, 1, (70, 27), (46, 64), (11, 13), (5, 7)),
    use.HIGHRISE: _Layout("residential", 1, 1, (42, 40), (24, 34), (14, 17), (17, 32)),
    use.COMMERCIAL: _Layout("commercial", 0, 0, (70, 60), (45, 66), (34, 52), (2, 6)),
    use.OFFICE: _Layout("office", 0, 0, (60, 60), (30, 50), (24, 36), (6, 22)),
    use.SCHOOL: _Layout("school", 0, 1, (60, 34), (44, 60), (11, 15), (3, 5)),
    use.HOSPITAL: _Layout("hospital", 0, 1, (60, 36), (44, 60), (16, 20), (5, 14)),
    use.MARKET: _Layout("market", 0, 0, (70, 60), (50, 66), (36, 50), (1, 2)),
    use.INDUSTRIAL: _Layout("industrial", 0, 1, (70, 40), (54, 68), (24, 32), (1, 2)),
}


@dataclass(frozen=True, slots=True)
class Buildings:
    """One row a building, in the order of grid, cell, place.

    Attributes
    ----------
    footprints
        Polygons in metres of the plane.
    cell, grid
        Mesh cell and grid label.
    use
        Use of the cell.
    ages
        Shape (n, 3): residents of 0-14, 15-59, 60 and more.
    tags
        Shape (n, len(TAGS)): people per tag.
    """

    footprints: NDArray[Any]
    centre: Floats
    cell: Ints
    grid: Ints
    use: Ints
    floors: Ints
    households: Ints
    residents: Ints
    ages: Ints
    tags: Ints


def build(
    mesh: Mesh,
    regions: Regions,
    places: Settlements,
    towns: list[Town],
    roads: Roads,
    grid_polygons: NDArray[Any],
    scale: float,
    rng: np.random.Generator,
) -> Buildings:
    """Return ``BUILDINGS * scale`` buildings with ``RESIDENTS * scale`` people."""
    cell, centre, angle, size, floors = _slots(mesh, regions, places.use, towns, rng)
    keep = _within_cell(mesh, cell, centre, angle, size)
    cell, centre, angle, size, floors = (
        part[keep] for part in (cell, centre, angle, size, floors)
    )
    boxes = _boxes(centre, angle, size)
    grid = regions.grid[cell]
    keep = _clear(boxes, cell, grid, mesh, regions, roads, grid_polygons)
    chosen = np.flatnonzero(keep)[
        _chosen(cell[keep], grid[keep], centre[keep], mesh, regions, round(BUILDINGS * scale), rng)
    ]
    return _peopled(
        boxes[chosen], centre[chosen], size[chosen], floors[chosen], cell[chosen], grid[chosen],
        places.use, regions, round(RESIDENTS * scale), rng,
    )  # fmt: skip


def _slots(
    mesh: Mesh, regions: Regions, uses: Ints, towns: list[Town], rng: np.random.Generator
) -> tuple[Ints, Floats, Floats, Floats, Ints]:
    cells, centres, angles, sizes, floors = [], [], [], [], []
    bearing = np.array([town.bearing_rad for town in towns])
    shrink = min(1.0, towns[0].block_m / 100.0)
    for label, layout in _LAYOUTS.items():
        own = np.flatnonzero((uses == label) & (regions.grid >= 0))
        if len(own) == 0:
            continue
        is_town = label != use.HAMLET
        factor = shrink if is_town else 1.0
        turn = bearing[mesh.town[own]] if is_town else rng.normal(scale=0.18, size=len(own))
        i, j = np.meshgrid(
            np.arange(-layout.columns, layout.columns + 1),
            np.arange(-layout.rows, layout.rows + 1),
        )
        grid = np.column_stack([i.ravel() * layout.step[0], j.ravel() * layout.step[1]]) * factor
        count = len(grid)
        # Less than half the gap between slots: neighbours never touch.
        wobble = np.array((2.0, 1.0) if is_town else (5.5, 4.0)) * factor
        local = grid[None] + rng.uniform(-1, 1, size=(len(own), count, 2)) * wobble
        cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
        x = local[..., 0] * cosine - local[..., 1] * sine + mesh.sites[own, 0, None]
        y = local[..., 0] * sine + local[..., 1] * cosine + mesh.sites[own, 1, None]
        cells.append(np.repeat(own, count))
        centres.append(np.column_stack([x.ravel(), y.ravel()]))
        angles.append(np.repeat(turn, count))
        total = len(own) * count
        # One width per block: a compound is built at one time.
        width = np.repeat(rng.uniform(*layout.width, size=len(own)), count)
        depth = np.repeat(rng.uniform(*layout.depth, size=len(own)), count)
        if not is_town:
            width = rng.uniform(*layout.width, size=total)
        sizes.append(np.column_stack([width, depth]) * factor)
        storeys = np.repeat(rng.integers(layout.floors[0], layout.floors[1] + 1, len(own)), count)
        floors.append(
            storeys if is_town else rng.integers(layout.floors[0], layout.floors[1] + 1, total)
        )
    return (
        np.concatenate(cells),
        np.vstack(centres),
        np.concatenate(angles),
        np.vstack(sizes),
        np.concatenate(floors),
    )


def _corners(centre: Floats, angle: Floats, size: Floats) -> Floats:
    """Return the four corners, anticlockwise, shape (n, 4, 2)."""
    signs = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    local = signs[None] * size[:, None]
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    corners: Floats = np.stack(
        [
            centre[:, 0, None] + local[..., 0] * cosine - local[..., 1] * sine,
            centre[:, 1, None] + local[..., 0] * sine + local[..., 1] * cosine,
        ],
        axis=2,
    )
    return corners


def _boxes(centre: Floats, angle: Floats, size: Floats) -> NDArray[Any]:
    corners = _corners(centre, angle, size)
    boxes: NDArray[Any] = shapely.polygons(np.concatenate([corners, corners[:, :1]], axis=1))
    return boxes


def _within_cell(
    mesh: Mesh, cell: Ints, centre: Floats, angle: Floats, size: Floats
) -> NDArray[np.bool_]:
    """Tell which boxes keep their distance from every edge of their cell (it is convex)."""
    both = np.vstack([mesh.edge_cells, mesh.edge_cells[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    start = np.searchsorted(both[:, 0], np.arange(len(mesh.sites) + 1))
    corners = _corners(centre, angle, size)
    margin = np.where(mesh.town >= 0, 8.0, 4.0)
    inside = np.ones(len(cell), bool)
    degree = (start[1:] - start[:-1])[cell]
    for k in range(int(degree.max())):
        live = np.flatnonzero(inside & (degree > k))
        other = both[start[cell[live]] + k, 1]
        site, next_site = mesh.sites[cell[live]], mesh.sites[other]
        normal = next_site - site
        gap = np.hypot(normal[:, 0], normal[:, 1])
        normal /= gap[:, None]
        depth = ((corners[live] - site[:, None]) * normal[:, None]).sum(axis=2).max(axis=1)
        inside[live] &= depth < gap / 2 - margin[cell[live]]
    return inside


def _clear(
    boxes: NDArray[Any],
    cell: Ints,
    grid: Ints,
    mesh: Mesh,
    regions: Regions,
    roads: Roads,
    grid_polygons: NDArray[Any],
) -> NDArray[np.bool_]:
    """Tell which boxes lie inside their grid and off the country roads."""
    clear = np.ones(len(boxes), bool)
    # Only a bent border can cut into a cell.
    doubtful = np.flatnonzero(border_cells(mesh, regions.grid)[cell])
    shapely.prepare(grid_polygons)
    clear[doubtful] = shapely.contains_properly(grid_polygons[grid[doubtful]], boxes[doubtful])
    country = np.flatnonzero((mesh.town[cell] < 0) & clear)
    tree = shapely.STRtree(boxes[country])
    ways = roads.lines[roads.serves >= 0]
    hit = tree.query(ways, predicate="dwithin", distance=ROAD_CLEARANCE_M)[1]
    clear[country[hit]] = False
    return clear


def _chosen(
    cell: Ints,
    grid: Ints,
    centre: Floats,
    mesh: Mesh,
    regions: Regions,
    total: int,
    rng: np.random.Generator,
) -> Ints:
    """Return ``total`` positions: each grid its quota, the nearest to the middle of a cell first."""
    town = mesh.town[cell] >= 0
    distance = np.hypot(*(centre - mesh.sites[cell]).T)
    key = np.where(town, rng.random(len(cell)) * 0.9, distance / 60 + rng.gamma(2.0, 0.6, len(cell)))
    order = np.lexsort((key, grid))
    sorted_grid = grid[order]
    start = np.flatnonzero(np.r_[True, sorted_grid[1:] != sorted_grid[:-1]])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    urban = regions.grid_urban
    quota = np.where(
        urban,
        URBAN_BUILDINGS_PER_GRID,
        (total - urban.sum() * URBAN_BUILDINGS_PER_GRID) / max((~urban).sum(), 1),
    )
    quota *= np.exp(rng.normal(scale=0.3, size=len(quota)) - 0.045)
    # First what is within the quota; then, round by round, what is least beyond it.
    excess = np.maximum(rank - quota[sorted_grid], 0) / np.maximum(quota[sorted_grid], 1)
    best = np.lexsort((np.arange(len(order)), rank, excess))[:total]
    picked = order[np.sort(best)]
    return picked[np.lexsort((picked, cell[picked], grid[picked]))]


def _peopled(
    boxes: NDArray[Any],
    centre: Floats,
    size: Floats,
    floors: Ints,
    cell: Ints,
    grid: Ints,
    uses: Ints,
    regions: Regions,
    residents: int,
    rng: np.random.Generator,
) -> Buildings:
    kind = uses[cell]
    area = size[:, 0] * size[:, 1]
    lived = np.isin(kind, (use.HAMLET, use.RESIDENTIAL, use.HIGHRISE))
    flat = np.where(kind == use.HAMLET, 150.0, 105.0)
    homes = np.where(lived, np.maximum(area * floors / flat, 1.0), 0.0)
    homes *= rng.uniform(0.8, 1.1, len(homes))
    # Grids of a town hold 300 to 500 households, country grids about 230, all of one sum.
    count = len(regions.grid_community)
    want = np.where(regions.grid_urban, rng.uniform(285, 455, count), rng.gamma(16, 14.0, count))
    have = np.bincount(grid, weights=homes, minlength=count)
    households_total = residents / PERSONS_PER_HOUSEHOLD
    fill = np.where(have > 0, np.minimum(want / np.maximum(have, 1), 2.6), 0)
    exact = homes * fill[grid]
    exact *= households_total / exact.sum()
    households = np.floor(exact + rng.random(len(exact))).astype(np.int64)
    people = rng.poisson(households * (PERSONS_PER_HOUSEHOLD - 1)) + households
    people = _adjusted(people, households, residents, rng)
    old = np.where(kind == use.HAMLET, 0.27, 0.19)
    share = np.clip(rng.normal(old, 0.05), 0.05, 0.6)
    young = np.clip(rng.normal(0.155, 0.03, len(share)), 0.03, 0.35)
    elders = rng.binomial(people, share)
    children = rng.binomial(people - elders, np.minimum(young / (1 - share), 0.9))
    ages = np.column_stack([children, people - elders - children, elders])
    tags = np.column_stack([rng.binomial(people, rate) for _, rate in TAGS])
    tags[:, 0] = np.minimum(tags[:, 0], elders)
    tags[:, 2] = np.minimum(tags[:, 2], children)
    return Buildings(
        boxes, centre, cell, grid, kind, floors.astype(np.int64), households, people, ages, tags
    )


def _adjusted(people: Ints, households: Ints, total: int, rng: np.random.Generator) -> Ints:
    """Return the counts with their sum made exact, one person here and there."""
    result = people.copy()
    lived = np.flatnonzero(households > 0)
    while (missing := total - int(result.sum())) != 0:
        step = 1 if missing > 0 else -1
        able = lived if step > 0 else lived[result[lived] > households[lived]]
        picked = rng.choice(able, size=min(abs(missing), len(able)), replace=False)
        result[picked] += step
    return result
