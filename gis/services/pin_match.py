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
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from pyproj import Geod

from gis.errors import GovernanceError, Language, NoPublishedBoundary
from gis.geometry.cell_index import CellIndex
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.categories import Category
from gis.governance.duty import Unrouted
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
from gis.services.pin_text import Pieces, Said, as_json, clear_text, encode, many_clear, note, words
from gis.services.roster import Roster, Rosters

FloatArray = npt.NDArray[np.float64]

_GEOD: Final = Geod(ellps="WGS84")
_SLACK: Final = 10.0**-DIGITS
_MOST_VOICES: Final = 256
_ANSWERED: Final = ("grid", "community")
_MOST_SIGMA: Final = MOST_ACCURACY_M / SIGMAS_PER_ACCURACY
_DEGREES: Final = ("WGS84", "CGCS2000", "GCJ-02", "BD-09")


Answer: TypeAlias = bytes | GovernanceError | None


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


class _Voice(dict[int, Said]):
    """The pieces of every area asked for so far: one language, category, and era of the roster."""

    def __init__(
        self, matcher: PinMatcher, language: Language, category: Category | None, now: datetime
    ) -> None:
        self.language = language
        self.index = matcher.owners(category)
        self.certain = matcher.certain(category)
        self.pieces = Pieces(len(self.index))
        self._matcher = matcher
        self._category = category
        self._now = now

    def __missing__(self, position: int) -> Said:
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
        return self._general(request.whole(), category, now, language, self.knowledge)

    def whole(
        self, request: MatchRequest, now: datetime, language: Language, knowledge: Knowledge
    ) -> bytes | None:
        """Return the answer to any request, as JSON, with all that is known; None and errors so."""
        category = None
        if request.category is not None:
            category = self.roster.categories.get(request.category)
            if category is None:
                return None
        return self._general(request, category, now, language, knowledge)

    def _general(
        self,
        request: MatchRequest,
        category: Category | None,
        now: datetime,
        language: Language,
        knowledge: Knowledge,
    ) -> bytes | None:
        matched = matching.match(
            self._snapshot,
            request,
            threshold=self.threshold,
            exceptions=self.in_force.exceptions,
            at=now,
            knowledge=knowledge,
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
        return clear_text(
            voice,
            words(language),
            (flat, 0, len(rows)),
            (lon, lat, pin.accuracy_m),
            note(crs, shift_m, language),
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

    def say(self, code: str, language: Language, category: Category | None, now: datetime) -> Said:
        """Return the pieces of an area of the finest level."""
        snapshot = self._snapshot
        path = [area.brief() for area in snapshot.path(code)]
        area = snapshot.areas[code]
        grid = {"code": area.code, "name": area.name} if area.level == "grid" else None
        name = as_json(area.name)[1:-1]
        return Said(
            head=f'{{"decision":"auto","level":{as_json(area.level)},"grid":{as_json(grid)},'
            f'"path":{as_json(path)},"confidence":',
            brief=f'"code":{as_json(area.code)},"name":{as_json(area.name)},"probability":',
            inside=f"定位点归属{name}" if language == "zh" else f"The pin belongs to {name}",
            facts=f'{{"code":{as_json(area.code)},"probability":',
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
            more = "," + as_json(matching.in_words(chosen.reason, language))
        responsible = as_json(matching.shown_responsible(chosen))
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
    ) -> list[Answer]:
        """Return the answers of many requests: JSON, an error, or None where the full path must.

        A request of None gives None.
        """
        out: list[Answer] = [None] * len(requests)
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
        out: list[Answer],
        voice: _Voice,
    ) -> None:
        """Answer the clear ones of the pins in WGS84 from one pass over the index."""
        pins_asked = [one.location for one in asked]
        places = np.array(
            [(pin.lon, pin.lat, pin.accuracy_m) for pin in pins_asked], dtype=np.float64
        )
        lon, lat, accuracy_m = places.T
        sigma = np.where(accuracy_m >= EXACT_BELOW_M, accuracy_m / SIGMAS_PER_ACCURACY, 0.0)
        # Those that point_to_wgs84 may refuse, as swapped for example, are left to it.
        usual = (np.abs(lon) <= 180.0) & (np.abs(lat) < 60.0) & (sigma <= _MOST_SIGMA)
        if self._rulings is not None:
            usual &= self._rulings.locate(lon, lat) < 0
        rows, starts = voice.index.normal_shares_of_many(
            np.where(usual, lon, 0.0), np.where(usual, lat, 0.0), np.where(usual, sigma, 0.0)
        )
        first = starts[:-1]
        best = np.minimum(first + 1, len(rows) - 1)
        share, outside = rows[best, 1], rows[first, 1]
        clear = (  # a little generous: what is on the verge is looked at once more below
            usual
            & (rows[first, 0] > 0)
            & (rows[first, 3] == 1.0)
            & (rows[best, 3] == 1.0)
            & (share >= voice.certain - _SLACK)
            & (outside < WORTH_SAYING + _SLACK)
        )
        sure = (share >= voice.certain + _SLACK) & (outside < WORTH_SAYING - _SLACK)
        sure &= self._unremarkable(lon, lat)
        for i in np.flatnonzero(clear & ~sure).tolist():
            at, pin = starts[i], asked[i].location
            clear[i] = self._is_clear(
                voice, rows[at, 1], rows[at + 1].tolist()
            ) and self._speaks_alone("WGS84", pin.lon, pin.lat, pin)
        pins = np.flatnonzero(clear)
        met = np.repeat(clear, np.diff(starts))
        met[first] = False
        said = voice.pieces.of(voice, np.unique(rows[met, 0]).astype(np.int64))
        between = words(voice.language)
        taken = note("WGS84", None, voice.language)
        texts = many_clear(said, (*between, taken), (rows, starts), places, pins)
        for i, text in zip(pins.tolist(), texts, strict=True):
            if text:
                out[numbers[i]] = text
                continue
            flat, pin = rows[starts[i] : starts[i + 1]].ravel().tolist(), asked[i].location
            seen = (flat, 0, len(flat) // rows.shape[1])
            one = clear_text(voice, between, seen, (pin.lon, pin.lat, pin.accuracy_m), taken)
            out[numbers[i]] = None if one is None else one.encode()

    def _unremarkable(self, lon: FloatArray, lat: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which pins in WGS84 surely speak for themselves; others have to be looked at."""
        alone = self._speaks_alone("WGS84", 118.0, 32.0, _SOMEWHERE)
        if not alone or self.roster.has_assets or len(self._bad) > _MOST_BAD:
            return np.zeros(len(lon), dtype=bool)
        sure = (np.abs(lon) > 1.0) | (np.abs(lat) > 1.0)  # no null island
        for bad_lon, bad_lat in self._bad:
            sure &= (np.abs(lon - bad_lon) > _NEAR_BAD) | (np.abs(lat - bad_lat) > _NEAR_BAD)
        return sure


_SOMEWHERE: Final = Pin(118.0, 32.0)
_MOST_BAD: Final = 100
_NEAR_BAD: Final = 0.01
"""Degrees: far more than how :func:`gis.matching.pin.bad_key` rounds."""


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

    def refreshed(self) -> PinMatcher | None:
        """Return :meth:`current`, reading what is too old first: for whoever may block."""
        found = self.current()
        if found is None:
            with suppress(NoPublishedBoundary):
                self._boundaries.refresh()
                self._rosters.refresh()
                found = self.current()
        return found

    def whole(self, request: MatchRequest, now: datetime, language: Language) -> bytes | None:
        """Return the answer to a request with or without an address; None: ask the database.

        Raises
        ------
        gis.errors.GovernanceError
            What :func:`gis.services.matching.answer` raises for such a request.
        """
        matcher = self.current()
        if matcher is None or request.at is not None:
            return None
        knowledge = self._boundaries.knowledge_in_memory(matcher.in_force.snapshot)
        if knowledge is None:
            return None
        return matcher.whole(request, now, language, knowledge)


def _sigma(accuracy_m: float | None) -> float:
    if accuracy_m is None or accuracy_m < EXACT_BELOW_M:
        return 0.0
    return accuracy_m / SIGMAS_PER_ACCURACY
