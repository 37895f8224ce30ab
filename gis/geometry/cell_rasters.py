"""Kernels that list the edges which meet each cell of a raster.

Which cell a point lies in is computed by the same monotonic function everywhere, so a cell's
points fill a box; an edge is listed in every cell whose box, widened by a thousandth of its side,
it meets. The widening is at least sixty times the rounding of what is computed here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_records import RASTER, Ints, Numbers, Words
from gis.geometry.compiled import compiled

Offsets = npt.NDArray[np.int64]

_WIDENED: Final = 1.0 / 1024.0


@compiled
def put_raster(
    words: Words,
    at: int,
    west: float,
    south: float,
    size: float,
    columns: int,
    rows: int,
    cell: int,
) -> None:
    """Write the record of a raster."""
    numbers = words.view(np.float64)
    words[at] = RASTER
    numbers[at + 1], numbers[at + 2], numbers[at + 3] = west, south, 1.0 / size
    words[at + 4], words[at + 5], words[at + 6] = columns, rows, cell
    numbers[at + 7] = size


@compiled
def slot_of(value: float, start: float, per_degree: float, slots: int) -> int:
    """Return the column or row of a coordinate, those beyond the ends in the first and last."""
    at = (value - start) * per_degree
    return int(min(max(at, 0.0), slots - 1.0))


@compiled
def spread(
    edges: Numbers, ids: Ints, words: Words, raster: int, first_row: int, rows: int
) -> tuple[Ints, Ints]:
    """List the edges of each cell of some rows: where each cell's list starts, and the lists."""
    cells = words[raster + 4] * rows
    offsets = np.zeros(cells + 1, dtype=np.int32)
    listed = np.empty(0, dtype=np.int32)
    _visit(edges, ids, words, raster, first_row, offsets, listed)
    total = np.int32(0)
    for cell in range(cells):
        count = offsets[cell]
        offsets[cell] = total
        total += count
    listed = np.empty(total, dtype=np.int32)
    _visit(edges, ids, words, raster, first_row, offsets, listed)
    for cell in range(cells, 0, -1):  # filling moved each start to the next one's
        offsets[cell] = offsets[cell - 1]
    offsets[0] = 0
    return offsets, listed


@compiled
def counts(edges: Numbers, ids: Ints, words: Words, raster: int, first_row: int, rows: int) -> Ints:
    """Return how many edges :func:`spread` lists for each cell of some rows, and a zero."""
    offsets = np.zeros(words[raster + 4] * rows + 1, dtype=np.int32)
    _visit(edges, ids, words, raster, first_row, offsets, np.empty(0, dtype=np.int32))
    return offsets


@compiled
def bands(edges: Numbers, words: Words, band: int) -> tuple[Offsets, Ints]:
    """List the edges of each band of so many rows of the whole raster."""
    numbers = words.view(np.float64)
    south, per_degree, rows = numbers[2], numbers[3], words[5]
    starts = np.zeros((rows - 1) // band + 2, dtype=np.int64)
    listed = np.empty(0, dtype=np.int32)
    for fill in (False, True):
        for number in range(edges.shape[0]):
            low = min(edges[number, 1], edges[number, 3])
            high = max(edges[number, 1], edges[number, 3])
            first = slot_of(low, south, per_degree, rows) // band
            for k in range(first, slot_of(high, south, per_degree, rows) // band + 1):
                if fill:
                    listed[starts[k]] = number
                starts[k] += 1
        if not fill:
            total = np.int64(0)
            for k in range(starts.size):
                count = starts[k]
                starts[k] = total
                total += count
            listed = np.empty(total, dtype=np.int32)
    for k in range(starts.size - 1, 0, -1):
        starts[k] = starts[k - 1]
    starts[0] = 0
    return starts, listed


@compiled
def _visit(
    edges: Numbers,
    ids: Ints,
    words: Words,
    raster: int,
    first_row: int,
    offsets: Ints,
    listed: Ints,
) -> None:
    """Count the edges of each cell, or put them into ``listed`` if that has room."""
    fill = listed.size > 0
    numbers = words.view(np.float64)
    west, south, per_degree = numbers[raster + 1], numbers[raster + 2], numbers[raster + 3]
    columns, rows, size = words[raster + 4], words[raster + 5], numbers[raster + 7]
    pad = size * _WIDENED
    north = south + rows * size
    end_row = first_row + (offsets.size - 1) // columns
    for number in ids:
        ax, ay, bx, by = edges[number]  # ax <= bx
        first = slot_of(ax, west, per_degree, columns)
        last = slot_of(bx, west, per_degree, columns)
        lowest = slot_of(min(ay, by), south, per_degree, rows)
        highest = slot_of(max(ay, by), south, per_degree, rows)
        for column in range(first, last + 1):
            low, high = lowest, highest
            if lowest < highest and ax < bx:
                enters = min(max(west + column * size - pad, ax), bx)
                leaves = min(max(west + (column + 1) * size + pad, ax), bx)
                y1 = ay + (enters - ax) / (bx - ax) * (by - ay)
                y2 = ay + (leaves - ax) / (bx - ax) * (by - ay)
                bottom, top = min(y1, y2) - pad, max(y1, y2) + pad
                if top < south - pad or bottom > north + pad:
                    continue
                low = max(low, slot_of(bottom, south, per_degree, rows))
                high = min(high, slot_of(top, south, per_degree, rows))
            for row in range(max(low, first_row), min(high + 1, end_row)):
                cell = (row - first_row) * columns + column
                if fill:
                    listed[offsets[cell]] = number
                offsets[cell] += 1
