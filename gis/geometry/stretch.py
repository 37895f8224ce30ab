"""A stretch of a border: a line with a width, as ground; and the line that two areas share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import shapely

from gis.geometry.frames import EqualAreaFrame

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from gis.geometry.gcj02 import Floats

APART_M: Final = 2.0
"""Borders drawn twice count as one line up to this distance."""

_STEP_DEG: Final = 1e-3  # about 100 m: a line that is straight in degrees bends in metres


def stretch(line: BaseGeometry, width_m: float) -> shapely.MultiPolygon:
    """Return the ground within half the width on either side of a lon/lat line, in lon/lat.

    Ends are cut off square, so that the next stretch may begin there; corners are round.

    >>> road = shapely.LineString([(118.3, 32.3), (118.301, 32.3)])
    >>> ground = stretch(road, 20.0)
    >>> float(EqualAreaFrame.around(np.array([ground])).area_m2(np.array([ground]))[0]) // 10 * 10
    1880.0

    Raises
    ------
    ValueError
        The width is not positive.
    """
    if not width_m > 0:
        message = "a stretch needs a width"
        raise ValueError(message)
    fine = np.array([shapely.segmentize(line, _STEP_DEG)], dtype=object)
    frame = EqualAreaFrame.around(fine)
    metric = frame.project(fine)
    ground = shapely.buffer(metric, width_m / 2, cap_style="flat", join_style="round")

    def back(xy: Floats) -> Floats:
        return np.column_stack(frame.lon_lat(xy[:, 0], xy[:, 1]))

    placed = np.asarray(cast("Any", shapely.transform(ground, back)), dtype=object)
    return _multipolygon(shapely.make_valid(placed[0]))


def shared_border(one: BaseGeometry, other: BaseGeometry) -> BaseGeometry | None:
    """Return the line along which two lon/lat areas meet; None where they do not.

    Where both drew the line alike it is exactly theirs; otherwise it is the first one's, as far as
    the other's runs within :data:`APART_M` of it.

    >>> west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> shared_border(west, east).wkt
    'LINESTRING (1 0, 1 1)'
    >>> shared_border(west, shapely.box(5, 5, 6, 6)) is None
    True
    """
    exact = _lines(shapely.intersection(shapely.boundary(one), shapely.boundary(other)))
    if exact is not None:
        return exact
    both = np.array([shapely.boundary(one), shapely.boundary(other)], dtype=object)
    frame = EqualAreaFrame.around(both)
    mine, theirs = frame.project(both)
    common = shapely.intersection(mine, shapely.buffer(theirs, APART_M))
    if common.length < 4 * APART_M:
        return None  # they meet in a corner
    near = np.array([common], dtype=object)

    def back(xy: Floats) -> Floats:
        return np.column_stack(frame.lon_lat(xy[:, 0], xy[:, 1]))

    found = np.asarray(cast("Any", shapely.transform(near, back)), dtype=object)[0]
    return _lines(found)


def _lines(shape: BaseGeometry) -> BaseGeometry | None:
    parts = shapely.get_parts(shapely.get_parts(shape))  # a collection may hold multilines
    lines = [part for part in parts if isinstance(part, shapely.LineString) and part.length > 0]
    if not lines:
        return None
    merged: BaseGeometry = shapely.line_merge(shapely.MultiLineString(lines))
    return merged


def _multipolygon(shape: BaseGeometry) -> shapely.MultiPolygon:
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon([part for part in parts if isinstance(part, shapely.Polygon)])
