"""Openings 岗位, seekers 求职者 and zero-employment households 零就业家庭."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from layers.demo import names
from layers.demo import settlements as use
from layers.demo.areas import Areas
from layers.demo.buildings import Buildings
from layers.demo.frame import Floats, degrees

OPENINGS: Final = 3_000
SEEKERS: Final = 16_000
ZERO_HOUSEHOLD_SHARE: Final = 0.015

TRADES: Final[dict[str, tuple[float, int, tuple[str, ...]]]] = {
    "制造": (0.30, 5200, ("操作工", "质检员", "装配工", "叉车工")),
    "物流": (0.13, 5600, ("快递员", "分拣员", "货车司机", "仓管员")),
    "餐饮": (0.12, 4300, ("服务员", "厨师", "洗碗工", "配菜员")),
    "零售": (0.12, 4200, ("营业员", "收银员", "理货员", "店长")),
    "建筑": (0.09, 6500, ("瓦工", "电工", "焊工", "安全员")),
    "家政": (0.08, 4600, ("保洁员", "月嫂", "护理员", "保安")),
    "医护": (0.04, 5800, ("护士", "药剂员", "康复师")),
    "文员": (0.07, 4500, ("文员", "会计", "客服", "前台")),
    "技术": (0.03, 8200, ("软件工程师", "运维工程师", "设备工程师")),
    "农业": (0.02, 3900, ("种植工", "养殖工", "农机手")),
}
"""Trade -> (share of openings, usual wage in yuan a month, titles)."""

_EMPLOYERS: Final = (
    "机械",
    "电子",
    "食品",
    "商贸",
    "物流",
    "餐饮",
    "物业",
    "建筑",
    "纺织",
    "玻璃",
    "光伏",
    "科技",
)


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening; wages in yuan a month."""

    code: str
    employer: str
    title: str
    trade: str
    wage_min: int
    wage_max: int
    openings: int
    lonlat: Floats
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class Seeker:
    """A seeker; ``building`` is a position in the buildings."""

    code: str
    trade: str
    wage_wish: int
    household_code: str
    zero_employment: bool
    building: int


def build_openings(
    areas: Areas, buildings: Buildings, reference: datetime, scale: float, rng: np.random.Generator
) -> list[Opening]:
    """Return openings at places of work, mostly in town and at its edge."""
    weight = np.zeros(len(buildings.use))
    for label, value in (
        (use.INDUSTRIAL, 5.0), (use.COMMERCIAL, 3.0), (use.OFFICE, 3.0), (use.MARKET, 2.0),
        (use.HOSPITAL, 2.0), (use.SCHOOL, 0.7), (use.HAMLET, 0.004),
    ):  # fmt: skip
        weight[buildings.use == label] = value
    count = max(round(OPENINGS * scale), 20)
    where = rng.choice(len(weight), size=count, p=weight / weight.sum())
    keys = list(TRADES)
    trade = rng.choice(len(keys), size=count, p=[TRADES[key][0] for key in keys])
    lonlat = degrees(buildings.centre[where])
    rows = []
    for k in range(count):
        _, wage, titles = TRADES[keys[trade[k]]]
        low = int(round(wage * rng.uniform(0.8, 1.15), -2))
        start = reference - timedelta(days=int(rng.integers(0, 120)))
        community = areas.names[areas.grid_codes[buildings.grid[where[k]]][:12]]
        word = names.COMPOUND_WORDS[int(rng.integers(len(names.COMPOUND_WORDS)))]
        firm = _EMPLOYERS[int(rng.integers(len(_EMPLOYERS)))]
        rows.append(
            Opening(
                code=f"JO{k + 1:06d}",
                employer=f"{word}{firm}(示范)有限公司{community}店",
                title=titles[int(rng.integers(len(titles)))],
                trade=keys[trade[k]],
                wage_min=low,
                wage_max=low + int(rng.integers(3, 25)) * 100,
                openings=int(min(1 + rng.geometric(0.22), 40)),
                lonlat=lonlat[k],
                valid_from=start,
                valid_to=start + timedelta(days=int(rng.integers(120, 240))),
            )
        )
    return rows


def build_seekers(buildings: Buildings, scale: float, rng: np.random.Generator) -> list[Seeker]:
    """Return seekers at home; members of a zero-employment household share its code."""
    count = max(round(SEEKERS * scale), 40)
    able = buildings.people.ages[:, 1].astype(float)
    home = np.sort(rng.choice(len(able), size=count, p=able / able.sum()))
    keys = list(TRADES)
    share = np.array([TRADES[key][0] for key in keys])
    trade = rng.choice(len(keys), size=count, p=(share + 0.05) / (share + 0.05).sum())
    rows: list[Seeker] = []
    for k in range(count):
        zero = bool(rng.random() < ZERO_HOUSEHOLD_SHARE)
        together = bool(k) and rows[-1].building == home[k] and rows[-1].zero_employment
        household = rows[-1].household_code if together else f"HH{k + 1:06d}"
        rows.append(
            Seeker(
                code=f"JS{k + 1:06d}",
                trade=keys[trade[k]],
                wage_wish=int(round(TRADES[keys[trade[k]]][1] * rng.uniform(0.75, 1.3), -2)),
                household_code=household,
                zero_employment=zero or together,
                building=int(home[k]),
            )
        )
    return rows
