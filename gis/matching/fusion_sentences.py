"""What is said of evidence beside other evidence: it agrees, it conflicts, it names nothing."""

from __future__ import annotations

from typing import Final

from gis.governance.reasons import Reason
from gis.matching.pin_sentences import length

_PLACE: Final[dict[str, tuple[str, str]]] = {
    "pin": ("定位点", "pin"),
    "address": ("地址", "address"),
    "photo": ("照片位置", "photo"),
}


def address_unread() -> Reason:
    """Say that the address names nothing that is known."""
    return Reason(
        "address-unknown",
        "地址在地名地址库中没有找到对应的地点。",
        "Nothing in the gazetteer fits the address.",
    )


def agree(one: str, other: str, metres: float) -> Reason:
    """Say that two pieces of evidence lie together."""
    (zh1, en1), (zh2, en2) = _PLACE[one], _PLACE[other]
    zh, en = length(metres)
    return Reason(
        f"{one}-{other}-agree",
        f"{zh1}与{zh2}相距 {zh}，相互印证。",
        f"The {en1} and the {en2} are {en} apart and bear each other out.",
        {"distance_m": round(metres, 1)},
    )


def conflict(one: str, other: str, metres: float) -> Reason:
    """Say that two pieces of evidence cannot both be right.

    >>> conflict("pin", "address", 1800.0).text_zh
    '定位点与地址相距 1.8 公里，相互矛盾。'
    """
    (zh1, en1), (zh2, en2) = _PLACE[one], _PLACE[other]
    zh, en = length(metres)
    return Reason(
        "evidence-conflict",
        f"{zh1}与{zh2}相距 {zh}，相互矛盾。",
        f"The {en1} and the {en2} are {en} apart: one of them is wrong.",
        {"between": [one, other], "distance_m": round(metres, 1)},
    )


def pin_alone_is_bad() -> Reason:
    """Say that nothing but a bad pin is there."""
    return Reason(
        "nothing-else",
        "除此之外没有其他线索，请调度员确认位置。",
        "There is nothing else to go by: a dispatcher places it on the map.",
    )


def doors_about(name: str, metres: float) -> Reason:
    """Say that a pin lies beside a grid, and the doors about it lie in it.

    >>> doors_about("第三网格", 4.2).text_zh
    '定位点在第三网格边界外 4 米，但按误差范围，附近的门牌多在该网格内。'
    """
    zh, en = length(metres)
    return Reason(
        "doors-about",
        f"定位点在{name}边界外 {zh}，但按误差范围，附近的门牌多在该网格内。",
        f"The pin lies {en} outside {name}, but within its error most doors about are in it.",
        {"distance_m": round(metres, 1)},
    )


def dedicated(name: str, code: str, category: str) -> Reason:
    """Say that a dedicated grid takes this category for itself."""
    return Reason(
        "dedicated-grid",
        f"{name}为专属网格，此类事件由其负责。",
        f"{name} is a dedicated grid and takes events of this category.",
        {"code": code, "category": category},
    )


def learned_alias(text: str, times: int) -> Reason:
    """Say that dispatchers have confirmed before where this is."""
    return Reason(
        "learned-alias",
        f"“{text}”此前已由调度员确认过 {times} 次位置。",
        f"“{text}” was placed by dispatchers before ({times} times).",
        {"alias": text, "times": times},
    )
