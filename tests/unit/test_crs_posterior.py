"""Readings of a pin: each undoes what it names, and the prior is a distribution."""

from __future__ import annotations

import pytest

from gis.geometry import gcj02
from gis.matching.crs_posterior import READINGS, general_prior, prior_of, readings
from gis.matching.fuse import apart_m

PLACE = (118.3169, 32.3019)
EVERY = dict.fromkeys(READINGS, 1.0)


def swapped(pair: tuple[float, float]) -> tuple[float, float]:
    return pair[1], pair[0]


GCJ = gcj02.from_wgs84(*PLACE)
SENT = {
    "WGS84": PLACE,
    "GCJ-02": GCJ,
    "BD-09": gcj02.to_bd09(*GCJ),
    "GCJ-02-twice": gcj02.from_wgs84(*GCJ),
    "BD-09-of-WGS84": gcj02.to_bd09(*PLACE),
    "GCJ-02-removed-twice": gcj02.to_wgs84(*PLACE),
    "swapped-WGS84": swapped(PLACE),
    "swapped-GCJ-02": swapped(GCJ),
    "swapped-BD-09": swapped(gcj02.to_bd09(*GCJ)),
}


@pytest.mark.parametrize("key", sorted(READINGS))
def test_each_reading_undoes_what_it_names(key: str) -> None:
    read = {r.key: (r.lon, r.lat) for r in readings(*SENT[key], EVERY)}
    assert apart_m(PLACE, read[key]) < 0.01


def test_readings_lie_far_enough_apart_to_be_told() -> None:
    read = [(r.lon, r.lat) for r in readings(*GCJ, EVERY)]
    apart = [apart_m(a, b) for k, a in enumerate(read) for b in read[:k]]
    assert min(apart) > 300.0


@pytest.mark.parametrize("declared", [None, "WGS84", "CGCS2000", "GCJ-02", "BD-09"])
def test_priors_are_distributions(declared: str | None) -> None:
    assert sum(general_prior(declared).values()) == pytest.approx(1.0)
    learned = prior_of(declared, {"GCJ-02": 7.0, "swapped-BD-09": 1.0})
    assert sum(learned.values()) == pytest.approx(1.0)
    assert set(learned) == set(READINGS)


def test_history_alone_makes_a_declaration_doubtful_and_never_overrules_it() -> None:
    prior = prior_of("WGS84", {"GCJ-02": 50.0})
    assert prior["WGS84"] > prior["GCJ-02"] > 0.45
    assert sum(prior.values()) == pytest.approx(1.0)
    assert prior_of(None, {"GCJ-02": 50.0})["GCJ-02"] > 0.95  # nothing was declared: history speaks
    assert prior_of("WGS84", {})["WGS84"] == pytest.approx(0.9)
