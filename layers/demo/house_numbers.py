"""House numbers 门牌 along streets, and which grid a point lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo.frame import Floats, Ints, degrees
from layers.demo.roads import Roads
from layers.demo.streets import Streets

NUMBER_EVERY_M: Final = 22.0
SETBACK_M: Final = 14.0


class Locator:
    """Which general grid of the demo city covers a point, in lon/lat."""

    def __init__(self, polygons: NDArray[Any]) -> None:
        self._tree = shapely.STRtree(polygons)

    def locate(self, lonlat: Floats) -> Ints:
        """Return the label of the grid per point, -1 outside; the smaller label on a border."""
        label = np.full(len(lonlat), -1)
        point, grid = self._tree.query(shapely.points(lonlat), predicate="covered_by")
        order = np.lexsort((-grid, point))
        label[point[order]] = grid[order]
        return label


@dataclass(frozen=True, slots=True)
class HouseNumbers:
    """Numbered places along named streets."""

    xy: Floats
    lonlat: Floats
    grid: Ints
    road: list[str]
    number: Ints


def number_streets(
    roads: Roads, streets: Streets, locator: Locator, rng: np.random.Generator
) -> HouseNumbers:
    """Return house numbers: odd left, even right, growing along each street."""
    named = np.array([name is not None for name in streets.name]) & (roads.axis >= 0)
    members = np.flatnonzero(named)
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(roads.lines[members], 0.5, normalized=True)
    )
    # Rows run west-east, columns south-north; the bearing of a town is under 45 degrees.
    along = np.where(roads.axis[members] == 1, middle[:, 0], middle[:, 1])
    order = np.lexsort((along, roads.number[members], roads.axis[members], roads.town[members]))
    members = members[order]
    length = shapely.length(roads.lines[members])
    street = np.column_stack([roads.town[members], roads.axis[members], roads.number[members]])
    new = np.r_[True, (street[1:] != street[:-1]).any(axis=1)]
    start = np.cumsum(length) - length
    start -= np.repeat(start[new], np.diff(np.r_[np.flatnonzero(new), len(members)]))
    first, last = np.ceil(start / NUMBER_EVERY_M), np.ceil((start + length) / NUMBER_EVERY_M)
    count = (last - first).astype(np.int64)
    edge = np.repeat(np.arange(len(members)), count)
    step = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    at = step * NUMBER_EVERY_M - start[edge]
    lines = roads.lines[members]
    # Pieces run either way; turn them so that numbers grow along the street.
    ends = shapely.get_coordinates(shapely.get_point(lines, -1)) - shapely.get_coordinates(
        shapely.get_point(lines, 0)
    )
    backward = np.where(roads.axis[members] == 1, ends[:, 0], ends[:, 1]) < 0
    at = np.where(backward[edge], length[edge] - at, at)
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], at))
    direction = np.where(backward[edge, None], -ends[edge], ends[edge])
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-6)[:, None]
    left = np.column_stack([-direction[:, 1], direction[:, 0]])
    both = np.vstack([here + SETBACK_M * left, here - SETBACK_M * left])
    both += rng.normal(scale=1.5, size=both.shape)
    number = np.r_[2 * step + 1, 2 * step + 2].astype(np.int64)
    which = np.r_[edge, edge]
    lonlat = degrees(both)
    grid = locator.locate(lonlat)
    good = np.flatnonzero(grid >= 0)
    road = [streets.name[members[k]] or "" for k in which[good]]
    return HouseNumbers(both[good], lonlat[good], grid[good], road, number[good])
