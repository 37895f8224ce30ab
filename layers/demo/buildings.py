"""Buildings 楼栋 with footprints and floors; all inside their grid.

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
from layers.demo.population import RESIDENTS, Population, populate
from layers.demo.regions import Regions
from layers.demo.roads import Roads
from layers.demo.settlements import Settlements, border_cells
from layers.demo.towns import Town

BUILDINGS: Final = 120_000
URBAN_BUILDINGS_PER_GRID: Final = 24.0
ROAD_CLEARANCE_M: Final = 7.0


@dataclass(frozen=True, slots=True)
class _Layout:
    """How buildings stand on a cell of a use: slots of ``step``, size in metres, floors.

    ``mixed``: every building its own size, instead of one size per cell.
    """

    columns: int
    rows: int
    step: tuple[float, float]
    width: tuple[float, float]
    depth: tuple[float, float]
    floors: tuple[int, int]
    wobble: tuple[float, float] = (2.0, 1.0)
    mixed: bool = False


_LAYOUTS: Final = {
    use.HAMLET: _Layout(3, 6, (62, 23), (24, 50), (9, 11.5), (1, 3), (5.5, 4.0), mixed=True),
    use.RESIDENTIAL: _Layout(0, 1, (70, 27), (46, 64), (11, 13), (5, 7)),
    use.HIGHRISE: _Layout(1, 1, (42, 40), (24, 34), (14, 17), (17, 32)),
    use.COMMERCIAL: _Layout(0, 0, (70, 60), (45, 66), (34, 52), (2, 6)),
    use.OFFICE: _Layout(0, 0, (60, 60), (30, 50), (24, 36), (6, 22)),
    use.SCHOOL: _Layout(0, 1, (60, 34), (44, 60), (11, 15), (3, 5)),
    use.HOSPITAL: _Layout(0, 1, (60, 36), (44, 60), (16, 20), (5, 14)),
    use.MARKET: _Layout(0, 0, (70, 60), (50, 66), (36, 50), (1, 2)),
    use.INDUSTRIAL: _Layout(0, 1, (70, 40), (54, 68), (24, 32), (1, 2)),
}


@dataclass(frozen=True, slots=True)
class Buildings:
    """One row a building, in the order of grid, cell, place; metres of the plane.

    Attributes
    ----------
    footprints, centre
        Polygons, and their middles in shape (n, 2).
    cell, grid
        Mesh cell and grid label.
    use
        Use of the cell.
    """

    footprints: NDArray[Any]
    centre: Floats
    cell: Ints
    grid: Ints
    use: Ints
    floors: Ints
    people: Population


@dataclass(frozen=True, slots=True)
class _Lots:
    """Places where a building could stand; one row each."""

    cell: Ints
    centre: Floats
    angle: Floats
    size: Floats
    floors: Ints

    def taken(self, which: NDArray[Any]) -> _Lots:
        """Return the rows of a mask or of positions."""
        return _Lots(
            self.cell[which],
            self.centre[which],
            self.angle[which],
            self.size[which],
            self.floors[which],
        )

    def corners(self) -> Floats:
        """Return the four corners, anticlockwise, shape (n, 4, 2)."""
        signs = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
        local = signs[None] * self.size[:, None]
        cosine, sine = np.cos(self.angle)[:, None], np.sin(self.angle)[:, None]
        corners: Floats = np.stack(
            [
                self.centre[:, 0, None] + local[..., 0] * cosine - local[..., 1] * sine,
                self.centre[:, 1, None] + local[..., 0] * sine + local[..., 1] * cosine,
            ],
            axis=2,
        )
        return corners

    def boxes(self) -> NDArray[Any]:
        """Return the footprints."""
        corners = self.corners()
        closed = np.concatenate([corners, corners[:, :1]], axis=1)
        return np.asarray(shapely.polygons(closed), object)


def build(
    mesh: Mesh,
    regions: Regions,
    places: Settlements,
    *,
    towns: list[Town],
    roads: Roads,
    grid_polygons: NDArray[Any],
    scale: float,
    rng: np.random.Generator,
) -> Buildings:
    """Return ``BUILDINGS * scale`` buildings with ``RESIDENTS * scale`` people."""
    lots = _lots(mesh, regions, places.use, towns, rng)
    lots = lots.taken(_within_cell(mesh, lots))
    lots = lots.taken(_clear(mesh, regions, lots, roads, grid_polygons))
    lots = lots.taken(_chosen(mesh, regions, lots, round(BUILDINGS * scale), rng))
    grid, uses = regions.grid[lots.cell], places.use[lots.cell]
    people = populate(
        grid,
        uses,
        lots.size[:, 0] * lots.size[:, 1] * lots.floors,
        grid_urban=regions.grid_urban,
        residents=round(RESIDENTS * scale),
        rng=rng,
    )
    return Buildings(lots.boxes(), lots.centre, lots.cell, grid, uses, lots.floors, people)


def _lots(
    mesh: Mesh, regions: Regions, uses: Ints, towns: list[Town], rng: np.random.Generator
) -> _Lots:
    bearing = np.array([town.bearing_rad for town in towns])
    shrink = min(1.0, towns[0].block_m / 100.0)
    parts = []
    for label, layout in _LAYOUTS.items():
        own = np.flatnonzero((uses == label) & (regions.grid >= 0))
        if label == use.HAMLET:
            turn = rng.normal(scale=0.18, size=len(own))
            parts.append(_on_cells(mesh, own, turn, layout, factor=1.0, rng=rng))
        else:
            parts.append(
                _on_cells(mesh, own, bearing[mesh.town[own]], layout, factor=shrink, rng=rng)
            )
    return _Lots(
        np.concatenate([part.cell for part in parts]),
        np.vstack([part.centre for part in parts]),
        np.concatenate([part.angle for part in parts]),
        np.vstack([part.size for part in parts]),
        np.concatenate([part.floors for part in parts]),
    )


def _on_cells(
    mesh: Mesh, own: Ints, turn: Floats, layout: _Layout, *, factor: float, rng: np.random.Generator
) -> _Lots:
    """Return the lots of one layout on its cells, turned about each cell's middle."""
    i, j = np.meshgrid(
        np.arange(-layout.columns, layout.columns + 1), np.arange(-layout.rows, layout.rows + 1)
    )
    slots = np.column_stack([i.ravel(), j.ravel()]) * np.array(layout.step) * factor
    count = len(slots)
    # Less than half the gap between slots: neighbours never touch.
    wobble = np.array(layout.wobble) * factor
    local = slots[None] + rng.uniform(-1, 1, size=(len(own), count, 2)) * wobble
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = local[..., 0] * cosine - local[..., 1] * sine + mesh.sites[own, 0, None]
    y = local[..., 0] * sine + local[..., 1] * cosine + mesh.sites[own, 1, None]
    # One size per block: a compound is built at one time; farmhouses differ.
    draws = len(own) * count if layout.mixed else len(own)
    repeat = 1 if layout.mixed else count
    width = np.repeat(rng.uniform(*layout.width, size=draws), repeat)
    depth = np.repeat(rng.uniform(*layout.depth, size=draws), repeat)
    floors = rng.integers(layout.floors[0], layout.floors[1] + 1, size=draws)
    return _Lots(
        np.repeat(own, count),
        np.column_stack([x.ravel(), y.ravel()]),
        np.repeat(turn, count),
        np.column_stack([width, depth]) * factor,
        np.repeat(floors, repeat).astype(np.int64),
    )


