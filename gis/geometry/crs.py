"""Coordinate systems by name: WGS84, CGCS2000, GCJ-02, BD-09, EPSG:<n>; in and out.

Everything inside Gridward is WGS84 longitude and latitude in degrees, always in that order. This
module is the one place where other frames come in or go out, and where numbers that cannot be a
place are refused with a hint at what is probably wrong.

* CGCS2000 (EPSG:4490) counts as equal to WGS84: the difference is below 0.1 m, and PROJ's own
  transformation is the identity.
* GCJ-02 and BD-09: :mod:`gis.geometry.gcj02`; the inverse is iterated to 1e-9 degrees. Hong Kong,
  Macau and Taiwan lie in the rectangle where the open formula applies and are moved like the
  mainland, as all compared packages do; whether the map services do so is not settled.
* ``EPSG:<n>``: :mod:`gis.geometry.projected`; for a projected frame ``lon, lat`` are easting and
  northing. Gauss-Krueger eastings with and without zone prefix are told apart.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np

from gis.errors import CrsUnknown, PositionInvalid
from gis.geometry import gcj02, projected

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from gis.geometry.gcj02 import Floats
    from gis.geometry.projected import Hint

WGS84: Final = "WGS84"
CGCS2000: Final = "CGCS2000"
GCJ02: Final = "GCJ-02"
BD09: Final = "BD-09"

NAMES: Final = (WGS84, CGCS2000, GCJ02, BD09)
"""The names of the contract; besides them ``EPSG:<n>``."""

_ALIASES: Final = {
    "WGS84": WGS84,
    "EPSG:4326": WGS84,
    "OGC:CRS84": WGS84,
    "CRS84": WGS84,
    "CGCS2000": CGCS2000,
    "EPSG:4490": CGCS2000,
    "GCJ02": GCJ02,
    "BD09": BD09,
    "BD09LL": BD09,
}

# Mainland China, generously; only used to guess that longitude and latitude were swapped. What it
# costs: a position on Svalbard or in the Barents Sea is taken for a swapped Chinese one.
_WEST, _EAST, _SOUTH, _NORTH = 73.4, 135.1, 17.9, 53.7

_NOT_FINITE: Final[Hint] = (
    "坐标缺失或不是有限的数。",
    "a coordinate is missing or not a finite number.",
)
_SWAPPED: Final[Hint] = (
    "经度和纬度可能写反了，请先给经度、再给纬度。",
    "longitude and latitude look swapped: longitude comes first.",
)
_METRES: Final[Hint] = (
    "数值像以米为单位的投影坐标，请注明其坐标系，例如 EPSG:4548。",
    "these look like projected metres: name their system, for example EPSG:4548.",
)
_RANGE: Final[Hint] = (
    "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间。",
    "longitude must be within -180 and 180, latitude within -90 and 90.",
)
_UNREACHABLE: Final[Hint] = (
    "该位置在此坐标系中没有坐标。",
    "this place has no coordinates in that system.",
)


@lru_cache(maxsize=256)
def normalise(name: str) -> str:
    """Return the contract's name of a coordinate system; any case, blanks, hyphens as people do.

    Raises
    ------
    gis.errors.CrsUnknown
        Nobody can convert it.

    >>> normalise("gcj02"), normalise("WGS 84"), normalise("epsg:4548"), normalise("EPSG:4326")
    ('GCJ-02', 'WGS84', 'EPSG:4548', 'WGS84')
    """
    compact = "".join(name.split()).upper().replace("_", "-")
    known = _ALIASES.get(compact) or _ALIASES.get(compact.replace("-", ""))
    if known is not None:
        return known
    authority, colon, number = compact.partition(":")
    # isdecimal() alone would let Arabic-Indic or full-width digits pass
    if authority == "EPSG" and colon and number.isascii() and number.isdecimal():
        if len(number) > 6:
            raise CrsUnknown(crs=name)
        return f"EPSG:{projected.frame(int(number)).code}"
    raise CrsUnknown(crs=name)


def point_to_wgs84(lon: float, lat: float, crs: str = WGS84) -> tuple[float, float]:
    """Convert one pair of floats to WGS84 without numpy: for the single pin of a request.

    Same answers (to 1e-9 degrees) and errors as :func:`to_wgs84`.

    >>> point_to_wgs84(118.3, 32.2, "WGS84")
    (118.3, 32.2)
    """
    name = normalise(crs)
    if name.startswith("EPSG:"):
        frame = projected.frame(int(name[5:]))
        if not _one_suspect(frame, lon, lat):
            x, y = frame.to_wgs84.transform(lon, lat)
            if not bool(frame.off_area(np.array([x]), np.array([y]))[0]):
                return float(x), float(y)
        raise _refusal(lon, lat, name)
    # Written so that NaN fails as well.
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise _refusal(lon, lat, name)
    if lat >= _WEST and _SOUTH <= lon <= _NORTH:
        raise _refusal(lon, lat, name)
    if name == GCJ02:
        return gcj02.to_wgs84(lon, lat)
    if name == BD09:
        return gcj02.to_wgs84(*gcj02.from_bd09(lon, lat))
    return lon, lat


@overload
def to_wgs84(lon: float, lat: float, crs: str = ...) -> tuple[float, float]: ...
@overload
def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str = ...) -> tuple[Floats, Floats]: ...
def to_wgs84(lon: Any, lat: Any, crs: str = WGS84) -> tuple[Any, Any]:
    """Convert coordinates of a named system to WGS84 longitude and latitude in degrees.

    Parameters
    ----------
    lon, lat
        Two floats, or two arrays of one shape (lists too); easting and northing where ``crs`` is
        a projected system.
    crs
        ``WGS84 CGCS2000 GCJ-02 BD-09 EPSG:<n>``, any case.

    Returns
    -------
    tuple
        Two floats for floats, two float64 arrays of the input's shape otherwise (empty for empty).

    Raises
    ------
    gis.errors.CrsUnknown
        The system is not known.
    gis.errors.PositionInvalid
        NaN, infinite or out of range; longitude and latitude (or easting and northing) swapped;
        a zone prefix that belongs to another system. ``facts`` carry ``lon``, ``lat``, ``crs``,
        the hints and, for arrays, ``index``: the first bad one.

    >>> [round(degrees, 6) for degrees in to_wgs84(113.9171764808363, 22.5407961316948, "gcj02")]
    [113.912316, 22.543847]
    >>> to_wgs84([118.3, 119.0], [32.2, 33.0], "CGCS2000")[0].tolist()
    [118.3, 119.0]
    """
    if np.ndim(lon) == 0 and np.ndim(lat) == 0:
        return point_to_wgs84(float(lon), float(lat), crs)
    name = normalise(crs)
    raw_lon, raw_lat = _pair(lon, lat)
    bad, out_lon, out_lat = _convert(raw_lon, raw_lat, name)
    if bad.any():
        raise _first_refusal(bad, raw_lon, raw_lat, name)
    return out_lon, out_lat


def usable(lon: ArrayLike, lat: ArrayLike, crs: str = WGS84) -> NDArray[np.bool_]:
    """Mark the pairs that :func:`to_wgs84` takes; for files where one bad row must not stop all.

    Ask :func:`point_to_wgs84` for the reason of a refused one.

    >>> usable([118.3, float("nan"), 32.2], [32.2, 32.2, 118.3]).tolist()
    [True, False, False]
    """
    raw_lon, raw_lat = _pair(lon, lat)
    bad, _, _ = _convert(raw_lon, raw_lat, normalise(crs))
    return ~bad


@overload
def from_wgs84(lon: float, lat: float, crs: str = ...) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str = ...) -> tuple[Floats, Floats]: ...
def from_wgs84(lon: Any, lat: Any, crs: str = WGS84) -> tuple[Any, Any]:
    """Convert WGS84 longitude and latitude to a named system; the mirror of :func:`to_wgs84`.

    Raises
    ------
    gis.errors.CrsUnknown
        The system is not known.
    gis.errors.PositionInvalid
        Not a place in WGS84, or a place that the system has no coordinates for.

    >>> [round(metres, 3) for metres in from_wgs84(118.827944, 33.101277, "EPSG:4548")]
    [670643.582, 3665467.093]
    """
    name = normalise(crs)
    scalar = np.ndim(lon) == 0 and np.ndim(lat) == 0
    if scalar and not name.startswith("EPSG:"):
        place = point_to_wgs84(float(lon), float(lat))
        if name in (GCJ02, BD09):
            place = gcj02.from_wgs84(*place)
        return gcj02.to_bd09(*place) if name == BD09 else place
    raw_lon, raw_lat = _pair(lon, lat)
    bad, out_lon, out_lat = _convert(raw_lon, raw_lat, WGS84)
    if bad.any():
        raise _first_refusal(bad, raw_lon, raw_lat, WGS84)
    if name in (GCJ02, BD09):
        out_lon, out_lat = gcj02.from_wgs84_all(out_lon, out_lat)
        if name == BD09:
            out_lon, out_lat = gcj02.to_bd09_all(out_lon, out_lat)
    elif name.startswith("EPSG:"):
        out_lon, out_lat = projected.frame(int(name[5:])).from_wgs84.transform(out_lon, out_lat)
        bad = ~(np.isfinite(out_lon) & np.isfinite(out_lat))
        if bad.any():
            raise _first_refusal(bad, raw_lon, raw_lat, name, _UNREACHABLE)
    return (float(out_lon), float(out_lat)) if scalar else (out_lon, out_lat)


def _pair(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    lons, lats = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if lons.shape != lats.shape:
        message = f"lon has shape {lons.shape}, lat has shape {lats.shape}: give one shape"
        raise ValueError(message)
    return lons, lats


def _convert(lon: Floats, lat: Floats, name: str) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return which pairs are refused, and all of them converted (refused ones: anything)."""
    if name.startswith("EPSG:"):
        frame = projected.frame(int(name[5:]))
        bad = frame.suspect(lon, lat)
        x, y = frame.to_wgs84.transform(lon, lat)
        return bad | frame.off_area(x, y), x, y
    bad = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    bad |= (lat >= _WEST) & (lon >= _SOUTH) & (lon <= _NORTH)
    if name not in (GCJ02, BD09):
        # A copy: what is returned may be written to.
        return bad, lon.copy(), lat.copy()
    out_lon, out_lat = np.where(bad, 0.0, lon), np.where(bad, 0.0, lat)
    if name == BD09:
        out_lon, out_lat = gcj02.from_bd09_all(out_lon, out_lat)
    return bad, *gcj02.to_wgs84_all(out_lon, out_lat)


