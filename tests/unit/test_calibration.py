"""Said and kept: the fitted line never falls, and thresholds come from answers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gis.matching.calibration import (
    Answered,
    Calibration,
    bins_of,
    expected_calibration_error,
    fitted,
)


def answers(count: int, kept: float, kind: str = "pin", seed: int = 1) -> list[Answered]:
    """Answers whose said confidence is kept ``kept`` times as often as it says it fails."""
    rng = np.random.default_rng(seed)
    said = 1.0 - rng.random(count) ** 3
    return [Answered(kind, float(p), bool(rng.random() < 1.0 - kept * (1.0 - p))) for p in said]


def test_without_answers_nothing_changes() -> None:
    assert Calibration().kept("pin", 0.93) == 0.93
    assert Calibration().threshold(0.995, 0.92) == 0.92


@pytest.mark.parametrize("kept", [0.4, 1.0, 1.8])
def test_the_error_shrinks_on_answers_that_were_not_seen(kept: float) -> None:
    calibration = fitted(bins_of(answers(20_000, kept)))
    fresh = answers(20_000, kept, seed=2)
    said = [a.confidence for a in fresh]
    right = [a.right for a in fresh]
    mended = [calibration.kept("pin", p) for p in said]
    assert expected_calibration_error(mended, right) < 0.02
    if kept != 1.0:
        assert expected_calibration_error(mended, right) < expected_calibration_error(said, right)


def test_the_line_never_falls_and_stays_between_none_and_certain() -> None:
    calibration = fitted(bins_of(answers(300, 1.5)))
    line = [calibration.kept("pin", p) for p in np.linspace(0.0, 1.0, 401)]
    assert all(a <= b + 1e-12 for a, b in pairwise(line))
    assert 0.0 <= min(line) <= max(line) <= 1.0


def test_kinds_are_calibrated_apart() -> None:
    calibration = fitted(bins_of([*answers(5_000, 0.2), *answers(5_000, 2.0, "photo")]))
    assert calibration.kept("pin", 0.8) > 0.85
    assert calibration.kept("photo", 0.8) < 0.75
    assert calibration.kept("conflict", 0.8) == 0.8


def test_the_threshold_keeps_the_wanted_precision() -> None:
    seen = answers(40_000, 1.0)
    calibration = fitted(bins_of(seen))
    fresh = answers(40_000, 1.0, seed=3)
    for wanted in (0.99, 0.995):
        threshold = calibration.threshold(wanted, 0.5)
        routed = [a.right for a in fresh if calibration.kept("pin", a.confidence) >= threshold]
        assert np.mean(routed) > wanted - 0.002
        assert len(routed) > 8_000
    assert calibration.threshold(0.995, 0.5) > calibration.threshold(0.99, 0.5)


def test_a_precision_out_of_reach_routes_nothing() -> None:
    wrong = [Answered("pin", 0.99, k % 5 != 0) for k in range(2_000)]
    assert fitted(bins_of(wrong)).threshold(0.995, 0.9) == 1.0
