"""The grammar of Chinese addresses as tables: labels, what ends them, what follows what.

Weights are judgements in nats, written by hand; nothing is learned from a corpus.
"""

from __future__ import annotations

from typing import Final

LABELS: Final = (
    "prov", "city", "district", "town", "devzone", "community", "village_group", "road", "roadno",
    "poi", "subpoi", "houseno", "cellno", "floorno", "roomno", "intersection", "distance",
    "assist",
)  # fmt: skip
"""Labels of parts, in the usual order of an address."""

ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "prov": ("省", "自治区"),
    "city": ("市", "地区", "自治州", "盟", "市区"),
    "district": ("区", "县", "市", "旗", "自治县", "城区"),
    "town": ("街道", "街道办事处", "街道办", "镇", "乡", "民族乡", "苏木", "农场", "林场",
    "办事处"),
    "community": (
        "村", "社区", "居委会", "村委会", "自然村", "行政村", "居民委员会", "居民区", "嘎查",
        "村委",
    ),
    "village_group": ("组", "小组", "村民组", "居民组", "生产队", "队", "社"),
    "road": (
        "路", "街", "大道", "大街", "巷", "弄", "公路", "国道", "省道", "县道", "胡同", "步行街",
        "大路", "里弄", "道", "辅路", "环路", "高架", "支路", "老街",
    ),
    "devzone": (
        "开发区", "工业区", "工业园", "工业园区", "科技园", "科技园区", "产业园", "产业园区",
        "创业园",
        "物流园", "高新区", "园区", "创意园", "保税区", "高教园区", "商务区", "功能区", "工业城",
        "工业新区", "软件园", "智慧园", "电商园", "农业园", "经济区", "集聚区", "孵化园", "示范区",
        "经济开发区", "高新技术开发区", "文创园", "工业小区", "工业功能区", "创新园", "特色小镇",
        "新城区", "经济合作区", "出口加工区", "商贸区", "轻工区", "工业基地", "电子商务园",
        "科创园",
    ),
}  # fmt: skip
"""Label -> words that end a part of it."""

STRONG_POI: Final = (
    "大厦", "公司", "广场", "中心", "小区", "花园", "公寓", "医院", "学校", "大学", "中学", "小学",
    "学院", "市场", "商城", "酒店", "宾馆", "饭店", "超市", "家园", "新村", "花苑", "嘉园", "国际",
    "大楼", "银行", "幼儿园", "商贸城", "贸易城", "服装城", "小商品城", "工厂", "商场", "车站",
    "客运站",
    "火车站", "地铁站", "加油站", "收费站", "公园", "体育馆", "图书馆", "博物馆", "派出所", "法院",
    "政府", "税务局", "公安局", "邮政局", "卫生院", "卫生所", "门诊部", "影城", "影院", "会所",
    "公馆",
    "名苑", "名邸", "名都", "名城", "豪庭", "华庭", "华府", "雅苑", "雅居", "佳苑", "佳园", "丽苑",
    "景苑", "庭院", "山庄", "别墅", "宿舍", "写字楼", "综合楼", "办公楼", "教学楼", "百货", "商厦",
    "商务楼", "专卖店", "旗舰店", "便利店", "服饰", "鞋业", "服装厂", "有限公司", "分公司", "集团",
    "事务所", "工作室", "俱乐部", "经营部", "合作社", "批发部", "快递", "物流", "厂", "店", "苑",
    "城", "园", "院", "寓", "馆", "局", "库", "庭", "府", "湾", "轩", "坊", "阁", "庙", "寺",
    "桥头",
    "校区", "总部", "基地", "码头", "机场", "港", "网吧", "酒吧", "银泰", "万达", "电影院",
    "敬老院",
    "研究院", "研究所", "设计院", "文化村", "购物中心", "商业街", "花都", "时代", "半岛", "名家",
)  # fmt: skip
"""What a building, a compound, a firm or a shop ends with."""

ZONES: Final = (
    "一区", "二区", "三区", "四区", "五区", "六区", "七区", "八区", "东区", "西区", "南区", "北区",
    "中区", "一期", "二期", "三期", "四期", "五期", "东苑", "西苑", "南苑", "北苑", "中苑", "东门",
    "西门", "南门", "北门", "正门", "大门", "后门", "侧门", "门口", "前台", "大堂", "仓库", "食堂",
    "宿舍", "车间", "门卫", "传达室", "保安室", "物业", "地下室", "办公室", "收发室", "岗亭",
)  # fmt: skip
"""Parts of a compound or building, named as such."""

AFTER: Final[dict[str, str]] = {
    "^": "prov city district town community road poi devzone",
    "prov": "city district town poi road community",
    "city": "district town poi road community devzone",
    "district": "town poi road community devzone",
    "town": "poi community road devzone village_group houseno",
    "community": "poi road houseno village_group community devzone assist distance floorno",
    "village_group": "houseno poi road",
    "road": "roadno houseno subpoi devzone assist intersection floorno poi distance road",
    "roadno": "devzone houseno floorno subpoi assist intersection cellno roomno poi distance",
    "poi": "road houseno subpoi devzone assist floorno cellno roomno intersection distance",
    "devzone": "houseno subpoi floorno assist intersection road roomno",
    "subpoi": "houseno floorno assist cellno intersection roomno subpoi",
    "houseno": "cellno floorno subpoi assist roomno houseno",
    "cellno": "floorno subpoi roomno",
    "floorno": "subpoi assist houseno roomno",
    "roomno": "subpoi assist",
    "distance": "assist floorno subpoi",
    "assist": "subpoi houseno floorno distance devzone intersection poi roadno road",
    "intersection": "houseno assist subpoi floorno poi",
}
"""Label -> what may follow it in good order, the likelier first; anything else costs more."""
