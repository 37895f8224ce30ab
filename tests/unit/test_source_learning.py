"""A source's readings and errors come out of its pins beside known places, without answers."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from gis.geometry import gcj02
from gis.geometry.cell_index import metres_per_degree
from gis.matching.error_law import SPREADS
from gis.matching.position import SIGMAS_PER_ACCURACY
from gis.matching.source_learning import Placed, Witness, learn, learn_source, place_laws

LON, LAT = 118.3, 32.3
KX, KY = metres_per_degree(LAT)


def witnesses(
    count: int,
    *,
    times: float = 1.0,
    wrong: float = 0.15,
    stray: float = 0.0,
    place_m: float = 5.0,
    said_place_m: float | None = None,
    seed: int = 1,
    accuracy_m: float = 30.0,
) -> list[Witness]:
    """Pins that are GCJ-02, of which a share is declared WGS84."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        lon, lat = LON + rng.uniform(-0.05, 0.05), LAT + rng.uniform(-0.05, 0.05)
        sigma = np.hypot(times * accuracy_m / SIGMAS_PER_ACCURACY, place_m)
        east, north = rng.normal(size=2) * sigma
        if rng.random() < stray:
            east, north = rng.uniform(-20_000, 20_000, size=2)
        sent = gcj02.from_wgs84(lon + east / KX, lat + north / KY)
        declared = "WGS84" if rng.random() < wrong else "GCJ-02"
        made.append(Witness(*sent, declared, accuracy_m, lon, lat, said_place_m or place_m))
    return made


def test_declarations_are_seen_through() -> None:
    profile = learn_source(witnesses(400))
    assert set(profile.readings) == {"GCJ-02", "WGS84"}
    for counts in profile.readings.values():
        assert counts["GCJ-02"] > 0.97 * sum(counts.values())


@pytest.mark.parametrize("times", [0.4, 1.0, 3.0])
def test_the_error_law_finds_how_far_off_the_stated_accuracy_is(times: float) -> None:
    law = learn_source(witnesses(1_500, times=times)).law
    assert law is not None
    mean = np.sqrt(sum(share * factor**2 for factor, share in law.shares.items()))
    assert mean == pytest.approx(times, rel=0.15)


def test_strays_are_counted_and_not_taken_for_errors() -> None:
    profile = learn_source(witnesses(1_000, stray=0.08))
    assert profile.stray == pytest.approx(0.08, abs=0.025)
    assert profile.law is not None
    assert profile.law.shares[12.0] < 0.02


def test_few_pins_teach_readings_but_no_law() -> None:
    profile = learn_source(witnesses(12))
    assert profile.law is None
    assert profile.pins == 12
    assert learn_source([]).pins == 0


def test_the_spread_of_the_gazetteer_is_told_from_the_error_of_pins() -> None:
    """Places said to be good to 40 m are good to 10: sources of two qualities give it away."""
    sharp = witnesses(500, accuracy_m=4.0, place_m=10.0, said_place_m=40.0)
    blunt = witnesses(500, accuracy_m=60.0, place_m=10.0, said_place_m=40.0, seed=2)
    learned = learn({"sharp": sharp, "blunt": blunt})
    spread = np.sqrt(sum(share * f**2 for f, share in learned.spreads["door"].items()))
    assert spread == pytest.approx(0.25, abs=0.11)
    assert learned.witnesses == {"door": 1_000}


def placed(count: int, *, sigma_m: float, said_m: float, seed: int = 3) -> list[Placed]:
    """Cases at doors 0 to 30 m from a straight border, and the side on which each was placed."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        away = rng.uniform(0.0, 30.0)
        own = away + rng.normal() * sigma_m > 0.0
        held = [NormalDist(0.0, said_m * factor).cdf(away) for factor in SPREADS]
        made.append(Placed([mass if own else 1.0 - mass for mass in held]))
    return made


def test_cases_placed_by_people_tell_how_far_places_lie_from_their_doors() -> None:
    """Pins cannot: whose error a distance is shows only where sources are of several qualities."""
    seen = witnesses(600, accuracy_m=10.0, place_m=5.0, said_place_m=20.0)
    learned = learn({"snap": seen}, placed(1_500, sigma_m=5.0, said_m=20.0))
    spread = np.sqrt(sum(share * f**2 for f, share in learned.spreads["door"].items()))
    assert spread * 20.0 == pytest.approx(5.0, abs=1.5)
    law = learned.sources["snap"].law
    assert law is not None
    error = np.sqrt(sum(share * f**2 for f, share in law.shares.items()))
    assert error == pytest.approx(1.0, abs=0.25)


def test_a_few_placed_cases_or_cases_far_inside_a_grid_teach_nothing() -> None:
    assert place_laws(placed(10, sigma_m=5.0, said_m=20.0)) == {}
    assert place_laws([Placed([1.0] * len(SPREADS))] * 500) == {}


def test_pins_tell_how_often_the_place_named_first_is_right() -> None:
    """Half-trusted places that are beside the pins are right, those that are not are wrong."""
    near = [replace(w, trust=0.5) for w in witnesses(200)]
    far = [replace(w, trust=0.5, place_lon=w.place_lon + 0.2) for w in witnesses(50, seed=4)]
    learned = learn({"snap": witnesses(300, seed=5) + near + far})
    right = np.array(learned.right)
    assert right[300:500].mean() > 0.99
    assert right[500:].mean() < 0.05


def test_learning_is_deterministic() -> None:
    assert learn_source(witnesses(200)) == learn_source(witnesses(200))
