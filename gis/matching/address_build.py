"""Rows -> the tables of an address index. The order of rows does not change what is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from gis.matching.address_labels import entry_labels, number_value
from gis.matching.address_names import NameKey, NameTable
from gis.matching.address_rows import AreaName, Entries, RoadLines
from gis.matching.address_store import LABEL_BITS, LEVELS, Floats, Ints, Tables, Thing
from gis.matching.address_streets import Plane, Streets, group_streets, nearest_street
from gis.matching.address_text import fold
from gis.matching.divisions import PROVINCES

SAME_THING_M: Final = 60.0
"""Two rows of one name and door within this are one compound or hamlet."""
_ON_STREET: Final = (
    "road_number", "door", "building", "unit", "shop", "compound", "landmark", "station",
)  # fmt: skip
_WHOLES: Final = ("compound", "village", "landmark", "shop", "station", "intersection")


class _Names:
    """Numbers for names, in the order of their first use."""

    def __init__(self) -> None:
        self.number: dict[tuple[str, str], int] = {}

    def of(self, kind: str, text: str) -> int:
        return self.number.setdefault((kind, text), len(self.number))


class _Fold:
    """Folded names, each folded once."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def __call__(self, text: str | None) -> str:
        if not text:
            return ""
        kept = self._kept.get(text)
        if kept is None:
            kept = self._kept[text] = fold(text).text
        return kept


def build_tables(areas: Sequence[AreaName], entries: Entries, lines: RoadLines) -> Tables:
    """Return the tables of an index; the order of rows does not change what is found."""
    areas = sorted(areas, key=lambda area: area.code)
    position = {area.code: k for k, area in enumerate(areas)}
    plane = _plane(areas, entries)
    names, folded = _Names(), _Fold()
    area_of_name: dict[int, list[int]] = {}
    for k, area in enumerate(areas):
        for text in dict.fromkeys((area.name, *area.aliases)):
            plain = folded(text)
            if plain and area.level != "grid":
                area_of_name.setdefault(names.of(area.level, plain), []).append(k)
    for province in _provinces(areas):
        names.of("province", folded(province))
    xy = (
        plane.metres(np.column_stack([entries.lon, entries.lat]))
        if len(entries)
        else np.zeros((0, 2))
    )
    community = _positions(position, entries.community)
    stated = _positions(position, entries.stated)
    road_names = [names.of("road", folded(name)) for name in lines.name]
    numbered = np.array(
        [k for k, road in enumerate(entries.road) if road and entries.kind[k] in _ON_STREET],
        np.int64,
    )
    entry_road = np.full(len(entries), -1, np.int64)
    for k, road in enumerate(entries.road):
        if road:
            entry_road[k] = names.of("road", folded(road))
    streets, edge_street = group_streets(lines, np.array(road_names, np.int64), plane)
    found = nearest_street(streets, lines, edge_street, names=entry_road[numbered], xy=xy[numbered])
    streets, found = _with_lineless(
        streets, entry_road[numbered], found, community[numbered], areas
    )
    maker = _Maker(entries, names, folded, xy, (community, stated))
    street_things = maker.street_things(streets)
    entry_street = np.full(len(entries), -1, np.int64)
    entry_street[numbered] = found
    maker.add_entries(entry_road, entry_street, street_things)
    order = sorted(range(len(maker.things)), key=maker.sort_key)
    things_of_name: dict[int, list[int]] = {}
    for k in order:
        for name in maker.names_of[k]:
            things_of_name.setdefault(name, []).append(k)
    child_keys, child_entries = maker.children()
    number_start, numbers, number_entries = maker.street_numbers(len(streets.name), entry_street)
    kinds = tuple(dict.fromkeys(entries.kind))
    kind_number = {kind: k for k, kind in enumerate(kinds)}
    return Tables(
        areas=areas,
        parents=[_parents(areas, position, k) for k in range(len(areas))],
        names=NameTable(NameKey(kind, text) for kind, text in names.number),
        area_of_name=area_of_name,
        things_of_name=things_of_name,
        things=maker.things,
        streets=streets,
        street_areas=_street_areas(number_start, community[number_entries]),
        labels=maker.labels,
        child_keys=child_keys,
        child_entries=child_entries,
        number_start=number_start,
        numbers=numbers,
        number_entries=number_entries,
        entry_ids=np.array(entries.id, np.int64),
        entry_kinds=np.array([kind_number[kind] for kind in entries.kind], np.uint8),
        entry_xy=xy,
        entry_uncertainty=np.asarray(entries.uncertainty_m, np.float32),
        entry_community=community.astype(np.int32),
        entry_stated=stated.astype(np.int32),
        kinds=kinds,
        plane=plane,
    )


def _provinces(areas: Sequence[AreaName]) -> list[str]:
    codes = sorted({area.code[:2] for area in areas if area.level in ("city", "county")})
    return [PROVINCES[code] for code in codes if code in PROVINCES]


