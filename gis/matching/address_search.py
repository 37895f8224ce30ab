"""From a folded text to candidate places: which things explain it, and at what cost.

A candidate's score is a sum of costs in nats: how its names were heard or shortened, what the text
leaves out, and what the text says that the candidate does not explain. Characters are bits, so that
two readings of one character never both count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from gis.matching.address_names import Hit
from gis.matching.address_reading import (
    UNEXPLAINED,
    Reading,
    areas_around,
    left_over,
    placed,
    read,
)
from gis.matching.address_store import LEVELS, Tables, Thing
from gis.matching.address_streets import MOST_BEYOND, Numbered, crossing, interpolate
from gis.matching.address_tokens import Token, bare_number, has_crossing

NOT_LISTED: Final = 2.0
"""A number or building that the gazetteer does not have of a thing that it has."""
COARSER_PART: Final = 0.3
"""The building for a unit that is not listed."""
MASKED: Final = 0.5
"""A number whose digits were blotted out."""
WORKED_OUT: Final = 0.5
"""A number between known ones."""
NONE_SCORE: Final = -7.0
MOST_THINGS: Final = 160
WRONG_DOOR: Final = 1.6
"""Another number than the door of a compound or landmark has."""
GAIN: Final = 1.6
LOST_FOR_GOOD: Final = 11.0
NOWHERE: Final = (-1, -1)
MOST: Final = 80
SHORTEST_NAMED: Final = 2
HOPELESS: Final = 9.5
"""A candidate this far behind the best has no share worth telling."""


class Found(NamedTuple):
    """A candidate: what it is, how well it explains the text, and what was supposed on the way."""

    score: float
    level: str
    thing: int
    entry: int
    area: int
    x: float
    y: float
    uncertainty_m: float
    numbered: Numbered | None
    asked: str
    hits: tuple[Hit, ...]
    mask: int
    missing: tuple[str, ...]
    contradicted: tuple[Hit, ...]
    other_street: int


def candidates(tables: Tables, text: str, most: int = MOST) -> list[Found]:
    """Return the best candidates of a folded text, best first; ties by kind, then place.

    Where nothing finer than an area explains it, names with one mistyped character are tried too.
    """
    reading = read(tables, text)
    found = _ranked(tables, reading)
    if _names_more(reading, found):
        slips = tables.names.mistyped(text)
        if slips:
            found = _ranked(tables, read(tables, text, slips))
    least = found[0].score - HOPELESS if found else 0.0
    return [_settled(tables, f) for f in found[:most] if f.score >= least]


def _names_more(reading: Reading, found: list[Found]) -> bool:
    """Tell whether a text names something finer than the best candidate, or than all of them."""
    if found and found[0].level not in LEVELS:
        return False
    explained = found[0].mask if found else 0
    return (reading.full & ~explained & ~reading.around).bit_count() >= SHORTEST_NAMED


def _ranked(tables: Tables, reading: Reading) -> list[Found]:
    found: list[Found] = []
    for hit in reading.things:
        for thing in _narrowed(tables, reading, tables.things_of_name.get(hit.name, [])):
            made = tables.things[thing]
            if made.kind == "road":
                found.append(_street(tables, reading, hit, thing))
            else:
                found.append(_thing(tables, reading, hit, thing))
    found += _crossings(tables, reading)
    found += _areas(tables, reading)
    found.sort(key=lambda f: (-f.score, f.level, f.x, f.y, f.thing))
    return found


def _settled(tables: Tables, found: Found) -> Found:
    """Return a street's candidate with its place worked out: only the best few need geometry."""
    if found.level not in ("door", "road") or found.entry >= 0 or found.thing < 0:
        return found
    street = tables.things[found.thing].street
    if street < 0:
        return found
    numbered = _worked_out(tables, street, found.asked) if found.asked else None
    x, y, unsure = _street_place(tables, street, numbered)
    level = "road" if numbered is None else "door"
    return found._replace(x=x, y=y, uncertainty_m=unsure, numbered=numbered, level=level)


