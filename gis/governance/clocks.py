"""Clocks 计时: when a stage's limit ends, when to warn, when to move up; all of it computed.

A clock is a value; what is due on it at an instant is a function of both. So a worker that slept,
or a computer whose clock was set forward, finds everything that should have happened, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from gis.errors import CalendarMissing, ExtensionRefused
from gis.governance.calendar import (
    ROUND_THE_CLOCK,
    add_working_time,
    due_at,
    resumed_due_at,
    working_time_between,
)
from gis.governance.categories import Limit
from gis.governance.office_hours import DEFAULT_OFFICE_HOURS, Office
from gis.governance.work_orders import ESCALATING, WARN_SHARE
from gis.governance.working_days import STATE_COUNCIL, WorkingCalendar

Effect = Literal["warn", "overdue", "escalate", "supervise", "remind"]

MOST_EXTENSIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Ruler:
    """By what time is counted: the city's office hours and its calendar."""

    office: Office = DEFAULT_OFFICE_HOURS
    calendar: WorkingCalendar = STATE_COUNCIL


STANDARD: Final = Ruler()


@dataclass(frozen=True, slots=True)
class Clock:
    """One stage of one round, with its limit and what has been fired on it.

    ``due_at`` and ``warn_at`` are None when no calendar covers the limit; ``escalations`` counts
    the levels that it went up, ``escalate_at`` is when the next one is due.
    """

    stage: str
    started_at: datetime
    limit: Limit
    due_at: datetime | None = None
    warn_at: datetime | None = None
    warned: bool = False
    overdue: bool = False
    supervised: bool = False
    escalations: int = 0
    escalate_at: datetime | None = None
    extensions: int = 0
    paused_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """Return when something has to happen on it; None: nothing any more, or it stands."""
        if self.paused_at is not None or self.due_at is None:
            return None
        if not self.warned and not self.overdue and self.warn_at is not None:
            return min(self.warn_at, self.due_at)
        return self.escalate_at if self.overdue else self.due_at


def begin(stage: str, limit: Limit, at: datetime, ruler: Ruler = STANDARD) -> Clock:
    """Start a clock; a year without a calendar leaves it without an end, which the case says.

    Examples
    --------
    >>> from gis.governance.calendar import SHANGHAI
    >>> friday = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)
    >>> clock = begin("handle", Limit(4, "work_hours"), friday)
    >>> clock.due_at.isoformat(), clock.warn_at.isoformat()
    ('2025-06-09T11:30:00+08:00', '2025-06-09T10:30:00+08:00')
    """
    try:
        due = due_at(at, limit.amount, limit.unit, office=ruler.office, calendar=ruler.calendar)
    except CalendarMissing:
        return Clock(stage, at, limit)
    return Clock(stage, at, limit, due, _warn_at(at, due, limit, ruler))


def begin_until(stage: str, at: datetime, due: datetime) -> Clock:
    """Start a clock that ends at a given instant, such as the review of a suspension."""
    return Clock(stage, at, Limit(1, "urgent_hours"), due, None, warned=True)


def paused(clock: Clock, at: datetime) -> Clock:
    """Stop the count; what is left stays left."""
    return clock if clock.paused_at is not None else replace(clock, paused_at=at)


def resumed(clock: Clock, at: datetime, ruler: Ruler = STANDARD) -> Clock:
    """Go on counting: limit and warning move by exactly the time that stood still.

    Examples
    --------
    >>> from gis.governance.calendar import SHANGHAI
    >>> friday = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)
    >>> stood = paused(begin("handle", Limit(4, "work_hours"), friday), friday)
    >>> resumed(stood, friday + timedelta(days=4)).due_at.isoformat()
    '2025-06-11T11:30:00+08:00'
    """
    if clock.paused_at is None:
        return clock
    since = max(clock.paused_at, clock.started_at)
    until = max(at, since)
    moved: dict[str, datetime | None] = {}
    for name in ("due_at", "warn_at", "escalate_at"):
        instant: datetime | None = getattr(clock, name)
        if instant is not None and instant > since:
            try:
                instant = resumed_due_at(
                    instant,
                    since,
                    until,
                    clock.limit.unit,
                    office=ruler.office,
                    calendar=ruler.calendar,
                )
            except CalendarMissing:
                instant = None
        moved[name] = instant
    return replace(clock, paused_at=None, **moved)  # type: ignore[arg-type]


