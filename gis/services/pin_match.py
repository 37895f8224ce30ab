"""Match a pin from memory: the answer of :func:`gis.services.matching.answer`, byte for byte.

Most requests hold a pin that lies well inside one grid. Their answer is the same sentence with
other numbers, so it is put together as text from pieces that are made once per area; everything
else that needs no database goes through :func:`gis.services.matching.match` as always. What needs
it (an instant in the past, a tie that the load in hand decides, a process that has not heard of
the database for 2 s) is not answered here: the caller asks the full path. A property test holds
the two paths against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
import numpy as np
from pyproj import Geod

from gis.errors import GovernanceError, Language
from gis.geometry.cell_index import CellIndex
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.categories import Category
from gis.governance.duty import Unrouted
from gis.governance.reasons import Reason
from gis.matching import sentences
from gis.matching.candidates import DIGITS
from gis.matching.decide import WORTH_SAYING
from gis.matching.knowledge import NO_KNOWLEDGE, Knowledge
from gis.matching.pin import MOST_ACCURACY_M, bad_key, is_null_island
from gis.matching.pin import Pin as EvidencePin
from gis.matching.position import EXACT_BELOW_M, SIGMAS_PER_ACCURACY
from gis.services import fused_matching, matching
from gis.services.fused_matching import Evidence
from gis.services.lookup import Boundaries, InForce
from gis.services.match_request import Location, MatchRequest
from gis.services.roster import Roster, Rosters

encode: Final = msgspec.json.Encoder().encode
"""JSON as every match is answered: UTF-8, compact, shortest numbers."""

_GEOD: Final = Geod(ellps="WGS84")
_SLACK: Final = 10.0**-DIGITS
_MOST_VOICES: Final = 256
_ANSWERED: Final = ("grid", "community")
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_MOST_SIGMA: Final = MOST_ACCURACY_M / SIGMAS_PER_ACCURACY
_DEGREES: Final = ("WGS84", "CGCS2000", "GCJ-02", "BD-09")


class Pin(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A pin as JSON brings it: never more than what the full path takes."""

    lon: Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
    lat: Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
    crs: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] = "WGS84"
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None


class PinRequest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A request that holds a pin; one with an address or an instant is not of this type."""

    location: Pin
    address: None = None
    category: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    at: None = None
    source: Annotated[str, msgspec.Meta(max_length=200)] | None = None

    def whole(self) -> MatchRequest:
        """Return it as the full path takes it."""
        pin = self.location
        return MatchRequest(
            location=Location(pin.lon, pin.lat, pin.crs, pin.accuracy_m),
            category=self.category,
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of an area in one language, and who is responsible there, around the numbers."""

    head: str  # to the value of "confidence"
    brief: str  # "code": ..., "name": ... of a candidate, open
    inside: str  # the sentence up to the edge
    facts: str  # the facts of the sentence up to the share
    tail: str | None  # what follows the facts; None: ask the database who is responsible


class _Voice(dict[int, _Said]):
    """The pieces of every area asked for so far: one language, category, and era of the roster."""

    def __init__(
        self, matcher: PinMatcher, language: Language, category: Category | None, now: datetime
    ) -> None:
        self.language = language
        self.index = matcher.owners(category)
        self.certain = matcher.certain(category)
        self._matcher = matcher
        self._category = category
        self._now = now

    def __missing__(self, position: int) -> _Said:
        """Make the pieces of an area."""
        code = self.index.keys[position]
        said = self[position] = self._matcher.say(code, self.language, self._category, self._now)
        return said


