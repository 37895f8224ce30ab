"""How the cell index lies in memory, and how to walk from a reference point to another point.

``cells`` (int32) holds one number per cell of each raster: 0 for no area, ``position + 1`` for a
cell wholly inside one area, ``-offset`` for a record in ``words`` (int64; coordinates are doubles
in the same 64 bits, read through ``numbers``, a view of ``words``). A record is one of

=========  ========================================================================================
a raster   RASTER, west, south, cells per degree, columns, rows, first cell in ``cells``, cell size
a cell     its number of edges + (first owner in ``owners``) * 2**32, reference x, reference y,
           state at the reference point, then per edge: x and y of its start, of its end, label
=========  ========================================================================================

The record at offset 0 is the raster of the whole extent; other rasters divide crowded cells.

A *state* says which areas cover a point that is on no edge, as a sum over them of
``ONE + position + 1``: from one area it is read off, and the count in its upper part tells where
areas overlap. Sums do not care in which order edges are crossed, nor whether the edges of
neighbours match. Where a reference point has two or more areas, ``owners`` lists them.

An edge's *label* packs the areas on its left and right (position + 1, 0 for none) and on which
side the reference point lies.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.compiled import compiled
from gis.geometry.predicates import ERROR_BOUND, SMALLEST, on_edge, orientation

Words = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

RASTER: Final = -1
RASTER_WORDS: Final = 8
HEAD: Final = 4
PER_EDGE: Final = 5
ONE: Final = 1 << 40
LOW_32: Final = (1 << 32) - 1
LOW_30: Final = (1 << 30) - 1
MOST_AREAS: Final = LOW_30 - 1

BESIDE: Final = 0
CROSSED: Final = 1
TOUCHED: Final = 2

UNSURE: Final = -4
"""The answer of :func:`owner_by_floats` where it cannot vouch for one."""


@compiled
def edge_label(left: int, right: int, side: int) -> np.int64:
    """Pack the areas beside an edge and the side (-1, 0, 1) of the reference point."""
    return np.int64(left) | (np.int64(right) << 30) | (np.int64(side + 1) << 60)


@compiled
def state_of(area: int) -> int:
    """Return what one area (position + 1, 0 for none) adds to a state."""
    return ONE + area if area > 0 else 0


@compiled
def passes(
    numbers: Numbers, edge: int, side: int, from_x: float, from_y: float, x: float, y: float
) -> int:
    """Tell whether the segment to (x, y) crosses an edge, or ends on it.

    ``side`` is where the segment's start lies, which must not be on the edge itself. Vertices on
    the line of the segment count as left of it: the crossing is that of a segment moved aside by
    less than any distance, so that it meets no vertex.
    """
    ax, ay = numbers[edge], numbers[edge + 1]
    bx, by = numbers[edge + 2], numbers[edge + 3]
    end = orientation(ax, ay, bx, by, x, y)
    if end == 0:
        # On the edge's line but not on the edge: its ends lie on one side of the segment's line.
        return TOUCHED if on_edge(ax, ay, bx, by, x, y) else BESIDE
    if side in (end, 0):
        return BESIDE
    a_left = orientation(from_x, from_y, x, y, ax, ay) >= 0
    b_left = orientation(from_x, from_y, x, y, bx, by) >= 0
    return CROSSED if a_left != b_left else BESIDE


@compiled
def walk(words: Words, numbers: Numbers, record: int, x: float, y: float) -> int:
    """Return the state at a point of a record's cell, -1 where the point lies on an edge."""
    edges = words[record] & LOW_32
    ref_x, ref_y = numbers[record + 1], numbers[record + 2]
    state: int = words[record + 3]
    edge = record + HEAD
    for _ in range(edges):
        label = words[edge + 4]
        side = (label >> 60) - 1
        met = passes(numbers, edge, side, ref_x, ref_y, x, y)
        if met == TOUCHED:
            return -1
        if met == CROSSED:
            left, right = label & LOW_30, (label >> 30) & LOW_30
            state += side * (state_of(right) - state_of(left))
        edge += PER_EDGE
    return state


@compiled
def owner_by_floats(words: Words, numbers: Numbers, record: int, x: float, y: float) -> int:
    """Return the position of the only owner of a point of a record's cell, -1 for none, or UNSURE.

    What :func:`walk` does, without a branch on any of the three signs that :func:`passes` asks of
    each edge: a processor guesses such a branch wrong every other time, which costs more than to
    compute all three. Where their error bounds leave all signs certain, the point is on no edge,
    and no vertex on the line of the segment.
    """
    if words[record] < 0 or abs(x) < SMALLEST or abs(y) < SMALLEST:
        return UNSURE  # a crowded cell; a product may underflow
    ref_x, ref_y = numbers[record + 1], numbers[record + 2]
    state = words[record + 3]
    sure = True
    edge = record + HEAD
    for _ in range(words[record] & LOW_32):
        ax, ay, bx, by = numbers[edge], numbers[edge + 1], numbers[edge + 2], numbers[edge + 3]
        label = words[edge + 4]
        side = (label >> 60) - 1
        a_x, a_y, b_x, b_y = ax - x, ay - y, bx - x, by - y
        one, two = a_x * b_y, a_y * b_x
        end = one - two
        sure &= side != 0 and abs(end) > ERROR_BOUND * (abs(one) + abs(two))
        one, two = (ref_y - ay) * a_x, (ref_x - ax) * a_y
        start_side = one - two
        sure &= abs(start_side) > ERROR_BOUND * (abs(one) + abs(two))
        one, two = (ref_y - by) * b_x, (ref_x - bx) * b_y
        end_side = one - two
        sure &= abs(end_side) > ERROR_BOUND * (abs(one) + abs(two))
        crossed = ((end > 0.0) != (side > 0)) & ((start_side > 0.0) != (end_side > 0.0))
        left, right = label & LOW_30, (label >> 30) & LOW_30
        change = right - left + ONE * (np.int64(right > 0) - np.int64(left > 0))
        state += side * np.int64(crossed) * change
        edge += PER_EDGE
    if not sure or state >= 2 * ONE:
        return UNSURE
    return state - ONE - 1 if state > 0 else -1


@compiled
def area_covers(
    words: Words, numbers: Numbers, owners: Ints, record: int, area: int, x: float, y: float
) -> bool:
    """Tell whether one area (position + 1) covers a point of a record's cell."""
    inside = owns_reference(words, owners, record, area)
    ref_x, ref_y = numbers[record + 1], numbers[record + 2]
    edge = record + HEAD
    for _ in range(words[record] & LOW_32):
        label = words[edge + 4]
        left, right = label & LOW_30, (label >> 30) & LOW_30
        if area in (left, right):
            met = passes(numbers, edge, (label >> 60) - 1, ref_x, ref_y, x, y)
            if met == TOUCHED:
                return True
            if met == CROSSED and left != right:
                inside = not inside
        edge += PER_EDGE
    return inside


@compiled
def owns_reference(words: Words, owners: Ints, record: int, area: int) -> bool:
    """Tell whether an area covers the reference point of a record."""
    state = words[record + 3]
    count = state // ONE
    if count <= 1:
        return bool(state == state_of(area))
    first = words[record] >> 32
    for i in range(count):  # noqa: SIM110 - compiled code has no generators
        if owners[first + i] == area:
            return True
    return False
