"""Where a boundary exception holds: a polygon, a line with a width, or the border of two areas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np
import shapely

from gis.errors import ExceptionInvalid
from gis.geometry.crs import normalise, to_wgs84, usable
from gis.geometry.stretch import shared_border, stretch
from gis.store import boundaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from gis.store.unit_of_work import UnitOfWork

MOST_VERTICES: Final = 20_000
WIDEST_M: Final = 500.0

_LINES: Final = ("LineString", "MultiLineString")
_POLYGONS: Final = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exception is meant to hold, as it was asked for.

    A polygon by itself; a line with ``width_m`` (both sides together); or the border ``between``
    two areas with ``width_m``, as far as it runs within the polygon when there is one.
    """

    geometry: Mapping[str, Any] | None
    crs: str = "WGS84"
    width_m: float | None = None
    between: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground in WGS84, and the line and width that it was made of."""

    shape: shapely.MultiPolygon
    line: shapely.MultiLineString | None = None
    width_m: float | None = None

    @property
    def ewkb(self) -> str:
        """Return the ground as hexadecimal EWKB."""
        return _ewkb(self.shape)

    @property
    def line_ewkb(self) -> str | None:
        """Return the line as hexadecimal EWKB."""
        return None if self.line is None else _ewkb(self.line)


def ground_of(work: UnitOfWork, place: Place) -> Ground:
    """Return the ground of a place.

    Raises
    ------
    gis.errors.ExceptionInvalid
        It cannot be ground; the reason says why.
    gis.errors.CrsUnknown
    """
    given = None if place.geometry is None else _moved(place.geometry, place.crs)
    width = place.width_m
    if width is not None and not 0 < width <= WIDEST_M:
        _refuse(f"width_m 须大于 0，至多 {WIDEST_M:g} 米", f"width_m is from 0 to {WIDEST_M:g} m")
    if place.between is not None:
        if width is None:
            _refuse("沿边界的一段须给出 width_m", "a stretch of a border needs width_m")
        return _along(_border(work, place.between), given, float(width))
    if given is None:
        _refuse("须给出 geometry 或 between", "name a geometry, or the areas between which it runs")
    if given.geom_type in _LINES:
        if width is None:
            _refuse("线须给出宽度 width_m", "a line needs width_m")
        return _along(given, None, float(width))
    if width is not None:
        _refuse("面不需要 width_m", "a polygon takes no width_m")
    if not given.is_valid:
        why = shapely.is_valid_reason(given)
        _refuse(f"geometry 无效：{why}", f"geometry is not valid: {why}")
    return Ground(_polygons(given))


def _along(line: BaseGeometry, clip: BaseGeometry | None, width_m: float) -> Ground:
    if clip is not None:
        if clip.geom_type not in _POLYGONS or not clip.is_valid:
            _refuse(
                "与 between 同用时 geometry 须为有效的面",
                "beside between, geometry must be a valid polygon",
            )
        line = shapely.intersection(line, clip)
    parts = [part for part in shapely.get_parts(line) if isinstance(part, shapely.LineString)]
    parts = [part for part in parts if part.length > 0]
    if not parts:
        _refuse("这里没有一段边界线", "there is no stretch of line here")
    lines = shapely.MultiLineString(parts)
    return Ground(stretch(lines, width_m), lines, width_m)


def _border(work: UnitOfWork, between: Sequence[str]) -> BaseGeometry:
    standing = boundaries.standing(work, list(between))
    missing = sorted(set(between) - set(standing))
    if missing or len(set(between)) != 2:
        listed = ", ".join(missing) or ", ".join(between)
        _refuse(
            f"between 须为两个现行区域：{listed}", f"between takes two standing areas: {listed}"
        )
    one, other = (shapely.from_wkb(bytes(standing[code]["wkb"])) for code in between)
    line = shared_border(one, other)
    if line is None:
        listed = " / ".join(between)
        _refuse(f"{listed} 没有共同边界", f"{listed} share no border")
    return line


def _moved(geometry: Mapping[str, Any], crs: str) -> BaseGeometry:
    crs = normalise(crs)
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except (shapely.errors.GEOSException, ValueError, TypeError) as error:
        raise ExceptionInvalid(
            reason_zh="geometry 不是 GeoJSON 几何", reason_en="geometry is no GeoJSON geometry"
        ) from error
    if shape.geom_type not in (*_POLYGONS, *_LINES) or shape.is_empty:
        _refuse(
            "geometry 须为 Polygon、MultiPolygon、LineString 或 MultiLineString",
            "geometry must be a Polygon, MultiPolygon, LineString or MultiLineString",
        )
    points = shapely.get_coordinates(shape)
    if len(points) > MOST_VERTICES or not np.all(usable(points[:, 0], points[:, 1], crs)):
        _refuse(
            f"geometry 的坐标无效，或超过 {MOST_VERTICES} 个顶点",
            f"geometry has impossible coordinates or over {MOST_VERTICES} vertices",
        )
    moved: BaseGeometry = shapely.transform(
        shape, lambda pairs: np.column_stack(to_wgs84(pairs[:, 0], pairs[:, 1], crs))
    )
    return moved


def _polygons(shape: BaseGeometry) -> shapely.MultiPolygon:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    return shapely.MultiPolygon(parts)


def _ewkb(shape: BaseGeometry) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))


def _refuse(zh: str, en: str) -> NoReturn:
    raise ExceptionInvalid(reason_zh=zh, reason_en=en)
