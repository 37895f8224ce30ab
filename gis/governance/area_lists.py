"""Rules that a list of areas keeps as a whole: codes in sequence, none retired, names apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gis.governance.areas import LOCAL, NATIONAL, code_faults


@dataclass(frozen=True, slots=True)
class ListedArea:
    """An area as a list has it."""

    code: str
    name: str
    parent: str | None
    code_system: str = NATIONAL


@dataclass(frozen=True, slots=True)
class ListFault:
    """What is wrong with one area, or with several together; ``key`` is stable."""

    key: str
    codes: tuple[str, ...]
    reason_zh: str
    reason_en: str


def list_faults(
    areas: Sequence[ListedArea], level: str, *, retired: Collection[str] = ()
) -> list[ListFault]:
    """Return what is wrong with the areas of one level, in the order of their codes.

    Each code by :func:`gis.governance.areas.code_faults`; besides

    * ``code-retired``: the code was retired, and codes are never used again;
    * ``code-duplicate``: a code occurs twice;
    * ``code-sequence``: the numbers of the grids of one community leave some out (001 to the last)
      that were not retired;
    * ``name-duplicate``: two areas of one parent have the same name.

    >>> up = "341102001001"
    >>> grids = [ListedArea(up + number, f"第{number}网格", up) for number in ("001", "003")]
    >>> [(fault.key, fault.codes) for fault in list_faults(grids, "grid")]
    [('code-sequence', ('341102001001',))]
    """
    ordered = sorted(areas, key=lambda area: area.code)
    found: list[ListFault] = []
    seen: set[str] = set()
    for area in ordered:
        faults = code_faults(area.code, level, parent=area.parent, code_system=area.code_system)
        found += [ListFault(f.key, (area.code,), f.reason_zh, f.reason_en) for f in faults]
        if area.code in retired:
            found.append(
                ListFault(
                    "code-retired", (area.code,), "编码已停用，不得再用", "the code is retired"
                )
            )
        if area.code in seen:
            found.append(
                ListFault("code-duplicate", (area.code,), "编码出现多次", "the code occurs twice")
            )
        seen.add(area.code)
    return found + _sequences(ordered, level, retired) + _names(ordered)


def _sequences(
    ordered: Sequence[ListedArea], level: str, retired: Collection[str]
) -> list[ListFault]:
    if level != "grid":
        return []
    numbers: dict[str, set[int]] = defaultdict(set)
    for area in ordered:
        if area.code_system != LOCAL and not code_faults(area.code, level):
            numbers[area.code[:-3]].add(int(area.code[-3:]))
    found = []
    for parent, used in sorted(numbers.items()):
        missing = [
            number
            for number in sorted(set(range(1, max(used))) - used)
            if f"{parent}{number:03d}" not in retired
        ]
        if missing:
            told = ", ".join(f"{number:03d}" for number in missing[:10])
            more = " …" if len(missing) > 10 else ""
            found.append(
                ListFault(
                    "code-sequence",
                    (parent,),
                    f"网格顺序码缺 {len(missing)} 个：{told}{more}",
                    f"{len(missing)} grid numbers are left out: {told}{more}",
                )
            )
    return found


def _names(ordered: Sequence[ListedArea]) -> list[ListFault]:
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    for area in ordered:
        if area.parent is not None and area.name:
            named[area.parent, area.name].append(area.code)
    return [
        ListFault(
            "name-duplicate",
            tuple(codes),
            f"上级 {parent} 下有 {len(codes)} 个区域同名“{name}”",
            f"{len(codes)} areas of {parent} are named {name}",
        )
        for (parent, name), codes in sorted(named.items())
        if len(codes) > 1
    ]
