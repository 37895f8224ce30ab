"""Made city layers: contiguous areas of about a hundred vertices whose borders really match."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

PIECES = 25  # edges along each of an area's four sides


def tiling(
    number: int, *, seed: int = 1, west: float = 118.0, south: float = 32.0, degrees: float = 1.0
) -> npt.NDArray[np.object_]:
    """Return about ``number`` valid polygons that tile a square without gaps or overlaps."""
    n = max(1, round(number**0.5))
    generator = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0)), axis=-1)
    corners += generator.uniform(-0.15, 0.15, corners.shape)
    across = _sides(corners[:, :-1], corners[:, 1:], generator)  # (n + 1, n, PIECES + 1, 2)
    up = _sides(corners[:-1], corners[1:], generator)  # (n, n + 1, PIECES + 1, 2)
    rings = np.concatenate(
        [
            across[:-1, :, :-1],
            up[:, 1:, :-1],
            across[1:, :, :0:-1],
            up[:, :-1, :0:-1],
            across[:-1, :, :1],
        ],
        axis=2,
    ).reshape(n * n, -1, 2)
    areas: npt.NDArray[np.object_] = shapely.polygons(rings / n * degrees + (west, south))
    return areas


def _sides(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return wiggly lines: so flat near their ends that no two lines of a corner meet."""
    along = np.linspace(0.0, 1.0, PIECES + 1)
    shape = (*start.shape[:-1], PIECES + 1)
    aside = generator.uniform(-0.25, 0.25, shape) * np.minimum(along, 1.0 - along)
    forward = end - start
    left = np.stack([-forward[..., 1], forward[..., 0]], axis=-1)
    lines = (
        start[..., None, :]
        + along[:, None] * forward[..., None, :]
        + aside[..., None] * left[..., None, :]
    )
    lines[..., 0, :], lines[..., -1, :] = start, end
    return lines
