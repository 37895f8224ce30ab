"""Opening hours 开放时间 as people write them, read into a week.

Read are the Chinese way (``周一至周五 08:30-12:00 14:00-17:30；周六 9:00-12:00``,
``每天 8:00-20:00``, ``全天``, ``24小时``) and the common part of OpenStreetMap's
(``Mo-Fr 08:30-17:30; Sa 09:00-12:00``, ``24/7``). Holidays are not in such texts and not
considered. What cannot be read is said so, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from gis.governance.calendar import SHANGHAI

_DAYS: Final[dict[str, int]] = {
    **{day: number for number, day in enumerate("一二三四五六日")},
    "天": 6,
    **{day: number for number, day in enumerate(("mo", "tu", "we", "th", "fr", "sa", "su"))},
}
_DAY: Final = r"(?:周|星期|礼拜)?(?:[一二三四五六日天])|mo|tu|we|th|fr|sa|su"
_SPAN: Final = re.compile(rf"({_DAY})(?:(?:至|到|-)({_DAY}))?")
_DAYS_PART: Final = re.compile(rf"^((?:{_DAY})(?:(?:至|到|-|,)(?:{_DAY}))*)")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_ALWAYS: Final = frozenset({"24/7", "全天", "24小时", "全天24小时", "24小时开放", "全天开放"})
_EVERY: Final = ("每天", "每日", "全年", "daily", "工作日", "周末")
_FIXED: Final = str.maketrans("～—–~：，、；。", "----:,,;;")


@dataclass(frozen=True, slots=True)
class Hours:
    """A week of opening: for each day from Monday, the (from, to) minutes after midnight.

    ``to`` may lie beyond 1,440: open past midnight.
    """

    week: tuple[tuple[tuple[int, int], ...], ...]

    def open_at(self, instant: datetime) -> bool:
        """Tell whether it is open at an instant (city time); the end no longer is.

        >>> hours = read_hours("周一至周五 08:30-12:00 14:00-17:30")
        >>> hours.open_at(datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI))
        True
        >>> hours.open_at(datetime(2026, 11, 23, 12, 0, tzinfo=SHANGHAI))
        False
        """
        local = instant.astimezone(SHANGHAI)
        minute = local.hour * 60 + local.minute
        today, before = self.week[local.weekday()], self.week[local.weekday() - 1]
        return any(start <= minute < end for start, end in today) or any(
            minute < end - 1440 for _, end in before
        )


@lru_cache(maxsize=4096)
def read_hours(text: str) -> Hours | None:
    """Return the week that a text says, None when it cannot be read.

    >>> read_hours("Mo-Fr 08:00-12:00, 14:00-18:00; Sa 09:00-12:00").week[5]
    ((540, 720),)
    >>> read_hours("24小时").week[6], read_hours("看心情") is None
    (((0, 1440),), True)
    """
    plain = "".join(text.translate(_FIXED).lower().split(" "))
    plain = "".join(plain.split())
    if plain in _ALWAYS:
        return Hours((((0, 1440),),) * 7)
    week: list[tuple[tuple[int, int], ...]] = [()] * 7
    parts = [part for part in plain.split(";") if part]
    if not parts:
        return None
    for part in parts:
        days, rest = _days_of(part)
        times = _times_of(rest)
        if days is None or times is None:
            return None
        for day in days:
            week[day] = times
    return Hours(tuple(week))


def _days_of(part: str) -> tuple[list[int] | None, str]:
    for word in _EVERY:
        if part.startswith(word):
            chosen = {"工作日": range(5), "周末": range(5, 7)}.get(word, range(7))
            return list(chosen), part[len(word) :]
    found = _DAYS_PART.match(part)
    if found is None:
        return (list(range(7)), part) if part[:1].isdigit() else (None, part)
    days: list[int] = []
    for first, last in _SPAN.findall(found.group(1)):
        start = _DAYS[first.lstrip("周星期礼拜") or first]
        end = _DAYS[last.lstrip("周星期礼拜")] if last else start
        days += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return days, part[found.end() :]


def _times_of(text: str) -> tuple[tuple[int, int], ...] | None:
    """Return the times of a day; ``off`` and 休息 are a day without any."""
    if text in {"off", "休息", "closed", "不开放"}:
        return ()
    times: list[tuple[int, int]] = []
    left = _TIME.sub("", text).replace(",", "").strip(":")
    if left or not _TIME.search(text):
        return ((0, 1440),) if text in _ALWAYS else None
    for hour, minute, to_hour, to_minute in _TIME.findall(text):
        start, end = int(hour) * 60 + int(minute), int(to_hour) * 60 + int(to_minute)
        if start >= 1440 or end > 1440 or int(minute) > 59 or int(to_minute) > 59:
            return None
        times.append((start, end if end > start else end + 1440))
    return tuple(times)
