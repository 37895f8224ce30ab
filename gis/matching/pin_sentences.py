"""What is said about a pin: that it is bad or old, and how its numbers must be read."""

from __future__ import annotations

from typing import Final

from gis.governance.reasons import Reason
from gis.matching.crs_posterior import READINGS

BAD_PINS: Final[dict[str, tuple[str, str]]] = {
    "null-island": ("是 (0, 0)，即没有定位", "is (0, 0): there was no fix"),
    "city-centre": ("是全市的中心点", "is the centre of the city"),
    "county-centre": ("是区县的中心点", "is the centre of a county"),
    "repeated": ("是反复出现的同一坐标", "is one coordinate that keeps coming in"),
}


def length(metres: float) -> tuple[str, str]:
    """Return a length in words of both languages.

    >>> length(1234.0), length(23.4)
    (('1.2 公里', '1.2 km'), ('23 米', '23 m'))
    """
    if metres >= 1000.0:
        return f"{metres / 1000:.1f} 公里", f"{metres / 1000:.1f} km"
    return f"{metres:.0f} 米", f"{metres:.0f} m"


def bad_pin(kind: str, times: int, places: int) -> Reason:
    """Say that the coordinate stands for a failure and not for a place."""
    zh, en = BAD_PINS.get(kind, BAD_PINS["repeated"])
    often_zh = f"（{places} 个不同地址共用，{times} 次）" if times else ""
    often_en = f" ({times} times, for {places} different addresses)" if times else ""
    return Reason(
        "known-bad-pin",
        f"定位点{zh}{often_zh}，多为地址解析失败所致，基本不予采信。",
        f"The pin {en}{often_en}: a failed geocoding, it counts next to nothing.",
        {"kind": kind, "times": times, "addresses": places},
    )


def stale_fix(age_s: float) -> Reason:
    """Say that the position was fixed long before the report, or after it."""
    minutes = round(abs(age_s) / 60.0)
    if age_s < 0:
        zh, en = f"定位时间比上报晚 {minutes} 分钟", f"was fixed {minutes} min after the report"
    else:
        zh, en = f"定位时间比上报早 {minutes} 分钟", f"was fixed {minutes} min before the report"
    return Reason(
        "stale-fix",
        f"{zh}，期间人可能已移动，降低采信。",
        f"The pin {en}: people move, it counts less.",
        {"age_s": round(age_s)},
    )


def accuracy_implausible(stated_m: float, taken_m: float) -> Reason:
    """Say that no phone is that good."""
    return Reason(
        "accuracy-implausible",
        f"所报精度 {stated_m:.2g} 米不可信，按该来源常见的 {taken_m:.0f} 米计。",
        f"An accuracy of {stated_m:.2g} m is not credible; {taken_m:.0f} m, as this source usually "
        "has, is taken instead.",
        {"accuracy_m": stated_m, "taken_m": taken_m},
    )


def accuracy_useless(stated_m: float) -> Reason:
    """Say that a pin that vague names no place."""
    zh, en = length(stated_m)
    return Reason(
        "accuracy-useless",
        f"所报精度为 {zh}，定位点几乎没有参考价值。",
        f"With an accuracy of {en} the pin says next to nothing.",
        {"accuracy_m": stated_m},
    )


def read_as(key: str, declared: str | None, shift_m: float, share: float, *, by: str) -> Reason:
    """Say in which system the numbers fit, how far that is from the declared one, and who tells.

    ``by`` is ``address``, ``photo``, ``usual`` (place of the sender) or ``history``.

    >>> read_as("BD-09", "WGS84", 1210.0, 0.99, by="address").text_en
    'The pin fits the address when read as BD-09, not as declared (WGS84): 1.2 km.'
    """
    kind = READINGS[key]
    zh, en = length(shift_m)
    told_zh, told_en = {
        "address": ("才与地址相符", "fits the address when read as"),
        "photo": ("才与照片位置相符", "fits the photo when read as"),
        "usual": ("才在上报人常去的地方", "lies where the sender usually is when read as"),
        "history": ("才符合该来源一贯的情况", "fits what this source always sends when read as"),
    }[by]
    was_zh = "未声明坐标系" if declared is None else f"声明为 {declared}"
    was_en = "nothing was declared" if declared is None else f"not as declared ({declared})"
    if key.startswith("swapped-"):
        plain = key.removeprefix("swapped-")
        return Reason(
            "read-as",
            f"经度和纬度写反了，对调后按 {plain} 解读{told_zh}。",
            f"Longitude and latitude were swapped; swapped back, the pin {told_en} {plain}.",
            {"reading": key, "declared": declared, "shift_m": None, "probability": share},
        )
    gap = " " if kind.title_zh[0].isascii() else ""
    return Reason(
        "read-as",
        f"定位点按{gap}{kind.title_zh} 解读{told_zh}（{was_zh}，相差 {zh}）。",
        f"The pin {told_en} {kind.title_en}, {was_en}: {en}.",
        {
            "reading": key,
            "declared": declared,
            "shift_m": round(shift_m, 1),
            "probability": round(share, 6),
        },
    )


def unclear_system(shares: dict[str, float]) -> Reason:
    """Say that several systems are possible, and how likely each is."""
    likely = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:3]
    zh = "、".join(f"{READINGS[k].title_zh} {100 * p:.0f} %" for k, p in likely if p >= 0.01)
    en = ", ".join(f"{READINGS[k].title_en} {100 * p:.0f} %" for k, p in likely if p >= 0.01)
    return Reason(
        "system-unclear",
        f"坐标系不能确定：{zh}。",
        f"The coordinate system is not certain: {en}.",
        {"readings": [k for k, p in likely if p >= 0.01]},
    )
