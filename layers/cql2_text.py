"""CQL2 from outside: text or JSON into the one parsed form, bounded before it is parsed."""

from __future__ import annotations

import json
from typing import Any, Final

import cql2

from gis.errors import FilterInvalid

LONGEST: Final = 16_384
"""Characters of a filter; a polygon of 500 vertices fits."""
DEEPEST: Final = 12
"""Brackets inside each other in text: the parser's time doubles with each that is not closed
(12: 30 ms, 18: 2.5 s)."""
DEEPEST_JSON: Final = 60


def parsed(text: str, language: str = "cql2-text") -> Any:  # noqa: ANN401 - JSON
    """Return the JSON form of a filter.

    Raises
    ------
    gis.errors.FilterInvalid
        Too long, too deep, or no CQL2. The place of the mistake is told, the parser's words not.

    >>> parsed("kind = 'urban'")
    {'op': '=', 'args': [{'property': 'kind'}, 'urban']}
    """
    deepest = DEEPEST_JSON if language == "cql2-json" else DEEPEST
    if len(text) > LONGEST or _depth(text) > deepest:
        raise FilterInvalid(
            reason_zh="表达式过长或嵌套过深", reason_en="it is too long or nested too deeply"
        )
    if language == "cql2-json":
        return _of_json(text)
    try:
        return cql2.parse_text(text).to_json()
    except (cql2.ParseError, ValueError) as error:
        raise _unreadable(str(error)) from error


def _of_json(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        json.loads(text, parse_constant=_refused)
        return cql2.parse_json(text).to_json()
    except (cql2.ParseError, ValueError, RecursionError) as error:
        raise FilterInvalid(
            reason_zh="不是有效的 CQL2 JSON", reason_en="it is not valid CQL2 JSON"
        ) from error


def _refused(text: str) -> float:
    raise ValueError(text)


def _unreadable(words: str) -> FilterInvalid:
    """Return the refusal with the position that the parser's message begins with (`--> 1:5`)."""
    place = words.partition("--> ")[2].partition("\n")[0].strip()
    column = place.partition(":")[2]
    if not column.isdigit():
        return FilterInvalid(
            reason_zh="不是有效的 CQL2 文本", reason_en="it is not valid CQL2 text"
        )
    return FilterInvalid(
        reason_zh=f"第 {column} 个字符附近无法解读",
        reason_en=f"it cannot be read near character {column}",
    )


def _depth(text: str) -> int:
    """Return how deep brackets go inside each other, text in quotes left out."""
    deepest = depth = 0
    quoted = ""
    for character in text:
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"":
            quoted = character
        elif character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest
