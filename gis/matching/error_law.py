"""How far pins of a source really lie from the place 定位误差: a law per source, in its own words.

Phones state a 68 % radius, and state it badly. A law is a mixture of isotropic normals whose 68 %
radius is a multiple of what the source stated: "six of ten pins lie within the stated accuracy, one
in twenty is four times as bad". The multiples are fixed (:data:`FACTORS`), the shares are learned
(:mod:`gis.matching.source_learning`), so that a person can read the table. A scale mixture keeps
the closed form of :mod:`gis.matching.position`: shares over areas add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gis.matching.position import SIGMAS_PER_ACCURACY

FACTORS: Final = (0.4, 0.7, 1.0, 1.5, 2.3, 3.6, 6.0, 12.0)
"""The true 68 % radius as a multiple of the stated one."""

SPREADS: Final = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
"""How far cases lie from their address, as multiples of what the gazetteer states for it."""

ASSUMED_ACCURACY_M: Final = 30.0
"""What a pin without a stated accuracy is worth beside other evidence, where nothing is known."""

LEAST_SHARE: Final = 1e-3
"""Rarer multiples are left out of the sum."""


@dataclass(frozen=True, slots=True)
class ErrorLaw:
    """Shares of :data:`FACTORS`; ``typical_m`` stands in where no accuracy was stated."""

    shares: Mapping[float, float]
    typical_m: float = ASSUMED_ACCURACY_M

    def sigmas(self, accuracy_m: float | None) -> tuple[tuple[float, float], ...]:
        """Return (sigma in metres, share) of the normals, largest share first.

        >>> [(round(s, 1), w) for s, w in AS_STATED.sigmas(15.1)]
        [(10.0, 1.0)]
        """
        stated = accuracy_m or self.typical_m
        kept = {factor: share for factor, share in self.shares.items() if share >= LEAST_SHARE}
        whole = sum(kept.values())
        parts = (
            (max(factor * stated, 1.0) / SIGMAS_PER_ACCURACY, share / whole)
            for factor, share in kept.items()
        )
        return tuple(sorted(parts, key=lambda part: (-part[1], part[0])))


AS_STATED: Final = ErrorLaw({1.0: 1.0})
"""The stated accuracy taken at its word: a pin alone, of a source without a history."""

CAUTIOUS: Final = ErrorLaw({1.0: 0.80, 2.3: 0.15, 6.0: 0.04, 12.0: 0.01})
"""For weighing a pin against other evidence before its source has a history."""


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """What the history of a source taught.

    Attributes
    ----------
    readings
        Declared system (None: none was declared) -> reading -> number of its pins that wanted it.
    law
        Its error law, None before there are enough pins.
    stray
        Share of its pins that have nothing to do with the place.
    pins
        How many pins with a known place that rests on.
    """

    readings: Mapping[str | None, Mapping[str, float]] = field(default_factory=dict)
    law: ErrorLaw | None = None
    stray: float = 0.02
    pins: int = 0


UNKNOWN_SOURCE: Final = SourceProfile()
"""A source without any history."""
