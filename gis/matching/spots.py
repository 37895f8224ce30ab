"""The places that an address names -> spots for fusion: points, sampled outlines, whole areas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import shapely
from shapely.geometry.base import BaseGeometry

from gis.geometry.cell_index import metres_per_degree
from gis.governance.reasons import Reason
from gis.matching.combinations import Spot
from gis.matching.fuse import SpotEvidence
from gis.matching.position import SIGMAS_PER_ACCURACY

EXACT_LEVELS: Final = ("door", "building")
"""Levels of an address that stand for one spot."""
AREA_LEVELS: Final = ("community", "subdistrict", "county", "city")
"""Levels that stand for all of an area."""

LINE_STEP_M: Final = 60.0
MOST_SAMPLES: Final = 40
LEAST_SIGMA_M: Final = 4.0
OUTLINE_SIGMA_M: Final = 30.0
"""Spread about each sample of a line or an outline."""
NEGLIGIBLE: Final = 1e-4
LEAST_PART: Final = 0.01
"""Rarer multiples of the uncertainty are left out."""
_AS_SAID: Final[Mapping[float, float]] = {1.0: 1.0}


class PlaceLike(Protocol):
    """What is used of a place of the gazetteer (:class:`gis.matching.address.Place`), WGS84."""

    @property
    def level(self) -> str:
        """Return door, building, compound, landmark, road, ..., community, ..., city."""
        ...

    @property
    def name(self) -> str:
        """Return what it is called, in full."""
        ...

    @property
    def lon(self) -> float:
        """Return the longitude of its point."""
        ...

    @property
    def lat(self) -> float:
        """Return the latitude of its point."""
        ...

    @property
    def area_code(self) -> str | None:
        """Return the code of the area that it is, or lies in."""
        ...

    @property
    def outline(self) -> Any:  # noqa: ANN401 - a shapely geometry or None
        """Return its line or outline."""
        ...

    @property
    def uncertainty_m(self) -> float:
        """Return the 68 % radius about the point, or beside the line."""
        ...

    @property
    def probability(self) -> float:
        """Return its calibrated share; what the places leave is none of them."""
        ...

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return why it is meant."""
        ...


@dataclass(frozen=True, slots=True)
class Members:
    """The areas of an index that an area holds: position -> share of its ground, and its size."""

    shares: Mapping[int, float]
    area_m2: float


def manner(place: PlaceLike) -> str:
    """Return what kind of place it is: its level, or its level and that it is said to be beside.

    The key of :attr:`gis.matching.source_learning.Learned.spreads`.
    """
    beside = any(reason.code == "address-relative" for reason in place.reasons)
    return f"{place.level}-beside" if beside else place.level


def spots_of(
    places: Sequence[PlaceLike],
    members: Callable[[str], Members | None],
    spreads: Mapping[str, Mapping[float, float]] | None = None,
    trust: Callable[[PlaceLike], float] | None = None,
) -> SpotEvidence:
    """Return what the places of an address stand for; ``origin`` is the number of the place.

    Parameters
    ----------
    places
        With probabilities that sum to at most 1.
    members
        Area code -> what it holds, None for an area that is not drawn.
    spreads
        Kind of place (:func:`manner`) -> shares of what its stated uncertainty is multiplied with;
        1 where nothing was learned.
    trust
        How often the first place is right; None: as often as it says. What that changes, the other
        places and none of them share as before.
    """
    spots: list[Spot] = []
    shares = _trusted(places, trust)
    for number, (place, share) in enumerate(zip(places, shares, strict=True)):
        if share < NEGLIGIBLE:
            continue
        law = (spreads or {}).get(manner(place), _AS_SAID)
        spots += _spots(place, share, members, number, law)
    held = sum(spot.share for spot in spots)
    if held > 1.0:
        spots = [_scaled(spot, 1.0 / held) for spot in spots]
        held = 1.0
    return SpotEvidence(tuple(spots), max(1.0 - held, 0.0))


def _trusted(
    places: Sequence[PlaceLike], trust: Callable[[PlaceLike], float] | None
) -> list[float]:
    shares = [place.probability for place in places]
    if trust is None or not places or shares[0] >= 1.0:
        return shares
    kept = trust(places[0])
    others = (1.0 - kept) / (1.0 - shares[0])
    return [kept, *(share * others for share in shares[1:])]


def _spots(
    place: PlaceLike,
    share: float,
    members: Callable[[str], Members | None],
    number: int,
    law: Mapping[float, float],
) -> list[Spot]:
    if place.level in AREA_LEVELS:
        held = None if place.area_code is None else members(place.area_code)
        if held is None or not held.shares:
            return []
        return [Spot(share, area=held.shares, area_m2=held.area_m2, origin=number)]
    sigma_m = place.uncertainty_m / SIGMAS_PER_ACCURACY
    if place.outline is not None:
        points = _samples(place.outline)
        sigma_m = min(max(sigma_m, LEAST_SIGMA_M), OUTLINE_SIGMA_M)
        return [Spot(share / len(points), x, y, sigma_m, origin=number) for x, y in points]
    kept = {factor: part for factor, part in law.items() if part >= LEAST_PART}
    whole = sum(kept.values())
    return [
        Spot(
            share * part / whole, place.lon, place.lat, max(sigma_m * factor, LEAST_SIGMA_M),
            origin=number,
        )
        for factor, part in kept.items()
    ]  # fmt: skip


def _samples(shape: BaseGeometry) -> list[tuple[float, float]]:
    """Return points spread evenly along a line, or over an outline."""
    kx, ky = metres_per_degree(shape.centroid.y)
    if shape.geom_type in ("LineString", "MultiLineString", "LinearRing"):
        metres = shapely.transform(shape, lambda xy: xy * [kx, ky]).length
        count = int(min(max(metres / LINE_STEP_M, 1), MOST_SAMPLES))
        at = [(k + 0.5) / count for k in range(count)]
        along = shapely.line_interpolate_point(shapely.line_merge(shape), at, normalized=True)
        return [(float(p.x), float(p.y)) for p in along]
    west, south, east, north = shape.bounds
    steps = 6
    found = [
        (west + (east - west) * (i + 0.5) / steps, south + (north - south) * (j + 0.5) / steps)
        for i in range(steps)
        for j in range(steps)
    ]
    inside = [(x, y) for x, y in found if shapely.intersects_xy(shape, x, y)]
    middle = shape.representative_point()
    return inside or [(float(middle.x), float(middle.y))]


def _scaled(spot: Spot, by: float) -> Spot:
    return Spot(
        spot.share * by, spot.lon, spot.lat, spot.sigma_m, spot.area, spot.area_m2, spot.origin
    )
