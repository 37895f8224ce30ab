"""A city's own coordinate system, declared as a PROJ string, WKT or EPSG number."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from gis.errors import CrsUnknown, PositionInvalid
from gis.geometry import crs as frames

# Grids and pipelines name files of the server: a declared system may not.
_FORBIDDEN: Final = re.compile(r"grids|pipeline|\binit\b|@", re.IGNORECASE)
_LONGEST: Final = 2000


def is_custom(name: str) -> bool:
    """Tell whether a name is a PROJ string or WKT rather than a known name."""
    return name.lstrip().startswith("+") or "[" in name


def check(name: str) -> None:
    """Refuse what is no coordinate system (:class:`~gis.errors.CrsUnknown`)."""
    if is_custom(name):
        _transformer(name)
    else:
        frames.normalise(name)


def to_wgs84(x: float, y: float, name: str) -> tuple[float, float]:
    """Return longitude and latitude of easting and northing (or degrees) in a declared system.

    Raises
    ------
    gis.errors.CrsUnknown, gis.errors.PositionInvalid

    >>> local = "+proj=tmerc +lat_0=31.2354 +lon_0=121.4671 +ellps=GRS80 +units=m"
    >>> [round(degree, 4) for degree in to_wgs84(0.0, 0.0, local)]
    [121.4671, 31.2354]
    """
    try:
        lon, lat = _transformer(name).transform(x, y, errcheck=True)
    except ProjError as error:
        raise PositionInvalid(
            lon=x,
            lat=y,
            crs=name[:60],
            hint_zh="不在该坐标系的范围内。",
            hint_en="it lies outside the system.",
        ) from error
    return float(lon), float(lat)


@lru_cache(maxsize=32)
def _transformer(name: str) -> Transformer:
    if len(name) > _LONGEST or _FORBIDDEN.search(name):
        raise CrsUnknown(crs=name[:60])
    try:
        declared = CRS.from_user_input(name)
    except CRSError as error:
        raise CrsUnknown(crs=name[:60]) from error
    return Transformer.from_crs(declared, 4326, always_xy=True)