def _narrowed(tables: Tables, reading: Reading, things: list[int]) -> list[int]:
    """Return the things of a name that the named areas leave in the running.

    What the areas around a thing explain is worked out once per area; a thing that falls behind the
    best of its name by more than anything else could make up is left out.
    """
    if len(things) == 1:
        return things
    gains = [_gain(tables, reading, thing) for thing in things]
    least = min(gains) + LOST_FOR_GOOD
    return [thing for thing, gain in zip(things, gains, strict=True) if gain <= least][:MOST_THINGS]


def _gain(tables: Tables, reading: Reading, number: int) -> float:
    """Return what the areas around a thing cost at the least, less what they explain."""
    thing = tables.things[number]
    areas = (
        tables.street_areas[thing.street] if thing.street >= 0 else (thing.community, thing.stated)
    )
    gains = reading.gains
    least = 0.0 if not areas else 9.0
    for area in areas:
        gain = gains.get(area)
        if gain is None:
            cost, covered, _, _ = areas_around(tables, reading, area, 0)
            gain = gains[area] = cost - GAIN * covered.bit_count()
        least = min(least, gain)
    return least


@dataclass(slots=True)
class _Draft:
    """A candidate in the making: what it covers and costs so far."""

    mask: int
    cost: float
    entry: int
    level: str
    asked: str = ""

    def take_part(
        self, tables: Tables, number: int, labels: tuple[str, ...], mask: int, fine: str
    ) -> None:
        """Take the listed part of a thing, finest label first, or note that it is not listed."""
        self.mask |= mask
        for at, label in enumerate(labels):
            child = tables.child(number, label)
            if child >= 0:
                self.entry, self.level = child, fine
                self.cost += COARSER_PART * at
                return
        self.asked = labels[0]
        self.cost += MASKED if any("*" in label for label in labels) else NOT_LISTED


def _thing(tables: Tables, reading: Reading, hit: Hit, number: int) -> Found:
    """Return a compound, hamlet or landmark as a candidate, with the part that is asked for."""
    thing = tables.things[number]
    draft = _Draft(hit.mask, hit.cost, thing.entry, _level(thing.kind))
    hits = [hit]
    if thing.kind == "village":
        token = _number_after(reading, hit.end, hit.mask)
        if token is not None:
            draft.take_part(tables, number, (token.value,), token.mask, "door")
    elif thing.kind == "compound":
        labels, part_mask, said = _inside(reading, hit.end, hit.mask)
        if labels:
            draft.take_part(tables, number, labels, part_mask, "building")
            draft.asked = draft.asked and said
    if thing.road >= 0:
        hits += _own_door(reading, thing, draft)
    entry = draft.entry
    community, stated = (thing.community, thing.stated) if entry < 0 else _where(tables, entry)
    more, mask, area_hits, missing = placed(tables, reading, community, stated, draft.mask)
    left, against = left_over(tables, reading, mask)
    x, y, unsure = _at(tables, thing, entry)
    return Found(
        -(draft.cost + more + left), draft.level, number, entry, community, x, y, unsure, None,
        draft.asked, (*hits, *area_hits), mask, missing, against, -1,
    )  # fmt: skip


def _number_after(reading: Reading, end: int, mask: int) -> Token | None:
    """Return the house number that follows a name, past what is explained or says nothing."""
    passed = end
    while passed < len(reading.text) and (mask | reading.around) >> passed & 1:
        passed += 1
    for token in reading.tokens:
        if token.start not in (end, passed) or token.mask & mask:
            continue
        if token.kind == "number":
            return token
        if token.kind == "building" and reading.text[token.start : token.end].endswith("号楼"):
            return Token("number", token.start, token.end - 1, token.value)  # 202号|楼东宾馆
    for token in reading.tokens:
        if token.kind != "number" and token.start in (end, passed):
            return None
    return bare_number(reading.text, end)


