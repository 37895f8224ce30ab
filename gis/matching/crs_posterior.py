"""In which coordinate system are the numbers of a pin really? 坐标系后验.

The same two numbers name another place in each system. What converters, map kits and forms get
wrong is a short list: a wrong declaration, an offset applied twice, taken away twice or applied to
the wrong base, and longitude and latitude swapped. Each is a *reading* of the numbers; how often a
source's pins want which one is learned from its history and is the prior; address, photo and usual
place of the sender speak through their distance to each reading (:mod:`gis.matching.fuse`).

CGCS2000 equals WGS84 within 0.1 m and shares its readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, TypeAlias

from gis.geometry import gcj02

Pair: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ReadingKind:
    """One way to read two numbers in degrees: its titles, and what it makes of them."""

    title_zh: str
    title_en: str
    to_wgs84: Callable[[float, float], Pair]


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of a pin read in one way: the place in WGS84, and its prior probability."""

    key: str
    lon: float
    lat: float
    prior: float


def _as_they_are(lon: float, lat: float) -> Pair:
    return lon, lat


def _bd09(lon: float, lat: float) -> Pair:
    return gcj02.to_wgs84(*gcj02.from_bd09(lon, lat))


def _twice(lon: float, lat: float) -> Pair:
    return gcj02.to_wgs84(*gcj02.to_wgs84(lon, lat))


def _swapped(read: Callable[[float, float], Pair]) -> Callable[[float, float], Pair]:
    return lambda lon, lat: read(lat, lon)


_DIRECT: Final[dict[str, ReadingKind]] = {
    "WGS84": ReadingKind("WGS84", "WGS84", _as_they_are),
    "GCJ-02": ReadingKind("GCJ-02", "GCJ-02", gcj02.to_wgs84),
    "BD-09": ReadingKind("BD-09", "BD-09", _bd09),
    "GCJ-02-twice": ReadingKind("偏移了两次的 GCJ-02", "GCJ-02 applied twice", _twice),
    "BD-09-of-WGS84": ReadingKind(
        "把 WGS84 当作 GCJ-02 转成的 BD-09",
        "BD-09 made from WGS84 as if it were GCJ-02",
        gcj02.from_bd09,
    ),
    "GCJ-02-removed-twice": ReadingKind(
        "多扣了一次偏移的 GCJ-02", "GCJ-02 taken away once too often", gcj02.from_wgs84
    ),
}
_SWAPPABLE: Final = ("WGS84", "GCJ-02", "BD-09")

READINGS: Final[dict[str, ReadingKind]] = {
    **_DIRECT,
    **{
        f"swapped-{key}": ReadingKind(
            f"经纬度写反的 {_DIRECT[key].title_zh}",
            f"{_DIRECT[key].title_en} with longitude and latitude swapped",
            _swapped(_DIRECT[key].to_wgs84),
        )
        for key in _SWAPPABLE
    },
}
"""Reading key -> how it is called and computed, in the order in which ties are broken."""

TRUST: Final = 0.90
"""How often a declaration is right where nothing is known of the source; one in ten is not."""

_ELSE: Final[dict[str, float]] = {
    "WGS84": 3.0, "GCJ-02": 3.0, "BD-09": 2.0, "GCJ-02-twice": 0.5, "BD-09-of-WGS84": 0.5,
    "GCJ-02-removed-twice": 0.5, "swapped-WGS84": 0.1, "swapped-GCJ-02": 0.1, "swapped-BD-09": 0.1,
}  # fmt: skip
_OWN_SWAPPED: Final = 1.5
"""How the other readings share what a declaration leaves, before anything is known."""

LEAST_DECLARED: Final = 0.501
"""A declared system keeps this share against the source's history alone.

Other pins are no proof against this one: a client that begins to declare the truth must not
be moved by half a kilometre. Where only history contradicts, both readings stay candidates and a
person decides; address, photo and usual place, which speak of this very event, do decide.
"""

SEEN_FIRST: Final = 2.0
"""The general prior counts as so many pins of a source; after that its own history speaks."""


def canonical(crs: str) -> str:
    """Return the reading that a declared system stands for.

    >>> canonical("CGCS2000"), canonical("BD-09")
    ('WGS84', 'BD-09')
    """
    return "WGS84" if crs == "CGCS2000" else crs


def general_prior(declared: str | None) -> dict[str, float]:
    """Return the prior over readings without any history of the source; it sums to 1.

    ``declared`` None: nothing was declared, and no system is preferred beyond its use.

    >>> round(general_prior("GCJ-02")["GCJ-02"], 2)
    0.9
    """
    own = None if declared is None else canonical(declared)
    others = {key: weight for key, weight in _ELSE.items() if key != own}
    if f"swapped-{own}" in others:
        others[f"swapped-{own}"] = _OWN_SWAPPED
    whole = sum(others.values())
    left = 1.0 if own is None else 1.0 - TRUST
    prior = {key: left * weight / whole for key, weight in others.items()}
    return prior if own is None else {own: TRUST, **prior}


def prior_of(declared: str | None, history: Mapping[str, float] | None) -> dict[str, float]:
    """Return the prior over readings, given how many pins of the source wanted which one.

    Parameters
    ----------
    history
        Reading -> (expected) number of pins of this source with this declaration.

    Examples
    --------
    >>> round(prior_of(None, {"GCJ-02": 98.0})["GCJ-02"], 2)
    0.99
    >>> round(prior_of("WGS84", {"GCJ-02": 98.0})["WGS84"], 2)  # what others sent is no proof
    0.5
    """
    prior = general_prior(declared)
    if not history:
        return prior
    whole = SEEN_FIRST + sum(history.values())
    told = {
        key: (SEEN_FIRST * share + history.get(key, 0.0)) / whole for key, share in prior.items()
    }
    if declared is None or told[own := canonical(declared)] >= LEAST_DECLARED:
        return told
    left = (1.0 - LEAST_DECLARED) / (1.0 - told[own])
    return {key: LEAST_DECLARED if key == own else share * left for key, share in told.items()}


def readings(lon: float, lat: float, prior: Mapping[str, float]) -> tuple[Reading, ...]:
    """Return each reading of two numbers in degrees that is a place, in the order of the table.

    A reading whose result is no latitude or longitude is left out, so that swapped numbers with a
    "latitude" of 118 keep only the readings that swap them back.

    >>> [reading.key for reading in readings(32.25, 118.32, general_prior("WGS84"))]
    ['swapped-WGS84', 'swapped-GCJ-02', 'swapped-BD-09']
    """
    found = []
    for key, kind in READINGS.items():
        share = prior.get(key, 0.0)
        swapped = key.startswith("swapped-")
        x, y = (lat, lon) if swapped else (lon, lat)
        if share <= 0.0 or not (isfinite(x) and isfinite(y)):
            continue
        if abs(x) > 180.0 or abs(y) > 90.0:
            continue
        found.append(Reading(key, *kind.to_wgs84(lon, lat), share))
    return tuple(found)