def _within_cell(mesh: Mesh, lots: _Lots) -> NDArray[np.bool_]:
    """Tell which boxes keep their distance from every edge of their cell (it is convex)."""
    both = np.vstack([mesh.edge_cells, mesh.edge_cells[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    start = np.searchsorted(both[:, 0], np.arange(len(mesh.sites) + 1))
    corners = lots.corners()
    margin = np.where(mesh.town >= 0, 8.0, 4.0)
    inside = np.ones(len(lots.cell), bool)
    degree = (start[1:] - start[:-1])[lots.cell]
    for k in range(int(degree.max())):
        live = np.flatnonzero(inside & (degree > k))
        cell = lots.cell[live]
        site = mesh.sites[cell]
        normal = mesh.sites[both[start[cell] + k, 1]] - site
        gap = np.hypot(normal[:, 0], normal[:, 1])
        normal /= gap[:, None]
        depth = ((corners[live] - site[:, None]) * normal[:, None]).sum(axis=2).max(axis=1)
        inside[live] &= depth < gap / 2 - margin[cell]
    return inside


def _clear(
    mesh: Mesh, regions: Regions, lots: _Lots, roads: Roads, grid_polygons: NDArray[Any]
) -> NDArray[np.bool_]:
    """Tell which boxes lie inside their grid and off the country roads."""
    boxes = lots.boxes()
    clear = np.ones(len(boxes), bool)
    # Only a bent border can cut into a cell.
    doubtful = np.flatnonzero(border_cells(mesh, regions.grid)[lots.cell])
    shapely.prepare(grid_polygons)
    around = grid_polygons[regions.grid[lots.cell[doubtful]]]
    clear[doubtful] = shapely.contains_properly(around, boxes[doubtful])
    country = np.flatnonzero((mesh.town[lots.cell] < 0) & clear)
    tree = shapely.STRtree(boxes[country])
    ways = roads.lines[roads.serves >= 0]
    hit = tree.query(ways, predicate="dwithin", distance=ROAD_CLEARANCE_M)[1]
    clear[country[hit]] = False
    return clear


def _chosen(
    mesh: Mesh, regions: Regions, lots: _Lots, total: int, rng: np.random.Generator
) -> Ints:
    """Return ``total`` positions: each grid its quota, what is nearest to a cell's middle first."""
    grid = regions.grid[lots.cell]
    away = np.hypot(*(lots.centre - mesh.sites[lots.cell]).T)
    anywhere = rng.random(len(grid)) * 0.9
    key = np.where(mesh.town[lots.cell] >= 0, anywhere, away / 60 + rng.gamma(2.0, 0.6, len(grid)))
    order = np.lexsort((key, grid))
    sorted_grid = grid[order]
    start = np.flatnonzero(np.r_[True, sorted_grid[1:] != sorted_grid[:-1]])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    urban = regions.grid_urban
    rest = total - urban.sum() * URBAN_BUILDINGS_PER_GRID
    quota = np.where(urban, URBAN_BUILDINGS_PER_GRID, rest / max((~urban).sum(), 1))
    quota *= np.exp(rng.normal(scale=0.3, size=len(quota)) - 0.045)
    # First what is within the quota; then, round by round, what is least beyond it.
    allowed = np.maximum(quota[sorted_grid], 1)
    excess = np.maximum(rank - quota[sorted_grid], 0) / allowed
    best = np.lexsort((np.arange(len(order)), rank, excess))[:total]
    picked = order[np.sort(best)]
    return picked[np.lexsort((picked, lots.cell[picked], grid[picked]))]
