"""There and back again, for every frame; floats and arrays give one answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.geometry import gcj02
from gis.geometry.crs import from_wgs84, point_to_wgs84, to_wgs84

MILLIMETRE_DEG = 1e-8  # 1.1 mm
IDENTICAL_DEG = 1e-9

in_rectangle = st.tuples(
    st.floats(gcj02.LON_MIN, gcj02.LON_MAX), st.floats(gcj02.LAT_MIN, gcj02.LAT_MAX)
)
in_zone = st.tuples(st.floats(113.0, 121.0), st.floats(20.0, 50.0))
near_105 = st.tuples(st.floats(-1e-3, 1e-3).map(lambda x: 105.0 + x), st.floats(18.0, 53.0))


@given(in_rectangle | near_105, st.sampled_from(["GCJ-02", "BD-09", "WGS84", "CGCS2000"]))
def test_there_and_back_within_a_millimetre(place: tuple[float, float], crs: str) -> None:
    back = point_to_wgs84(*from_wgs84(*place, crs), crs)
    assert back == pytest.approx(place, abs=IDENTICAL_DEG)


@given(in_zone, st.sampled_from(["EPSG:4548", "EPSG:4527", "EPSG:32650", "EPSG:3857"]))
def test_projected_there_and_back_within_a_millimetre(place: tuple[float, float], crs: str) -> None:
    back = point_to_wgs84(*from_wgs84(*place, crs), crs)
    assert back == pytest.approx(place, abs=MILLIMETRE_DEG)


@given(in_rectangle, st.sampled_from(["GCJ-02", "BD-09", "EPSG:3857", "WGS84"]))
def test_floats_and_arrays_agree(place: tuple[float, float], crs: str) -> None:
    lon, lat = from_wgs84(*place, crs)
    lons, lats = to_wgs84(np.array([lon]), np.array([lat]), crs)
    assert (lons[0], lats[0]) == pytest.approx(point_to_wgs84(lon, lat, crs), abs=IDENTICAL_DEG)


@given(st.tuples(st.floats(-179.0, 71.0), st.floats(-89.0, 72.0)))
def test_gcj02_leaves_the_rest_of_the_world_alone(place: tuple[float, float]) -> None:
    assert from_wgs84(*place, "GCJ-02") == place
    assert point_to_wgs84(*place, "GCJ-02") == place
