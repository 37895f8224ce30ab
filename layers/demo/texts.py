"""Chinese texts of reports: titles, descriptions, and addresses as people really type them."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "event-exposed-rubbish": (
        "路边垃圾成堆没人清理",
        "垃圾桶满了，垃圾散落一地",
        "有人乱倒生活垃圾，气味很大",
    ),
    "event-construction-spoil": ("装修垃圾堆在路边", "渣土倾倒在空地上", "建筑垃圾堵住通道"),
    "event-dirty-road": ("路面有大量泥土", "道路积灰严重，好几天没扫", "路面有油污"),
    "event-dirty-water": ("河面漂浮垃圾", "水塘发黑发臭", "沟渠里有死鱼和塑料袋"),
    "event-dirty-green-space": ("绿化带里都是垃圾", "草坪被踩踏，有宠物粪便"),
    "event-green-space-upkeep": ("行道树倒伏", "树枝遮挡路灯", "绿化带枯死一片"),
    "event-open-burning": ("有人焚烧落叶，烟很大", "田边焚烧秸秆", "露天焚烧垃圾"),
    "event-illegal-posters": ("楼道里贴满小广告", "电线杆上有小广告", "墙面喷涂办证广告"),
    "event-outdoor-advertising": ("店招牌松动有掉落危险", "违规竖立广告牌"),
    "event-construction-noise": ("工地夜间施工噪音扰民", "凌晨打桩影响休息"),
    "event-construction-on-road": ("施工围挡占用人行道", "道路开挖没有围挡"),
    "event-construction-dust": ("工地扬尘严重", "渣土车不盖篷布，灰尘大"),
    "event-unlicensed-trade": ("无照烧烤摊点", "流动摊贩没有证照"),
    "event-street-market": ("早市占道，交通堵塞", "夜市收摊后满地油污"),
    "event-street-stall": ("店外经营占用人行道", "水果摊摆到马路上", "小区门口摆摊占道"),
    "event-illegal-parking": (
        "车辆停在消防通道",
        "人行道上乱停车",
        "共享单车乱堆放",
        "货车长期占道停放",
    ),
    "event-illegal-building": ("楼顶搭建彩钢棚", "一楼住户私搭院墙", "占用公共通道搭建"),
    "event-vagrancy": ("桥下有流浪人员过夜", "有老人独自徘徊，疑似走失"),
    "event-burst-pipe": ("自来水管爆裂，水流满路", "地下管道漏水"),
    "event-road-collapse": ("路面塌陷一个大坑", "人行道地砖塌陷"),
    "event-road-flooding": ("暴雨后道路积水严重", "下水道堵塞，路面积水"),
    "event-fire": ("楼道电瓶车起火冒烟", "厨房着火"),
    "component-manhole-cover-sewage": ("污水井盖破损", "井盖缺失，行人危险"),
    "component-manhole-cover-rainwater": ("雨水井盖松动，车过有响声", "雨水箅子被盗"),
    "component-street-lamp": ("路灯不亮", "路灯白天常亮", "灯杆倾斜"),
    "component-traffic-sign": ("交通标志牌被遮挡", "指示牌倒了"),
    "component-guard-rail": ("护栏被撞坏", "护栏缺失一段"),
    "component-public-toilet": ("公厕没水，卫生差", "公厕门锁坏了"),
    "component-litter-bin": ("果皮箱损坏", "果皮箱满溢"),
    "component-fitness-equipment": ("健身器材损坏", "健身器材螺丝松动"),
    "component-power-cabinet": ("电箱门敞开", "配电箱倾斜"),
    "component-street-tree": ("行道树枯死", "树根拱起人行道"),
    "hotline-complaint": ("反映物业不作为", "投诉商家噪音", "反映楼上漏水物业不管"),
    "hotline-help": ("独居老人需要帮助", "申请修复楼道灯", "咨询并求助低保办理"),
    "hotline-suggestion": ("建议增设红绿灯", "建议增加公交站点", "建议小区加装充电桩"),
    "hotline-inquiry": ("咨询医保缴费", "咨询居住证办理地点"),
}
"""Category key -> what people say about it."""

SOURCE_WEIGHTS: Final[dict[str, float]] = {
    "snap": 0.38,
    "hotline-12345": 0.29,
    "patrol": 0.18,
    "courier": 0.09,
    "video": 0.06,
}

CATEGORY_WEIGHTS: Final[dict[str, float]] = {
    "event-illegal-parking": 14, "event-exposed-rubbish": 13, "event-street-stall": 9,
    "event-illegal-posters": 6, "event-dirty-road": 6, "event-construction-spoil": 4,
    "event-dirty-green-space": 4, "event-green-space-upkeep": 4, "event-illegal-building": 3,
    "event-construction-noise": 4, "event-construction-dust": 3, "event-unlicensed-trade": 3,
    "component-street-lamp": 5, "component-manhole-cover-sewage": 3,
    "component-manhole-cover-rainwater": 3, "component-litter-bin": 2,
    "component-guard-rail": 2, "component-fitness-equipment": 2, "component-street-tree": 2,
}  # fmt: skip
"""How often a category is reported; 1 for the rest of :data:`PHRASES`."""

BY_EAR: Final[dict[str, str]] = {
    "琅": "郎", "琊": "牙", "滁": "除", "谯": "桥", "椒": "焦", "凤": "风", "苑": "院", "郢": "营",
    "圩": "围", "塘": "堂", "蟠": "盘", "襄": "相", "岗": "冈", "集": "记", "桥": "乔", "庄": "装",
    "洼": "挖", "龙": "隆", "西": "希", "锦": "金", "翠": "脆", "湾": "弯", "醉": "最", "菱": "林",
    "幢": "栋", "涧": "间", "遵": "尊", "溪": "西", "嘉": "佳", "炉": "卢", "丰": "风", "清": "青",
    "仁": "人", "和": "河", "永": "勇", "城": "成", "家": "加", "新": "辛", "安": "岸", "明": "名",
    "光": "广", "山": "三", "花": "华", "园": "圆", "江": "姜", "洪": "红", "武": "五", "梅": "美",
    "紫": "子", "薇": "威", "玫": "梅", "瑰": "贵", "康": "慷", "府": "俯", "女": "吕", "张": "章",
    "石": "时", "坝": "霸", "界": "介", "严": "言", "韩": "寒", "魏": "卫", "傅": "付", "熊": "雄",
    "古": "谷", "沛": "配", "施": "诗", "管": "馆", "池": "迟", "河": "何", "杨": "阳", "李": "里",
}  # fmt: skip
"""Character -> one that sounds like it: how addresses come in when typed by ear."""

BESIDE: Final[dict[str, tuple[float, float]]] = {
    "附近": (0.0, 25.0), "对面": (28.0, 6.0), "旁边": (0.0, 14.0), "门口": (0.0, 4.0),
    "东北方向50米": (50.0, 6.0), "往北30米": (30.0, 6.0),
}  # fmt: skip
"""What people add to an address: metres from it and the spread of that, each way."""

_DIGITS: Final = "零一二三四五六七八九"
_WIDE: Final = str.maketrans("0123456789", "０１２３４５６７８９")
_TRADITIONAL: Final = str.maketrans("县区镇号东门龙兴华", "縣區鎮號東門龍興華")

_OPENINGS: Final = ("", "", "您好,", "市民反映:", "巡查发现:")
_ENDINGS: Final = ("", ",请尽快处理", ",希望有关部门处理", ",影响出行", ",请核实", ",已经好几天了")


def describe(category: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return title and description of a report of a category."""
    choice = PHRASES[category]
    phrase = choice[int(rng.integers(len(choice)))]
    start = _OPENINGS[int(rng.integers(len(_OPENINGS)))]
    end = _ENDINGS[int(rng.integers(len(_ENDINGS)))]
    return phrase, f"{start}{phrase}{end}。"


