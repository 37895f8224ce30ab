"""Made tilings of any size: wavy cells that share every edge, vertex by vertex."""

from __future__ import annotations

import numpy as np
import shapely

from gis.geometry.frames import Geometries
from gis.geometry.gcj02 import Floats

WEST, SOUTH = 118.25, 32.25
SIDE = 2.0**-8  # degrees: about 370 m by 430 m


def wavy_tiling(columns: int, rows: int, *, vertices: int = 25, seed: int = 1) -> Geometries:
    """Cells in reading order from the south-west, each with ``4 * vertices`` vertices."""
    random = np.random.default_rng(seed)
    corners = np.stack(
        np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="xy"), axis=-1
    ) + random.uniform(-0.2, 0.2, (rows + 1, columns + 1, 2))
    across = _lines(corners[:, :-1], corners[:, 1:], vertices, random)
    upward = _lines(corners[:-1], corners[1:], vertices, random)
    rings = np.concatenate(
        [
            across[:-1],
            upward[:, 1:],
            _reverse(across[1:], corners[1:, 1:]),
            _reverse(upward[:, :-1], corners[1:, :-1]),
        ],
        axis=2,
    )
    placed = rings * SIDE + (WEST, SOUTH)
    closed = np.concatenate([placed, placed[:, :, :1]], axis=2)
    return np.asarray(shapely.polygons(closed.reshape(columns * rows, -1, 2)), dtype=object)


def _lines(start: Floats, end: Floats, vertices: int, random: np.random.Generator) -> Floats:
    """Return each edge's vertices without its end."""
    share = np.arange(vertices) / vertices
    line = start[:, :, None] + (end - start)[:, :, None] * share[None, None, :, None]
    wave = random.uniform(-0.3, 0.3, line.shape) / vertices
    wave[:, :, 0] = 0.0
    return np.asarray(line + wave, dtype=np.float64)


def _reverse(lines: Floats, ends: Floats) -> Floats:
    """Return the edges walked the other way: from their end, without their start."""
    whole = np.concatenate([lines, ends[:, :, None]], axis=2)
    return np.asarray(whole[:, :, :0:-1], dtype=np.float64)
