"""Reading cases: events with their work orders, as the one who asks may see them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from gis.errors import EventUnknown, Language
from gis.governance.actors import Actor
from gis.governance.story import sentence
from gis.governance.work_orders import LIFE, STATES, Holder, relations
from gis.services import duplicates
from gis.services.case_view import actions_said
from gis.services.matching import spoken
from gis.services.photos import SHOWN_TYPE
from gis.store import attachments, categories, duty, events
from gis.store.events import EventFilter as EventFilter  # noqa: PLC0414 - what routes ask with
from gis.store.unit_of_work import Database, UnitOfWork

READS_REPORTER: Final = frozenset({"dispatcher", "admin"})
"""Roles that see who reported (they call back); beside them only the unit that handles it."""

SHOWN: Final = (
    "id", "number", "source", "source_ref", "category", "title", "description", "address",
    "reported_at", "received_at", "routing", "status", "boundary_revision", "match",
    "duplicate_of", "version",
)  # fmt: skip
"""Columns of an event that every answer shows."""


def event(
    database: Database, actor: Actor, event_id: uuid.UUID, language: Language = "zh"
) -> dict[str, Any]:
    """Return one event as the actor may see it.

    Raises
    ------
    gis.errors.EventUnknown
        There is none, or it lies outside the actor's area.
    """
    with database.reading(actor) as work:
        return view(work, event_id, language)


def event_log(
    database: Database, actor: Actor, event_id: uuid.UUID, language: Language = "zh"
) -> list[dict[str, Any]]:
    """Return the history of an event, oldest first; ``text`` tells each entry as a sentence."""
    with database.reading(actor) as work:
        view(work, event_id, language)
        pictures = attachments_of(work, [event_id]).get(event_id, [])
        return [
            {
                **_plain(dict(row)),
                "text": sentence(dict(row), language),
                "attachments": _of_entry(dict(row), pictures),
            }
            for row in events.log_of(work, event_id)
        ]


def _of_entry(
    entry: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the photos that came with an entry of the log, or that it names."""
    named = (entry["after"] or {}).get("attachments") or ()
    return [one for one in pictures if one["id"] in named or one["log_entry"] == entry["id"]]


def event_list(
    database: Database,
    actor: Actor,
    wanted: EventFilter,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    language: Language = "zh",
) -> tuple[list[dict[str, Any]], bool]:
    """Return events of the actor's area, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = events.listing(work, wanted, after=after, limit=limit + 1)
        ids = [row["id"] for row in rows[:limit]]
        orders, pictures = _orders(work, ids), attachments_of(work, ids)
        unit = handling_unit(work)
        return [
            as_answer(
                dict(row),
                orders.get(row["id"], []),
                actor,
                language,
                pictures.get(row["id"], []),
                unit=unit,
            )
            for row in rows[:limit]
        ], len(rows) > limit


def event_total(database: Database, actor: Actor, wanted: EventFilter) -> int | None:
    """Return how many events a list has in all, None when it has more than 10,000."""
    with database.reading(actor) as work:
        return events.total(work, wanted)


def category_list(database: Database, actor: Actor) -> list[dict[str, Any]]:
    """Return the active categories in the order of lists."""
    with database.reading(actor) as work:
        return [
            {
                **{key: value for key, value in asdict(category).items() if key != "deadlines"},
                "deadlines": {
                    stage: {"amount": limit.amount, "unit": limit.unit}
                    for stage, limit in category.deadlines.items()
                },
            }
            for category in categories.all_active(work)
        ]


def _orders(work: UnitOfWork, ids: list[uuid.UUID]) -> dict[uuid.UUID, list[Mapping[str, Any]]]:
    found: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
    for row in events.orders_of(work, ids) if ids else []:
        found.setdefault(row["event_id"], []).append(dict(row))
    return found


def view(work: UnitOfWork, event_id: uuid.UUID, language: Language) -> dict[str, Any]:
    """Return an event inside an open unit of work, as its actor may see it.

    Raises
    ------
    gis.errors.EventUnknown
        There is none, or it lies outside the actor's area.
    """
    row = events.by_id(work, event_id)
    orders = _orders(work, [event_id])
    mine = [order["assignee_id"] for order in orders.get(event_id, ())]
    seen = row is not None and (
        not row["path_codes"]
        or any(work.actor.sees(row["path_codes"], one) for one in (None, *mine))
    )
    if row is None or not seen:
        raise EventUnknown(id=str(event_id))
    pictures = attachments_of(work, [event_id])
    answer = as_answer(
        dict(row),
        orders.get(event_id, []),
        work.actor,
        language,
        pictures.get(event_id, []),
        unit=handling_unit(work),
    )
    answer["suggested_duplicates"] = duplicates.of_event(work, dict(row), language)
    return answer | duplicates.gathered(work, event_id, with_reporters="reporter" in answer)


def attachments_of(
    work: UnitOfWork, event_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return the attachments of events as answers show them, oldest first.

    Where a photo was taken is told only to those who may know who took it.
    """
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in attachments.of_events(work, event_ids):
        told = row["exif"]
        answer = {
            "id": row["id"],
            "media_type": SHOWN_TYPE,
            "width": row["width"],
            "height": row["height"],
            "taken_at": told.get("taken_at"),
            "received_at": row["created_at"],
            "log_entry": row["log_entry_id"],
            "url": f"/v1/attachments/{row['id']}",
            "thumbnail_url": f"/v1/attachments/{row['id']}?size=thumbnail",
        }
        if work.actor.role in READS_REPORTER and "lon" in told:
            answer["position"] = {key: told[key] for key in ("lon", "lat", "accuracy_m")}
        found.setdefault(row["event_id"], []).append(_plain(answer))
    return found


