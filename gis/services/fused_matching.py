"""Matching where several pieces of evidence speak, or one that needs interpreting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gis.errors import EvidenceMissing
from gis.geometry.cell_index import CellIndex
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.reasons import Reason
from gis.matching import fusion_sentences, pin_sentences, sentences
from gis.matching.calibration import PLACE
from gis.matching.candidates import AreaRef, Candidate, NearestArea
from gis.matching.combinations import Spot
from gis.matching.crs_posterior import READINGS, canonical
from gis.matching.decide import Decision, Status, decide
from gis.matching.experience import Alias, alias_key
from gis.matching.fuse import Fused, PinEvidence, SpotEvidence, apart_m, fuse
from gis.matching.knowledge import Knowledge
from gis.matching.pin import (
    MOST_ACCURACY_M,
    Pin,
    ReadPin,
    has_history,
    known_bad,
    read_photo,
    read_pin,
    read_usual,
)
from gis.matching.spots import PlaceLike, spots_of
from gis.services.boundary_snapshot import BoundarySnapshot

TELL_READING: Final = 0.5
"""A reading other than the declared one is told from this share on."""
MOST_CANDIDATES: Final = 60
"""An answer lists so many; what the others hold is counted with ``outside_probability``."""
ALIAS_TRUST: Final = (0.5, 0.75, 0.9)
"""Trust in a learned alias after one, two, three and more confirmations."""
ALIAS: Final = 1_000_000
"""Origin of the spot that an alias stands for: after every place of the gazetteer."""
TAKEN_HERE: Final = 0.3
"""How far a photo beside a pin is believed: a pin that somebody set outweighs where the photo was
taken; both together are surer."""
BORNE_OUT: Final = 0.5
"""Other evidence tells in which system a pin is when they probably speak of one place."""
APART_M: Final = 300.0
"""Farther apart than this a pin and a photo are said to conflict."""
SURE_DOOR: Final = 0.5
"""A door that the gazetteer names with at least this share outweighs what was learned once."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was given about a place, as it came in."""

    pin: Pin | None = None
    address: str | None = None
    photo: Pin | None = None
    source: str | None = None
    category: str | None = None
    usual: Pin | None = None


@dataclass(frozen=True, slots=True)
class FusedMatch:
    """A decision with what it rests on."""

    decision: Decision
    point: tuple[float, float] | None
    edge_distance_m: float | None
    nearest: NearestArea | None
    kind: str
    readings: dict[str, float]


def plain(evidence: Evidence, knowledge: Knowledge) -> bool:
    """Tell whether a pin may be matched as it stands: nothing else speaks, nothing is known."""
    pin = evidence.pin
    if pin is None or evidence.address or evidence.photo or evidence.usual:
        return False
    profile = knowledge.experience.source(evidence.source)
    return (
        pin.age_s is None
        and not has_history(profile, pin.crs)
        and (profile.law is None or not pin.accuracy_m)
        and known_bad(pin, knowledge.experience.bad_pins) is None
        and (pin.accuracy_m is None or pin.accuracy_m <= MOST_ACCURACY_M)
    )


def match_evidence(
    snapshot: BoundarySnapshot,
    evidence: Evidence,
    knowledge: Knowledge,
    *,
    threshold: float,
) -> FusedMatch:
    """Weigh everything that was given and decide.

    Parameters
    ----------
    threshold
        Share from which an area counts as certain, where no answers say better.
    """
    weighed = _Weighing(snapshot, evidence, knowledge)
    if weighed.fused is None:
        chosen = decide(
            (), 1.0, status="inside", notes=weighed.notes or (sentences.address_only(),)
        )
        return FusedMatch(chosen, None, None, None, "nothing", {})
    return weighed.decided(knowledge.threshold(evidence.category, threshold))


