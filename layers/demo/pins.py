"""Pins as they come in: GPS errors by source, mixed frames, some declared wrongly or swapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from gis.geometry import gcj02
from gis.geometry.crs import from_wgs84, to_wgs84
from layers.demo.frame import Floats, degrees, plane

ADDRESS_ONLY: Final[dict[str, float]] = {
    "snap": 0.30, "hotline-12345": 0.86, "patrol": 0.08, "courier": 0.20, "video": 0.0,
}  # fmt: skip
"""Share of a source's events that come without a pin; 0.40 over all."""
ERROR_M: Final[dict[str, tuple[float, float]]] = {
    "snap": (16.0, 0.95), "hotline-12345": (45.0, 0.8), "patrol": (7.0, 0.6),
    "courier": (24.0, 0.85), "video": (6.0, 0.4),
}  # fmt: skip
"""Median of the GPS error and its log spread, between :data:`LEAST_ERROR_M` and the most."""
LEAST_ERROR_M: Final = 5.0
MOST_ERROR_M: Final = 150.0
FRAMES: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "snap": (("GCJ-02", 1.0),),
    "hotline-12345": (("GCJ-02", 0.7), ("BD-09", 0.3)),
    "patrol": (("WGS84", 0.6), ("CGCS2000", 0.4)),
    "courier": (("BD-09", 0.75), ("GCJ-02", 0.25)),
    "video": (("CGCS2000", 1.0),),
}
WRONG_FRAME: Final = 0.13
SWAPPED: Final = 0.02
CONVERTED_WRONGLY: Final = 0.04
"""Share of the wrong frames whose numbers were converted twice, or from the wrong base."""
_MISCONVERTED: Final = {
    "WGS84": "GCJ-02-removed-twice", "CGCS2000": "GCJ-02-removed-twice",
    "GCJ-02": "GCJ-02-twice", "BD-09": "BD-09-of-WGS84",
}  # fmt: skip
FAILED: Final[dict[str, float]] = {"hotline-12345": 0.03}
"""Share of a source's pins that its geocoder could not make: (0, 0) or a centre instead."""
CITY_INSTEAD: Final = 0.5
"""Share of them that are answered with the centre of the city, the first of the centres."""
STALE: Final[dict[str, float]] = {"courier": 0.008, "patrol": 0.004}
"""Share of a source's pins that are an old fix, kept while the phone had no sky."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin: where it is read to be, what was sent, and what is wrong with it.

    ``stale_s`` is how many seconds before the report the phone last saw the sky.
    """

    lonlat: tuple[float, float] | None
    raw: dict[str, Any]
    frame: str
    declared: str
    swapped: bool
    error_m: float
    failed: bool = False
    stale_s: int = 0


def make_pins(
    true_lonlat: Floats, sources: NDArray[np.str_], centres: Floats, rng: np.random.Generator
) -> list[Pin | None]:
    """Return a pin per event, None where the source gives an address only.

    ``centres`` are the places that a geocoder answers with when it finds nothing.
    """
    count = len(sources)
    seen, error = _seen(true_lonlat, sources, rng)
    stale = rng.random(count) < np.array([STALE.get(str(s), 0.0) for s in sources])
    age = np.where(stale, rng.integers(1_200, 7_200, size=count), 0)
    seen[stale] = degrees(
        plane(seen[stale, 0], seen[stale, 1])
        + rng.normal(size=(int(stale.sum()), 2)) * (age[stale] / 4.0)[:, None]
    )
    failed = rng.random(count) < np.array([FAILED.get(str(s), 0.0) for s in sources])
    fallback = rng.integers(-1, len(centres), size=count)
    fallback[rng.random(count) < CITY_INSTEAD] = 0
    has_pin = rng.random(count) >= np.array([ADDRESS_ONLY[s] for s in sources])
    # Phones report their 68 % radius imperfectly, in steps.
    accuracy = np.maximum(np.round(error * np.exp(rng.normal(scale=0.6, size=count)) / 5) * 5, 5.0)
    wrong, swapped = rng.random(count) < WRONG_FRAME, rng.random(count) < SWAPPED
    frames = [_frame(str(s), rng) for s in sources]
    others = rng.random(count)
    numbers = {name: _in_frame(seen, name) for name in ("WGS84", "CGCS2000", "GCJ-02", "BD-09")}
    numbers["GCJ-02-twice"] = _in_frame(numbers["GCJ-02"], "GCJ-02")
    numbers["GCJ-02-removed-twice"] = _from_frame(seen, "GCJ-02")
    numbers["BD-09-of-WGS84"] = _shifted_to_bd09(seen)
    read: dict[tuple[str, str], Floats] = {}
    pins: list[Pin | None] = []
    for k in range(count):
        if not has_pin[k]:
            pins.append(None)
            continue
        if failed[k]:
            pins.append(_failed(centres, int(fallback[k]), float(error[k])))
            continue
        frame = declared = frames[k]
        if wrong[k] and others[k] > 1.0 - CONVERTED_WRONGLY:
            frame = _MISCONVERTED[frame]
        elif wrong[k]:
            declared = _wrong_frame(frame, others[k])
        if (frame, declared) not in read:
            read[frame, declared] = _from_frame(numbers[frame], declared)
        here, (lon, lat) = read[frame, declared][k], numbers[frame][k].tolist()
        if swapped[k]:
            lon, lat = lat, lon
        pins.append(
            Pin(
                lonlat=None if swapped[k] else (float(here[0]), float(here[1])),
                raw={"lon": lon, "lat": lat, "crs": declared, "accuracy_m": float(accuracy[k])},
                frame=frame,
                declared=declared,
                swapped=bool(swapped[k]),
                error_m=round(float(error[k]), 1),
                stale_s=int(age[k]),
            )
        )
    return pins