def _inside(reading: Reading, end: int, mask: int) -> tuple[tuple[str, ...], int, str]:
    """Return the labels of a building (and unit) named after a compound, finest first."""
    building = unit = ""
    covered = 0
    for token in reading.tokens:
        if token.start < end or token.mask & mask or token.start - end > 12:
            continue
        if token.kind == "building" and not building:
            building = "b" + token.value
        elif token.kind == "unit" and building and not unit:
            unit = "u" + token.value
        elif token.kind == "compact" and not building:
            block, door, _ = token.value.split("-", 2)
            building, unit = "b" + block, "u" + door
        elif token.kind == "number" and not building and token.start - end <= 1:
            building = "b" + token.value
        else:
            continue
        covered |= token.mask
    if not building:
        bare = bare_number(reading.text, end)
        if bare is None or bare.mask & mask:
            return (), 0, ""
        building, covered = "b" + bare.value.split("-", 1)[0], bare.mask
    asked = "".join(c for k, c in enumerate(reading.text) if covered >> k & 1)
    return ((building + unit, building) if unit else (building,)), covered, asked


def _own_door(reading: Reading, thing: Thing, draft: _Draft) -> list[Hit]:
    """Add road and number of the thing's own door to the draft, where the text has them."""
    mask = draft.mask
    best: tuple[float, float, int, Hit] | None = None
    for hit in reading.roads.get(thing.road, ()):
        if hit.mask & mask:
            continue
        covered, price = mask | hit.mask, hit.cost
        token = _number_after(reading, hit.end, 0)
        if token is not None and not token.mask & covered and thing.number:
            if token.value == thing.number or "*" in token.value:
                covered |= token.mask
            else:
                price += WRONG_DOOR
        gain = price - UNEXPLAINED * (covered & ~mask).bit_count()
        if best is None or gain < best[0]:
            best = gain, price, covered, hit
    if best is None:
        return []
    draft.cost += best[1]
    draft.mask = best[2]
    return [best[3]]


def _street(tables: Tables, reading: Reading, hit: Hit, number: int) -> Found:
    """Return a street as a candidate: the number on it where one is given, or its line."""
    thing = tables.things[number]
    mask, cost = hit.mask, hit.cost
    level, entry, asked = "road", -1, ""
    token = _number_after(reading, hit.end, mask)
    if token is not None:
        mask |= token.mask
        labels, part_mask, _ = _inside(reading, token.end, mask)
        entry = -1
        for label in labels:
            entry = tables.child(number, token.value + label)
            if entry >= 0:
                level, mask = "building", mask | part_mask
                break
        if entry < 0:
            entry = tables.child(number, token.value)
            level = "door" if entry >= 0 else level
        if entry < 0:
            asked = token.value
            cost += WORKED_OUT if _within_reach(tables, thing.street, asked) else NOT_LISTED
    community, stated = (-1, -1) if entry < 0 else _where(tables, entry)
    place = _at(tables, thing, entry)
    more, mask, area_hits, missing = _street_areas(
        tables, reading, thing.street, (community, stated), mask
    )
    left, against = left_over(
        tables, reading, mask, "road" if level == "road" and token is None else ""
    )
    return Found(
        -(cost + more + left), level, number, entry, community, *place, None, asked,
        (hit, *area_hits), mask, missing, against, -1,
    )  # fmt: skip


def _within_reach(tables: Tables, street: int, label: str) -> bool:
    """Tell whether a street's known numbers are near enough to place an unlisted one."""
    main = label.split("-", maxsplit=1)[0]
    low, high = int(tables.number_start[street]), int(tables.number_start[street + 1])
    if not main.isdigit() or len(main) > 6 or high - low < 2:
        return False
    first, last = int(tables.numbers[low]), int(tables.numbers[high - 1])
    return first - MOST_BEYOND <= int(main) <= last + MOST_BEYOND


def _worked_out(tables: Tables, street: int, label: str) -> Numbered | None:
    if not _within_reach(tables, street, label):
        return None
    main = int(label.split("-", maxsplit=1)[0])
    numbers, xy = tables.street_numbers(street)
    exact = int(np.searchsorted(numbers, main))
    if exact < len(numbers) and numbers[exact] == main:
        x, y = xy[exact].tolist()
        return Numbered((x, y), 25.0, main, main, same_side=True)
    return interpolate(tables.streets.plane_lines[street], numbers, xy, main)


