"""Kernels that build the cell index: edges into cells, then a reference point for each cell.

Which cell a point lies in is computed by the same monotonic function everywhere, so a cell's
points fill a box; an edge is listed in every cell whose box, widened by a thousandth of its side,
it meets. A sweep then carries the state (see :mod:`gis.geometry.cell_records`) from cell to cell,
row by row, starting outside of everything. Cells that hold too many edges are divided again.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_records import (
    CROSSED,
    HEAD,
    LOW_32,
    ONE,
    PER_EDGE,
    RASTER,
    RASTER_WORDS,
    Ints,
    Numbers,
    Words,
    edge_label,
    passes,
    state_of,
)
from gis.geometry.compiled import compiled
from gis.geometry.predicates import SMALLEST, on_edge, orientation

Offsets = npt.NDArray[np.int64]

_WIDENED: Final = 1.0 / 1024.0
_DEEPEST: Final = 6
_BAND: Final = 1 << 17
_GOLDEN: Final = 0.6180339887498949


@compiled
def _slot(value: float, start: float, per_degree: float, slots: int) -> int:
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
            first = _slot(low, south, per_degree, rows) // band
            for k in range(first, _slot(high, south, per_degree, rows) // band + 1):
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
        first = _slot(ax, west, per_degree, columns)
        last = _slot(bx, west, per_degree, columns)
        lowest = _slot(min(ay, by), south, per_degree, rows)
        highest = _slot(max(ay, by), south, per_degree, rows)
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
                low = max(low, _slot(bottom, south, per_degree, rows))
                high = min(high, _slot(top, south, per_degree, rows))
            for row in range(max(low, first_row), min(high + 1, end_row)):
                cell = (row - first_row) * columns + column
                if fill:
                    listed[offsets[cell]] = number
                offsets[cell] += 1


@compiled
def _reference(
    flat: Numbers, listed: Ints, first: int, last: int, west: float, south: float, size: float
) -> tuple[float, float]:
    """Return a point well inside a cell that lies on none of its edges.

    The candidates after the middle lie on a parabola: an edge meets at most two of them.
    """
    x, y = west + 0.5 * size, south + 0.5 * size
    for attempt in range(1, 2 * (last - first) + 64):
        free = not (0.0 < abs(x) < SMALLEST or 0.0 < abs(y) < SMALLEST)
        for k in range(first, last):
            e = 4 * listed[k]
            ax, ay, bx, by = flat[e], flat[e + 1], flat[e + 2], flat[e + 3]
            if orientation(ax, ay, bx, by, x, y) == 0 and on_edge(ax, ay, bx, by, x, y):
                free = False
                break
        if free:
            return x, y
        along = (attempt * _GOLDEN) % 1.0
        x = west + size * (0.1 + 0.8 * along)
        y = south + size * (0.1 + 0.8 * along * along)
    raise ValueError("no point off the edges")


@compiled
def _change(held: Offsets, n: int, area: int, by: int) -> int:
    """Add ``by`` to how often an area is held; return how many areas are listed."""
    if area == 0:
        return n
    for i in range(n):
        if held[2 * i] == area:
            held[2 * i + 1] += by
            if held[2 * i + 1] == 0:
                held[2 * i] = held[2 * n - 2]
                held[2 * i + 1] = held[2 * n - 1]
                return n - 1
            return n
    held[2 * n] = area
    held[2 * n + 1] = by
    return n + 1


@compiled
def _carry(
    flat: Numbers,
    left: Ints,
    right: Ints,
    listed: Ints,
    first: int,
    last: int,
    seen: Offsets,
    stamp: int,
    way: tuple[float, float, float, float],
    state: int,
    held: Offsets,
    n: int,
) -> tuple[int, int]:
    """Carry the state along a way over the listed edges, each once per stamp."""
    for k in range(first, last):
        number = listed[k]
        if seen[number] == stamp:
            continue
        seen[number] = stamp
        e = 4 * number
        side = orientation(flat[e], flat[e + 1], flat[e + 2], flat[e + 3], way[0], way[1])
        if passes(flat, e, side, way[0], way[1], way[2], way[3]) == CROSSED:
            state += side * (state_of(right[number]) - state_of(left[number]))
            gone, come = left[number], right[number]
            if side < 0:
                gone, come = come, gone
            n = _change(held, n, gone, -1)
            n = _change(held, n, come, 1)
    return state, n


@compiled
def _roomy(array: npt.NDArray[np.int64], used: int, more: int) -> npt.NDArray[np.int64]:
    """Return the array, or a larger copy, with room for more."""
    if used + more <= array.size:
        return array
    larger = np.zeros(used + more + (used + more) // 2, dtype=array.dtype)
    larger[:used] = array[:used]
    return larger


@compiled
def _roomy_ints(array: Ints, used: int, more: int) -> Ints:
    """Return the array, or a larger copy, with room for more."""
    if used + more <= array.size:
        return array
    larger = np.zeros(used + more + (used + more) // 2, dtype=array.dtype)
    larger[:used] = array[:used]
    return larger


@compiled
def _put_raster(
    words: Words, at: int, west: float, south: float, size: float, columns: int, rows: int, cell: int
) -> None:
    """Write the record of a raster."""
    numbers = words.view(np.float64)
    words[at] = RASTER
    numbers[at + 1], numbers[at + 2], numbers[at + 3] = west, south, 1.0 / size
    words[at + 4], words[at + 5], words[at + 6] = columns, rows, cell
    numbers[at + 7] = size


@compiled
def _put_cell(
    words: Words,
    at: int,
    flat: Numbers,
    left: Ints,
    right: Ints,
    edges: Ints,
    owner: int,
    x: float,
    y: float,
    state: int,
) -> None:
    """Write the record of a cell."""
    numbers = words.view(np.float64)
    words[at] = np.int64(edges.size) | (np.int64(owner) << 32)
    numbers[at + 1], numbers[at + 2] = x, y
    words[at + 3] = state
    at += HEAD
    for number in edges:
        e = 4 * number
        side = orientation(flat[e], flat[e + 1], flat[e + 2], flat[e + 3], x, y)
        for i in range(4):
            numbers[at + i] = flat[e + i]
        words[at + 4] = edge_label(left[number], right[number], side)
        at += PER_EDGE


@compiled
def build_index(
    edges: Numbers,
    left: Ints,
    right: Ints,
    areas: int,
    whole: tuple[float, float, float, int, int],
    crowded: int,
    smallest: float,
) -> tuple[Ints, Words, Ints, int]:
    """Return cells, words and owners (see :mod:`gis.geometry.cell_records`), and border cells.

    ``whole`` is the raster's west, south, cell size, columns and rows, with a margin of a cell on
    the west; cells with more than ``crowded`` edges are divided, but never below ``smallest``.
    """
    flat = edges.ravel()
    west, south, size, columns, rows = whole
    words = np.zeros(1024 + 28 * left.size, dtype=np.int64)
    _put_raster(words, 0, west, south, size, columns, rows, 0)
    used = RASTER_WORDS
    cells = np.zeros(columns * rows, dtype=np.int32)
    used_cells = columns * rows
    owners = np.zeros(1024, dtype=np.int32)
    used_owners = 1
    held = np.zeros(2 * areas + 8, dtype=np.int64)
    held_first = np.zeros(2 * areas + 8, dtype=np.int64)
    seen = np.zeros(left.size, dtype=np.int64)
    stamp = 0
    borders = 0
    # What waits to be divided: record of its raster, edges of the cell above, depth; the whole first.
    queue = np.zeros(4096, dtype=np.int64)
    queue[:4] = (0, -1, 0, 0)
    queued, done = 4, 0
    while done < queued:
        raster, parent, depth, slot = queue[done], queue[done + 1], queue[done + 2], queue[done + 3]
        done += 4
        numbers = words.view(np.float64)
        if parent < 0:
            ids = owners[:0]
            n_first, state_first, start_x, start_y = 0, 0, 0.0, 0.0
        else:
            # The parent's edges were put where its list of numbers is kept: see below.
            count = words[parent] & LOW_32
            ids = np.empty(count, dtype=np.int32)
            for i in range(count):
                ids[i] = words[slot + i]
            start_x, start_y = numbers[parent + 1], numbers[parent + 2]
            state_first = words[parent + 3]
            n_first = 0
            areas_there = state_first // ONE
            for i in range(areas_there):
                area = owners[(words[parent] >> 32) + i] if areas_there > 1 else state_first - ONE
                n_first = _change(held_first, n_first, area, 1)
        west, south, size = numbers[raster + 1], numbers[raster + 2], numbers[raster + 7]
        columns, rows, cell0 = words[raster + 4], words[raster + 5], words[raster + 6]
        band = rows
        if parent < 0:
            band = max(_BAND // columns, 1)
            band_starts, band_ids = bands(edges, words, band)
        for row in range(rows):
            if row % band == 0:
                if parent < 0:
                    ids = band_ids[band_starts[row // band] : band_starts[row // band + 1]]
                offsets, listed = spread(edges, ids, words, raster, row, min(band, rows - row))
            held[: 2 * n_first] = held_first[: 2 * n_first]
            n, state = n_first, state_first
            x, y = start_x, start_y
            behind, first, last = ids, 0, ids.size
            if parent < 0:
                last = 0
            record = 0  # of the last cell without edges in several areas, as long as it holds
            for column in range(columns):
                cell = row * columns + column
                local = cell - row // band * band * columns
                here, there = offsets[local], offsets[local + 1]
                cell_west, cell_south = west + column * size, south + row * size
                if here == there and first == last:
                    x, y = cell_west + 0.5 * size, cell_south + 0.5 * size
                else:
                    to_x, to_y = _reference(flat, listed, here, there, cell_west, cell_south, size)
                    stamp += 1
                    way = (x, y, to_x, to_y)
                    state, n = _carry(
                        flat, left, right, behind, first, last, seen, stamp, way, state, held, n
                    )
                    state, n = _carry(
                        flat, left, right, listed, here, there, seen, stamp, way, state, held, n
                    )
                    x, y = to_x, to_y
                    record = 0
                behind, first, last = listed, here, there
                several = state >= 2 * ONE
                if here == there and not several:
                    cells[cell0 + cell] = state - ONE if state > 0 else 0
                    continue
                if record > 0:
                    cells[cell0 + cell] = -record
                    continue
                owner = 0
                if several:
                    owners = _roomy_ints(owners, used_owners, n)
                    owner = used_owners
                    for i in range(n):
                        owners[used_owners + i] = held[2 * i]
                    used_owners += n
                count = there - here
                divide = count > crowded and depth < _DEEPEST
                if divide and parent >= 0:
                    divide = 4 * count <= 3 * ids.size
                pieces = min(max(int(np.ceil(np.sqrt(4.0 * count))), 4), 256)
                divide = divide and size / pieces >= smallest
                words = _roomy(words, used, HEAD + PER_EDGE * count + count + 2 * RASTER_WORDS)
                _put_cell(
                    words, used, flat, left, right, listed[here:there], owner, x, y, state
                )
                cells[cell0 + cell] = -used
                borders += count > 0
                at = used
                if here == there:
                    record = used
                used += HEAD + PER_EDGE * count
                if divide:
                    for i in range(count):
                        words[used + i] = listed[here + i]
                    queue = _roomy(queue, queued, 4)
                    queue[queued : queued + 4] = (used + count, at, depth + 1, used)
                    queued += 4
                    used += count
                    _put_raster(
                        words, used, cell_west, cell_south, size / pieces, pieces, pieces, used_cells
                    )
                    cells_before = used_cells
                    used_cells += pieces * pieces
                    cells = _roomy_ints(cells, cells_before, pieces * pieces)
                    cells[cell0 + cell] = -used
                    used += RASTER_WORDS
            if parent < 0 and state != 0:
                raise ValueError("rings do not close")
    words = _roomy(words, used, RASTER_WORDS)
    return cells[:used_cells], words[: used + RASTER_WORDS], owners[:used_owners], borders
