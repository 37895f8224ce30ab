"""Invalid polygons: found, named, located, and a mended proposal.

"Valid" is the OGC rule as GEOS tests it. Frame: whatever the geometries are in; places come back
in the same coordinates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gis.geometry.frames import EqualAreaFrame, Geometries

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from gis.geometry.gcj02 import Floats

POLYGONS: Final = (3, 6)
"""GEOS type numbers of Polygon and MultiPolygon."""

_REASONS: Final[dict[str, tuple[str, str, str]]] = {
    "Self-intersection": ("self-intersection", "边界自相交", "the boundary crosses itself"),
    "Ring Self-intersection": (
        "ring-self-intersection",
        "环在一点自接触",
        "a ring touches itself at a point",
    ),
    "Hole lies outside shell": ("hole-outside", "内环在外环之外", "a hole lies outside its shell"),
    "Holes are nested": ("nested-holes", "内环相互嵌套", "a hole lies inside another hole"),
    "Nested shells": ("nested-shells", "部分之间相互嵌套", "a part lies inside another part"),
    "Interior is disconnected": (
        "interior-disconnected",
        "内部被内环割断",
        "holes cut the interior in pieces",
    ),
    "Duplicate Rings": ("duplicate-rings", "有重复的环", "a ring occurs twice"),
    "Too few points in geometry component": (
        "too-few-points",
        "环的顶点太少",
        "a ring has too few vertices",
    ),
    "Ring is not closed": ("ring-open", "环未闭合", "a ring is not closed"),
    "Invalid Coordinate": (
        "coordinate-not-finite",
        "坐标不是有限的数",
        "a coordinate is not a finite number",
    ),
}
_REASON: Final = re.compile(r"^(?P<words>[^\[]+)(?:\[(?P<x>\S+) (?P<y>\S+)\])?$")


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with one geometry, and where.

    ``position`` counts from 0 in the input. ``places`` are (x, y) in the geometry's own frame: the
    first is where GEOS stopped, then every other node where the boundary crosses or touches
    itself; empty where nothing can be pointed at (no geometry at all).
    """

    position: int
    key: str
    reason_zh: str
    reason_en: str
    places: tuple[tuple[float, float], ...] = ()


def defects(geometries: Geometries) -> list[Defect]:
    """Return what is wrong with an array of areas, in order; valid ones are not mentioned.

    Areas must be polygons or multipolygons, not empty, valid by the OGC rule, and finite.

    >>> bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    >>> found = defects(np.array([shapely.box(0, 0, 1, 1), bow_tie, None], dtype=object))
    >>> [(one.position, one.key, one.places) for one in found]
    [(1, 'self-intersection', ((1.0, 1.0),)), (2, 'geometry-missing', ())]
    """
    kinds = shapely.get_type_id(geometries)
    with np.errstate(invalid="ignore"):  # not-a-number is what we look for
        suspect = ~(np.isin(kinds, POLYGONS) & shapely.is_valid(geometries))
    suspect |= shapely.is_empty(geometries)
    return [_defect(int(i), geometries[i]) for i in np.flatnonzero(suspect)]


def _defect(position: int, geometry: BaseGeometry | None) -> Defect:
    if geometry is None or geometry.is_empty:
        return Defect(position, "geometry-missing", "没有几何图形", "there is no geometry")
    if shapely.get_type_id(geometry) not in POLYGONS:
        point = geometry.representative_point()
        return Defect(
            position,
            "not-a-polygon",
            f"几何类型为 {geometry.geom_type}，应为面",
            f"the geometry is a {geometry.geom_type}, not a polygon",
            ((float(point.x), float(point.y)),),
        )
    with np.errstate(invalid="ignore"):
        told = _REASON.match(shapely.is_valid_reason(geometry))
    words = "" if told is None else told["words"].strip()
    key, zh, en = _REASONS.get(words, ("invalid", f"几何无效（{words}）", words or "invalid"))
    places: list[tuple[float, float]] = []
    if told is not None and told["x"] is not None:
        places.append((float(told["x"]), float(told["y"])))
    if key in ("self-intersection", "ring-self-intersection"):
        places.extend(_self_contacts(geometry))
    return Defect(position, key, zh, en, tuple(_distinct(places)))


