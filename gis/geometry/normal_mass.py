"""Kernel: the mass of an isotropic normal about a pin over each area near it, and their edges.

The formula is that of :mod:`gis.matching.position`: an edge at distance d (in sigmas), whose ends
lie s1 and s2 along it from the foot of the perpendicular, takes ``T(d, s2 / d) - T(d, s1 / d)`` off
the share of the full turn under which the pin sees the area. That share is 1 where the area covers
the pin and 0 where it does not, which the cell index knows exactly; only for a pin within a
millionth of a sigma of an edge are the angles added up.
"""

from __future__ import annotations

import math
from typing import Final

import llvmlite.binding
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import get_cython_function_address

from gis.geometry.cell_records import Ints, Numbers, Words
from gis.geometry.cell_search import SEVERAL, covering, sole_owner
from gis.geometry.compiled import compiled

Offsets = npt.NDArray[np.int64]
IntArray = npt.NDArray[np.intp]

REACH2: Final = 36.0
"""Edges farther away than 6 sigmas take part by their angle only: under 1.6e-8 is left out."""

NEGLIGIBLE: Final = 1e-7
"""Shares below this are dropped, above what :data:`REACH2` leaves out."""

UNDECIDED: Final = -1
"""The answer where a coordinate is too near to zero for the kernels to be certain."""

COLUMNS: Final = 4
"""Per candidate: position, share, metres outside of it, 1 where it covers the pin."""

BLOCK: Final = 16
"""Edges that share a bounding box."""

_ON_THE_LINE2: Final = 1e-12
_AXIS: Final = 6378137.0
_E2: Final = 0.0066943799901413165

# scipy's Owen's T by its address; compiled code knows it by name, so that it can be kept on disk.
_ADDRESS = get_cython_function_address("scipy.special.cython_special", "owens_t")
llvmlite.binding.add_symbol("gridward_owens_t", _ADDRESS)
_scipy_owens_t = types.ExternalFunction(
    "gridward_owens_t", types.float64(types.float64, types.float64, types.intc)
)


@compiled
def owens_t(h: float, a: float) -> float:
    """Return Owen's T function, as ``scipy.special.owens_t``."""
    value: float = _scipy_owens_t(h, a, np.int32(0))  # type: ignore[call-overload]
    return value


@compiled
def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return what :func:`gis.geometry.cell_index.metres_per_degree` returns."""
    turned = math.radians(lat)
    sine2 = math.sin(turned) ** 2
    prime = _AXIS / math.sqrt(1.0 - _E2 * sine2)
    meridian = _AXIS * (1.0 - _E2) / (1.0 - _E2 * sine2) ** 1.5
    degree = math.pi / 180.0
    return max(prime * math.cos(turned) * degree, 1e-3), meridian * degree


@compiled
def box_distance2(
    boxes: Numbers, block: int, at: tuple[float, float], scale: tuple[float, float]
) -> float:
    """Return the square of the distance of a block's bounding box, in units of ``scale``."""
    dx: float = max(boxes[block, 0] - at[0], at[0] - boxes[block, 2], 0.0) * scale[0]
    dy: float = max(boxes[block, 1] - at[1], at[1] - boxes[block, 3], 0.0) * scale[1]
    return dx * dx + dy * dy


@compiled
def nearest_of_block(
    coordinates: Numbers,
    first: int,
    last: int,
    at: tuple[float, float],
    scale: tuple[float, float],
) -> tuple[float, float, float]:
    """Return the square of the distance to the nearest of a few edges, and the foot."""
    best, best_x, best_y = np.inf, 0.0, 0.0
    bx, by = (coordinates[first, 0] - at[0]) * scale[0], (coordinates[first, 1] - at[1]) * scale[1]
    for k in range(first + 1, last + 1):
        ax, ay = bx, by
        bx, by = (coordinates[k, 0] - at[0]) * scale[0], (coordinates[k, 1] - at[1]) * scale[1]
        dx, dy = bx - ax, by - ay
        dot = -(ax * dx + ay * dy)
        along = 0.0
        if dot > 0.0:
            length2 = dx * dx + dy * dy
            along = 1.0 if dot >= length2 else dot / length2
        x, y = ax + along * dx, ay + along * dy
        distance2 = x * x + y * y
        if distance2 < best:
            best, best_x, best_y = distance2, x, y
    return best, best_x, best_y