def _plane(areas: Sequence[AreaName], entries: Entries) -> Plane:
    lon = np.r_[[area.lon for area in areas], entries.lon]
    lat = np.r_[[area.lat for area in areas], entries.lat]
    if len(lon) == 0:
        return Plane(0.0, 0.0)
    return Plane(
        float(np.round((lon.min() + lon.max()) / 2, 3)),
        float(np.round((lat.min() + lat.max()) / 2, 3)),
    )


def _positions(position: dict[str, int], codes: Iterable[str | None]) -> Ints:
    return np.array([-1 if code is None else position.get(code, -1) for code in codes], np.int64)


def _parents(areas: Sequence[AreaName], position: dict[str, int], k: int) -> tuple[int, int, int]:
    """Return the positions of county, subdistrict and community that an area lies in, or is."""
    found = dict.fromkeys(LEVELS, -1)
    step: int | None = k
    seen = 0
    while step is not None and seen <= len(LEVELS) + 2:
        if areas[step].level in found:
            found[areas[step].level] = step
        parent = areas[step].parent_code
        step = position.get(parent) if parent else None
        seen += 1
    return found["county"], found["subdistrict"], found["community"]


def _with_lineless(
    streets: Streets, names: Ints, found: Ints, community: Ints, areas: Sequence[AreaName]
) -> tuple[Streets, Ints]:
    """Add streets for numbers whose road has no line: one per road name and subdistrict."""
    alone = np.flatnonzero(found < 0)
    if len(alone) == 0:
        return streets, found
    where = ["" if c < 0 else areas[c].code[:9] for c in community[alone].tolist()]
    keys = sorted(set(zip(names[alone].tolist(), where, strict=True)))
    number = {key: len(streets.name) + k for k, key in enumerate(keys)}
    found = found.copy()
    found[alone] = [number[key] for key in zip(names[alone].tolist(), where, strict=True)]
    return (
        Streets(
            np.r_[streets.name, np.array([name for name, _ in keys], np.int64)],
            np.r_[streets.lines, _no_lines(len(keys))],
            np.r_[streets.plane_lines, _no_lines(len(keys))],
            streets.plane,
        ),
        found,
    )


def _street_areas(start: Ints, community: Ints) -> list[tuple[int, ...]]:
    """Return per street the communities that its numbers lie in."""
    return [
        tuple(sorted({c for c in community[a:b].tolist() if c >= 0}))
        for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)
    ]


def _no_lines(count: int) -> npt.NDArray[Any]:
    lines = np.empty(count, dtype=object)
    lines[:] = [shapely.MultiLineString()] * count
    return lines