def _self_contacts(geometry: BaseGeometry) -> list[tuple[float, float]]:
    """Return the nodes of the boundary where not exactly two edges meet."""
    noded = shapely.line_merge(shapely.unary_union(geometry.boundary))
    lines = shapely.get_parts(noded)
    lines = lines[~shapely.is_closed(lines)] if len(lines) == 1 else lines
    ends = [shapely.get_coordinates(line)[i] for line in lines for i in (0, -1)]
    if not ends:
        return []
    nodes, degree = np.unique(np.array(ends), axis=0, return_counts=True)
    return [(float(x), float(y)) for x, y in nodes[degree != 2]]


def _distinct(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Drop places within 1e-9 of an earlier one (GEOS rounds what it prints)."""
    kept: list[tuple[float, float]] = []
    for x, y in places:
        if all(abs(x - a) > 1e-9 or abs(y - b) > 1e-9 for a, b in kept):
            kept.append((x, y))
    return kept


def mended(geometries: Geometries) -> Geometries:
    """Return a valid proposal for each geometry: rings keep what they bound, holes stay holes.

    GEOS ``MakeValid`` with the structure method; lines and points that collapse out are dropped.
    Valid polygons come back as they are (without Z). None, and what has no area left, gives an
    empty polygon.

    >>> bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    >>> [part.area for part in mended(np.array([bow_tie], dtype=object))[0].geoms]
    [1.0, 1.0]
    """
    with np.errstate(invalid="ignore"):
        flat = np.asarray(shapely.force_2d(geometries), dtype=object)
        bad = ~(shapely.is_valid(flat) & np.isin(shapely.get_type_id(flat), POLYGONS))
    for i in np.flatnonzero(bad):
        flat[i] = _polygonal(flat[i])
    return flat


def _polygonal(geometry: BaseGeometry | None) -> BaseGeometry:
    if geometry is None or not np.isfinite(shapely.get_coordinates(geometry)).all():
        return shapely.Polygon()
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(valid))  # a collection may hold multipolygons
    parts = parts[shapely.get_type_id(parts) == POLYGONS[0]]
    if not len(parts):
        return shapely.Polygon()
    whole: BaseGeometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
    return whole


def area_change_m2(before: Geometries, after: Geometries) -> Floats:
    """Return how many square metres each mended geometry (lon/lat) differs from what it was.

    An invalid polygon has no area of its own; it counts with what its outer rings enclose, even-odd
    (so a bow tie counts both wings). The symmetric difference with ``after`` is measured.
    """
    frame = EqualAreaFrame.around(after)
    even_odd = np.asarray(shapely.make_valid(before, method="linework"), dtype=object)
    return frame.area_m2(np.asarray(shapely.symmetric_difference(even_odd, after), dtype=object))


def oriented(geometries: Geometries) -> Geometries:
    """Return polygons with outer rings counter-clockwise and holes clockwise (RFC 7946, 3.1.6).

    >>> str(oriented(np.array([shapely.Polygon([(0, 0), (0, 1), (1, 0)])], dtype=object))[0])
    'POLYGON ((0 0, 1 0, 0 1, 0 0))'
    """
    return np.asarray(shapely.orient_polygons(geometries), dtype=object)


def repeated_vertices(geometries: Geometries) -> NDArray[np.intp]:
    """Return how many vertices of each geometry repeat the one before; harmless, but worth a word.

    >>> twice = shapely.Polygon([(0, 0), (1, 0), (1, 0), (0, 1)])
    >>> repeated_vertices(np.array([twice], dtype=object))
    array([1])
    """
    thinned = shapely.remove_repeated_points(geometries, 0.0)
    before = shapely.get_num_coordinates(geometries)
    return np.asarray(before - shapely.get_num_coordinates(thinned), dtype=np.intp)
