"""Words of Chinese addresses: what ends a name of each kind, and what stands between names."""

from __future__ import annotations

from typing import Final

LEVEL_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "province": ("壮族自治区", "维吾尔自治区", "回族自治区", "特别行政区", "自治区", "省", "市"),
    "city": ("自治州", "地区", "市", "盟"),
    "county": ("自治县", "新区", "区", "县", "市", "旗"),
    "subdistrict": (
        "街道办事处", "街道办", "办事处", "街道", "民族乡", "镇", "乡", "开发区管委会", "管委会",
        "农场",
    ),
    "community": (
        "社区居民委员会", "社区居委会", "村民委员会", "居民委员会", "社区", "村委会", "居委会",
        "行政村", "村", "居", "街",
    ),
    "road": (
        "大道", "大街", "公路", "国道", "省道", "县道", "村道", "路", "街", "巷", "弄", "道",
        "胡同",
    ),
    "compound": (
        "花园", "小区", "新村", "家园", "公馆", "名邸", "华庭", "雅居", "雅苑", "南苑", "北苑",
        "东区",
        "西区", "苑", "城", "湾", "里", "府", "园", "庭", "居", "坊", "村",
    ),
    "village": ("自然村", "村民组", "村", "庄", "组", "队"),
    "landmark": (),
}  # fmt: skip
"""Kind -> words that say what a name is; within a kind people take one for the other."""

TAILS: Final[dict[str, tuple[str, ...]]] = {
    "subdistrict": ("办事处", "办", "人民政府", "政府"),
    "community": ("居民委员会", "居委会", "村民委员会", "村委会", "委员会", "居委", "村委"),
    "village": ("自然村", "村民组", "村", "组"),
    "compound": ("小区", "住宅小区"),
    "road": (),
    "county": (),
    "landmark": (),
}
"""What people add to a whole name without changing the place."""

AROUND: Final = (
    "交叉路口", "交叉口", "交汇处", "交界处", "交口", "路口", "丁字路口", "十字路口", "路段",
    "沿线",
    "附近", "对面", "对过", "斜对面", "旁边", "隔壁", "门口", "门前", "后面", "前面", "楼下",
    "楼上",
    "周边", "周围", "一带", "内", "里面", "外面", "旁", "边上", "边", "处", "侧", "方向", "往",
    "向",
    "以东", "以西", "以南", "以北", "中间", "中段", "东段", "西段", "南段", "北段", "约", "大约",
    "东侧", "西侧", "南侧", "北侧", "东边", "西边", "南边", "北边", "东头", "西头", "南头", "北头",
    "东北角", "西北角", "东南角", "西南角", "东北", "西北", "东南", "西南", "左侧", "右侧",
    "与", "和", "到", "至", "的", "在", "位于", "靠近", "临近", "地址", "住址", "我在", "这里",
    "是", "有",
)  # fmt: skip
"""Words that say how something lies to a place, or say nothing."""

NEARBY_M: Final[dict[str, float]] = {
    "附近": 60.0, "周边": 100.0, "周围": 100.0, "一带": 150.0, "对面": 35.0, "对过": 35.0,
    "斜对面": 45.0, "旁边": 25.0, "旁": 25.0, "隔壁": 25.0, "门口": 15.0, "门前": 15.0,
    "后面": 35.0,
    "前面": 30.0, "路口": 40.0, "东侧": 30.0, "西侧": 30.0, "南侧": 30.0, "北侧": 30.0,
}  # fmt: skip
"""Word -> how far from the named place people mean by it, metres (a judgement, 68 %)."""

BEARINGS: Final[dict[str, tuple[float, float]]] = {
    "东北": (0.7071, 0.7071), "西北": (-0.7071, 0.7071), "东南": (0.7071, -0.7071),
    "西南": (-0.7071, -0.7071), "东": (1.0, 0.0), "西": (-1.0, 0.0), "南": (0.0, -1.0),
    "北": (0.0, 1.0),
}  # fmt: skip
"""Direction -> unit vector (east, north)."""

CROSSING: Final = ("交叉路口", "交叉口", "交汇处", "交汇", "交界处", "交界口", "交口", "路口", "口")
"""What stands after two roads that meet."""
