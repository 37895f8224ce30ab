"""Pin, address and photo -> one probability per area 证据融合.

Every piece of evidence is a handful of possible places: a pin in each reading of its numbers, with
each multiple of its error law; an address as its places in the gazetteer; and, for each, the chance
that it says nothing about the place at all. The true place is one of their combinations; a
combination weighs the product of its shares and of how well its parts lie together. Products of
normals are normals, so each combination is a normal again, its mass over an area has the closed
form of :mod:`gis.matching.position`, and the sums are exact: no sampling, the same on every run.

What is compared with nothing is spread evenly over :data:`BACKGROUND_M2`: an address that is wrong
says that the place may be anywhere, and so does a pin that strayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, hypot, pi
from typing import Final, TypeVar

import numpy as np

from gis.geometry.cell_index import CellIndex, metres_per_degree
from gis.matching.combinations import Masses, Normal, Part, Plane, Spot, heaviest, merged
from gis.matching.crs_posterior import Reading
from gis.matching.ground import MOST_SAID, Around, Ground
from gis.matching.position import SIGMAS_PER_ACCURACY

_K = TypeVar("_K")

BACKGROUND_M2: Final = 3e7
"""Where a place may be when evidence about it is wrong: about a town."""

SPEAKS: Final = 0.05
"""Evidence is named for a candidate when at least this share of its probability rests on it."""


@dataclass(frozen=True, slots=True)
class PinEvidence:
    """A pin: its readings, the normals of its error (sigma in metres, share), and its stray share.

    ``kind`` is what speaks: ``position`` or ``photo``.
    """

    readings: tuple[Reading, ...]
    sigmas: tuple[tuple[float, float], ...]
    stray: float
    kind: str = "position"


@dataclass(frozen=True, slots=True)
class SpotEvidence:
    """What an address names: possible places; their shares and ``none`` of these sum to 1."""

    spots: tuple[Spot, ...]
    none: float
    kind: str = "address"


@dataclass(frozen=True, slots=True)
class Fused:
    """What all evidence together says.

    Attributes
    ----------
    shares
        Position in the index -> probability. With ``outside`` and ``unplaced`` they sum to 1.
    outside
        The place lies in no area of the index.
    unplaced
        Nothing that was given names the place.
    point, spread_m
        The weightiest combination: where, and its 68 % radius; None for a whole area.
    readings
        Posterior over the readings of the first pin; ``stray`` that it says nothing.
    together
        Probability that the first pin and a spot both speak of the place.
    borne_out
        Probability that the first pin and anything else both speak of it.
    origins
        Posterior over the spots' origins (places of the address), -1 for none of them.
    evidence
        Position -> what speaks for it.
    """

    shares: Mapping[int, float]
    outside: float
    unplaced: float
    point: tuple[float, float] | None
    spread_m: float | None
    readings: Mapping[str, float] = field(default_factory=dict)
    stray: float = 0.0
    together: float = 0.0
    borne_out: float = 0.0
    origins: Mapping[int, float] = field(default_factory=dict)
    evidence: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def fuse(
    index: CellIndex,
    pins: Sequence[PinEvidence],
    spots: SpotEvidence | None = None,
    ground: Ground | None = None,
) -> Fused:
    """Return the probability of each area of an index, given everything that speaks.

    Parameters
    ----------
    index
        Areas in WGS84 lon/lat that do not overlap.
    pins
        In the order of trust; the first one's readings are reported.
    spots
        What the address names.
    ground
        Where things happen at all; it counts where no address says where this one did.

    Raises
    ------
    ValueError
        Neither a pin with a reading nor a spot.

    Examples
    --------
    >>> import shapely
    >>> index = CellIndex.build([shapely.box(118.3, 32.2, 118.4, 32.3)])
    >>> pin = PinEvidence((Reading("WGS84", 118.35, 32.25, 1.0),), ((20.0, 1.0),), stray=0.0)
    >>> fuse(index, [pin]).shares
    {0: 1.0}
    """
    return _Fusion(index, pins, spots, ground).result()


class _Fusion:
    def __init__(
        self,
        index: CellIndex,
        pins: Sequence[PinEvidence],
        spots: SpotEvidence | None,
        ground: Ground | None,
    ) -> None:
        self._index = index
        self._seen: dict[Normal, Masses] = {}
        self._plane = Plane(*_reference(pins, spots))
        self._first = pins[0] if pins else None
        parts = self._of_spots(spots)
        for number, pin in enumerate(pins):
            parts = heaviest(self._with_pin(parts, pin, first=number == 0))
        whole = sum(part.weight for part in parts)
        self._parts = merged([part.of(part.weight / whole) for part in parts])
        if ground is not None and spots is None:
            self._parts = self._on_ground(self._parts, ground)

    def _of_spots(self, spots: SpotEvidence | None) -> list[Part]:
        if spots is None:
            return [Part(1.0, None, None, (), None, -1)]
        parts = [Part(spots.none, None, None, (), None, -1)] if spots.none > 0 else []
        for spot in spots.spots:
            if spot.area is not None:
                parts.append(Part(spot.share, None, spot, (spots.kind,), None, spot.origin))
                continue
            x, y = self._plane.metres(spot.lon, spot.lat)
            normal = (x, y, spot.sigma_m**2)
            parts.append(Part(spot.share, normal, None, (spots.kind,), None, spot.origin))
        return parts

    def _with_pin(self, parts: list[Part], pin: PinEvidence, *, first: bool) -> list[Part]:
        """Return every part with every way to take the pin; the pin strayed is one of them."""
        made = [part.of(part.weight * pin.stray / BACKGROUND_M2) for part in parts if pin.stray > 0]
        for reading in pin.readings:
            x, y = self._plane.metres(reading.lon, reading.lat)
            for sigma_m, share in pin.sigmas:
                weight = (1.0 - pin.stray) * reading.prior * share
                pin_normal = (x, y, sigma_m**2)
                for part in parts:
                    agrees, normal = self._together(part, pin_normal)
                    if agrees <= 0.0:
                        continue
                    made.append(
                        Part(
                            part.weight * weight * agrees,
                            normal,
                            part.area,
                            (*part.kinds, pin.kind),
                            reading.key if first else part.reading,
                            part.origin,
                        )
                    )
        return made

    def _together(self, part: Part, pin: Normal) -> tuple[float, Normal]:
        """Return how well a pin lies with a part (a density per m2), and the normal of both."""
        if part.area is not None and part.normal is None:
            return self._inside(pin, part.area) / part.area.area_m2, pin
        if part.normal is None:
            return 1.0 / BACKGROUND_M2, pin
        (x, y, v), (px, py, pv) = part.normal, pin
        both = v + pv
        squared = (x - px) ** 2 + (y - py) ** 2
        density = exp(-0.5 * squared / both) / (2.0 * pi * both)
        own = pv / both
        normal = (px + (x - px) * own, py + (y - py) * own, v * pv / both)
        if part.area is not None:  # what lies in the area of both, not of the first alone
            before = self._inside(part.normal, part.area)
            density *= self._inside(normal, part.area) / before if before > 0.0 else 0.0
        return density, normal

    def _inside(self, normal: Normal, spot: Spot) -> float:
        """Return the mass of a normal over the areas that a spot covers."""
        covered = spot.area or {}
        return sum(share for at, share in self._masses(normal).shares if at in covered)

    def _on_ground(self, parts: list[Part], ground: Ground) -> list[Part]:
        """Return every part twice: at one of the doors about it, and anywhere near.

        The part that says nothing keeps its share.
        """
        placed = [(part, part.normal) for part in parts if part.normal is not None]
        found = ground.weigh_many(
            [self._plane.degrees(x, y) for _, (x, y, _) in placed], [v for _, (_, _, v) in placed]
        )
        least = max((doors + anywhere for _, doors, anywhere in found), default=0.0) / MOST_SAID
        built = [
            (normal, around)
            for (_, normal), (around, doors, _) in zip(placed, found, strict=True)
            if doors > 0.0
        ]
        at_doors = iter(self._at_doors(built, ground.sigma_m**2))
        made: list[Part] = []
        for (part, _), (_, doors, anywhere) in zip(placed, found, strict=True):
            if doors > 0.0:
                at = Spot(1.0, area=next(at_doors))
                weight = part.weight * doors
                made.append(Part(weight, None, at, part.kinds, part.reading, part.origin))
            made.append(part.of(part.weight * max(anywhere, least - doors)))
        named = sum(part.weight for part, _ in placed)
        whole = sum(part.weight for part in made)
        silent = [part for part in parts if part.normal is None]
        return [part.of(part.weight * named / whole) for part in made] + silent

    def _at_doors(
        self, built: Sequence[tuple[Normal, Around]], variance_m2: float
    ) -> list[dict[int, float]]:
        """Return for each normal the share of each area in the places at the doors about it."""
        if not built:
            return []
        lons, lats, sigmas = [], [], []
        for (x, y, v), around in built:
            own = variance_m2 / (v + variance_m2)  # what the normal itself has to say of the place
            lon, lat = self._plane.degrees(x, y)
            doors = around.lonlat
            lons.append(doors[:, 0] + own * (lon - doors[:, 0]))
            lats.append(doors[:, 1] + own * (lat - doors[:, 1]))
            sigmas.append(np.full(len(doors), (v * own) ** 0.5))
        rows, starts = self._index.normal_shares_of_many(
            np.concatenate(lons), np.concatenate(lats), np.concatenate(sigmas)
        )
        told, ends, number = rows.tolist(), starts.tolist(), 0
        found = []
        for _, around in built:
            held: dict[int, float] = {}
            for weight in (around.densities / around.densities.sum()).tolist():
                for row in told[ends[number] + 1 : ends[number + 1]]:
                    at = int(row[0])
                    held[at] = held.get(at, 0.0) + weight * row[1]
                number += 1
            found.append(held)
        return found

    def _masses(self, normal: Normal) -> Masses:
        found = self._seen.get(normal)
        if found is None:
            self._weigh([normal])
            found = self._seen[normal]
        return found

    def _weigh(self, normals: Sequence[Normal]) -> None:
        """Weigh normals that nobody asked for yet, at once."""
        new = [normal for normal in dict.fromkeys(normals) if normal not in self._seen]
        if not new:
            return
        places = [self._plane.degrees(x, y) for x, y, _ in new]
        rows, starts = self._index.normal_shares_of_many(
            [lon for lon, _ in places], [lat for _, lat in places], [v**0.5 for _, _, v in new]
        )
        told, ends = rows.tolist(), starts.tolist()
        for number, normal in enumerate(new):
            (_, outside, *_), *held = told[ends[number] : ends[number + 1]]
            self._seen[normal] = Masses([(int(row[0]), row[1]) for row in held], outside)

    def result(self) -> Fused:
        shares: dict[int, float] = {}
        speaking: dict[int, dict[str, float]] = {}
        outside = unplaced = 0.0
        self._weigh([p.normal for p in self._parts if p.area is None and p.normal is not None])
        for part in self._parts:
            for at, share in self._over_areas(part):
                shares[at] = shares.get(at, 0.0) + part.weight * share
                said = speaking.setdefault(at, {})
                for kind in part.kinds:
                    said[kind] = said.get(kind, 0.0) + part.weight * share
            if part.normal is None and part.area is None:
                unplaced += part.weight
            elif part.area is None and part.normal is not None:
                outside += part.weight * self._masses(part.normal).outside
        whole = sum(shares.values()) + outside + unplaced
        point, spread = self._centre()
        return Fused(
            shares={at: share / whole for at, share in shares.items()},
            outside=outside / whole,
            unplaced=unplaced / whole,
            point=point,
            spread_m=spread,
            readings=_summed((part.reading, part.weight) for part in self._parts),
            stray=sum(part.weight for part in self._parts if part.reading is None)
            if self._first is not None
            else 0.0,
            together=sum(
                part.weight for part in self._parts if part.reading is not None and part.origin >= 0
            ),
            borne_out=sum(
                part.weight
                for part in self._parts
                if part.reading is not None and len(part.kinds) > 1
            ),
            origins=_summed((part.origin, part.weight) for part in self._parts),
            evidence={
                at: tuple(
                    kind for kind, mass in sorted(said.items()) if mass >= SPEAKS * shares[at]
                )
                for at, said in speaking.items()
            },
        )

    def _over_areas(self, part: Part) -> Iterable[tuple[int, float]]:
        """Return the share of each area in a part; they sum to 1 but for what lies outside."""
        if part.area is None:
            return () if part.normal is None else self._masses(part.normal).shares
        covered = part.area.area or {}
        if part.normal is None:
            return covered.items()
        held = [(at, share) for at, share in self._masses(part.normal).shares if at in covered]
        inside = sum(share for _, share in held)
        return [(at, share / inside) for at, share in held]

    def _centre(self) -> tuple[tuple[float, float] | None, float | None]:
        """Return the normal that most of the weight lies about; the narrowest one decides."""
        normals = [part for part in self._parts if part.normal is not None]
        if not normals:
            return None, None
        best = max(normals, key=lambda part: part.weight)
        assert best.normal is not None  # noqa: S101 - for the type checker
        x, y, v = best.normal
        return self._plane.degrees(x, y), v**0.5 * SIGMAS_PER_ACCURACY


def _reference(pins: Sequence[PinEvidence], spots: SpotEvidence | None) -> tuple[float, float]:
    points = [spot for spot in spots.spots if spot.area is None] if spots is not None else []
    if points:
        likeliest = min(points, key=lambda spot: (-spot.share, spot.lon, spot.lat))
        return likeliest.lon, likeliest.lat
    for pin in pins:
        if pin.readings:
            best = max(pin.readings, key=lambda reading: reading.prior)
            return best.lon, best.lat
    if spots is not None and spots.spots:
        return 0.0, 0.0
    raise ValueError("a pin with a reading or a spot is needed")


def _summed(pairs: Iterable[tuple[_K | None, float]]) -> dict[_K, float]:
    sums: dict[_K, float] = {}
    for key, weight in pairs:
        if key is not None:
            sums[key] = sums.get(key, 0.0) + weight
    return sums


def apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the metres between two places near each other, in the plane at the first.

    >>> round(apart_m((118.3, 32.2), (118.3, 32.201)))
    111
    """
    kx, ky = metres_per_degree(one[1])
    return hypot((other[0] - one[0]) * kx, (other[1] - one[1]) * ky)