def handling_unit(work: UnitOfWork) -> str | None:
    """Return the unit of the person who asks, None when the sign-in names nobody."""
    if work.actor.person_id is None:
        return None
    found = duty.person_by_id(work, work.actor.person_id)
    return None if found is None else found["unit_code"]


def as_answer(
    row: Mapping[str, Any],
    orders: Sequence[Mapping[str, Any]],
    actor: Actor,
    language: Language,
    pictures: Sequence[Mapping[str, Any]] = (),
    *,
    unit: str | None = None,
) -> dict[str, Any]:
    """Return an event's row and its orders as answers show them to an actor of a unit."""
    answer = _plain({key: row[key] for key in SHOWN})
    answer["match"] = spoken(row["match"], language)
    answer["location"] = _own_pin(row["raw_location"])
    answer["point"] = None if row["lon"] is None else {"lon": row["lon"], "lat": row["lat"]}
    answer["grid"] = row["grid_code"]
    answer["work_orders"] = [order_answer(order) for order in orders]
    answer["suggested_duplicates"] = []
    answer["attachments"] = list(pictures)
    state, answer["allowed_actions"] = _allowed(row, orders, actor)
    answer["actions"] = actions_said(state, answer["allowed_actions"], language)
    mine = unit is not None and any(
        order["unit_code"] == unit and order["closed_at"] is None for order in orders
    )
    if actor.role in READS_REPORTER or (actor.role == "grid_worker" and mine):
        answer["reporter"] = row["reporter"]
    return answer


def _own_pin(raw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the pin as it came in; what its photo tells is shown with the photo, to some."""
    return None if raw is None else {key: raw[key] for key in raw if key != "photo"}


def _allowed(
    row: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], actor: Actor
) -> tuple[str, list[str]]:
    """Return the case's state and what the actor may do at ``/v1/events/{id}/actions``."""
    holder, state = Holder(None, None), row["status"]
    if orders:
        order = min(orders, key=lambda one: one["closed_at"] is not None)
        state = order["status"]
        holder = Holder(order["area_code"], order["assignee_id"])
    if state not in STATES:
        return state, []
    only = {"confirm_grid", "mark_duplicate", "move", "recategorise"}
    waits = {"register", "reject", "dispatch", "supervise", "void", "reopen"}
    return state, [
        action
        for action in LIFE.allowed(state, relations(actor, holder))
        if action in only or (not orders and action in waits)
    ]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with instants as RFC 3339 and ids as text: what JSON carries."""
    return {
        key: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, uuid.UUID)
        else value
        for key, value in row.items()
    }


def order_answer(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return a work order as answers show it."""
    return _plain(
        {
            "code": order["code"],
            "status": order["status"],
            "version": order["version"],
            "level": order["level"],
            "area": order["area_code"],
            "assignee": {"name": order["assignee_name"], "role": order["assignee_role"]},
            "unit": {"code": order["unit_code"], "name": order["unit_name"]},
            "dispatched_at": order["dispatched_at"],
            "due_at": order["due_at"],
            "closed_at": order["closed_at"],
            "round": order["round"],
        }
    )
