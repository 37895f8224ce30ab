from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from pyproj import Geod

from gis.geometry.circles import (
    EqualAreaFrame,
    circles,
    equal_area_radius,
    lon_lat,
    uncovered,
    without_slivers,
)

GEOD = Geod(ellps="WGS84")
CHUZHOU = (118.3, 32.3)


def geodesic_area(polygon: shapely.Polygon) -> float:
    area, _ = GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 1e-4))
    return float(area)


def test_every_corner_lies_at_the_radius() -> None:
    (circle,) = circles(CHUZHOU, 3000.0)
    lon, lat = np.array(circle.exterior.coords).T
    _, _, distance = GEOD.inv(np.full(257, CHUZHOU[0]), np.full(257, CHUZHOU[1]), lon, lat)
    assert np.abs(distance - 3000.0).max() < 1e-6
    assert circle.exterior.is_ccw
    assert circle.is_valid


def test_equal_area_circle_has_the_area_of_the_circle() -> None:
    (plain,) = circles(CHUZHOU, 3000.0)
    (fair,) = circles(CHUZHOU, 3000.0, equal_area=True)
    true = math.pi * 3000.0**2
    assert geodesic_area(plain) / true == pytest.approx(1 - 1.004e-4, abs=2e-6)
    assert geodesic_area(fair) / true == pytest.approx(1.0, abs=2e-6)
    assert equal_area_radius(3000.0, 256) - 3000.0 == pytest.approx(0.151, abs=0.001)


def test_equal_area_frame_keeps_areas_far_from_its_centre() -> None:
    frame = EqualAreaFrame.around(*CHUZHOU)
    far = circles([[119.9, 33.6]], 3000.0, equal_area=True)
    assert shapely.area(frame.to_plane(far))[0] == pytest.approx(math.pi * 9e6, rel=3e-6)
    back = frame.to_lon_lat(frame.to_plane(far))
    assert shapely.hausdorff_distance(far[0], back[0]) < 2e-8  # degrees: 2 mm


@pytest.mark.parametrize("radius_m", [0.0, -1.0, math.nan, math.inf])
def test_circles_refuse_a_radius_that_is_none(radius_m: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        circles(CHUZHOU, radius_m)


def test_positions_in_metres_or_of_another_shape_are_refused() -> None:
    for wrong in ([13169000.0, 3800000.0], [[1.0, 2.0, 3.0]], [math.nan, 1.0], [32.3, 118.3]):
        with pytest.raises(ValueError, match="positions"):
            lon_lat(wrong)


@pytest.mark.parametrize("centre", [(179.99, 10.0), (0.0, 89.99), (-180.0, 0.0)])
def test_a_circle_that_no_polygon_can_draw_is_refused(centre: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="180th meridian"):
        circles(centre, 3000.0)


def test_nothing_in_gives_nothing_out() -> None:
    assert circles([], 10.0).shape == (0,)
    reached = uncovered(np.array([shapely.box(0, 0, 1, 1)]), np.array([]))
    assert reached.discs.is_empty
    assert reached.gaps[0].area == 1.0
    assert uncovered(np.array([]), np.array([shapely.box(0, 0, 1, 1)])).gaps.shape == (0,)


def test_gaps_and_covered_make_up_each_area() -> None:
    rng = np.random.default_rng(3)
    areas = np.array([shapely.box(x, y, x + 10, y + 10) for x in range(0, 50, 10) for y in (0, 10)])
    discs = np.asarray(
        shapely.buffer(shapely.points(rng.uniform(0, 50, (12, 2))), 4.0), dtype=object
    )
    reached = uncovered(areas, discs)
    inside = shapely.area(shapely.intersection(areas, shapely.union_all(discs)))
    assert shapely.area(reached.gaps) + inside == pytest.approx(100.0, abs=1e-6)
    assert reached.discs.area == pytest.approx(shapely.union_all(discs).area)


def test_slivers_leave_the_drawing_one_by_one() -> None:
    wide, thin = shapely.box(0, 0, 100, 100), shapely.box(0, 200, 100, 205)
    kept = without_slivers(np.array([shapely.union(wide, thin), thin, shapely.Polygon()]), 20.0)
    assert shapely.area(kept).tolist() == [10000.0, 0.0, 0.0]
