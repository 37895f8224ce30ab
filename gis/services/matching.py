"""Smart location matching 智能定位匹配: evidence about a place -> the grid that owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pyproj import Geod

from gis.errors import EvidenceMissing, Language
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.actors import Actor
from gis.governance.duty import Assignment
from gis.governance.reasons import Reason
from gis.matching import sentences
from gis.matching.candidates import AreaRef, Candidate, NearestArea
from gis.matching.decide import Decision, Status, decide
from gis.matching.position import PositionEvidence, probabilities
from gis.services.exceptions import BoundaryException, ExceptionIndex
from gis.services.lookup import Boundaries, BoundarySnapshot
from gis.services.responsibility import responsible
from gis.store import categories
from gis.store.unit_of_work import Database

_GEOD = Geod(ellps="WGS84")

SHOWN: Final = (
    "decision",
    "level",
    "grid",
    "path",
    "confidence",
    "ambiguous",
    "edge_distance_m",
    "point",
    "candidates",
    "outside_probability",
    "nearest",
    "reasons",
    "boundary_revision",
)
"""Members of a match, in the order in which answers show them."""

LONGEST_NEAREST_M: Final = 200_000.0
"""Farther away than this no nearest area is named: the place is elsewhere."""


@dataclass(frozen=True, slots=True)
class Location:
    """A pin as it came in: numbers in ``crs`` and their 68 % radius in metres."""

    lon: float
    lat: float
    crs: str = "WGS84"
    accuracy_m: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what was sent, for keeping."""
        return {
            "lon": self.lon,
            "lat": self.lat,
            "crs": self.crs,
            "accuracy_m": self.accuracy_m,
        }


@dataclass(frozen=True, slots=True)
class MatchRequest:
    """Everything that is known about where something happened."""

    location: Location | None = None
    address: str | None = None
    category: str | None = None
    at: datetime | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A decision on one revision, with what it rests on.

    ``point`` is the pin in WGS84; ``exception`` is what overrode the owner on the map;
    ``outside_probability`` of the answer is null when nothing at
    all speaks for any place.
    """

    decision: Decision
    point: tuple[float, float] | None
    edge_distance_m: float | None
    nearest: NearestArea | None
    revision: int
    exception: BoundaryException | None = None

    @property
    def unit_code(self) -> str | None:
        """Code of the unit that a boundary exception lets decide."""
        return None if self.exception is None else self.exception.unit_code

    @property
    def code(self) -> str | None:
        """Code of the finest asserted area."""
        return None if self.decision.area is None else self.decision.area.code

    @property
    def grid_code(self) -> str | None:
        """Code of the asserted grid, None when what is asserted is coarser."""
        return None if self.decision.grid is None else self.decision.grid.code

    def to_json(self) -> dict[str, Any]:
        """Return the match as it is kept: the shape of the contract, reasons in both languages."""
        chosen = self.decision
        return {
            "decision": chosen.decision,
            "level": chosen.level,
            "grid": None if chosen.grid is None else _brief(chosen.grid),
            "path": [
                {"level": area.level, "code": area.code, "name": area.name} for area in chosen.path
            ],
            "confidence": chosen.confidence,
            "ambiguous": chosen.ambiguous,
            "edge_distance_m": _rounded(self.edge_distance_m),
            "point": None
            if self.point is None
            else {"lon": round(self.point[0], 9), "lat": round(self.point[1], 9)},
            "candidates": [
                {
                    **_brief(candidate.area),
                    "probability": candidate.probability,
                    "distance_m": _rounded(candidate.distance_m),
                    "evidence": list(candidate.evidence),
                }
                for candidate in chosen.candidates
            ],
            "outside_probability": None if self.point is None else chosen.outside_probability,
            "nearest": None
            if self.nearest is None
            else {**_brief(self.nearest.area), "distance_m": _rounded(self.nearest.distance_m)},
            "reasons": [kept_reason(reason) for reason in chosen.reasons],
            "boundary_revision": self.revision,
        }


def match(
    snapshot: BoundarySnapshot,
    request: MatchRequest,
    *,
    threshold: float,
    exceptions: ExceptionIndex | None = None,
    at: datetime | None = None,
) -> Match:
    """Decide which area owns the place, on one snapshot of the boundaries.

    A boundary exception in force ``at`` that instant (needed with ``exceptions``) that covers the
    pin and fits the category overrides the owner, and says so in a reason.

    Raises
    ------
    gis.errors.EvidenceMissing
        Neither location nor address.
    gis.errors.CrsUnknown, gis.errors.PositionInvalid, gis.errors.AccuracyInvalid
        The pin cannot be a place.
    """
    if request.location is None:
        if not request.address:
            raise EvidenceMissing
        return _without_pin(snapshot)
    pin = request.location
    crs = normalise(pin.crs)
    lon, lat = point_to_wgs84(pin.lon, pin.lat, crs)
    index = snapshot.index(snapshot.finest)
    evidence = probabilities(index, lon, lat, pin.accuracy_m)
    status: Status = "inside"
    containing: tuple[AreaRef, ...] = ()
    nearest = None
    if not evidence.covering:
        around = snapshot.finest_covering(lon, lat)
        status = "outside" if around is None else "gap"
        containing = () if around is None else _path(snapshot, around.code)
        nearest = _nearest(snapshot, lon, lat)
    chosen = decide(
        _candidates(snapshot, evidence),
        evidence.outside,
        status=status,
        threshold=threshold,
        ambiguous=evidence.ambiguous,
        accuracy_m=pin.accuracy_m,
        edge_distance_m=evidence.edge_distance_m,
        containing=containing,
        nearest=nearest,
        notes=_notes(pin, crs, lon, lat),
    )
    edge = evidence.edge_distance_m
    if edge is None and nearest is not None:
        edge = nearest.distance_m
    ruling = None
    if exceptions is not None and at is not None:
        ruling = exceptions.deciding(lon, lat, request.category, at)
    if ruling is not None:
        chosen, ruling = _overridden(snapshot, chosen, ruling)
    return Match(chosen, (lon, lat), edge, nearest, snapshot.revision, ruling)


def answer(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    request: MatchRequest,
    *,
    now: datetime,
    threshold: float,
    language: Language,
) -> dict[str, Any]:
    """Answer ``POST /v1/match``: the match and who would be responsible at that time."""
    with database.reading(actor) as work:
        in_force, at = boundaries.in_force(work, request.at), request.at or now
        matched = match(
            in_force.snapshot,
            request,
            threshold=threshold,
            exceptions=in_force.exceptions,
            at=at,
        )
        category = None if request.category is None else categories.by_key(work, request.category)
        chosen = responsible(
            work, in_force.snapshot, matched.code, category, at, unit_code=matched.unit_code
        )
    shown = spoken(matched.to_json(), language)
    if isinstance(chosen, Assignment):
        member = chosen.member
        shown["responsible"] = {
            "unit": {"code": member.unit_code, "name": member.unit_name},
            "person": {"name": member.person_name, "role": member.role},
        }
    else:
        shown["responsible"] = None
        if matched.decision.level in ("grid", "community"):
            shown["reasons"].append(_in_words(kept_reason(chosen.reason), language))
    return shown


def kept_reason(reason: Reason) -> dict[str, Any]:
    """Return a reason with its sentences in both languages, for keeping."""
    return {
        "code": reason.code,
        "text_zh": reason.text_zh,
        "text_en": reason.text_en,
        "facts": dict(reason.facts),
    }


def spoken(kept: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return a kept match with its reasons in one language, as answers show it."""
    ordered = {key: kept[key] for key in SHOWN if key in kept}  # the database sorts its keys
    return {**ordered, "reasons": [_in_words(reason, language) for reason in kept["reasons"]]}


