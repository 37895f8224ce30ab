"""The arrays of a cell index, and how they are made from polygons."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

Array = npt.NDArray[np.generic]
FloatArray = npt.NDArray[np.float64]
ObjectArray = npt.NDArray[np.object_]

CELLS_PER_EDGE = 16.0
CELLS_PER_AREA = 256.0
MOST_CELLS = 3e8
CROWDED = 24
"""A cell with more edges is divided."""

_AT_ONCE = 20_000
_FINEST = 2.0**16
"""A cell's side in units in the last place of the largest coordinate, at least."""

_LARGEST = 1e9
"""No coordinate may be larger; degrees and metres on Earth stay far below."""

_SMALLEST = 1e-100  # as gis.geometry.predicates.SMALLEST, which would import numba


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What building an index took: seconds, bytes of its arrays, cells and what they hold."""

    seconds: float
    bytes: int
    areas: int
    edges: int
    cells: int
    border_cells: int


@dataclass(frozen=True)
class Layout:
    """The plain arrays of an index; all read-only, so that they may be mapped from a file.

    ``packed`` holds, one after the other, ``cells``, ``words`` and ``owners``, described in
    :mod:`gis.geometry.cell_records`, and ``rank``, the place of each area's key among all; its
    first words say where each begins, and where the last ends. The polygons are kept as
    ``coordinates`` (n, 2), ``rings`` (starts in coordinates), ``polygons`` (starts in rings) and
    ``areas`` (starts in polygons), each with its end as last entry; ``bounds`` (n, 4) are west,
    south, east, north, not a number for an empty area; ``multi`` tells multipolygons from polygons.
    """

    packed: npt.NDArray[np.int64]
    coordinates: FloatArray
    rings: npt.NDArray[np.int64]
    polygons: npt.NDArray[np.int64]
    areas: npt.NDArray[np.int64]
    bounds: FloatArray
    multi: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        for field in fields(self):
            getattr(self, field.name).setflags(write=False)

    @property
    def nbytes(self) -> int:
        """Return the size of all arrays."""
        return sum(int(getattr(self, field.name).nbytes) for field in fields(self))

    def unpacked(
        self,
    ) -> tuple[
        npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int32]
    ]:
        """Return views of cells, words, owners and rank; the last two with some zeros behind."""
        a, b, c, d, e = self.packed[:5].tolist()
        view = self.packed
        return (
            view[a:b].view(np.int32),
            view[b:c],
            view[c:d].view(np.int32),
            view[d:e].view(np.int32),
        )

    def geometries(self) -> ObjectArray:
        """Return the areas as shapely polygons and multipolygons, two-dimensional."""
        number = len(self.areas) - 1
        made = np.empty(number, dtype=object)
        made[:] = shapely.Polygon()
        if not len(self.coordinates):
            return made
        offsets = (self.rings, self.polygons)
        parts = shapely.from_ragged_array(shapely.GeometryType.POLYGON, self.coordinates, offsets)
        of_part = np.repeat(np.arange(number), np.diff(self.areas))
        one = self.multi[of_part] == 0
        made[of_part[one]] = parts[one]
        if not one.all():
            shapely.multipolygons(parts[~one], indices=of_part[~one], out=made)
        return made


def lay_out(geometries: ObjectArray, keys: Sequence[str]) -> tuple[Layout, BuildReport]:
    """Build the arrays of an index.

    Raises
    ------
    ValueError
        A geometry is not a valid polygon or multipolygon, or a coordinate is too large or too
        near to zero for the arithmetic (above 1e9, or not zero and below 1e-100).
    """
    from gis.geometry.cell_sweep import (  # noqa: PLC0415 - numba is imported when needed
        build_index,
        words_needed,
    )
    from gis.geometry.edge_table import edge_table  # noqa: PLC0415

    started = time.perf_counter()
    _refuse_invalid(geometries)
    rank = np.empty(len(keys), dtype=np.int32)
    rank[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys), dtype=np.int32)
    coordinates, rings, polygons, areas = _ragged(geometries)
    ring_area = np.repeat(np.arange(1, len(areas), dtype=np.int32), np.diff(polygons[areas]))
    edges, left, right = edge_table(coordinates, rings, ring_area)
    raster, finest = _raster(edges, len(keys))
    table = (edges.reshape(-1), left, right)
    room = _Room.of(raster[3] * raster[4], words_needed(table[0], raster), len(keys))
    cells, words, owners, borders = build_index(
        table, len(keys), raster, (CROWDED, finest), (room.cells, room.words)
    )
    if len(words) >= 2**31:
        message = f"the index would need {len(words):,} words, more than 2**31"
        raise ValueError(message)
    number_of_edges, number_of_cells = len(edges), len(cells)
    del edges, left, right, table
    layout = Layout(
        packed=room.packed(cells, words, owners, rank),
        coordinates=coordinates,
        rings=rings,
        polygons=polygons,
        areas=areas,
        bounds=np.ascontiguousarray(shapely.bounds(geometries)),
        multi=(shapely.get_type_id(geometries) == shapely.GeometryType.MULTIPOLYGON).astype(
            np.uint8
        ),
    )
    report = BuildReport(
        seconds=time.perf_counter() - started,
        bytes=layout.nbytes,
        areas=len(keys),
        edges=number_of_edges,
        cells=number_of_cells,
        border_cells=borders,
    )
    return layout, report


@dataclass(frozen=True)
class _Room:
    """Room for the packed arrays, in which they are built: a copy of them would double the peak.

    Some more than is needed as a rule is set aside; memory that is never written to costs nothing.
    """

    whole: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int32]
    words: npt.NDArray[np.int64]

    @classmethod
    def of(cls, cells: int, words: int, areas: int) -> _Room:
        """Set room aside for so many cells and words, and for what divided cells may need."""
        for_cells = _whole_lines(cells * 4 + cells // 16)
        for_words = words + words // 8 + 4096
        start = 8 + for_cells
        for_owners = words // 8 + 4096
        whole = np.zeros(start + for_words + for_owners + _whole_lines(4 * areas), dtype=np.int64)
        return cls(whole, whole[8:start].view(np.int32), whole[start : start + for_words])

    def packed(
        self,
        cells: npt.NDArray[np.int32],
        words: npt.NDArray[np.int64],
        owners: npt.NDArray[np.int32],
        rank: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int64]:
        """Return the arrays as one; its first words say where each begins."""
        grown = not (
            np.may_share_memory(cells, self.cells) and np.may_share_memory(words, self.words)
        )
        starts = np.cumsum(
            [
                8,
                _whole_lines(cells.nbytes) if grown else len(self.cells) // 2,
                _whole_lines(words.nbytes),
                _whole_lines(owners.nbytes),
                _whole_lines(rank.nbytes),
            ]
        )
        arrays: tuple[npt.NDArray[Any], ...] = (cells, words, owners, rank)
        if grown or starts[-1] > len(self.whole):
            packed, behind = np.zeros(starts[-1], dtype=np.int64), 0
        else:
            packed, behind = self.whole[: starts[-1]], 2  # the first two are there already
        packed[: len(starts)] = starts
        for array, start in zip(arrays[behind:], starts[behind:], strict=False):
            place = packed[start : start + -(-array.nbytes // 8)].view(array.dtype)
            place[: array.size] = array
        return packed


def _whole_lines(size: int) -> int:
    """Return how many words so many bytes fill, in whole lines of 64 bytes."""
    return -(-size // 64) * 8


def _refuse_invalid(geometries: ObjectArray) -> None:
    kinds = shapely.get_type_id(geometries)
    if not np.isin(kinds, (3, 6)).all():
        raise ValueError("every geometry must be a polygon or a multipolygon")
    with np.errstate(invalid="ignore"):  # not-a-number is among what we look for
        invalid = np.flatnonzero(~shapely.is_valid(geometries))
    if len(invalid):
        first = int(invalid[0])
        reason = shapely.is_valid_reason(geometries[first])
        message = f"{len(invalid)} geometries are invalid, the first at {first}: {reason}"
        raise ValueError(message)


def _ragged(
    geometries: ObjectArray,
) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return coordinates, rings, polygons and areas of a layout, shells anticlockwise.

    Some areas at a time: several copies of everything would be made on the way.
    """
    coordinates = np.empty((int(shapely.get_num_coordinates(geometries).sum()), 2))
    lengths: dict[str, list[npt.NDArray[np.int64]]] = {"ring": [], "polygon": [], "area": []}
    filled = 0
    for start in range(0, len(geometries), _AT_ONCE):
        some = geometries[start : start + _AT_ONCE]
        parts, of_part = shapely.get_parts(shapely.orient_polygons(some), return_index=True)
        full = ~shapely.is_empty(parts)
        parts, of_part = parts[full], of_part[full]
        lengths["area"].append(np.bincount(of_part, minlength=len(some)))
        if not len(parts):
            continue
        _, found, (rings, polygons) = shapely.to_ragged_array(parts, include_z=False)
        _refuse_extremes(found)
        # no negative zero: equal means same bits
        np.add(found, 0.0, out=coordinates[filled : filled + len(found)])
        filled += len(found)
        lengths["ring"].append(np.diff(rings))
        lengths["polygon"].append(np.diff(polygons))
    ring, polygon, area = (_starts(some) for some in lengths.values())
    return coordinates[:filled], ring, polygon, area


