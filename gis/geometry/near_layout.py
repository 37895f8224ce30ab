"""What lies near: boxes of a few edges, and a coarse raster over the boxes of areas."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.int64]

BLOCK: Final = 16
"""Edges that share a bounding box."""


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
