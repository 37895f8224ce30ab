"""Which cells are built on and with what: blocks of a town by use, hamlets in the country."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from layers.demo.borders import OUTSIDE
from layers.demo.frame import Ints
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions
from layers.demo.towns import Town

USES: Final = (
    "country", "hamlet", "residential", "highrise", "commercial", "office", "school", "hospital",
    "market", "industrial", "park",
)  # fmt: skip
"""Uses of a cell; positions are the labels used here."""
(
    COUNTRY,
    HAMLET,
    RESIDENTIAL,
    HIGHRISE,
    COMMERCIAL,
    OFFICE,
    SCHOOL,
    HOSPITAL,
    MARKET,
    INDUSTRIAL,
    PARK,
) = range(11)
_CORE = (0.46, 0.13, 0.19, 0.10, 0.04, 0.02, 0.03, 0.00, 0.03)
_INNER = (0.62, 0.12, 0.08, 0.04, 0.05, 0.015, 0.02, 0.015, 0.04)
_EDGE = (0.56, 0.08, 0.04, 0.02, 0.04, 0.005, 0.015, 0.17, 0.07)
HAMLETS_PER_GRID: Final = (0.30, 0.45, 0.25)
"""Shares of country grids with one, two and three hamlets."""


@dataclass(frozen=True, slots=True)
class Settlements:
    """Uses per cell, and the cells where hamlets and village centres lie."""

    use: Ints
    hamlets: Ints
    villages: Ints


def settle(
    mesh: Mesh, regions: Regions, towns: list[Town], scale: float, rng: np.random.Generator
) -> Settlements:
    """Return what stands on every cell of the city."""
    use = np.full(len(mesh.sites), COUNTRY)
    reach = np.ones(len(mesh.sites))
    for position, town in enumerate(towns):
        mine = mesh.town == position
        reach[mine] = town.reach(mesh.sites[mine])
    built = (mesh.town >= 0) & (mesh.county != OUTSIDE)
    for low, high, shares in ((0, 0.3, _CORE), (0.3, 0.7, _INNER), (0.7, 9, _EDGE)):
        ring = np.flatnonzero(built & (reach >= low) & (reach < high))
        weights = np.array(shares) / sum(shares)
        use[ring] = rng.choice(np.arange(RESIDENTIAL, PARK + 1), size=len(ring), p=weights)
    hamlets = _hamlets(mesh, regions, max(1, round(scale**0.5)), rng)
    use[hamlets] = HAMLET
    return Settlements(use, hamlets, _village_centres(mesh, regions, hamlets))


def border_cells(mesh: Mesh, label: Ints) -> np.ndarray:
    """Return per cell whether a neighbour has another label."""
    first, second = mesh.edge_cells.T
    differs = label[first] != label[second]
    at_border = np.zeros(len(label), bool)
    at_border[first[differs]] = at_border[second[differs]] = True
    return at_border


def _hamlets(mesh: Mesh, regions: Regions, cells: int, rng: np.random.Generator) -> Ints:
    """Return the hamlets' cells; above scale 1 cells are small, and a hamlet takes several."""
    # Inner cells first: a hamlet lies away from the grid's border where it can.
    inside = np.flatnonzero((regions.grid >= 0) & (mesh.town < 0))
    at_border = border_cells(mesh, regions.grid)[inside]
    key = rng.random(len(inside)) + at_border
    order = inside[np.lexsort((key, regions.grid[inside]))]
    grid = regions.grid[order]
    start = np.flatnonzero(np.r_[True, grid[1:] != grid[:-1]])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    wanted = rng.choice((1, 2, 3), size=len(regions.grid_community), p=HAMLETS_PER_GRID)
    return np.sort(order[rank < cells * wanted[grid]])


def _village_centres(mesh: Mesh, regions: Regions, hamlets: Ints) -> Ints:
    """Return per community the hamlet nearest to its middle."""
    community = regions.community[hamlets]
    count = np.bincount(community)
    middle = np.column_stack(
        [
            np.bincount(community, weights=mesh.sites[hamlets, axis]) / np.maximum(count, 1)
            for axis in (0, 1)
        ]
    )
    distance = ((mesh.sites[hamlets] - middle[community]) ** 2).sum(axis=1)
    order = np.lexsort((hamlets, distance, community))
    first = np.r_[True, community[order][1:] != community[order][:-1]]
    return hamlets[order[first]]
