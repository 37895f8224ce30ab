"""Batches of rows for COPY, and geometry in the form that COPY takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo.frame import Floats


@dataclass(frozen=True, slots=True)
class Ids:
    """Numbers that the database gave for the rows to come."""

    draft: int
    buildings: list[int]
    persons: list[int]
    events: list[int]
    orders: list[int]
    matters: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table; ``expected`` is how many there will be, for the progress bar."""

    table: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Any]]
    expected: int


def hexadecimal(geometries: NDArray[Any]) -> list[str]:
    """Return geometries in lon/lat as EWKB in hex."""
    tagged = shapely.set_srid(np.asarray(geometries, object), 4326)
    return list(shapely.to_wkb(tagged, hex=True, include_srid=True))


def points(lonlat: Floats) -> list[str]:
    """Return points in lon/lat, shape (n, 2), as EWKB in hex."""
    return hexadecimal(np.asarray(shapely.points(lonlat)))
