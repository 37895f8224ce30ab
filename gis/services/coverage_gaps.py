"""Where nobody is reached: the ground that circles leave, or the cells of uncovered homes.

In a straight line the gap of an area is exact: the area less the circles. Along roads reach is no
ground but stretches of road, so a gap is drawn as the cells in which uncovered people live; it
counts nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import shapely

from gis.geometry.circles import EqualAreaFrame, circles, uncovered, without_slivers

if TYPE_CHECKING:
    from gis.services.city_reading import Parts

FloatArray = npt.NDArray[np.float64]
GeometryArray = npt.NDArray[np.object_]
IntArray = npt.NDArray[np.int64]
PositionArray = npt.NDArray[np.intp]

SLIVER_M: Final = 20.0
"""Uncovered parts narrower than this are not drawn (they still count)."""
DRAWN_TO_M: Final = 20.0
"""Gap polygons are simplified to this for drawing; figures come from the full geometry."""
CELL_M: Final = 250.0
"""Side of the cells that a gap along roads is drawn with."""
_KEPT: Final = 8
_MANY: Final = 60  # changed stations, beyond which all areas are cut anew

Places = frozenset[tuple[float, float]]


class Gaps(Protocol):
    """The uncovered part of each area.

    ``area_m2`` is that of the part; ``covered_m2`` is of the whole scope, None along roads, where
    reach has no area.
    """

    @property
    def area_m2(self) -> FloatArray: ...  # noqa: D102
    @property
    def covered_m2(self) -> float | None: ...  # noqa: D102

    def shapes_of(self, areas: PositionArray) -> GeometryArray:
        """Return the parts of some areas in the plane of the frame; they may be empty."""
        ...


@dataclass(frozen=True, slots=True)
class GroundGaps:
    """Gaps that are ground; see :class:`Gaps`."""

    shapes: GeometryArray
    area_m2: FloatArray
    covered_m2: float | None

    def shapes_of(self, areas: PositionArray) -> GeometryArray:
        """Return the parts of some areas."""
        return self.shapes[areas]


@dataclass(slots=True)
class CircleGaps:
    """What circles of one radius leave of the parts; a few moved circles cost only their areas."""

    parts: Parts
    radius_m: float
    _kept: list[tuple[Places, GroundGaps]] = field(default_factory=list)

    def left_by(self, positions: FloatArray) -> GroundGaps:
        """Return what circles around these positions leave."""
        places = frozenset((float(lon), float(lat)) for lon, lat in positions)
        if self._kept:
            before = min(self._kept, key=lambda kept: len(kept[0] ^ places))
            changed = before[0] ^ places
            if not changed:
                return before[1]
            if len(changed) <= _MANY:
                return self._remembered(places, self._changed(before[1], places, changed))
        return self._remembered(places, self._whole(places))

    def _remembered(self, places: Places, gaps: GroundGaps) -> GroundGaps:
        self._kept = [*self._kept[-_KEPT + 1 :], (places, gaps)]
        return gaps

    def _discs(self, places: Places) -> GeometryArray:
        at = np.array(sorted(places)).reshape(-1, 2)
        return self.parts.frame.to_plane(circles(at, self.radius_m, equal_area=True))

    def _whole(self, places: Places) -> GroundGaps:
        discs = self._discs(places)
        box = shapely.box(*shapely.total_bounds(self.parts.plane))
        (scope,) = self.parts.frame.to_plane(np.array([self.parts.scope_outline], dtype=object))
        discs = discs[shapely.intersects(discs, shapely.union(box, shapely.box(*scope.bounds)))]
        reached = uncovered(self.parts.plane, discs)
        left = float(shapely.area(shapely.difference(scope, reached.discs)))
        return GroundGaps(
            reached.gaps, np.asarray(shapely.area(reached.gaps)), self.parts.scope_m2 - left
        )

    def _changed(self, before: GroundGaps, places: Places, changed: Places) -> GroundGaps:
        tree = shapely.STRtree(self.parts.plane)
        touched = np.unique(tree.query(self._discs(changed), predicate="intersects")[1])
        if not len(touched):
            return before
        discs = self._discs(places)
        ground = shapely.box(*shapely.total_bounds(self.parts.plane[touched]))
        discs = discs[shapely.intersects(discs, ground)]
        shapes = before.shapes.copy()
        shapes[touched] = uncovered(self.parts.plane[touched], discs).gaps
        area = before.area_m2.copy()
        area[touched] = shapely.area(shapes[touched])
        covered = (before.covered_m2 or 0.0) - float((area - before.area_m2)[touched].sum())
        return GroundGaps(shapes, area, covered)


class CellGaps:
    """The cells in which people of each area live, ready to be asked who is left over.

    Parameters
    ----------
    positions, members
        (n, 2) lon, lat of places, and the area of each (-1: none).
    """

    def __init__(self, parts: Parts, positions: FloatArray, members: PositionArray) -> None:
        self._areas = len(parts.areas)
        self._inside = np.flatnonzero(members >= 0)
        points = np.asarray(shapely.points(positions[self._inside]), dtype=object)
        plane = shapely.get_coordinates(parts.frame.to_plane(points))
        cell = np.floor(plane / CELL_M).astype(np.int64)
        rows = np.column_stack([members[self._inside], cell])
        found, group = np.unique(rows, axis=0, return_inverse=True)
        self._group = group.reshape(-1)
        self.area, self.low = found[:, 0], found[:, 1:] * CELL_M

    def left_by(self, uncovered_people: IntArray) -> LeftCells:
        """Return the cells in which uncovered people live."""
        people = np.bincount(
            self._group, weights=uncovered_people[self._inside], minlength=len(self.area)
        )
        some = people > 0
        count = np.bincount(self.area[some], minlength=self._areas)
        return LeftCells(self, some, np.asarray(count * CELL_M**2, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class LeftCells:
    """Gaps drawn as cells; see :class:`Gaps`."""

    cells: CellGaps
    some: npt.NDArray[np.bool_]
    area_m2: FloatArray
    covered_m2: None = None

    def shapes_of(self, areas: PositionArray) -> GeometryArray:
        """Return the cells of some areas, joined."""
        shapes = np.full(len(areas), shapely.MultiPolygon(), dtype=object)
        chosen = np.flatnonzero(self.some & np.isin(self.cells.area, areas))
        if len(chosen):
            low, owner = self.cells.low[chosen], self.cells.area[chosen]
            boxes = shapely.box(low[:, 0], low[:, 1], low[:, 0] + CELL_M, low[:, 1] + CELL_M)
            place = {int(area): number for number, area in enumerate(areas)}
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(owner)], strict=True):
                shapes[place[int(owner[start])]] = shapely.coverage_union_all(boxes[start:end])
        return shapes


def drawn_gaps(
    gaps: Gaps,
    frame: EqualAreaFrame,
    people: IntArray,
    chosen: npt.NDArray[np.intp],
    *,
    drawn_to_m: float = DRAWN_TO_M,
    digits: int = 6,
) -> tuple[npt.NDArray[np.intp], list[dict[str, Any] | None]]:
    """Return which of the chosen areas have a gap to show, and its GeoJSON geometry.

    Every area with uncovered people has one, so the people of all gaps are all uncovered people.
    Parts narrower than :data:`SLIVER_M` are left out of the drawing; where nothing wider is left
    the geometry is whole if people live in it, and the gap is left out if nobody does.
    """
    whole = gaps.shapes_of(chosen)
    wide = without_slivers(whole, SLIVER_M)
    narrow = shapely.is_empty(wide) & (people[chosen] > 0)
    wide[narrow] = whole[narrow]
    shown = np.flatnonzero(~shapely.is_empty(wide) | (people[chosen] > 0))
    shapes = drawable(wide[shown], frame, drawn_to_m, digits)
    shapes[shapely.is_empty(shapes)] = None
    geometries = [json.loads(text) if text else None for text in shapely.to_geojson(shapes)]
    return chosen[shown], geometries


def drawable(
    plane: GeometryArray, frame: EqualAreaFrame, tolerance_m: float, digits: int = 6
) -> GeometryArray:
    """Return polygons of the plane simplified as one coverage, in rounded lon/lat.

    Edges that neighbours share stay shared (`shapely.coverage_simplify`).
    """
    simplified = shapely.coverage_simplify(plane, tolerance_m) if len(plane) else plane
    moved = frame.to_lon_lat(np.asarray(simplified, dtype=object))
    return rounded(moved, digits)


def rounded(shapes: GeometryArray, digits: int) -> GeometryArray:
    """Return geometries with so many digits of a degree."""
    result = shapely.transform(shapes, lambda positions: np.round(positions, digits))
    return np.asarray(result, dtype=object)
