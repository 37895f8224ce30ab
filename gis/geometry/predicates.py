"""On which side of a line a point lies: always the true sign.

Shewchuk, Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates,
Discrete & Computational Geometry 18 (1997): the plain determinant is trusted where it exceeds its
forward error bound; else it is added up without any rounding, as an expansion. Neither step holds
where numbers underflow or overflow; see :data:`SMALLEST`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.compiled import compiled

SMALLEST: Final = 1e-100
"""Coordinates must be zero, or between this and its inverse in size: no product underflows."""

ERROR_BOUND: Final = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
"""Shewchuk's for the orientation of three points, relative to the sum of its two products."""

_SPLITTER: Final = 2.0**27 + 1.0


@compiled
def orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Return 1 where p lies left of the line from a to b, -1 right of it, 0 on it."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    determinant = left - right
    bound = ERROR_BOUND * (abs(left) + abs(right))
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    if left == 0.0 and right == 0.0:
        return 0
    return exact_orientation(ax, ay, bx, by, px, py)


@compiled
def on_edge(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> bool:
    """Tell whether p, known to lie on the line through a and b, lies between them or on one."""
    return min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by)


@compiled
def exact_orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Return what :func:`orientation` returns, without the shortcut."""
    total = np.empty(12)
    terms = 0
    terms = _add_product(total, terms, ax, by)
    terms = _add_product(total, terms, -ay, bx)
    terms = _add_product(total, terms, bx, py)
    terms = _add_product(total, terms, -by, px)
    terms = _add_product(total, terms, px, ay)
    terms = _add_product(total, terms, -py, ax)
    if terms == 0:
        return 0
    return 1 if total[terms - 1] > 0.0 else -1


@compiled
def _add_product(total: npt.NDArray[np.float64], terms: int, a: float, b: float) -> int:
    """Add a * b to an expansion, exactly: the rounded product and its rounding error (Dekker)."""
    product = a * b
    big = _SPLITTER * a
    a_high = big - (big - a)
    a_low = a - a_high
    big = _SPLITTER * b
    b_high = big - (big - b)
    b_low = b - b_high
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return _add(total, _add(total, terms, error), product)


@compiled
def _add(total: npt.NDArray[np.float64], terms: int, value: float) -> int:
    """Add a number to a non-overlapping expansion of ascending size; zeros are left out."""
    carry = value
    kept = 0
    for i in range(terms):
        term = total[i]
        together = carry + term
        grown = together - carry
        error = (carry - (together - grown)) + (term - grown)
        carry = together
        if error != 0.0:
            total[kept] = error
            kept += 1
    if carry != 0.0:
        total[kept] = carry
        kept += 1
    return kept
