"""Frames of the EPSG register: transformers, and whether numbers can be coordinates in them.

Axis order here is always easting, northing (or lon, lat), whatever the register says; Chinese
survey sheets call the northing X, which is how swapped columns come to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis.errors import CrsUnknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.geometry.gcj02 import Floats

_STRIP_M: Final = 500_000.0
"""How far from its central meridian a transverse Mercator strip is believed (5 degrees)."""
_AREA_MARGIN_DEG: Final = 6.0
_FIRST_ZONE_3: Final = 25  # EPSG:4513 is zone 25 (75 E), EPSG:4534 the same without prefix
_FIRST_ZONE_6: Final = 13  # EPSG:4491 is zone 13 (75 E), EPSG:4502 the same without prefix

Hint = tuple[str, str]
"""(hint_zh, hint_en)."""

_DEGREES: Final[Hint] = (
    "数值像经纬度（度），而该坐标系以米为单位。请改用 WGS84、CGCS2000 或 GCJ-02。",
    "these look like degrees, but the system counts in metres: name WGS84, CGCS2000 or GCJ-02.",
)
_SWAPPED: Final[Hint] = (
    "横坐标与纵坐标可能写反了（测绘资料以 X 表示北向）。请先给东向，再给北向。",
    "easting and northing look swapped (survey sheets call the northing X): easting comes first.",
)
_OFF_AREA: Final[Hint] = (
    "位置远离该坐标系的适用范围，坐标系或带号可能有误。",
    "the place is far from where this system is used: a wrong system or zone?",
)


@dataclass(frozen=True, slots=True)
class EpsgFrame:
    """One frame of the register with its transformers to and from WGS84 lon/lat.

    ``central_easting`` and ``strip`` (both in the frame's unit) are given for transverse Mercator
    frames only (Gauss-Krueger and UTM); ``area`` is west, south, east, north in degrees.
    """

    code: int
    is_projected: bool
    to_wgs84: Transformer
    from_wgs84: Transformer
    central_easting: float | None
    strip: float
    area: tuple[float, float, float, float] | None

    def suspect(self, easting: Floats, northing: Floats) -> NDArray[np.bool_]:
        """Mark the pairs that cannot be coordinates in this frame, before converting them."""
        bad = ~(np.isfinite(easting) & np.isfinite(northing))
        if not self.is_projected:
            return bad | (np.abs(easting) > 180.0) | (np.abs(northing) > 90.0)
        bad |= (np.abs(easting) <= 180.0) & (np.abs(northing) <= 90.0)
        if self.central_easting is not None:
            bad |= np.abs(easting - self.central_easting) > self.strip
        return bad

    def off_area(self, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
        """Mark the converted places that lie far outside the frame's area of use."""
        bad = ~(np.isfinite(lon) & np.isfinite(lat))
        if not self.is_projected or self.area is None:
            return bad
        west, south, east, north = self.area
        bad |= (lat < south - _AREA_MARGIN_DEG) | (lat > north + _AREA_MARGIN_DEG)
        if west <= east:
            bad |= (lon < west - _AREA_MARGIN_DEG) | (lon > east + _AREA_MARGIN_DEG)
        return bad

    def hint(self, easting: float, northing: float) -> Hint:
        """Say what is probably wrong with a pair that :meth:`suspect` or :meth:`off_area` marked.

        Only for projected frames and finite numbers.
        """
        if abs(easting) <= 180.0 and abs(northing) <= 90.0:
            return _DEGREES
        if self.central_easting is None:
            return _OFF_AREA
        if abs(easting - self.central_easting) <= self.strip:
            return _OFF_AREA
        if abs(northing - self.central_easting) <= self.strip:
            return _SWAPPED
        return _zone_hint(easting, self.central_easting) or _OFF_AREA


def _zone_hint(easting: float, central_easting: float) -> Hint | None:
    """Name the Gauss-Krueger zone that an easting's own prefix (or its absence) speaks of."""
    prefix = int(easting // 1e6)
    own = int(central_easting // 1e6)
    by_prefix = _prefixed_code(prefix)
    if by_prefix is not None:
        return (
            f"东向坐标带有带号 {prefix}，应使用 EPSG:{by_prefix}。",
            f"the easting carries the zone prefix {prefix}: that is EPSG:{by_prefix}.",
        )
    if prefix == 0 and own > 0 and easting > 0:
        bare = _bare_code(own)
        which = f" EPSG:{bare}" if bare else ""
        return (
            f"该坐标系的东向坐标以带号 {own} 开头，而数据没有带号，应使用不带带号的坐标系{which}。",
            f"eastings begin with zone {own} here, these do not: use the system without it{which}.",
        )
    return None


def _prefixed_code(zone: int) -> int | None:
    """Return the CGCS2000 Gauss-Krueger code of a zone number (25-45: 3 degrees, 13-23: 6)."""
    if 25 <= zone <= 45:
        return 4513 + zone - _FIRST_ZONE_3
    if 13 <= zone <= 23:
        return 4491 + zone - _FIRST_ZONE_6
    return None


def _bare_code(zone: int) -> int | None:
    prefixed = _prefixed_code(zone)
    if prefixed is None:
        return None
    return prefixed + (21 if zone >= _FIRST_ZONE_3 else 11)


@lru_cache(maxsize=64)
def frame(code: int) -> EpsgFrame:
    """Return the frame of an EPSG code; transformers are made once and shared by all threads.

    Raises
    ------
    gis.errors.CrsUnknown
        No such code, or it is no system of places on the ground (vertical, geocentric).
    """
    try:
        system = CRS.from_epsg(code)
    except CRSError as error:
        raise CrsUnknown(crs=f"EPSG:{code}") from error
    if not (system.is_projected or system.is_geographic) or len(system.axis_info) != 2:
        raise CrsUnknown(crs=f"EPSG:{code}")
    central_easting, strip = _strip(system)
    area = system.area_of_use
    return EpsgFrame(
        code=code,
        is_projected=system.is_projected,
        to_wgs84=Transformer.from_crs(system, "EPSG:4326", always_xy=True),
        from_wgs84=Transformer.from_crs("EPSG:4326", system, always_xy=True),
        central_easting=central_easting,
        strip=strip,
        area=None if area is None else (area.west, area.south, area.east, area.north),
    )


def _strip(system: CRS) -> tuple[float | None, float]:
    operation = system.coordinate_operation
    if operation is None or operation.method_name != "Transverse Mercator":
        return None, 0.0
    unit_m = system.axis_info[0].unit_conversion_factor
    for parameter in operation.params:
        if parameter.name == "False easting":
            return float(parameter.value), _STRIP_M / unit_m
    return None, 0.0
