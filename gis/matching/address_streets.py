"""Streets and their house numbers 门牌: which edges are one street, and where a number lies.

Plane metres around the city's middle serve for grouping, projecting and interpolating within a few
hundred metres; nothing here measures across the city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.matching.address_rows import RoadLines

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GAP_M: Final = 260.0
"""Edges of one name whose ends lie within this are one street."""
FARTHEST_M: Final = 1_500.0
"""A number farther from every street of its road name belongs to a street of its own."""
APART_M: Final = 1.0e7
STEP_M: Final = 60.0
MOST_BEYOND: Final = 8
"""A number this far beyond the last known one is still placed by extrapolation."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Plane metres around a middle: equirectangular, good within a prefecture for short lengths."""

    lon: float
    lat: float

    @property
    def scale(self) -> Floats:
        """Return metres per degree, east and north (WGS84 radii of curvature)."""
        phi = np.radians(self.lat)
        squeezed = 1.0 - 0.00669437999014 * np.sin(phi) ** 2
        north = np.pi / 180 * 6378137.0 * (1 - 0.00669437999014) / squeezed**1.5
        east = np.pi / 180 * 6378137.0 * np.cos(phi) / np.sqrt(squeezed)
        return np.array([east, north])

    def metres(self, lonlat: Floats) -> Floats:
        """Return plane coordinates of degrees, shape (n, 2)."""
        return np.asarray((lonlat - np.array([self.lon, self.lat])) * self.scale, dtype=np.float64)

    def degrees(self, xy: Floats) -> Floats:
        """Return degrees of plane coordinates."""
        return np.asarray(xy / self.scale + np.array([self.lon, self.lat]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Streets:
    """Streets: ``name[s]`` is the number of a road name, ``lines[s]`` its line in degrees.

    ``plane_lines`` are the same in plane metres; a street of which only numbers are known has an
    empty line.
    """

    name: Ints
    lines: npt.NDArray[Any]
    plane_lines: npt.NDArray[Any]
    plane: Plane


def group_streets(lines: RoadLines, names: Ints, plane: Plane) -> tuple[Streets, Ints]:
    """Return the streets of road edges, and the street of each edge.

    ``names`` numbers the road name of each edge. The order of edges does not change the grouping;
    streets are sorted by name, then by their westernmost point.
    """
    count = len(names)
    if count == 0:
        nothing = np.empty(0, object)
        return Streets(np.zeros(0, np.int64), nothing, nothing, plane), names
    first = shapely.get_coordinates(shapely.get_point(lines.line, 0))
    last = shapely.get_coordinates(shapely.get_point(lines.line, -1))
    ends = plane.metres(np.vstack([first, last]))
    with_name = np.column_stack([ends, np.r_[names, names] * APART_M])
    pairs = cKDTree(with_name).query_pairs(GAP_M, output_type="ndarray")
    edge = np.arange(2 * count) % count
    a = np.r_[edge[pairs[:, 0]], np.arange(count)]
    b = np.r_[edge[pairs[:, 1]], np.arange(count)]
    _, label = connected_components(coo_array((np.ones(len(a)), (a, b)), (count, count)))
    west = np.full(label.max() + 1, np.inf)
    np.minimum.at(west, label, np.minimum(ends[:count, 0], ends[count:, 0]))
    name_of = np.zeros(len(west), np.int64)
    name_of[label] = names
    order = np.lexsort((west, name_of))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    street = rank[label]
    by_street = np.lexsort(
        (np.minimum(first[:, 1], last[:, 1]), np.minimum(first[:, 0], last[:, 0]), street)
    )
    whole: Any = shapely.line_merge(
        shapely.multilinestrings(lines.line[by_street], indices=street[by_street])
    )
    flat: Any = shapely.transform(whole, plane.metres)
    return Streets(name_of[order], whole, flat, plane), street.astype(np.int64)


def nearest_street(
    streets: Streets, lines: RoadLines, edge_street: Ints, *, names: Ints, xy: Floats
) -> Ints:
    """Return per numbered place the street of its road name that is nearest, -1 for none near."""
    if len(lines) == 0 or len(names) == 0:
        return np.full(len(names), -1, np.int64)
    edges = shapely.segmentize(shapely.transform(lines.line, streets.plane.metres), STEP_M)
    points, index = shapely.get_coordinates(edges, return_index=True)
    label = streets.name[edge_street[index]]
    tree = cKDTree(np.column_stack([points, label * APART_M]))
    distance, found = tree.query(np.column_stack([xy, names * APART_M]), workers=1)
    return np.where(
        distance <= FARTHEST_M, edge_street[index[np.minimum(found, len(index) - 1)]], -1
    )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A house number's place that was worked out: plane metres, how sure, and between which."""

    xy: tuple[float, float]
    uncertainty_m: float
    low: int | None
    high: int | None
    same_side: bool


def interpolate(line: Any, numbers: Ints, xy: Floats, wanted: int) -> Numbered | None:  # noqa: ANN401
    """Return where an unlisted number lies along its street, on its side (odd or even).

    Parameters
    ----------
    line
        The street in plane metres; may be empty, then straight lines between doors serve.
    numbers, xy
        Known numbers, ascending, and their places in plane metres.

    Returns
    -------
    Numbered | None
        None when no known number is near enough to say more than the street.
    """
    for same_side in (True, False):
        side = numbers % 2 == wanted % 2 if same_side else numbers % 2 != wanted % 2
        known, at = numbers[side], xy[side]
        if len(known) == 0:
            continue
        above = int(np.searchsorted(known, wanted))
        if 0 < above < len(known):
            low, high = above - 1, above
        elif len(known) >= 2 and above == 0 and known[0] - wanted <= MOST_BEYOND:
            low, high = 0, 1
        elif len(known) >= 2 and above == len(known) and wanted - known[-1] <= MOST_BEYOND:
            low, high = len(known) - 2, len(known) - 1
        else:
            continue
        return _between(line, known, at, (low, high), wanted, same_side=same_side)
    return None


def _between(
    line: Any,  # noqa: ANN401
    known: Ints,
    at: Floats,
    pair: tuple[int, int],
    wanted: int,
    *,
    same_side: bool,
) -> Numbered:
    low, high = pair
    a, b = at[low], at[high]
    share = (wanted - int(known[low])) / max(int(known[high] - known[low]), 1)
    place = a + share * (b - a)
    along = _along(line, a, b, share, opposite=not same_side)
    if along is not None:
        place = along
    gap = float(np.hypot(*(b - a)))
    outside = 0.0 if 0.0 <= share <= 1.0 else gap * (abs(share - 0.5) - 0.5)
    unsure = 15.0 + 0.15 * gap * (1.0 if same_side else 1.5) + 0.6 * outside
    inside = 0.0 <= share <= 1.0
    return Numbered(
        (float(place[0]), float(place[1])),
        float(unsure),
        int(known[low]) if inside or share > 1 else None,
        int(known[high]) if inside or share < 0 else None,
        same_side,
    )


def _along(line: Any, a: Floats, b: Floats, share: float, *, opposite: bool) -> Floats | None:  # noqa: ANN401
    """Return the place between two doors measured along the street, at their distance from it."""
    if line.is_empty:
        return None
    parts = list(line.geoms) if line.geom_type == "MultiLineString" else [line]
    ends = shapely.points([a, b])
    best = min(parts, key=lambda part: float(shapely.distance(part, ends).sum()))
    if float(shapely.distance(best, ends).max()) > 120.0:
        return None
    from_m, to_m = (float(m) for m in shapely.line_locate_point(best, ends))
    length = float(best.length)
    at_m = from_m + share * (to_m - from_m)
    if from_m == to_m or not 0.0 <= at_m <= length:
        return None
    offset = (_offset(best, from_m, a) + _offset(best, to_m, b)) / 2
    if opposite:
        offset = -offset
    spot, normal = _frame(best, at_m)
    return np.asarray(spot + offset * normal, dtype=np.float64)


def _frame(line: Any, at_m: float) -> tuple[Floats, Floats]:  # noqa: ANN401
    length = float(line.length)
    step = min(2.0, length / 2)
    low, high = max(at_m - step, 0.0), min(at_m + step, length)
    spot, back, ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(line, [at_m, low, high])
    )
    direction = (ahead - back) / max(float(np.hypot(*(ahead - back))), 1e-9)
    return spot, np.array([-direction[1], direction[0]])


def _offset(line: Any, at_m: float, place: Floats) -> float:  # noqa: ANN401
    spot, normal = _frame(line, at_m)
    return float((place - spot) @ normal)


def crossing(one: Any, other: Any) -> Sequence[tuple[float, float]]:  # noqa: ANN401
    """Return where two streets (plane metres) meet or come within 40 m, by x then y."""
    if one.is_empty or other.is_empty:
        return []
    meet = shapely.intersection(one, other)
    points = shapely.get_coordinates(shapely.centroid(shapely.get_parts(meet)))
    if len(points) == 0:
        near = shapely.shortest_line(one, other)
        if near is None or near.length > 40.0:
            return []
        points = shapely.get_coordinates(near).mean(axis=0, keepdims=True)
    rounded = np.unique(np.round(points, 1), axis=0)
    return [(float(x), float(y)) for x, y in rounded]
