"""Events, work orders, their log and the outbox: written together, read back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from importlib import resources
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.governance.categories import Category
from gis.store.categories import from_json
from gis.store.tables import event_registry, events, log_entries, persons, units, work_orders
from gis.store.unit_of_work import Prepared, UnitOfWork, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Everything that is written about one event: what came in, what was made of it, who acts.

    ``lon`` and ``lat`` are EPSG:4326; ``raw_location`` keeps the numbers and the CRS as they came.
    Without an ``assignee_id`` no work order is written.
    """

    id: uuid.UUID
    source: str
    source_ref: str | None
    category: str | None
    title: str | None
    description: str | None
    address: str | None
    reported_at: datetime | None
    lon: float | None
    lat: float | None
    accuracy_m: float | None
    raw_location: Mapping[str, Any] | None
    reporter: Mapping[str, Any] | None
    routing: str
    status: str
    grid_code: str | None
    path_codes: Sequence[str]
    boundary_revision: int
    match: Mapping[str, Any]
    level: str | None
    area_code: str | None
    unit_code: str | None
    assignee_id: int | None
    assignee_role: str | None
    due_at: datetime | None
    entries: Sequence[Mapping[str, Any]]
    clocks: Sequence[Mapping[str, Any]]
    topics: Sequence[str]


def _typed(name: str, kind: Any) -> sa.BindParameter[Any]:  # noqa: ANN401 - a SQL type
    return sa.bindparam(name, type_=kind)


_AS_JSON: Final = ("raw_location", "reporter", "match", "entries", "clocks")
_RECORD_TEXT: Final = sa.text(
    (resources.files("gis.store") / "sql" / "record_event.sql").read_text(encoding="utf-8")
).bindparams(
    _typed("id", sa.Uuid()),
    _typed("reported_at", sa.DateTime(timezone=True)),
    _typed("due_at", sa.DateTime(timezone=True)),
    _typed("lon", sa.Double()),
    _typed("lat", sa.Double()),
    _typed("accuracy_m", sa.Double()),
    _typed("assignee_id", sa.BigInteger()),
    _typed("boundary_revision", sa.Integer()),
    _typed("path_codes", ARRAY(sa.Text())),
    _typed("topics", ARRAY(sa.Text())),
    *(
        _typed(name, sa.Text())
        for name in (
            "source",
            "source_ref",
            "category",
            "title",
            "description",
            "address",
            "routing",
            "status",
            "grid_code",
            "level",
            "area_code",
            "unit_code",
            "assignee_role",
            "actor_id",
            "actor_role",
        )
    ),
    *(_typed(name, JSONB()) for name in _AS_JSON),
)
_RECORD: Final = Prepared(_RECORD_TEXT, ("id", "number", "received_at", "work_order"))
_MEMBERS: Final = tuple(field.name for field in fields(NewEvent))


_CONTEXT_TEXT: Final = sa.text(
    (resources.files("gis.store") / "sql" / "intake_context.sql").read_text(encoding="utf-8")
).bindparams(*(_typed(name, sa.Text()) for name in ("source", "source_ref", "category")))
_CONTEXT: Final = Prepared(
    _CONTEXT_TEXT, ("revision", "written", "touched", "marks", "sum", "known", "category", "plans")
)


def record(work: UnitOfWork, event: NewEvent) -> dict[str, Any] | None:
    """Write an event with work order, log and outbox in one statement.

    Returns
    -------
    dict or None
        ``id, number, received_at, work_order``; None when this source already sent this reference
        (also when another transaction is just committing it: this one waits for it).
    """
    values = as_values(event)
    for name in _AS_JSON:
        if values[name] is not None:
            values[name] = json.dumps(values[name])
    values["actor_id"], values["actor_role"] = work.actor.id, work.actor.role
    written = work.told(_RECORD, values)
    return written[0] if written else None


def as_values(event: NewEvent) -> dict[str, Any]:
    """Return the members of an event by name; not asdict(), which copies the whole match."""
    return {name: getattr(event, name) for name in _MEMBERS}


@dataclass(frozen=True, slots=True)
class IntakeContext:
    """What taking an event in must know first."""

    revision: int | None
    exceptions: tuple[int, int]
    roster: tuple[int, int]
    known: uuid.UUID | None
    category: Category | None


def intake_context(
    work: UnitOfWork, source: str, source_ref: str | None, category: str | None
) -> IntakeContext:
    """Return the boundary revision in force, the event already sent, and the active category."""
    asked = {"source": source, "source_ref": source_ref, "category": category}
    (row,) = work.told(_CONTEXT, asked)
    return IntakeContext(
        revision=row["revision"],
        exceptions=(int(row["written"]), int(row["touched"])),
        roster=(int(row["marks"]), int(row["sum"])),
        known=row["known"],
        category=None if row["category"] is None else from_json(row["category"]),
    )


_phone_sent: Final[sa.ColumnClause[str]] = sa.literal_column("events.reporter->>'phone'", sa.Text)
"""As its index has it: a key that is bound as a parameter would miss the index."""


def places_of_sender(work: UnitOfWork, phone: str, most: int) -> list[tuple[float, float]]:
    """Return where the newest reports of a phone number lay, EPSG:4326, the newest first."""
    rows = work.rows(
        sa.select(
            sa.func.ST_X(events.c.geometry).label("lon"),
            sa.func.ST_Y(events.c.geometry).label("lat"),
        )
        .where(_phone_sent == phone, events.c.geometry.is_not(None))
        .order_by(events.c.received_at.desc(), events.c.id)
        .limit(most)
    )
    return [(float(row["lon"]), float(row["lat"])) for row in rows]


