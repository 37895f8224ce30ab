"""Offers: optimal against trying everything, and the proof beside them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gis.coverage.employment import Suitable, assigned


def brute_force(
    fits: dict[tuple[int, int], int], room: list[int], household: list[int]
) -> tuple[int, int, int]:
    """Return (households, matched, -metres) of the best assignment, by trying all."""
    seekers = range(len(household))
    choices = [[-1, *(job for (who, job) in fits if who == seeker)] for seeker in seekers]
    best = (0, 0, 0)
    for plan in itertools.product(*choices):
        if any(plan.count(job) > room[job] for job in set(plan) - {-1}):
            continue
        homes = {household[who] for who in seekers if plan[who] >= 0 and household[who] >= 0}
        ways = sum(fits[who, job] for who, job in enumerate(plan) if job >= 0)
        best = max(best, (len(homes), sum(job >= 0 for job in plan), -ways))
    return best


@pytest.mark.parametrize("block", range(4))
def test_nobody_finds_a_better_assignment(block: int) -> None:
    rng = np.random.default_rng(block)
    for _ in range(50):
        seekers, openings = int(rng.integers(1, 7)), int(rng.integers(1, 5))
        fits = {
            (who, job): int(rng.integers(0, 50))
            for who in range(seekers)
            for job in range(openings)
            if rng.random() < 0.5
        }
        room = rng.integers(0, 3, openings).tolist()
        household = rng.integers(-2, 3, seekers).clip(-1).tolist()
        pairs = Suitable(
            np.array([who for who, _ in fits], dtype=np.int64),
            np.array([job for _, job in fits], dtype=np.int64),
            np.array(list(fits.values()), dtype=np.int64),
        )
        found = assigned(pairs, room, household)
        homes, matched, ways = brute_force(fits, room, household)
        assert found.proven
        assert (found.households, found.matched) == (homes, matched)
        assert found.total_m >= -ways
        if not homes:
            assert found.total_m == -ways
        assert (np.bincount(found.opening[found.opening >= 0], minlength=openings) <= room).all()
        for who, job in enumerate(found.opening.tolist()):
            if job >= 0:
                assert found.metres[who] == fits[who, job]


def test_a_city_of_seekers_is_proven() -> None:
    rng = np.random.default_rng(3)
    seekers, openings = 1500, 300
    home, work = rng.uniform(0, 20_000, (seekers, 2)), rng.uniform(0, 20_000, (openings, 2))
    metres = np.hypot(*(home[:, None] - work[None]).transpose(2, 0, 1))
    who, job = np.nonzero(metres <= 3000.0)
    pairs = Suitable(who, job, metres[who, job].round().astype(np.int64))
    household = np.where(rng.random(seekers) < 0.05, np.arange(seekers) // 2, -1)
    found = assigned(pairs, rng.integers(1, 8, openings), household)
    assert found.proven
    assert found.matched > 1000


def test_without_anybody_or_anything_nothing_is_assigned() -> None:
    none = Suitable(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    assert assigned(none, [], []).matched == 0
    assert assigned(none, [3], [-1, 4]).opening.tolist() == [-1, -1]
    with pytest.raises(ValueError, match="not negative"):
        assigned(none, [-1], [])