class _Maker:
    """Turns entries into things with parts."""

    def __init__(
        self,
        entries: Entries,
        names: _Names,
        folded: _Fold,
        xy: Floats,
        where: tuple[Ints, Ints],
    ) -> None:
        self.entries, self.names, self.folded = entries, names, folded
        self.xy = xy
        self.community, self.stated = where
        self.things: list[Thing] = []
        self.names_of: list[list[int]] = []
        self.labels: dict[str, int] = {}
        self._children: list[tuple[int, int, int]] = []
        self._by_key: dict[tuple[str, int, str, str, int], list[int]] = {}

    def sort_key(self, k: int) -> tuple[str, float, float, str]:
        thing = self.things[k]
        return thing.kind, thing.x, thing.y, thing.number

    def street_things(self, streets: Streets) -> list[int]:
        made = []
        for street, name in enumerate(streets.name.tolist()):
            made.append(len(self.things))
            self.things.append(Thing("road", name, -1, -1, -1, 0.0, 0.0, 0.0, name, "", street))
            self.names_of.append([name])
        return made

    def add_entries(self, entry_road: Ints, entry_street: Ints, street_things: list[int]) -> None:
        """Add wholes first, so that parts find them whatever the order of rows."""
        e = self.entries
        x, y = self.xy[:, 0].tolist(), self.xy[:, 1].tolist()
        order = sorted(range(len(e)), key=lambda k: (e.kind[k] not in _WHOLES, x[k], y[k], e.id[k]))
        for k in order:
            kind = e.kind[k]
            if kind == "area":
                continue
            if kind == "road":
                self._alias_road(k, int(entry_road[k]))
            elif kind in _WHOLES:
                owner = self._whole(k, kind, int(entry_road[k]))
                if owner >= 0 and entry_street[k] >= 0:
                    self._child(street_things[int(entry_street[k])], self.things[owner].number, k)
            else:
                self._part(k, entry_road, entry_street, street_things)

    def _alias_road(self, k: int, name: int) -> None:
        for alias in self.entries.aliases[k]:
            other = self.names.of("road", self.folded(alias))
            for thing, names in zip(self.things, self.names_of, strict=True):
                if thing.kind == "road" and thing.name == name and other not in names:
                    names.append(other)

    def _texts(self, k: int, kind: str) -> list[str]:
        e = self.entries
        first = e.compound[k] if kind in ("compound", "village") else None
        return [t for t in dict.fromkeys(map(self.folded, (e.name[k], first, *e.aliases[k]))) if t]

    def _whole(self, k: int, kind: str, road: int) -> int:
        e = self.entries
        texts = self._texts(k, kind)
        if not texts:
            return -1
        thing_kind = kind if kind in ("compound", "village") else "landmark"
        numbers = [self.names.of(thing_kind, text) for text in texts]
        number = entry_labels(e.house_number[k], None, None).number
        key = self._key(thing_kind, numbers[0], k, road, number)
        x, y = self.xy[k].tolist()
        known = self._nearest(key, x, y)
        if known >= 0 and self._away(known, x, y) < SAME_THING_M:
            return known
        self._by_key.setdefault(key, []).append(len(self.things))
        self.things.append(
            Thing(thing_kind, numbers[0], k, int(self.community[k]), int(self.stated[k]), x, y,
                  float(e.uncertainty_m[k]), road, number, -1)
        )  # fmt: skip
        self.names_of.append(numbers)
        return len(self.things) - 1

    def _away(self, thing: int, x: float, y: float) -> float:
        return float(np.hypot(self.things[thing].x - x, self.things[thing].y - y))

    def _nearest(self, key: tuple[str, int, str, str, int], x: float, y: float) -> int:
        """Return the nearest of the things that share name and place words, -1 for none."""
        known = self._by_key.get(key, ())
        if len(known) == 1:
            return known[0]
        return min(known, key=lambda thing: self._away(thing, x, y), default=-1)

    def _key(
        self, kind: str, name: int, k: int, road: int, number: str
    ) -> tuple[str, int, str, str, int]:
        stated = self.entries.stated[k] or ""
        if kind == "compound" and road >= 0:
            return kind, name, stated[:9], number, road
        if kind == "landmark":
            return kind, name, stated, number, road
        return kind, name, stated, "", -1

    def _part(self, k: int, entry_road: Ints, entry_street: Ints, street_things: list[int]) -> None:
        e = self.entries
        labels = entry_labels(e.house_number[k], e.building[k], e.unit[k])
        road, street = int(entry_road[k]), int(entry_street[k])
        compound = self.folded(e.compound[k])
        if compound:
            kind = "compound" if road >= 0 or e.building[k] or e.unit[k] else "village"
            name = self.names.of(kind, compound)
            owner = self._nearest(
                self._key(kind, name, k, road, labels.number), *self.xy[k].tolist()
            )
            if owner < 0:
                owner = self._orphan(k, kind, name, road, labels.number)
            self._child(owner, labels.inside if kind == "compound" else labels.all, k)
        if street >= 0 and (not compound or e.kind[k] in ("road_number", "door")):
            self._child(street_things[street], labels.all, k)

    def _orphan(self, k: int, kind: str, name: int, road: int, number: str) -> int:
        """Return a whole of which only parts are known: it stands where the first of them does."""
        self._by_key[self._key(kind, name, k, road, number)] = [len(self.things)]
        x, y = self.xy[k].tolist()
        self.things.append(
            Thing(kind, name, -1, int(self.community[k]), int(self.stated[k]), x, y,
                  150.0, road, number if kind == "compound" else "", -1)
        )  # fmt: skip
        self.names_of.append([name])
        return len(self.things) - 1

    def _child(self, thing: int, label: str, k: int) -> None:
        if label:
            number = self.labels.setdefault(label, len(self.labels))
            self._children.append((thing, number, k))

    def children(self) -> tuple[Ints, Ints]:
        """Return sorted keys and their entries; the same place twice keeps the surer, lower id."""
        if not self._children:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        thing, label, entry = np.array(self._children, np.int64).T
        keys = (thing << LABEL_BITS) | label
        unsure = np.asarray(self.entries.uncertainty_m, np.float64)[entry]
        order = np.lexsort((self.xy[entry, 1], self.xy[entry, 0], unsure, keys))
        keys, entry = keys[order], entry[order]
        first = np.r_[True, keys[1:] != keys[:-1]]
        return keys[first], entry[first]

    def street_numbers(self, streets: int, entry_street: Ints) -> tuple[Ints, Ints, Ints]:
        e = self.entries
        rows = [
            (int(entry_street[k]), value, k)
            for k in np.flatnonzero(entry_street >= 0).tolist()
            if e.kind[k] in ("road_number", "door") and (value := number_value(e.house_number[k]))
        ]
        if not rows:
            return np.zeros(streets + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        street, value, entry = np.array(rows, np.int64).T
        order = np.lexsort((self.xy[entry, 1], self.xy[entry, 0], value, street))
        street, value, entry = street[order], value[order], entry[order]
        first = np.r_[True, (street[1:] != street[:-1]) | (value[1:] != value[:-1])]
        start = np.r_[0, np.cumsum(np.bincount(street[first], minlength=streets))]
        return start, value[first], entry[first]
