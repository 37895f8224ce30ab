"""Shares of a pin: they sum to one, grow inward, and agree with an independent integral."""

from __future__ import annotations

from math import cos, exp, hypot, pi, sin

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.position import SIGMAS_PER_ACCURACY, probabilities

LON, LAT = 118.3, 32.3
KX, KY = metres_per_degree(LAT)

accuracies = st.floats(0.5, 2_000.0)
seeds = st.integers(0, 2**32 - 1)

unhurried = settings(deadline=None)  # machines that run tests are shared


def tiling(seed: int, cells: int = 25) -> list[BaseGeometry]:
    """Return cells that tile a square of 400 m about the pin."""
    corners = np.random.default_rng(seed).uniform(-200, 200, (cells, 2))
    frame = shapely.box(LON - 200 / KX, LAT - 200 / KY, LON + 200 / KX, LAT + 200 / KY)
    parts = shapely.voronoi_polygons(
        shapely.MultiPoint(corners / [KX, KY] + [LON, LAT]), extend_to=frame
    )
    return [shapely.intersection(part, frame) for part in parts.geoms]


@unhurried
@given(seeds, accuracies, st.floats(-300, 300), st.floats(-300, 300))
def test_shares_sum_to_one_and_do_not_depend_on_row_order(
    seed: int, accuracy: float, east: float, north: float
) -> None:
    areas = tiling(seed)
    keys = [f"{i:03d}" for i in range(len(areas))]
    pin = (LON + east / KX, LAT + north / KY)
    evidence = probabilities(CellIndex.build(areas, keys), *pin, accuracy)
    assert sum(p for _, p in evidence) + evidence.outside == pytest.approx(1.0, abs=1e-6)
    assert all(0.0 <= p <= 1.0 for _, p in evidence)
    turned = probabilities(CellIndex.build(areas[::-1], keys[::-1]), *pin, accuracy)
    there = {len(areas) - 1 - position: p for position, p in turned}
    assert there == pytest.approx(dict(evidence), abs=1e-9)
    assert turned.outside == pytest.approx(evidence.outside, abs=1e-9)


@unhurried
@given(seeds, accuracies)
def test_tiles_weigh_as_much_as_their_union(seed: int, accuracy: float) -> None:
    areas = tiling(seed)
    whole = probabilities(CellIndex.build([shapely.union_all(areas)]), LON, LAT, accuracy)
    parts = probabilities(CellIndex.build(areas), LON, LAT, accuracy)
    assert sum(p for _, p in parts) == pytest.approx(whole[0][1], abs=1e-6)


@unhurried
@given(
    st.integers(2, 8),
    st.tuples(st.floats(5, 200), st.floats(0.2, 1.0)),
    st.floats(0, 2 * pi),
    st.floats(0, 2 * pi),
    accuracies,
)
def test_moving_inward_never_lowers_the_own_share(
    corners: int, size: tuple[float, float], turn: float, course: float, accuracy: float
) -> None:
    angles = turn + np.arange(2 * corners) * pi / corners  # even: symmetric about the centre
    radius, flat = size
    ring = zip(
        LON + radius * np.cos(angles) / KX, LAT + flat * radius * np.sin(angles) / KY, strict=True
    )
    index = CellIndex.build([shapely.Polygon(list(ring))])
    last = 0.0
    for step in np.linspace(2.0, 0.0, 9):
        x, y = step * radius * cos(course), step * radius * sin(course)
        own = sum(p for _, p in probabilities(index, LON + x / KX, LAT + y / KY, accuracy))
        assert own >= last - 1e-6
        last = own


@unhurried
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(1, 500))
def test_triangle_at_the_pin_agrees_with_an_integral_over_the_angle(
    x1: float, y1: float, x2: float, y2: float, accuracy: float
) -> None:
    cross = x1 * y2 - x2 * y1
    if abs(cross) < 1e-3:
        return
    sigma = accuracy / SIGMAS_PER_ACCURACY
    index = CellIndex.build(
        [
            shapely.Polygon(
                [
                    (LON, LAT),
                    (LON + x1 * sigma / KX, LAT + y1 * sigma / KY),
                    (LON + x2 * sigma / KX, LAT + y2 * sigma / KY),
                ]
            )
        ]
    )
    # Along a ray to the opposite edge, at distance r, the triangle holds 1 - exp(-r^2 / 2).
    nodes, weights = np.polynomial.legendre.leggauss(400)
    start = np.arctan2(y1, x1)
    opening = np.arctan2(cross, x1 * x2 + y1 * y2)
    d = abs(cross) / hypot(x2 - x1, y2 - y1)
    normal = np.arctan2(x1 - x2, y2 - y1) if cross > 0 else np.arctan2(x2 - x1, y1 - y2)
    rays = start + opening * (nodes + 1.0) / 2.0
    held = [1.0 - exp(-((d / cos(ray - normal)) ** 2) / 2.0) for ray in rays]
    expected = float(np.dot(weights, held)) * abs(opening) / 2.0 / (2.0 * pi)
    own = sum(p for _, p in probabilities(index, LON, LAT, accuracy))
    assert own == pytest.approx(expected, abs=1e-6)
