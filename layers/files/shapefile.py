"""What a Shapefile can hold: names of columns in ten bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NAME_BYTES: Final = 10


def short_names(names: Sequence[str], encoding: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return names that fit and are unique, and what was renamed, in both languages.

    >>> short_names(["opening_hours", "opening_until", "名称"], "GBK")[0]
    ['opening_ho', 'opening_un', '名称']
    >>> short_names(["boundary_revision", "boundary_rest"], "UTF-8")[0]
    ['boundary_r', 'boundary_1']
    """
    made: list[str] = []
    renamed: list[tuple[str, str]] = []
    for name in names:
        short = _cut(name, encoding, NAME_BYTES)
        number = 0
        while short in made:
            number += 1
            short = _cut(name, encoding, NAME_BYTES - len(str(number))) + str(number)
        if short != name:
            renamed.append(
                (f"列名 {name} 缩短为 {short}", f"the column {name} was shortened to {short}")
            )
        made.append(short)
    return made, renamed


def _cut(name: str, encoding: str, size: int) -> str:
    return name.encode(encoding, "replace")[:size].decode(encoding, "ignore")
