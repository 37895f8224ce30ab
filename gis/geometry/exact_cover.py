"""Point in polygon by integer arithmetic: for the points that no float predicate can vouch for.

Every double is an integer times a power of two, so :class:`fractions.Fraction` holds it and every
sign below is certain. Some microseconds an edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt


def rings_cover(rings: Iterable[npt.NDArray[np.float64]], x: float, y: float) -> bool:
    """Tell whether the closed rings of one valid (multi)polygon cover a point, boundary included.

    >>> square = np.array([(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)], dtype=float)
    >>> [rings_cover([square], x, 1e-200) for x in (2.0, 4.0, 5.0)]
    [True, True, False]
    """
    px, py = Fraction(x), Fraction(y)
    inside = False
    for ring in rings:
        low = np.minimum(ring[:-1, 1], ring[1:, 1])
        high = np.maximum(ring[:-1, 1], ring[1:, 1])
        for k in np.flatnonzero((low <= y) & (high >= y)):
            (ax, ay), (bx, by) = ((Fraction(float(v)) for v in ring[i]) for i in (k, k + 1))
            side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
            if side == 0 and min(ax, bx) <= px <= max(ax, bx):
                return True
            if (ay > py) != (by > py) and (side > 0) == (by > ay):
                inside = not inside
    return inside
