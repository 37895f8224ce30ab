"""Do two address texts mean the same place? Compared part by part, not letter by letter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rapidfuzz import fuzz

from gis.matching.address_labels import entry_labels
from gis.matching.address_lexicon import Lexicon
from gis.matching.address_parse import parse
from gis.matching.address_text import fold

_NAMES: Final = ("poi", "subpoi", "devzone", "community", "village_group")
_ADMIN: Final = ("prov", "city", "district", "town")


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """An address text by its parts, folded; ``core`` is what stands below the divisions."""

    admin: dict[str, str]
    roads: frozenset[str]
    number: str
    building: str
    names: tuple[str, ...]
    core: str
    floor: str = ""
    raw: str = field(default="", compare=False)


def place_words(text: str, lexicon: Lexicon | None = None) -> PlaceWords:
    """Return the parts of an address as they are compared."""
    parts = [(part.label, fold(part.text).text) for part in parse(text, lexicon)]

    def first(label: str) -> str:
        return next((words for kind, words in parts if kind == label), "")

    labels = entry_labels(first("roadno") or None, first("houseno") or None, None)
    return PlaceWords(
        admin={label: first(label) for label in _ADMIN if first(label)},
        roads=frozenset(words for label, words in parts if label == "road"),
        number=labels.number,
        building=labels.building,
        names=tuple(words for label, words in parts if label in _NAMES),
        core="".join(words for label, words in parts if label not in _ADMIN),
        floor=first("floorno"),
        raw=fold(text).text,
    )


def same_place(one: PlaceWords, other: PlaceWords, *, exactly: bool = False) -> float:
    """Return how likely two texts mean the same place, 0 to 1, whichever comes first.

    ``exactly`` asks for the very same door or building; without it a place that contains the other
    counts.

    >>> a = place_words("杭州市余杭区古墩路12号锦绣花园3幢")
    >>> b = place_words("古墩路十二号锦绣花园3号楼")
    >>> same_place(a, b) > 0.5 > same_place(a, place_words("余杭区古墩路98号桂花城5幢"))
    True
    """
    weights = _EXACTLY if exactly else _ABOUT
    score = weights["bias"]
    score += weights["core"] * _likeness(one.core, other.core)
    score += weights["names"] * _name_likeness(one.names, other.names)
    for what, a, b in (
        ("number", one.number, other.number),
        ("building", one.building, other.building),
    ):
        if a and b:
            score += weights[what] if a == b else -weights[f"{what}_differs"]
    if one.roads and other.roads:
        score += weights["road"] if one.roads & other.roads else -weights["road_differs"]
    for label in _ADMIN:
        a, b = one.admin.get(label, ""), other.admin.get(label, "")
        if a and b and a[:2] != b[:2]:
            score -= weights["admin_differs"]
    return 1.0 / (1.0 + math.exp(-score))


_ABOUT: Final = {
    "bias": -3.7, "core": 2.7, "names": 2.0, "number": 0.5, "number_differs": 0.3, "building": 0.0,
    "building_differs": 0.0, "road": 1.7, "road_differs": 0.0, "admin_differs": 0.1,
}  # fmt: skip
_EXACTLY: Final = {
    "bias": -5.7, "core": 3.2, "names": 1.5, "number": 0.1, "number_differs": 0.3, "building": 1.0,
    "building_differs": 0.4, "road": 0.3, "road_differs": 0.1, "admin_differs": 0.1,
}  # fmt: skip
"""Weights in nats: judgements."""


def _likeness(one: str, other: str) -> float:
    if not one or not other:
        return 0.3
    return (fuzz.ratio(one, other) + fuzz.partial_ratio(one, other)) / 200.0


def _name_likeness(one: Iterable[str], other: Iterable[str]) -> float:
    """Return how well the names of one are found in the other, the best pair counting."""
    pairs = [(a, b) for a in one for b in other]
    if not pairs:
        return 0.4
    return max(0.6 * fuzz.ratio(a, b) + 0.4 * fuzz.partial_ratio(a, b) for a, b in pairs) / 100.0