class _Weighing:
    """One case: evidence read, fused, and put into words."""

    def __init__(
        self, snapshot: BoundarySnapshot, evidence: Evidence, knowledge: Knowledge
    ) -> None:
        self._snapshot = snapshot
        self._evidence = evidence
        self._knowledge = knowledge
        self._index: CellIndex = snapshot.owners(evidence.category)
        self.notes: list[Reason] = []
        self._places: tuple[PlaceLike, ...] = ()
        self._alias: Alias | None = None
        spots = self._spots = self._read_address()
        photo = None if evidence.photo is None else read_photo(evidence.photo)
        if photo is not None and evidence.pin is not None:
            photo = replace(photo, stray=1.0 - (1.0 - photo.stray) * TAKEN_HERE)
        others = spots is not None or photo is not None or evidence.usual is not None
        self._pin = self._read_pin(others=others)
        pins: list[PinEvidence] = [] if self._pin is None else [self._pin.evidence]
        pins += [] if photo is None else [photo]
        if pins and self._pin is not None and evidence.usual is not None:
            usual = read_usual(evidence.usual)
            pins += [] if usual is None else [usual]
        self._photo = photo
        self.fused: Fused | None = None
        if pins or spots is not None:
            ground = knowledge.ground
            self.fused = fuse(self._index, pins, spots, ground)
            taken = self._as_taken(self.fused)
            if taken is not None:
                self.fused = fuse(self._index, [taken, *pins[1:]], spots, ground)

    def _as_taken(self, fused: Fused) -> PinEvidence | None:
        """Return the pin in its declared system alone, where nothing contradicts it; else None.

        Nor does what agrees with no reading at all, like a photo that was taken elsewhere.
        """
        sent, pin = self._evidence.pin, self._pin
        if sent is None or pin is None or len(pin.evidence.readings) == 1 or not fused.readings:
            return None
        profile = self._knowledge.experience.source(self._evidence.source)
        if has_history(profile, sent.crs):
            return None
        declared = canonical(sent.crs or "WGS84")
        best = max(sorted(fused.readings), key=lambda key: fused.readings[key])
        own = [reading for reading in pin.evidence.readings if reading.key == declared]
        nothing_tells = self._spots is None and fused.borne_out < BORNE_OUT
        if not own or (best != declared and not nothing_tells):
            return None
        return replace(pin.evidence, readings=(replace(own[0], prior=1.0),))

    def _read_address(self) -> SpotEvidence | None:
        text = self._evidence.address
        reader = self._knowledge.addresses
        if not text:
            return None
        self._places = tuple(reader.places(text)) if reader is not None else ()
        category = self._evidence.category
        spots = spots_of(
            self._places,
            lambda code: self._snapshot.members(category, code),
            self._knowledge.experience.spreads,
            self._trust,
        )
        spots = self._with_alias(text, spots)
        if not spots.spots:
            if reader is not None:
                self.notes.append(fusion_sentences.address_unread())
            return None
        return spots

    def _trust(self, place: PlaceLike) -> float:
        """Return how often the place that an address names first is right, by the city's pins."""
        calibration = self._knowledge.experience.calibration
        return calibration.kept(PLACE + place.level, place.probability)

    def _with_alias(self, text: str, spots: SpotEvidence) -> SpotEvidence:
        """Add what dispatchers confirmed of these words; once, never over a door named exactly."""
        alias = self._knowledge.experience.aliases.get(alias_key(text))
        if alias is None:
            return spots
        door = any(
            p.level in ("door", "building") and p.probability >= SURE_DOOR for p in self._places
        )
        if door and alias.times < len(ALIAS_TRUST):
            return spots
        held = self._snapshot.members(self._evidence.category, alias.area_code)
        if held is None:  # the area is not drawn any more
            return spots
        self._alias = alias
        trust = ALIAS_TRUST[min(alias.times, len(ALIAS_TRUST)) - 1]
        own = Spot(trust, area=held.shares, area_m2=held.area_m2, origin=ALIAS)
        others = tuple(replace(spot, share=spot.share * (1.0 - trust)) for spot in spots.spots)
        return SpotEvidence((own, *others), spots.none * (1.0 - trust))

    def _read_pin(self, *, others: bool) -> ReadPin | None:
        pin = self._evidence.pin
        if pin is None:
            return None
        experience = self._knowledge.experience
        profile = experience.source(self._evidence.source)
        return read_pin(pin, profile, experience.bad_pins, beside_others=others)

    def decided(self, threshold: float) -> FusedMatch:
        """Return the decision, with the reasons in the order in which they are told."""
        fused = self.fused
        assert fused is not None  # noqa: S101 - asked before
        kind = self._kind(fused)
        self._tell_pin(fused)
        self._tell_address(fused)
        self._tell_ground(fused)
        shares, outside, unplaced = self._calibrated(kind, fused)
        status, containing, nearest, edge = self._around(fused)
        alone_bad = kind == "pin-suspect"
        if alone_bad:
            self.notes.append(fusion_sentences.pin_alone_is_bad())
        chosen = decide(
            self._candidates(shares, fused),
            outside + unplaced,
            status=status,
            threshold=threshold,
            ambiguous=self._ambiguous(fused),
            accuracy_m=fused.spread_m or 1.0,
            edge_distance_m=edge,
            containing=containing,
            nearest=nearest if status != "inside" else None,
            notes=self.notes,
            unplaced=unplaced,
            subject=self._subject(),
            may_route=not alone_bad,
        )
        chosen = self._with_special(_shortened(chosen))
        return FusedMatch(chosen, fused.point, edge, nearest, kind, dict(fused.readings))

    def _subject(self) -> sentences.Subject:
        if self._pin is None and self._photo is None:
            return "address"
        return "both"

    def _kind(self, fused: Fused) -> str:
        if self._photo is not None:
            return "photo"
        pin = self._pin
        if not fused.origins or set(fused.origins) == {-1}:
            if pin is not None and not pin.alone:
                return "pin-suspect"
            return "pin-history" if pin is not None and pin.unclear else "pin"
        if pin is not None and pin.alone:
            return "pin-address" if fused.together >= 0.5 else "conflict"
        level = self._places[0].level if self._places else "door"
        if level in ("door", "building"):
            return "address-door"
        coarse = ("road", "community", "subdistrict", "county", "city")
        return "address-coarse" if level in coarse else "address-place"

    def _tell_pin(self, fused: Fused) -> None:
        pin, sent = self._pin, self._evidence.pin
        if pin is None or sent is None:
            return
        self.notes.extend(pin.notes)
        if pin.bad is not None:
            return
        held = sum(fused.readings.values())
        if held <= 0.0:
            return
        shares = {key: share / held for key, share in fused.readings.items()}
        best = max(sorted(shares), key=lambda key: shares[key])
        declared = canonical(sent.crs or "WGS84")
        if best == declared or best not in READINGS:
            self.notes.append(self._as_declared(best, pin))
        elif shares[best] >= TELL_READING:
            by = "address" if self._places else "photo" if self._photo else "history"
            if by == "history" and self._evidence.usual is not None:
                by = "usual"
            by = by if fused.together > 0.5 or by != "address" else "history"
            shift = self._shift_m(best, sent)
            self.notes.append(pin_sentences.read_as(best, sent.crs, shift, shares[best], by=by))
        self._tell_photo(best)
        if shares[best] < 0.95:
            self.notes.append(pin_sentences.unclear_system(shares))

    def _tell_photo(self, reading: str) -> None:
        """Say how far the photo lies from the pin."""
        if self._photo is None or self._pin is None:
            return
        seen = self._photo.readings[0]
        place = next(r for r in self._pin.evidence.readings if r.key == reading)
        metres = apart_m((seen.lon, seen.lat), (place.lon, place.lat))
        say = fusion_sentences.agree if metres <= APART_M else fusion_sentences.conflict
        self.notes.append(say("pin", "photo", metres))

    def _as_declared(self, key: str, pin: ReadPin) -> Reason:
        sent = self._evidence.pin
        assert sent is not None  # noqa: S101
        if key.startswith("EPSG:"):
            return sentences.projected(key)
        place = next(r for r in pin.evidence.readings if r.key == key)
        moved = apart_m((sent.lon, sent.lat), (place.lon, place.lat))
        crs = sent.crs or key
        return sentences.taken_as_is(crs) if moved < 1.0 else sentences.converted_crs(crs, moved)

    def _shift_m(self, key: str, sent: Pin) -> float:
        """Return the metres between a reading and what was declared, 0 where that is no place."""
        read = {r.key: (r.lon, r.lat) for r in self._pin.evidence.readings} if self._pin else {}
        own = read.get(canonical(sent.crs or "WGS84"))
        return apart_m(own, read[key]) if own is not None else 0.0

    def _tell_address(self, fused: Fused) -> None:
        if self._alias is not None and fused.origins.get(ALIAS, 0.0) >= TELL_READING:
            self.notes.append(fusion_sentences.learned_alias(self._alias.text, self._alias.times))
        named = {o: p for o, p in fused.origins.items() if 0 <= o < len(self._places)}
        best = max(named, key=lambda o: (named[o], -o), default=None)
        if best is None:
            return
        place = self._places[best]
        self.notes.extend(place.reasons)
        if self._pin is None or self._pin.bad is not None or not fused.readings:
            return
        key = max(sorted(fused.readings), key=lambda k: fused.readings[k])
        reading = next(r for r in self._pin.evidence.readings if r.key == key)
        metres = apart_m((place.lon, place.lat), (reading.lon, reading.lat))
        if place.level in ("road", "community", "subdistrict", "county", "city"):
            return
        if fused.together >= 0.5:
            self.notes.append(fusion_sentences.agree("pin", "address", metres))
        else:
            self.notes.append(fusion_sentences.conflict("pin", "address", metres))

    def _tell_ground(self, fused: Fused) -> None:
        """Say that the doors about speak for another grid than the one in which the pin lies."""
        if self._spots is not None or self._knowledge.ground is None or fused.point is None:
            return
        keys, shares = self._index.keys, fused.shares
        top = min(shares, key=lambda at: (-shares[at], keys[at]), default=None)
        covering = self._index.covering(*fused.point)
        if top is None or top in covering or not covering:
            return
        away = self._index.edge_distance_m(top, *fused.point)
        if away <= (fused.spread_m or 0.0) * 2.0:
            name = self._snapshot.areas[keys[top]].name
            self.notes.append(fusion_sentences.doors_about(name, away))

    def _calibrated(self, kind: str, fused: Fused) -> tuple[dict[int, float], float, float]:
        """Return the shares with the best one as often right as it says, the others to match."""
        shares = dict(fused.shares)
        if not shares:
            return shares, fused.outside, fused.unplaced
        keys = self._index.keys
        top = min(shares, key=lambda at: (-shares[at], keys[at]))
        said = shares[top]
        kept = self._knowledge.experience.calibration.kept(kind, said)
        rest = 1.0 - said
        if rest <= 1e-12 or kept == said:
            return shares, fused.outside, fused.unplaced
        scale = (1.0 - kept) / rest
        scaled = {at: share * scale for at, share in shares.items()}
        scaled[top] = kept
        return scaled, fused.outside * scale, fused.unplaced * scale

    def _around(
        self, fused: Fused
    ) -> tuple[Status, tuple[AreaRef, ...], NearestArea | None, float | None]:
        if fused.point is None:
            return "inside", (), None, None
        lon, lat = fused.point
        covering = self._index.covering(lon, lat)
        if covering:
            edge = min(self._index.edge_distance_m(at, lon, lat) for at in covering)
            return "inside", (), None, edge
        around = self._snapshot.finest_covering(lon, lat)
        found = self._index.nearest(lon, lat)
        nearest = None
        if found is not None and found.distance_m <= 200_000.0:
            area = self._snapshot.areas[self._index.keys[found.position]]
            nearest = NearestArea(AreaRef(area.level, area.code, area.name), found.distance_m)
        containing = () if around is None else self._path(around.code)
        away = None if nearest is None else nearest.distance_m
        if self._pin is None and self._photo is None:
            return "gap" if around is not None else "inside", containing, nearest, away
        return "outside" if around is None else "gap", containing, nearest, away

    def _ambiguous(self, fused: Fused) -> bool:
        return fused.point is not None and len(self._index.covering(*fused.point)) > 1

    def _candidates(self, shares: dict[int, float], fused: Fused) -> list[Candidate]:
        keys, point = self._index.keys, fused.point
        order = sorted(shares, key=lambda at: (-shares[at], keys[at]))
        covering = () if point is None else self._index.covering(*point)
        found = []
        for rank, at in enumerate(order):
            away = 0.0
            if point is not None and rank < MOST_CANDIDATES and at not in covering:
                away = self._index.edge_distance_m(at, *point)
            evidence = fused.evidence.get(at, ()) or ("position",)
            found.append(Candidate(self._path(keys[at]), shares[at], away, evidence))
        return found

    def _with_special(self, chosen: Decision) -> Decision:
        special = self._snapshot.special(self._evidence.category)
        if chosen.grid is None or chosen.grid.code not in special:
            return chosen
        told = fusion_sentences.dedicated(
            chosen.grid.name, chosen.grid.code, self._evidence.category or ""
        )
        return replace(chosen, reasons=(*chosen.reasons, told))

    def _path(self, code: str) -> tuple[AreaRef, ...]:
        return self._snapshot.refs(code)


def _shortened(chosen: Decision) -> Decision:
    if len(chosen.candidates) <= MOST_CANDIDATES:
        return chosen
    kept = chosen.candidates[:MOST_CANDIDATES]
    others = sum(c.probability for c in chosen.candidates[MOST_CANDIDATES:])
    return replace(chosen, candidates=kept, outside_probability=chosen.outside_probability + others)


def must_have_evidence(evidence: Evidence, *, lenient: bool) -> None:
    """Refuse what names no place at all.

    Raises
    ------
    gis.errors.EvidenceMissing
        No pin, no address, no photo.
    gis.errors.PositionInvalid, gis.errors.CrsUnknown
        A pin alone whose numbers are no place as declared; ``lenient`` reads them as swapped.
    """
    pin = evidence.pin
    if pin is None:
        if not evidence.address and evidence.photo is None:
            raise EvidenceMissing
        return
    crs = normalise(pin.crs or "WGS84")
    if not lenient and not evidence.address and evidence.photo is None:
        point_to_wgs84(pin.lon, pin.lat, crs)
