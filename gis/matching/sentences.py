"""The reasons of a match, in the words of a dispatcher; each with the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from gis.governance.areas import LEVELS
from gis.governance.reasons import Fact, Reason
from gis.matching.candidates import DIGITS, AreaRef, Candidate, NearestArea

Subject: TypeAlias = Literal["pin", "address", "both"]
"""What a sentence speaks of."""

_SUBJECT: Final[dict[Subject, tuple[str, str]]] = {
    "pin": ("定位点", "The pin"),
    "address": ("地址", "The address"),
    "both": ("综合各项线索，位置", "All evidence together"),
}

ON_EDGE_M: Final = 0.01
"""Within a centimetre of the edge, several covering areas share it; farther in, they overlap."""


def converted_crs(crs: str, shift_m: float) -> Reason:
    """Say that coordinates were converted, and how far that moved the pin.

    >>> converted_crs("GCJ-02", 555.2).text_zh
    '坐标按 GCJ-02 解读并转换为 WGS84，移动了 555 米。'
    """
    return Reason(
        "converted-crs",
        f"坐标按 {crs} 解读并转换为 WGS84，移动了 {_metres(shift_m)} 米。",
        f"Read as {crs} and converted to WGS84, which moved the pin by {_metres(shift_m)} m.",
        {"crs": crs, "shift_m": round(shift_m, 3)},
    )


def projected(crs: str) -> Reason:
    """Say that easting and northing were converted.

    >>> projected("EPSG:4548").text_en
    'Read as easting and northing of EPSG:4548 and converted to WGS84.'
    """
    return Reason(
        "converted-crs",
        f"坐标按 {crs} 的东、北坐标解读并转换为 WGS84。",
        f"Read as easting and northing of {crs} and converted to WGS84.",
        {"crs": crs, "shift_m": None},
    )


def taken_as_is(crs: str) -> Reason:
    """Say that nothing was converted."""
    return Reason(
        "taken-as-is",
        f"坐标按 {crs} 解读，无需转换。",
        f"Read as {crs}; nothing to convert.",
        {"crs": crs, "shift_m": 0.0},
    )


def address_only() -> Reason:
    """Say that there is no pin, and that addresses are placed by a person."""
    return Reason(
        "no-position",
        "没有定位点，只有地址，请调度员在地图上确认位置。",
        "There is an address but no pin: a dispatcher places it on the map.",
    )


def inside(
    area: AreaRef,
    share: float,
    accuracy_m: float | None,
    edge_distance_m: float | None,
    *,
    subject: Subject = "pin",
) -> Reason:
    """Say that one area is certain."""
    facts: dict[str, Fact] = {
        "code": area.code,
        "probability": share,
        "accuracy_m": accuracy_m,
        "edge_distance_m": None if edge_distance_m is None else round(edge_distance_m, 3),
    }
    edge_zh = edge_en = sure_zh = sure_en = ""
    if edge_distance_m is not None:
        edge_zh = f"，距边界 {_metres(edge_distance_m)} 米"
        edge_en = f", {_metres(edge_distance_m)} m from the edge"
    if accuracy_m and subject == "pin":
        sure_zh = f"，按定位精度 {_metres(accuracy_m)} 米有 {_percent(share)} 的把握"
        sure_en = f"; with an accuracy of {_metres(accuracy_m)} m that is {_percent(share)} sure"
    elif accuracy_m:
        sure_zh = f"，有 {_percent(share)} 的把握"
        sure_en = f"; {_percent(share)} sure"
    zh, en = _SUBJECT[subject]
    verb = {"pin": "belongs to", "address": "names a place in", "both": "points to"}[subject]
    return Reason(
        "inside",
        f"{zh}归属{area.name}{edge_zh}{sure_zh}。",
        f"{en} {verb} {area.name}{edge_en}{sure_en}.",
        facts,
    )


def several_cover(
    ranked: Sequence[Candidate], edge_distance_m: float | None, *, by_rule: bool
) -> Reason:
    """Say that several areas cover the pin, and how that was settled.

    ``by_rule``: there is no accuracy, so the smaller code has it; otherwise shares rank them.
    """
    names_zh = "、".join(f"{c.area.name}({c.code})" for c in ranked)
    names_en = ", ".join(f"{c.area.name} ({c.code})" for c in ranked)
    overlap = edge_distance_m is not None and edge_distance_m > ON_EDGE_M
    where_zh = "的重叠处" if overlap else "的公共边界上"
    where_en = "where areas overlap" if overlap else "on a shared edge"
    if by_rule:
        settled_zh, settled_en = (
            f"按规则归编码较小的{ranked[0].area.name}",
            "the smaller code has it",
        )
    else:
        settled_zh, settled_en = "按精度范围内的占比排序", "ranked by share of the accuracy circle"
    return Reason(
        "areas-overlap" if overlap else "on-shared-edge",
        f"定位点在 {names_zh} {where_zh}，{settled_zh}。",
        f"The pin lies {where_en}; {settled_en}: {names_en}.",
        {"codes": [c.code for c in ranked], "by_rule": by_rule},
    )


def reaches(
    reached: Sequence[Candidate], accuracy_m: float | None, *, subject: Subject = "pin"
) -> Reason:
    """Say which areas the accuracy circle reaches, or which ones all evidence leaves open."""
    zh = "、".join(f"{c.area.name} {_percent(c.probability)}" for c in reached[:3])
    en = ", ".join(f"{c.area.name} {_percent(c.probability)}" for c in reached[:3])
    radius_zh = "" if accuracy_m is None else f"（精度 {_metres(accuracy_m)} 米）"
    radius_en = "" if accuracy_m is None else f" ({_metres(accuracy_m)} m)"
    more_zh, more_en = (" 等", ", ...") if reached[3:] else ("", "")
    areas = "area" if len(reached) == 1 else "areas"
    if subject != "pin":
        return Reason(
            "evidence-leaves-open",
            f"可能在 {len(reached)} 个区域之内：{zh}{more_zh}。",
            f"It may be in {len(reached)} {areas}: {en}{more_en}.",
            {"count": len(reached), "codes": [candidate.code for candidate in reached]},
        )
    return Reason(
        "accuracy-reaches",
        f"定位范围{radius_zh}涉及 {len(reached)} 个区域：{zh}{more_zh}。",
        f"The accuracy circle{radius_en} reaches {len(reached)} {areas}: {en}{more_en}.",
        {
            "accuracy_m": accuracy_m,
            "count": len(reached),
            "codes": [candidate.code for candidate in reached],
        },
    )


def certain_to_level(area: AreaRef, share: float) -> Reason:
    """Say that only a coarser area is certain."""
    level = LEVELS[area.level]
    return Reason(
        "certain-to-level",
        f"只能确定到{level.title_zh}一级：{area.name}（{_percent(share)}）。",
        f"Certain only to the {level.title_en}: {area.name} ({_percent(share)}).",
        {"level": area.level, "code": area.code, "probability": round(share, DIGITS)},
    )


def in_gap(around: AreaRef | None, nearest: NearestArea | None) -> Reason:
    """Say that the pin lies in the city where no grid is drawn."""
    zh, en = _nearest_words(nearest)
    in_zh, in_en = ("本市", "the city") if around is None else (around.name, around.name)
    return Reason(
        "in-gap",
        f"定位点在{in_zh}内，但没有网格覆盖（盲区）{zh}。",
        f"The pin lies in {in_en}, where no grid covers it{en}.",
        {"around": None if around is None else around.code, **_nearest_facts(nearest)},
    )


def outside_city(nearest: NearestArea | None) -> Reason:
    """Say that the pin lies in none of the city's areas."""
    zh, en = _nearest_words(nearest)
    return Reason(
        "outside-city",
        f"定位点不在本市范围内{zh}。",
        f"The pin lies outside the city{en}.",
        _nearest_facts(nearest),
    )


