"""What the history of a source teaches about its pins: readings and errors, without any answer.

An event that has both a pin and an address at a door tells how its pin must be read and how far it
lies off; thousands of them tell how a source's pins are. Which reading and which multiple of the
stated accuracy a single event had is not known, so shares are estimated by expectation and
maximisation (A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1977): weigh every
combination by the present shares, count the weights, repeat. No confirmed grid is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi
from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_index import metres_per_degree
from gis.matching.crs_posterior import READINGS, SEEN_FIRST, general_prior, readings
from gis.matching.error_law import ASSUMED_ACCURACY_M, FACTORS, ErrorLaw, SourceProfile
from gis.matching.fuse import BACKGROUND_M2
from gis.matching.position import SIGMAS_PER_ACCURACY

FloatArray = npt.NDArray[np.float64]

LEAST_PINS: Final = 30
"""A source with fewer witnessed pins keeps the general law; its readings count all the same."""

STEPS: Final = 60
FEW_STEPS: Final = 12
SPREADS: Final = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
ROUNDS: Final = 4
MOST_FOR_SPREAD: Final = 400
"""So many pins of each source decide the spread of places."""
_SETTLED: Final = 1e-5
_FIRST_SHARES: Final = (0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02)
_PSEUDO: Final = 0.2
"""Every multiple counts as if so many pins had been seen with it: none is ever ruled out."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A pin beside a place that is known without it; WGS84 place, numbers as they came in."""

    lon: float
    lat: float
    declared: str | None
    accuracy_m: float | None
    place_lon: float
    place_lat: float
    place_sigma_m: float
    trust: float = 1.0
    """Probability that the place is right."""
    level: str = "door"
    """What kind of place it is, :class:`gis.matching.spots.PlaceLike`."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Profiles by source; by level of place, the factor on its stated uncertainty."""

    sources: Mapping[str, SourceProfile]
    spreads: Mapping[str, float]
    witnesses: Mapping[str, int]


def learn(witnesses: Mapping[str, Sequence[Witness]]) -> Learned:
    """Return what the pins of all sources teach, about themselves and about the gazetteer.

    A distance between pin and place is the error of both. Which part is whose shows in the sources
    of different quality: per level of place the factor is taken that makes all pins likeliest.

    Parameters
    ----------
    witnesses
        Source -> its pins beside known places.
    """
    counts: dict[str, int] = {}
    for seen in witnesses.values():
        for witness in seen:
            counts[witness.level] = counts.get(witness.level, 0) + 1
    levels = sorted(level for level, count in counts.items() if count >= LEAST_PINS)
    spreads = dict.fromkeys(levels, 1.0)
    for _ in range(ROUNDS):
        before = dict(spreads)
        for level in levels:
            spreads[level] = max(
                SPREADS,
                key=lambda factor: (
                    _likelihood(witnesses, {**spreads, level: factor}),
                    -abs(factor - 1.0),
                ),
            )
        if spreads == before:
            break
    profiles = {
        source: learn_source(_spread(seen, spreads)) for source, seen in sorted(witnesses.items())
    }
    return Learned(profiles, spreads, counts)


def _spread(seen: Sequence[Witness], spreads: Mapping[str, float]) -> list[Witness]:
    return [replace(w, place_sigma_m=w.place_sigma_m * spreads.get(w.level, 1.0)) for w in seen]