def _selected() -> sa.Select[Any]:
    columns = events.c
    return sa.select(
        columns.id,
        columns.number,
        columns.source,
        columns.source_ref,
        columns.category,
        columns.title,
        columns.description,
        columns.address,
        columns.reported_at,
        columns.received_at,
        columns.accuracy_m,
        columns.raw_location,
        columns.reporter,
        columns.routing,
        columns.status,
        columns.grid_code,
        columns.path_codes,
        columns.boundary_revision,
        columns.match,
        columns.duplicate_of,
        columns.version,
        sa.func.ST_X(columns.geometry).label("lon"),
        sa.func.ST_Y(columns.geometry).label("lat"),
    )


def by_id(work: UnitOfWork, event_id: uuid.UUID) -> sa.RowMapping | None:
    """Return one event; the registry tells its month, so that one partition is read."""
    return work.row(
        _selected()
        .join(
            event_registry,
            sa.and_(
                event_registry.c.id == events.c.id,
                event_registry.c.received_at == events.c.received_at,
            ),
        )
        .where(event_registry.c.id == event_id)
    )


def by_name(work: UnitOfWork, named: str) -> sa.RowMapping | None:
    """Return one event by its id or by its number."""
    try:
        event_id: uuid.UUID | None = uuid.UUID(named)
    except ValueError:
        event_id = work.scalar(
            sa.select(event_registry.c.id).where(event_registry.c.number == named)
        )
    return None if event_id is None else by_id(work, event_id)


def orders_of(work: UnitOfWork, event_ids: Sequence[uuid.UUID]) -> list[sa.RowMapping]:
    """Return the work orders of events with unit and assignee, by event and code."""
    return work.rows(
        sa.select(
            work_orders.c.event_id,
            work_orders.c.code,
            work_orders.c.status,
            work_orders.c.version,
            work_orders.c.level,
            work_orders.c.area_code,
            work_orders.c.dispatched_at,
            work_orders.c.due_at,
            work_orders.c.closed_at,
            work_orders.c.round,
            work_orders.c.assignee_role,
            work_orders.c.assignee_id,
            persons.c.name.label("assignee_name"),
            units.c.code.label("unit_code"),
            units.c.name.label("unit_name"),
        )
        .join(persons, persons.c.id == work_orders.c.assignee_id)
        .join(units, units.c.code == work_orders.c.unit_code)
        .where(work_orders.c.event_id.in_(event_ids))
        .order_by(work_orders.c.event_id, work_orders.c.code.collate("C"))
    )


def log_of(work: UnitOfWork, event_id: uuid.UUID) -> list[sa.RowMapping]:
    """Return the history of an event, oldest first."""
    columns = log_entries.c
    return work.rows(
        sa.select(
            columns.id,
            columns.at,
            columns.actor_id,
            columns.actor_role,
            columns.action,
            columns.before,
            columns.after,
            columns.note,
            columns.work_order_code,
            columns.boundary_revision,
        )
        .where(columns.event_id == event_id)
        .order_by(columns.id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events a list wants; None and empty mean no restriction."""

    area: str | None = None
    grid: str | None = None
    category: str | None = None
    routing: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    source: str | None = None
    text: str | None = None
    scope: str | None = None


def listing(
    work: UnitOfWork,
    wanted: EventFilter,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> list[sa.RowMapping]:
    """Return events, newest first (ties by id), after a key of the previous page."""
    columns = events.c
    chosen = _chosen(wanted).order_by(columns.received_at.desc(), columns.id.desc()).limit(limit)
    if after is not None:
        chosen = chosen.where(
            sa.tuple_(columns.received_at, columns.id) < sa.tuple_(*map(sa.literal, after))
        )
    return work.rows(chosen)


def total(work: UnitOfWork, wanted: EventFilter) -> int | None:
    """Return how many events a selection has, None beyond ``unit_of_work.MOST_COUNTED``."""
    return counted(work, _chosen(wanted))


def _chosen(wanted: EventFilter) -> sa.Select[Any]:
    columns = events.c
    chosen = _selected()
    for area in (wanted.area, wanted.scope):
        if area is not None:
            chosen = chosen.where(columns.path_codes.contains([area]))
    for column, value in (
        (columns.grid_code, wanted.grid),
        (columns.category, wanted.category),
        (columns.routing, wanted.routing),
        (columns.status, wanted.status),
        (columns.source, wanted.source),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if wanted.since is not None:
        chosen = chosen.where(columns.received_at >= wanted.since)
    if wanted.until is not None:
        chosen = chosen.where(columns.received_at < wanted.until)
    if wanted.bbox is not None:
        envelope = sa.func.ST_MakeEnvelope(*wanted.bbox, 4326)
        chosen = chosen.where(columns.geometry.op("&&")(envelope))
    if wanted.text is not None:
        chosen = chosen.where(
            sa.or_(
                columns.title.contains(wanted.text, autoescape=True),
                columns.description.contains(wanted.text, autoescape=True),
                columns.address.contains(wanted.text, autoescape=True),
                columns.number == wanted.text,
            )
        )
    return chosen


def ensure_months(work: UnitOfWork, first: datetime, last: datetime) -> int:
    """Make the monthly partitions from one instant to another; return how many were new."""
    return int(
        work.scalar(sa.select(sa.func.ensure_event_partitions(sa.literal(first), sa.literal(last))))
    )
