"""Real points whose area is known: found as often as can be, misses explained by their distance."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gis.geometry.cell_index import CellIndex
from gis.geometry.validity import mended

Row = tuple[float, float, str]


def layer(path: Path, key: str) -> tuple[CellIndex, dict[str, Any]]:
    """Return the index of a layer and its shapes by name; parts of one name belong together."""
    found: dict[str, list[Any]] = {}
    for feature in json.loads(path.read_text("utf-8"))["features"]:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        found.setdefault(str(feature["properties"][key]), []).append(shape)
    names = sorted(found)
    whole = mended(np.array([shapely.union_all(found[name]) for name in names], object))
    shapes = dict(zip(names, whole, strict=True))
    return CellIndex.build(list(shapes.values()), list(shapes)), shapes


def rows(path: Path, lon: str, lat: str, answer: str) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            (float(row[lon]), float(row[lat]), row[answer])
            for row in csv.DictReader(file)
            if row[lon] and row[answer]
        ]


def misses(index: CellIndex, points: Sequence[Row]) -> list[tuple[str | None, str, float]]:
    """Return (found, answer, metres to the right area) of each point that is not in it."""
    missed = []
    keys = list(index.keys)
    for lon, lat, answer in points:
        covering = [keys[at] for at in index.covering(lon, lat)]
        if answer in covering:
            continue
        away = index.edge_distance_m(keys.index(answer), lon, lat) if answer in keys else np.inf
        missed.append((covering[0] if covering else None, answer, float(away)))
    return missed


def test_new_york_requests_lie_in_their_board(shared_data: Path) -> None:
    folder = shared_data / "nyc-311"
    index, _ = layer(folder / "community_districts_2013.geojson", "boro_cd")
    points = rows(folder / "requests.csv", "lon", "lat", "boro_cd")
    missed = misses(index, points)
    assert len(points) > 2_850
    # the README: 5,797 of 5,831 over all rows
    assert 1 - len(missed) / len(points) >= 0.993
    # every other is either next to its border or was filed with another board altogether
    near = [m for m in missed if m[2] <= 250.0]
    filed = [m for m in missed if m[2] > 250.0 and m[0] is not None]
    assert len(near) + len(filed) == len(missed)


def test_shenzhen_stations_lie_in_their_zone_or_beside_it(shared_data: Path) -> None:
    folder = shared_data / "shenzhen-zones"
    index, _ = layer(folder / "traffic_zones_gcj02.geojson", "taz_id")
    points = rows(folder / "stations.csv", "lon_gcj02", "lat_gcj02", "taz_id")
    assert len(points) == 793
    missed = misses(index, points)
    assert [m for m in missed if m[0] is not None] == []  # never in a wrong zone
    assert 1 - len(missed) / len(points) >= 0.955  # the README: 1,521 of 1,587
    keys = list(index.keys)
    by_nearest = 0
    for lon, lat, answer in points:
        covering = [keys[at] for at in index.covering(lon, lat)]
        nearest = index.nearest(lon, lat)
        assert nearest is not None
        by_nearest += answer in (covering or [keys[nearest.position]])
    assert by_nearest / len(points) >= 0.99  # the README: 1,581 of 1,587
    assert max(m[2] for m in missed) < 1_150.0


RENAMED = {"闸北区": "静安区", "崇明县": "崇明区"}


def test_shanghai_points_lie_in_their_district(shared_data: Path) -> None:
    folder = shared_data / "shanghai-poi"
    index, _ = layer(folder / "districts_2015_wgs84.geojson", "name")
    points = rows(folder / "poi.csv", "lon", "lat", "district")
    assert len(points) == 6_080
    keys = list(index.keys)
    agree, missed = 0, []
    for lon, lat, answer in points:
        covering = [keys[at] for at in index.covering(lon, lat)]
        if answer in {RENAMED.get(name, name) for name in covering}:
            agree += 1
            continue
        olds = [name for name in keys if RENAMED.get(name, name) == answer]
        away = min(index.edge_distance_m(keys.index(old), lon, lat) for old in olds)
        missed.append((None, answer, float(away)))
    assert agree == 6_068  # the README
    assert by_distance(missed) == [5, 2, 3, 2, 0]


BANDS = (10.0, 50.0, 250.0, 1_000.0, np.inf)


def by_distance(missed: Sequence[tuple[str | None, str, float]]) -> list[int]:
    """Return how many disagreements lie within each of :data:`BANDS` of the right area's edge."""
    away = sorted(metres for _, _, metres in missed)
    return np.diff([0, *np.searchsorted(away, BANDS, side="right")]).tolist()


def test_every_disagreement_is_told_by_its_distance_to_the_edge(shared_data: Path) -> None:
    """None is a surprise: New York's lie on the line, Shenzhen's beside the zones"""
    boards, _ = layer(shared_data / "nyc-311/community_districts_2013.geojson", "boro_cd")
    requests = rows(shared_data / "nyc-311/requests.csv", "lon", "lat", "boro_cd")
    assert by_distance(misses(boards, requests)) == [16, 0, 1, 0, 0]
    zones, _ = layer(shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson", "taz_id")
    stations = rows(shared_data / "shenzhen-zones/stations.csv", "lon_gcj02", "lat_gcj02", "taz_id")
    assert by_distance(misses(zones, stations)) == [1, 2, 18, 12, 1]


@pytest.mark.parametrize("folder", ["nyc-311", "shenzhen-zones", "shanghai-poi"])
def test_the_data_says_what_is_reachable(shared_data: Path, folder: str) -> None:
    assert (shared_data / folder / "README.md").is_file()
