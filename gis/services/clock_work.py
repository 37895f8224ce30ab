"""Clocks that act: warnings, overdue cases, escalation level by level, supervision, reminders.

Every clock is a row; what is due on it is computed from that row and the present instant. A tick
locks a case, fires what is due and keeps that it did, in one transaction: two workers, a worker
that was killed or slept for days, or a computer's clock that was set forward, all lead to the same
entries, each once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from gis.errors import DatabaseUnavailable
from gis.governance.actors import SYSTEM
from gis.governance.areas import COARSE_TO_FINE
from gis.governance.clocks import Clock, fire
from gis.governance.work_orders import STAGES, TRANSITIONS
from gis.services import jobs
from gis.services.case_file import CaseFile
from gis.services.dispatch import Command, act
from gis.services.lookup import Boundaries
from gis.store import orders as store
from gis.store.unit_of_work import Database

EVERY: Final = timedelta(seconds=10)
BATCH: Final = 200
MOST_BATCHES: Final = 50

DEFAULT_LEVELS: Final = ("community", "subdistrict")
"""Where a case without a category goes up to."""

_log = structlog.get_logger(__name__)


@jobs.task("tick-clocks", every=EVERY)
def tick_clocks(context: jobs.Context) -> None:
    """Fire everything that is due; what somebody acts on right now is for the next tick."""
    tick(context.database, context.boundaries, context.now)


def tick(database: Database, boundaries: Boundaries, now: Callable[[], datetime]) -> int:
    """Fire everything that is due by now; return how many entries were written."""
    fired, done, stay = 0, set[uuid.UUID](), 0
    for _batch in range(MOST_BATCHES):
        with database.reading(SYSTEM) as work:
            # what stays due, locked or failed, must not fill the batch
            found = store.cases_with_due_clocks(work, now(), BATCH + stay)
        fresh = [event_id for event_id in found if event_id not in done]
        if not fresh:
            break
        for event_id in fresh:
            done.add(event_id)
            entries = 0
            try:
                entries = fire_case(database, boundaries, event_id, now())
            except DatabaseUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - one case must not hold up the others
                _log.error("clock_failed", case=str(event_id), reason=str(error), exc_info=True)
            fired += entries
            stay += entries == 0
    if fired:
        _log.info("clocks_fired", entries=fired)
    return fired


def fire_case(
    database: Database, boundaries: Boundaries, event_id: uuid.UUID, now: datetime
) -> int:
    """Fire what is due on one case, unless somebody holds it; return how many entries."""
    with database.transaction(SYSTEM) as work:
        if not store.try_lock_case(work, event_id):
            return 0
        case = CaseFile.open(work, boundaries, event_id, now)
        return sum(_fire(case, stage) for stage in case.clocks.stages)


def _fire(case: CaseFile, stage: str) -> int:
    clock = case.clocks.running(stage)
    if clock is None:
        return 0
    after, effects = fire(clock, case.now, _levels_above(case), case.clocks.ruler)
    if after != clock:
        case.clocks.save(stage, after)
    if case.order is not None and case.order["supervised_at"] is not None:
        effects = [effect for effect in effects if effect != "supervise"]  # it is already
    for effect in effects:
        if effect == "escalate":
            act(case, Command(action="escalate_overdue"))
        elif effect == "supervise":
            title = STAGES[stage][0]
            act(case, Command(action="supervise", note=f"{title}超期且已升至最高一级"))
        else:
            _tell(case, effect, after)
    return len(effects)


def _levels_above(case: CaseFile) -> list[str]:
    """Return the levels that a case may still move up to, the next one first."""
    if case.order is None or (case.state, "escalate_overdue") not in TRANSITIONS:
        return []
    wanted = DEFAULT_LEVELS if case.category is None else case.category.escalation
    place = COARSE_TO_FINE.index(case.order["level"])
    return [level for level in reversed(COARSE_TO_FINE[:place]) if level in wanted]


def _tell(case: CaseFile, effect: str, clock: Clock) -> None:
    due = None if clock.due_at is None else clock.due_at.isoformat()
    case.log(
        effect,
        case.told(),
        more={"stage": clock.stage, "due_at": due, "by": "系统", "by_en": "Gridward"},
    )
