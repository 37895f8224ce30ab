"""Kernels that answer which areas cover a point, from the arrays of the cell index."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_records import (
    HEAD,
    LOW_30,
    LOW_32,
    ONE,
    PER_EDGE,
    RASTER,
    UNSURE,
    Ints,
    Numbers,
    Words,
    area_covers,
    owner_by_floats,
    walk,
)
from gis.geometry.compiled import compiled
from gis.geometry.predicates import SMALLEST

IntArray = npt.NDArray[np.intp]

TOO_SMALL: Final = -2
"""The answer where a coordinate is too near to zero for the predicate to be certain."""

SEVERAL: Final = -3
"""The answer where more than one area may cover a point, or a coordinate is too near to zero."""

_BLOCK: Final = 512


@compiled
def descend(cells: Ints, words: Words, numbers: Numbers, value: int, x: float, y: float) -> int:
    """Follow the rasters of crowded cells down to a cell's own value."""
    found = value
    while found < 0 and words[-found] == RASTER:
        at = -found
        per_degree = numbers[at + 3]
        column = min(max(int((x - numbers[at + 1]) * per_degree), 0), words[at + 4] - 1)
        row = min(max(int((y - numbers[at + 2]) * per_degree), 0), words[at + 5] - 1)
        found = cells[words[at + 6] + row * words[at + 4] + column]
    return found


@compiled
def top_value(cells: Ints, words: Words, numbers: Numbers, x: float, y: float) -> int:
    """Return the value of the cell of the whole raster that holds a point, 0 outside of it."""
    across = (x - numbers[1]) * numbers[3]
    up = (y - numbers[2]) * numbers[3]
    columns, rows = words[4], words[5]
    if not (across >= 0.0 and up >= 0.0 and across < columns and up < rows):
        return 0  # not-a-number comes here too
    value: int = cells[int(up) * columns + int(across)]
    return value


@compiled
def resolve(
    cells: Ints,
    words: Words,
    owners: Ints,
    rank: Ints,
    value: int,
    x: float,
    y: float,
) -> int:
    """Return the position of the owner of a point whose cell has a record."""
    numbers = words.view(np.float64)
    value = descend(cells, words, numbers, value, x, y)
    if value >= 0:
        return value - 1
    if 0.0 < abs(x) < SMALLEST or 0.0 < abs(y) < SMALLEST:
        return TOO_SMALL
    state = walk(words, numbers, -value, x, y)
    if state == 0:
        return -1
    if 0 < state < 2 * ONE:
        return state - ONE - 1
    return _first(words, owners, rank, -value, x, y)


@compiled
def _first(words: Words, owners: Ints, rank: Ints, record: int, x: float, y: float) -> int:
    """Return the covering area of the smallest rank, looking at each area of a record."""
    numbers = words.view(np.float64)
    best = -1
    first = words[record] >> 32
    state = words[record + 3]
    count = state // ONE
    for i in range(count):
        area = owners[first + i] if count > 1 else state - ONE
        better = best < 0 or rank[area - 1] < rank[best]
        if better and area_covers(words, numbers, owners, record, area, x, y):
            best = area - 1
    for i in range(words[record] & LOW_32):
        label = words[record + HEAD + PER_EDGE * i + 4]
        for area in (label & LOW_30, (label >> 30) & LOW_30):
            if area == 0:
                continue
            better = best < 0 or rank[area - 1] < rank[best]
            if better and area_covers(words, numbers, owners, record, area, x, y):
                best = area - 1
    return best


@compiled
def locate_one(packed: Words, x: float, y: float) -> int:
    """Return the position of the area that covers a point, -1 for none.

    One array as argument, because Python hands over each at the price of a look-up; see
    :class:`gis.geometry.cell_layout.Layout`.
    """
    cells = packed[packed[0] : packed[1]].view(np.int32)
    words = packed[packed[1] : packed[2]]
    value = top_value(cells, words, words.view(np.float64), x, y)
    if value >= 0:
        return value - 1
    owners = packed[packed[2] : packed[3]].view(np.int32)
    rank = packed[packed[3] : packed[4]].view(np.int32)
    return resolve(cells, words, owners, rank, value, x, y)