@compiled
def nearest_edge(
    coordinates: Numbers,
    blocks: Offsets,
    boxes: Numbers,
    area_blocks: Offsets,
    position: int,
    at: tuple[float, float],
    scale: tuple[float, float],
) -> tuple[float, float, float]:
    """Return the square of the distance of an area's edges in units of ``scale``, and the foot."""
    start, end = area_blocks[position], area_blocks[position + 1]
    best, best_x, best_y = np.inf, 0.0, 0.0
    if start == end:
        return best, best_x, best_y
    promising, promised = start, np.inf
    for block in range(start, end):
        bound = box_distance2(boxes, block, at, scale)
        if bound < promised:
            promising, promised = block, bound
    best, best_x, best_y = nearest_of_block(
        coordinates, blocks[promising, 0], blocks[promising, 1], at, scale
    )
    for block in range(start, end):
        if block != promising and box_distance2(boxes, block, at, scale) < best:
            distance2, x, y = nearest_of_block(
                coordinates, blocks[block, 0], blocks[block, 1], at, scale
            )
            if distance2 < best:
                best, best_x, best_y = distance2, x, y
    return best, best_x, best_y


@compiled
def turned_mass(
    coordinates: Numbers,
    blocks: Offsets,
    boxes: Numbers,
    area_blocks: Offsets,
    position: int,
    at: tuple[float, float],
    scale: tuple[float, float],
    turn: float,
) -> float:
    """Return the mass over an area: the turn (not a number: add up the angles) less the T terms."""
    by_angle = math.isnan(turn)
    mass = 0.0 if by_angle else turn
    for block in range(area_blocks[position], area_blocks[position + 1]):
        if not by_angle and box_distance2(boxes, block, at, scale) > REACH2:
            continue
        first = blocks[block, 0]
        bx = (coordinates[first, 0] - at[0]) * scale[0]
        by = (coordinates[first, 1] - at[1]) * scale[1]
        for k in range(first + 1, blocks[block, 1] + 1):
            ax, ay = bx, by
            bx = (coordinates[k, 0] - at[0]) * scale[0]
            by = (coordinates[k, 1] - at[1]) * scale[1]
            mass -= edge_term(ax, ay, bx, by, by_angle)
    return mass


@compiled
def edge_term(ax: float, ay: float, bx: float, by: float, by_angle: bool) -> float:
    """Return what an edge, in sigmas from the pin, takes off the turn (or off zero, by angle)."""
    dx, dy = bx - ax, by - ay
    length = math.sqrt(dx * dx + dy * dy)
    if length == 0.0:
        return 0.0
    ux, uy = dx / length, dy / length
    d = ax * uy - ay * ux
    if d == 0.0:  # seen end-on, the pin on it or not, it spans no triangle
        return 0.0
    term = -math.atan2(d * length, ax * bx + ay * by) / (2.0 * math.pi) if by_angle else 0.0
    s1, s2 = ax * ux + ay * uy, bx * ux + by * uy
    beyond = max(s1, -s2, 0.0)
    if beyond * beyond + d * d <= REACH2:
        # T is even in d and odd in s / d: the sign of the edge comes with the sign of d.
        term += owens_t(d, s2 / d) - owens_t(d, s1 / d)
    return term


@compiled
def ground_distance(at: tuple[float, float], x_degrees: float, y_degrees: float) -> float:
    """Return the metres of a short way: exact to 0.2 mm within 5 km (mid-latitude formula)."""
    kx, ky = metres_per_degree(at[1] + 0.5 * y_degrees)
    return math.hypot(x_degrees * kx, y_degrees * ky)


@compiled
def near_boxes(buckets: Words, bounds: Numbers, box: tuple[float, float, float, float]) -> IntArray:
    """Return the positions of areas whose bounding box meets a box, ascending."""
    west, south, east, north = box
    numbers = buckets.view(np.float64)
    low_x, low_y, per_x, per_y = numbers[0], numbers[1], numbers[2], numbers[3]
    columns, rows, starts = buckets[4], buckets[5], 8
    items = starts + columns * rows + 1
    c0, c1 = bucket_of(west, low_x, per_x, columns), bucket_of(east, low_x, per_x, columns)
    r0, r1 = bucket_of(south, low_y, per_y, rows), bucket_of(north, low_y, per_y, rows)
    found = np.empty(16, dtype=np.intp)
    n = 0
    for row in range(r0, r1 + 1):
        for column in range(c0, c1 + 1):
            at = starts + row * columns + column
            for i in range(items + buckets[at], items + buckets[at + 1]):
                p = buckets[i]
                # in the first of the buckets that it shares with the box, so that it comes once
                first_c = max(c0, bucket_of(bounds[p, 0], low_x, per_x, columns))
                first_r = max(r0, bucket_of(bounds[p, 1], low_y, per_y, rows))
                if (
                    (first_c != column or first_r != row)
                    or bounds[p, 0] > east
                    or bounds[p, 2] < west
                    or bounds[p, 1] > north
                    or bounds[p, 3] < south
                ):
                    continue
                if n == found.size:
                    grown = np.empty(2 * n, dtype=np.intp)
                    grown[:n] = found
                    found = grown
                found[n] = p
                n += 1
    found = found[:n]
    found.sort()
    return found


