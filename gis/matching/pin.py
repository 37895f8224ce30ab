"""A pin as it came in -> what it says: readings, errors, and whether it says anything at all.

Some pins are known to be bad: (0, 0), the centre of the city or of a county that a geocoder gave
when it found nothing, a fix from before the phone went under a roof, an accuracy that no phone has.
They are not thrown away: they weigh less, and a reason says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Final

from gis.geometry.crs import point_to_wgs84
from gis.governance.reasons import Reason
from gis.matching import pin_sentences as sentences
from gis.matching.crs_posterior import Reading, canonical, general_prior, prior_of, readings
from gis.matching.error_law import (
    AS_STATED,
    CAUTIOUS,
    UNKNOWN_SOURCE,
    ErrorLaw,
    SourceProfile,
)
from gis.matching.fuse import PinEvidence
from gis.matching.position import SIGMAS_PER_ACCURACY

NULL_ISLAND_DEG: Final = 0.01
STALE_AFTER_S: Final = 600.0
AHEAD_S: Final = 300.0
"""A fix later than its report by more than this comes from a wrong clock."""
DRIFT_M_S: Final = 1.4
"""A person walks: what a fix is worth after a while."""
STRAY_BAD: Final = 0.98
STRAY_STALE: Final = 0.30
USUAL_RADIUS_M: Final = 300.0
STRAY_PHOTO: Final = 0.10
STRAY_FRESH_PHOTO: Final = 0.03
"""Photos are also taken elsewhere, and sent from an album."""
LEAST_ACCURACY_M: Final = 1.0
MOST_ACCURACY_M: Final = 20_000.0
KNOWN_BY: Final = 5.0
"""So many pins of a source with one declaration, and its history counts for a pin alone."""
PLAIN: Final = ErrorLaw({1.0: 1.0}, 1.0)
"""A pin alone without an accuracy is the point itself."""
BAD_DECIMALS: Final = 5


@dataclass(frozen=True, slots=True)
class Pin:
    """Numbers as they came in. ``crs`` None: no system was declared (WGS84 is then the default).

    ``age_s`` is how long before the report the position was fixed; None where nobody said.
    """

    lon: float
    lat: float
    crs: str | None
    accuracy_m: float | None = None
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class BadPin:
    """A coordinate that stands for a failure: what it is, and how often it came in."""

    kind: str
    times: int
    places: int


@dataclass(frozen=True, slots=True)
class ReadPin:
    """A pin as evidence, with what must be said about it.

    ``alone`` tells whether it may decide without other evidence; ``unclear`` whether its system is
    anything but plainly as declared.
    """

    evidence: PinEvidence
    notes: tuple[Reason, ...]
    alone: bool
    unclear: bool
    bad: str | None = None


BadPins = Mapping[tuple[float, float], BadPin]


def bad_key(lon: float, lat: float) -> tuple[float, float]:
    """Return the key of a coordinate in a table of bad pins: its numbers to about a metre.

    >>> bad_key(118.3000001, 32.2)
    (118.3, 32.2)
    """
    return round(lon, BAD_DECIMALS), round(lat, BAD_DECIMALS)


def is_null_island(lon: float, lat: float) -> bool:
    """Tell whether the numbers are the (0, 0) of an empty form."""
    return abs(lon) < NULL_ISLAND_DEG and abs(lat) < NULL_ISLAND_DEG


def known_bad(pin: Pin, bad: BadPins) -> BadPin | None:
    """Return why the numbers are known to be no place, None where they may be one."""
    if is_null_island(pin.lon, pin.lat):
        return BadPin("null-island", 0, 0)
    return bad.get(bad_key(pin.lon, pin.lat))


def has_history(profile: SourceProfile, crs: str | None) -> bool:
    """Tell whether a source has sent enough pins with this declaration to be known by them."""
    seen = profile.readings.get(crs)
    return seen is not None and sum(seen.values()) >= KNOWN_BY


def read_pin(
    pin: Pin,
    profile: SourceProfile = UNKNOWN_SOURCE,
    bad: BadPins | None = None,
    *,
    beside_others: bool = False,
) -> ReadPin | None:
    """Return what a pin says, None when its numbers are no place in any reading.

    Parameters
    ----------
    beside_others
        There is other evidence. Then every reading is weighed; a pin alone is taken as declared,
        unless its source has a history.

    Examples
    --------
    >>> read = read_pin(Pin(118.3, 32.2, "WGS84", 15.0))
    >>> [reading.key for reading in read.evidence.readings], read.alone
    (['WGS84'], True)
    >>> read_pin(Pin(0.0, 0.0, "WGS84"), beside_others=True).bad
    'null-island'
    """
    notes: list[Reason] = []
    found = known_bad(pin, bad or {})
    known = has_history(profile, pin.crs)
    if not pin.accuracy_m and not beside_others:  # the plain point, by contract
        profile = replace(profile, law=PLAIN)
    candidates = _readings(pin, profile, weighed=beside_others or known)
    if not candidates:
        return None
    accuracy, stray = pin.accuracy_m, profile.stray if profile.law else UNKNOWN_SOURCE.stray
    law = profile.law or (CAUTIOUS if beside_others else AS_STATED)
    if accuracy and accuracy < LEAST_ACCURACY_M and profile.law is not None:
        notes.append(sentences.accuracy_implausible(accuracy, law.typical_m))
        accuracy = None
    elif accuracy and accuracy > MOST_ACCURACY_M:
        notes.append(sentences.accuracy_useless(accuracy))
        stray = max(stray, STRAY_BAD)
    if pin.age_s is not None and (pin.age_s > STALE_AFTER_S or pin.age_s < -AHEAD_S):
        notes.append(sentences.stale_fix(pin.age_s))
        stray = max(stray, STRAY_STALE)
        drift = DRIFT_M_S * min(abs(pin.age_s), MOST_ACCURACY_M / DRIFT_M_S)
        accuracy = hypot(accuracy or law.typical_m, drift)
    if found is not None:
        notes.append(sentences.bad_pin(found.kind, found.times, found.places))
        stray = STRAY_BAD
    swapped = all(reading.key.startswith("swapped-") for reading in candidates)
    return ReadPin(
        PinEvidence(candidates, law.sigmas(accuracy), max(stray, 1e-4)),
        tuple(notes),
        alone=found is None and stray < STRAY_STALE,
        unclear=known or swapped or beside_others,
        bad=None if found is None else found.kind,
    )


def read_photo(pin: Pin) -> PinEvidence | None:
    """Return what the position in a photo's EXIF says: GPS writes WGS84."""
    found = readings(pin.lon, pin.lat, {"WGS84": 1.0})
    if not found or is_null_island(pin.lon, pin.lat):
        return None
    law = replace(CAUTIOUS, typical_m=15.0)
    stray = STRAY_PHOTO
    if pin.age_s is not None:  # taken just now it was taken here; an old one may be from anywhere
        fresh = -AHEAD_S <= pin.age_s <= STALE_AFTER_S * 6
        stray = STRAY_FRESH_PHOTO if fresh else 0.5
    return PinEvidence(found, law.sigmas(pin.accuracy_m), stray, "photo")


