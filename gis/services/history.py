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
from gis.matching.calibration import Bin
from gis.matching.crs_posterior import READINGS
from gis.matching.error_law import SourceProfile
from gis.matching.fuse import apart_m
from gis.matching.knowledge import AddressReader
from gis.matching.pin import STALE_AFTER_S, bad_key, is_null_island
from gis.matching.position import SIGMAS_PER_ACCURACY
from gis.matching.source_learning import Learned, Witness, learn
from gis.services.lookup import BoundarySnapshot
from gis.services.matching import Location
from gis.store import learning as store
from gis.store.unit_of_work import UnitOfWork

MOST_EVENTS: Final = 6_000
"""So many of the newest events with pin and address are read."""
WITNESS_LEVELS: Final = ("door", "building", "landmark")
LEAST_TRUST: Final = 0.9
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
    spreads: Mapping[str, float]
    bad_pins: int

    def to_json(self) -> dict[str, Any]:
        """Return it as reports carry it."""
        return {
            "events": self.events,
            "witnesses": self.witnesses,
            "bad_pins": self.bad_pins,
            "place_spreads": dict(self.spreads),
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
    addresses: AddressReader,
    *,
    until: datetime | None = None,
) -> HistoryLearned:
    """Learn from the events that have a pin and an address, and write it; no answer is used.

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
    found = learn(by_source)
    write(work, found)
    store.touch(work)
    return HistoryLearned(len(rows), len(seen), found.sources, found.spreads, len(failed))


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
                place.level,
            ),
        )


def write(work: UnitOfWork, found: Learned) -> None:
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
            {"level": level, "factor": factor, "pins": found.witnesses.get(level, 0)}
            for level, factor in sorted(found.spreads.items())
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
    store.replace_bins(
        work,
        [
            {
                "kind": b.kind,
                "low": b.low,
                "high": b.high,
                "said": b.said,
                "right_answers": b.right,
                "answers": b.answers,
            }
            for b in bins
        ],
    )
    store.touch(work)
