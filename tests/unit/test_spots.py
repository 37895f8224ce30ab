"""What an address names, on the map: its own point decides, a road or compound is all of itself."""

from __future__ import annotations

import pytest
import shapely

from gis.geometry.cell_index import CellIndex
from gis.matching.address import AddressIndex
from gis.matching.fuse import fuse
from gis.matching.spots import spots_of
from tests import small_gazetteer as small


@pytest.fixture(scope="module")
def city() -> AddressIndex:
    return small.index()


def halves(east_m: float) -> CellIndex:
    """The small city in two grids that meet at a line from north to south."""
    middle, _ = small.lonlat(east_m, 0.0)
    west, south, east, north = (*small.lonlat(-9_000, -9_000), *small.lonlat(9_000, 9_000))
    return CellIndex.build(
        [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)],
        ["west", "east"],
    )


def shares(index: CellIndex, city: AddressIndex, text: str) -> dict[str, float]:
    """The probability of each half, given an address alone."""
    found = fuse(index, [], spots_of(city.places(text), lambda _: None))
    return {index.keys[at]: share for at, share in found.shares.items()}


@pytest.mark.parametrize(
    ("number", "side"), [(40, "west"), (45, "west"), (46, "west"), (55, "east"), (58, "east")]
)
def test_number_on_a_road_across_a_border_is_decided_by_its_own_point(
    city: AddressIndex, number: int, side: str
) -> None:
    """Numbers 41 and 60 are known, 11 m a number; the border crosses the road at number 50."""
    found = shares(halves(11.0 * 50), city, f"琅琊路{number}号")
    assert max(found, key=lambda key: found[key]) == side
    place = city.places(f"琅琊路{number}号")[0]
    if number > 41:
        assert place.area_code is None, "between two communities the map decides, no neighbour"
        assert "address-number-worked-out" in [reason.code for reason in place.reasons]


def test_a_road_without_a_number_is_all_of_its_line(city: AddressIndex) -> None:
    found = shares(halves(300.0), city, "琅琊路")  # 900 m long
    assert found["west"] / (found["west"] + found["east"]) == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize("east_m", [270.0, 300.0, 330.0])
def test_a_compound_whose_building_is_not_known_is_all_of_its_outline(
    city: AddressIndex, east_m: float
) -> None:
    place = city.places("琅琊区锦绣花园88幢")[0]
    index = halves(east_m)
    wanted = (
        shapely.area(shapely.intersection(place.outline, index.geometries)) / place.outline.area
    )
    found = fuse(index, [], spots_of([place], lambda _: None))
    held = sum(found.shares.values())
    for at, share in found.shares.items():
        assert share / held == pytest.approx(wanted[at], abs=0.08)
