"""Limits of deliberations that act 议事时限: a step that takes too long is said once, and heard of.

What is late is computed from the row and the present instant, and kept with the row, in one
transaction: a worker that slept, or two at once, remind of each stage once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from gis.errors import CalendarMissing
from gis.governance.actors import SYSTEM
from gis.governance.calendar import due_at
from gis.governance.clocks import Ruler
from gis.governance.deliberation import LIMITS
from gis.services import jobs
from gis.store import deliberations as store
from gis.store.orders import add_message
from gis.store.unit_of_work import Database, UnitOfWork

TOPIC: Final = "deliberation.changed"
BATCH: Final = 200


def limit_ends(state: str, at: datetime, ruler: Ruler) -> datetime | None:
    """Return until when a state that begins now may last; None: no limit, or no calendar yet."""
    limit = LIMITS.get(state)
    if limit is None:
        return None
    try:
        return due_at(at, limit.amount, limit.unit, office=ruler.office, calendar=ruler.calendar)
    except CalendarMissing:
        return None


@jobs.task("remind-of-deliberations", every=timedelta(minutes=1))
def remind_all(context: jobs.Context) -> None:
    """Remind of every item whose stage has lasted too long."""
    while remind(context.database, context.now) == BATCH:
        pass


def remind(database: Database, now: Callable[[], datetime]) -> int:
    """Remind of what is late by now, each stage once; return of how many."""
    with database.transaction(SYSTEM) as work:
        late = store.late(work, now(), BATCH)
        for item in late:
            store.mark_reminded(work, item["id"], now())
            told = {"status": item["status"], "due_at": item["due_at"].isoformat()}
            store.add_entry(work, item["id"], "remind", before=told, after=told, note=None)
            tell(work, item, "remind", {"due_at": told["due_at"]})
    return len(late)


def tell(work: UnitOfWork, item: dict[str, Any], action: str, more: dict[str, Any]) -> None:
    """Let listeners hear of an item: what it is and where it stands, never who raised it."""
    identity: uuid.UUID = item["id"]
    body = {key: item[key] for key in ("number", "kind", "title", "status", "area_code")}
    add_message(
        work,
        TOPIC,
        str(identity),
        item["path_codes"],
        {"id": str(identity), "action": action, **body, **more},
    )


def give_limits(work: UnitOfWork, ruler: Ruler) -> int:
    """Give open items that lack a limit for want of a calendar the one that they are due."""
    given = 0
    for row in store.without_limit(work):
        due = limit_ends(row["status"], row["since"], ruler)
        if due is not None:
            store.set_due(work, row["id"], due)
            given += 1
    return given
