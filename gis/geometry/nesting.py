"""Do areas lie in the area above them: what reaches out, and parents that geometry contradicts.

outside-parent
    The part of an area that its stored parent does not cover. One row per area.
parent-differs
    An area of which another area of the parent's level holds a larger share than the stored parent
    does. The codes are the area, the stored parent, the better one; ``area_m2`` is the better one's
    part. Equal shares are no finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry.findings import Measure
from gis.geometry.frames import LON_LAT, EqualAreaFrame, Geometries
from gis.geometry.validity import mended
from gis.geometry.vertices import joined

if TYPE_CHECKING:
    from gis.geometry.gcj02 import Floats


def check_nesting(
    children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, *, parent: str, code: str = "code"
) -> gpd.GeoDataFrame:
    """Return where children leave their stored parent; columns as of a check, with ``kind``.

    Both layers in one frame. Children whose parent is not among the parents are passed over, and
    so is what reaches out by 1 mm2 or less.

    >>> grids = gpd.GeoDataFrame(
    ...     {"code": ["g"], "up": ["a"]}, geometry=[shapely.box(0.8e-3, 0, 2e-3, 1e-3)], crs=4326)
    >>> boxes = [shapely.box(0, 0, 1e-3, 1e-3), shapely.box(1e-3, 0, 2e-3, 1e-3)]
    >>> above = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=boxes, crs=4326)
    >>> check_nesting(grids, above, parent="up")[["kind", "areas"]].values.tolist()
    [['outside-parent', ('g', 'a')], ['parent-differs', ('g', 'a', 'b')]]
    """
    below, above = (
        mended(np.array(layer.geometry.array, dtype=object)) for layer in (children, parents)
    )
    names = [*map(str, children[code]), *map(str, parents[code])]
    crs = children.crs or LON_LAT
    measure = Measure(EqualAreaFrame.around(np.append(below, above), crs), crs, names)
    place = {name: k for k, name in enumerate(names[len(below) :])}
    stored = np.array([place.get(str(up), -1) for up in children[parent]], dtype=np.intp)
    known = np.flatnonzero(stored >= 0)
    shapely.prepare(above)
    # Most children are covered; the relation tells faster than the difference would.
    leaving = known[~shapely.covers(above[stored[known]], below[known])]
    rest = np.asarray(shapely.difference(below[leaving], above[stored[leaving]]), dtype=object)
    pairs: list[tuple[int, ...]] = [(int(i), len(below) + int(stored[i])) for i in leaving]
    out = measure.table(rest, pairs)
    differing = _differing(measure, below, above, (leaving, stored[leaving], rest))
    return joined([out.assign(kind="outside-parent", count=1), differing])


def _differing(
    measure: Measure,
    below: Geometries,
    above: Geometries,
    leaving: tuple[np.typing.NDArray[np.intp], np.typing.NDArray[np.intp], Geometries],
) -> gpd.GeoDataFrame:
    """Find the children that lie mostly elsewhere among those that leave their parent."""
    which, stored, rest = leaving
    outside: Floats = measure.area_m2(rest)
    own = measure.area_m2(below[which]) - outside
    shapes: list[object] = []
    areas: list[tuple[int, ...]] = []
    tree = shapely.STRtree(above)
    for k in np.flatnonzero(outside > own / max(len(above), 1)):
        others = tree.query(rest[k], predicate="intersects")
        others = others[others != stored[k]]
        common = np.asarray(shapely.intersection(below[which[k]], above[others]), dtype=object)
        shares = measure.area_m2(common)
        order = sorted(
            range(len(others)),
            key=lambda j: (-shares[j], measure.names[len(below) + int(others[j])]),
        )
        if order and shares[order[0]] > own[k]:
            shapes.append(common[order[0]])
            areas.append(
                (int(which[k]), len(below) + int(stored[k]), len(below) + int(others[order[0]]))
            )
    return measure.table(np.array(shapes, dtype=object), areas).assign(
        kind="parent-differs", count=1
    )
