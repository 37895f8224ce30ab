"""Why an address was read as a place, in the words of a dispatcher."""

from __future__ import annotations

from typing import Final

from gis.governance.reasons import Reason
from gis.matching.address_streets import Numbered
from gis.matching.address_tokens import Relative

LEVEL_ZH: Final = {
    "door": "门牌", "building": "楼栋", "compound": "小区", "village": "自然村", "landmark": "地点",
    "road": "道路", "intersection": "路口", "community": "社区（村）",
    "subdistrict": "街道（乡镇）",
    "county": "区县", "city": "城市",
}  # fmt: skip
LEVEL_EN: Final = {
    "door": "door", "building": "building", "compound": "compound", "village": "hamlet",
    "landmark": "place", "road": "road", "intersection": "crossing", "community": "community",
    "subdistrict": "subdistrict", "county": "county", "city": "city",
}  # fmt: skip


def named(level: str, name: str) -> Reason:
    """Say what the address was found as.

    >>> named("door", "琅琊路12号").text_zh
    '地名库收录了该门牌：琅琊路12号。'
    """
    return Reason(
        "address-found",
        f"地名库收录了该{LEVEL_ZH[level]}：{name}。",
        f"The gazetteer has this {LEVEL_EN[level]}: {name}.",
        {"level": level, "name": name},
    )


def heard_as(said: str, meant: str) -> Reason:
    """Say that a name was understood by its sound.

    >>> heard_as("郎牙路", "琅琊路").text_zh
    '“郎牙路”按读音理解为“琅琊路”。'
    """
    return Reason(
        "address-heard-as",
        f"“{said}”按读音理解为“{meant}”。",
        f"'{said}' was taken by its sound for '{meant}'.",
        {"said": said, "meant": meant},
    )


def written_as(said: str, meant: str) -> Reason:
    """Say that a short, old or slightly wrong name was understood.

    >>> written_as("琅琊街", "琅琊路").text_zh
    '“琅琊街”理解为“琅琊路”。'
    """
    return Reason(
        "address-written-as",
        f"“{said}”理解为“{meant}”。",
        f"'{said}' was taken for '{meant}'.",
        {"said": said, "meant": meant},
    )


def worked_out(road: str, number: str, place: Numbered) -> Reason:
    """Say between which known numbers an unlisted one was placed."""
    metres = round(place.uncertainty_m)
    facts = {
        "road": road, "number": number, "low": place.low, "high": place.high,
        "uncertainty_m": metres, "same_side": place.same_side,
    }  # fmt: skip
    if place.low == place.high and place.low is not None:
        zh = f"地名库没有{road}{number}号，用主号{place.low}号的位置。"
        en = f"{road} {number} is not listed; the place of number {place.low} is used."
    elif place.low is None or place.high is None:
        end = place.low if place.low is not None else place.high
        zh = f"地名库没有{road}{number}号，从{end}号沿路外推，误差约 {metres} 米。"
        en = f"{road} {number} is not listed; placed beyond number {end}, give or take {metres} m."
    else:
        between = f"按{place.low}号与{place.high}号之间推算"
        zh = f"地名库没有{road}{number}号，{between}，误差约 {metres} 米。"
        en = (
            f"{road} {number} is not listed; placed between {place.low} and {place.high}, "
            f"give or take {metres} m."
        )
    return Reason("address-number-worked-out", zh, en, facts)


def not_listed(name: str, asked: str) -> Reason:
    """Say that a part is unknown, so that the whole stands for it."""
    return Reason(
        "address-part-unknown",
        f"地名库里的“{name}”没有“{asked}”，只能定位到{name}。",
        f"The gazetteer has no '{asked}' of {name}: only {name} itself is placed.",
        {"name": name, "asked": asked},
    )


def levels_missing(missing: tuple[str, ...]) -> Reason:
    """Say which levels the address leaves out."""
    words = "、".join(LEVEL_ZH[level] for level in missing)
    english = ", ".join(LEVEL_EN[level] for level in missing)
    return Reason(
        "address-levels-missing",
        f"地址没有写明{words}。",
        f"The address leaves out: {english}.",
        {"levels": list(missing)},
    )


def contradicts(said: str, actual: str) -> Reason:
    """Say that the place lies elsewhere than the address says: never a silent guess over a border.

    >>> contradicts("龙池社区", "琅琊区西门街道北门社区").text_zh
    '注意：地址写的是“龙池社区”，而地名库中这个地点在琅琊区西门街道北门社区。'
    """
    return Reason(
        "address-area-contradicts",
        f"注意：地址写的是“{said}”，而地名库中这个地点在{actual or '别处'}。",
        f"Note: the address says '{said}', but the gazetteer has this place in {actual}.",
        {"said": said, "actual": actual},
    )


def same_name(count: int, name: str) -> Reason:
    """Say that several places bear the name."""
    return Reason(
        "address-ambiguous",
        f"全市有 {count} 处“{name}”与这个地址相符，请结合其他信息确认。",
        f"{count} places called '{name}' fit this address: other evidence must decide.",
        {"count": count, "name": name},
    )


def lies_relative(how: Relative) -> Reason:
    """Say how the reported thing lies to the named place."""
    return Reason(
        "address-relative",
        f"位置是相对的（{how.words}），已相应移动或放宽范围。",
        f"The place is relative ('{how.words}'): moved or widened accordingly.",
        {"words": how.words, "east_m": round(how.east_m, 1), "north_m": round(how.north_m, 1)},
    )


def elsewhere(name: str) -> Reason:
    """Say that the address names a place outside the city."""
    return Reason(
        "address-elsewhere",
        f"地址写的是“{name}”，不在本市。",
        f"The address names '{name}', which is outside this city.",
        {"name": name},
    )
