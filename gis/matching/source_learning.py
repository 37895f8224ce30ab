"""What the history of a source teaches about its pins: readings and errors, without any answer.

An event that has both a pin and an address at a door tells how its pin must be read and how far it
lies off; thousands of them tell how a source's pins are. Which reading and which multiple of the
stated accuracy a single event had is not known, so shares are estimated by expectation and
maximisation (A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1977): weigh every
combination by the present shares, count the weights, repeat. No confirmed grid is needed.

The distance between pin and door is the error of both. How far cases lie from their doors shows in
the cases that had nothing but an address and were placed in a grid by a person: near a border the
grid tells. Before there are enough of them it is estimated together with the errors of all sources,
one law for each kind of place ("at the door", "opposite the door", "in the compound"). A pin whose
source is known tells, in turn, whether the gazetteer named the right place: that is how often what
it says is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import pi
from typing import Final

import numpy as np
import numpy.typing as npt

from gis.geometry.cell_index import metres_per_degree
from gis.matching.crs_posterior import READINGS, SEEN_FIRST, general_prior, readings
from gis.matching.error_law import (
    ASSUMED_ACCURACY_M,
    FACTORS,
    SPREADS,
    ErrorLaw,
    SourceProfile,
)
from gis.matching.fuse import BACKGROUND_M2
from gis.matching.position import SIGMAS_PER_ACCURACY

FloatArray = npt.NDArray[np.float64]

LEAST_PINS: Final = 30
"""A source with fewer witnessed pins keeps the general law; its readings count all the same."""

LEAST_PLACED: Final = 30
"""So many cases near a border, placed by people, and their kind of place is known by them."""
TELLING: Final = 0.02
ELSEWHERE: Final = 0.01
"""A grid that has nothing to do with the place named is this likely to be the one."""

STEPS: Final = 60
STEPS_OF_PLACES: Final = 200
PLAINLY: Final = 0.9
"""Laws are learned from places of at least this trust; the others only tell how far to trust."""
_SETTLED: Final = 1e-4
_FIRST_SHARES: Final = (0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02)
_PSEUDO: Final = 0.2
"""Every multiple counts as if so many pins had been seen with it: none is ever ruled out."""
_AS_SAID: Final = tuple(float(factor == 1.0) for factor in SPREADS)


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
    """What kind of place it is, :func:`gis.matching.spots.manner`."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A case that had only an address, and the grid in which a person placed it.

    ``masses``: for each of :data:`gis.matching.error_law.SPREADS`, the mass of the place over that
    grid.
    """

    masses: Sequence[float]
    trust: float = 1.0
    level: str = "door"

    @property
    def tells(self) -> bool:
        """Tell whether the grid says anything about the distance: far inside it says nothing."""
        return max(self.masses) - min(self.masses) > TELLING


@dataclass(frozen=True, slots=True)
class Learned:
    """Profiles by source; by kind of place, shares of the multiples of its stated uncertainty.

    ``right``: per witness, in the order in which they were given, source by source, the probability
    that its place is the right one.
    """

    sources: Mapping[str, SourceProfile]
    spreads: Mapping[str, Mapping[float, float]]
    witnesses: Mapping[str, int]
    right: Sequence[float] = field(default_factory=tuple)


def learn(witnesses: Mapping[str, Sequence[Witness]], placed: Sequence[Placed] = ()) -> Learned:
    """Return what the pins of all sources teach, about themselves and about the gazetteer.

    Parameters
    ----------
    witnesses
        Source -> its pins beside known places.
    placed
        Cases by address that people placed.

    Examples
    --------
    >>> seen = Witness(118.3, 32.2, "WGS84", 20.0, 118.3001, 32.2, 5.0)
    >>> learned = learn({"snap": [seen] * 40})
    >>> round(sum(learned.sources["snap"].readings["WGS84"].values())), learned.witnesses
    (40, {'door': 40})
    """
    given = [(source, one) for source, seen in sorted(witnesses.items()) for one in seen]
    if not given:
        return Learned({source: SourceProfile() for source in sorted(witnesses)}, {}, {})
    found = _Estimate(
        [source for source, _ in given], [one for _, one in given], place_laws(placed)
    )
    profiles = {source: found.profile(source) for source in sorted(witnesses)}
    return Learned(profiles, found.spreads(), found.levels, found.right.tolist())


def learn_source(witnesses: Sequence[Witness]) -> SourceProfile:
    """Return the profile of one source whose places are as exact as they say.

    Examples
    --------
    >>> seen = Witness(118.3, 32.2, "WGS84", 20.0, 118.3001, 32.2, 5.0)
    >>> profile = learn_source([seen] * 40)
    >>> round(sum(profile.readings["WGS84"].values())), profile.pins
    (40, 40)
    """
    if not witnesses:
        return SourceProfile()
    known = dict.fromkeys((w.level for w in witnesses), _AS_SAID)
    return _Estimate([""] * len(witnesses), witnesses, known).profile("")


def place_laws(placed: Sequence[Placed]) -> dict[str, tuple[float, ...]]:
    """Return the shares of the multiples by kind of place, for kinds with enough telling cases."""
    laws = {}
    for level in sorted({one.level for one in placed}):
        seen = [one for one in placed if one.level == level and one.tells]
        if len(seen) < LEAST_PLACED:
            continue
        trust = np.array([one.trust for one in seen])[:, None]
        masses = trust * np.array([one.masses for one in seen]) + (1.0 - trust) * ELSEWHERE
        shares = np.full(len(SPREADS), 1.0 / len(SPREADS))
        for _ in range(STEPS_OF_PLACES):
            weight = masses * shares
            weight /= weight.sum(axis=1, keepdims=True)
            sums = weight.sum(axis=0) + _PSEUDO
            shares = sums / sums.sum()
        laws[level] = tuple(shares.tolist())
    return laws


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
    """Shares of all sources and kinds of places by expectation and maximisation.

    Axes: witness, reading, factor of the pin, factor of the place.
    """

    def __init__(
        self,
        sources: Sequence[str],
        witnesses: Sequence[Witness],
        laws: Mapping[str, Sequence[float]],
    ) -> None:
        self._sources = sorted(set(sources))
        self._source = np.array([self._sources.index(source) for source in sources])
        said = [(source, w.declared) for source, w in zip(sources, witnesses, strict=True)]
        self._groups = sorted(set(said), key=lambda group: (group[0], group[1] or ""))
        self._group = np.array([self._groups.index(group) for group in said])
        names = sorted({w.level for w in witnesses})
        self._names = names
        self._level = np.array([names.index(w.level) for w in witnesses])
        self.levels = {
            name: int(n) for name, n in zip(names, np.bincount(self._level), strict=True)
        }
        self._trust = np.array([w.trust for w in witnesses])
        self._plain = self._trust >= PLAINLY
        prior = [general_prior(declared) for _, declared in self._groups]
        self._prior = np.array([[row.get(key, 0.0) for key in READINGS] for row in prior])
        self._counts: FloatArray = np.zeros_like(self._prior)
        self._shares: FloatArray = np.array([_FIRST_SHARES] * len(self._sources))
        often = np.bincount(self._level, self._plain) >= LEAST_PINS
        self._known = [name in laws for name in names]
        self._learned = often & ~np.array(self._known)
        self._places: FloatArray = np.where(
            self._learned[:, None],
            1.0 / len(SPREADS),
            np.array([laws.get(name, _AS_SAID) for name in names]),
        )
        self._stray: FloatArray = np.full(len(self._sources), 0.02)
        self.right: FloatArray = self._trust
        self._density = self._densities(witnesses)
        frames = self._prior.copy()
        for _ in range(STEPS):
            before = self._shares
            frames = self._step(frames)
            if np.abs(self._shares - before).max() < _SETTLED:
                break

    def _densities(self, witnesses: Sequence[Witness]) -> FloatArray:
        """Return how likely each distance is under each reading and pair of factors (per m2)."""
        stated = np.array([w.accuracy_m or np.nan for w in witnesses])
        known = np.isfinite(stated)
        self.typical_m = [
            float(np.median(stated[mine])) if mine.any() else ASSUMED_ACCURACY_M
            for mine in (known & (self._source == k) for k in range(len(self._sources)))
        ]
        spread = np.where(known, stated, np.array(self.typical_m)[self._source])
        pins = (np.maximum(spread[:, None] * FACTORS, 1.0) / SIGMAS_PER_ACCURACY) ** 2
        places = (np.array([w.place_sigma_m for w in witnesses])[:, None] * SPREADS) ** 2
        variance = (pins[:, :, None] + places[:, None, :])[:, None]
        squared = _squared_distances(witnesses)[:, :, None, None]
        return np.asarray(np.exp(-0.5 * squared / variance) / (2.0 * pi * variance))

    def _step(self, frames: FloatArray) -> FloatArray:
        weight = self._density * frames[self._group][:, :, None, None]
        weight *= self._shares[self._source][:, None, :, None]
        weight *= self._places[self._level][:, None, None, :]
        raw = weight.sum(axis=(1, 2, 3))
        stray = self._stray[self._source]
        seen, lost = raw * (1.0 - stray), stray / BACKGROUND_M2
        # where the place itself is wrong, the pin says nothing about it either
        whole = self._trust * (seen + lost) + (1.0 - self._trust) / BACKGROUND_M2
        fits, strayed = self._trust * seen / whole, self._trust * lost / whole
        self.right = fits + strayed
        scale = np.divide(fits, raw, out=np.zeros_like(raw), where=raw > 0) * self._plain
        weight *= scale[:, None, None, None]
        self._counts = np.zeros_like(self._prior)
        np.add.at(self._counts, self._group, weight.sum(axis=(2, 3)))
        self._shares = self._summed(self._source, weight.sum(axis=(1, 3)), len(self._sources))
        places = self._summed(self._level, weight.sum(axis=(1, 2)), len(self._names))
        self._places = np.where(self._learned[:, None], places, self._places)
        fitting = np.bincount(self._source, fits * self._plain)
        lost_pins = np.bincount(self._source, strayed * self._plain)
        self._stray = (lost_pins + 0.5) / (fitting + lost_pins + 25.0)
        whole_counts = self._counts.sum(axis=1) + SEEN_FIRST
        return np.asarray((self._counts + SEEN_FIRST * self._prior) / whole_counts[:, None])

    @staticmethod
    def _summed(of: npt.NDArray[np.int64], weight: FloatArray, groups: int) -> FloatArray:
        """Return the shares of the columns in each group."""
        sums = np.full((groups, weight.shape[1]), _PSEUDO)
        np.add.at(sums, of, weight)
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))

    def profile(self, source: str) -> SourceProfile:
        """Return what was learned of a source."""
        if source not in self._sources:
            return SourceProfile()
        at = self._sources.index(source)
        pins = int(((self._source == at) & self._plain).sum())
        law = None
        if pins >= LEAST_PINS:
            law = ErrorLaw(
                dict(zip(FACTORS, self._shares[at].tolist(), strict=True)), self.typical_m[at]
            )
        return SourceProfile(
            readings={
                declared: {
                    key: round(float(count), 3)
                    for key, count in zip(READINGS, self._counts[row], strict=True)
                    if count >= 0.01
                }
                for row, (name, declared) in enumerate(self._groups)
                if name == source
            },
            law=law,
            stray=float(self._stray[at]),
            pins=pins,
        )

    def spreads(self) -> dict[str, dict[float, float]]:
        """Return the shares of the multiples of the kinds of places that were seen often enough."""
        return {
            name: dict(zip(SPREADS, self._places[row].tolist(), strict=True))
            for row, name in enumerate(self._names)
            if self._learned[row] or self._known[row]
        }
