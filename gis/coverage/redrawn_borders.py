"""From parts of atoms to grids: polygons that share every vertex with each other and the outline.

Faces of a part are joined by dropping the edges between them; no vertex moves, but those that lie
within a centimetre of each other on a new border, of which one stays. Today's borders got no vertex
by the cutting, so a grid that gets the same ground as before is the same, bit by bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.geometry.findings import Measure
from gis.geometry.frames import LON_LAT, EqualAreaFrame
from gis.geometry.near_vertices import without_near_vertices

if TYPE_CHECKING:
    from gis.coverage.atoms import Atoms, IntArray
    from gis.geometry.frames import Geometries


def borders(atoms: Atoms, part: IntArray) -> Geometries:
    """Return the grid of each part (of every atom, 0..k-1), as multipolygons in lon/lat."""
    of = part[atoms.atom]
    made = np.array(
        [shapely.coverage_union_all(atoms.faces[of == number]) for number in range(of.max() + 1)],
        dtype=object,
    )
    frame = EqualAreaFrame.around(made)
    measure = Measure(frame, LON_LAT, [str(number) for number in range(len(made))])
    outline = shapely.coverage_union_all(atoms.faces)
    clean, _ = without_near_vertices(measure, made, outline)
    return np.array([_multi(shape) for shape in clean], dtype=object)


def _multi(shape: shapely.Geometry) -> shapely.MultiPolygon:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