def _failed(centres: Floats, fallback: int, error_m: float) -> Pin:
    """Return what a hotline sends when its geocoder found nothing: (0, 0), or a centre."""
    read = None if fallback < 0 else centres[fallback]
    numbers = np.zeros(2) if read is None else _in_frame(read[None, :], "GCJ-02")[0]
    raw = {"lon": float(numbers[0]), "lat": float(numbers[1]), "crs": "GCJ-02", "accuracy_m": 50.0}
    return Pin(
        lonlat=None if read is None else (float(read[0]), float(read[1])),
        raw=raw, frame="GCJ-02", declared="GCJ-02", swapped=False,
        error_m=round(error_m, 1), failed=True,
    )  # fmt: skip


def _seen(
    true_lonlat: Floats, sources: NDArray[np.str_], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the places with the error of each source, in WGS84, and the error in metres."""
    xy = plane(true_lonlat[:, 0], true_lonlat[:, 1])
    median = np.array([ERROR_M[s][0] for s in sources])
    spread = np.array([ERROR_M[s][1] for s in sources])
    count = len(sources)
    low, high = (ndtr(np.log(edge / median) / spread) for edge in (LEAST_ERROR_M, MOST_ERROR_M))
    drawn = ndtri(low + (high - low) * rng.random(count))  # the log-normal between the two
    error: Floats = median * np.exp(drawn * spread)
    turn = rng.uniform(0, 2 * np.pi, size=count)
    return degrees(xy + error[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])), error


def _frame(source: str, rng: np.random.Generator) -> str:
    draw, total = rng.random(), 0.0
    for name, share in FRAMES[source]:
        total += share
        if draw < total:
            return name
    return FRAMES[source][-1][0]


def _wrong_frame(frame: str, draw: float) -> str:
    if frame in ("WGS84", "CGCS2000"):
        return "GCJ-02"
    other = "BD-09" if frame == "GCJ-02" else "GCJ-02"
    return "WGS84" if draw < 0.8 else other


def _shifted_to_bd09(lonlat: Floats) -> Floats:
    """Return WGS84 numbers moved as if they were GCJ-02: half of a conversion."""
    pairs = [gcj02.to_bd09(float(lon), float(lat)) for lon, lat in lonlat]
    return np.round(np.array(pairs).reshape(-1, 2), 7)


def _in_frame(lonlat: Floats, frame: str) -> Floats:
    lon, lat = from_wgs84(lonlat[:, 0], lonlat[:, 1], frame)
    return np.round(np.column_stack([lon, lat]), 7).astype(np.float64)


def _from_frame(numbers: Floats, frame: str) -> Floats:
    lon, lat = to_wgs84(numbers[:, 0], numbers[:, 1], frame)
    return np.round(np.column_stack([lon, lat]), 7).astype(np.float64)
