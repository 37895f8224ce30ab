"""Vertices nearly on top of each other: merged in every area that has them, so that edges match.

Of two vertices that follow each other in a ring within :data:`gis.geometry.vertices.NEAR_M` one
stays: the one that more areas have (a corner where several meet), then the one that shapes the line
more (the larger triangle with its neighbours), then the smaller coordinates. Vertices of an outline
that is given stay in any case. Nothing moves farther than that distance, also along a chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.geometry.validity import mended
from gis.geometry.vertices import NEAR_M

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from gis.geometry.findings import Measure
    from gis.geometry.frames import Geometries
    from gis.geometry.gcj02 import Floats


@dataclass(frozen=True, slots=True)
class _Table:
    """Every edge of the concerned areas, and its ends by number of distinct coordinates.

    ``weight`` and ``bend_m2`` are of a distinct coordinate: how many rings have it, and the largest
    triangle that it makes with its neighbours in one of them.
    """

    xy: Floats
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    near: NDArray[np.bool_]
    weight: NDArray[np.intp]
    bend_m2: Floats


def without_near_vertices(
    measure: Measure, shapes: Geometries, outline: BaseGeometry | None = None
) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return polygons without repeated or nearly repeated vertices, and which of them changed.

    Shapes come back valid; areas that share a vertex still share it. None and empty ones stay.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from gis.geometry.findings import Measure
    >>> from gis.geometry.frames import LON_LAT, EqualAreaFrame
    >>> ring = [(0, 0), (1e-3, 0), (1e-3, 1e-8), (1e-3, 1e-3), (0, 1e-3)]
    >>> shapes = np.array([shapely.Polygon(ring)], dtype=object)
    >>> measure = Measure(EqualAreaFrame.around(shapes), LON_LAT, ["a"])
    >>> made, changed = without_near_vertices(measure, shapes)
    >>> shapely.get_num_coordinates(made).tolist(), changed.tolist()
    ([5], [True])
    """
    bare = np.asarray(shapely.remove_repeated_points(shapes, 0.0), dtype=object)
    places = _near_places(measure, bare)
    if len(places):
        tree = shapely.STRtree(bare)
        concerned = np.unique(tree.query(shapely.points(places), predicate="intersects")[1])
        table = _table(measure, bare[concerned])
        old, new = _replacements(table, _is_among(table.xy, shapely.get_coordinates(outline)))
        # Rings can cross or collapse; what would vanish keeps its vertices: nobody is merged away.
        made = mended(_replaced(bare[concerned], old, new))
        kept = ~shapely.is_empty(made)
        bare[concerned[kept]] = made[kept]
        bare = np.asarray(shapely.remove_repeated_points(bare, 0.0), dtype=object)
    # A vertex may also move in an area that has as many as before: its neighbour has the other one.
    changed = ~shapely.equals_exact(bare, shapes, 0.0) & ~shapely.is_missing(shapes)
    return bare, np.asarray(changed, dtype=np.bool_)


def _near_places(measure: Measure, shapes: Geometries) -> Floats:
    """Return the coordinates of vertices with the next one within the distance."""
    rings = shapely.get_rings(shapely.get_parts(shapes))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    metric = np.column_stack(measure.frame.forward.transform(xy[:, 0], xy[:, 1]))
    close = np.hypot(*(metric[1:] - metric[:-1]).T) <= NEAR_M
    close &= ring[1:] == ring[:-1]
    both = np.append(close, False) | np.append(False, close)
    return np.asarray(np.unique(xy[both], axis=0), dtype=np.float64)


def _table(measure: Measure, shapes: Geometries) -> _Table:
    rings = shapely.get_rings(shapely.get_parts(shapes))
    all_xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy, number = np.unique(all_xy, axis=0, return_inverse=True)
    number = number.reshape(-1)
    metric = np.column_stack(measure.frame.forward.transform(all_xy[:, 0], all_xy[:, 1]))
    edges = np.flatnonzero(ring[1:] == ring[:-1])
    along = metric[edges + 1] - metric[edges]
    first = np.append(True, ring[edges][1:] != ring[edges][:-1])
    before = np.arange(len(edges)) - 1
    starts = np.flatnonzero(first)
    before[starts] = np.append(starts[1:], len(edges)) - 1
    came = along[before]
    triangle = 0.5 * np.abs(came[:, 0] * along[:, 1] - came[:, 1] * along[:, 0])
    bend_m2 = np.zeros(len(xy))
    np.maximum.at(bend_m2, number[edges], triangle)
    return _Table(
        xy,
        number[edges],
        number[edges + 1],
        np.hypot(*along.T) <= NEAR_M,
        np.bincount(number[edges], minlength=len(xy)),
        bend_m2,
    )


def _is_among(xy: Floats, others: Floats) -> NDArray[np.bool_]:
    """Tell which rows (each once) stand among others."""
    _, number = np.unique(np.concatenate([xy, others]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    return np.isin(number[: len(xy)], number[len(xy) :])


def _replacements(table: _Table, fixed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the coordinates that go, and beside each the one that takes its place."""
    beside: dict[int, set[int]] = {}
    pairs = zip(table.start[table.near].tolist(), table.end[table.near].tolist(), strict=True)
    for one, other in pairs:
        if one != other and not (fixed[one] and fixed[other]):
            beside.setdefault(one, set()).add(other)
            beside.setdefault(other, set()).add(one)
    order = sorted(
        beside, key=lambda k: (not fixed[k], -table.weight[k], -table.bend_m2[k], *table.xy[k])
    )
    taken: dict[int, int] = {}
    for kept in order:
        if kept in taken:
            continue
        taken[kept] = kept
        for other in sorted(beside[kept]):
            taken.setdefault(other, kept)
    gone = [k for k, kept in taken.items() if k != kept]
    return table.xy[gone], table.xy[[taken[k] for k in gone]]


def _replaced(shapes: Geometries, old: Floats, new: Floats) -> Geometries:
    def move(xy: Floats) -> Floats:
        whole = np.concatenate([xy, old])
        _, number = np.unique(whole, axis=0, return_inverse=True)
        number = number.reshape(-1)
        target = np.full(number.max() + 1, -1)
        target[number[len(xy) :]] = np.arange(len(old))
        at = target[number[: len(xy)]]
        moved = xy.copy()
        moved[at >= 0] = new[at[at >= 0]]
        return moved

    transformed: Any = shapely.transform(shapes, move)
    return np.asarray(transformed, dtype=object)
