"""Combinations of evidence 证据组合: weighed normals and areas that fusion adds up.

What :mod:`gis.matching.fuse` computes with; it says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from gis.geometry.cell_index import metres_per_degree

DROPPED: Final = 1e-6
"""Combinations that weigh less than this share of all are left out."""

LIGHT: Final = 0.02
"""Combinations about one place that weigh less than this are taken together."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One possible place: a point with a spread, or a whole area; WGS84.

    ``area`` holds the positions of the areas of the index that it covers, with the share of each;
    then ``lon``, ``lat`` and ``sigma_m`` are not used, and ``area_m2`` is its size.
    """

    share: float
    lon: float = 0.0
    lat: float = 0.0
    sigma_m: float = 0.0
    area: Mapping[int, float] | None = None
    area_m2: float = 0.0
    origin: int = 0


Normal: TypeAlias = tuple[float, float, float]
"""Metres from the reference place to the east and the north, and the variance per axis (m2)."""


class Masses(NamedTuple):
    """What a normal weighs over the areas, best first, and over none of them."""

    shares: list[tuple[int, float]]
    outside: float


class Part(NamedTuple):
    """A combination: weight, normal (None: flat), area, what took part."""

    weight: float
    normal: Normal | None
    area: Spot | None
    kinds: tuple[str, ...]
    reading: str | None
    origin: int

    def of(self, weight: float) -> Part:
        """Return it with another weight; a tenth of the price of ``_replace``."""
        return Part(weight, self.normal, self.area, self.kinds, self.reading, self.origin)


class Plane:
    """Metres about a reference place; readings far from it are far from each other as well."""

    def __init__(self, lon: float, lat: float) -> None:
        self.lon, self.lat = lon, lat
        self.kx, self.ky = metres_per_degree(lat)

    def metres(self, lon: float, lat: float) -> tuple[float, float]:
        """Return metres to the east and the north of the reference place."""
        return (lon - self.lon) * self.kx, (lat - self.lat) * self.ky

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        """Return the lon/lat of metres from the reference place."""
        return self.lon + x / self.kx, self.lat + y / self.ky


def heaviest(parts: list[Part]) -> list[Part]:
    """Return the parts that weigh anything beside the others."""
    whole = sum(part.weight for part in parts)
    if whole <= 0.0:
        raise ValueError("no combination of the evidence has any weight")
    return [part for part in parts if part.weight >= DROPPED * whole]


def merged(parts: list[Part]) -> list[Part]:
    """Return the parts with the light ones about one place made one normal of their mean variance.

    What they weigh together is kept; the shape of a light tail is not worth a mass over areas.
    """
    kept: list[Part] = []
    light: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        if part.normal is None or part.weight >= LIGHT:
            kept.append(part)
        else:
            x, y, _ = part.normal
            key = (round(x), round(y), part.kinds, part.reading, part.origin, id(part.area))
            light.setdefault(key, []).append(part)
    for group in light.values():
        weight = sum(part.weight for part in group)
        sums = [0.0, 0.0, 0.0]
        for part in group:
            for axis, value in enumerate(part.normal or ()):
                sums[axis] += value * part.weight / weight
        kept.append(group[0]._replace(weight=weight, normal=(sums[0], sums[1], sums[2])))
    return kept
