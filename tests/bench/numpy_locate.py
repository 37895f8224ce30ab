"""The cell index's arrays read by numpy alone: what the compiler is worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_index import CellIndex

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]

_ERROR_BOUND = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
_BLOCK = 1 << 16
_UNSURE = 2


def locate(index: CellIndex, lon: Floats, lat: Floats) -> npt.NDArray[np.intp]:
    """Return what ``index.locate`` returns; what floats cannot decide is asked of the index."""
    out = np.empty(len(lon), dtype=np.intp)
    for start in range(0, len(lon), _BLOCK):
        part = slice(start, start + _BLOCK)
        out[part] = _block(index, lon[part], lat[part])
    return out


def _block(index: CellIndex, x: Floats, y: Floats) -> npt.NDArray[np.intp]:
    cells, words, _, _ = index._arrays
    numbers = words.view(np.float64)
    across, up = (x - numbers[1]) * numbers[3], (y - numbers[2]) * numbers[3]
    inside = (across >= 0) & (up >= 0) & (across < words[4]) & (up < words[5])
    at = np.where(inside, up, 0).astype(np.int64) * words[4] + np.where(inside, across, 0).astype(
        np.int64
    )
    value = np.where(inside, cells[at], 0).astype(np.int64)
    out = value - 1
    near = np.flatnonzero(value < 0)
    record = -value[near]
    divided = words[record] < 0
    state, sure = _walk(words, numbers, record[~divided], x[near[~divided]], y[near[~divided]])
    one = 1 << 40
    plain = sure & (state >= 0) & (state < 2 * one)
    out[near[~divided][plain]] = np.where(state > 0, state - one, 0)[plain] - 1
    for k in np.concatenate([near[divided], near[~divided][~plain]]):
        out[k] = index.locate_one(x[k], y[k])
    return out


def _walk(
    words: npt.NDArray[np.int64], numbers: Floats, record: Signs, x: Floats, y: Floats
) -> tuple[Signs, npt.NDArray[np.bool_]]:
    edges = words[record] & 0xFFFFFFFF
    rx, ry = numbers[record + 1], numbers[record + 2]
    state = words[record + 3].copy()
    sure = np.ones(len(record), dtype=bool)
    for k in range(int(edges.max(initial=0))):
        rows = np.flatnonzero(edges > k)
        e = record[rows] + 4 + 5 * k
        ax, ay, bx, by = (numbers[e + i] for i in range(4))
        label = words[e + 4]
        side = (label >> 60) - 1
        end = _orientation(ax, ay, bx, by, x[rows], y[rows])
        sure[rows] &= end != _UNSURE
        met = np.flatnonzero((end != side) & (side != 0))
        rows, side, label = rows[met], side[met], label[met]
        way = rx[rows], ry[rows], x[rows], y[rows]
        a = _orientation(*way, ax[met], ay[met])
        b = _orientation(*way, bx[met], by[met])
        sure[rows] &= (a != _UNSURE) & (b != _UNSURE)
        left, right = label & 0x3FFFFFFF, (label >> 30) & 0x3FFFFFFF
        change = (right - left) + (((right > 0).astype(np.int64) - (left > 0)) << 40)
        state[rows] += np.where(a != b, side * change, 0)
    return state, sure


def _orientation(*coordinates: Floats) -> Signs:
    """1, -1, or _UNSURE."""
    ax, ay, bx, by, px, py = coordinates
    left, right = (ax - px) * (by - py), (ay - py) * (bx - px)
    determinant = left - right
    bound = _ERROR_BOUND * (np.abs(left) + np.abs(right))
    return np.where(determinant > bound, 1, np.where(determinant < -bound, -1, _UNSURE))
