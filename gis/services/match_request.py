"""What a caller says of where something happened: pin, address, photo, sender, as it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from gis.geometry.crs import normalise
from gis.matching.pin import Pin
from gis.services.fused_matching import Evidence


@dataclass(frozen=True, slots=True)
class Location:
    """A pin as it came in: numbers in ``crs`` and their 68 % radius in metres.

    ``declared`` False: the sender named no system, WGS84 is only the default. ``fixed_at`` is when
    the position was taken, where that is known.
    """

    lon: float
    lat: float
    crs: str = "WGS84"
    accuracy_m: float | None = None
    declared: bool = True
    fixed_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what was sent, for keeping."""
        sent: dict[str, Any] = {
            "lon": self.lon,
            "lat": self.lat,
            "crs": self.crs,
            "accuracy_m": self.accuracy_m,
        }
        if not self.declared:
            sent["declared"] = False
        if self.fixed_at is not None:
            sent["fixed_at"] = self.fixed_at.isoformat()
        return sent

    @classmethod
    def from_json(cls, sent: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` kept."""
        fixed = sent.get("fixed_at")
        return cls(
            float(sent["lon"]),
            float(sent["lat"]),
            sent.get("crs") or "WGS84",
            sent.get("accuracy_m"),
            declared=sent.get("declared", True),
            fixed_at=None if fixed is None else datetime.fromisoformat(fixed),
        )

    def pin(self, reported: datetime | None) -> Pin:
        """Return it as matching reads it; ``reported`` tells how old the fix was."""
        age = None
        if self.fixed_at is not None and reported is not None:
            age = (reported - self.fixed_at).total_seconds()
        crs = normalise(self.crs) if self.declared else None
        return Pin(self.lon, self.lat, crs, self.accuracy_m, age)


@dataclass(frozen=True, slots=True)
class MatchRequest:
    """Everything that is known about where something happened.

    ``photo`` is the position in its picture, ``usual`` where the sender is as a rule, with how
    far around in ``accuracy_m``: it tells in which system the pin is, not where the case is.
    """

    location: Location | None = None
    address: str | None = None
    category: str | None = None
    at: datetime | None = None
    source: str | None = None
    photo: Location | None = None
    usual: Location | None = None

    @classmethod
    def of_kept(cls, raw: Mapping[str, Any] | None, **said: Any) -> Self:  # noqa: ANN401 - fields
        """Return a request whose positions are what :meth:`kept` kept."""
        if raw is None:
            return cls(**said)
        if raw.get("from") == "photo":
            return cls(photo=Location.from_json(raw), **said)
        beside = raw.get("photo")
        return cls(
            location=Location.from_json(raw),
            photo=None if beside is None else Location.from_json(beside),
            **said,
        )

    def kept(self) -> dict[str, Any] | None:
        """Return the positions as they came in, for keeping: the pin, with its photo's beside it.

        Of a report without a pin it is the photo's own, marked so: no source is judged by it.
        Where the sender is as a rule is nobody's to keep.
        """
        if self.location is None:
            return None if self.photo is None else {**self.photo.to_json(), "from": "photo"}
        sent = self.location.to_json()
        return sent if self.photo is None else {**sent, "photo": self.photo.to_json()}

    def evidence(self, at: datetime | None) -> Evidence:
        """Return what was given, as it is weighed; ``at`` stands in for the instant."""
        reported = self.at or at
        return Evidence(
            pin=None if self.location is None else self.location.pin(reported),
            address=self.address or None,
            photo=None if self.photo is None else self.photo.pin(reported),
            source=self.source,
            category=self.category,
            usual=None if self.usual is None else self.usual.pin(reported),
        )