def _starts(lengths: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Return where runs of these lengths begin, and where the last one ends."""
    ends: npt.NDArray[np.int64] = np.cumsum(
        np.concatenate([np.zeros(1, dtype=np.int64), *lengths]), dtype=np.int64
    )
    return ends


def _refuse_extremes(coordinates: FloatArray) -> None:
    size = np.abs(coordinates)
    if (size > _LARGEST).any() or ((size > 0.0) & (size < _SMALLEST)).any():
        message = f"coordinates must be 0 or between {_SMALLEST} and {_LARGEST} in size"
        raise ValueError(message)


def _raster(edges: FloatArray, areas: int) -> tuple[tuple[float, float, float, int, int], float]:
    """Return west, south, cell size, columns, rows; and the smallest size that a cell may have.

    A margin of at least a cell lies around the extent.
    """
    if not len(edges):
        return (0.0, 0.0, 1.0, 1, 1), 1.0
    x, y = edges[:, 0::2], edges[:, 1::2]
    west, east, south, north = float(x.min()), float(x.max()), float(y.min()), float(y.max())
    finest = _FINEST * float(np.spacing(max(abs(west), abs(east), abs(south), abs(north))))
    width, height = max(east - west, finest), max(north - south, finest)
    wanted = min(max(CELLS_PER_EDGE * len(edges), CELLS_PER_AREA * areas), MOST_CELLS)
    size = max((width * height / wanted) ** 0.5, width / wanted, height / wanted, finest)
    columns, rows = int(np.ceil(width / size)) + 3, int(np.ceil(height / size)) + 3
    return (west - 1.5 * size, south - 1.5 * size, size, columns, rows), finest
