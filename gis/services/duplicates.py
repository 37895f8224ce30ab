"""Duplicates 重复件: suggested at intake and on every look, joined by a person, nobody forgotten.

A report that is joined to a case keeps everything that it brought; its reporter is told of with the
case's own. Joins cannot form a ring or a chain: whatever is named, the case at the end of the chain
is meant, and what was joined to the report before moves along.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gis.errors import DuplicateInvalid, EventUnknown, Language
from gis.geometry.cell_index import metres_per_degree
from gis.governance.categories import Category
from gis.governance.work_orders import STATES
from gis.matching.duplicates import WINDOW, Sighting, Suggestion, reach_m, suggestions
from gis.store import categories
from gis.store import duplicates as store
from gis.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Joined:
    """The case that a report was joined to, and the numbers of what had been joined to it."""

    root_id: uuid.UUID
    root_number: str
    moved: tuple[str, ...]


def suggested(work: UnitOfWork, new: Sighting, category: Category | None) -> tuple[Suggestion, ...]:
    """Return the open cases that a report is probably another report of."""
    if category is None:
        return ()
    reach = reach_m(category.duplicate_distance_m, category.major_zh)
    if reach <= 0.0:
        return ()
    kx, ky = metres_per_degree(new.lat)
    dx, dy = reach / kx, reach / ky
    box = store.Box(new.lon - dx, new.lat - dy, new.lon + dx, new.lat + dy)
    rows = store.near(work, box, new.at - WINDOW)
    return suggestions(new, [sighting(row) for row in rows], reach)


def of_event(work: UnitOfWork, row: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """Return what an event, as it stands now, is probably another report of.

    ``row`` is one of :func:`gis.store.events.by_id`. Nothing for one that is closed or joined.
    """
    if row["lon"] is None or row["category"] is None or row["duplicate_of"] is not None:
        return []
    if row["status"] in STATES and STATES[row["status"]].final:
        return []
    category = categories.by_key(work, row["category"])
    new = sighting({**row, "group": category.major_zh, "root_number": None})
    return shown(suggested(work, new, category), language)


def sighting(row: Mapping[str, Any]) -> Sighting:
    """Return a row of :func:`gis.store.duplicates.near` as duplicates are sought by."""
    root = row["duplicate_of"]
    return Sighting(
        id=str(row["id"]),
        number=row["number"],
        lon=row["lon"],
        lat=row["lat"],
        at=row["reported_at"],
        category=row["category"],
        group=row["group"],
        accuracy_m=row["accuracy_m"],
        text=" ".join(part for part in (row["title"], row["description"]) if part),
        source=row["source"],
        reporter=person(row["reporter"]),
        root=None if root is None else str(root),
        root_number=row["root_number"],
    )


def person(reporter: Mapping[str, Any] | None) -> str | None:
    """Return what is equal for two reports of one person: a hash of the phone, else nothing."""
    phone = "" if reporter is None else str(reporter.get("phone") or "")
    digits = "".join(character for character in phone if character.isdigit())[-11:]
    return hashlib.sha256(digits.encode()).hexdigest() if len(digits) >= 7 else None


def shown(found: tuple[Suggestion, ...], language: Language) -> list[dict[str, Any]]:
    """Return suggestions as an event's answer shows them."""
    return [
        {
            "id": one.of,
            "number": one.number,
            "probability": one.probability,
            "distance_m": one.distance_m,
            "reports": one.reports,
            "reason": {
                "code": one.reason.code,
                "text": one.reason.text(language),
                "facts": dict(one.reason.facts),
            },
        }
        for one in found
    ]


def mark_duplicate(work: UnitOfWork, event_id: uuid.UUID, of: uuid.UUID) -> Joined:
    """Join a report to the case of another one, inside an open unit of work; see :func:`join`."""
    joined = join(work, event_id, of)
    store.mark(work, event_id, joined.root_id)
    return joined


def join(work: UnitOfWork, event_id: uuid.UUID, of: uuid.UUID) -> Joined:
    """Find the case that a report is joined to, and let what was joined to the report follow.

    The report itself, states, work orders and the log are left to the action that calls this; no
    other transaction joins anything until this one ends.

    Raises
    ------
    gis.errors.EventUnknown
        There is no such event.
    gis.errors.DuplicateInvalid
        The case at the end of the chain is the report itself.
    """
    store.serialise(work)
    at, seen = of, set[uuid.UUID]()
    while True:
        found = store.pointer(work, at)
        if found is None:
            raise EventUnknown(id=str(at))
        if at == event_id or at in seen:
            raise DuplicateInvalid(
                of=found["number"],
                reason_zh="会使两个案件互为重复件",
                reason_en="two cases would be duplicates of each other",
            )
        if found["duplicate_of"] is None:
            break
        seen.add(at)
        at = found["duplicate_of"]
    if store.pointer(work, event_id) is None:
        raise EventUnknown(id=str(event_id))
    return Joined(at, found["number"], tuple(store.point_to(work, event_id, at)))


def gathered(
    work: UnitOfWork, event_id: uuid.UUID, *, with_reporters: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the reports that were joined to a case; their people only to who may see them."""
    rows = store.joined(work, event_id)
    told: dict[str, list[dict[str, Any]]] = {
        "duplicates": [
            {
                "id": str(row["id"]),
                "number": row["number"],
                "source": row["source"],
                "reported_at": row["reported_at"].isoformat(),
            }
            for row in rows
        ]
    }
    if with_reporters:
        told["other_reporters"] = [
            {"number": row["number"], "source": row["source"], **row["reporter"]}
            for row in rows
            if row["reporter"]
        ]
    return told
