"""What the grammar of addresses finds without a gazetteer: numbers, buildings, rooms, distances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gis.matching.address_words import AROUND, BEARINGS, CROSSING, NEARBY_M

_LABEL: Final = r"[A-Z]?\d+[A-Z]?(?:[-之]\d+[A-Z]?)*"
_PATTERNS: Final = (
    ("distance", r"(?:约|大约)?\d+(?:\.\d+)?(?:多|余|来)?(?:米|公里|千米|KM|M)(?![A-Z])"),
    ("compact", r"\d+-\d+-\d+[A-Z]?(?!\d|号|米)"),
    (
        "building",
        rf"(?:{_LABEL}|[A-Z]+|[甲乙丙丁东西南北主附]|\d*\*+)(?:号楼|#楼|#|幢|栋|座)(?:楼)?",
    ),
    (
        "number",
        rf"(?:附|第)?(?:{_LABEL}|\d*\*+)号(?!楼|线|桥|门|地铁)(?:-\d+(?!\d|-))?(?:院|大院)?",
    ),
    ("unit", r"(?:[A-Z]|\d+|\*+)(?:单元|门洞|梯)"),
    ("floor", r"(?:地下|负|-)?(?:\d+|\*+)(?:层|楼)"),
    ("room", r"(?:[A-Z]?\d+[A-Z]?(?:-\d+)?|\d*\*+)(?:室|房|户)"),
)
_GRAMMAR: Final = re.compile("|".join(f"(?P<{kind}>{body})" for kind, body in _PATTERNS))
_BARE: Final = re.compile(r"\d+[A-Z]?(?:-\d+)*")
_VALUE: Final = re.compile(r"[A-Z]?\d+[A-Z]?(?:[-之]\d+[A-Z]?)*|[A-Z]+|[甲乙丙丁东西南北主附]|\*")
_METRES: Final = re.compile(r"\d+(?:\.\d+)?")
_WORDS: Final = re.compile("|".join(sorted(AROUND, key=lambda w: (-len(w), w))))
_DIRECTION: Final = re.compile(
    r"(?:往|向|朝|以)?(东北|西北|东南|西南|东|西|南|北)(?:方向|边|侧|面|方|走|行|约)*$"
)
_CROSSING: Final = re.compile("|".join(CROSSING))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece that the grammar knows: its kind, span in the folded text and plain value."""

    kind: str
    start: int
    end: int
    value: str

    @property
    def mask(self) -> int:
        """Return the covered characters as bits."""
        return (1 << self.end) - (1 << self.start)


@dataclass(frozen=True, slots=True)
class Relative:
    """How something lies to the place that the address names.

    ``east_m``, ``north_m`` is the shift that the text gives (0 when it gives no direction with a
    distance); ``around_m`` what to add to the uncertainty; ``words`` what was said.
    """

    east_m: float = 0.0
    north_m: float = 0.0
    around_m: float = 0.0
    words: str = ""


def tokens(text: str) -> list[Token]:
    """Return the numbers of a folded text by kind, without overlap, by start.

    A distance is never a house number.

    >>> [(t.kind, t.value) for t in tokens("琅琊路12号锦绣花园3幢2单元501室")]
    [('number', '12'), ('building', '3'), ('unit', '2'), ('room', '501')]
    >>> [(t.kind, t.value) for t in tokens("丰乐路11号东北13.76米")]
    [('number', '11'), ('distance', '13.76')]
    """
    found = []
    for match in _GRAMMAR.finditer(text):
        kind = match.lastgroup or ""
        word = match.group()
        value = _METRES.search(word) if kind in ("distance", "floor") else _VALUE.search(word)
        plain = word if kind == "compact" else value.group().replace("之", "-") if value else "*"
        if kind == "number" and match.group().count("号-"):
            plain += word[word.index("号-") + 1 :].removesuffix("院").removesuffix("大院")
        found.append(Token(kind, match.start(), match.end(), plain))
    return found


def bare_number(text: str, start: int) -> Token | None:
    """Return digits without a unit (琅琊路12锦绣花园): a number whose 号 was left out."""
    match = _BARE.match(text, start)
    if match is None or text[match.end() : match.end() + 1] in ("米", "路", "年", "期", "区"):
        return None
    return Token("number", match.start(), match.end(), match.group())


def neutral_mask(text: str) -> int:
    """Return the characters that name no place: punctuation and words of position, as bits."""
    mask = 0
    for match in _WORDS.finditer(text):
        mask |= (1 << match.end()) - (1 << match.start())
    for at, character in enumerate(text):
        if not character.isalnum():
            mask |= 1 << at
    return mask


def has_crossing(text: str, start: int) -> int:
    """Return where a word for a crossing ends that begins at a place, 0 when none does."""
    match = _CROSSING.match(text, start)
    return 0 if match is None else match.end()


def relative(text: str, found: list[Token]) -> Relative:
    """Return how the reported thing lies to the named place.

    >>> r = relative("丰乐路11号东北方向100米", tokens("丰乐路11号东北方向100米"))
    >>> round(r.east_m), round(r.north_m), r.words
    (71, 71, '东北方向100米')
    """
    around, words = 0.0, ""
    for word, metres in NEARBY_M.items():
        if word in text and metres > around:
            around, words = metres, word
    for token in found:
        if token.kind != "distance":
            continue
        metres = float(token.value) * (1000.0 if _in_kilometres(text, token) else 1.0)
        before = _DIRECTION.search(text[max(0, token.start - 6) : token.start])
        if before is None or metres > 5_000:
            return Relative(
                around_m=max(around, min(metres, 5_000.0)), words=token_words(text, token)
            )
        east, north = BEARINGS[before.group(1)]
        said = before.group() + text[token.start : token.end]
        return Relative(east * metres, north * metres, max(15.0, 0.3 * metres), said)
    return Relative(around_m=around, words=words)


def token_words(text: str, token: Token) -> str:
    """Return what the text says at a token."""
    return text[token.start : token.end]


def _in_kilometres(text: str, token: Token) -> bool:
    word = text[token.start : token.end]
    return word.endswith(("公里", "千米", "KM"))
