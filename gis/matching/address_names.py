"""All names of a city in one phonetic prefix table: which names does a text hold, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gis.matching.address_sound import SoundAlphabet, closeness
from gis.matching.address_words import LEVEL_WORDS, TAILS

HOMOPHONE_COST: Final = 1.3
NEAR_COST: Final = 2.2
WRONG_LEVEL_COST: Final = 2.0
NO_LEVEL_COST: Final[dict[str, float]] = {
    "province": 0.1, "city": 0.2, "county": 0.4, "subdistrict": 0.7, "community": 1.0,
    "road": 2.5, "compound": 2.5, "village": 3.0,
}  # fmt: skip
"""Nats that a name loses for being written without its level word (琅琊 for 琅琊区)."""
_SOUND_COSTS: Final = (0.0, HOMOPHONE_COST, NEAR_COST)
SHORTEST_BASE: Final = 2
MISTYPED: Final[dict[str, int]] = {
    "subdistrict": 3, "community": 3, "road": 3, "compound": 3, "village": 3, "landmark": 4,
}  # fmt: skip
"""Kind -> shortest name of which one character may be mistyped."""
MISTYPED_COST: Final = 2.5
HALF_MISTYPED_COST: Final = 3.5
"""Of a name of two characters beside its level word one is half of it."""
LONGEST_MISTYPED: Final = 12
_BLOT: Final = "\0"


class Hit(NamedTuple):
    """A name found in a text: ``[start, end)``, what it costs to believe it, and how it differs.

    ``mask`` are the covered characters as bits.
    """

    start: int
    end: int
    name: int
    cost: float
    heard: int
    whole: bool
    mask: int


def _hit(start: int, end: int, name: int, cost: float, heard: int, *, whole: bool) -> Hit:
    return Hit(start, end, name, cost, heard, whole, (1 << end) - (1 << start))


class _Variant(NamedTuple):
    name: int
    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class NameKey:
    """A name of a kind; the same words may be a road and a community."""

    kind: str
    text: str


def base_of(kind: str, text: str) -> tuple[str, str]:
    """Return a name without its level word, and that word ("" when there is none to take off).

    >>> base_of("road", "琅琊路"), base_of("county", "琅琊区"), base_of("road", "大路")
    (('琅琊', '路'), ('琅琊', '区'), ('大路', ''))
    """
    for word in LEVEL_WORDS.get(kind, ()):
        if text.endswith(word) and len(text) - len(word) >= SHORTEST_BASE:
            return text[: -len(word)], word
    return text, ""


class NameTable:
    """Names by sound. ``keys[i]`` is the name with number ``i``."""

    def __init__(self, names: Iterable[NameKey]) -> None:
        self.keys = list(names)
        self._sounds = SoundAlphabet()
        self._ends: dict[str, list[_Variant]] = {}
        self._prefixes: set[str] = set()
        self._blotted: dict[str, list[_Variant]] | None = None
        for number, key in enumerate(self.keys):
            self._add(number, key.text, whole=True)
            base, word = base_of(key.kind, key.text)
            if word and key.kind in NO_LEVEL_COST:
                self._add(number, base, whole=False)

    def _add(self, number: int, text: str, *, whole: bool) -> None:
        sound = self._sounds.key(text)
        known = self._ends.get(sound)
        if known is None:
            known = self._ends[sound] = []
            for length in range(len(sound), 0, -1):
                prefix = sound[:length]
                if prefix in self._prefixes:
                    break
                self._prefixes.add(prefix)
        known.append(_Variant(number, text, whole))

    def find(self, text: str) -> list[Hit]:
        """Return every name that a folded text holds, by start, then end; overlaps included."""
        letters = [self._sounds.letters(character) for character in text]
        hits: list[Hit] = []
        for start in range(len(text)):
            self._walk(text, letters, start, hits)
        return hits

    def mistyped(self, text: str) -> list[Hit]:
        """Return names that the text holds but for one character which sounds like no other.

        For texts in which :meth:`find` finds no place: two names that differ in one character are
        both understood, and neither for certain.
        """
        blotted = self._blotted
        if blotted is None:  # two threads that come at once make the same
            blotted = self._blotted = self._blot()
        sound = self._sounds.key(text)
        hits = []
        for start in range(len(text)):
            for end in range(start + 3, min(start + LONGEST_MISTYPED, len(text)) + 1):
                for at in range(start, end):
                    if text[at].isascii():
                        continue  # numbers are never guessed
                    key = sound[start:at] + _BLOT + sound[at + 1 : end]
                    for variant in blotted.get(key, ()):
                        hit = self._slip(text, start, end, at - start, variant)
                        if hit is not None:
                            hits.append(hit)
        return hits

    def _blot(self) -> dict[str, list[_Variant]]:
        found: dict[str, list[_Variant]] = {}
        for number, key in enumerate(self.keys):
            least = MISTYPED.get(key.kind)
            if least is None or not least <= len(key.text) <= LONGEST_MISTYPED:
                continue
            base, _ = base_of(key.kind, key.text)
            sound = self._sounds.key(key.text)
            for at in range(len(base)):
                if not key.text[at].isascii():
                    blot = sound[:at] + _BLOT + sound[at + 1 :]
                    found.setdefault(blot, []).append(_Variant(number, key.text, whole=True))
        return found

    def _slip(self, text: str, start: int, end: int, at: int, variant: _Variant) -> Hit | None:
        said, meant = text[start:end], variant.text
        if self._sounds.key(said[at]) == self._sounds.key(meant[at]):
            return None  # heard, not mistyped
        cost, heard = _heard(said[:at] + meant[at] + said[at + 1 :], meant)
        if heard:
            return None  # one slip at a time
        kind = self.keys[variant.name].kind
        base, _ = base_of(kind, meant)
        cost += HALF_MISTYPED_COST if len(base) <= SHORTEST_BASE else MISTYPED_COST
        tail = next((t for t in TAILS.get(kind, ()) if text.startswith(t, end)), "")
        return _hit(start, end + len(tail), variant.name, cost, 0, whole=True)

    def _walk(self, text: str, letters: list[tuple[str, ...]], start: int, hits: list[Hit]) -> None:
        level = [""]
        prefixes, ends = self._prefixes, self._ends
        for end in range(start, len(text)):
            level = [
                longer
                for p in level
                for letter in letters[end]
                if (longer := p + letter) in prefixes
            ]
            if not level:
                return
            for sound in level:
                for variant in ends.get(sound, ()):
                    hit = self._judge(text, start, end + 1, variant)
                    if hit is not None:
                        hits.append(hit)

    def _judge(self, text: str, start: int, end: int, variant: _Variant) -> Hit | None:
        cost, heard = _heard(text[start:end], variant.text)
        if 2 * heard > len(variant.text) and (heard == len(variant.text) or not variant.whole):
            return None
        kind = self.keys[variant.name].kind
        if variant.whole:
            tail = next((t for t in TAILS.get(kind, ()) if text.startswith(t, end)), "")
            return _hit(start, end + len(tail), variant.name, cost, heard, whole=True)
        name = self.keys[variant.name].text
        word = next((w for w in LEVEL_WORDS[kind] if text.startswith(w, end)), "")
        if word:
            if name.endswith(word) and len(name) == len(variant.text) + len(word):
                return None  # the whole name is a hit of its own
            cost += WRONG_LEVEL_COST
        elif heard and len(variant.text) <= SHORTEST_BASE and kind not in ("county", "city"):
            return None
        else:
            cost += NO_LEVEL_COST[kind]
        return _hit(start, end + len(word), variant.name, cost, heard, whole=False)


def _heard(said: str, meant: str) -> tuple[float, int]:
    """Return what it costs to hear one name as another, and how many characters differ."""
    if said == meant:
        return 0.0, 0
    how = [closeness(a, b) for a, b in zip(said, meant, strict=True)]
    cost = sum(_SOUND_COSTS[k] for k in how)
    return cost, sum(k > 0 for k in how)
