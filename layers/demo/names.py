"""Made names of people, streets, compounds, hamlets and shops; no real person or firm is meant."""

from __future__ import annotations

from typing import Final

import numpy as np

SURNAMES: Final = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文",
)
_GIVEN: Final = tuple(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚玲桂英华玉萍红梅建国志文海燕晓东春兰秀云飞鹏宇浩然子轩梓涵雨欣思佳怡悦俊豪嘉琪一诺博雅婷倩颖琳波斌凯辉成龙永福德仁义礼信忠孝安康宁泰和顺",
)
ROAD_WORDS: Final = (
    "人民", "中山", "建设", "解放", "文昌", "丰乐", "清流", "琅琊", "龙蟠", "会峰", "花园",
    "紫薇", "凤凰", "扬子", "醉翁", "西涧",
    "东坡", "永阳", "菱溪", "全椒", "定远", "来安", "明光", "天长", "上海", "南京", "合肥",
    "滁宁", "创业", "兴业", "和平", "胜利",
    "团结", "友谊", "光明", "幸福", "长江", "淮河", "洪武", "鼓楼", "府城", "中都", "玄武",
    "花鼓", "石坝", "女山", "嘉山", "池河",
    "曲阳", "泉坞", "定城", "炉桥", "襄河", "吴敬梓", "儒林", "太平", "新华", "健康", "天康",
    "千秋", "广陵", "石梁", "平安", "学府",
    "育才", "文苑", "科创", "工业", "物流", "站前", "环城", "滨河", "湖心", "银花", "金山",
    "南屏", "北湖", "东升", "西湖", "明湖",
    "世纪", "迎宾", "腾飞", "振兴", "富民", "惠民", "安康", "祥和", "锦绣", "翠湖", "桃源",
    "梅园", "兰亭", "竹苑", "菊香", "荷塘",
    "柳湖", "松涛", "枫林", "桂花", "樱花", "玉兰", "海棠", "芙蓉", "丁香", "茉莉", "白云",
    "蓝天", "朝阳", "晨光", "星光", "月亮",
)  # fmt: skip
MAIN_ENDINGS: Final = ("大道", "路", "路")
STREET_ENDINGS: Final = ("路", "街", "巷", "路")
COMPOUND_WORDS: Final = (
    "锦绣", "龙蟠", "紫薇", "金色", "阳光", "翡翠", "碧水", "天逸", "发能", "中央", "滨湖",
    "同乐", "清流", "北湖", "丽景", "御景",
    "凤凰", "香榭", "左岸", "书香", "文昌", "东方", "西涧", "南湖", "银河", "金域", "湖畔",
    "丹桂", "玫瑰", "观澜", "梧桐", "云水",
    "世纪", "祥生", "和顺", "万桥", "永乐", "华府", "山水", "明珠", "盛世", "安居", "康居",
    "教师", "铁路", "棉纺", "粮食", "供销",
)  # fmt: skip
COMPOUND_ENDINGS: Final = (
    "花园", "小区", "苑", "新村", "家园", "公馆", "名邸", "华庭", "城", "湾", "里", "雅居",
    "南苑", "北苑", "东区", "西区",
)  # fmt: skip
_HAMLET_FIRST: Final = (*SURNAMES[:70], "大", "小", "前", "后", "上", "下", "东", "西", "老", "新")
_HAMLET_MIDDLE: Final = ("", "", "", "大", "小", "家", "家")
_HAMLET_ENDINGS: Final = (
    "庄",
    "郢",
    "岗",
    "圩",
    "塘",
    "湾",
    "集",
    "坝",
    "桥",
    "洼",
    "冲",
    "营",
    "巷",
    "郢子",
    "小庄",
)
SHOPS: Final = (
    "超市", "药房", "五金店", "小吃店", "理发店", "水果店", "牛肉面馆", "便利店", "快递驿站",
    "修车铺", "服装店", "宾馆", "茶楼", "幼儿园", "诊所", "文具店",
)  # fmt: skip
LANDMARKS: Final = {
    "school": ("中心小学", "实验小学", "第一中学", "第二中学", "初级中学"),
    "hospital": ("人民医院", "中医院", "卫生院", "社区卫生服务中心"),
    "market": ("农贸市场", "商贸城", "菜市场"),
    "office": ("大厦", "政务服务中心", "写字楼"),
    "industrial": ("机械厂", "电子厂", "玻璃厂", "食品厂", "物流园"),
    "commercial": ("购物广场", "商场", "百货"),
}


def people(count: int, rng: np.random.Generator) -> list[str]:
    """Return made personal names."""
    first = rng.integers(len(SURNAMES), size=count)
    # The commonest surnames lead the list.
    first = np.minimum(first, rng.integers(len(SURNAMES), size=count))
    second = rng.integers(len(_GIVEN), size=(count, 2))
    single = rng.random(count) < 0.18
    return [
        SURNAMES[a] + (_GIVEN[b] if one else _GIVEN[b] + _GIVEN[c])
        for a, (b, c), one in zip(first, second, single, strict=True)
    ]


def hamlets(count: int, rng: np.random.Generator) -> list[str]:
    """Return names of hamlets 自然村."""
    a = rng.integers(len(_HAMLET_FIRST), size=count)
    b = rng.integers(len(_HAMLET_MIDDLE), size=count)
    c = rng.integers(len(_HAMLET_ENDINGS), size=count)
    return [
        _HAMLET_FIRST[i] + _HAMLET_MIDDLE[j] + _HAMLET_ENDINGS[k]
        for i, j, k in zip(a, b, c, strict=True)
    ]


def compounds(count: int, rng: np.random.Generator) -> list[str]:
    """Return names of residential compounds 小区, some with a phase."""
    a = rng.integers(len(COMPOUND_WORDS), size=count)
    b = rng.integers(len(COMPOUND_ENDINGS), size=count)
    phase = rng.integers(9, size=count)
    ends = ("一期", "二期", "三期")
    return [
        COMPOUND_WORDS[i] + COMPOUND_ENDINGS[j] + (ends[p] if p < len(ends) else "")
        for i, j, p in zip(a, b, phase, strict=True)
    ]


def phone(number: int) -> str:
    """Return a phone number that is nobody's: the block 199-0000 is made up."""
    return f"199-0000-{number % 10_000:04d}"