def _one_suspect(frame: projected.EpsgFrame, lon: float, lat: float) -> bool:
    return bool(frame.suspect(np.array([lon]), np.array([lat]))[0])


def _first_refusal(
    bad: NDArray[np.bool_], lon: Floats, lat: Floats, name: str, hint: Hint | None = None
) -> PositionInvalid:
    index = int(np.flatnonzero(bad.ravel())[0])
    return _refusal(float(lon.flat[index]), float(lat.flat[index]), name, hint, index=index)


def _refusal(
    lon: float, lat: float, name: str, hint: Hint | None = None, **more: int
) -> PositionInvalid:
    """Word the refusal of one pair."""
    hint_zh, hint_en = hint or _hint(lon, lat, name)
    # JSON knows no NaN and no infinity: those travel as text.
    shown_lon, shown_lat = (c if np.isfinite(c) else str(c) for c in (lon, lat))
    return PositionInvalid(
        lon=shown_lon, lat=shown_lat, crs=name, hint_zh=hint_zh, hint_en=hint_en, **more
    )


def _hint(lon: float, lat: float, name: str) -> Hint:
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return _NOT_FINITE
    if name.startswith("EPSG:"):
        frame = projected.frame(int(name[5:]))
        if frame.is_projected:
            return frame.hint(lon, lat)
    if _WEST <= lat <= _EAST and _SOUTH <= lon <= _NORTH:
        return _SWAPPED
    return _METRES if max(abs(lon), abs(lat)) > 1000.0 else _RANGE