@compiled
def bucket_of(value: float, low: float, per_degree: float, number: int) -> int:
    """Return the bucket of a coordinate, the first or the last one for what lies beyond."""
    place = (value - low) * per_degree
    if not place > 0.0:
        return 0
    return number - 1 if place >= number else int(place)


@compiled
def insert(
    rows: Numbers, last: int, rank: Ints, candidate: tuple[float, float, float, float]
) -> None:
    """Put a candidate into its place among rows 1 to ``last``: by share, then by key."""
    position, mass, metres, covers = candidate
    row = last
    while row > 1 and (
        rows[row - 1, 1] < mass
        or (rows[row - 1, 1] == mass and rank[int(rows[row - 1, 0])] > rank[int(position)])
    ):
        rows[row] = rows[row - 1]
        row -= 1
    rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3] = position, mass, metres, covers


@compiled
def share_of(
    field: tuple[Numbers, Offsets, Numbers, Offsets],
    position: int,
    at: tuple[float, float],
    scale: tuple[float, float],
    distance2: float,
    covers: bool,
) -> float:
    """Return the mass over an area whose nearest edge lies at a distance in sigmas."""
    mass = 1.0 if covers else 0.0
    if distance2 > REACH2:
        return mass
    coordinates, blocks, boxes, area_blocks = field
    turn = np.nan if distance2 < _ON_THE_LINE2 else mass
    mass = turned_mass(coordinates, blocks, boxes, area_blocks, position, at, scale, turn)
    return min(max(mass, 0.0), 1.0)


@compiled
def shares(
    packed: Words,
    coordinates: Numbers,
    blocks: Offsets,
    boxes: Numbers,
    area_blocks: Offsets,
    bounds: Numbers,
    buckets: Words,
    lon: float,
    lat: float,
    sigma_m: float,
) -> Numbers:
    """Return what a pin says about the areas of an index, one row per candidate, best first.

    Row 0 is (candidates, share of no area, metres to the nearest edge or not-a-number, areas that
    cover the pin); the others are :data:`COLUMNS`. A ``sigma_m`` of 0 is the plain point, whose
    covering areas share it equally. Row 0 begins with UNDECIDED where the kernels cannot tell.
    """
    cells = packed[packed[0] : packed[1]].view(np.int32)
    words = packed[packed[1] : packed[2]]
    owners = packed[packed[2] : packed[3]].view(np.int32)
    rank = packed[packed[3] : packed[4]].view(np.int32)
    at = (lon, lat)
    sole = sole_owner(packed, lon, lat)
    own = np.empty(1, dtype=np.intp)
    own[0] = sole
    owned = 1 if sole >= 0 else 0
    if sole == SEVERAL:
        own, owned = covering(cells, words, owners, lon, lat)
        if owned < 0:
            undecided = np.zeros((1, COLUMNS))
            undecided[0, 0] = UNDECIDED
            return undecided
    kx, ky = metres_per_degree(lat)
    if sigma_m <= 0.0:
        near = own[:owned].copy()
        unit = 1.0
    else:
        unit = sigma_m
        dx, dy = 6.0 * sigma_m / kx, 6.0 * sigma_m / ky
        near = near_boxes(buckets, bounds, (lon - dx, lat - dy, lon + dx, lat + dy))
    scale = (kx / unit, ky / unit)
    field = (coordinates, blocks, boxes, area_blocks)
    rows = np.zeros((near.size + 1, COLUMNS))
    edge2, edge_x, edge_y = np.inf, 0.0, 0.0
    n, held = 0, 0.0
    for i in range(near.size):
        p = near[i]
        covers = False
        for j in range(owned):
            covers = covers or own[j] == p
        distance2, x, y = nearest_edge(coordinates, blocks, boxes, area_blocks, p, at, scale)
        if (covers or owned == 0) and distance2 < edge2:
            edge2, edge_x, edge_y = distance2, x, y
        mass = 1.0 / owned if sigma_m <= 0.0 else share_of(field, p, at, scale, distance2, covers)
        if mass < NEGLIGIBLE and not covers:  # a sliver may cover the pin and weigh nothing
            continue
        n += 1
        held += mass
        metres = 0.0 if covers else math.sqrt(distance2) * unit
        insert(rows, n, rank, (float(p), mass, metres, 1.0 if covers else 0.0))
    outside = 1.0 - held if held < 1.0 - NEGLIGIBLE else 0.0
    whole = held + outside
    rows[1 : n + 1, 1] /= whole
    reached = owned > 0 or edge2 <= REACH2
    rows[0, 0], rows[0, 1], rows[0, 3] = n, outside / whole, owned
    rows[0, 2] = ground_distance(at, edge_x / scale[0], edge_y / scale[1]) if reached else np.nan
    return rows[: n + 1]


