"""Fusion: shares sum to one, evidence that agrees sharpens, evidence that conflicts does not."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.combinations import Spot
from gis.matching.crs_posterior import Reading, general_prior, readings
from gis.matching.fuse import Fused, PinEvidence, SpotEvidence, apart_m, fuse
from gis.matching.ground import Doors, Ground

LON, LAT, SIDE = 118.3, 32.2, 0.005
KX, KY = metres_per_degree(LAT)


def tiling(columns: int = 6) -> CellIndex:
    boxes, keys = [], []
    for i in range(columns):
        for j in range(columns):
            x, y = LON + i * SIDE, LAT + j * SIDE
            boxes.append(shapely.box(x, y, x + SIDE, y + SIDE))
            keys.append(f"{i}{j}")
    return CellIndex.build(boxes, keys)


INDEX = tiling()


def at(i: float, j: float) -> tuple[float, float]:
    return LON + i * SIDE, LAT + j * SIDE


def pin(lon: float, lat: float, sigma_m: float = 20.0, stray: float = 0.02) -> PinEvidence:
    return PinEvidence((Reading("WGS84", lon, lat, 1.0),), ((sigma_m, 1.0),), stray)


def door(lon: float, lat: float, share: float = 0.97, sigma_m: float = 10.0) -> SpotEvidence:
    return SpotEvidence((Spot(share, lon, lat, sigma_m),), 1.0 - share)


def whole(found: Fused) -> float:
    return sum(found.shares.values()) + found.outside + found.unplaced


def best(found: Fused) -> str:
    return INDEX.keys[max(found.shares, key=found.shares.__getitem__)]


def test_everything_sums_to_one() -> None:
    for spots in (None, door(*at(2.5, 2.5)), door(*at(9.0, 9.0))):
        assert whole(fuse(INDEX, [pin(*at(2.9, 2.1))], spots)) == pytest.approx(1.0, abs=1e-9)
    assert whole(fuse(INDEX, [], door(*at(2.5, 2.5)))) == pytest.approx(1.0, abs=1e-9)


def test_a_pin_alone_has_the_shares_of_its_normal() -> None:
    from gis.matching.position import SIGMAS_PER_ACCURACY, probabilities

    exact = probabilities(INDEX, *at(2.98, 2.5), 20.0 * SIGMAS_PER_ACCURACY)
    found = fuse(INDEX, [pin(*at(2.98, 2.5), stray=0.0)])
    assert found.shares == pytest.approx(dict(exact), abs=1e-12)


def test_two_that_agree_are_surer_than_either() -> None:
    place = at(2.97, 2.5)  # 14 m from an edge
    alone = fuse(INDEX, [pin(*place)]).shares
    named = fuse(INDEX, [], door(*place)).shares
    both = fuse(INDEX, [pin(*place)], door(*place))
    top = INDEX.keys.index("22")
    assert both.shares[top] > max(alone[top], named[top])
    assert both.together > 0.99


def test_two_that_conflict_leave_both_open() -> None:
    found = fuse(INDEX, [pin(*at(0.5, 0.5))], door(*at(4.5, 4.5)))
    assert found.together < 0.01
    assert found.shares[INDEX.keys.index("00")] > 0.2
    assert found.shares[INDEX.keys.index("44")] > 0.2


def test_the_mean_of_two_normals_is_weighed_by_their_variance() -> None:
    lon, lat = at(2.5, 2.5)
    east = lon + 30.0 / KX
    found = fuse(INDEX, [pin(east, lat, 20.0)], door(lon, lat, 0.999, 10.0))
    assert found.point is not None
    assert apart_m((lon, lat), found.point) == pytest.approx(30.0 * 100.0 / 500.0, abs=0.05)


def test_an_address_says_in_which_system_the_pin_is() -> None:
    from gis.geometry import gcj02

    place = at(2.5, 2.5)
    sent = gcj02.to_bd09(*gcj02.from_wgs84(*place))
    read = readings(*sent, general_prior("GCJ-02"))
    found = fuse(INDEX, [PinEvidence(read, ((20.0, 1.0),), 0.02)], door(*place))
    assert found.readings["BD-09"] > 0.95
    assert best(found) == "22"


def test_a_whole_area_takes_its_pin() -> None:
    members = {INDEX.keys.index(key): 0.25 for key in ("22", "23", "32", "33")}
    size = 4 * SIDE * SIDE * KX * KY
    area = SpotEvidence((Spot(0.9, area=members, area_m2=size),), 0.1)
    alone = fuse(INDEX, [], area)
    assert {INDEX.keys[k]: p for k, p in alone.shares.items()} == pytest.approx(
        dict.fromkeys(("22", "23", "32", "33"), 0.225)
    )
    with_pin = fuse(INDEX, [pin(*at(2.5, 2.5))], area)
    assert with_pin.shares[INDEX.keys.index("22")] > 0.99


def test_the_same_shares_whatever_the_order_of_places() -> None:
    spots = [Spot(0.4, *at(1.5, 1.5), 10.0, origin=0), Spot(0.5, *at(3.5, 3.5), 10.0, origin=1)]
    one = fuse(INDEX, [pin(*at(3.4, 3.4), 60.0)], SpotEvidence(tuple(spots), 0.1))
    two = fuse(INDEX, [pin(*at(3.4, 3.4), 60.0)], SpotEvidence(tuple(spots[::-1]), 0.1))
    assert one.shares == two.shares


def test_shares_equal_a_simulation() -> None:
    """An independent check: draw places and weigh them by the density of the pin."""
    rng = np.random.default_rng(5)
    lon, lat = at(2.95, 2.05)
    seen = (lon + 25.0 / KX, lat - 15.0 / KY)
    drawn = rng.normal(size=(400_000, 2)) * 12.0
    away = drawn - np.array([25.0, -15.0])
    weight = np.exp(-0.5 * (away**2).sum(axis=1) / 18.0**2)
    owner = INDEX.locate(lon + drawn[:, 0] / KX, lat + drawn[:, 1] / KY)
    found = fuse(INDEX, [pin(*seen, 18.0, stray=0.0)], door(lon, lat, 1.0, 12.0))
    for position, share in found.shares.items():
        expected = weight[owner == position].sum() / weight.sum()
        assert share == pytest.approx(expected, abs=0.005)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="needed"):
        fuse(INDEX, [])


def test_doors_about_a_pin_speak_for_their_grid() -> None:
    """A pin on a border between two grids, with houses on one side of it only."""
    lon, lat = at(3.0, 2.5)
    doors = Doors(np.array([(lon + 12.0 / KX, lat + north / KY) for north in range(-60, 61, 15)]))
    without = fuse(INDEX, [pin(lon, lat, 20.0, stray=0.0)])
    found = fuse(INDEX, [pin(lon, lat, 20.0, stray=0.0)], ground=Ground(doors, 0.8, 6.0))
    east = max(found.shares, key=lambda k: found.shares[k])
    assert INDEX.locate_one(lon + 12.0 / KX, lat) == east
    assert without.shares[east] == pytest.approx(0.5, abs=0.01)
    assert found.shares[east] > 0.8
    assert sum(found.shares.values()) + found.outside + found.unplaced == pytest.approx(1.0)
    anywhere = fuse(INDEX, [pin(lon, lat, 20.0, stray=0.0)], ground=Ground(doors, 0.0, 6.0))
    assert anywhere.shares == pytest.approx(without.shares)


def test_an_address_says_more_than_the_doors_about() -> None:
    lon, lat = at(2.5, 2.5)
    doors = Doors(np.array([at(3.5, 2.5)]))
    ground = Ground(doors, 0.9, 6.0)
    evidence = [pin(lon, lat, 20.0)]
    assert fuse(INDEX, evidence, door(lon, lat, 0.9), ground) == fuse(
        INDEX, evidence, door(lon, lat, 0.9)
    )


def test_the_ground_never_settles_between_readings_by_itself() -> None:
    """Houses under one reading, fields under the other: at most thirty to one."""
    here, there = at(1.5, 1.5), at(3.5, 3.5)
    both = (Reading("WGS84", *here, 0.5), Reading("GCJ-02", *there, 0.5))
    doors = Doors(np.array([there]))
    seen = PinEvidence(both, ((10.0, 1.0),), 0.0)
    found = fuse(INDEX, [seen], ground=Ground(doors, 0.9, 6.0))
    assert found.readings["GCJ-02"] == pytest.approx(30.0 / 31.0, abs=1e-3)
