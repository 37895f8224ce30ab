"""What the events of a city teach: how pins of each source are, failed geocodings, reliability."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping

from gis.errors import CrsUnknown
from gis.geometry.crs import normalise, usable
from gis.matching.address import AddressIndex
from gis.matching.calibration import PLACE, Answered, Bin, bins_of
from gis.matching.crs_posterior import READINGS, canonical, readings
from gis.matching.error_law import SPREADS, SourceProfile
from gis.matching.fuse import apart_m
from gis.matching.ground import Doors, Ground, learn_share
from gis.matching.knowledge import AddressReader
from gis.matching.pin import STALE_AFTER_S, bad_key, is_null_island
from gis.matching.position import SIGMAS_PER_ACCURACY, probabilities
from gis.matching.source_learning import PLAINLY, Learned, Placed, Witness, learn
from gis.matching.spots import manner
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.experience import AT_DOORS, GROUND_LAW
from gis.services.match_request import Location
from gis.store import learning as store
from gis.store.unit_of_work import UnitOfWork

MOST_EVENTS: Final = 6_000
"""So many of the newest events with pin and address are read."""
MOST_PLACED: Final = 3_000
"""So many of the newest cases with an address alone are read."""
WITNESS_LEVELS: Final = ("door", "building", "landmark")
LEAST_TRUST: Final = 0.2
MOSTLY: Final = 0.9
"""Pins of a source whose declaration holds at least so often tell where things happen."""
REPEATED: Final = 5
"""A coordinate that came with so many different addresses stands for none of them."""
REPEATED_CENTRE: Final = 2
"""The middle of the city or of a county needs fewer to be known for what it is."""
CENTRE_M: Final = 100.0


@dataclass(frozen=True, slots=True)
class HistoryLearned:
    """What a run over the history wrote."""

    events: int
    witnesses: int
    sources: Mapping[str, SourceProfile]
    spreads: Mapping[str, Mapping[float, float]]
    bad_pins: int

    def to_json(self) -> dict[str, Any]:
        """Return it as reports carry it."""
        return {
            "events": self.events,
            "witnesses": self.witnesses,
            "bad_pins": self.bad_pins,
            "place_spreads": {
                kind: {str(f): round(s, 4) for f, s in shares.items()}
                for kind, shares in self.spreads.items()
            },
            "sources": {
                key: {
                    "pins": profile.pins,
                    "stray": round(profile.stray, 5),
                    "readings": {
                        declared or "": dict(counts)
                        for declared, counts in profile.readings.items()
                    },
                    "errors": None
                    if profile.law is None
                    else {str(f): round(s, 4) for f, s in profile.law.shares.items()},
                }
                for key, profile in self.sources.items()
            },
        }


def learn_from_history(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    addresses: AddressIndex,
    *,
    until: datetime | None = None,
) -> HistoryLearned:
    """Learn from the events that have a pin and an address, and write it.

    Answers are used of one kind only: the grid in which a person placed a case that had nothing but
    an address. A case that routed itself never teaches: it would only repeat what was thought.
    ``until``: only events reported before that instant.
    """
    failed = _failed(work, snapshot)
    store.note_bad_pins(work, failed)
    bad = {(row["lon"], row["lat"]): None for row in failed}
    rows = [
        row
        for row in store.both_told(work, MOST_EVENTS)
        if until is None or row["reported_at"] < until
    ]
    seen = list(_witnesses(rows, addresses, bad))
    by_source: dict[str, list[Witness]] = defaultdict(list)
    for source, witness in seen:
        by_source[source].append(witness)
    found = learn(by_source, list(_placed(work, snapshot, addresses, until)))
    write(work, found, _at_doors(work, addresses.doors, found, bad, until))
    store.replace_bins(work, [_bin_row(b) for b in bins_of(_told(by_source, found))], places=True)
    store.touch(work)
    return HistoryLearned(len(rows), len(seen), found.sources, found.spreads, len(failed))


def _placed(
    work: UnitOfWork, snapshot: BoundarySnapshot, addresses: AddressReader, until: datetime | None
) -> Iterable[Placed]:
    """Yield the newest cases that had only an address and were placed by a person."""
    for row in store.placed_by_people(work, MOST_PLACED, until):
        places = addresses.places(row["address"])
        index = snapshot.owners(row["category"])
        if not places or places[0].probability < PLAINLY:
            continue
        place = places[0]
        if place.level not in WITNESS_LEVELS:
            continue
        masses = []
        for factor in SPREADS:
            held = probabilities(index, place.lon, place.lat, place.uncertainty_m * factor)
            masses.append(sum(m for at, m in held if index.keys[at] == row["grid_code"]))
        yield Placed(masses, place.probability, manner(place))


def _told(by_source: Mapping[str, Sequence[Witness]], found: Learned) -> Iterable[Answered]:
    """Return what pins say of the places that addresses named first."""
    given = [one for _, seen in sorted(by_source.items()) for one in seen]
    for one, right in zip(given, found.right, strict=True):
        yield Answered(PLACE + one.level.removesuffix("-beside"), one.trust, right)


def _witnesses(
    rows: Sequence[RowMapping], addresses: AddressReader, bad: Mapping[Any, None]
) -> Iterable[tuple[str, Witness]]:
    for row in rows:
        location = Location.from_json(row["raw_location"])
        pin = location.pin(row["reported_at"])
        if is_null_island(pin.lon, pin.lat) or bad_key(pin.lon, pin.lat) in bad:
            continue
        if pin.age_s is not None and abs(pin.age_s) > STALE_AFTER_S:
            continue
        if pin.crs is not None and pin.crs.startswith("EPSG:"):
            continue
        places = addresses.places(row["address"])
        if not places or places[0].level not in WITNESS_LEVELS:
            continue
        place = places[0]
        if place.probability < LEAST_TRUST:
            continue
        yield (
            row["source"],
            Witness(
                pin.lon,
                pin.lat,
                pin.crs,
                pin.accuracy_m,
                place.lon,
                place.lat,
                place.uncertainty_m / SIGMAS_PER_ACCURACY,
                place.probability,
                manner(place),
            ),
        )


def _at_doors(
    work: UnitOfWork,
    doors: Doors,
    found: Learned,
    bad: Mapping[Any, None],
    until: datetime | None,
) -> tuple[float, int] | None:
    """Return the share of places at doors and of how many pins, by pins of known sources alone."""
    if not len(doors):
        return None
    ground = Ground.of(doors, 1.0, found.spreads.get(GROUND_LAW))
    seen = []
    for row in store.pins_alone(work, MOST_PLACED, until):
        pin = Location.from_json(row["raw_location"]).pin(row["reported_at"])
        profile = found.sources.get(row["source"])
        read = {} if profile is None else profile.readings.get(pin.crs, {})
        own = canonical(pin.crs or "WGS84")
        if profile is None or profile.law is None or bad_key(pin.lon, pin.lat) in bad:
            continue
        if read.get(own, 0.0) < MOSTLY * max(sum(read.values()), 1.0):
            continue  # where its pins are is another question
        place = readings(pin.lon, pin.lat, {own: 1.0})
        if not place or is_null_island(pin.lon, pin.lat):
            continue
        at = anywhere = 0.0
        for sigma, share in profile.law.sigmas(pin.accuracy_m):
            around = ground.doors.around(place[0].lon, place[0].lat, sigma**2 + ground.sigma_m**2)
            at += share * float(around.densities.sum())
            anywhere += share * around.local
        seen.append((at, anywhere))
    learned = learn_share(seen)
    return None if learned is None else (learned, len(seen))


def write(work: UnitOfWork, found: Learned, at_doors: tuple[float, int] | None) -> None:
    """Write profiles and spreads in the place of the old ones."""
    profiles = sorted(found.sources.items())
    store.replace_profiles(
        work,
        [
            {
                "source": source,
                "pins": profile.pins,
                "typical_m": profile.law.typical_m if profile.law is not None else 30.0,
                "stray": profile.stray,
            }
            for source, profile in profiles
        ],
        [
            {"source": source, "declared": declared or "", "reading": reading, "pins": pins}
            for source, profile in profiles
            for declared, counts in profile.readings.items()
            for reading, pins in counts.items()
        ],
        [
            {"source": source, "factor": factor, "share": share}
            for source, profile in profiles
            if profile.law is not None
            for factor, share in profile.law.shares.items()
        ],
        [
            {"level": kind, "factor": factor, "share": share, "pins": found.witnesses.get(kind, 0)}
            for kind, shares in sorted(found.spreads.items())
            for factor, share in shares.items()
        ]
        + [
            {"level": AT_DOORS, "factor": 1.0, "share": share, "pins": pins}
            for share, pins in ([] if at_doors is None else [at_doors])
        ],
    )


def _failed(work: UnitOfWork, snapshot: BoundarySnapshot) -> list[dict[str, Any]]:
    """Return coordinates that came with many different addresses, and what they are."""
    centres = _centres(snapshot)
    found = []
    for row in store.repeated_coordinates(work, REPEATED_CENTRE):
        lon, lat = float(row["lon"]), float(row["lat"])
        kind = _what(lon, lat, row["crs"], centres)
        enough = row["addresses"] >= REPEATED or kind != "repeated"
        if is_null_island(lon, lat) or not enough:  # (0, 0) is known to everybody
            continue
        found.append(
            {
                "lon": lon,
                "lat": lat,
                "kind": kind,
                "times": int(row["times"]),
                "addresses": int(row["addresses"]),
            }
        )
    return found


def _centres(snapshot: BoundarySnapshot) -> list[tuple[str, tuple[float, float]]]:
    """Return the points that stand for the city and for its counties on maps."""
    found: list[tuple[str, tuple[float, float]]] = []
    for level in ("city", "county"):
        for shape in snapshot.index(level).geometries:
            found += [
                (f"{level}-centre", (float(point.x), float(point.y)))
                for point in (shape.centroid, shape.representative_point())
            ]
    return found


def _what(
    lon: float, lat: float, crs: str | None, centres: Sequence[tuple[str, tuple[float, float]]]
) -> str:
    try:
        name = normalise(crs or "WGS84")
    except CrsUnknown:
        return "repeated"
    kind = READINGS.get("WGS84" if name == "CGCS2000" else name)
    if kind is None or not usable([lon], [lat], name).all():
        return "repeated"
    place = kind.to_wgs84(lon, lat)
    near = [what for what, centre in centres if apart_m(place, centre) <= CENTRE_M]
    return near[0] if near else "repeated"


def keep_reliability(work: UnitOfWork, bins: Sequence[Bin]) -> None:
    """Write said and kept confidence in the place of the old counts."""
    store.replace_bins(work, [_bin_row(b) for b in bins], places=False)
    store.touch(work)


def _bin_row(b: Bin) -> dict[str, Any]:
    return {
        "kind": b.kind,
        "low": b.low,
        "high": b.high,
        "said": b.said,
        "right_answers": min(b.right, b.answers),
        "answers": b.answers,
    }
