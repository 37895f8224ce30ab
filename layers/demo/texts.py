"""Chinese texts of reports: titles, descriptions, and addresses as people really type them."""

from __future__ import annotations

from typing import Final

import numpy as np

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "event-exposed-rubbish": (
        "路边垃圾成堆没人清理",
        "垃圾桶满了,垃圾散落一地",
        "有人乱倒生活垃圾,气味很大",
    ),
    "event-construction-spoil": ("装修垃圾堆在路边", "渣土倾倒在空地上", "建筑垃圾堵住通道"),
    "event-dirty-road": ("路面有大量泥土", "道路积灰严重,好几天没扫", "路面有油污"),
    "event-dirty-water": ("河面漂浮垃圾", "水塘发黑发臭", "沟渠里有死鱼和塑料袋"),
    "event-dirty-green-space": ("绿化带里都是垃圾", "草坪被踩踏,有宠物粪便"),
    "event-green-space-upkeep": ("行道树倒伏", "树枝遮挡路灯", "绿化带枯死一片"),
    "event-open-burning": ("有人焚烧落叶,烟很大", "田边焚烧秸秆", "露天焚烧垃圾"),
    "event-illegal-posters": ("楼道里贴满小广告", "电线杆上有小广告", "墙面喷涂办证广告"),
    "event-outdoor-advertising": ("店招牌松动有掉落危险", "违规竖立广告牌"),
    "event-construction-noise": ("工地夜间施工噪音扰民", "凌晨打桩影响休息"),
    "event-construction-on-road": ("施工围挡占用人行道", "道路开挖没有围挡"),
    "event-construction-dust": ("工地扬尘严重", "渣土车不盖篷布,灰尘大"),
    "event-unlicensed-trade": ("无照烧烤摊点", "流动摊贩没有证照"),
    "event-street-market": ("早市占道,交通堵塞", "夜市收摊后满地油污"),
    "event-street-stall": ("店外经营占用人行道", "水果摊摆到马路上", "小区门口摆摊占道"),
    "event-illegal-parking": (
        "车辆停在消防通道",
        "人行道上乱停车",
        "共享单车乱堆放",
        "货车长期占道停放",
    ),
    "event-illegal-building": ("楼顶搭建彩钢棚", "一楼住户私搭院墙", "占用公共通道搭建"),
    "event-vagrancy": ("桥下有流浪人员过夜", "有老人独自徘徊,疑似走失"),
    "event-burst-pipe": ("自来水管爆裂,水流满路", "地下管道漏水"),
    "event-road-collapse": ("路面塌陷一个大坑", "人行道地砖塌陷"),
    "event-road-flooding": ("暴雨后道路积水严重", "下水道堵塞,路面积水"),
    "event-fire": ("楼道电瓶车起火冒烟", "厨房着火"),
    "component-manhole-cover-sewage": ("污水井盖破损", "井盖缺失,行人危险"),
    "component-manhole-cover-rainwater": ("雨水井盖松动,车过有响声", "雨水箅子被盗"),
    "component-street-lamp": ("路灯不亮", "路灯白天常亮", "灯杆倾斜"),
    "component-traffic-sign": ("交通标志牌被遮挡", "指示牌倒了"),
    "component-guard-rail": ("护栏被撞坏", "护栏缺失一段"),
    "component-public-toilet": ("公厕没水,卫生差", "公厕门锁坏了"),
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
    "幢": "栋", "涧": "间", "遵": "尊", "溪": "西", "嘉": "佳", "炉": "卢",
}  # fmt: skip
"""Character -> one that sounds like it: how addresses come in when typed by ear."""

_OPENINGS: Final = ("", "", "您好,", "市民反映:", "巡查发现:")
_ENDINGS: Final = ("", ",请尽快处理", ",希望有关部门处理", ",影响出行", ",请核实", ",已经好几天了")


def describe(category: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return title and description of a report of a category."""
    choice = PHRASES[category]
    phrase = choice[int(rng.integers(len(choice)))]
    start = _OPENINGS[int(rng.integers(len(_OPENINGS)))]
    end = _ENDINGS[int(rng.integers(len(_ENDINGS)))]
    return phrase, f"{start}{phrase}{end}。"


def as_typed(text: str, rng: np.random.Generator) -> tuple[str, list[str]]:
    """Return an address as somebody types it, and what was done to it."""
    faults: list[str] = []
    draw = rng.random(4)
    if draw[0] < 0.55:
        text = text.removeprefix("安徽省")
        if draw[0] < 0.3:
            text = text.removeprefix("滁州市")
            faults.append("short")
    if draw[1] < 0.18:
        heard = [c for c in dict.fromkeys(text) if c in BY_EAR]
        for character in heard[: 1 + int(draw[1] < 0.06)]:
            text = text.replace(character, BY_EAR[character], 1)
            faults.append(f"heard-{character}-as-{BY_EAR[character]}")
    if draw[2] < 0.10:
        text += ("附近", "对面", "旁边", "门口", "附近50米")[int(draw[2] * 50)]
        faults.append("relative")
    if draw[3] < 0.05:
        text = text.replace("号", "", 1)
        faults.append("no-号")
    return text, faults
