"""Frames in which layers are given out: their addresses, axis order, decimals.

An address is ``http://www.opengis.net/def/crs/OGC/1.3/CRS84`` or ``…/EPSG/0/<n>``; the order of
the axes is the authority's: EPSG:4326, EPSG:4490 and the Gauss-Krueger zones begin with the north.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis.errors import ParameterInvalid
from gis.store.features import Frame

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"
_AS_STORED: Final = frozenset({4326, 4490})
_METRE_DIGITS: Final = 4
_DEGREE_DIGITS: Final = 9
_STEPS: Final = 21
"""Points that an edge of a box is bent by when it goes from one frame into another."""


@dataclass(frozen=True, slots=True)
class NamedFrame:
    """A frame of the standard: ``srid`` 0 is CRS84."""

    uri: str
    srid: int
    frame: Frame
    title: str

    @property
    def flipped(self) -> bool:
        """Tell whether the north comes first."""
        return self.frame.flipped


_STORED: Final = Frame(srid=4326, transforms=False, flipped=False, digits=_DEGREE_DIGITS)


@cache
def _named(srid: int) -> NamedFrame:
    if srid == 0:
        return NamedFrame(CRS84, 0, _STORED, "WGS 84 lon/lat")
    crs = CRS.from_epsg(srid)
    flipped = crs.axis_info[0].direction == "north"
    digits = _DEGREE_DIGITS if crs.is_geographic else _METRE_DIGITS
    frame = Frame(srid, srid not in _AS_STORED, flipped, digits)
    return NamedFrame(f"{_EPSG}{srid}", srid, frame, crs.name)


def zones_of(west: float, east: float) -> list[int]:
    """Return the CGCS2000 Gauss-Krueger zones that longitudes touch, 3-degree ones first.

    With and without the zone's number before the easting: EPSG 4534 to 4554 and 4513 to 4533 for
    three degrees, 4502 to 4512 and 4491 to 4501 for six.

    >>> zones_of(117.2, 119.2)
    [4548, 4549, 4527, 4528, 4509, 4498]
    """
    first, last = (round(lon / 3) for lon in (west, east))
    threes = [zone for zone in range(first, last + 1) if 25 <= zone <= 45]
    wide = [zone for zone in range(int(west // 6) + 1, int(east // 6) + 2) if 13 <= zone <= 23]
    return (
        [4534 + zone - 25 for zone in threes]
        + [4513 + zone - 25 for zone in threes]
        + [4502 + zone - 13 for zone in wide]
        + [4491 + zone - 13 for zone in wide]
    )


@lru_cache(maxsize=8)
def frames_for(extent: tuple[float, float, float, float] | None) -> tuple[NamedFrame, ...]:
    """Return the frames that a city is given out in, CRS84 first."""
    zones = [] if extent is None else zones_of(extent[0], extent[2])
    return tuple(_named(srid) for srid in (0, 4326, 4490, 3857, *zones))


def named(text: str, parameter: str, offered: Sequence[NamedFrame]) -> NamedFrame:
    """Return the frame of an address; ``EPSG:<n>``, ``CRS84`` and bracketed forms are understood.

    Raises
    ------
    gis.errors.ParameterInvalid
        Not one of those offered.
    """
    plain = text.strip().removeprefix("<").removesuffix(">").removeprefix("[").removesuffix("]")
    short = plain.upper().replace("HTTPS:", "HTTP:")
    for one in offered:
        code = "CRS84" if one.srid == 0 else f"EPSG:{one.srid}"
        if short in {one.uri.upper(), code, f"OGC:{code}"}:
            return one
    raise ParameterInvalid(
        parameter=parameter,
        reason_zh="不支持该坐标系，可用的见图层说明中的 crs",
        reason_en="the layer is not given in that coordinate system; its crs list names those",
        offered=[one.uri for one in offered],
    )


@cache
def _to_lon_lat(srid: int) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg(srid), CRS.from_epsg(4326), always_xy=True)


def shape_to_lon_lat(shape: shapely.Geometry, frame: NamedFrame) -> shapely.Geometry:
    """Return a geometry of a frame, axes in the frame's order, in lon/lat."""

    def moved(numbers: Any) -> Any:  # noqa: ANN401 - an array, whatever its type
        pairs = numbers[:, ::-1] if frame.flipped else numbers
        if not frame.frame.transforms:
            return pairs
        return np.column_stack(_to_lon_lat(frame.srid).transform(pairs[:, 0], pairs[:, 1]))

    made: shapely.Geometry = shapely.transform(shape, moved)
    return made


def box_to_lon_lat(
    box: tuple[float, float, float, float], frame: NamedFrame
) -> tuple[float, float, float, float]:
    """Return the lon/lat box around a box of a frame whose numbers are in the frame's order."""
    a, b, c, d = box
    if frame.flipped:
        a, b, c, d = b, a, d, c
    if not frame.frame.transforms:
        return a, b, c, d
    bent = _to_lon_lat(frame.srid).transform_bounds(a, b, c, d, densify_pts=_STEPS)
    if not np.isfinite(bent).all():
        raise ParameterInvalid(
            parameter="bbox",
            reason_zh="范围超出该坐标系",
            reason_en="the box lies outside the coordinate system",
        )
    return bent[0], bent[1], bent[2], bent[3]
