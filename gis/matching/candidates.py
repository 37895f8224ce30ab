"""What evidence speaks for: areas with their probability, and what lies nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DIGITS: Final = 9
"""Probabilities are compared and answered to so many digits: noise below decides no tie."""


@dataclass(frozen=True, slots=True)
class AreaRef:
    """An area as answers name it."""

    level: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An area of the finest drawn level that may be the place.

    ``path`` runs from the city to the area itself; ``distance_m`` is how far the pin lies outside
    it, 0 inside or on the edge; ``evidence`` names what speaks for it.
    """

    path: tuple[AreaRef, ...]
    probability: float
    distance_m: float = 0.0
    evidence: tuple[str, ...] = ("position",)

    @property
    def area(self) -> AreaRef:
        """The candidate area itself."""
        return self.path[-1]

    @property
    def code(self) -> str:
        """Code of the candidate area."""
        return self.path[-1].code


@dataclass(frozen=True, slots=True)
class NearestArea:
    """The area nearest to a pin that no area covers, and how far it is."""

    area: AreaRef
    distance_m: float
