"""What each span of an address may be, with a weight: by lexicon, endings, numbers and words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from gis.matching.address_grammar import AFTER, ENDINGS, STRONG_POI, ZONES
from gis.matching.address_lexicon import Lexicon
from gis.matching.address_words import AROUND

LONGEST_NAME: Final = 22
OUT_OF_ORDER: Final = -4.0
RARER: Final = 0.22
"""Per place down the list of what follows."""
NAME_RATE: Final = 1.6
"""Per character of a name that the lexicon has."""
ODD_START: Final = -1.2
_ENDS_ONLY: Final = frozenset("区县市镇邸厦司苑幢栋号楼弄厂")
STRANGE_TOWN: Final = 0.3
ROAD_CORES: Final = {1: -1.8, 2: 0.0, 3: -0.9, 4: -2.0, 5: -2.6, 6: -3.2}
ZONE_LENGTHS: Final = {3: -0.6, 4: 0.0, 5: 0.8, 6: 0.4, 7: 0.0, 8: -1.0, 9: -1.4, 10: -2.0}
NUMERALS: Final = "0-9零一二三四五六七八九十百两A-Z甲乙丙丁"
_NUMBERED: Final[tuple[tuple[str, str, float], ...]] = (
    ("roadno", rf"[{NUMERALS}]+(?:[-－至之/,、.][{NUMERALS}]+)*号(?:[-之][0-9]+)?", 5.0),
    (
        "houseno",
        rf"[{NUMERALS}东西南北]+(?:[-－至/,、.][{NUMERALS}]+)*#?(?:号楼|幢|栋|座|号馆|懂|撞|#楼|#)",
        6.0,
    ),
    ("houseno", rf"[{NUMERALS}]+(?:[-－至之/,、][{NUMERALS}]+)*号", 4.2),
    ("cellno", rf"[{NUMERALS}]+(?:单元|梯|门洞)", 6.0),
    ("floorno", rf"(?:地下|负|-)?[{NUMERALS}]+(?:[-－至/、][{NUMERALS}]+)*(?:楼|层|F)", 5.0),
    ("roomno", rf"[{NUMERALS}]+(?:[-－/、][{NUMERALS}]+)*(?:室|房|号房|铺|号铺)", 4.0),
    (
        "distance",
        r"[0-9零一二三四五六七八九十百千两几]+(?:\.[0-9]+)?(?:米|公里|千米|M|m|里)(?:左右|处)?",
        5.5,
    ),
    ("village_group", rf"第?[{NUMERALS}]+(?:组|村民组|居民组|小组|生产队|队)", 5.0),
    ("road", rf"[{NUMERALS}]+(?:号)?(?:路|街|大街|大道|弄|巷)", 3.0),
    ("subpoi", rf"[{NUMERALS}]+(?:区|期|号门|门|号仓库|号厂房|号车间|排)", 4.0),
    ("intersection", r"(?:交叉|交汇|交界|丁字|十字)路?(?:口|处)?|交口|路口|口", 3.4),
)
_RULES: Final = tuple((label, re.compile(body), weight) for label, body, weight in _NUMBERED)
_ASSIST: Final = frozenset(AROUND) - {
    "有",
    "是",
    "的",
    "到",
    "至",
    "和",
    "与",
    "处",
    "向",
} | frozenset("东西南北左右")


def spans_of(
    text: str, lexicon: Lexicon, codes: tuple[str, ...]
) -> list[list[tuple[int, str, float]]]:
    """Return per start the spans that may be parts: (end, label, weight); no digit run is cut."""
    cut = [k in (0, len(text)) or not (text[k - 1 : k + 1].isdigit()) for k in range(len(text) + 1)]
    spans: list[list[tuple[int, str, float]]] = [[] for _ in text]
    for start in range(len(text)):
        if not cut[start]:
            continue
        for label, rule, weight in _RULES:
            match = rule.match(text, start)
            if match is not None and match.end() > start and cut[match.end()]:
                spans[start].append((match.end(), label, weight))
        odd = ODD_START if text[start] in _ENDS_ONLY and start else 0.0
        for end in range(start + 1, min(len(text), start + LONGEST_NAME) + 1):
            if cut[end]:
                named = _named(text[start:end], lexicon, codes)
                spans[start] += [(end, label, weight + odd) for label, weight in named]
    return spans


def _named(name: str, lexicon: Lexicon, codes: tuple[str, ...]) -> Iterable[tuple[str, float]]:
    """Return what a span may be by its words: (label, weight)."""
    length = len(name)
    known = _known(name, lexicon)
    for label, weight in known.items():
        rate = NAME_RATE
        if label == "town0" and not lexicon.is_town_of(name, codes):
            rate = STRANGE_TOWN
        yield label, weight * rate * length
    if name in _ASSIST:
        yield "assist", 0.6 * length + 0.4
    for label, endings in _BY_LAST.get(name[-1], ()):
        weight = _ended(name, label, endings)
        if weight > 0 and label not in known:
            yield "road0" if label == "road" and name in _DIRECTED else label, weight
    weight = _poi(name)
    yield "poi", weight
    yield "subpoi", weight - 0.6
    if name in ZONES:
        yield "subpoi", 2.2 + 0.5 * length


def _known(name: str, lexicon: Lexicon) -> Mapping[str, float]:
    labels = lexicon.labels(name)
    if labels or len(name) < 4 or name.find(name[:2], 2) < 0:
        return labels
    # Written twice: 宁波市宁波市, 良渚良渚, 温州市温州.
    for cut in range(2, len(name) - 1):
        first, second = lexicon.labels(name[:cut]), lexicon.labels(name[cut:])
        if first and second and name[:2] == name[cut : cut + 2]:
            both = {label: min(first[label], second[label]) for label in first if label in second}
            if both:
                return both
    return {}


_TOWNISH: Final = {
    "district": (0.9, 0.35, 2, 5), "town": (2.6, 0.7, 2, 6), "community": (2.2, 0.5, 2, 7),
    "village_group": (1.8, 0.4, 2, 5),
}  # fmt: skip
"""Label -> weight, weight per character, least and most characters."""


def _ended(name: str, label: str, endings: tuple[str, ...]) -> float:
    """Return the weight of a name by its ending, 0 when it has none of the label's."""
    ending = next((e for e in endings if name.endswith(e)), "")
    stem = len(name) - len(ending)
    if not ending or stem < 1:
        return 0.0
    inner = sum(name.removesuffix(ending).count(c) for c in "路街镇乡县号村")
    if label == "road":
        return _road(name, ending)
    if label == "devzone":
        if len(name) not in ZONE_LENGTHS:
            return 0.0
        return max(4.6 + ZONE_LENGTHS[len(name)] + 0.15 * len(name) - 1.2 * inner, 0.01)
    base, rate, least, most = _TOWNISH[label]
    if not least <= len(name) <= most or (label == "district" and name[-1] == "市"):
        return 0.0
    if label == "community" and name.endswith("新村"):
        base -= 3.0
    return max(base + rate * len(name) - 1.4 * inner - (0.6 if stem == 1 else 0.0), 0.01)


