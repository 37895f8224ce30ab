"""Smart location matching 智能定位匹配: evidence about a place -> the grid that owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pyproj import Geod

from gis.errors import Language
from gis.geometry.cell_index import CellIndex
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.actors import Actor
from gis.governance.duty import Assignment, Unrouted
from gis.governance.reasons import Reason
from gis.matching import sentences
from gis.matching.candidates import AreaRef, Candidate, NearestArea
from gis.matching.decide import Decision, Status, decide
from gis.matching.knowledge import NO_KNOWLEDGE, Knowledge
from gis.matching.position import PositionEvidence, probabilities
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.exceptions import BoundaryException, ExceptionIndex
from gis.services.fused_matching import (
    match_evidence,
    must_have_evidence,
    plain,
)
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.services.responsibility import responsible
from gis.store import categories
from gis.store.unit_of_work import Database, UnitOfWork

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
    "evidence_kind",
    "crs_posterior",
)
"""Members of a match, in the order in which answers show them."""

BEFORE_TERRITORY: Final = ("owner-answers", "final-ruling")
"""Reasons of who is responsible that a match tells: somebody else than the grid's own worker."""

LONGEST_NEAREST_M: Final = 200_000.0
"""Farther away than this no nearest area is named: the place is elsewhere."""


@dataclass(frozen=True, slots=True)
class Match:
    """A decision on one revision, with what it rests on.

    ``point`` is the pin in WGS84; ``exception`` is what overrode the owner on the map;
    ``outside_probability`` of the answer is null when nothing at
    all speaks for any place. ``kind`` is one of :data:`gis.matching.calibration.KINDS`;
    ``readings`` the posterior over the pin's coordinate systems, where that was in question.
    """

    decision: Decision
    point: tuple[float, float] | None
    edge_distance_m: float | None
    nearest: NearestArea | None
    revision: int
    exception: BoundaryException | None = None
    kind: str = "pin"
    readings: Mapping[str, float] = field(default_factory=dict)

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
            "outside_probability": None
            if self.point is None and not chosen.candidates
            else chosen.outside_probability,
            "nearest": None
            if self.nearest is None
            else {**_brief(self.nearest.area), "distance_m": _rounded(self.nearest.distance_m)},
            "reasons": [kept_reason(reason) for reason in chosen.reasons],
            "boundary_revision": self.revision,
            "evidence_kind": self.kind,
            "crs_posterior": {key: round(share, 6) for key, share in self.readings.items()} or None,
        }


def match(
    snapshot: BoundarySnapshot,
    request: MatchRequest,
    *,
    threshold: float,
    exceptions: ExceptionIndex | None = None,
    at: datetime | None = None,
    knowledge: Knowledge = NO_KNOWLEDGE,
    lenient: bool = False,
) -> Match:
    """Decide which area owns the place, on one snapshot of the boundaries.

    A pin of which nothing else is known is matched by itself; with an address, a photo or a source
    that has a history everything is weighed together. A dedicated grid owns the categories that it
    takes. A boundary exception in force ``at`` that instant (needed with ``exceptions``) that
    covers the place and fits the category overrides the owner, and says so in a reason.

    Parameters
    ----------
    knowledge
        The gazetteer and what was learned, with the precision that is wanted of what routes
        itself; without it an address is not read.
    threshold
        Confidence from which a case routes itself, until answers tell the right one.
    lenient
        Read a pin alone whose axes are swapped, instead of refusing it.

    Raises
    ------
    gis.errors.EvidenceMissing
        Neither location nor address nor photo.
    gis.errors.CrsUnknown, gis.errors.PositionInvalid, gis.errors.AccuracyInvalid
        The pin cannot be a place.
    """
    given = request.evidence(at)
    must_have_evidence(given, lenient=lenient)
    if not plain(given, knowledge):
        nothing_reads = knowledge.addresses is None and not knowledge.experience.aliases
        if request.location is None and request.photo is None and nothing_reads:
            return _without_pin(snapshot)
        found = match_evidence(snapshot, given, knowledge, threshold=threshold)
        matched = Match(
            found.decision, found.point, found.edge_distance_m, found.nearest,
            snapshot.revision, None, found.kind, found.readings,
        )  # fmt: skip
    else:
        wanted = knowledge.threshold(request.category, threshold)
        matched = _of_pin(snapshot, request, threshold=wanted)
    return _ruled(snapshot, matched, request.category, exceptions, at)


