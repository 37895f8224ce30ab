"""What the files of a city hold: each field of each table, its column names, what fits.

A column is found by the field's name, or by one of the names that people give to it, or is named by
the caller (``--map FIELD=COLUMN``). README lists the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "whole", "yes", "day", "oneway"]
Subject = Literal["buildings", "people", "openings", "seekers", "roads"]
Shape = Literal["point", "building", "ground", "line"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name, the kind of its values, and other names of its column.

    ``default`` stands for an empty cell; a required field has none and refuses the row.
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...]
    required: bool = False
    default: object = None


_AGES: Final = (
    Field("age_0_14", "whole", ("0-14岁", "儿童"), default=0),
    Field("age_15_59", "whole", ("15-59岁", "劳动年龄"), default=0),
    Field("age_60_plus", "whole", ("60岁以上", "老年人"), default=0),
)
FIELDS: Final[dict[Subject, tuple[Field, ...]]] = {
    "buildings": (
        Field("code", "text", ("编码", "编号", "楼栋编码", "id"), required=True),
        Field("name", "text", ("名称", "楼栋名称")),
        Field("kind", "text", ("类别", "用途", "类型"), default="residential"),
        Field("floors", "whole", ("层数", "楼层")),
        Field("residents", "whole", ("人口", "常住人口", "population"), default=0),
        Field("households", "whole", ("户数",), default=0),
        *_AGES,
    ),
    "people": (
        Field("code", "text", ("编码", "区域编码", "网格编码", "id"), required=True),
        Field("residents", "whole", ("人口", "常住人口", "population"), required=True),
        Field("households", "whole", ("户数",), default=0),
        *_AGES,
        Field("measured_on", "day", ("日期", "统计日期")),
    ),
    "openings": (
        Field("code", "text", ("编码", "编号", "岗位编码", "id"), required=True),
        Field("employer", "text", ("单位", "用人单位", "企业"), required=True),
        Field("title", "text", ("岗位", "岗位名称", "职位"), required=True),
        Field("trade", "text", ("工种", "行业"), required=True),
        Field("wage_min", "whole", ("最低工资", "工资下限")),
        Field("wage_max", "whole", ("最高工资", "工资上限")),
        Field("openings", "whole", ("人数", "招聘人数"), required=True),
        Field("valid_from", "day", ("开始日期", "发布日期"), required=True),
        Field("valid_to", "day", ("截止日期",)),
    ),
    "seekers": (
        Field("code", "text", ("编码", "编号", "id"), required=True),
        Field("trade", "text", ("工种", "求职意向"), required=True),
        Field("wage_wish", "whole", ("期望工资",)),
        Field("household_code", "text", ("家庭编码", "户号")),
        Field("zero_employment_household", "yes", ("零就业家庭",), default=False),
        Field("building", "text", ("楼栋编码",)),
    ),
    "roads": (
        Field("code", "text", ("编码", "编号", "osm_id", "id")),
        Field("name", "text", ("名称", "路名")),
        Field("class", "text", ("等级", "道路等级", "highway"), default="street"),
        Field("oneway", "oneway", ("单行",), default=0),
        Field("walk", "yes", ("步行", "可步行"), default=True),
        Field("ride", "yes", ("骑行", "可骑行"), default=True),
        Field("level", "whole", ("层", "layer"), default=0),
    ),
}
SHAPES: Final[dict[Subject, Shape]] = {
    "buildings": "building",
    "people": "ground",
    "openings": "point",
    "seekers": "point",
    "roads": "line",
}
_YES: Final = frozenset({"1", "true", "yes", "y", "t", "是", "有", "designated", "permissive"})
_NO: Final = frozenset({"0", "false", "no", "n", "f", "否", "无", "private"})


def fits_yes(text: str) -> bool | None:
    """Return what a yes or no says, None when it says neither.

    >>> fits_yes("是"), fits_yes("0"), fits_yes("maybe")
    (True, False, None)
    """
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def fits_oneway(text: str) -> int | None:
    """Return 1 for a one-way as drawn, -1 against, 0 for both ways, None when it says neither.

    >>> [fits_oneway(word) for word in ("yes", "-1", "no", "双向", "?")]
    [1, -1, 0, 0, None]
    """
    word = text.strip().lower()
    if word in {"-1", "reverse", "反向"}:
        return -1
    if word in {"双向", "reversible", "alternating"}:
        return 0
    if word in {"单向", "正向", "ft"}:
        return 1
    answer = fits_yes(word)
    return None if answer is None else int(answer)
