"""Ground that changes hands for a category: dedicated grids cut out, and what an area holds."""

from __future__ import annotations

from typing import Any

import shapely

from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.spots import Members


def cut_out(general: CellIndex, dedicated: CellIndex, special: frozenset[str]) -> CellIndex:
    """Return the general grids without the dedicated ones, and the dedicated ones."""
    chosen = [at for at, code in enumerate(dedicated.keys) if code in special]
    shapes = dict(zip(general.keys, general.geometries, strict=True))
    for at in chosen:
        cut = dedicated.geometries[at]
        for touched in general.query_box(*cut.bounds).tolist():
            code = general.keys[touched]
            left = shapely.difference(shapes[code], cut) if code in shapes else None
            if left is not None and left.area > 0:
                shapes[code] = left
            else:
                shapes.pop(code, None)
    for at in chosen:
        shapes[dedicated.keys[at]] = dedicated.geometries[at]
    codes = sorted(shapes)
    return CellIndex.build([_polygonal(shapes[code]) for code in codes], codes)


def _polygonal(shape: Any) -> Any:  # noqa: ANN401 - any shapely geometry
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts)


def weighed(index: CellIndex, held: list[int]) -> Members | None:
    """Return areas by position with their shares of the whole, None for none."""
    if not held:
        return None
    sizes = []
    for at in held:
        shape = index.geometries[at]
        kx, ky = metres_per_degree((shape.bounds[1] + shape.bounds[3]) / 2)
        sizes.append(float(shape.area) * kx * ky)
    whole = sum(sizes)
    return Members({at: size / whole for at, size in zip(held, sizes, strict=True)}, whole)
