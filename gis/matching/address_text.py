"""Address texts made comparable 归一化: width, script, numerals, masks, punctuation.

The folded text keeps for every character where it came from, so that a span found in it can be
shown in what the person wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final

LONGEST: Final = 256
"""Characters of an address that are read; what follows is a story, not a place."""

DIGITS: Final = {c: k for k, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NUMERAL: Final = "零〇一二三四五六七八九十百千两"
_COUNTED: Final = "号楼|号|幢|栋|单元|室|层|楼|座|米|公里|村民组|居民组|组|队|弄|期|门"
_NUMERAL_RUN: Final = re.compile(f"([{_NUMERAL}]+)(?=(?:{_COUNTED}))")
_MASK: Final = re.compile(
    r"(?<=\d)[*xX×?]+(?=\d|号|幢|栋|单元|室|楼|座|$)|[*×?]+(?=号|幢|栋|单元|室|楼|座)"
)
_SAME: Final = {
    "〇": "零", "—": "-", "–": "-", "－": "-", "―": "-", "‐": "-", "−": "-", "~": "-", "～": "-",
    "、": ",", "，": ",", "。": ",", "；": ",", "：": ":", "·": "", "•": "", "﹒": "", "‘": "",
    "’": "",
    "“": "", "”": "", "'": "", '"': "", "【": "(", "】": ")", "〔": "(", "〕": ")", "《": "(",
    "》": ")",
    "<": "(", ">": ")", "[": "(", "]": ")", "{": "(", "}": ")", "＃": "#", "㎡": "",
    "棟": "幢", "號": "号", "甪": "甪",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character ``k`` came from ``origin[k]`` up to ``origin[k + 1]`` of the raw."""

    text: str
    origin: tuple[int, ...]

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the raw text that a span of the folded one stands for."""
        if start >= end:
            at = self.origin[min(start, len(self.text))]
            return at, at
        return self.origin[start], self.origin[end]


@cache
def _simplified() -> dict[str, str]:
    """Return traditional -> simplified character, from the tables of OpenCC."""
    table = resources.files("opencc").joinpath("dictionary", "TSCharacters.txt")
    pairs: dict[str, str] = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        one, _, others = line.partition("\t")
        first = others.split(" ")[0]
        if len(one) == 1 and len(first) == 1:
            pairs[one] = first
    return pairs


@lru_cache(maxsize=65_536)  # of what callers send
def _character(character: str) -> str:
    """Return what a character is folded to: nothing, one or a few characters."""
    plain = _SAME.get(character)
    if plain is None:
        plain = unicodedata.normalize("NFKC", character)
    kept = []
    for one in plain:
        folded = _SAME.get(one, one)
        if folded.isspace() or unicodedata.category(folded[:1] or " ") in ("Cc", "Cf", "Mn", "So"):
            continue
        folded = _simplified().get(folded, folded)
        kept.append(folded.upper() if folded.isascii() else folded)
    return "".join(kept)


def fold(raw: str) -> Folded:
    """Fold an address text: half width, simplified, capitals, Arabic numbers before units.

    Numerals stay where they are part of a name (五一路, 三里河路) and become digits before a unit
    of counting (号, 幢, 单元, 楼 ...). Masked digits (1*号, 12X室) become ``*``. Folding twice
    gives the same text.

    >>> fold("滁州市琅琊路一百二十三号　３棟２單元").text
    '滁州市琅琊路123号3幢2单元'
    >>> fold("五一路八號,12*室").text
    '五一路8号,12*室'
    """
    text: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(raw[:LONGEST]):
        for folded in _character(character):
            text.append(folded)
            origin.append(at)
    del text[LONGEST:], origin[LONGEST:]
    origin.append(min(len(raw), LONGEST))
    return _counted(_masked("".join(text), origin))


def _masked(text: str, origin: list[int]) -> Folded:
    return _replaced(text, origin, _MASK, lambda _: "*")


def _counted(folded: Folded) -> Folded:
    def digits(run: str) -> str:
        value = numeral(run)
        return run if value is None else str(value)

    return _replaced(folded.text, list(folded.origin), _NUMERAL_RUN, digits)


def _replaced(
    text: str, origin: list[int], pattern: re.Pattern[str], by: Callable[[str], str]
) -> Folded:
    pieces: list[str] = []
    starts: list[int] = []
    last = 0
    for found in pattern.finditer(text):
        start, end = found.span()
        new = by(found.group(0))
        if new == found.group(0):
            continue
        pieces.append(text[last:start])
        starts += origin[last:start]
        pieces.append(new)
        starts += [origin[start + min(k, end - start - 1)] for k in range(len(new))]
        last = end
    pieces.append(text[last:])
    starts += origin[last:]
    return Folded("".join(pieces), tuple(starts))


def numeral(text: str) -> int | None:
    """Return the number that a Chinese numeral stands for, None when it is none.

    Digits one after the other are read as they stand (一二三 is 123).

    >>> [numeral(t) for t in ("一百二十三", "十二", "二十", "一〇三", "两", "百", "路")]
    [123, 12, 20, 103, 2, 100, None]
    """
    if not text or any(c not in DIGITS and c not in _UNITS for c in text):
        return None
    if not any(c in _UNITS for c in text):
        return int("".join(str(DIGITS[c]) for c in text))
    total, digit = 0, None
    for character in text:
        if character in DIGITS:
            digit = DIGITS[character]
            continue
        total += (1 if digit is None else digit) * _UNITS[character]
        digit = None
    return total + (digit or 0)


def in_words(number: int) -> str:
    """Return a number below 10,000 as a Chinese numeral.

    >>> [in_words(n) for n in (0, 10, 12, 20, 105, 110, 123, 3005, 3050)]
    ['零', '十', '十二', '二十', '一百零五', '一百一十', '一百二十三', '三千零五', '三千零五十']
    """
    if not 0 <= number < 10_000:
        raise ValueError("numbers from 0 to 9,999 only")
    if number == 0:
        return "零"
    words, pending = "", False
    for value, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // value % 10
        if digit == 0:
            pending = bool(words)
            continue
        words += ("零" if pending else "") + "零一二三四五六七八九"[digit] + unit
        pending = False
    return words.removeprefix("一") if words.startswith("一十") else words
