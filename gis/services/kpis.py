"""Indicators 考核指标 of a period: by area, unit, category, source or month.

应结案数 is what falls due in the period, not what was closed in it; what is suspended 挂账 is left
out of it. A ratio with base 0 is null, never a large percentage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gis.errors import Language, OutsideScope, PeriodInvalid
from gis.governance.actors import Actor
from gis.services.intake import SOURCES
from gis.store import kpis
from gis.store.unit_of_work import Database

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
MOST_DAYS: Final = 5 * 366
"""A sheet by month spans five years at most."""

GROUPS: Final[dict[str, tuple[str, str]]] = {
    "all": ("合计", "total"),
    "county": ("区县", "county"),
    "subdistrict": ("街道", "subdistrict"),
    "community": ("社区", "community"),
    "grid": ("网格", "grid"),
    "unit": ("单位", "unit"),
    "category": ("类别", "category"),
    "source": ("来源", "source"),
    "month": ("月份", "month"),
}
"""What the rows may be -> (title_zh, title_en)."""

Amounts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A column: its titles, how it is counted, and whether it is a share (shown in per cent)."""

    title: tuple[str, str]
    value: Callable[[Amounts], float | None]
    share: bool = False


def ratio(part: str, whole: str) -> Callable[[Amounts], float | None]:
    """Return a ratio of two measures; null where there is nothing to share.

    >>> ratio("a", "b")({"a": 1, "b": 2}), ratio("a", "b")({"a": 0})
    (0.5, None)
    """

    def of(amounts: Amounts) -> float | None:
        base = amounts.get(whole, 0)
        return round(amounts.get(part, 0) / base, 6) if base else None

    return of


def _count(measure: str) -> Callable[[Amounts], float | None]:
    return lambda amounts: int(amounts.get(measure, 0))


def _mean_hours(amounts: Amounts) -> float | None:
    handled = amounts.get("handled", 0)
    return round(amounts.get("handling_hours", 0) / handled, 2) if handled else None


INDICATORS: Final[dict[str, Indicator]] = {
    "reported": Indicator(("上报数", "reported"), _count("reported")),
    "filed": Indicator(("立案数", "filed"), _count("filed")),
    "dispatched": Indicator(("派遣数", "dispatched"), _count("dispatched")),
    "due": Indicator(("应结案数", "due in the period"), _count("due")),
    "closed": Indicator(("结案数", "closed"), _count("closed")),
    "closed_on_time": Indicator(("按期结案数", "closed on time"), _count("closed_on_time")),
    "on_time_rate": Indicator(
        ("按期结案率", "closed on time, share"), ratio("closed_on_time", "due"), share=True
    ),
    "closing_rate": Indicator(
        ("结案率", "closed, share of due"), ratio("due_closed", "due"), share=True
    ),
    "handled_on_time_rate": Indicator(
        ("按期处置率", "handled on time, share"), ratio("handled_on_time", "due"), share=True
    ),
    "right_first_time_rate": Indicator(
        ("准确派遣率", "dispatched right first time"),
        ratio("right_first_time", "dispatched"),
        share=True,
    ),
    "auto_dispatch_rate": Indicator(
        ("智能派单率", "dispatched by itself"), ratio("auto", "dispatched"), share=True
    ),
    "active_discovery_rate": Indicator(
        ("主动发现率", "found by patrols"), ratio("found_actively", "reported"), share=True
    ),
    "rework": Indicator(("返工数", "rework"), _count("rework")),
    "suspended": Indicator(("挂账数", "suspended"), _count("suspended")),
    "overdue_open": Indicator(("超期未处置", "overdue, not handled"), _count("overdue_open")),
    "mean_handling_hours": Indicator(("平均处置时长(小时)", "mean handling hours"), _mean_hours),
}
"""Every indicator by key, in the order of the sheet."""


def month_of(text: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month ``2026-10`` in the city's time, and of the next.

    Raises
    ------
    gis.errors.PeriodInvalid

    >>> month_of("2026-12")[1].isoformat()
    '2027-01-01T00:00:00+08:00'
    """
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise PeriodInvalid(period=text[:20]) from error
    year, month = divmod(first.year * 12 + first.month, 12)
    return first, first.replace(year=year, month=month + 1)


def sheet(
    database: Database,
    actor: Actor,
    *,
    area: str | None,
    since: datetime,
    until: datetime,
    now: datetime,
    by: str = "all",
    language: Language = "zh",
) -> dict[str, Any]:
    """Return the indicators of a period: the total, and a row for each key of ``by``.

    Raises
    ------
    gis.errors.PeriodInvalid
        It ends before it begins, or is too long to list its months.
    gis.errors.OutsideScope
        An area that the actor does not act in.
    """
    if until <= since or (by == "month" and (until - since).days > MOST_DAYS):
        raise PeriodInvalid(period=f"{since.isoformat()} … {until.isoformat()}")
    wanted = area or actor.area_code
    if wanted is not None and not actor.covers(wanted):
        raise OutsideScope(scope=actor.area_code, code=wanted)
    with database.reading(actor) as work:

        def amounts(by: str, first: datetime, last: datetime) -> list[tuple[str | None, Amounts]]:
            found = kpis.amounts(work, by=by, area=wanted, since=first, until=last, now=now)
            return [(key, each) for key, each in found]

        total = dict(amounts("all", since, until)).get(None, {})
        rows: list[tuple[str | None, Amounts]]
        if by == "month":
            rows = [
                (name, dict(amounts("all", first, last)).get(None, {}))
                for name, first, last in _months(since, until)
            ]
        else:
            rows = [] if by == "all" else amounts(by, since, until)
        titles = kpis.titles(work, by)
    if by == "source":
        titles = SOURCES
    spoken = 0 if language == "zh" else 1
    return {
        "area": wanted,
        "from": since.isoformat(),
        "to": until.isoformat(),
        "by": by,
        "titles": {key: one.title[spoken] for key, one in INDICATORS.items()},
        "indicators": {one.title[0]: one.value(total) for one in INDICATORS.values()},
        "total": _values(total),
        "items": [
            {
                "key": key,
                "title": titles.get(key or "", (key or "", key or ""))[spoken] or None,
                **_values(amounts),
            }
            for key, amounts in rows
        ],
    }


def _months(since: datetime, until: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield the months of a period by name, cut to it."""
    first, after = month_of(f"{since.astimezone(SHANGHAI):%Y-%m}")
    while first < until:
        yield f"{first:%Y-%m}", max(first, since), min(after, until)
        first, after = month_of(f"{after:%Y-%m}")


def _values(amounts: Amounts) -> dict[str, float | None]:
    return {key: one.value(amounts) for key, one in INDICATORS.items()}


def table(answer: Mapping[str, Any], language: Language) -> list[list[Any]]:
    """Return a sheet as rows of cells: the header, each key, the total last; a ratio as 0 to 1."""
    spoken = 0 if language == "zh" else 1
    group = GROUPS[answer["by"]][spoken]
    code, name = ("编码", "名称") if spoken == 0 else ("code", "name")
    header = [f"{group}{code}" if spoken == 0 else f"{group} {code}", name]
    header += [one.title[spoken] for one in INDICATORS.values()]
    rows = [
        [row["key"], row["title"], *(row[key] for key in INDICATORS)] for row in answer["items"]
    ]
    total = [GROUPS["all"][spoken], "", *(answer["total"][key] for key in INDICATORS)]
    return [header, *rows, total]