def _road(name: str, ending: str) -> float:
    """Return the weight of a road: two characters as a rule, a direction, an ending (人民东路)."""
    stem = name.removesuffix(ending)
    directed = len(stem) > 2 and stem[-1] in "东南西北中一二三四五六"
    core = len(stem) - directed
    if core not in ROAD_CORES:
        return 0.0
    inner = sum(stem.count(c) for c in "路街巷弄道")
    weight = 4.9 + ROAD_CORES[core] + 0.15 * len(name) - 2.0 * inner
    if directed:
        weight += 0.5
    elif core == 2 and stem[-1] in "东南西北中" and len(ending) == 1:
        weight -= 0.4
    return weight


def _by_last() -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Return last character -> (label, its endings, the longest first)."""
    found: dict[str, dict[str, list[str]]] = {}
    for label in ("district", "town", "community", "village_group", "road", "devzone"):
        for ending in sorted(ENDINGS[label], key=lambda e: (-len(e), e)):
            found.setdefault(ending[-1], {}).setdefault(label, []).append(ending)
    return {
        last: tuple((label, tuple(endings)) for label, endings in labels.items())
        for last, labels in found.items()
    }


_BY_LAST: Final = _by_last()


def _poi(name: str) -> float:
    """Return the weight of a name as a building, compound, firm or shop."""
    length = len(name)
    weight = 0.1 * length - (1.6 if length == 1 else 0.0)
    strong = _STRONG.get(name[-1], ())
    ending = next((e for e in strong if name.endswith(e) and length > len(e)), "")
    if ending:
        weight += 2.0 if len(ending) > 1 else 1.2
    if not _ROADISH.isdisjoint(name):
        weight -= 1.2 * sum(name[:-1].count(c) for c in "路街巷号")
    if length > 3:
        weight -= 1.0 * sum(name[:-1].count(e) for e in _INNER)
    if name.endswith(("公司", "集团", "银行", "厂")) and length >= 6:
        weight += 0.25 * min(length, 14)
    return weight - 0.3


_ROADISH: Final = frozenset("路街巷号")
_STRONG: Final = {
    last: tuple(sorted((e for e in STRONG_POI if e[-1] == last), key=lambda e: (-len(e), e)))
    for last in {e[-1] for e in STRONG_POI}
}
_INNER: Final = ("大厦", "小区", "花园", "广场", "公寓", "街道", "镇", "省", "市场")


@cache
def follows(last: str, label: str) -> float:
    """Return the weight of one label after another; short forms want a division after them."""
    order = AFTER.get(last.removesuffix("0"), "").split()
    plain = label.removesuffix("0")
    weight = -RARER * order.index(plain) if plain in order else OUT_OF_ORDER
    if plain in ("poi", "community", "road", "devzone"):
        weight -= _ALONE.get((last, plain == "poi"), 0.0)
    if label == "road0" and last in _SHORT:
        weight -= HALF_A_ROAD
    return weight


_ALONE: Final = {
    ("prov0", False): 3.0, ("prov0", True): 3.0, ("city0", False): 1.4, ("city0", True): 2.0,
    ("district0", False): 0.4, ("district0", True): 1.4, ("town0", True): 2.0,
}  # fmt: skip
"""(short form, before a firm or building) -> what it loses: 宁波朗生医药公司 is one name."""
_SHORT: Final = ("prov0", "city0", "district0", "town0")
_DIRECTED: Final = tuple(f"{side}{ending}" for side in "东南西北中" for ending in ("路", "大道"))
HALF_A_ROAD: Final = 3.0
"""What a road that is only a direction loses after a short form (滁州琅琊西路: no 西路)."""
