"""Pin and accuracy against what is known in closed form, and against dice."""

from __future__ import annotations

import itertools
from math import atan, erf, pi, sqrt

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import AccuracyInvalid
from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.position import SIGMAS_PER_ACCURACY, PositionEvidence, probabilities

LON, LAT = 118.3, 32.3
KX, KY = metres_per_degree(LAT)
ACCURACY = 30.0
SIGMA = ACCURACY / SIGMAS_PER_ACCURACY
FAR = 100_000.0


def metres(*corners: tuple[float, float]) -> shapely.Polygon:
    """Return a polygon given in metres east and north of the pin."""
    return shapely.Polygon([(LON + x / KX, LAT + y / KY) for x, y in corners])


def rectangle(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return metres((west, south), (east, south), (east, north), (west, north))


def shares(*areas: BaseGeometry, accuracy: float | None = ACCURACY) -> list[float]:
    evidence = probabilities(CellIndex.build(areas), LON, LAT, accuracy)
    assert sum(p for _, p in evidence) + evidence.outside == pytest.approx(1.0, abs=1e-12)
    found = dict(evidence)
    return [found.get(i, 0.0) for i in range(len(areas))]


def inside(distance: float) -> float:
    """Return the mass of the standard normal within a distance to both sides."""
    return erf(distance / SIGMA / sqrt(2.0))


def test_accuracy_is_the_radius_that_holds_68_percent() -> None:
    turns = np.linspace(0.0, 2.0 * pi, 20_001)[:-1]
    disc = metres(*zip(ACCURACY * np.cos(turns), ACCURACY * np.sin(turns), strict=True))
    assert shares(disc) == pytest.approx([0.68], abs=1e-6)


def test_half_plane_quadrant_and_wedge() -> None:
    assert shares(rectangle(0, -FAR, FAR, FAR)) == pytest.approx([0.5], abs=1e-9)
    assert shares(rectangle(0, 0, FAR, FAR)) == pytest.approx([0.25], abs=1e-9)
    wedge = metres((0, 0), (FAR, 0), (FAR, FAR / 3))
    assert shares(wedge) == pytest.approx([atan(1 / 3) / (2 * pi)], abs=1e-9)
    three_quarters = rectangle(-FAR, -FAR, FAR, FAR).difference(rectangle(0, 0, FAR, FAR))
    assert shares(three_quarters) == pytest.approx([0.75], abs=1e-9)


@pytest.mark.parametrize("distance", [1e-9, 0.01, 5.0, 30.0, 90.0])
def test_half_plane_at_a_distance(distance: float) -> None:
    own = (1.0 + inside(distance)) / 2.0
    assert shares(rectangle(-distance, -FAR, FAR, FAR)) == pytest.approx([own], abs=1e-7)
    assert shares(rectangle(-FAR, -FAR, -distance, FAR)) == pytest.approx([1.0 - own], abs=1e-7)


@pytest.mark.parametrize("side", [2.0, 20.0, 60.0, 400.0])
def test_square_is_a_product_of_error_functions(side: float) -> None:
    half = side / 2.0
    assert shares(rectangle(-half, -half, half, half)) == pytest.approx(
        [inside(half) ** 2], abs=1e-7
    )
    # A pin on the middle of the west edge, and one on a corner.
    assert shares(rectangle(0, -half, side, half)) == pytest.approx(
        [inside(side) / 2.0 * inside(half)], abs=1e-7
    )
    assert shares(rectangle(0, 0, side, side)) == pytest.approx(
        [(inside(side) / 2.0) ** 2], abs=1e-7
    )


def test_hole_and_second_part() -> None:
    hole = rectangle(-20, -20, 20, 20)
    ring = rectangle(-FAR, -FAR, FAR, FAR).difference(hole)
    assert shares(ring, hole) == pytest.approx([1.0 - inside(20) ** 2, inside(20) ** 2], abs=1e-7)
    near, far = rectangle(0, -FAR, 10, FAR), rectangle(20, -FAR, 30, FAR)
    both = shapely.MultiPolygon([near, far])
    assert shares(both)[0] == pytest.approx(shares(near)[0] + shares(far)[0], abs=1e-12)


def test_orientation_start_and_doubled_vertices_do_not_matter() -> None:
    area = metres((-40, -10), (50, -20), (30, 60), (-20, 25))
    ring = list(area.exterior.coords)[:-1]
    expected = shares(area)
    assert shares(area.reverse()) == pytest.approx(expected, abs=1e-12)
    assert shares(shapely.Polygon(ring[2:] + ring[:2])) == pytest.approx(expected, abs=1e-12)
    doubled = shapely.Polygon([ring[0], ring[0], *ring[1:], ring[-1]])
    assert shares(doubled) == pytest.approx(expected, abs=1e-12)


def tiling() -> list[BaseGeometry]:
    dice = np.random.default_rng(20261123)
    corners = dice.uniform(-200, 200, (40, 2))
    cells = shapely.voronoi_polygons(
        shapely.MultiPoint(corners / [KX, KY] + [LON, LAT]),
        extend_to=rectangle(-250, -250, 250, 250),
    )
    frame = rectangle(-220, -220, 220, 220)
    return [shapely.intersection(cell, frame) for cell in cells.geoms]


@pytest.mark.parametrize("accuracy", [5.0, 30.0, 120.0])
def test_against_a_million_throws_of_the_dice(accuracy: float) -> None:
    areas = tiling()
    index = CellIndex.build(areas)
    dice = np.random.default_rng(7)
    throws = dice.normal(0.0, accuracy / SIGMAS_PER_ACCURACY, (1_000_000, 2))
    hits = index.locate(LON + throws[:, 0] / KX, LAT + throws[:, 1] / KY)
    seen = np.bincount(hits + 1, minlength=len(areas) + 1) / len(throws)
    evidence = probabilities(index, LON, LAT, accuracy)
    expected = np.zeros(len(areas) + 1)
    expected[0] = evidence.outside
    for position, probability in evidence:
        expected[position + 1] = probability
    assert np.abs(seen - expected).max() < 5 * 0.5 / sqrt(len(throws))


def test_evidence_is_a_sorted_list_of_pairs() -> None:
    evidence = probabilities(CellIndex.build(tiling()), LON, LAT, 120.0)
    assert isinstance(evidence, PositionEvidence)
    pairs = list(evidence)
    assert len(evidence) == len(pairs) > 3
    assert evidence[0] == pairs[0]
    assert evidence[:2] == tuple(pairs[:2])
    assert all(type(position) is int for position, _ in pairs)
    values = [probability for _, probability in pairs]
    assert values == sorted(values, reverse=True)
    assert evidence.outside > 0.001


def test_row_order_does_not_matter_and_ties_go_by_key() -> None:
    quarters = {
        "d": rectangle(0, 0, FAR, FAR),
        "b": rectangle(-FAR, 0, 0, FAR),
        "c": rectangle(-FAR, -FAR, 0, 0),
        "a": rectangle(0, -FAR, FAR, 0),
    }
    for accuracy, order in itertools.product((30.0, None), itertools.permutations(quarters)):
        index = CellIndex.build([quarters[key] for key in order], order)
        evidence = probabilities(index, LON, LAT, accuracy)
        assert [index.keys[position] for position in evidence.covering] == ["a", "b", "c", "d"]
        assert [p for _, p in evidence] == pytest.approx([0.25] * 4, abs=1e-9)
        assert evidence.ambiguous
        assert evidence.edge_distance_m == pytest.approx(0.0, abs=1e-6)
        if accuracy is None:
            assert [index.keys[position] for position, _ in evidence] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("accuracy", [None, 0, 0.0, 1e-9, 1e-300])
def test_without_accuracy_it_is_the_plain_point(accuracy: float | None) -> None:
    here, there = rectangle(-0.5, -50, 50, 50), rectangle(-50, -50, -0.5, 50)
    evidence = probabilities(CellIndex.build([here, there]), LON, LAT, accuracy)
    assert evidence.candidates == ((0, 1.0),)
    assert (evidence.outside, evidence.ambiguous) == (0.0, False)
    assert evidence.edge_distance_m == pytest.approx(0.5, abs=1e-6)
    nothing = probabilities(CellIndex.build([there]), LON, LAT, accuracy)
    assert (nothing.candidates, nothing.outside) == ((), 1.0)
    assert nothing.edge_distance_m is None


def test_outside_near_and_far() -> None:
    index = CellIndex.build([rectangle(10, -FAR, FAR, FAR)])
    evidence = probabilities(index, LON, LAT, ACCURACY)
    assert evidence.outside == pytest.approx((1.0 + inside(10)) / 2.0, abs=1e-7)
    assert evidence.covering == ()
    assert evidence.edge_distance_m == pytest.approx(10.0, abs=1e-3)
    far = probabilities(index, LON - 1.0, LAT, ACCURACY)
    assert (far.candidates, far.outside, far.edge_distance_m) == ((), 1.0, None)
    empty = probabilities(CellIndex.build([]), LON, LAT, ACCURACY)
    assert (empty.candidates, empty.outside) == ((), 1.0)


def test_edge_distance_is_that_of_the_index() -> None:
    area = rectangle(-700, -2_000, 3_000, 900)
    index = CellIndex.build([area])
    for accuracy in (None, 5.0, 500.0):
        evidence = probabilities(index, LON, LAT, accuracy)
        assert evidence.edge_distance_m == pytest.approx(
            index.edge_distance_m(0, LON, LAT), abs=1e-6
        )
        assert evidence.edge_distance_m == pytest.approx(700.0, abs=0.1)


def test_candidates_say_how_far_the_pin_lies_outside_them() -> None:
    own, near, next_ = (
        rectangle(-20, -50, 10, 50),
        rectangle(10, -50, 40, 50),
        rectangle(-50, -50, -20, 50),
    )
    evidence = probabilities(CellIndex.build([near, own, next_]), LON, LAT, ACCURACY)
    assert [position for position, _ in evidence] == [1, 0, 2]
    assert evidence.distances_m == pytest.approx((0.0, 10.0, 20.0), abs=1e-3)
    plain = probabilities(CellIndex.build([near, own]), LON, LAT)
    assert plain.distances_m == (0.0,)


def test_overlapping_areas_still_sum_to_one() -> None:
    assert shares(rectangle(-FAR, -FAR, FAR, FAR), rectangle(-FAR, -FAR, FAR, FAR)) == [0.5, 0.5]
    assert shares(
        rectangle(-FAR, -FAR, FAR, FAR), rectangle(0, -FAR, FAR, FAR), accuracy=10.0
    ) == pytest.approx([2 / 3, 1 / 3], abs=1e-7)


def test_a_sliver_that_covers_the_pin_stays_a_candidate() -> None:
    sliver = rectangle(-1e-6, -1e-6, 1e-6, 1e-6)
    evidence = probabilities(CellIndex.build([sliver]), LON, LAT, 1000.0)
    assert [position for position, _ in evidence] == [0]
    assert evidence.outside == pytest.approx(1.0, abs=1e-9)


def test_circle_larger_than_the_city_leaves_most_outside() -> None:
    evidence = probabilities(CellIndex.build(tiling()), LON, LAT, 1e7)
    assert evidence.outside > 0.999


@pytest.mark.parametrize("accuracy", [-1.0, -1e-9, float("nan"), float("inf")])
def test_impossible_accuracy_is_rejected(accuracy: float) -> None:
    with pytest.raises(AccuracyInvalid) as refused:
        probabilities(CellIndex.build([]), LON, LAT, accuracy)
    assert str(accuracy) in refused.value.detail("en")


def test_pin_that_is_not_finite_is_a_bug() -> None:
    with pytest.raises(ValueError, match="finite"):
        probabilities(CellIndex.build([]), float("nan"), LAT, 1.0)