def _likelihood(witnesses: Mapping[str, Sequence[Witness]], spreads: Mapping[str, float]) -> float:
    """Return the log-likelihood of a share of all pins at the best shares of each source."""
    whole = 0.0
    for seen in witnesses.values():
        chosen = seen[:: max(1, len(seen) // MOST_FOR_SPREAD)]
        if len(chosen) >= LEAST_PINS:
            whole += _Estimate(_spread(chosen, spreads), steps=FEW_STEPS).likelihood
    return whole


def learn_source(witnesses: Sequence[Witness]) -> SourceProfile:
    """Return the profile of one source.

    Examples
    --------
    >>> seen = Witness(118.3, 32.2, "WGS84", 20.0, 118.3001, 32.2, 5.0)
    >>> profile = learn_source([seen] * 40)
    >>> round(sum(profile.readings["WGS84"].values())), profile.pins
    (40, 40)
    """
    if not witnesses:
        return SourceProfile()
    found = _Estimate(witnesses, steps=STEPS)
    law = None
    if len(witnesses) >= LEAST_PINS:
        shares = dict(zip(FACTORS, found.shares.tolist(), strict=True))
        law = ErrorLaw(shares, found.typical_m)
    return SourceProfile(
        readings={
            name: {
                key: round(float(count), 3)
                for key, count in zip(READINGS, found.counts[row], strict=True)
                if count >= 0.01
            }
            for row, name in enumerate(found.declared)
        },
        law=law,
        stray=found.stray,
        pins=len(witnesses),
    )


def _squared_distances(witnesses: Sequence[Witness]) -> FloatArray:
    """Return the squared metres from each place to each reading of its pin; infinite for none."""
    squared = np.full((len(witnesses), len(READINGS)), np.inf)
    order = {key: column for column, key in enumerate(READINGS)}
    every = dict.fromkeys(READINGS, 1.0)
    for row, w in enumerate(witnesses):
        kx, ky = metres_per_degree(w.place_lat)
        for reading in readings(w.lon, w.lat, every):
            dx, dy = (reading.lon - w.place_lon) * kx, (reading.lat - w.place_lat) * ky
            squared[row, order[reading.key]] = dx * dx + dy * dy
    return squared


class _Estimate:
    """Shares of one source by expectation and maximisation.

    ``counts`` (declared x reading) are expected numbers of pins, ``shares`` those of the factors.
    """

    def __init__(self, witnesses: Sequence[Witness], *, steps: int) -> None:
        names = {w.declared for w in witnesses}
        self.declared = sorted(names, key=lambda name: name or "")
        self._group = np.array([self.declared.index(w.declared) for w in witnesses])
        stated = np.array([w.accuracy_m or np.nan for w in witnesses])
        known = np.isfinite(stated)
        self.typical_m = float(np.median(stated[known])) if known.any() else ASSUMED_ACCURACY_M
        spread = np.where(known, stated, self.typical_m)[:, None] * np.array(FACTORS)
        place = np.array([w.place_sigma_m for w in witnesses])
        variance = (np.maximum(spread, 1.0) / SIGMAS_PER_ACCURACY) ** 2 + place[:, None] ** 2
        squared = _squared_distances(witnesses)
        # witness x reading x factor: the density of the distance seen
        self._density = np.exp(-0.5 * squared[:, :, None] / variance[:, None, :])
        self._density /= 2.0 * pi * variance[:, None, :]
        self._trust = np.array([w.trust for w in witnesses])
        prior = [general_prior(name) for name in self.declared]
        self._prior = np.array([[row.get(key, 0.0) for key in READINGS] for row in prior])
        self.counts: FloatArray = np.zeros_like(self._prior)
        self.shares: FloatArray = np.array(_FIRST_SHARES)
        self.stray = 0.02
        self.likelihood = 0.0
        frames = self._prior.copy()
        for _ in range(steps):
            before = self.shares
            frames = self._step(frames)
            if np.abs(self.shares - before).max() < _SETTLED:
                break

    def _step(self, frames: FloatArray) -> FloatArray:
        weight = self._density * frames[self._group][:, :, None] * self.shares
        raw = weight.sum(axis=(1, 2))
        seen = raw * (1.0 - self.stray)
        lost = self.stray / BACKGROUND_M2
        # where the place itself is wrong, the pin says nothing about it either
        wrong = (1.0 - self._trust) / BACKGROUND_M2
        whole = self._trust * (seen + lost) + wrong
        fits, strayed = self._trust * seen / whole, self._trust * lost / whole
        self.likelihood = float(np.log(whole).sum())
        weight *= np.divide(fits, raw, out=np.zeros_like(raw), where=raw > 0)[:, None, None]
        self.counts = np.zeros_like(self._prior)
        np.add.at(self.counts, self._group, weight.sum(axis=2))
        by_factor = weight.sum(axis=(0, 1)) + _PSEUDO
        self.shares = by_factor / by_factor.sum()
        self.stray = float((strayed.sum() + 0.5) / (fits.sum() + strayed.sum() + 25.0))
        whole_counts = self.counts.sum(axis=1) + SEEN_FIRST
        return np.asarray((self.counts + SEEN_FIRST * self._prior) / whole_counts[:, None])
