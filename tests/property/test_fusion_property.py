"""Fusion of any evidence: probabilities sum to 1, no order matters, better evidence is no worse."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.combinations import Spot
from gis.matching.crs_posterior import general_prior, readings
from gis.matching.fuse import Fused, PinEvidence, SpotEvidence, fuse
from gis.matching.ground import Doors, Ground

LON, LAT, HALF_M = 118.3, 32.3, 400.0
KX, KY = metres_per_degree(LAT)
unhurried = settings(deadline=None)  # machines that run tests are shared

metres = st.floats(-1.2 * HALF_M, 1.2 * HALF_M)
sigmas = st.floats(3.0, 300.0)
strays = st.floats(1e-4, 0.9)


def degrees(east: float, north: float) -> tuple[float, float]:
    return LON + east / KX, LAT + north / KY


def tiling() -> CellIndex:
    """Thirty cells of any form that tile a square about the middle; nothing lies beyond."""
    corners = np.random.default_rng(7).uniform(-HALF_M, HALF_M, (30, 2))
    frame = shapely.box(*degrees(-HALF_M, -HALF_M), *degrees(HALF_M, HALF_M))
    parts = shapely.voronoi_polygons(
        shapely.MultiPoint(corners / [KX, KY] + [LON, LAT]), extend_to=frame
    )
    cells = [shapely.intersection(part, frame) for part in parts.geoms]
    return CellIndex.build(cells, [f"{k:02d}" for k in range(len(cells))])


INDEX = tiling()


@st.composite
def pins(draw: st.DrawFn, kind: str = "position") -> PinEvidence:
    """A pin: its numbers in any of the systems, an error law of one or two normals."""
    lon, lat = degrees(draw(metres), draw(metres))
    declared = draw(st.sampled_from(["WGS84", "GCJ-02", None]))
    prior = {"WGS84": 1.0} if kind == "photo" else general_prior(declared)
    share = draw(st.floats(0.3, 1.0))
    near = draw(sigmas)
    law = ((near, share), (near * 4.0, 1.0 - share)) if share < 1.0 else ((near, 1.0),)
    return PinEvidence(readings(lon, lat, prior), law, draw(strays), kind)


@st.composite
def addresses(draw: st.DrawFn) -> SpotEvidence:
    """What a text names: up to four places, one of them perhaps a whole area, or none of these."""
    shares = draw(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4))
    none = draw(st.floats(0.01, 0.9))
    whole = sum(shares) / (1.0 - none)
    spots = []
    for number, share in enumerate(shares):
        if number == 3:
            members = dict.fromkeys(range(6), 1.0 / 6)
            spots.append(Spot(share / whole, area=members, area_m2=1.3e5, origin=number))
        else:
            place = degrees(draw(metres), draw(metres))
            spots.append(Spot(share / whole, *place, draw(st.floats(4.0, 200.0)), origin=number))
    return SpotEvidence(tuple(spots), none)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[PinEvidence], SpotEvidence | None, Ground | None]:
    """Any evidence: pin, photo, address, ground, but not nothing."""
    given_pins = [draw(pins())] if draw(st.booleans()) else []
    given_pins += [draw(pins("photo"))] if draw(st.booleans()) else []
    spots = draw(addresses()) if not given_pins or draw(st.booleans()) else None
    ground = None
    if draw(st.booleans()):
        at = draw(st.lists(st.tuples(metres, metres), min_size=1, max_size=12))
        ground = Ground(Doors(np.array([degrees(*one) for one in at])), draw(st.floats(0, 1)), 6.0)
    return given_pins, spots, ground


def by_keys(keys: Sequence[str], found: Fused) -> dict[str, float]:
    """The shares of all areas: one that is named with 1e-13 is as one that is not named."""
    return dict.fromkeys(keys, 0.0) | {keys[at]: share for at, share in found.shares.items()}


def whole(found: Fused) -> float:
    return sum(found.shares.values()) + found.outside + found.unplaced


@unhurried
@given(cases())
def test_probabilities_sum_to_one_and_the_same_case_has_the_same_answer(
    case: tuple[list[PinEvidence], SpotEvidence | None, Ground | None],
) -> None:
    found = fuse(INDEX, *case)
    assert whole(found) == pytest.approx(1.0, abs=1e-9)
    parts = [*found.shares.values(), found.outside, found.unplaced, found.stray, found.together]
    assert all(0.0 <= part <= 1.0 + 1e-12 for part in parts)
    assert set(found.evidence) == set(found.shares)
    assert fuse(INDEX, *case) == found


@unhurried
@given(pins(), pins("photo"), addresses(), st.randoms(use_true_random=False))
def test_the_order_of_evidence_and_of_areas_changes_nothing(
    pin: PinEvidence, photo: PinEvidence, spots: SpotEvidence, chance: object
) -> None:
    found = fuse(INDEX, [pin, photo], spots)
    turned = SpotEvidence(spots.spots[::-1], spots.none, spots.kind)
    again = fuse(INDEX, [photo, pin], turned)
    keys = INDEX.keys
    by_key = by_keys(keys, found)
    assert by_keys(keys, again) == pytest.approx(by_key, abs=2e-3)
    assert again.outside == pytest.approx(found.outside, abs=2e-3)
    order = list(range(len(keys)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    shuffled = CellIndex.build([INDEX.geometries[k] for k in order], [keys[k] for k in order])
    if all(spot.area is None for spot in spots.spots):
        other = fuse(shuffled, [pin, photo], spots)
        assert by_keys(shuffled.keys, other) == pytest.approx(by_key, abs=1e-9)


@unhurried
@given(metres, metres, st.lists(sigmas, min_size=2, max_size=5, unique=True), strays)
def test_a_more_accurate_pin_is_never_less_certain_of_its_own_grid(
    east: float, north: float, spreads: list[float], stray: float
) -> None:
    """Cells are convex, so the mass about a pin only grows as its error shrinks."""
    pin = degrees(east, north)
    own = INDEX.locate_one(*pin)
    if own < 0:
        return
    shares = []
    for sigma in sorted(spreads):
        seen = PinEvidence(readings(*pin, {"WGS84": 1.0}), ((sigma, 1.0),), stray)
        shares.append(fuse(INDEX, [seen]).shares.get(own, 0.0))
    assert all(finer >= coarser - 1e-9 for finer, coarser in pairwise(shares))


@unhurried
@given(addresses(), metres, metres, st.floats(5.0, 60.0), strays)
def test_a_pin_that_strays_for_certain_leaves_the_address_as_it_was(
    spots: SpotEvidence, east: float, north: float, sigma: float, stray: float
) -> None:
    alone = fuse(INDEX, [], spots)
    pin = PinEvidence(readings(*degrees(east, north), {"WGS84": 1.0}), ((sigma, 1.0),), 1.0)
    beside = fuse(INDEX, [pin], spots)
    assert beside.shares == pytest.approx(dict(alone.shares), abs=1e-6)
    del stray
