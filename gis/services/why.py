"""Why a case went where it went: the public part of an event, for whoever holds its address.

An event's id is not to be guessed, and the reporter gets it with the answer; what is told here
holds no person's name, no phone, no address text and no free text of anybody.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from gis.errors import EventUnknown, Language
from gis.governance.actors import SYSTEM
from gis.governance.work_orders import ACTIONS, NOTES, STATES
from gis.services.matching import spoken
from gis.store import categories, events
from gis.store.unit_of_work import Database

_PERSONAL: Final = frozenset({"on-duty", "next-in-line", "everybody-absent", "no-unit"})
"""Reasons that name people."""


def why(database: Database, event_id: uuid.UUID, language: Language) -> dict[str, Any]:
    """Return what the page ``/why/{id}`` tells.

    Raises
    ------
    gis.errors.EventUnknown
        There is no such event.
    """
    side = 0 if language == "zh" else 1
    with database.reading(SYSTEM) as work:
        row = events.by_id(work, event_id)
        if row is None:
            raise EventUnknown(id=str(event_id))
        orders = events.orders_of(work, [event_id])
        log = events.log_of(work, event_id)
        named = categories.by_key(work, row["category"]) if row["category"] else None
    match = spoken(row["match"], language)
    title = None if named is None else (named.title_zh if side == 0 else named.title_en)
    return {
        "id": str(event_id),
        "number": row["number"],
        "category": title,
        "state": STATES[row["status"]].title[side],
        "received_at": row["received_at"],
        "grid": match["grid"],
        "path": match["path"],
        "confidence": match["confidence"],
        "edge_distance_m": match["edge_distance_m"],
        "revision": row["boundary_revision"],
        "reasons": [one["text"] for one in match["reasons"] if one["code"] not in _PERSONAL],
        "unit": orders[-1]["unit_name"] if orders else None,
        "due_at": orders[-1]["due_at"] if orders else None,
        "steps": [_step(dict(entry), side) for entry in log],
    }


def _step(entry: Mapping[str, Any], side: int) -> dict[str, Any]:
    action = entry["action"]
    title = ACTIONS[action].title if action in ACTIONS else NOTES.get(action, (action, action))
    return {"at": entry["at"], "title": title[side]}