def boundary_exception(
    area: AreaRef | None,
    mapped: AreaRef | None,
    *,
    author: str,
    reason: str,
    until: str,
    number: int,
    code: str,
    unit: str | None,
) -> Reason:
    """Say that an exception decides here, who made it and why.

    ``area`` is None when the area that should decide is not drawn any more; ``mapped`` is whose
    the place is on the map.
    """
    facts: dict[str, Fact] = {
        "exception": str(number),
        "code": code,
        "unit": unit,
        "mapped": None if mapped is None else mapped.code,
        "author": author,
        "reason": reason,
        "until": until,
    }
    if area is None:
        return Reason(
            "boundary-exception-void",
            f"边界例外 {number}（{author}：{reason}）指定的区域 {code} 已不存在，未予采用。",
            f"Boundary exception {number} ({author}: {reason}) names {code}, which is not drawn "
            "any more; it was not applied.",
            facts,
        )
    was_zh = "" if mapped is None else f"（地图上属{mapped.name}）"
    was_en = "" if mapped is None else f" (on the map it is {mapped.name})"
    return Reason(
        "boundary-exception",
        f"此处按边界例外 {number} 归{area.name}负责{was_zh}。设定人 {author}，理由：{reason}。",
        f"By boundary exception {number} this is for {area.name}{was_en}. Made by {author}: "
        f"{reason}.",
        facts,
    )


def may_be_outside(outside: float) -> Reason:
    """Say that the place may lie where no area is drawn."""
    return Reason(
        "may-be-outside",
        f"有 {_percent(outside)} 的可能落在网格之外（市界外或盲区）。",
        f"It may lie outside every grid ({_percent(outside)}): beyond the city, or in a gap.",
        {"outside_probability": outside},
    )


def may_be_anywhere(unplaced: float) -> Reason:
    """Say that nothing given may name the place at all."""
    return Reason(
        "may-be-anywhere",
        f"有 {_percent(unplaced)} 的可能都不是：线索可能指错了地方。",
        f"It may be none of them ({_percent(unplaced)}): what was given may name another place.",
        {"probability": unplaced},
    )


def _nearest_words(nearest: NearestArea | None) -> tuple[str, str]:
    if nearest is None:
        return "", ""
    distance = _metres(nearest.distance_m)
    return (
        f"，最近的是{nearest.area.name}，相距 {distance} 米",
        f"; the nearest is {nearest.area.name}, {distance} m away",
    )


def _nearest_facts(nearest: NearestArea | None) -> dict[str, Fact]:
    if nearest is None:
        return {}
    return {"nearest": nearest.area.code, "distance_m": round(nearest.distance_m, 3)}


def _metres(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _percent(share: float) -> str:
    """Return a share in words that never round a doubt away.

    >>> _percent(0.98149), _percent(0.9999), _percent(1.0), _percent(0.004)
    ('98 %', '>99 %', '100 %', '<1 %')
    """
    if share >= 1.0:
        return "100 %"
    if share > 0.99:
        return ">99 %"
    return f"{share * 100:.0f} %" if share >= 0.01 else "<1 %"