def _in_words(reason: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return {"code": reason["code"], "text": reason[f"text_{language}"], "facts": reason["facts"]}


def _without_pin(snapshot: BoundarySnapshot) -> Match:
    chosen = decide((), 1.0, status="inside", notes=(sentences.address_only(),))
    return Match(chosen, None, None, None, snapshot.revision)


def _overridden(
    snapshot: BoundarySnapshot, decided: Decision, ruling: BoundaryException
) -> tuple[Decision, BoundaryException | None]:
    """Return the decision as an exception has it; one for an area that is gone changes nothing."""
    path = _path(snapshot, ruling.area_code)
    told = sentences.boundary_exception(
        path[-1] if path else None,
        decided.area,
        author=ruling.author,
        reason=ruling.reason,
        until=ruling.ends.isoformat(),
        number=ruling.id,
        code=ruling.area_code,
        unit=ruling.unit_code,
    )
    if not path:
        return replace(decided, reasons=(*decided.reasons, told)), None
    sole = Candidate(path, 1.0, evidence=("boundary-exception",))
    decision = Decision("auto", path, 1.0, (sole,), 0.0, False, (*decided.reasons, told))  # noqa: FBT003 - ambiguous
    return decision, ruling


def _notes(pin: Location, crs: str, lon: float, lat: float) -> tuple[Reason, ...]:
    if crs in ("WGS84", "CGCS2000"):
        return (sentences.taken_as_is(crs),)
    if crs.startswith("EPSG:"):
        return (sentences.projected(crs),)
    _, _, shift_m = _GEOD.inv(pin.lon, pin.lat, lon, lat)
    return (sentences.converted_crs(crs, float(shift_m)),)


def _candidates(snapshot: BoundarySnapshot, evidence: PositionEvidence) -> list[Candidate]:
    index = snapshot.index(snapshot.finest)
    return [
        Candidate(_path(snapshot, index.keys[position]), probability, distance_m)
        for (position, probability), distance_m in zip(evidence, evidence.distances_m, strict=True)
    ]


def _nearest(snapshot: BoundarySnapshot, lon: float, lat: float) -> NearestArea | None:
    index = snapshot.index(snapshot.finest)
    found = index.nearest(lon, lat)
    if found is None or found.distance_m > LONGEST_NEAREST_M:
        return None
    area = snapshot.areas[index.keys[found.position]]
    return NearestArea(AreaRef(area.level, area.code, area.name), found.distance_m)


def _path(snapshot: BoundarySnapshot, code: str) -> tuple[AreaRef, ...]:
    return tuple(AreaRef(area.level, area.code, area.name) for area in snapshot.path(code))


def _brief(area: AreaRef) -> dict[str, str]:
    return {"code": area.code, "name": area.name}


def _rounded(metres: float | None) -> float | None:
    return None if metres is None else round(metres, 3)
