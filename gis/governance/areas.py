"""Levels of areas 区域层级, their codes and the rules that codes follow.

``city > county > subdistrict > community > grid``. National codes nest: GB/T 2260 gives city and
county 6 digits, GB/T 10114 the subdistrict 3 more, the statistics list the community 3 more, and a
grid has its community's 12 and a sequence 001-999 (GB/T 30428.1). Two national lists give one code
to different towns, so the system (``gb``, or the name of a list) always goes with the code. Codes
of the system ``local`` (another country, a planning zone) only have to be there and be unique.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Level:
    """One level of areas; ``digits`` is the length of its national code."""

    key: str
    title_zh: str
    title_en: str
    digits: int


LEVELS: Final[dict[str, Level]] = {
    level.key: level
    for level in (
        Level("city", "市", "city", 6),
        Level("county", "区县", "county", 6),
        Level("subdistrict", "街道（乡镇）", "subdistrict", 9),
        Level("community", "社区（村）", "community", 12),
        Level("grid", "网格", "grid", 15),
    )
}
"""Level key -> level, from coarse to fine."""

COARSE_TO_FINE: Final = tuple(LEVELS)

LOCAL: Final = "local"
NATIONAL: Final = "gb"

COMMUNITY_KINDS: Final = {"urban": ("社区", "urban"), "rural": ("村", "rural")}
GRID_KINDS: Final = {
    "general": ("一般网格", "general"),
    "dedicated": ("专属网格", "dedicated"),
    "micro": ("微网格", "micro"),
}
"""Kind key -> (title_zh, title_en)."""


@dataclass(frozen=True, slots=True)
class CodeFault:
    """What is wrong with a code; ``key`` is stable."""

    key: str
    reason_zh: str
    reason_en: str


def level_of(code: str) -> str:
    """Return the level that a national code belongs to, by its length.

    Raises
    ------
    ValueError
        No national code has that form.

    >>> [level_of(c) for c in ("341100", "341102", "341102001", "341102001001", "341102001001003")]
    ['city', 'county', 'subdistrict', 'community', 'grid']
    """
    if code.isascii() and code.isdecimal():
        if len(code) == 6:
            return "city" if code.endswith("00") else "county"
        for level in LEVELS.values():
            if level.digits == len(code) > 6:
                return level.key
    message = f"{code!r} is not a national area code"
    raise ValueError(message)


def parent_of(code: str) -> str | None:
    """Return the code that a national code lies under; None for a city.

    >>> parent_of("341102001001003"), parent_of("341102001"), parent_of("341102")
    ('341102001001', '341102', '341100')
    >>> parent_of("341100") is None
    True
    """
    level = level_of(code)
    if level == "city":
        return None
    if level == "county":
        return code[:4] + "00"
    return code[: LEVELS[level].digits - 3]


def city_of(code: str) -> str:
    """Return the city's code of a national code at any level.

    >>> city_of("341102001001003")
    '341100'
    """
    level_of(code)
    return code[:4] + "00"


def community_kind(code: str) -> str | None:
    """Return ``urban`` or ``rural`` as a community's national code says, None where it does not.

    The last three digits: 001-199 residents' committee, 200-399 villagers' committee (GB/T 10114).

    >>> community_kind("341102001001"), community_kind("341122105203"), community_kind("x")
    ('urban', 'rural', None)
    """
    if re.fullmatch(r"[0-9]{12}", code) is None:
        return None
    sequence = int(code[-3:])
    if 1 <= sequence <= 199:
        return "urban"
    return "rural" if 200 <= sequence <= 399 else None


def code_faults(
    code: str, level: str, *, parent: str | None = None, code_system: str = NATIONAL
) -> list[CodeFault]:
    """Return what is wrong with an area's code, and with the parent's named beside it.

    An empty list means that the code may be used. ``parent`` None means that none was named.

    >>> code_faults("341102001001003", "grid", parent="341102001001")
    []
    >>> [fault.key for fault in code_faults("341102001001", "grid")]
    ['code-length']
    >>> code_faults("1054", "grid", code_system="local")
    []

    Raises
    ------
    ValueError
        The level does not exist.
    """
    if level not in LEVELS:
        message = f"{level!r} is not a level"
        raise ValueError(message)
    if not code:
        return [CodeFault("code-missing", "编码为空", "the code is empty")]
    if not code.isprintable() or code != code.strip():
        return [
            CodeFault(
                "code-blank",
                "编码含有空白或不可见字符",
                "the code has blanks at its ends or invisible characters",
            )
        ]
    if code_system == LOCAL:
        return []
    fault = (
        _digits(code, LEVELS[level])
        or _ending(code, LEVELS[level])
        or _nesting(code, level, parent)
    )
    return [] if fault is None else [fault]


def _digits(code: str, level: Level) -> CodeFault | None:
    if not (code.isascii() and code.isdecimal()):
        narrow = unicodedata.normalize("NFKC", code).strip()
        if narrow.isascii() and narrow.isdecimal():
            return CodeFault(
                "code-full-width",
                f"编码含全角数字，应为 {narrow}",
                f"the code has full-width digits; it should be {narrow}",
            )
        return CodeFault("code-not-digits", "编码应全部为数字", "the code must be digits only")
    if len(code) != level.digits:
        cut = code[: level.digits]
        zeros = len(code) > level.digits and set(code[level.digits :]) == {"0"}
        return CodeFault(
            "code-length",
            f"{level.title_zh}编码应为 {level.digits} 位，实为 {len(code)} 位"
            + (f"；去掉补零后为 {cut}" if zeros else ""),
            f"a {level.title_en} code has {level.digits} digits, this one {len(code)}"
            + (f"; without the filling zeros it is {cut}" if zeros else ""),
        )
    return None


def _ending(code: str, level: Level) -> CodeFault | None:
    if level.key == "city" and not code.endswith("00"):
        return CodeFault("code-level", "市级编码应以 00 结尾", "a city code ends with 00")
    if level.key == "county" and code.endswith("00"):
        return CodeFault(
            "code-level",
            "区县编码不应以 00 结尾（那是市级编码）",
            "a county code does not end with 00 (that is a city's)",
        )
    if level.digits > 6 and code.endswith("000"):
        return CodeFault(
            "code-level",
            "末三位 000 是上级区域的编码",
            "the last three digits 000 stand for the area above",
        )
    return None


def _nesting(code: str, level: str, parent: str | None) -> CodeFault | None:
    if parent is None or level == "city":
        return None
    # Counties of a municipality hang under its 0000 code in some lists.
    allowed = {parent_of(code)} | ({code[:2] + "0000"} if level == "county" else set())
    if parent in allowed:
        return None
    return CodeFault(
        "code-parent",
        f"编码与上级编码 {parent} 不符（按编码规则，上级应为 {parent_of(code)}）",
        f"the code does not fit its parent {parent} (by the rule it is {parent_of(code)})",
    )
