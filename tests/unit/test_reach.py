from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Geod, Transformer

from gis.coverage.demand import people_by_area, people_weighted_centres
from gis.coverage.reach import TOLERANCE_M, covered, nearest, within

GEOD = Geod(ellps="WGS84")
STATION = (118.3, 32.3)


def at_distance(distance_m: float, azimuth: float = 37.0) -> tuple[float, float]:
    lon, lat, _ = GEOD.fwd(*STATION, azimuth, distance_m)
    return float(lon), float(lat)


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 90.0, 180.0, 271.5])
def test_golden_pair_2999_9_is_in_and_3000_1_is_out(azimuth: float) -> None:
    points = [at_distance(2999.9, azimuth), at_distance(3000.1, azimuth)]
    assert covered(points, [STATION], 3000.0).tolist() == [True, False]
    assert within(points, [STATION], 3000.0).toarray().ravel().tolist() == [True, False]


def test_golden_pair_from_geographiclib_documentation() -> None:
    # New York JFK to London LHR, 5551.7594 km on WGS84 (geographiclib, GeodSolve documentation)
    _, distance_m = nearest([[-73.8, 40.6]], [[-0.5, 51.6]])
    assert distance_m[0] == pytest.approx(5_551_759.4, abs=0.1)


def test_the_radius_itself_is_within_and_a_tolerance_of_1_mm() -> None:
    points = [at_distance(3000.0 + extra) for extra in (0.0, 0.0009, 0.0011)]
    assert covered(points, [STATION], 3000.0).tolist() == [True, True, False]
    assert within(points, [STATION], 3000.0).toarray().ravel().tolist() == [True, True, False]
    assert TOLERANCE_M == 0.001


def test_a_planar_web_mercator_radius_would_have_been_another_one() -> None:
    to_mercator = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    x0, _ = to_mercator.transform(*STATION)
    east = at_distance(2700.0, 90.0)
    x1, _ = to_mercator.transform(*east)
    assert x1 - x0 > 3000.0
    assert covered([east], [STATION], 3000.0).tolist() == [True]


def test_metres_in_place_of_degrees_are_refused() -> None:
    mercator = [[13169095.0, 3803000.0]]
    with pytest.raises(ValueError, match="degrees"):
        covered(mercator, [STATION], 3000.0)
    with pytest.raises(ValueError, match="degrees"):
        within([STATION], mercator, 3000.0)
    with pytest.raises(ValueError, match="degrees"):
        nearest(mercator, [STATION])


@pytest.mark.parametrize("radius_m", [0.0, -3.0, math.nan, math.inf, 1_000_001.0])
def test_a_radius_out_of_range_is_refused(radius_m: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        covered([STATION], [STATION], radius_m)


def test_nothing_in_gives_nothing_out() -> None:
    assert covered([], [STATION], 10.0).shape == (0,)
    assert covered([STATION], [], 10.0).tolist() == [False]
    assert within([], [], 10.0).shape == (0, 0)
    assert within([STATION], [], 10.0).shape == (1, 0)
    index, distance_m = nearest([STATION], [])
    assert index.tolist() == [-1]
    assert distance_m.tolist() == [math.inf]


def test_the_same_place_is_at_distance_0() -> None:
    index, distance_m = nearest([STATION], [STATION])
    assert (index.tolist(), distance_m.tolist()) == ([0], [0.0])


def test_equally_near_stations_give_the_first() -> None:
    twins = [at_distance(500.0), at_distance(500.0), at_distance(900.0)]
    index, _ = nearest([STATION, STATION], twins)
    assert index.tolist() == [0, 0]


def test_nearest_by_chord_is_not_taken_for_nearest_on_the_ellipsoid() -> None:
    rng = np.random.default_rng(11)
    here = np.column_stack([rng.uniform(-180, 180, 400), rng.uniform(-80, 80, 400)])
    there = np.column_stack([rng.uniform(-180, 180, 60), rng.uniform(-80, 80, 60)])
    index, distance_m = nearest(here, there)
    every = np.array(
        [GEOD.inv(here[:, 0], here[:, 1], np.full(400, x), np.full(400, y))[2] for x, y in there]
    )
    assert index.tolist() == every.argmin(axis=0).tolist()
    assert distance_m.tolist() == every.min(axis=0).tolist()


def test_people_are_whole_numbers_and_those_in_no_area_are_left_out() -> None:
    sums = people_by_area(
        np.array([0, 2, -1, 0]), [3, 4, 5, 6], np.array([True, False, True, False]), 3
    )
    assert sums.people.tolist() == [9, 0, 4]
    assert sums.covered.tolist() == [3, 0, 0]
    assert sums.uncovered.tolist() == [6, 0, 4]


def test_the_centre_of_nobody_is_what_the_caller_says() -> None:
    centres = people_weighted_centres(
        np.array([-1, 1]), [5, 0], np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[9.0, 9.0]] * 2)
    )
    assert centres.tolist() == [[9.0, 9.0], [9.0, 9.0]]
