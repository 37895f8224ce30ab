"""Numbers, buildings and units in one spelling.

12号, 3幢 or 3栋 or 3号楼, 2单元 become ``12``, ``b3``, ``u2``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from gis.matching.address_text import fold
from gis.matching.address_tokens import tokens

_PLAIN: Final = re.compile(r"[A-Z]?\d+[A-Z]?(?:-\d+[A-Z]?)*")
_PARTS: Final = re.compile(r"([^bu]*)(?:b([^u]+))?(?:u(.+))?")
_LEADING: Final = re.compile(r"\d+")


class Labels(NamedTuple):
    """The parts of a door in one spelling, "" where there is none."""

    number: str
    building: str
    unit: str

    @property
    def inside(self) -> str:
        """Return building and unit together: what a compound calls its parts."""
        return self.building + self.unit

    @property
    def all(self) -> str:
        """Return number, building and unit together: what a street calls its parts."""
        return self.number + self.building + self.unit


@lru_cache(maxsize=65_536)
def _label(text: str, kind: str) -> str:
    folded = fold(text).text
    found = next((t.value for t in tokens(folded) if t.kind == kind), None)
    if found is None:
        plain = _PLAIN.fullmatch(folded)
        found = plain.group() if plain else folded
    return found


def entry_labels(number: str | None, building: str | None, unit: str | None) -> Labels:
    """Return the labels of a gazetteer entry's columns.

    >>> entry_labels("12号", "3号楼", None)
    Labels(number='12', building='b3', unit='')
    >>> entry_labels("十二号", "三栋", "2单元").all
    '12b3u2'
    """
    return Labels(
        _label(number, "number") if number else "",
        "b" + _label(building, "building") if building else "",
        "u" + _label(unit, "unit") if unit else "",
    )


def number_value(number: str | None) -> int:
    """Return the integer of a plain house number, 0 for none or one with additions (12-1, 附3).

    >>> number_value("12号"), number_value("12-1号"), number_value(None)
    (12, 0, 0)
    """
    label = _label(number, "number") if number else ""
    match = _LEADING.fullmatch(label)
    return int(label) if match and len(label) <= 6 else 0


def in_words(label: str) -> str:
    """Return a label as it is written.

    >>> in_words("12b3u2"), in_words("b3"), in_words("12-1")
    ('12号3幢2单元', '3幢', '12-1号')
    """
    match = _PARTS.fullmatch(label)
    if match is None:
        return label
    number, building, unit = match.groups()
    return (
        (f"{number}号" if number else "")
        + (f"{building}幢" if building else "")
        + (f"{unit}单元" if unit else "")
    )