class PinMatcher:
    """Answers pins on one snapshot, one set of exceptions and one roster, in both languages."""

    def __init__(
        self,
        in_force: InForce,
        roster: Roster,
        threshold: float,
        knowledge: Knowledge = NO_KNOWLEDGE,
    ) -> None:
        self.knowledge = knowledge
        self._plain_crs: dict[str, bool] = {}
        self._bad = knowledge.experience.bad_pins
        self.in_force = in_force
        self.roster = roster
        self.threshold = threshold
        snapshot = in_force.snapshot
        self._snapshot = snapshot
        self._rulings = in_force.exceptions.index if in_force.exceptions.exceptions else None
        self._voices: dict[tuple[Language, str | None, tuple[int, bool]], _Voice] = {}
        self._codes: dict[str, dict[str, str]] = {}

    # --- one -----------------------------------------------------------------------------------

    def answer(self, request: PinRequest, now: datetime, language: Language) -> bytes | None:
        """Return the answer to a request as JSON; None: ask the full path.

        Raises
        ------
        gis.errors.GovernanceError
            What the full path raises for such a request.
        """
        category = None
        if request.category is not None:
            category = self.roster.categories.get(request.category)
            if category is None:
                return None
        if request.source is not None and request.location.crs == "WGS84":
            return None  # declared, or only the default? The full path tells them apart.
        if request.source is not None and not self.knowledge.whole_for_pins:
            return None
        if request.source is None:
            text = self._plain(request, category, now, language)
            if text is not None:
                return text.encode()
        return self._general(request, category, now, language)

    def _general(
        self,
        request: PinRequest,
        category: Category | None,
        now: datetime,
        language: Language,
    ) -> bytes | None:
        matched = matching.match(
            self._snapshot,
            request.whole(),
            threshold=self.threshold,
            exceptions=self.in_force.exceptions,
            at=now,
            knowledge=self.knowledge,
        )
        chosen = self.roster.responsible(
            self._path_codes(matched.code),
            category,
            now,
            unit_code=matched.unit_code,
            place=matched.point,
        )
        if chosen is None:
            return None
        return encode(matching.shown(matched, chosen, language))

    def _plain(
        self, request: PinRequest, category: Category | None, now: datetime, language: Language
    ) -> str | None:
        pin = request.location
        crs = normalise(pin.crs)
        if crs not in _DEGREES:
            return None
        lon, lat = point_to_wgs84(pin.lon, pin.lat, crs)
        if not self._speaks_alone(crs, lon, lat, pin):
            return None
        shift_m = None
        if crs not in ("WGS84", "CGCS2000"):
            shift_m = _GEOD.inv(pin.lon, pin.lat, lon, lat)[2]
        voice = self._voice(language, category, now)
        rows = voice.index.normal_shares(lon, lat, _sigma(pin.accuracy_m))
        flat = rows.ravel().tolist()
        if flat[3] != 1.0 or not self._is_clear(voice, flat[1], flat[4:8]):
            return None
        return _text(
            voice,
            (flat, 0, len(rows)),
            (lon, lat, pin.accuracy_m),
            _note(crs, shift_m, language),
        )

    def certain(self, category: Category | None) -> float:
        """Return the share from which an area is certain enough for a case of a category."""
        key = None if category is None else category.key
        return max(self.knowledge.threshold(key, self.threshold) - _SLACK, 0.5 + _SLACK)

    def owners(self, category: Category | None) -> CellIndex:
        """Return the areas as they own a category."""
        return self._snapshot.owners(None if category is None else category.key)

    def _voice(self, language: Language, category: Category | None, now: datetime) -> _Voice:
        key = (language, None if category is None else category.key, self.roster.era(now))
        found = self._voices.get(key)
        if found is None:
            if len(self._voices) >= _MOST_VOICES:
                self._voices.clear()
            found = self._voices[key] = _Voice(self, language, category, now)
        return found

    def _speaks_alone(self, crs: str, lon: float, lat: float, pin: Pin) -> bool:
        """Tell whether a pin may be taken as it stands: no exception, no owner has a say there."""
        plain = self._plain_crs.get(crs)
        if plain is None:
            given = Evidence(pin=EvidencePin(118.0, 32.0, crs))
            plain = self._plain_crs[crs] = fused_matching.plain(given, self.knowledge)
        return (
            plain
            and (pin.accuracy_m is None or pin.accuracy_m <= MOST_ACCURACY_M)
            and not is_null_island(pin.lon, pin.lat)
            and not (self._bad and bad_key(pin.lon, pin.lat) in self._bad)
            and not (self._rulings is not None and self._rulings.covering(lon, lat))
            and not self.roster.has_owner_near((lon, lat))
        )

    @staticmethod
    def _is_clear(voice: _Voice, outside: float, best: Sequence[float]) -> bool:
        """Tell whether the best area covers the pin, is certain, and nothing else need be said.

        ``best`` is the first candidate's row. That no other area covers the pin is already known.
        """
        return (
            len(best) > 0
            and best[3] == 1.0
            and round(best[1], DIGITS) >= voice.certain
            and round(outside, DIGITS) < WORTH_SAYING
        )

    def say(self, code: str, language: Language, category: Category | None, now: datetime) -> _Said:
        """Return the pieces of an area of the finest level."""
        snapshot = self._snapshot
        path = [area.brief() for area in snapshot.path(code)]
        area = snapshot.areas[code]
        grid = {"code": area.code, "name": area.name} if area.level == "grid" else None
        name = _json(area.name)[1:-1]
        return _Said(
            head=f'{{"decision":"auto","level":{_json(area.level)},"grid":{_json(grid)},'
            f'"path":{_json(path)},"confidence":',
            brief=f'"code":{_json(area.code)},"name":{_json(area.name)},"probability":',
            inside=f"定位点归属{name}" if language == "zh" else f"The pin belongs to {name}",
            facts=f'{{"code":{_json(area.code)},"probability":',
            tail=self._tail(code, language, category, now),
        )

    def _tail(
        self, code: str, language: Language, category: Category | None, now: datetime
    ) -> str | None:
        chosen = self.roster.responsible(self._path_codes(code), category, now)
        if chosen is None:
            return None
        more = ""
        if isinstance(chosen, Unrouted) and self._snapshot.areas[code].level in _ANSWERED:
            more = "," + _json(matching.in_words(chosen.reason, language))
        responsible = _json(matching.shown_responsible(chosen))
        revision = self._snapshot.revision
        return (
            f'}}}}{more}],"boundary_revision":{revision},"evidence_kind":"pin",'
            f'"crs_posterior":null,"responsible":{responsible}}}'
        )

    def _path_codes(self, code: str | None) -> dict[str, str]:
        if code is None:
            return {}
        known = self._codes.get(code)
        if known is None:
            known = self._codes[code] = {a.level: a.code for a in self._snapshot.path(code)}
        return known

    # --- many ----------------------------------------------------------------------------------

    def answers(
        self, requests: Sequence[PinRequest | None], now: datetime, language: Language
    ) -> list[bytes | str | GovernanceError | None]:
        """Return the answers of many requests: JSON, an error, or None where the full path must.

        A request of None gives None.
        """
        out: list[bytes | str | GovernanceError | None] = [None] * len(requests)
        waiting: dict[str | None, list[int]] = {}
        for number, one in enumerate(requests):
            if one is not None and one.source is None and one.location.crs == "WGS84":
                waiting.setdefault(one.category, []).append(number)
        for key, numbers in waiting.items():
            category = None if key is None else self.roster.categories.get(key)
            if key is None or category is not None:
                voice = self._voice(language, category, now)
                asked = [requests[number] for number in numbers]
                self._answer_clear([one for one in asked if one is not None], numbers, out, voice)
        for number, request in enumerate(requests):
            if out[number] is None and request is not None:
                try:
                    out[number] = self.answer(request, now, language)
                except GovernanceError as error:
                    out[number] = error
        return out

    def _answer_clear(
        self,
        asked: Sequence[PinRequest],
        numbers: Sequence[int],
        out: list[bytes | str | GovernanceError | None],
        voice: _Voice,
    ) -> None:
        """Answer the clear ones of the pins in WGS84 from one pass over the index."""
        lon = np.array([one.location.lon for one in asked])
        lat = np.array([one.location.lat for one in asked])
        sigma = np.array([_sigma(one.location.accuracy_m) for one in asked])
        # Those that point_to_wgs84 may refuse, as swapped for example, are left to it.
        usual = (np.abs(lon) <= 180.0) & (np.abs(lat) < 60.0) & (sigma <= _MOST_SIGMA)
        if self._rulings is not None:
            usual &= self._rulings.locate(lon, lat) < 0
        rows, starts = voice.index.normal_shares_of_many(
            np.where(usual, lon, 0.0), np.where(usual, lat, 0.0), np.where(usual, sigma, 0.0)
        )
        first = starts[:-1]
        best = np.minimum(first + 1, len(rows) - 1)
        clear = (  # a little generous: what is on the verge is looked at once more below
            usual
            & (rows[first, 0] > 0)
            & (rows[first, 3] == 1.0)
            & (rows[best, 3] == 1.0)
            & (rows[best, 1] >= voice.certain - _SLACK)
            & (rows[first, 1] < WORTH_SAYING + _SLACK)
        )
        flat, bounds = rows.ravel().tolist(), starts.tolist()
        note = _note("WGS84", None, voice.language)
        for i in np.flatnonzero(clear).tolist():
            at, pin = 4 * bounds[i], asked[i].location
            if self._is_clear(voice, flat[at + 1], flat[at + 4 : at + 8]) and self._speaks_alone(
                "WGS84", pin.lon, pin.lat, pin
            ):
                seen = (flat, at, bounds[i + 1] - bounds[i])
                out[numbers[i]] = _text(voice, seen, (pin.lon, pin.lat, pin.accuracy_m), note)