def as_typed(
    text: str,
    levels: tuple[str, ...],
    rng: np.random.Generator,
    *,
    by_ear: bool = False,
    beside: str | None = None,
) -> tuple[str, list[str]]:
    """Return an address as somebody types it, and what was done to it.

    Parameters
    ----------
    levels
        Names of city, county, subdistrict and community, as they stand in the text.
    by_ear
        An operator types what a caller says: far more sounds are mistaken.
    beside
        A key of :data:`BESIDE` that is said after it.
    """
    faults: list[str] = []
    draw = rng.random(8)
    text = _shortened(text, levels, draw, faults)
    text = _misheard(text, draw[3], 0.6 if by_ear else 0.2, faults, rng)
    text = _written_otherwise(text, draw, by_ear=by_ear, faults=faults)
    if beside is not None:
        text += beside
        faults.append("relative")
    return text, faults


def _shortened(text: str, levels: tuple[str, ...], draw: np.ndarray, faults: list[str]) -> str:
    city, _, subdistrict, community = levels
    if draw[0] < 0.55:
        text = text.removeprefix("安徽省")
        if draw[0] < 0.3:
            text = text.removeprefix(city)
            faults.append("short")
    if draw[1] < 0.10:
        text = text.replace(subdistrict, "", 1)
        faults.append("no-subdistrict")
    elif draw[1] < 0.15:
        text = text.replace(community, "", 1)
        faults.append("no-community")
    elif draw[1] < 0.18:
        text = text.replace(subdistrict + community, community + subdistrict, 1)
        faults.append("order")
    elif draw[1] < 0.22 and community.endswith("社区"):
        text = text.replace(community, community.removesuffix("社区") + "居委会", 1)
        faults.append("level-word")
    elif draw[1] < 0.25 and subdistrict.endswith("街道"):
        text = text.replace(subdistrict, subdistrict.removesuffix("街道") + "镇", 1)
        faults.append("level-word")
    return text


