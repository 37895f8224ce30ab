"""How names sound: classes of syllables that people who type by ear confuse.

Operators of the hotline write what they hear. Homophones share the syllable without its tone
(琅琊/郎牙); near-homophones share a class in which the pairs that the dialects of the Huai and
lower Yangtze merge are one: n/l, zh/z, ch/c, sh/s, ing/in, eng/en, ang/an.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Final

SAME, HOMOPHONE, NEAR = 0, 1, 2
"""How close a heard character is to the one of the name."""

_INITIALS: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS: Final = (("ing", "in"), ("eng", "en"), ("ang", "an"))
_READINGS: Final = 3


@cache
def _dictionary() -> dict[int, str]:
    from pypinyin.constants import PINYIN_DICT  # noqa: PLC0415 - costs 0.4 s, only indexes need it

    return dict(PINYIN_DICT)


@lru_cache(maxsize=65_536)  # of what callers send
def syllables(character: str) -> tuple[str, ...]:
    """Return the toneless readings of a character, the commonest first; itself when it has none.

    >>> syllables("乐"), syllables("琊"), syllables("A")
    (('le', 'yue'), ('ya',), ('A',))
    """
    told = _dictionary().get(ord(character))
    if not told:
        return (character,)
    plain = (_toneless(reading) for reading in told.split(","))
    return tuple(dict.fromkeys(p for p in plain if p))[:_READINGS] or (character,)


def _toneless(reading: str) -> str:
    flat = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(c for c in flat if c.isascii() and c.isalpha())


@lru_cache(maxsize=65_536)  # of what callers send
def heard_as(syllable: str) -> str:
    """Return the class of a syllable.

    >>> heard_as("zhuang"), heard_as("lin"), heard_as("ling"), heard_as("ning")
    ('zuan', 'lin', 'lin', 'lin')
    """
    for initial, plain in _INITIALS:
        if syllable.startswith(initial):
            syllable = plain + syllable.removeprefix(initial)
            break
    for final, plain in _FINALS:
        if syllable.endswith(final):
            return syllable.removesuffix(final) + plain
    return syllable


class SoundAlphabet:
    """One character per class of syllables, so that what a name sounds like is a short string."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._of: dict[str, tuple[str, ...]] = {}

    def letters(self, character: str) -> tuple[str, ...]:
        """Return the letters of a character's readings, the commonest first."""
        found = self._of.get(character)
        if found is None:
            letters = dict.fromkeys(self._letter(heard_as(s)) for s in syllables(character))
            found = self._of[character] = tuple(letters)
        return found

    def key(self, name: str) -> str:
        """Return what a name sounds like, each character by its commonest reading."""
        return "".join([self.letters(character)[0] for character in name])

    def _letter(self, sound: str) -> str:
        letter = self._letters.get(sound)
        if letter is None:
            letter = self._letters[sound] = chr(0x100 + len(self._letters))
        return letter


@lru_cache(maxsize=65_536)  # of what callers send
def closeness(heard: str, meant: str) -> int:
    """Return :data:`SAME`, :data:`HOMOPHONE` or :data:`NEAR` for characters of one class.

    >>> closeness("郎", "琅"), closeness("林", "菱"), closeness("路", "路")
    (1, 2, 0)
    """
    if heard == meant:
        return SAME
    return HOMOPHONE if set(syllables(heard)) & set(syllables(meant)) else NEAR
