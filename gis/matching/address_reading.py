"""What a folded text holds, and what the areas around a place explain of it.

Costs are nats. Characters are bits, so that two readings of one character never both count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gis.matching.address_names import Hit
from gis.matching.address_store import LEVELS, Tables
from gis.matching.address_tokens import Token, neutral_mask, tokens

OMITTED: Final = {"county": 0.3, "subdistrict": 0.2, "community": 0.5}
UNEXPLAINED: Final = 0.7
"""Per character that names something which the candidate is not."""
CONTRADICTED: Final = {"county": 5.5, "subdistrict": 4.0, "community": 3.0}
"""An area that the text names in full and the candidate does not lie in."""
FINER: Final = 0.25
"""Per character that may name a place inside the area or street, which the gazetteer lacks."""
UNLISTED: Final = {"county": 4.0, "subdistrict": 3.0, "community": 2.0, "road": 2.0}
"""A place inside an area or on a street that the gazetteer does not have."""
FINER_THAN_LISTED: Final = ("room", "floor", "unit", "distance", "compact")
"""Tokens that no gazetteer needs to know."""


@dataclass(slots=True)
class Reading:
    """A text with everything found in it, sorted by what it may be."""

    text: str
    tokens: list[Token]
    areas: dict[str, dict[int, list[Hit]]]
    roads: dict[int, list[Hit]]
    things: list[Hit]
    around: int
    full: int
    whole_areas: list[Hit]
    city: list[Hit]
    gains: dict[int, float] = field(default_factory=dict)
    chains: dict[tuple[int, int], tuple[float, int, tuple[Hit, ...], tuple[str, ...]]] = field(
        default_factory=dict
    )


def read(tables: Tables, text: str, more: Sequence[Hit] = ()) -> Reading:
    """Return what the names, ``more`` of them, and the grammar find in a folded text."""
    areas: dict[str, dict[int, list[Hit]]] = {level: {} for level in LEVELS}
    roads: dict[int, list[Hit]] = {}
    things: list[Hit] = []
    whole, city = [], []
    for hit in (*tables.names.find(text), *more):
        kind = tables.names.keys[hit.name].kind
        if kind in areas:
            if hit.whole and not hit.cost:
                whole.append(hit)
            for area in tables.area_of_name[hit.name]:
                areas[kind].setdefault(area, []).append(hit)
        elif kind in ("city", "province"):
            city.append(hit)
        else:
            if kind == "road":
                roads.setdefault(hit.name, []).append(hit)
            things.append(hit)
    things = [hit for hit in things if not _inside_area(tables, hit, whole)]
    roads = {
        name: kept
        for name, hits in roads.items()
        if (kept := [hit for hit in hits if not _inside_area(tables, hit, whole)])
    }
    for hits in (*areas["county"].values(), *areas["subdistrict"].values(),
                 *areas["community"].values(), *roads.values()):  # fmt: skip
        hits.sort(key=lambda h: (h.cost, h.start - h.end, h.start))
    whole.sort(key=lambda h: (h.start - h.end, h.start, h.name))
    found = tokens(text)
    around = neutral_mask(text)
    for token in found:
        if token.kind in FINER_THAN_LISTED:
            around |= token.mask
    return Reading(text, found, areas, roads, things, around, (1 << len(text)) - 1, whole, city)


def _inside_area(tables: Tables, hit: Hit, whole: list[Hit]) -> bool:
    """Tell whether a short name or a road is a piece of an area's name (扬子街 of 扬子街道)."""
    if hit.whole and tables.names.keys[hit.name].kind != "road":
        return False
    return any(hit.mask & ~area.mask == 0 and hit.mask != area.mask for area in whole)


def areas_around(
    tables: Tables, reading: Reading, area: int, mask: int
) -> tuple[float, int, tuple[Hit, ...], tuple[str, ...]]:
    """Return cost, mask, hits and unnamed levels of the areas around a place."""
    kept = reading.chains.get((area, mask))
    if kept is not None:
        return kept
    cost, covered = 0.0, mask
    hits: list[Hit] = []
    missing: list[str] = []
    chain = (-1, -1, -1) if area < 0 else tables.parents[area]
    # Finest first: a community's name often holds the subdistrict's.
    for level, of_level in zip(LEVELS[::-1], chain[::-1], strict=True):
        if of_level < 0:
            continue
        for hit in reading.areas[level].get(of_level, ()):
            if not hit.mask & covered and hit.cost < OMITTED[level] + UNEXPLAINED * (
                hit.end - hit.start
            ):
                cost += hit.cost
                covered |= hit.mask
                hits.append(hit)
                break
        else:
            cost += OMITTED[level]
            missing.append(level)
    kept = reading.chains[area, mask] = cost, covered, tuple(hits), tuple(missing)
    return kept


def placed(
    tables: Tables, reading: Reading, community: int, stated: int, mask: int
) -> tuple[float, int, tuple[Hit, ...], tuple[str, ...]]:
    """Return the better of the areas a place lies in and those that its source gives."""
    by_point = areas_around(tables, reading, community, mask)
    if stated in (-1, community):
        return by_point
    return min(by_point, areas_around(tables, reading, stated, mask), key=lambda c: c[0])


def left_over(
    tables: Tables, reading: Reading, mask: int, within: str = ""
) -> tuple[float, tuple[Hit, ...]]:
    """Return what the unexplained characters cost, and the areas that they contradict.

    ``within`` is the level of a candidate inside which the rest may name an unlisted place.
    """
    for hit in reading.city:
        if not hit.mask & mask:
            mask |= hit.mask
    cost, strong = 0.0, 0
    against = []
    for hit in reading.whole_areas:
        if not hit.mask & (mask | strong):
            strong |= hit.mask
            against.append(hit)
            cost += CONTRADICTED[tables.names.keys[hit.name].kind]
    left = reading.full & ~mask & ~strong & ~reading.around
    if within:
        # Only what comes after a candidate can name a place inside it.
        inside = left >> mask.bit_length()
        left &= mask | (1 << mask.bit_length()) - 1
        if inside:
            cost += UNLISTED[within] + FINER * inside.bit_count()
    cost += UNEXPLAINED * left.bit_count()
    return cost, tuple(against)