def _misheard(
    text: str, draw: float, share: float, faults: list[str], rng: np.random.Generator
) -> str:
    if draw >= share:
        return text
    heard = [c for c in dict.fromkeys(text.removeprefix("安徽省")) if c in BY_EAR]
    rng.shuffle(heard)
    for character in heard[: 1 + int(draw < share / 3)]:
        text = text[::-1].replace(character, BY_EAR[character], 1)[::-1]
        faults.append(f"heard-{character}-as-{BY_EAR[character]}")
    return text


def _written_otherwise(text: str, draw: np.ndarray, *, by_ear: bool, faults: list[str]) -> str:
    if draw[4] < 0.05:
        text = text.replace("号", "", 1)
        faults.append("no-号")
    if draw[5] < (0.15 if by_ear else 0.04):
        text = re.sub(r"\d+(?=号|幢)", lambda found: spoken_number(int(found.group())), text)
        faults.append("spoken-number")
    elif draw[5] > 0.97:
        text = text.translate(_WIDE)
        faults.append("full-width")
    if draw[6] < 0.01:
        text = text.translate(_TRADITIONAL)
        faults.append("traditional")
    elif draw[6] > 0.95:
        text = text.replace("幢", "号楼", 1)
    return text


def spoken_number(number: int) -> str:
    """Return a number below 10,000 as it is said.

    >>> spoken_number(12), spoken_number(305), spoken_number(1020), spoken_number(40)
    ('十二', '三百零五', '一千零二十', '四十')
    """
    said, gap = "", False
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            said += ("零" if gap and said else "") + _DIGITS[digit] + word
            gap = False
        elif said:
            gap = True
    return said.removeprefix("一") if said.startswith("一十") else said or _DIGITS[0]
