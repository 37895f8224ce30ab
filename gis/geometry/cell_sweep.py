"""Kernels that build the cell index: a reference point and its owner for each cell near an edge.

A sweep carries the state (see :mod:`gis.geometry.cell_records`) from cell to cell, row by row,
starting outside of everything. Cells that hold too many edges are divided again.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_rasters import Offsets, bands, counts, put_raster, spread
from gis.geometry.cell_records import (
    CROSSED,
    HEAD,
    LOW_32,
    ONE,
    PER_EDGE,
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

Table = tuple[Numbers, Ints, Ints]
"""All edges, flat: x and y of start and end; the areas left of them; the areas right of them."""

Store = tuple[Ints, Words, Ints, Offsets]
"""What is being made: cells, words, owners, and the queue of rasters to fill."""

_DEEPEST: Final = 6
_BAND: Final = 1 << 17  # cells whose edges are listed at a time
_GOLDEN: Final = 0.6180339887498949

# Places in the array that counts how much of the store is used.
_CELLS: Final = 0
_WORDS: Final = 1
_OWNERS: Final = 2
_QUEUE: Final = 3
_BORDERS: Final = 4
_STAMP: Final = 5

_TASK: Final = 4
"""A raster to fill: its record, the record of the cell above (-1 for none), depth, edge list."""


@compiled
def _reference(
    flat: Numbers, edges: Ints, west: float, south: float, size: float
) -> tuple[float, float]:
    """Return a point well inside a cell that lies on none of its edges.

    The candidates after the middle lie on a parabola: an edge meets at most two of them.
    """
    x, y = west + 0.5 * size, south + 0.5 * size
    for attempt in range(1, 2 * edges.size + 64):
        free = not (0.0 < abs(x) < SMALLEST or 0.0 < abs(y) < SMALLEST)
        for number in edges:
            e = 4 * number
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
    table: Table,
    listed: Ints,
    seen: Offsets,
    stamp: int,
    way: tuple[float, float, float, float],
    state: int,
    held: Offsets,
    n: int,
) -> tuple[int, int]:
    """Carry the state along a way over the listed edges, each once per stamp."""
    flat, left, right = table
    for number in listed:
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
def _put_cell(
    table: Table,
    store: Store,
    used: Offsets,
    edges: Ints,
    x: float,
    y: float,
    state: int,
    held: Offsets,
) -> tuple[Store, int]:
    """Write the record of a cell, and its owners where they are several; return its offset."""
    flat, left, right = table
    cells, words, owners, queue = store
    owner = 0
    count = state // ONE
    if count > 1:
        owner = used[_OWNERS]
        owners = _roomy_ints(owners, owner, count)
        for i in range(count):
            owners[owner + i] = held[2 * i]
        used[_OWNERS] += count
    record = used[_WORDS]
    words = _roomy(words, record, HEAD + PER_EDGE * edges.size)
    numbers = words.view(np.float64)
    words[record] = np.int64(edges.size) | (np.int64(owner) << 32)
    numbers[record + 1], numbers[record + 2] = x, y
    words[record + 3] = state
    at = record + HEAD
    for number in edges:
        e = 4 * number
        side = orientation(flat[e], flat[e + 1], flat[e + 2], flat[e + 3], x, y)
        for i in range(4):
            numbers[at + i] = flat[e + i]
        words[at + 4] = edge_label(left[number], right[number], side)
        at += PER_EDGE
    used[_WORDS] = at
    return (cells, words, owners, queue), record


@compiled
def _divide(
    store: Store,
    used: Offsets,
    edges: Ints,
    box: tuple[float, float, float],
    pieces: int,
    record: int,
    depth: int,
) -> tuple[Store, int]:
    """Make a raster of a cell (west, south, size), to be filled later; return its offset."""
    cells, words, owners, queue = store
    at = used[_WORDS]
    words = _roomy(words, at, edges.size + RASTER_WORDS)
    words[at : at + edges.size] = edges
    raster = at + edges.size
    put_raster(words, raster, box[0], box[1], box[2] / pieces, pieces, pieces, used[_CELLS])
    used[_WORDS] = raster + RASTER_WORDS
    cells = _roomy_ints(cells, used[_CELLS], pieces * pieces)
    used[_CELLS] += pieces * pieces
    queue = _roomy(queue, used[_QUEUE], _TASK)
    queue[used[_QUEUE]] = raster
    queue[used[_QUEUE] + 1] = record
    queue[used[_QUEUE] + 2] = depth
    queue[used[_QUEUE] + 3] = at
    used[_QUEUE] += _TASK
    return (cells, words, owners, queue), raster


@compiled
def _pieces(count: int, depth: int, above: int, size: float, limits: tuple[int, float]) -> int:
    """Return into how many columns and rows to divide a cell, 0 to leave it whole.

    Where dividing the cell above hardly helped (edges that meet in one point, or lie on each
    other), it would not help again.
    """
    crowded, smallest = limits
    if count <= crowded or depth >= _DEEPEST or (above > 0 and 4 * count > 3 * above):
        return 0
    pieces = min(max(int(np.ceil(np.sqrt(4.0 * count))), 4), 256)
    return pieces if size / pieces >= smallest else 0


@compiled
def _sweep_row(
    table: Table,
    store: Store,
    used: Offsets,
    place: tuple[int, int, int, int],
    lists: tuple[Ints, Ints],
    start: tuple[Ints, float, float, int, int],
    scratch: tuple[Offsets, Offsets],
    limits: tuple[int, float],
) -> Store:
    """Fill one row of a raster: ``place`` is raster, row, depth and how many edges are above.

    ``start`` is the point where the row's walk begins, with the edges on the way to the first
    cell, the state, and how many areas of the scratch's first array it is the sum of.
    """
    raster, row, depth, above = place
    offsets, listed = lists
    behind, x, y, state, n = start
    held, seen = scratch
    numbers = store[1].view(np.float64)
    west, south, size = numbers[raster + 1], numbers[raster + 2], numbers[raster + 7]
    columns = store[1][raster + 4]
    cell = store[1][raster + 6] + row * columns
    repeated = 0  # the record of the last cell without edges in several areas, while it holds
    for column in range(columns):
        edges = listed[offsets[column] : offsets[column + 1]]
        cell_west, cell_south = west + column * size, south + row * size
        if edges.size == 0 and behind.size == 0:
            x, y = cell_west + 0.5 * size, cell_south + 0.5 * size
        else:
            to_x, to_y = _reference(table[0], edges, cell_west, cell_south, size)
            used[_STAMP] += 1
            way = (x, y, to_x, to_y)
            state, n = _carry(table, behind, seen, used[_STAMP], way, state, held, n)
            state, n = _carry(table, edges, seen, used[_STAMP], way, state, held, n)
            x, y = to_x, to_y
            repeated = 0
        behind = edges
        if edges.size == 0 and state < 2 * ONE:
            value = state - ONE if state > 0 else 0
        elif edges.size == 0 and repeated > 0:
            value = -repeated
        else:
            store, record = _put_cell(table, store, used, edges, x, y, state, held)
            repeated = record if edges.size == 0 else 0
            used[_BORDERS] += edges.size > 0
            pieces = _pieces(edges.size, depth, above, size, limits)
            value = -record
            if pieces > 0:
                box = (cell_west, cell_south, size)
                store, below = _divide(store, used, edges, box, pieces, record, depth + 1)
                value = -below
        store[0][cell + column] = value
    if above == 0 and state != 0:
        raise ValueError("rings do not close")
    return store


@compiled
def _fill_whole(
    table: Table,
    store: Store,
    used: Offsets,
    scratch: tuple[Offsets, Offsets],
    limits: tuple[int, float],
) -> Store:
    """Fill the raster of the whole extent, some rows at a time."""
    edges = table[0].reshape((-1, 4))
    columns, rows = store[1][4], store[1][5]
    band = max(_BAND // columns, 1)
    starts, numbers = bands(edges, store[1], band)
    none = numbers[:0]
    for first in range(0, rows, band):
        ids = numbers[starts[first // band] : starts[first // band + 1]]
        offsets, listed = spread(edges, ids, store[1], 0, first, min(band, rows - first))
        for row in range(first, min(first + band, rows)):
            lists = (offsets[(row - first) * columns :], listed)
            start = (none, 0.0, 0.0, 0, 0)
            store = _sweep_row(table, store, used, (0, row, 0, 0), lists, start, scratch, limits)
    return store


@compiled
def _fill_divided(
    table: Table,
    store: Store,
    used: Offsets,
    task: int,
    scratch: tuple[Offsets, Offsets],
    limits: tuple[int, float],
) -> Store:
    """Fill the raster of a divided cell: each row starts from the reference point of the cell."""
    _, words, owners, queue = store
    raster, parent, depth, at = queue[task], queue[task + 1], queue[task + 2], queue[task + 3]
    numbers = words.view(np.float64)
    x, y, state = numbers[parent + 1], numbers[parent + 2], words[parent + 3]
    ids = words[at : at + (words[parent] & LOW_32)].astype(np.int32)
    first, count = words[parent] >> 32, state // ONE
    columns, rows = words[raster + 4], words[raster + 5]
    offsets, listed = spread(table[0].reshape((-1, 4)), ids, words, raster, 0, rows)
    for row in range(rows):
        n = 0
        for i in range(count):
            area = owners[first + i] if count > 1 else state - ONE
            n = _change(scratch[0], n, area, 1)
        lists = (offsets[row * columns :], listed)
        place = (raster, row, depth, ids.size)
        store = _sweep_row(table, store, used, place, lists, (ids, x, y, state, n), scratch, limits)
    return store


@compiled
def words_needed(flat: Numbers, whole: tuple[float, float, float, int, int]) -> int:
    """Return how many words the records of a raster's cells fill where none is divided."""
    west, south, size, columns, rows = whole
    words = np.zeros(RASTER_WORDS, dtype=np.int64)
    put_raster(words, 0, west, south, size, columns, rows, 0)
    edges = flat.reshape((-1, 4))
    band = max(_BAND // columns, 1)
    starts, numbers = bands(edges, words, band)
    needed = 3 * RASTER_WORDS
    for first in range(0, rows, band):
        ids = numbers[starts[first // band] : starts[first // band + 1]]
        for count in counts(edges, ids, words, 0, first, min(band, rows - first)):
            needed += HEAD + PER_EDGE * count if count > 0 else 0
    return needed


@compiled
def build_index(
    table: Table,
    areas: int,
    whole: tuple[float, float, float, int, int],
    limits: tuple[int, float],
    room: tuple[Ints, Words],
) -> tuple[Ints, Words, Ints, int]:
    """Return cells, words and owners (see :mod:`gis.geometry.cell_records`), and border cells.

    ``whole`` is the raster's west, south, cell size, columns and rows, with a margin of a cell all
    around; ``limits`` are the edges from which on a cell is divided, and the side of a cell that is
    never divided. Cells and words are put into the ``room`` (zeros), as long as it lasts.
    """
    west, south, size, columns, rows = whole
    number = table[1].size
    cells, words = room
    owners = np.zeros(1024, dtype=np.int32)
    queue = np.zeros(1024, dtype=np.int64)
    put_raster(words, 0, west, south, size, columns, rows, 0)
    used = np.zeros(6, dtype=np.int64)
    used[_CELLS], used[_WORDS] = columns * rows, RASTER_WORDS
    scratch = (np.zeros(2 * areas + 8, dtype=np.int64), np.zeros(number, dtype=np.int64))
    store = _fill_whole(table, (cells, words, owners, queue), used, scratch, limits)
    done = 0
    while done < used[_QUEUE]:
        store = _fill_divided(table, store, used, done, scratch, limits)
        done += _TASK
    cells, words, owners, _ = store
    words = _roomy(words, used[_WORDS], RASTER_WORDS)  # readers look a little ahead
    return (
        cells[: used[_CELLS]],
        words[: used[_WORDS] + RASTER_WORDS],
        owners[: used[_OWNERS]],
        used[_BORDERS],
    )
