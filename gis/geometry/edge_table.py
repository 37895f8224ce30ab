"""Kernel: the edges of many polygons, each stored once with the areas on both its sides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_records import Ints, Numbers
from gis.geometry.compiled import compiled

Offsets = npt.NDArray[np.int64]

_MIX = np.uint64(0x9E3779B97F4A7C15)


@compiled
def edge_table(coordinates: Numbers, rings: Offsets, ring_area: Ints) -> tuple[Numbers, Ints, Ints]:
    """Return edges (n, 4) from the smaller end to the larger, and the areas left and right of them.

    Parameters
    ----------
    coordinates
        (n, 2), shells anticlockwise and holes clockwise, so that the area lies on the left.
    rings
        Where each ring starts in ``coordinates``, and where the last one ends.
    ring_area
        Position + 1 of each ring's area.

    Returns
    -------
    edges, left, right
        0 where no area uses that side. An edge that two areas have on the same side occurs twice.
    """
    most = coordinates.shape[0]
    size = 8
    while size < 2 * most:
        size *= 2
    table = np.zeros(size, dtype=np.int32)
    edges = np.empty((most, 4))
    left = np.zeros(most, dtype=np.int32)
    right = np.zeros(most, dtype=np.int32)
    bits = edges.view(np.uint64)
    n = 0
    for ring in range(ring_area.size):
        area = ring_area[ring]
        for k in range(rings[ring], rings[ring + 1] - 1):
            ax, ay = coordinates[k, 0], coordinates[k, 1]
            bx, by = coordinates[k + 1, 0], coordinates[k + 1, 1]
            if ax == bx and ay == by:
                continue
            forward = ax < bx or (ax == bx and ay < by)
            edges[n] = (ax, ay, bx, by) if forward else (bx, by, ax, ay)
            slot = _slot(bits[n], size)
            twin = -1
            while table[slot] > 0:
                other = table[slot] - 1
                free = left[other] == 0 if forward else right[other] == 0
                if free and (bits[other] == bits[n]).all():
                    twin = other
                    break
                slot = (slot + 1) & (size - 1)
            if twin < 0:
                twin = n
                table[slot] = n + 1
                n += 1
            if forward:
                left[twin] = area
            else:
                right[twin] = area
    return edges[:n], left[:n], right[:n]


@compiled
def _slot(words: npt.NDArray[np.uint64], size: int) -> int:
    """Return where an edge's search in the hash table begins."""
    mixed = np.uint64(0)
    for i in range(4):
        mixed = (mixed ^ words[i]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    slot: int = np.int64(mixed & np.uint64(size - 1))  # type: ignore[assignment]  # compiled: the same
    return slot
