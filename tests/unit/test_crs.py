"""Coordinate systems against the vectors of other packages, and what is refused with which hint."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gis.errors import CrsUnknown, PositionInvalid
from gis.geometry import gcj02
from gis.geometry.crs import from_wgs84, normalise, point_to_wgs84, to_wgs84, usable

if TYPE_CHECKING:
    from pathlib import Path

    from gis.geometry.gcj02 import Floats

GENERATED_DEG = 1e-6  # packages agree to 1.2e-7
SERVICE_DEG = 1e-5  # what the map services return differs from the open formula by up to 7.4e-6
METRES_PER_DEG = 111_320.0


def _apart(got: tuple[Floats, Floats], lon: Floats, lat: Floats) -> float:
    return float(max(np.abs(got[0] - lon).max(), np.abs(got[1] - lat).max()))


@pytest.mark.parametrize(("column", "crs"), [("gcj02", "GCJ-02"), ("bd09", "BD-09")])
def test_generated_pairs_both_ways(shared_data: Path, column: str, crs: str) -> None:
    pairs = pd.read_csv(shared_data / "coord-conversion/generated_pairs.csv")
    wgs = pairs["wgs84_lon"].to_numpy(), pairs["wgs84_lat"].to_numpy()
    moved = pairs[f"{column}_lon"].to_numpy(), pairs[f"{column}_lat"].to_numpy()
    assert _apart(from_wgs84(*wgs, crs), *moved) < GENERATED_DEG
    assert _apart(to_wgs84(*moved, crs), *wgs) < GENERATED_DEG


@pytest.mark.parametrize(("column", "crs"), [("gcj02", "GCJ-02"), ("bd09", "BD-09")])
def test_real_city_seats_within_the_tolerance_of_the_service(
    shared_data: Path, column: str, crs: str
) -> None:
    seats = pd.read_csv(shared_data / "coord-conversion/gcoord_china_cities.csv")
    wgs = seats["wgs84_lon"].to_numpy(), seats["wgs84_lat"].to_numpy()
    moved = seats[f"{column}_lon"].to_numpy(), seats[f"{column}_lat"].to_numpy()
    assert _apart(from_wgs84(*wgs, crs), *moved) < SERVICE_DEG
    assert _apart(to_wgs84(*moved, crs), *wgs) < SERVICE_DEG


def test_published_vectors_that_are_right(shared_data: Path) -> None:
    vectors = pd.read_csv(shared_data / "coord-conversion/published_vectors.csv")
    names = {"wgs84": "WGS84", "gcj02": "GCJ-02", "bd09": "BD-09"}
    checked = 0
    for row in vectors[vectors["status"] == "ok"].itertuples():
        one_step = "one-step" in str(row.note)  # its inverse leaves up to 0.15 m
        wgs = to_wgs84(row.lon_in, row.lat_in, names[str(row[3])])
        got = from_wgs84(*wgs, names[str(row.to)])
        tolerance = 1.5e-6 if one_step else max(float(row.tolerance_deg), 1e-9)
        assert abs(got[0] - row.lon_out) <= tolerance
        assert abs(got[1] - row.lat_out) <= tolerance
        checked += 1
    assert checked == 18


def test_known_wrong_vectors_are_not_followed(shared_data: Path) -> None:
    vectors = pd.read_csv(shared_data / "coord-conversion/published_vectors.csv")
    for row in vectors[vectors["status"] == "known_wrong"].itertuples():
        lon, lat = to_wgs84(row.lon_in, row.lat_in, "BD-09")
        off_m = math.hypot(lon - row.lon_out, lat - row.lat_out) * METRES_PER_DEG
        assert 5 < off_m < 60


def test_gauss_krueger_zones_within_a_tenth_of_a_millimetre(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "coord-conversion/cgcs2000_gauss_kruger.csv")
    assert set(rows["epsg"]) == {4548, 4527, 4549, 4528, 4498}
    for epsg, zone in rows.groupby("epsg"):
        grid = zone["easting_m"].to_numpy(), zone["northing_m"].to_numpy()
        geographic = zone["cgcs2000_lon"].to_numpy(), zone["cgcs2000_lat"].to_numpy()
        assert _apart(from_wgs84(*geographic, f"EPSG:{epsg}"), *grid) < 1e-4
        assert _apart(to_wgs84(*grid, f"epsg:{epsg}"), *geographic) < 1e-9


def test_outside_the_rectangle_nothing_moves_and_inside_as_the_packages_do(
    shared_data: Path,
) -> None:
    rows = pd.read_csv(shared_data / "coord-conversion/outside_mainland_behaviour.csv")
    rows = rows[rows["package"] == "gcoord"]
    for row in rows.itertuples():
        lon, lat = from_wgs84(float(row.wgs84_lon), float(row.wgs84_lat), "GCJ-02")
        assert (lon, lat) == pytest.approx((row.wgs2gcj_lon, row.wgs2gcj_lat), abs=1e-6)
        if row.region == "abroad_outside_bbox":
            assert (lon, lat) == (row.wgs84_lon, row.wgs84_lat)
        if row.region in ("hongkong", "macau", "taiwan"):
            # Not settled by the packages whether the services do; all of them move these.
            assert (lon, lat) != (row.wgs84_lon, row.wgs84_lat)


def test_gcj02_comes_back_at_the_border_of_the_rectangle() -> None:
    lon = np.r_[np.full(500, gcj02.LON_MIN), np.full(500, gcj02.LON_MAX)]
    lat = np.linspace(gcj02.LAT_MIN, gcj02.LAT_MAX, 1000)
    assert _apart(to_wgs84(*from_wgs84(lon, lat, "GCJ-02"), "GCJ-02"), lon, lat) < 1e-9
    lon, lat = np.linspace(gcj02.LON_MIN, gcj02.LON_MAX, 1000), np.full(1000, gcj02.LAT_MAX)
    assert _apart(to_wgs84(*from_wgs84(lon, lat, "GCJ-02"), "GCJ-02"), lon, lat) < 1e-9


def test_gcj02_taken_for_wgs84_at_chuzhou_is_555_m_off() -> None:
    lon, lat = to_wgs84(118.3283282, 32.2534302, "GCJ-02")
    off_m = math.hypot((118.3283282 - lon) * math.cos(math.radians(lat)), 32.2534302 - lat)
    assert off_m * METRES_PER_DEG == pytest.approx(555, abs=5)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("wgs84", "WGS84"),
        ("WGS-84", "WGS84"),
        ("epsg:4326", "WGS84"),
        ("EPSG:4490", "CGCS2000"),
        ("cgcs2000", "CGCS2000"),
        ("Gcj-02", "GCJ-02"),
        ("GCJ02", "GCJ-02"),
        ("bd09", "BD-09"),
        ("bd_09", "BD-09"),
        (" EPSG:4548 ", "EPSG:4548"),
        ("epsg:04548", "EPSG:4548"),
    ],
)
def test_names_in_any_case(written: str, name: str) -> None:
    assert normalise(written) == name


@pytest.mark.parametrize(
    "written",
    ["", "GCJ", "EPSG", "EPSG:", "EPSG:0", "EPSG:999999", "EPSG:99999999999", "EPSG:4978",
     "EPSG:5773", "EPSG:４５４８", "EPSG:-1", "wgs85", "火星"],
)  # fmt: skip
def test_unknown_systems_are_refused_by_name(written: str) -> None:
    with pytest.raises(CrsUnknown) as caught:
        to_wgs84(118.0, 32.0, written)
    assert caught.value.facts["crs"] == written


@pytest.mark.parametrize(
    ("lon", "lat", "crs", "words"),
    [
        (float("nan"), 32.0, "WGS84", "not a finite number"),
        (118.0, float("inf"), "GCJ-02", "not a finite number"),
        (float("nan"), 32.0, "EPSG:4548", "not a finite number"),
        (118.0, 90.5, "WGS84", "within -180 and 180"),
        (32.2554, 118.3229, "WGS84", "swapped"),
        (32.2554, 118.3229, "BD-09", "swapped"),
        (39.47, 75.99, "WGS84", "swapped"),  # Kashgar: the latitude alone would be possible
        (670643.6, 3665467.1, "WGS84", "projected metres"),
        (118.3, 32.2, "EPSG:4548", "look like degrees"),
        (3665467.1, 670643.6, "EPSG:4548", "easting comes first"),
        (3665467.1, 39670643.6, "EPSG:4527", "easting comes first"),
        (39670643.6, 3665467.1, "EPSG:4548", "EPSG:4527"),
        (40390589.8, 3664591.4, "EPSG:4527", "EPSG:4528"),
        (20670643.6, 3665467.1, "EPSG:4548", "EPSG:4498"),
        (670643.6, 3665467.1, "EPSG:4527", "EPSG:4548"),
        (670643.6, 3665467.1, "EPSG:4498", "EPSG:4509"),
        (670643.6, 9_900_000.0, "EPSG:4548", "far from where"),
        (200_000.0, 9_800_000.0, "EPSG:2263", "far from where"),
    ],
)
def test_impossible_positions_are_refused_with_a_hint(
    lon: float, lat: float, crs: str, words: str
) -> None:
    with pytest.raises(PositionInvalid) as caught:
        point_to_wgs84(lon, lat, crs)
    assert words in caught.value.detail("en")
    assert caught.value.facts["crs"] == normalise(crs)
    assert caught.value.detail("zh")
    with pytest.raises(PositionInvalid) as in_array:
        to_wgs84(np.array([np.nan, lon])[1:], np.array([np.nan, lat])[1:], crs)
    assert words in in_array.value.detail("en")
    assert not usable([lon], [lat], crs)[0]


def test_an_array_names_its_first_bad_pair() -> None:
    with pytest.raises(PositionInvalid) as caught:
        to_wgs84([118.0, 32.0, 118.0], [32.0, 118.0, np.nan], "GCJ-02")
    assert caught.value.facts["index"] == 1


def test_shapes_are_kept_and_input_is_not_touched() -> None:
    lon = np.full((2, 3), 118.3)
    lat = np.full((2, 3), 32.2)
    for crs in ("WGS84", "CGCS2000", "GCJ-02", "BD-09", "EPSG:32650"):
        east, north = from_wgs84(lon, lat, crs)
        back_lon, back_lat = to_wgs84(east, north, crs)
        assert back_lon.shape == back_lat.shape == (2, 3)
        back_lon[:] = 0.0
        assert lon[0, 0] == 118.3
        empty = to_wgs84([], [], crs)
        assert empty[0].shape == empty[1].shape == (0,)
    with pytest.raises(ValueError, match="one shape"):
        to_wgs84([1.0, 2.0], [1.0], "WGS84")


def test_epsg_transformers_serve_many_threads() -> None:
    got: list[tuple[float, float]] = []

    def convert() -> None:
        got.extend(point_to_wgs84(670643.5821, 3665467.0929, "EPSG:4548") for _ in range(50))

    threads = [threading.Thread(target=convert) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 400
    assert set(got) == {got[0]}
