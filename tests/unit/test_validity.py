"""Invalid polygons are found, named in both languages, located, and mended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Polygon

from gis.geometry.validity import (
    area_change_m2,
    defects,
    mended,
    oriented,
    repeated_vertices,
)

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

BOW_TIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
TOUCHING_RING = Polygon([(0, 0), (4, 0), (2, 2), (4, 4), (0, 4), (2, 2)])


def _array(*geometries: BaseGeometry | None) -> np.ndarray:
    array = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array


@pytest.mark.parametrize(
    ("geometry", "key", "place"),
    [
        (None, "geometry-missing", None),
        (Polygon(), "geometry-missing", None),
        (shapely.Point(3, 4), "not-a-polygon", (3.0, 4.0)),
        (BOW_TIE, "self-intersection", (1.0, 1.0)),
        (TOUCHING_RING, "ring-self-intersection", (2.0, 2.0)),
        (
            Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(9, 9), (9, 8), (8, 8)]]),
            "hole-outside",
            (9.0, 9.0),
        ),
        (
            MultiPolygon([shapely.box(0, 0, 9, 9), shapely.box(1, 1, 2, 2)]),
            "nested-shells",
            (1.0, 1.0),
        ),
        (
            MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)]),
            "self-intersection",
            None,
        ),
        (
            shapely.set_coordinates(
                shapely.box(0, 0, 1, 1), [[0, 0], [np.nan, 0], [1, 1], [0, 1], [0, 0]]
            ),
            "coordinate-not-finite",
            None,
        ),
    ],
)
def test_each_defect_has_a_name_a_reason_and_a_place(
    geometry: BaseGeometry | None, key: str, place: tuple[float, float] | None
) -> None:
    (defect,) = defects(_array(shapely.box(0, 0, 1, 1), geometry))
    assert (defect.position, defect.key) == (1, key)
    assert defect.reason_zh
    assert defect.reason_en
    if place is not None:
        assert defect.places[0] == pytest.approx(place, abs=1.5)


def test_every_crossing_of_a_boundary_is_listed() -> None:
    twice = Polygon([(0, 0), (2, 2), (4, 0), (4, 2), (2, 0), (0, 2)])
    (defect,) = defects(_array(twice))
    assert set(defect.places) >= {(1.0, 1.0), (3.0, 1.0)}


def test_valid_areas_are_not_mentioned() -> None:
    ring = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (1, 2), (2, 2)]])
    assert defects(_array(ring, MultiPolygon([ring]))) == []
    assert defects(_array()) == []


def test_mending_keeps_both_wings_and_says_how_much_changed() -> None:
    wing = 1e-4
    bow = Polygon([(118, 32), (118 + wing, 32 + wing), (118 + wing, 32), (118, 32 + wing)])
    good = shapely.box(118, 32, 118 + wing, 32 + wing)
    after = mended(_array(bow, good, None))
    assert [shape.is_valid for shape in after] == [True, True, True]
    assert after[0].geom_type == "MultiPolygon"
    assert after[1].equals(good)
    assert after[2].is_empty
    assert area_change_m2(_array(bow, good), after[:2]) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_outer_rings_turn_left_and_repeated_vertices_are_counted() -> None:
    clockwise = Polygon([(0, 0), (0, 1), (0, 1), (1, 1), (1, 0)])
    assert not clockwise.exterior.is_ccw
    assert oriented(_array(clockwise))[0].exterior.is_ccw
    assert repeated_vertices(_array(clockwise, shapely.box(0, 0, 1, 1))).tolist() == [1, 0]


def test_the_34_invalid_election_districts_are_named_and_located(shared_data: Path) -> None:
    districts = gpd.read_file(shared_data / "messy-polygons/nyc_election_districts_2013.geojson")
    raw = np.array(districts.geometry.array, dtype=object)
    found = defects(raw)
    assert Counter(defect.key for defect in found) == {
        "self-intersection": 29,
        "ring-self-intersection": 5,
    }
    for defect in found:
        first = shapely.Point(defect.places[0])
        assert first.distance(raw[defect.position].boundary) < 1e-9
    positions = [defect.position for defect in found]
    after = mended(raw)
    assert shapely.is_valid(after).all()
    assert not shapely.is_empty(after).any()
    changed = area_change_m2(raw[positions], after[positions])
    assert (changed >= 0).all()
    assert changed.max() < 100_000


def test_four_of_the_quantised_counties_are_invalid(shared_data: Path) -> None:
    path = shared_data / "chuzhou-boundaries/echarts_counties_quantised_has_invalid.geojson"
    counties = gpd.read_file(path)
    assert len(defects(np.array(counties.geometry.array, dtype=object))) == 4
