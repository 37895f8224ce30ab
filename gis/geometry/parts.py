"""Areas in pieces and areas inside areas: exclaves 飞地, enclaves and holes.

exclave
    A part of an area that lies apart from its largest part. One row per such part.
enclave
    An area, or several, that fill a hole of another one. One row per hole; the surrounding area
    comes first in ``areas``.
hole
    A hole that no other area reaches into.
Parts that touch only in a point lie apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry.vertices import joined

if TYPE_CHECKING:
    from gis.geometry.findings import Measure
    from gis.geometry.frames import Geometries


def part_faults(measure: Measure, shapes: Geometries) -> gpd.GeoDataFrame:
    """Return exclaves, enclaves and holes of polygons; ``kind`` tells which, ``count`` is 1."""
    return joined([_exclaves(measure, shapes), *_holes(measure, shapes)])


def _exclaves(measure: Measure, shapes: Geometries) -> gpd.GeoDataFrame:
    several = np.flatnonzero(shapely.get_num_geometries(shapes) > 1)
    parts, at = shapely.get_parts(shapes[several], return_index=True)
    order = np.lexsort((-shapely.area(parts), at))
    lesser = order[np.append(False, at[order][1:] == at[order][:-1])[: len(order)]]
    areas: list[tuple[int, ...]] = [(int(several[i]),) for i in at[lesser]]
    return measure.table(parts[lesser], areas).assign(kind="exclave", count=1)


def _holes(measure: Measure, shapes: Geometries) -> list[gpd.GeoDataFrame]:
    parts, area_of_part = shapely.get_parts(shapes, return_index=True)
    pierced = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    rings, at = shapely.get_rings(parts[pierced], return_index=True)
    inner = np.append(False, at[1:] == at[:-1])[: len(at)]  # each part's shell comes first
    holes = np.asarray(shapely.polygons(rings[inner]), dtype=object)
    around = area_of_part[pierced[at[inner]]]
    hole, area = shapely.STRtree(shapes).query(holes, predicate="intersects")
    other = area != around[hole]
    hole, area = hole[other], area[other]
    deep = shapely.relate_pattern(holes[hole], shapes[area], "T********")
    fills: dict[int, list[int]] = {}
    for i, j in zip(hole[deep], area[deep], strict=True):
        fills.setdefault(int(i), []).append(int(j))
    filled = np.array(sorted(fills), dtype=np.intp)
    bare = np.setdiff1d(np.arange(len(holes)), filled)
    enclaves = measure.table(holes[filled], [(int(around[i]), *sorted(fills[i])) for i in filled])
    lone = measure.table(holes[bare], [(int(around[i]),) for i in bare])
    return [enclaves.assign(kind="enclave", count=1), lone.assign(kind="hole", count=1)]
