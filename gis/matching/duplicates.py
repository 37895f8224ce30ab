"""Duplicates 重复件: is it the same thing reported twice? A probability, with its reasons. Pure.

Log-odds are added up, each piece against what two unrelated reports would give: how far apart (the
errors of both pins and the size of the thing, against an even spread over the reach of the
category), how long after (things are reported again within days, unrelated reports come at any
time of the window), what they say (rapidfuzz, against the usual likeness of two texts of one
category), the category itself, and whether one person sent both. The weights are judgements, kept
in one table below; the reach is data of the category.

Reports of one thing collect under the earliest: suspects that are probably one thing are named
once, and what was already joined to a case speaks for that case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, hypot, log, pi
from typing import Final

from rapidfuzz import fuzz

from gis.geometry.cell_index import metres_per_degree
from gis.governance.reasons import Fact, Reason
from gis.matching.position import SIGMAS_PER_ACCURACY

WINDOW: Final = timedelta(days=14)
"""Reports that are further apart in time are never suggested."""

LEAST: Final = 0.3
"""Suggestions below this probability are not made."""

ONE_THING: Final = 0.5
"""Suspects that belong together with at least this probability are named once."""

MOST: Final = 5
"""So many suggestions are made."""

FALLBACK_M: Final = 50.0
GROUP_REACH_M: Final[Mapping[str, float]] = {
    "市容环境": 50.0,
    "宣传广告": 20.0,
    "施工管理": 80.0,
    "突发事件": 150.0,
    "街面秩序": 30.0,
    "公共设施": 30.0,
    "交通设施": 40.0,
    "市容环境设施": 30.0,
    "园林绿化设施": 60.0,
    "其他部件设施": 30.0,
}
"""Group of categories (``major_zh``, 大类) -> reach in metres, where a category has none itself."""

_PRIOR: Final = -1.0
_DELAY_H: Final = 36.0
_THING_SHARE: Final = 0.35  # the thing itself, or where people stand around it, of the reach
_LEAST_SIGMA_M: Final = 8.0
_DEFAULT_ACCURACY_M: Final = 15.0
_OTHER_CATEGORY: Final = -1.6
_SAME_REPORTER: Final = 1.2
_TEXT: Final = (
    (0.0, -4.0),
    (28.0, -2.8),
    (38.0, -0.8),
    (48.0, 0.6),
    (60.0, 1.6),
    (80.0, 2.6),
    (100.0, 3.2),
)
"""Likeness of two texts in percent -> log-odds, straight in between."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One report as duplicates are sought by.

    ``root`` is the case that it was joined to, or itself. ``reporter`` is whatever is equal for
    one person and nobody else (a hash will do); None where nobody gave a name.
    """

    id: str
    number: str
    lon: float
    lat: float
    at: datetime
    category: str | None = None
    group: str | None = None
    accuracy_m: float | None = None
    text: str = ""
    source: str = "other"
    reporter: str | None = None
    root: str | None = None
    root_number: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A case that a report is probably another report of.

    ``reports`` counts the reports that already speak of it, itself included.
    """

    of: str
    number: str
    probability: float
    distance_m: float
    reports: int
    reason: Reason


def reach_m(category_m: float | None, group: str | None) -> float:
    """Return how far apart two reports of a category may lie: category, else group, else fallback.

    0 means that no duplicate is ever suggested.

    >>> reach_m(0.0, "市容环境"), reach_m(None, "市容环境"), reach_m(None, "无此大类")
    (0.0, 50.0, 50.0)
    """
    if category_m is not None:
        return category_m
    return FALLBACK_M if group is None else GROUP_REACH_M.get(group, FALLBACK_M)


def suggestions(new: Sighting, others: Iterable[Sighting], reach: float) -> tuple[Suggestion, ...]:
    """Return what a report may be a duplicate of, most probable first (ties: earlier, number).

    Parameters
    ----------
    others
        Reports of open cases near it, in any order, joined ones too. Itself among them is ignored.
    reach
        Metres, from :func:`reach_m`.

    Examples
    --------
    >>> from datetime import UTC
    >>> when = datetime(2026, 11, 23, 8, tzinfo=UTC)
    >>> leak = Sighting("a", "1", 118.31, 32.3, when, "burst-pipe", text="水管爆裂，路面积水")
    >>> call = Sighting("b", "2", 118.3101, 32.3, when + timedelta(minutes=9), "burst-pipe",
    ...                 text="自来水管爆了，满地是水")
    >>> [(one.of, one.probability > 0.8) for one in suggestions(call, [leak], 100.0)]
    [('a', True)]
    >>> suggestions(call, [leak], 0.0)
    ()
    """
    if reach <= 0.0:
        return ()
    seen = [
        (probability(new, other, reach), other)
        for other in others
        if new.id not in (other.id, other.root)
    ]
    suspects = [(share, other) for share, other in seen if share >= LEAST]
    suspects.sort(key=lambda one: (-one[0], one[1].at, one[1].number))
    found = [_named(new, cluster) for cluster in _clusters(suspects[:40], reach)]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.number))[:MOST])


def probability(one: Sighting, other: Sighting, reach: float) -> float:
    """Return the probability that two reports speak of one thing; symmetric, 0 beyond the reach."""
    apart = distance_m(one, other)
    delay = abs((one.at - other.at).total_seconds())
    if apart > reach or delay > WINDOW.total_seconds():
        return 0.0
    if one.category != other.category and (one.group is None or one.group != other.group):
        return 0.0
    odds = _PRIOR + _by_distance(one, other, apart, reach) + _by_delay(delay / 3600.0)
    if one.category != other.category:
        odds += _OTHER_CATEGORY
    if one.reporter is not None and one.reporter == other.reporter:
        odds += _SAME_REPORTER
    likeness = text_likeness(one.text, other.text)
    if likeness is not None:
        odds += _between(_TEXT, likeness)
    return 1.0 / (1.0 + exp(-odds))