class PinMatchers:
    """Hands out the matcher of what this process last heard of the database."""

    def __init__(self, boundaries: Boundaries, rosters: Rosters, threshold: float) -> None:
        self._boundaries = boundaries
        self._rosters = rosters
        self._threshold = threshold
        self._matcher: PinMatcher | None = None

    def current(self) -> PinMatcher | None:
        """Return it; None when boundaries or roster are older than 2 s."""
        in_force, roster = self._boundaries.fresh(), self._rosters.current()
        if in_force is None or roster is None:
            return None
        found = self._matcher
        knowledge = self._boundaries.recent_knowledge()
        if (
            found is None
            or found.knowledge is not knowledge
            or found.in_force.snapshot is not in_force.snapshot
            or found.in_force.exceptions is not in_force.exceptions
            or found.roster is not roster
        ):
            found = self._matcher = PinMatcher(in_force, roster, self._threshold, knowledge)
        return found


def _text(
    voice: _Voice,
    seen: tuple[Sequence[float], int, int],
    pin: tuple[float, float, float | None],
    note: str,
) -> str | None:
    """Return the answer to a clear pin: lon, lat, accuracy; None: ask the database who answers.

    ``seen`` is where its rows of the cell index lie: in a flat list, from a place on, how many.
    """
    flat, at, rows = seen
    accuracy_m = pin[2]
    own = voice[int(flat[at + 4])]
    if own.tail is None:
        return None
    outside, edge_m, share = flat[at + 1], flat[at + 2], flat[at + 5]
    confidence = "1.0" if share == 1.0 else _digits9(share)
    edge = _digits3(edge_m)
    candidates = f'{{{own.brief}{confidence},"distance_m":0.0,"evidence":["position"]}}'
    for place in range(at + 8, at + 4 * rows, 4):
        candidates += (
            f',{{{voice[int(flat[place])].brief}{_digits9(flat[place + 1])},"distance_m":'
            f'{_digits3(flat[place + 2])},"evidence":["position"]}}'
        )
    accuracy = "null" if accuracy_m is None else _number(float(accuracy_m))
    return (
        f'{own.head}{confidence},"ambiguous":false,"edge_distance_m":{edge},"point":{{"lon":'
        f'{_digits9(pin[0])},"lat":{_digits9(pin[1])}}},"candidates":[{candidates}],'
        f'"outside_probability":{"0.0" if outside == 0.0 else _digits9(outside)},"nearest":null,'
        f'"reasons":[{note},{{"code":"inside","text":"{own.inside}'
        f'{_ending(voice.language, edge_m, share, accuracy_m)}","facts":{own.facts}{confidence},'
        f'"accuracy_m":{accuracy},"edge_distance_m":{edge}{own.tail}'
    )


