"""Where towns lie and how far they are built up: seats, footprints, street lattices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo.borders import Borders
from layers.demo.frame import Floats
from layers.demo.register import County

URBAN_GRIDS_PER_COMMUNITY: Final = 6.5
RURAL_GRIDS_PER_COMMUNITY: Final = 3.9
URBAN_GRID_M2: Final = 120_000.0
BLOCKS_PER_URBAN_GRID: Final = 12
MARKET_GRIDS: Final = 1.6
"""A rural town's centre has its market streets, though none of its communities is urban."""
HARMONICS: Final = 5


@dataclass(frozen=True, slots=True)
class Town:
    """A built-up place with a street lattice.

    Attributes
    ----------
    centre
        Metres of the plane.
    radius_m
        Mean radius of the footprint.
    bearing_rad
        Turn of the lattice.
    waves
        Shape (HARMONICS, 2): cosine and sine amplitudes of the footprint's radius.
    block_m
        Mean width of a block.
    county, subdistricts
        Position of the county; codes of the subdistricts whose centre this is.
    """

    name: str
    centre: tuple[float, float]
    radius_m: float
    bearing_rad: float
    waves: NDArray[np.float64]
    block_m: float
    county: int
    subdistricts: tuple[str, ...]
    is_seat: bool

    def reach(self, xy: Floats) -> Floats:
        """Return distance from the centre over the footprint's radius in that direction."""
        offset = xy - np.asarray(self.centre)
        angle = np.arctan2(offset[:, 1], offset[:, 0])
        radius = np.full(len(xy), 1.0)
        for order in range(HARMONICS):
            cosine, sine = self.waves[order]
            turn = (order + 1) * angle
            radius += cosine * np.cos(turn) + sine * np.sin(turn)
        reach: Floats = np.hypot(offset[:, 0], offset[:, 1]) / (self.radius_m * radius)
        return reach


def place_towns(
    counties: list[County], borders: Borders, scale: float, rng: np.random.Generator
) -> list[Town]:
    """Return one town per county seat and one per other subdistrict, seat first in its county."""
    # Above scale 1 grids split finer; towns grow as the fourth root so that houses still fit.
    block = float(np.sqrt(URBAN_GRID_M2 / BLOCKS_PER_URBAN_GRID)) / max(scale, 1.0) ** 0.25
    per_grid = URBAN_GRID_M2 * max(scale, 1.0) ** 0.5
    towns = []
    for position, county in enumerate(counties):
        inner = [s for s in county.subdistricts if s.in_seat]
        outer = [s for s in county.subdistricts if not s.in_seat]
        centres = _scatter(borders.polygons[position], borders.seats[position], len(outer), rng)
        groups = [(inner, borders.seats[position], True)] + [
            ([subdistrict], centre, False)
            for subdistrict, centre in zip(outer, centres, strict=True)
        ]
        for members, centre, is_seat in groups:
            grids = sum(s.urban_count for s in members) * URBAN_GRIDS_PER_COMMUNITY
            grids += MARKET_GRIDS * (4 if is_seat else 1)
            sigma = 0.13 / np.arange(1, HARMONICS + 1) ** 0.6
            towns.append(
                Town(
                    name=members[0].name if members else county.name,
                    centre=(float(centre[0]), float(centre[1])),
                    radius_m=float(np.sqrt(grids * per_grid / np.pi)),
                    bearing_rad=float(rng.uniform(-0.45, 0.45)),
                    waves=rng.normal(size=(HARMONICS, 2)) * sigma[:, None],
                    block_m=block,
                    county=position,
                    subdistricts=tuple(s.code for s in members),
                    is_seat=is_seat,
                )
            )
    return towns


def _scatter(polygon: Any, seat: Floats, count: int, rng: np.random.Generator) -> Floats:  # noqa: ANN401
    """Return ``count`` centres spread over a polygon, away from its seat and from its border."""
    if count == 0:
        return np.zeros((0, 2))
    west, south, east, north = shapely.bounds(polygon)
    draw = rng.uniform((west, south), (east, north), size=(6000, 2))
    inside = draw[shapely.contains_xy(shapely.buffer(polygon, -1500.0), draw[:, 0], draw[:, 1])]
    centres = np.vstack([seat, inside[rng.choice(len(inside), count, replace=False)]])
    for _ in range(12):
        nearest = np.argmin(((inside[:, None] - centres[None]) ** 2).sum(axis=2), axis=1)
        for k in range(1, len(centres)):
            if (nearest == k).any():
                centres[k] = inside[nearest == k].mean(axis=0)
    moved = centres[1:] + rng.normal(scale=900.0, size=(count, 2))
    kept = shapely.contains_xy(shapely.buffer(polygon, -800.0), moved[:, 0], moved[:, 1])
    return np.where(kept[:, None], moved, centres[1:])


def lattice(town: Town, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Return the block centres of a town and their (column, row) in its street lattice.

    Lines are 0.7 to 1.35 blocks apart, turned by the bearing, and bent by long waves: streets that
    someone once laid out straight and that a river and a railway bent later.
    """
    widest = town.radius_m * 1.9
    lines = []
    for _ in (0, 1):
        steps = rng.uniform(0.7, 1.35, size=int(2.2 * widest / town.block_m) + 6) * town.block_m
        at = np.cumsum(steps)
        lines.append(at - at[len(at) // 2])
    column, row = np.meshgrid(np.arange(len(lines[0]) - 1), np.arange(len(lines[1]) - 1))
    middle = [0.5 * (line[:-1] + line[1:]) for line in lines]
    local = np.column_stack([middle[0][column.ravel()], middle[1][row.ravel()]])
    bent = local.copy()
    for _ in range(3):
        length = rng.uniform(1.0, 2.4) * max(town.radius_m, 600.0)
        direction = rng.uniform(0, 2 * np.pi)
        wave = np.array([np.cos(direction), np.sin(direction)]) * (2 * np.pi / length)
        push = rng.uniform(0, 2 * np.pi)
        amount = 0.008 * length * np.sin(local @ wave + rng.uniform(0, 2 * np.pi))
        bent += amount[:, None] * np.array([np.cos(push), np.sin(push)])
    bent += rng.normal(scale=0.02 * town.block_m, size=bent.shape)
    cosine, sine = np.cos(town.bearing_rad), np.sin(town.bearing_rad)
    turned = bent @ np.array([[cosine, sine], [-sine, cosine]]) + np.asarray(town.centre)
    rough = rng.normal(scale=0.05, size=len(turned))
    inside = town.reach(turned) + rough < 1.0
    index = np.column_stack([column.ravel(), row.ravel()])[inside]
    return turned[inside], index