@compiled
def sole_owner(packed: Words, x: float, y: float) -> int:
    """Return the position of the only area that covers a point, -1 for none, or SEVERAL."""
    cells = packed[packed[0] : packed[1]].view(np.int32)
    words = packed[packed[1] : packed[2]]
    numbers = words.view(np.float64)
    value = descend(cells, words, numbers, top_value(cells, words, numbers, x, y), x, y)
    if value >= 0:
        return value - 1
    if 0.0 < abs(x) < SMALLEST or 0.0 < abs(y) < SMALLEST:
        return SEVERAL
    state = walk(words, numbers, -value, x, y)
    if state == 0:
        return -1
    return state - ONE - 1 if 0 < state < 2 * ONE else SEVERAL


@compiled
def locate_many(
    cells: Ints,
    words: Words,
    owners: Ints,
    rank: Ints,
    lon: Numbers,
    lat: Numbers,
    out: IntArray,
) -> int:
    """Locate many points into ``out``; return how many came out as TOO_SMALL.

    In blocks: first the cells of all points, whose reads from memory do not wait for each other,
    then the records of those near an edge.
    """
    numbers = words.view(np.float64)
    west, south, per_degree = numbers[1], numbers[2], numbers[3]
    columns, rows = words[4], words[5]
    waiting = np.empty(_BLOCK, dtype=np.int64)
    values = np.empty(_BLOCK, dtype=np.int64)
    too_small = 0
    touched, last = np.int64(0), words.size - 1
    for start in range(0, lon.size, _BLOCK):
        end = min(start + _BLOCK, lon.size)
        n = 0
        for k in range(start, end):
            across = (lon[k] - west) * per_degree
            up = (lat[k] - south) * per_degree
            value = np.int64(0)
            if across >= 0.0 and up >= 0.0 and across < columns and up < rows:
                value = np.int64(cells[int(up) * columns + int(across)])
            out[k] = value - 1
            waiting[n] = k
            values[n] = value
            n += int(value < 0)
        for i in range(n):  # all at once, the next two lines of memory of each record too
            at = -values[i]
            touched += words[at] + words[min(at + 8, last)] + words[min(at + 16, last)]
        for i in range(n):
            k = waiting[i]
            found = owner_by_floats(words, numbers, -values[i], lon[k], lat[k])
            if found == UNSURE:
                found = resolve(cells, words, owners, rank, values[i], lon[k], lat[k])
                too_small += int(found == TOO_SMALL)
            out[k] = found
    waiting[0] = touched
    return too_small


@compiled
def covering(cells: Ints, words: Words, owners: Ints, x: float, y: float) -> tuple[IntArray, int]:
    """Return positions that cover a point, unordered, and how many of them count.

    The number is TOO_SMALL where the point must be looked at in exact arithmetic.
    """
    numbers = words.view(np.float64)
    value = descend(cells, words, numbers, top_value(cells, words, numbers, x, y), x, y)
    found = np.empty(1, dtype=np.intp)
    if value >= 0:
        found[0] = value - 1
        return found, 1 if value > 0 else 0
    if 0.0 < abs(x) < SMALLEST or 0.0 < abs(y) < SMALLEST:
        return found, TOO_SMALL
    record = -value
    candidates = _candidates(words, owners, record)
    n = 0
    for area in candidates:
        if area_covers(words, numbers, owners, record, area, x, y):
            candidates[n] = area - 1
            n += 1
    return candidates, n


@compiled
def _candidates(words: Words, owners: Ints, record: int) -> IntArray:
    """Return the areas (position + 1) that a record names, each once."""
    edges = words[record] & LOW_32
    state = words[record + 3]
    count = state // ONE
    named = np.zeros(count + 2 * edges + 1, dtype=np.intp)
    for i in range(count):
        named[i] = owners[(words[record] >> 32) + i] if count > 1 else state - ONE
    for i in range(edges):
        label = words[record + HEAD + PER_EDGE * i + 4]
        named[count + 2 * i] = label & LOW_30
        named[count + 2 * i + 1] = (label >> 30) & LOW_30
    named.sort()
    kept = 0
    for i in range(named.size):
        if named[i] > 0 and (kept == 0 or named[kept - 1] != named[i]):
            named[kept] = named[i]
            kept += 1
    return named[:kept]