def _sigma(accuracy_m: float | None) -> float:
    if accuracy_m is None or accuracy_m < EXACT_BELOW_M:
        return 0.0
    return accuracy_m / SIGMAS_PER_ACCURACY


def _note(crs: str, shift_m: float | None, language: Language) -> str:
    """Return the reason that says how the numbers were read, as JSON."""
    said = _TAKEN.get((crs, language))
    if said is not None:
        return said
    return _json(matching.in_words(sentences.converted_crs(crs, float(shift_m or 0.0)), language))


def _ending(language: Language, edge_m: float, share: float, accuracy_m: float | None) -> str:
    """Return the rest of :func:`gis.matching.sentences.inside` after the area's name."""
    edge = f"{edge_m:.0f}" if edge_m >= 9.95 else f"{edge_m:.1f}"
    if not accuracy_m:
        return f"，距边界 {edge} 米。" if language == "zh" else f", {edge} m from the edge."
    accuracy = f"{accuracy_m:.0f}" if accuracy_m >= 9.95 else f"{accuracy_m:.1f}"
    share = round(share, DIGITS)
    sure = "100 %" if share >= 1.0 else ">99 %" if share > 0.99 else f"{share * 100:.0f} %"
    if language == "zh":
        return f"，距边界 {edge} 米，按定位精度 {accuracy} 米有 {sure} 的把握。"
    return f", {edge} m from the edge; with an accuracy of {accuracy} m that is {sure} sure."


def _json(value: object) -> str:
    return encode(value).decode()


def _number(value: float) -> str:
    """Return a number as the encoder writes it."""
    if value == 0.0 or 1e-3 <= abs(value) < 1e15:
        return repr(value)
    return _json(value)


def _digits9(value: float) -> str:
    """Return ``round(value, 9)`` as the encoder writes it."""
    if not 1e-3 <= abs(value) < 1e5:
        return _number(round(value, DIGITS))
    text = f"{value:.9f}".rstrip("0")
    return text + "0" if text[-1] == "." else text


def _digits3(value: float) -> str:
    """Return ``round(value, 3)`` as the encoder writes it, for 0 to 1e9."""
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text[-1] == "." else text


def _as_taken(crs: str, language: Language) -> str:
    reason: Reason = sentences.taken_as_is(crs)
    return _json(matching.in_words(reason, language))


_TAKEN: Final = {
    (crs, language): _as_taken(crs, language)
    for crs in ("WGS84", "CGCS2000")
    for language in _LANGUAGES
}
