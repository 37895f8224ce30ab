"""Events, work orders and their history as rows of tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import numpy as np

from gis.store.bulk import as_json
from layers.demo.batches import Batch, Ids, points
from layers.demo.city import City
from layers.demo.events import Event

LOCAL_TIME: Final = timezone(timedelta(hours=8))
DISPATCHER: Final = "demo-dispatcher"


def _numbered(number: int, at: datetime) -> str:
    return f"{at.astimezone(LOCAL_TIME):%Y%m%d}-{number:06d}"


def case_batches(city: City, ids: Ids) -> Iterator[Batch]:
    """Yield events, their truths, work orders and log entries, in writing order."""
    cases = city.events
    yield Batch(
        "event_registry",
        ("id", "number", "source", "source_ref", "received_at"),
        [
            (e.id, _numbered(number, e.received_at), e.source, e.source_ref, e.received_at)
            for number, e in zip(ids.events, cases, strict=True)
        ],
        len(cases),
    )
    yield Batch(
        "events",
        ("id", "received_at", "number", "source", "source_ref", "category", "title", "description",
         "address", "reported_at", "geometry", "accuracy_m", "raw_location", "reporter", "routing",
         "status", "grid_code", "path_codes", "boundary_revision", "match"),
        (
            (e.id, e.received_at, _numbered(number, e.received_at), e.source, e.source_ref,
             e.category, e.title, e.description, e.address, e.received_at, _place(e.lonlat),
             e.accuracy_m, None if e.raw_location is None else as_json(e.raw_location),
             None if e.reporter is None else as_json(e.reporter), e.routing, e.status, e.grid_code,
             [] if e.grid_code is None else city.areas.path(e.grid_code), 1, as_json(e.match))
            for number, e in zip(ids.events, cases, strict=True)
        ),
        len(cases),
    )  # fmt: skip
    yield Batch(
        "event_truths",
        ("event_id", "grid_code", "geometry", "true_crs", "facts"),
        ((e.id, e.true_grid, _place(e.true_lonlat), e.true_frame, as_json(e.facts)) for e in cases),
        len(cases),
    )
    ordered = [e for e in cases if e.dispatched_at is not None]
    codes = {
        e.id: f"WO{_numbered(number, e.received_at)}"
        for number, e in zip(ids.orders, ordered, strict=True)
    }
    yield Batch(
        "work_orders",
        ("code", "event_id", "status", "level", "area_code", "unit_code", "assignee_id",
         "assignee_role", "path_codes", "dispatched_at", "due_at", "closed_at", "created_at"),
        (_order(city, ids, codes[e.id], e) for e in ordered),
        len(ordered),
    )  # fmt: skip
    timed = [e for e in ordered if e.closed_at is None and e.due_at is not None]
    yield Batch(
        "clocks",
        ("event_id", "work_order_code", "stage", "amount", "unit", "started_at", "due_at",
         "next_at"),
        (_clock(city, codes[e.id], e) for e in timed),
        len(timed),
    )  # fmt: skip
    history = sorted(
        (entry for e in cases for entry in _history(city, ids, codes.get(e.id), e)),
        key=lambda entry: (entry[2], entry[0].bytes),
    )
    yield Batch(
        "log_entries",
        ("event_id", "work_order_code", "at", "actor_id", "actor_role", "action", "after", "note",
         "boundary_revision", "place"),
        history,
        len(history),
    )  # fmt: skip


def _place(lonlat: tuple[float, float] | None) -> str | None:
    return None if lonlat is None else points(np.array([lonlat]))[0]


def _worker(city: City, e: Event) -> int:
    return city.teams.worker_of[e.grid_code or e.true_grid]


def _order(city: City, ids: Ids, code: str, e: Event) -> tuple[Any, ...]:
    grid = e.grid_code or e.true_grid
    worker = _worker(city, e)
    return (
        code, e.id, "closed" if e.closed_at else "dispatched", "grid", grid,
        city.teams.persons[worker][3], ids.persons[worker], "grid_worker", city.areas.path(grid),
        e.dispatched_at, e.due_at, e.closed_at, e.dispatched_at,
    )  # fmt: skip


def _clock(city: City, code: str, e: Event) -> tuple[Any, ...]:
    """Return the clock of handling an open order."""
    limits = {category.key: category.deadlines["handle"] for category in city.categories}
    amount, unit = limits[e.category]
    return (e.id, code, "handle", amount, unit, e.dispatched_at, e.due_at, e.due_at)


def _history(
    city: City, ids: Ids, code: str | None, e: Event
) -> list[tuple[uuid.UUID, str | None, datetime, str, str, str, str, str | None, int, str | None]]:
    """Return the log of one case, in the order in which it happened."""
    place = _place(e.lonlat)
    steps: list[tuple[datetime, str, str, str, dict[str, Any], str | None]] = [
        (e.received_at, f"source:{e.source}", "reporter", "report",
         {"routing": e.routing, "status": e.status if code is None else "registered"}, None)
    ]  # fmt: skip
    if code is not None and e.dispatched_at is not None:
        worker = _worker(city, e)
        name, unit = city.teams.persons[worker][1], city.teams.persons[worker][3]
        person = f"person:{ids.persons[worker]}"
        if e.routing == "review":
            seen = e.received_at + (e.dispatched_at - e.received_at) / 2
            steps.append(
                (seen, DISPATCHER, "dispatcher", "confirm_grid", {"grid": e.grid_code}, None)
            )
        after = {
            "assignee": name, "role": "grid_worker", "unit": unit,
            "due_at": None if e.due_at is None else e.due_at.isoformat(),
        }  # fmt: skip
        steps.append(
            (
                e.dispatched_at,
                "system",
                "admin",
                "dispatch",
                after,
                f"{name}是本网格网格员，当前在岗。",
            )
        )
        if e.resolved_at is not None and e.closed_at is not None:
            taken = e.dispatched_at + (e.resolved_at - e.dispatched_at) * 0.15
            checked = e.resolved_at + (e.closed_at - e.resolved_at) * 0.8
            steps += [
                (taken, person, "grid_worker", "accept", {"status": "handling"}, None),
                (
                    e.resolved_at,
                    person,
                    "grid_worker",
                    "resolve",
                    {"status": "resolved"},
                    "已处理完毕。",
                ),
                (
                    checked,
                    DISPATCHER,
                    "dispatcher",
                    "verify",
                    {"status": "verified"},
                    "现场核查属实。",
                ),
                (e.closed_at, DISPATCHER, "dispatcher", "close", {"status": "closed"}, None),
            ]
    return [
        (e.id, None if action in ("report", "confirm_grid") else code, at, actor, role, action,
         as_json(after), note, 1, place)
        for at, actor, role, action, after, note in steps
    ]  # fmt: skip