@compiled
def shares_of_many(
    packed: Words,
    coordinates: Numbers,
    blocks: Offsets,
    boxes: Numbers,
    area_blocks: Offsets,
    bounds: Numbers,
    buckets: Words,
    lon: Numbers,
    lat: Numbers,
    sigma_m: Numbers,
) -> tuple[Numbers, Offsets]:
    """Return the rows of :func:`shares` for many pins one after the other, and their starts."""
    starts = np.zeros(lon.size + 1, dtype=np.int64)
    out = np.empty((3 * lon.size + 16, COLUMNS))
    used = 0
    for i in range(lon.size):
        rows = shares(
            packed,
            coordinates,
            blocks,
            boxes,
            area_blocks,
            bounds,
            buckets,
            lon[i],
            lat[i],
            sigma_m[i],
        )
        need = used + rows.shape[0]
        if need > out.shape[0]:
            grown = np.empty((2 * need, COLUMNS))
            grown[:used] = out[:used]
            out = grown
        out[used:need] = rows
        used = need
        starts[i + 1] = used
    return out[:used], starts


def lay_blocks(
    coordinates: Numbers, rings: Offsets, area_rings: Offsets
) -> tuple[Offsets, Numbers, Offsets]:
    """Cut the rings into blocks of at most :data:`BLOCK` edges.

    Returns first and last coordinate of each (n, 2), their bounding boxes (n, 4) as west, south,
    east, north, and where the blocks of each area begin.
    """
    first, last = rings[:-1], rings[1:] - 1
    number = np.maximum(-(-(last - first) // BLOCK), 0)
    which = np.repeat(np.arange(len(first)), number)
    inner = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    begin = first[which] + BLOCK * inner
    blocks = np.column_stack([begin, np.minimum(begin + BLOCK, last[which])]).astype(np.int64)
    boxes = np.empty((len(blocks), 4))
    if len(blocks):
        ranges = blocks.copy()
        ranges[:, 1] += 1
        ranges = ranges.ravel()
        padded = np.concatenate([coordinates, coordinates[-1:]])  # a range may end at the end
        boxes[:, :2] = np.minimum.reduceat(padded, ranges)[::2]
        boxes[:, 2:] = np.maximum.reduceat(padded, ranges)[::2]
    ring_blocks = np.concatenate([[0], np.cumsum(number)])
    return blocks, boxes, ring_blocks[area_rings].astype(np.int64)


def lay_buckets(bounds: Numbers) -> Words:
    """Return a coarse raster over bounding boxes (west, south, east, north), about one an area.

    Two words each for where it begins and for buckets a degree, then columns and rows, two spare
    words, where the areas of each bucket begin among the items, and the items.
    """
    full = np.flatnonzero(np.isfinite(bounds).all(axis=1))
    boxes = bounds[full]
    side = max(1, min(1024, int(len(full) ** 0.5)))
    if not len(full):
        low, per = np.zeros(2), np.ones(2)
    else:
        low = boxes[:, :2].min(axis=0)
        extent = np.maximum(boxes[:, 2:].max(axis=0) - low, 1e-9)
        per = side / extent
    first = np.clip(((boxes[:, :2] - low) * per).astype(np.int64), 0, side - 1)
    last = np.clip(((boxes[:, 2:] - low) * per).astype(np.int64), 0, side - 1)
    spans = last - first + 1
    number = spans[:, 0] * spans[:, 1]
    which = np.repeat(np.arange(len(full)), number)
    inner = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    column = first[which, 0] + inner % spans[which, 0]
    row = first[which, 1] + inner // spans[which, 0]
    bucket = row * side + column
    order = np.argsort(bucket, kind="stable")
    starts = np.zeros(side * side + 1, dtype=np.int64)
    starts[1:] = np.cumsum(np.bincount(bucket, minlength=side * side))
    head = np.zeros(8, dtype=np.int64)
    head[:4] = np.concatenate([low, per]).view(np.int64)
    head[4] = head[5] = side
    return np.concatenate([head, starts, full[which[order]]])