def _street_place(
    tables: Tables, street: int, numbered: Numbered | None
) -> tuple[float, float, float]:
    if numbered is not None:
        return *numbered.xy, numbered.uncertainty_m
    line = tables.streets.plane_lines[street]
    if line.is_empty:
        _, xy = tables.street_numbers(street)
        middle = xy.mean(axis=0) if len(xy) else np.zeros(2)
        return float(middle[0]), float(middle[1]), 300.0
    middle = (
        line.interpolate(0.5, normalized=True) if line.geom_type == "LineString" else line.centroid
    )
    return float(middle.x), float(middle.y), max(float(line.length) / 3, 50.0)


def _street_areas(
    tables: Tables, reading: Reading, street: int, where: tuple[int, int], mask: int
) -> tuple[float, int, tuple[Hit, ...], tuple[str, ...]]:
    """Return the areas around a number, or the best of those along its street."""
    if max(where) >= 0:
        return placed(tables, reading, *where, mask)
    best = [areas_around(tables, reading, area, mask) for area in tables.street_areas[street]]
    return min(best, key=lambda c: c[0]) if best else areas_around(tables, reading, -1, mask)


def _crossings(tables: Tables, reading: Reading) -> Iterator[Found]:
    """Return the crossings of roads named one after the other (A路与B路交叉口)."""
    hits = sorted(
        (h for hits in reading.roads.values() for h in hits if h.whole), key=lambda h: h.start
    )
    for one in hits:
        for other in hits:
            gap = other.start - one.end
            if other.name == one.name or not 0 <= gap <= 2:
                continue
            end = has_crossing(reading.text, other.end)
            if not end and reading.text[one.end : other.start] not in ("与", "和", "/"):
                continue
            mask = (1 << max(end, other.end)) - (1 << one.start)
            for a in tables.things_of_name.get(one.name, []):
                for b in tables.things_of_name.get(other.name, []):
                    yield from _crossing(tables, reading, (one, other), (a, b), mask)


def _crossing(
    tables: Tables, reading: Reading, hits: tuple[Hit, Hit], pair: tuple[int, int], mask: int
) -> Iterator[Found]:
    first, second = (tables.things[k].street for k in pair)
    lines = (tables.streets.plane_lines[first], tables.streets.plane_lines[second])
    for x, y in crossing(*lines):
        more, covered, area_hits, missing = _street_areas(tables, reading, first, NOWHERE, mask)
        left, against = left_over(tables, reading, covered)
        cost = hits[0].cost + hits[1].cost + more + left
        yield Found(
            -cost, "intersection", pair[0], -1, -1, x, y, 30.0, None, "", (*hits, *area_hits),
            covered, missing, against, second,
        )  # fmt: skip


def _areas(tables: Tables, reading: Reading) -> Iterator[Found]:
    """Return the areas that the text names, as the coarse answer when nothing finer is known."""
    for level in LEVELS[::-1]:
        for area, hits in reading.areas[level].items():
            hit = hits[0]
            cost, mask, chain_hits, missing = areas_around(tables, reading, area, 0)
            if hit not in chain_hits:
                continue
            left, against = left_over(tables, reading, mask, level)
            place = tables.areas[area]
            x, y = tables.plane.metres(np.array([[place.lon, place.lat]]))[0].tolist()
            yield Found(
                -(cost + left), level, -1, -1, area, x, y, place.radius_m, None, "", chain_hits,
                mask, _coarser(missing, level), against, -1,
            )  # fmt: skip


def _coarser(missing: tuple[str, ...], level: str) -> tuple[str, ...]:
    return tuple(m for m in missing if LEVELS.index(m) < LEVELS.index(level))


def _level(kind: str) -> str:
    return kind if kind in ("compound", "village") else "landmark"


def _where(tables: Tables, entry: int) -> tuple[int, int]:
    return int(tables.entry_community[entry]), int(tables.entry_stated[entry])


def _at(tables: Tables, thing: Thing, entry: int) -> tuple[float, float, float]:
    if entry < 0:
        return thing.x, thing.y, thing.uncertainty_m
    x, y = tables.entry_xy[entry].tolist()
    return x, y, float(tables.entry_uncertainty[entry])