def _of_pin(snapshot: BoundarySnapshot, request: MatchRequest, *, threshold: float) -> Match:
    """Return the match of a pin alone, taken as declared and as exact as it says."""
    pin = request.location
    assert pin is not None  # noqa: S101 - asked before
    crs = normalise(pin.crs)
    lon, lat = point_to_wgs84(pin.lon, pin.lat, crs)
    index = snapshot.owners(request.category)
    evidence = probabilities(index, lon, lat, pin.accuracy_m)
    status: Status = "inside"
    containing: tuple[AreaRef, ...] = ()
    nearest = None
    if not evidence.covering:
        around = snapshot.finest_covering(lon, lat)
        status = "outside" if around is None else "gap"
        containing = () if around is None else snapshot.refs(around.code)
        nearest = _nearest(snapshot, lon, lat)
    chosen = decide(
        _candidates(snapshot, index, evidence),
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
    return Match(chosen, (lon, lat), edge, nearest, snapshot.revision)


def _ruled(
    snapshot: BoundarySnapshot,
    matched: Match,
    category: str | None,
    exceptions: ExceptionIndex | None,
    at: datetime | None,
) -> Match:
    """Return the match as a boundary exception at its place has it."""
    if exceptions is None or at is None or matched.point is None:
        return matched
    ruling = exceptions.deciding(*matched.point, category, at)
    if ruling is None:
        return matched
    chosen, ruling = _overridden(snapshot, matched.decision, ruling)
    return replace(matched, decision=chosen, exception=ruling)


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
        return answer_in(work, boundaries, request, now=now, threshold=threshold, language=language)


def answer_in(
    work: UnitOfWork,
    boundaries: Boundaries,
    request: MatchRequest,
    *,
    now: datetime,
    threshold: float,
    language: Language,
) -> dict[str, Any]:
    """Answer one request inside an open unit of work; see :func:`answer`."""
    in_force, at = boundaries.in_force(work, request.at), request.at or now
    matched = match(
        in_force.snapshot,
        request,
        threshold=threshold,
        exceptions=in_force.exceptions,
        at=at,
        knowledge=boundaries.knowledge(work, in_force.snapshot),
    )
    category = None if request.category is None else categories.by_key(work, request.category)
    chosen = responsible(
        work,
        in_force.snapshot,
        matched.code,
        category,
        at,
        unit_code=matched.unit_code,
        place=matched.point,
    )
    return shown(matched, chosen, language)


def shown(matched: Match, chosen: Assignment | Unrouted, language: Language) -> dict[str, Any]:
    """Return a match and who is responsible as ``POST /v1/match`` answers it."""
    answered = spoken(matched.to_json(), language)
    answered["responsible"] = shown_responsible(chosen)
    unrouted = isinstance(chosen, Unrouted) and matched.decision.level in ("grid", "community")
    if unrouted or chosen.reason.code in BEFORE_TERRITORY:
        answered["reasons"].append(in_words(chosen.reason, language))
    return answered


def shown_responsible(chosen: Assignment | Unrouted) -> dict[str, Any] | None:
    """Return unit and person as answers show them, None when there is nobody."""
    if isinstance(chosen, Unrouted):
        return None
    member = chosen.member
    return {
        "unit": {"code": member.unit_code, "name": member.unit_name},
        "person": {"name": member.person_name, "role": member.role},
    }


def in_words(reason: Reason, language: Language) -> dict[str, Any]:
    """Return a reason in one language, as answers show it."""
    return _in_words(kept_reason(reason), language)


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
    path = snapshot.refs(ruling.area_code)
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


def _candidates(
    snapshot: BoundarySnapshot, index: CellIndex, evidence: PositionEvidence
) -> list[Candidate]:
    return [
        Candidate(snapshot.refs(index.keys[position]), probability, distance_m)
        for (position, probability), distance_m in zip(evidence, evidence.distances_m, strict=True)
    ]


def _nearest(snapshot: BoundarySnapshot, lon: float, lat: float) -> NearestArea | None:
    index = snapshot.index(snapshot.finest)
    found = index.nearest(lon, lat)
    if found is None or found.distance_m > LONGEST_NEAREST_M:
        return None
    area = snapshot.areas[index.keys[found.position]]
    return NearestArea(AreaRef(area.level, area.code, area.name), found.distance_m)


def _brief(area: AreaRef) -> dict[str, str]:
    return {"code": area.code, "name": area.name}


def _rounded(metres: float | None) -> float | None:
    return None if metres is None else round(metres, 3)
