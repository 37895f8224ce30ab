"""Parts of an address 地址解析: province ... community, road, number, compound, building, floor.

A semi-Markov reading: every span gets a weight for every label that it may have, and the best
sequence of spans is found by dynamic programming. No training: see :mod:`address_grammar`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gis.matching.address_lexicon import Lexicon, china
from gis.matching.address_spans import follows, spans_of
from gis.matching.address_text import fold

BEAM: Final = 9.0
"""Readings that fall behind the best at a place by more nats are given up."""


class Part(NamedTuple):
    """A part of an address: its label, text and span in the raw text."""

    label: str
    text: str
    start: int
    end: int


def parse(text: str, lexicon: Lexicon | None = None) -> tuple[Part, ...]:
    """Return the parts of an address in the order of the text.

    Parts do not overlap and cover the text but for spaces and punctuation.

    >>> [(p.label, p.text) for p in parse("浙江省杭州市余杭区良渚街道古墩路123号4幢2单元")]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('prov', '浙江省'), ('city', '杭州市'), ('district', '余杭区'), ('town', '良渚街道'),
     ('road', '古墩路'), ('roadno', '123号'), ('houseno', '4幢'), ('cellno', '2单元')]
    """
    lexicon = china() if lexicon is None else lexicon
    folded = fold(text)
    codes = lexicon.divisions_in(folded.text)
    parts: list[Part] = []
    for piece in re.finditer(r"[^,()\s;:!?|]+", folded.text):
        before = parts[-1].label if parts else "^"
        for label, start, end in _best(piece.group(), lexicon, codes, before):
            if label == "poi" and any(part.label in _BEFORE_SUBPOI for part in parts):
                label = "subpoi"  # noqa: PLW2901 - what comes after a door lies behind it
            low, high = folded.raw_span(piece.start() + start, piece.start() + end)
            if label == "city" and parts and parts[-1].text in _MUNICIPALITIES:
                parts[-1] = parts[-1]._replace(label="prov")  # 上海上海市
            if parts and parts[-1].label == label and parts[-1].end == low and label in _ONCE:
                low = parts.pop().start
            parts.append(Part(label, text[low:high], low, high))
    return tuple(parts)


_BEFORE_SUBPOI: Final = ("road", "roadno", "houseno", "floorno", "devzone", "poi")
_MUNICIPALITIES: Final = ("北京", "天津", "上海", "重庆")
_ONCE: Final = ("prov", "city", "district", "town", "community", "road", "roadno", "subpoi")
"""Labels of which two in a row are one part (安定乡石门镇, 北庄行政村北庄村)."""


def _best(
    text: str, lexicon: Lexicon, codes: tuple[str, ...], before: str
) -> list[tuple[str, int, int]]:
    """Return the best sequence of (label, start, end) over a piece without punctuation."""
    spans = spans_of(text, lexicon, codes)
    # state: (position, label) -> score, back pointer
    best: list[dict[str, tuple[float, tuple[int, str] | None]]] = [{} for _ in range(len(text) + 1)]
    best[0][before] = (0.0, None)
    for start in range(len(text)):
        if not best[start]:
            continue
        least = max(score for score, _ in best[start].values()) - BEAM
        best[start] = {label: kept for label, kept in best[start].items() if kept[0] >= least}
        for end, label, weight in spans[start]:
            for last, (score, _) in best[start].items():
                total = score + weight + follows(last, label)
                if label not in best[end] or total > best[end][label][0]:
                    best[end][label] = (total, (start, last))
    label = max(best[-1], key=lambda k: (best[-1][k][0], k))
    found: list[tuple[str, int, int]] = []
    at = len(text)
    while at > 0:
        back = best[at][label][1]
        if back is None:
            break
        found.append((label.removesuffix("0"), back[0], at))
        at, label = back
    return found[::-1]