def distance_m(one: Sighting, other: Sighting) -> float:
    """Return the metres between two reports (1 mm at 200 m)."""
    kx, ky = metres_per_degree(0.5 * (one.lat + other.lat))
    return hypot((one.lon - other.lon) * kx, (one.lat - other.lat) * ky)


def text_likeness(one: str, other: str) -> float | None:
    """Return how alike two texts are, 0 to 100; None when one of them says nothing.

    >>> text_likeness("路口垃圾堆放", "垃圾堆放在路口"), text_likeness("", "x")
    (88.0, None)
    """
    if not one or not other:  # most often: a pin and a category
        return None
    first, second = _bare(one), _bare(other)
    if not first or not second:
        return None
    if min(len(first), len(second)) < 4:
        return fuzz.ratio(first, second)
    # Characters in pairs: Chinese has no blanks between words, and people turn sentences around.
    return max(
        fuzz.token_set_ratio(_pairs(first), _pairs(second)), fuzz.partial_ratio(first, second) - 10
    )


def _bare(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _pairs(text: str) -> str:
    return " ".join(text[i : i + 2] for i in range(len(text) - 1))


def _by_distance(one: Sighting, other: Sighting, apart: float, reach: float) -> float:
    errors = _sigma(one) ** 2 + _sigma(other) ** 2
    spread2 = errors + (_THING_SHARE * reach) ** 2
    together = exp(-apart * apart / (2.0 * spread2)) / (2.0 * pi * spread2)
    by_chance = 1.0 / (pi * reach * reach)
    return log(max(together / by_chance, 1e-6))


def _sigma(one: Sighting) -> float:
    accuracy = _DEFAULT_ACCURACY_M if one.accuracy_m is None else one.accuracy_m
    return max(accuracy / SIGMAS_PER_ACCURACY, _LEAST_SIGMA_M) if accuracy else _LEAST_SIGMA_M


def _by_delay(hours: float) -> float:
    window = WINDOW.total_seconds() / 3600.0
    together = exp(-hours / _DELAY_H) / _DELAY_H
    return log(max(together * window, 1e-3))


def _between(table: Sequence[tuple[float, float]], value: float) -> float:
    for (low, first), (high, second) in pairwise(table):
        if value <= high:
            return first + (second - first) * (value - low) / (high - low)
    return table[-1][1]


def _clusters(
    suspects: Sequence[tuple[float, Sighting]], reach: float
) -> list[list[tuple[float, Sighting]]]:
    """Put suspects together that were joined, or are probably one thing."""
    clusters: list[list[tuple[float, Sighting]]] = []
    for share, one in suspects:
        home = next(
            (
                cluster
                for cluster in clusters
                if any(_one(one, other, reach) for _, other in cluster)
            ),
            None,
        )
        if home is None:
            clusters.append([(share, one)])
        else:
            home.append((share, one))
    return clusters


def _one(one: Sighting, other: Sighting, reach: float) -> bool:
    if (one.root or one.id) == (other.root or other.id):
        return True
    return probability(one, other, reach) >= ONE_THING


def _named(new: Sighting, cluster: Sequence[tuple[float, Sighting]]) -> Suggestion:
    """Name a cluster by its earliest case: one that others were joined to, if there is one."""
    share, nearest = max(cluster, key=lambda one: (one[0], one[1].number))
    joined = [one for _, one in cluster if one.root is not None and one.root != one.id]
    if joined:
        first = min(joined, key=lambda one: (one.root_number or "", one.at))
        of, number = first.root or first.id, first.root_number or first.number
    else:
        first = min((one for _, one in cluster), key=lambda one: (one.at, one.number))
        of, number = first.id, first.number
    ids = {one.id for _, one in cluster} | {of}
    apart = distance_m(new, nearest)
    return Suggestion(
        of, number, round(share, 6), round(apart, 1), len(ids),
        _reason(new, nearest, number, apart, len(ids)),
    )  # fmt: skip


def _reason(new: Sighting, old: Sighting, number: str, apart: float, reports: int) -> Reason:
    minutes = abs((new.at - old.at).total_seconds()) / 60.0
    late_zh, late_en = _delay_words(minutes)
    likeness = text_likeness(new.text, old.text)
    text_zh = "" if likeness is None else f"，描述相似度 {likeness:.0f} %"
    text_en = "" if likeness is None else f", texts {likeness:.0f} % alike"
    many_zh = "" if reports == 1 else f"，该事件已有 {reports} 次反映"
    many_en = "" if reports == 1 else f"; {reports} reports speak of it already"
    facts: dict[str, Fact] = {
        "of": number,
        "distance_m": round(apart, 1),
        "minutes": round(minutes, 1),
        "text_likeness": None if likeness is None else round(likeness, 1),
        "same_category": new.category == old.category,
        "other_channel": new.source != old.source,
        "reports": reports,
    }
    return Reason(
        "may-be-duplicate",
        f"可能与事件 {number} 是同一件事：相距 {apart:.0f} 米，{late_zh}{text_zh}{many_zh}。",
        f"Probably the same as {number}: {apart:.0f} m away, {late_en}{text_en}{many_en}.",
        facts,
    )


def _delay_words(minutes: float) -> tuple[str, str]:
    if minutes < 90:
        return f"时间相差 {minutes:.0f} 分钟", f"{minutes:.0f} minutes apart"
    if minutes < 48 * 60:
        return f"时间相差 {minutes / 60:.0f} 小时", f"{minutes / 60:.0f} hours apart"
    return f"时间相差 {minutes / 1440:.0f} 天", f"{minutes / 1440:.0f} days apart"
