from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from gis.coverage.demand import people_by_area
from gis.coverage.reach import TOLERANCE_M, covered, nearest, within

GEOD = Geod(ellps="WGS84")
place = st.tuples(st.floats(118.0, 118.6), st.floats(32.0, 32.6))
anywhere = st.tuples(st.floats(-180.0, 180.0), st.floats(-90.0, 90.0))
radius = st.floats(1.0, 50_000.0)


def every_distance(
    points: list[tuple[float, float]], stations: list[tuple[float, float]]
) -> npt.NDArray[np.float64]:
    here, there = np.array(points), np.array(stations)
    lon1, lon2 = np.meshgrid(here[:, 0], there[:, 0], indexing="ij")
    lat1, lat2 = np.meshgrid(here[:, 1], there[:, 1], indexing="ij")
    _, _, distance = GEOD.inv(lon1.ravel(), lat1.ravel(), lon2.ravel(), lat2.ravel())
    return np.asarray(distance).reshape(lon1.shape)


@given(st.lists(place, min_size=1, max_size=12), st.lists(place, min_size=1, max_size=6), radius)
@settings(max_examples=80, deadline=None)
def test_within_equals_every_geodesic_measured(
    points: list[tuple[float, float]], stations: list[tuple[float, float]], radius_m: float
) -> None:
    distances = every_distance(points, stations)
    expected = distances <= radius_m + TOLERANCE_M
    assert within(points, stations, radius_m).toarray().tolist() == expected.tolist()
    assert covered(points, stations, radius_m).tolist() == expected.any(axis=1).tolist()
    index, distance_m = nearest(points, stations)
    assert distance_m.tolist() == distances.min(axis=1).tolist()
    assert index.tolist() == distances.argmin(axis=1).tolist()


@given(st.lists(anywhere, min_size=1, max_size=8), st.lists(anywhere, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_nearest_is_exact_all_over_the_earth(
    points: list[tuple[float, float]], stations: list[tuple[float, float]]
) -> None:
    _, distance_m = nearest(points, stations)
    assert distance_m.tolist() == every_distance(points, stations).min(axis=1).tolist()


@given(place, st.floats(0.0, 360.0), radius, st.floats(-0.02, 0.02))
@settings(max_examples=80, deadline=None)
def test_the_edge_of_the_radius_is_decided_by_the_measured_distance(
    station: tuple[float, float], azimuth: float, radius_m: float, extra_m: float
) -> None:
    lon, lat, _ = GEOD.fwd(*station, azimuth, radius_m + extra_m)
    _, _, distance = GEOD.inv(lon, lat, *station)
    expected = distance <= radius_m + TOLERANCE_M
    assert covered([(lon, lat)], [station], radius_m).tolist() == [expected]


@given(st.lists(place, min_size=1, max_size=12), st.lists(place, min_size=1, max_size=5), place)
@settings(max_examples=60, deadline=None)
def test_a_new_station_never_lowers_coverage_and_order_does_not_matter(
    points: list[tuple[float, float]],
    stations: list[tuple[float, float]],
    new: tuple[float, float],
) -> None:
    before = covered(points, stations, 3000.0)
    assert (covered(points, [*stations, new], 3000.0) >= before).all()
    assert covered(points, stations[::-1], 3000.0).tolist() == before.tolist()
    assert covered(points[::-1], stations, 3000.0).tolist() == before[::-1].tolist()


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 10**9), st.booleans()), max_size=40))
def test_covered_and_uncovered_make_up_everybody(rows: list[tuple[int, int, bool]]) -> None:
    area = np.array([row[0] for row in rows], dtype=np.intp)
    people = [row[1] for row in rows]
    sums = people_by_area(area, people, np.array([row[2] for row in rows], dtype=np.bool_), 5)
    inside = sum(count for number, count, _ in rows if number >= 0)
    assert int(sums.people.sum()) == inside
    assert (sums.covered + sums.uncovered == sums.people).all()
    assert (sums.uncovered >= 0).all()
