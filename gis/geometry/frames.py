"""Areas of lon/lat ground; the metric frame of a place, with true lengths near its centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from gis.geometry.gcj02 import Floats

Geometries = NDArray[np.object_]

LON_LAT: Final = CRS.from_epsg(4326)
_MAJOR_M: Final = 6_378_137.0
_E2: Final = 0.006_694_379_990_141_316
"""WGS84: half the longer axis, and the square of the eccentricity."""
_NODES: Final = [
    (0.5 + 0.5 * place, 0.5 * weight)
    for place, weight in zip(*np.polynomial.legendre.leggauss(4), strict=True)
]


def ground_m2(geometries: Geometries) -> Floats:
    """Return areas of lon/lat polygons on the WGS84 ellipsoid; 0 for None, points and lines.

    Edges are straight in degrees, as they are stored, so that the pieces of an area add up to it,
    but for the rounding of coordinates. Between an edge and a parallel lies the integral of the
    authalic function (Snyder 1987, eq. 3-12) over the longitude, here by four Gauss-Legendre nodes.

    >>> ground_m2(np.array([shapely.box(0, 0, 1, 1), shapely.Point(0, 0), None])).round(2).tolist()
    [12308463893.98, 0.0, 0.0]
    """
    parts, whole = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return np.zeros(len(geometries))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    first = np.flatnonzero(np.append(True, ring[1:] != ring[:-1]))
    base = xy[first[ring[edge]], 1]  # seen from a vertex of the ring the terms are small
    east, north = np.radians(xy[edge + 1] - xy[edge]).T
    up, sine = np.radians(xy[edge, 1] - base), np.sin(np.radians(base))
    height = sum(w * _authalic(np.radians(base), sine, up + t * north) for t, w in _NODES)
    ring_m2 = np.abs(np.bincount(ring[edge], height * east, len(rings))) * _MAJOR_M**2 / 2
    shell = np.append(True, part[1:] != part[:-1])
    signed_m2 = np.where(shell, ring_m2, -ring_m2)
    return np.bincount(whole[part], signed_m2, len(geometries)).astype(np.float64)


def _authalic(base: Floats, sine: Floats, up: Floats) -> Floats:
    """Return the authalic function at ``base + up`` (radians) less that at ``base``.

    As one difference, so that its error is relative to a small rise, not to the latitude.
    """
    rise = 2.0 * np.cos(base + up / 2) * np.sin(up / 2)
    top, e = sine + rise, np.sqrt(_E2)
    straight = rise * (1 + _E2 * sine * top) / ((1 - _E2 * sine**2) * (1 - _E2 * top**2))
    bent = np.arctanh(e * rise / (1 - _E2 * sine * top)) / e
    return np.asarray((1 - _E2) * (straight + bent), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class EqualAreaFrame:
    """Lambert azimuthal equal-area on the WGS84 ellipsoid around one centre, in metres.

    Areas are exact (Snyder 1987, ch. 24), but for edges that are straight in lon/lat and are drawn
    straight between the same vertices here. Lengths are true at the centre and off by less than
    1 in 30,000 within 100 km of it: right for a city, not for a country.
    """

    centre_lon: float
    centre_lat: float
    forward: Transformer
    backward: Transformer

    @classmethod
    def around(cls, geometries: Geometries, crs: CRS | None = None) -> EqualAreaFrame:
        """Return the frame centred on geometries of a frame (lon/lat without one).

        Without any coordinates the centre is 0, 0.
        """
        source = crs or LON_LAT
        coordinates = shapely.get_coordinates(geometries)
        coordinates = coordinates[np.isfinite(coordinates).all(axis=1)]
        x, y = 0.0, 0.0
        if len(coordinates):
            x, y = (coordinates.min(axis=0) + coordinates.max(axis=0)) / 2
        lon, lat = x, y
        if source != LON_LAT:
            lon, lat = Transformer.from_crs(source, LON_LAT, always_xy=True).transform(x, y)
        metric = CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m")
        return cls(
            float(lon),
            float(lat),
            Transformer.from_crs(source, metric, always_xy=True),
            Transformer.from_crs(metric, LON_LAT, always_xy=True),
        )

    def project(self, geometries: Geometries) -> Geometries:
        """Return the geometries in metres; None stays None."""

        def move(coordinates: Floats) -> Floats:
            return np.column_stack(
                self.forward.transform(coordinates[:, 0], coordinates[:, 1])
            ).astype(np.float64)

        return np.asarray(cast("Any", shapely.transform(geometries, move)), dtype=object)

    def area_m2(self, geometries: Geometries) -> Floats:
        """Return the area of each geometry in square metres; 0 for None, points and lines."""
        return np.nan_to_num(np.asarray(shapely.area(self.project(geometries)), dtype=np.float64))

    def lon_lat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return WGS84 longitude and latitude of places of this frame."""
        lon, lat = self.backward.transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
