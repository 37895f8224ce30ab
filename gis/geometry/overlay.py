"""What ground goes from which old area to which new one: the exact overlay of two layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.geometry.frames import EqualAreaFrame, Geometries
from gis.geometry.gcj02 import Floats

NOBODY: Final = -1
NOTICEABLE_M2: Final = 1.0
"""Ground below this is the rounding of coordinates: a shared edge, not a piece."""

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Overlay:
    """Pieces of ground with their old and their new area; :data:`NOBODY` where there is none.

    One row per pair of areas that share ground: positions ``old`` and ``new``, ``ground`` in
    lon/lat, ``area_m2`` and its shares of the whole old and new area (NaN where that is nobody).
    Ordered by old, then new; what has no owner comes last. Where areas of one layer overlap, the
    ground stands in several rows.
    """

    old: Positions
    new: Positions
    ground: Geometries
    area_m2: Floats
    old_share: Floats
    new_share: Floats

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self.old)


def overlay(old: Geometries, new: Geometries, *, least_m2: float = NOTICEABLE_M2) -> Overlay:
    """Cut two layers of areas with each other.

    Parameters
    ----------
    old, new
        Valid polygons or multipolygons in lon/lat; either may be empty.
    least_m2
        Smaller pieces are left out.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> wide = shapely.box(0, 0, 1.5, 1)
    >>> cut = overlay(np.array([left, right]), np.array([wide]))
    >>> cut.old.tolist(), cut.new.tolist(), cut.old_share.round(2).tolist()
    ([0, 1, 1], [0, 0, -1], [1.0, 0.5, 0.5])
    """
    whole = np.concatenate([old, new]) if len(old) + len(new) else np.empty(0, dtype=object)
    frame = EqualAreaFrame.around(whole)
    first, second = shapely.STRtree(new).query(old, predicate="intersects") if len(new) else _NONE
    shared = _areal(shapely.intersection(old[first], new[second]))
    lost = _areal(_without(old, new, first, second))
    gained = _areal(_without(new, old, second, first))
    rows = (
        np.concatenate([first, np.arange(len(old)), np.full(len(new), NOBODY)]),
        np.concatenate([second, np.full(len(old), NOBODY), np.arange(len(new))]),
    )
    ground = np.concatenate([shared, lost, gained])
    area_m2 = frame.area_m2(ground)
    kept = np.flatnonzero(area_m2 >= least_m2)
    of_old, of_new = rows[0][kept], rows[1][kept]
    order = np.lexsort((of_new % (len(new) + 1), of_old % (len(old) + 1)))
    kept, of_old, of_new = kept[order], of_old[order], of_new[order]
    return Overlay(
        of_old,
        of_new,
        ground[kept],
        area_m2[kept],
        _share(area_m2[kept], frame.area_m2(old), of_old),
        _share(area_m2[kept], frame.area_m2(new), of_new),
    )


_NONE: Final = np.empty((2, 0), dtype=np.intp)


def _share(area_m2: Floats, wholes_m2: Floats, owner: Positions) -> Floats:
    shares = np.full(len(owner), np.nan)
    owned = owner != NOBODY
    shares[owned] = np.minimum(area_m2[owned] / wholes_m2[owner[owned]], 1.0)
    return shares


def _without(areas: Geometries, others: Geometries, at: Positions, by: Positions) -> Geometries:
    """Return what the others leave of each area."""
    left = areas.copy()
    for i in range(len(areas)):
        near = by[at == i]
        if len(near):
            left[i] = shapely.difference(areas[i], shapely.union_all(others[near]))
    return left


def _areal(geometries: Geometries) -> Geometries:
    """Return the polygons of each geometry: lines and points are where areas only touch."""
    flat = np.empty(len(geometries), dtype=object)
    for i, geometry in enumerate(geometries):
        flat[i] = _polygons(geometry)
    return flat


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
