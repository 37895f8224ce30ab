"""The coordinate systems that numbers of a Chinese city may stand in, and ways to and from WGS84.

Beside the systems that an import takes there are the usual mixtures: GCJ-02 applied twice, WGS84
"corrected" as if it were GCJ-02, Web Mercator of GCJ-02, and the like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gis.errors import PositionInvalid
from gis.geometry import crs, gcj02
from gis.geometry.gcj02 import Floats

Move = Callable[[Floats, Floats], tuple[Floats, Floats]]

_BELIEVED_DEG: Final = 4.5  # a strip is used so far from its central meridian, generously
_SEMI_MAJOR_M: Final = 6_378_137.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system the numbers could be in: ways from and to WGS84; NaN where there is none.

    ``name`` is one that an import takes; a mixture that has none is told by ``title_zh title_en``.
    """

    name: str
    title_zh: str
    title_en: str
    from_wgs84: Move
    to_wgs84: Move
    importable: bool = True


def plausible(x: Floats, y: Floats, declared: str, lon: float | None) -> list[Candidate]:
    """Return the systems that numbers can be in by their size; the declared one is always there.

    ``lon`` is where the ground is known to be: it chooses the Gauss-Krueger and UTM zones.
    """
    found: dict[str, Candidate] = {}
    if len(x) and is_metric(np.column_stack((x, y))):
        codes = [] if lon is None else _zones(float(np.nanmedian(x)), lon)
        for one in (*map(_named, codes), *_MERCATORS):
            found[one.name] = one
    else:
        for one in _GEOGRAPHIC:
            found[one.name] = one
        if declared == crs.CGCS2000:
            del found[crs.WGS84]  # the same numbers: one of the two is enough
    found.setdefault(declared, _named(declared))
    return list(found.values())


def _zones(easting: float, lon: float) -> list[str]:
    """Return the CGCS2000 Gauss-Krueger and WGS84 UTM zones around a longitude."""
    prefix = int(easting // 1e6)
    near = [zone for zone in range(25, 46) if abs(zone * 3 - lon) <= _BELIEVED_DEG]
    codes = [4513 + zone - 25 if prefix else 4534 + zone - 25 for zone in near]
    wide = [zone for zone in range(13, 24) if abs(zone * 6 - 3 - lon) <= _BELIEVED_DEG]
    codes += [4491 + zone - 13 if prefix else 4502 + zone - 13 for zone in wide]
    if prefix == 0:
        utm = [zone for zone in range(1, 61) if abs(zone * 6 - 183 - lon) <= _BELIEVED_DEG]
        codes += [32600 + zone for zone in utm]
    return [f"EPSG:{code}" for code in codes]


def is_metric(numbers: Floats) -> bool:
    """Tell metres from degrees, by most of the numbers."""
    finite = numbers[np.isfinite(numbers).all(axis=1)]
    return bool(len(finite)) and float(np.median(np.abs(finite).max(axis=1))) > 360.0


def _named(name: str) -> Candidate:
    """Return a system of :mod:`gis.geometry.crs`; places that it has no numbers for are NaN."""

    def there(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        try:
            return crs.from_wgs84(lon, lat, name)
        except PositionInvalid:  # a zone at the other end of the world: nothing can lie there
            return np.full(len(lon), np.nan), np.full(len(lat), np.nan)

    def back(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        fine = crs.usable(x, y, name)
        lon, lat = np.full(len(x), np.nan), np.full(len(y), np.nan)
        lon[fine], lat[fine] = crs.to_wgs84(x[fine], y[fine], name)
        return lon, lat

    return Candidate(name, name, name, there, back)


def _chain(*moves: Move) -> Move:
    def moved(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        for move in moves:
            x, y = move(x, y)
        return x, y

    return moved


def _mercator(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x = np.radians(lon) * _SEMI_MAJOR_M
    return x, np.arcsinh(np.tan(np.radians(lat))) * _SEMI_MAJOR_M


def _unmercator(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    lon, lat = np.degrees(x / _SEMI_MAJOR_M), np.degrees(np.arctan(np.sinh(y / _SEMI_MAJOR_M)))
    return lon, lat


_TO_GCJ: Final = gcj02.from_wgs84_all
_FROM_GCJ: Final = gcj02.to_wgs84_all
_TO_BD: Final = gcj02.to_bd09_all
_FROM_BD: Final = gcj02.from_bd09_all

_GEOGRAPHIC: Final = (
    _named(crs.WGS84),
    Candidate(crs.GCJ02, crs.GCJ02, crs.GCJ02, _TO_GCJ, _FROM_GCJ),
    Candidate(crs.BD09, crs.BD09, crs.BD09, _chain(_TO_GCJ, _TO_BD), _chain(_FROM_BD, _FROM_GCJ)),
    Candidate(
        "GCJ-02*2", "重复加偏的 GCJ-02", "GCJ-02 applied twice",
        _chain(_TO_GCJ, _TO_GCJ), _chain(_FROM_GCJ, _FROM_GCJ), importable=False,
    ),
    Candidate(
        "WGS84-GCJ-02", "误作 GCJ-02 纠偏过的 WGS84", "WGS84 corrected as if it were GCJ-02",
        _FROM_GCJ, _TO_GCJ, importable=False,
    ),
    Candidate(
        "WGS84+BD-09", "未经 GCJ-02 直接加百度偏移的 WGS84", "WGS84 with Baidu's offset alone",
        _TO_BD, _FROM_BD, importable=False,
    ),
)  # fmt: skip

_MERCATORS: Final = (
    _named("EPSG:3857"),
    Candidate(
        "EPSG:3857/GCJ-02", "以 GCJ-02 投影的网络墨卡托", "Web Mercator of GCJ-02",
        _chain(_TO_GCJ, _mercator), _chain(_unmercator, _FROM_GCJ), importable=False,
    ),
    Candidate(
        "EPSG:3857/BD-09", "以 BD-09 投影的网络墨卡托", "Web Mercator of BD-09",
        _chain(_TO_GCJ, _TO_BD, _mercator), _chain(_unmercator, _FROM_BD, _FROM_GCJ),
        importable=False,
    ),
)  # fmt: skip
