"""Address evidence 地址证据: what a person wrote or said -> ranked places in the gazetteer.

:class:`AddressIndex` is built once from rows and never changes, so threads share it. ``places``
returns candidates with a probability each; what they leave to 1 is "none of these".

Frames: WGS84 degrees, metres on the ground. Same text, same index, same answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely

from gis.governance.reasons import Reason
from gis.matching import address_reasons as say
from gis.matching.address_build import build_tables
from gis.matching.address_rows import AreaName, Entries, RoadLines
from gis.matching.address_search import NONE_SCORE, Found, candidates
from gis.matching.address_store import Tables
from gis.matching.address_text import fold
from gis.matching.address_tokens import Relative, neutral_mask, relative, tokens
from gis.matching.ground import Doors

PLACE_LEVELS: Final = (
    "door", "building", "landmark", "compound", "village", "intersection", "road", "community",
    "subdistrict", "county", "city",
)  # fmt: skip
"""Levels of a place, finest first."""
AT_DOORS: Final = ("door", "road_number", "building", "compound", "landmark", "village", "station")
AREA_LEVELS: Final = ("community", "subdistrict", "county", "city")
MOST_PLACES: Final = 64
"""Enough for every 人民路 of a prefecture: with a pin beside it, the text need not decide."""
LEAST_PROBABILITY: Final = 1e-4
SAME_PLACE_M: Final = 60.0
NEAR_M: Final = 500.0
NEAR_WEIGHT: Final = 1.0
FARTHEST_WEIGHT: Final = 5.0
SHARPNESS: Final = 1.0
"""Factor on scores before they become probabilities; 1 says that nats are nats."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place that an address may mean.

    ``level`` one of :data:`PLACE_LEVELS`; ``lon``, ``lat`` WGS84; ``uncertainty_m`` the 68 % radius
    of the position (for an area: its extent). ``outline`` is a shapely line for a road, a polygon
    for a compound whose buildings are known, None otherwise. ``area_code`` is the area itself for
    the levels of areas, else the community that covers the place's own point (None: ask the map).
    ``entry_id`` is the gazetteer row; ``probability`` a share of 1 with the other places and "none
    of these"; ``explained`` the share of the text's characters that the place accounts for.
    """

    level: str
    name: str
    lon: float
    lat: float
    uncertainty_m: float
    area_code: str | None
    outline: Any
    probability: float
    score: float
    explained: float
    entry_id: int | None
    reasons: tuple[Reason, ...]


class AddressIndex:
    """The gazetteer of a city, compact and in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @classmethod
    def build(
        cls, areas: Sequence[AreaName], entries: Entries, roads: RoadLines | None = None
    ) -> AddressIndex:
        """Build the index from rows.

        Parameters
        ----------
        areas
            City, counties, subdistricts and communities with their aliases and old names; grids are
            not addressed by name and are passed over.
        entries
            The gazetteer.
        roads
            Named road edges; they join into streets by name and nearness.
        """
        return cls(build_tables(areas, entries, roads if roads is not None else RoadLines()))

    def __len__(self) -> int:
        """Return the number of gazetteer entries."""
        return len(self._tables.entry_ids)

    @property
    def tables(self) -> Tables:
        """The tables that the search reads."""
        return self._tables

    @cached_property
    def doors(self) -> Doors:
        """Every door, building and landmark, as the ground on which things happen."""
        t = self._tables
        chosen = np.isin(t.entry_kinds, [k for k, kind in enumerate(t.kinds) if kind in AT_DOORS])
        if not chosen.any():
            return Doors(np.empty((0, 2)))
        lonlat = t.plane.degrees(t.entry_xy[chosen])
        unsure = float(np.median(t.entry_uncertainty[chosen]))
        return Doors(np.unique(lonlat.round(6), axis=0), unsure)

    def places(
        self, text: str, near: tuple[float, float] | None = None, *, most: int = MOST_PLACES
    ) -> tuple[Place, ...]:
        """Return the places that an address may mean, best first; none for a text without any.

        Parameters
        ----------
        text
            The address as written or said; only its first 256 characters are read.
        near
            WGS84 lon, lat of other evidence: decides between places of the same name, by distance.
        most
            How many to return at the most.

        Returns
        -------
        tuple of Place
            Probabilities sum to at most 1; the rest is "none of these". Ties are broken by score,
            level, then position, never by the order of rows.
        """
        folded = fold(text).text
        if not folded:
            return ()
        found = _without_repeats(candidates(self._tables, folded))
        if not found:
            return ()
        how = relative(folded, tokens(folded))
        scores = np.array([f.score for f in found])
        if near is not None:
            scores = scores - self._far(found, near)
            order = np.lexsort((np.arange(len(found)), -scores))
            found, scores = [found[k] for k in order], scores[order]
        weights = np.exp(SHARPNESS * scores)
        shares = weights / (weights.sum() + math.exp(SHARPNESS * NONE_SCORE))
        kept = [k for k in range(len(found)) if shares[k] >= LEAST_PROBABILITY][:most]
        rivals = _rivals(found, shares)
        return tuple(
            self._place(folded, found[k], float(shares[k]), how, rivals if k == 0 else 0)
            for k in kept
        )

    def _far(self, found: list[Found], near: tuple[float, float]) -> Any:  # noqa: ANN401
        at = self._tables.plane.metres(np.array([near]))[0]
        away = np.hypot(*(np.array([(f.x, f.y) for f in found]) - at).T)
        slack = np.array([f.uncertainty_m for f in found])
        beyond = np.maximum(away - slack, 0.0) / NEAR_M
        return np.minimum(NEAR_WEIGHT * np.log1p(beyond**2), FARTHEST_WEIGHT)

    def _place(self, text: str, found: Found, share: float, how: Relative, rivals: int) -> Place:
        t = self._tables
        x, y, unsure = found.x, found.y, found.uncertainty_m
        if found.level not in AREA_LEVELS and found.level != "road":
            x, y = x + how.east_m, y + how.north_m
            unsure = math.hypot(unsure, how.around_m)
        lon, lat = t.plane.degrees(np.array([[x, y]]))[0].tolist()
        length = max(len(text), 1)
        return Place(
            level=found.level,
            name=self._name(found),
            lon=round(lon, 7),
            lat=round(lat, 7),
            uncertainty_m=round(unsure, 1),
            area_code=t.areas[found.area].code if found.area >= 0 else None,
            outline=self._outline(found),
            probability=share,
            score=found.score,
            explained=round(found.mask.bit_count() / length, 3),
            entry_id=self._entry_id(found.entry),
            reasons=self._reasons(text, found, how, rivals),
        )

    def _entry_id(self, entry: int) -> int | None:
        number = int(self._tables.entry_ids[entry]) if entry >= 0 else -1
        return number if number >= 0 else None

    def _outline(self, found: Found) -> Any:  # noqa: ANN401
        t = self._tables
        if found.level == "road":
            line = t.streets.lines[t.things[found.thing].street]
            return None if line.is_empty else line
        if found.level == "compound":
            points = t.entry_xy[t.children(found.thing)]
            if len(points) < 3:
                return None
            around: Any = shapely.buffer(shapely.convex_hull(shapely.multipoints(points)), 25.0)
            return shapely.transform(around, t.plane.degrees)
        return None

    def _path(self, area: int) -> str:
        t = self._tables
        chain = [k for k in t.parents[area] if k >= 0] if area >= 0 else []
        return "".join(t.areas[k].name for k in chain)

    def _name(self, found: Found) -> str:
        t = self._tables
        if found.level in AREA_LEVELS:
            return self._path(found.area) or t.areas[found.area].name
        if found.area < 0 and found.thing >= 0:
            return self._around(t.things[found.thing].street) + self._short(found)
        return self._path(found.area) + self._short(found)

    def _around(self, street: int) -> str:
        """Return the areas that all of a street's known numbers lie in: county, subdistrict."""
        t = self._tables
        chains = [t.parents[area] for area in t.street_areas[street]] if street >= 0 else []
        shared = []
        for level in zip(*chains, strict=True):
            if len(set(level)) > 1 or level[0] < 0:
                break
            shared.append(t.areas[level[0]].name)
        return "".join(shared)

    def _short(self, found: Found) -> str:
        t = self._tables
        thing = t.things[found.thing]
        name = t.names.keys[thing.name].text
        if found.other_street >= 0:
            other = t.names.keys[int(t.streets.name[found.other_street])].text
            return f"{name}与{other}路口"
        label = self._label(found)
        return name + label

    def _label(self, found: Found) -> str:
        """Return the listed part of the thing in words, or the number that was worked out."""
        t = self._tables
        if found.numbered is not None:
            return f"{found.asked}号"
        if found.entry < 0 or found.level not in ("door", "building"):
            return ""
        own = t.child_keys[t.child_entries == found.entry]
        keys = [int(k) for k in own if int(k) >> 24 == found.thing]
        return t.label_text(keys[0] & 0xFFFFFF) if keys else ""

    def _reasons(self, text: str, found: Found, how: Relative, rivals: int) -> tuple[Reason, ...]:
        t = self._tables
        reasons: list[Reason] = []
        short = self._name(found)
        if found.numbered is None:
            reasons.append(say.named(found.level, short))
        else:
            road = t.names.keys[t.things[found.thing].name].text
            reasons.append(say.worked_out(road, found.asked, found.numbered))
        if found.asked and found.numbered is None:
            thing = t.names.keys[t.things[found.thing].name].text
            reasons.append(say.not_listed(thing, found.asked))
        if found.level in AREA_LEVELS and (rest := _rest(text, found.mask)):
            reasons.append(say.not_listed(t.areas[found.area].name, rest))
        reasons += self._understood(text, found)
        reasons += [
            say.contradicts(text[hit.start : hit.end], self._path(found.area))
            for hit in found.contradicted
        ]
        if rivals > 1:
            thing_name = t.names.keys[found.hits[0].name].text
            reasons.append(say.same_name(rivals, thing_name))
        if found.missing and rivals > 1:
            reasons.append(say.levels_missing(found.missing))
        if how.words and found.level not in AREA_LEVELS:
            reasons.append(say.lies_relative(how))
        return tuple(reasons)

    def _understood(self, text: str, found: Found) -> list[Reason]:
        """Return the reasons of names that were heard or written in another way."""
        reasons = []
        for hit in found.hits:
            said, meant = text[hit.start : hit.end], self._tables.names.keys[hit.name].text
            if hit.heard:
                reasons.append(say.heard_as(said, meant))
            elif not meant.startswith(said) and not said.startswith(meant):
                reasons.append(say.written_as(said, meant))
        return reasons


