"""What matching knows beside the boundaries: the gazetteer, and what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gis.matching.experience import NOTHING_LEARNED, Experience
from gis.matching.ground import Ground
from gis.matching.spots import PlaceLike

WANTED_PRECISION: Final = 0.995
"""Share of what routes itself that must go to the right grid, unless a category says other."""


class AddressReader(Protocol):
    """What is asked of the gazetteer (:class:`gis.matching.address.AddressIndex`)."""

    def places(self, text: str, near: tuple[float, float] | None = None) -> Sequence[PlaceLike]:
        """Return the places that a text may mean, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One immutable value per request, so that an answer never mixes two states."""

    addresses: AddressReader | None = None
    experience: Experience = NOTHING_LEARNED
    precision: float = WANTED_PRECISION
    ground: Ground | None = None

    @property
    def whole_for_pins(self) -> bool:
        """Tell whether nothing is missing that a pin of a known source is weighed with."""
        return self.ground is not None or self.experience.at_doors is None

    def threshold(self, category: str | None, otherwise: float) -> float:
        """Return the confidence from which a case of a category may route itself.

        It is what keeps the wanted precision by the answers so far; ``otherwise`` before there are
        enough of them.
        """
        wanted = self.experience.precisions.get(category or "", self.precision)
        return self.experience.calibration.threshold(wanted, otherwise)


NO_KNOWLEDGE: Final = Knowledge()
"""Boundaries only: a pin is taken as it comes, an address is not read."""
