"""County outlines: the package's quantised GCJ-02 polygons, mended into smooth shared arcs.

The source is snapped to 1/1024 degree (about 100 m): stair-steps, four invalid polygons of eight,
one hole of 2 ha in the union. Here every border is cut into arcs between junctions, each arc is
smoothed once, and both neighbours get the same arc.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from gis.geometry.crs import to_wgs84
from layers.demo.frame import Floats, plane
from layers.demo.register import source_text

OUTLINES: Final = "county_outlines_gcj02.geojson"
OUTSIDE: Final = -1
CODES_BY_NAME: Final = {
    "琅琊区": "341102",
    "南谯区": "341103",
    "来安县": "341122",
    "全椒县": "341124",
    "定远县": "341125",
    "凤阳县": "341126",
    "天长市": "341181",
    "明光市": "341182",
}
SMOOTHING_M: Final = 130.0
"""Standard deviation of the Gaussian along an arc: removes steps of 100 m, keeps bends."""
STEP_M: Final = 25.0


@dataclass(frozen=True, slots=True)
class Borders:
    """County polygons and arcs on the demo plane.

    Attributes
    ----------
    codes
        County codes, ascending; positions in it are the labels used elsewhere.
    polygons
        One polygon a county, in the order of ``codes``, edge-matched.
    arcs
        LineStrings between junctions, each once.
    seats
        Shape (counties, 2): where the county's seat lies.
    """

    codes: tuple[str, ...]
    polygons: NDArray[Any]
    arcs: NDArray[Any]
    seats: Floats


@cache
def read_borders() -> Borders:
    """Return the mended, converted and smoothed outlines (read once a process)."""
    document = json.loads(source_text(OUTLINES))
    features = sorted(
        document["features"], key=lambda item: CODES_BY_NAME[item["properties"]["name"]]
    )
    codes = tuple(CODES_BY_NAME[item["properties"]["name"]] for item in features)
    rings = np.array([shape(item["geometry"]) for item in features], object)
    raw = shapely.make_valid(rings, method="structure", keep_collapsed=False)
    seats = np.array([item["properties"]["cp"] for item in features], float)
    counties = shapely.transform(mend(raw), _from_gcj02)
    arcs = shared_arcs(counties)
    smooth = np.array([_smoothed(arc) for arc in arcs], object)
    return Borders(codes, _rebuilt(counties, smooth), smooth, _from_gcj02(seats))


def mend(polygons: NDArray[Any]) -> NDArray[Any]:
    """Return one valid polygon each that tile their union without hole, gap or overlap.

    All rings are noded together and polygonised; each face goes to the smallest polygon that holds
    it, a face that nobody holds to the neighbour with the longest common border.
    """
    lines = shapely.union_all(shapely.boundary(polygons))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.point_on_surface(faces)
    owners = np.full(len(faces), OUTSIDE)
    holders = shapely.covers(polygons[:, None], inside[None, :])
    # Nanqiao's ring runs around Langya without a hole: the smaller holder is the right one.
    sizes = np.where(holders, shapely.area(polygons)[:, None], np.inf)
    held = holders.any(axis=0)
    owners[held] = sizes[:, held].argmin(axis=0)
    # A county's small stray parts count as nobody's, too.
    for label in range(len(polygons)):
        parts = shapely.get_parts(shapely.union_all(faces[owners == label]))
        for part in parts[shapely.area(parts) < shapely.area(parts).max() * 0.5]:
            owners[(owners == label) & shapely.covers(part, inside)] = OUTSIDE
    while (owners == OUTSIDE).any():
        progress = False
        for face in np.flatnonzero(owners == OUTSIDE):
            common = [
                shapely.length(
                    shapely.intersection(
                        faces[face], shapely.boundary(shapely.union_all(faces[owners == label]))
                    )
                )
                for label in range(len(polygons))
            ]
            if max(common) > 0:
                owners[face] = int(np.argmax(common))
                progress = True
        if not progress:
            break  # a part of its own, away from every county: left out
    return np.array(
        [_largest(shapely.union_all(faces[owners == label])) for label in range(len(polygons))],
        object,
    )


def shared_arcs(polygons: NDArray[Any]) -> NDArray[Any]:
    """Return the borders of a coverage as LineStrings between junctions, each once."""
    noded = shapely.union_all(shapely.boundary(polygons))
    return np.array(shapely.get_parts(shapely.line_merge(noded)), object)


def along(arc: Any, distances: Floats) -> Floats:  # noqa: ANN401 - a LineString
    """Return the points at distances along a line, shape (n, 2); beyond its ends, the end.

    The same as ``shapely.line_interpolate_point``, which walks the whole line for every point.

    >>> along(shapely.linestrings([[0.0, 0.0], [10.0, 0.0]]), np.array([2.5, 12.0])).tolist()
    [[2.5, 0.0], [10.0, 0.0]]
    """
    xy = shapely.get_coordinates(arc)
    at = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    return np.column_stack([np.interp(distances, at, xy[:, axis]) for axis in (0, 1)])


def _largest(geometry: Any) -> Any:  # noqa: ANN401 - any polygonal geometry
    parts = shapely.get_parts(geometry)
    largest = parts[shapely.area(parts).argmax()]
    return shapely.polygons(shapely.get_exterior_ring(largest)) if len(parts) > 1 else largest


def _from_gcj02(lonlat: Floats) -> Floats:
    lon, lat = to_wgs84(lonlat[:, 0], lonlat[:, 1], "GCJ-02")
    return plane(np.asarray(lon), np.asarray(lat))


def _smoothed(arc: Any) -> Any:  # noqa: ANN401 - a LineString
    length = shapely.length(arc)
    count = max(4, int(length / STEP_M))
    closed = shapely.is_closed(arc)
    distances = np.linspace(0.0, length, count + 1)
    points = along(arc, distances)
    radius = int(3 * SMOOTHING_M / STEP_M)
    if closed:
        padded = np.vstack([points[-radius - 1 : -1], points, points[1 : radius + 1]])
    else:
        # Odd reflection keeps the junction where it is.
        padded = np.vstack(
            [
                2 * points[0] - points[radius:0:-1],
                points,
                2 * points[-1] - points[-2 : -radius - 2 : -1],
            ]
        )
        radius = (len(padded) - len(points)) // 2
    if radius == 0:
        return arc
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) * STEP_M / SMOOTHING_M) ** 2)
    weights /= weights.sum()
    smooth = np.column_stack([np.convolve(padded[:, k], weights, "valid") for k in (0, 1)])
    smooth[0], smooth[-1] = (smooth[0], smooth[0]) if closed else (points[0], points[-1])
    return shapely.linestrings(smooth)


def _rebuilt(before: NDArray[Any], arcs: NDArray[Any]) -> NDArray[Any]:
    noded = shapely.union_all(arcs)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    share = shapely.area(shapely.intersection(before[:, None], faces[None, :]))
    owner = share.argmax(axis=0)
    return np.array(
        [_largest(shapely.union_all(faces[owner == label])) for label in range(len(before))],
        object,
    )