def extended(clock: Clock, extra: Limit, at: datetime, ruler: Ruler = STANDARD) -> Clock:
    """Grant more time, before the limit ends, at most twice, at most the limit again.

    Raises
    ------
    gis.errors.ExtensionRefused
        The limit has passed, there is none, or a rule forbids it.
    """
    if clock.due_at is None:
        raise ExtensionRefused(
            reason_zh="该工单没有时限（缺少该年节假日安排）",
            reason_en="there is no limit (the year's calendar is missing)",
        )
    if at >= clock.due_at:
        raise ExtensionRefused(
            reason_zh="已超期，延期须在到期前批准",
            reason_en="the limit has passed; extensions are granted before it",
        )
    if clock.extensions >= MOST_EXTENSIONS:
        raise ExtensionRefused(
            reason_zh=f"已延期 {MOST_EXTENSIONS} 次",
            reason_en=f"it was extended {MOST_EXTENSIONS} times already",
        )
    due = due_at(
        clock.due_at, extra.amount, extra.unit, office=ruler.office, calendar=ruler.calendar
    )
    most = due_at(
        clock.due_at,
        clock.limit.amount,
        clock.limit.unit,
        office=ruler.office,
        calendar=ruler.calendar,
    )
    if due > most:
        raise ExtensionRefused(
            reason_zh="一次延期不得超过原时限",
            reason_en="one extension is at most as long as the limit itself",
        )
    warn = _warn_at(at, due, clock.limit, ruler)
    return replace(clock, due_at=due, warn_at=warn, warned=False, extensions=clock.extensions + 1)


def fire(
    clock: Clock, now: datetime, levels: Sequence[str], ruler: Ruler = STANDARD
) -> tuple[Clock, list[Effect]]:
    """Return what is due on a clock by now, in order, and the clock with that done.

    ``levels`` are those that the case may still move up to. A warning that comes after the end is
    left out; a limit that passed long ago goes up level by level, each once. Calling it again at
    the same instant gives nothing.

    Examples
    --------
    >>> from gis.governance.calendar import SHANGHAI
    >>> friday = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)
    >>> clock = begin("handle", Limit(4, "work_hours"), friday)
    >>> monday = friday + timedelta(days=2, hours=18)
    >>> warned, effects = fire(clock, monday, ["community"])
    >>> effects, fire(warned, monday, ["community"])[1]
    (['warn'], [])
    >>> fire(clock, friday + timedelta(days=30), ["community", "subdistrict"])[1]
    ['overdue', 'escalate', 'escalate', 'supervise']
    """
    effects: list[Effect] = []
    if clock.due_at is None or clock.paused_at is not None:
        return clock, effects
    if now < clock.due_at:
        if not clock.warned and clock.warn_at is not None and clock.warn_at <= now:
            return replace(clock, warned=True), ["warn"]
        return clock, effects
    if not clock.overdue:
        effects.append("remind" if clock.stage in _REMINDED else "overdue")
        moves_up = clock.stage in ESCALATING
        clock = replace(
            clock, warned=True, overdue=True, escalate_at=clock.due_at if moves_up else None
        )
    left = len(levels)
    while (at := clock.escalate_at) is not None and at <= now:
        if not left:
            if not clock.supervised:
                effects.append("supervise")
            clock = replace(clock, supervised=True, escalate_at=None)
            break
        left -= 1
        effects.append("escalate")
        clock = replace(
            clock,
            escalations=clock.escalations + 1,
            escalate_at=_again(at, clock.limit, ruler),
        )
    return clock, effects


_REMINDED: Final = frozenset({"follow_up", "suspension"})
"""Stages whose end asks somebody to do something: nothing is overdue by it."""


def _again(at: datetime, limit: Limit, ruler: Ruler) -> datetime | None:
    """Return when the next level is due: as long again as the limit."""
    try:
        return due_at(at, limit.amount, limit.unit, office=ruler.office, calendar=ruler.calendar)
    except CalendarMissing:
        return None


def _warn_at(start: datetime, due: datetime, limit: Limit, ruler: Ruler) -> datetime:
    if limit.unit in ROUND_THE_CLOCK:
        return start + (due - start) * WARN_SHARE
    length = working_time_between(start, due, office=ruler.office, calendar=ruler.calendar)
    part = timedelta(microseconds=int(length / timedelta(microseconds=1) * WARN_SHARE))
    return add_working_time(start, part, office=ruler.office, calendar=ruler.calendar)
