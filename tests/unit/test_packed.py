"""Packed polygons: what the page unpacks is what was drawn, and neighbours still meet."""

from __future__ import annotations

import json

import numpy as np
import shapely

from maps.packed import STEP, pack


def numbers(letters: str) -> list[int]:
    found, number, weight = [], 0, 1
    for letter in letters:
        digit = ord(letter) - 63
        number, weight = number + (digit % 32) * weight, weight * 32
        if digit < 32:
            found.append(-(number + 1) // 2 if number % 2 else number // 2)
            number, weight = 0, 1
    return found


def unpacked(parts: list[list[str]]) -> shapely.Geometry:
    """What maps/pages/map.js does, in Python."""
    polygons = []
    for rings in parts:
        made = [np.cumsum(np.reshape(numbers(ring), (-1, 2)), axis=0) * STEP for ring in rings]
        polygons.append(shapely.Polygon(made[0], made[1:]))
    return shapely.MultiPolygon(polygons)


def features(count: int) -> list[dict[str, object]]:
    return [{"id": str(number), "properties": {"name": f"第{number}"}} for number in range(count)]


def test_round_trip_keeps_shapes_holes_and_parts_to_a_step() -> None:
    holed = (
        shapely.Point(118.3, 32.3).buffer(0.05).difference(shapely.Point(118.3, 32.3).buffer(0.01))
    )
    two = shapely.union(shapely.box(118, 32, 118.1, 32.1), shapely.box(119, 32, 119.1, 32.1))
    packed = json.loads(json.dumps(pack(features(2), [holed, two])))
    for shape, parts in zip((holed, two), packed["shapes"], strict=True):
        again = unpacked(parts)
        assert again.is_valid
        assert shapely.hausdorff_distance(again, shape) <= STEP
        assert shapely.get_num_geometries(again) == shapely.get_num_geometries(shape)
    assert packed["values"] == [["第0", "第1"]]


def test_neighbours_stay_edge_matched() -> None:
    edge = [(118.3 + 0.001 * np.sin(step), 32.2 + step / 200) for step in range(20)]
    left = shapely.Polygon([*edge, (118.1, 32.295), (118.1, 32.2)])
    right = shapely.Polygon([*edge, (118.5, 32.295), (118.5, 32.2)])
    shapes = [unpacked(parts) for parts in pack(features(2), [left, right])["shapes"]]
    grid = [shapely.set_precision(shape, STEP) for shape in shapes]
    assert shapely.coverage_is_valid(grid)


def test_what_falls_together_is_left_out_and_nothing_is_no_error() -> None:
    speck = shapely.box(118.3, 32.3, 118.3 + STEP / 10, 32.3 + STEP / 10)
    assert pack(features(1), [speck])["shapes"] == [[]]
    assert pack([], []) == {"ids": [], "keys": [], "values": [], "shapes": []}
