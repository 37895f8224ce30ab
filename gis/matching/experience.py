"""What was learned: how sources' pins are, coordinates that are no places, words that mean one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gis.matching.calibration import Calibration
from gis.matching.error_law import UNKNOWN_SOURCE, SourceProfile
from gis.matching.pin import BadPin


@dataclass(frozen=True, slots=True)
class Alias:
    """Words that dispatchers placed: in which grid, and how many times they agreed."""

    text: str
    area_code: str
    times: int


LEAST_ALIAS: Final = 4
"""Shorter words name too much."""


def alias_key(text: str) -> str:
    """Return words as they are compared: without blanks and marks, in lower case.

    >>> alias_key(" 南门 老菜场（后门）")
    '南门老菜场后门'
    """
    return "".join(c for c in text.lower() if c.isalnum())


@dataclass(frozen=True, slots=True)
class Experience:
    """Everything learned, as one immutable value; ``stamp`` changes with it.

    ``spreads``: kind of place -> shares of what the gazetteer's uncertainty is multiplied with.
    ``at_doors``: share of places that lie at one of the doors about; None before it is known.
    ``precisions``: category -> wanted precision of what routes itself, where it is its own.
    """

    sources: Mapping[str, SourceProfile] = field(default_factory=dict)
    bad_pins: Mapping[tuple[float, float], BadPin] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    spreads: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    at_doors: float | None = None
    precisions: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    stamp: int = 0

    def source(self, key: str | None) -> SourceProfile:
        """Return the profile of a source, the general one where it is not known."""
        return self.sources.get(key or "", UNKNOWN_SOURCE)


NOTHING_LEARNED: Final = Experience()