def read_usual(pin: Pin) -> PinEvidence | None:
    """Return where a sender is as a rule, as evidence about the system of a pin.

    It says next to nothing about the place of a case; half of all cases are elsewhere.
    """
    found = readings(pin.lon, pin.lat, {"WGS84": 1.0})
    if not found:
        return None
    sigma = max(pin.accuracy_m or 0.0, USUAL_RADIUS_M) / SIGMAS_PER_ACCURACY
    return PinEvidence(found, ((sigma, 1.0),), 0.5, "usual-place")


def _readings(pin: Pin, profile: SourceProfile, *, weighed: bool) -> tuple[Reading, ...]:
    declared = pin.crs
    if declared is not None and declared.startswith("EPSG:"):
        return (Reading(declared, *point_to_wgs84(pin.lon, pin.lat, declared), 1.0),)
    if weighed:
        prior = prior_of(declared, profile.readings.get(declared))
    else:
        prior = {canonical(declared or "WGS84"): 1.0}
    found = readings(pin.lon, pin.lat, prior)
    if not found:  # not as declared: as swapped, perhaps
        found = readings(pin.lon, pin.lat, general_prior(declared))
    whole = sum(reading.prior for reading in found)
    return tuple(replace(reading, prior=reading.prior / whole) for reading in found)