def _rest(text: str, mask: int) -> str:
    """Return what the text names after the part that is explained."""
    around = neutral_mask(text)
    after = text[mask.bit_length() :]
    start = len(text) - len(after)
    return "".join(c for k, c in enumerate(after, start) if not around >> k & 1)


def _without_repeats(found: list[Found]) -> list[Found]:
    """Return candidates without those that say less of the same place than a better one does."""
    kept: list[Found] = []
    for one in found:
        if any(_says_less(one, better) for better in kept):
            continue
        kept.append(one)
    return kept


def _says_less(one: Found, better: Found) -> bool:
    if one.level in AREA_LEVELS:
        return False if better.level in AREA_LEVELS and one.area == -1 else _around(one, better)
    if one.level == "road" and better.thing == one.thing:
        return True
    return (
        better.level not in AREA_LEVELS
        and better.level != "road"
        and math.hypot(one.x - better.x, one.y - better.y) <= SAME_PLACE_M
    )


def _around(area: Found, better: Found) -> bool:
    return bool(set(area.hits) <= set(better.hits))


def _rivals(found: list[Found], shares: Any) -> int:  # noqa: ANN401
    """Return how many candidates are nearly as good as the best."""
    return int((shares >= 0.25 * shares[0]).sum()) if len(found) else 0
