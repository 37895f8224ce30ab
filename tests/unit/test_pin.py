"""Pins that are known to be bad weigh less, and a reason says why."""

from __future__ import annotations

import pytest

from gis.matching.error_law import ErrorLaw, SourceProfile
from gis.matching.pin import BadPin, Pin, bad_key, read_photo, read_pin, read_usual

PLACE = (118.3169, 32.3019)
KNOWN = SourceProfile({"WGS84": {"GCJ-02": 98.0, "WGS84": 2.0}}, ErrorLaw({1.0: 1.0}, 25.0), 0.001)


def codes(pin: Pin, **more: object) -> tuple[str, ...]:
    read = read_pin(pin, beside_others=True, **more)  # type: ignore[arg-type]
    assert read is not None
    return tuple(reason.code for reason in read.notes)


def test_a_plain_pin_needs_no_words() -> None:
    read = read_pin(Pin(*PLACE, "WGS84", 20.0))
    assert read is not None
    assert read.alone
    assert read.notes == ()
    assert [(r.key, r.prior) for r in read.evidence.readings] == [("WGS84", 1.0)]


@pytest.mark.parametrize("numbers", [(0.0, 0.0), (0.004, -0.003)])
def test_null_island_counts_next_to_nothing(numbers: tuple[float, float]) -> None:
    read = read_pin(Pin(*numbers, "GCJ-02", 20.0), beside_others=True)
    assert read is not None
    assert read.bad == "null-island"
    assert read.evidence.stray > 0.9
    assert not read.alone


def test_a_repeated_centre_counts_next_to_nothing() -> None:
    bad = {bad_key(*PLACE): BadPin("county-centre", 40, 37)}
    assert codes(Pin(*PLACE, "GCJ-02", 20.0), bad=bad) == ("known-bad-pin",)
    beside = Pin(PLACE[0] + 0.001, PLACE[1], "GCJ-02", 20.0)
    assert codes(beside, bad=bad) == ()


@pytest.mark.parametrize(("age_s", "told"), [(30.0, ()), (3600.0, ("stale-fix",)),
                                             (-3600.0, ("stale-fix",))])  # fmt: skip
def test_an_old_fix_is_widened(age_s: float, told: tuple[str, ...]) -> None:
    pin = Pin(*PLACE, "WGS84", 20.0, age_s)
    assert codes(pin) == told
    read = read_pin(pin)
    assert read is not None
    assert (read.evidence.sigmas[0][0] > 1_000.0) is bool(told)


def test_an_accuracy_that_no_phone_has_is_replaced_by_what_the_source_usually_has() -> None:
    read = read_pin(Pin(*PLACE, "WGS84", 0.01), KNOWN)
    assert read is not None
    assert [reason.code for reason in read.notes] == ["accuracy-implausible"]
    assert read.evidence.sigmas[0][0] == pytest.approx(25.0 / 1.5096, rel=1e-3)
    assert codes(Pin(*PLACE, "WGS84", 500_000.0)) == ("accuracy-useless",)


def test_a_source_whose_history_contradicts_is_read_in_both_ways() -> None:
    read = read_pin(Pin(*PLACE, "WGS84", 20.0), KNOWN)
    assert read is not None
    prior = {r.key: r.prior for r in read.evidence.readings}
    assert prior["WGS84"] > prior["GCJ-02"] > 0.45
    assert sum(prior.values()) == pytest.approx(1.0)


def test_swapped_numbers_keep_only_the_readings_that_swap_them_back() -> None:
    read = read_pin(Pin(PLACE[1], PLACE[0], "GCJ-02", 20.0))
    assert read is not None
    best = max(read.evidence.readings, key=lambda r: r.prior)
    assert best.key == "swapped-GCJ-02"
    assert read_pin(Pin(float("nan"), 32.0, "WGS84")) is None


def test_photo_and_usual_place_are_wgs84() -> None:
    photo, usual = read_photo(Pin(*PLACE, None)), read_usual(Pin(*PLACE, None))
    assert photo is not None
    assert usual is not None
    assert photo.kind == "photo"
    assert usual.stray == 0.5
    assert read_photo(Pin(0.0, 0.0, None)) is None
