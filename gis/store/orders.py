"""SQL of a case in work: locked, changed, logged and told about in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gis.governance.categories import Limit
from gis.governance.work_orders import OPEN
from gis.store.tables import (
    clocks,
    event_registry,
    events,
    log_entries,
    order_returns,
    outbox,
    persons,
    units,
    work_order_number,
    work_orders,
)
from gis.store.unit_of_work import UnitOfWork, counted

_OPEN = work_orders.c.closed_at.is_(None)


def event_of_order(work: UnitOfWork, code: str) -> uuid.UUID | None:
    """Return the event of a work order, None when there is no such order."""
    found: uuid.UUID | None = work.scalar(
        sa.select(work_orders.c.event_id).where(work_orders.c.code == code)
    )
    return found


def lock_case(work: UnitOfWork, event_id: uuid.UUID) -> bool:
    """Lock a case against other actions on it; False when there is no such event."""
    statement = sa.select(event_registry.c.id).where(event_registry.c.id == event_id)
    return work.scalar(statement.with_for_update(key_share=True)) is not None


def current_order(work: UnitOfWork, event_id: uuid.UUID) -> dict[str, Any] | None:
    """Return the order of a case with assignee and unit: the open one, else the last one."""
    found = work.row(
        sa.select(
            *work_orders.c,
            persons.c.name.label("assignee_name"),
            units.c.name.label("unit_name"),
        )
        .join(persons, persons.c.id == work_orders.c.assignee_id)
        .join(units, units.c.code == work_orders.c.unit_code)
        .where(work_orders.c.event_id == event_id)
        .order_by(_OPEN.desc(), work_orders.c.created_at.desc(), work_orders.c.code.desc())
        .limit(1)
    )
    return None if found is None else dict(found)


def create_order(work: UnitOfWork, event_id: uuid.UUID, values: Mapping[str, Any]) -> str:
    """Write a work order; return its code (the day of Shanghai and a running number)."""
    number = work_order_number.next_value()
    day = sa.func.to_char(sa.func.timezone("Asia/Shanghai", sa.func.now()), "YYYYMMDD")
    text = sa.cast(number, sa.Text)
    drawn: str = work.scalar(sa.select(sa.func.concat("WO", day, "-", sa.func.lpad(text, 6, "0"))))
    work.execute(sa.insert(work_orders).values(code=drawn, event_id=event_id, **values))
    return drawn


def change_order(work: UnitOfWork, code: str, values: Mapping[str, Any]) -> int:
    """Change an order that the transaction has locked; return its new version."""
    version: int = work.scalar(
        sa.update(work_orders)
        .where(work_orders.c.code == code)
        .values(version=work_orders.c.version + 1, **values)
        .returning(work_orders.c.version)
    )
    return version


def change_event(
    work: UnitOfWork, event_id: uuid.UUID, received_at: datetime, values: Mapping[str, Any]
) -> None:
    """Change an event that the transaction has locked; its version goes up by one."""
    work.execute(
        sa.update(events)
        .where(events.c.id == event_id, events.c.received_at == received_at)
        .values(version=events.c.version + 1, **values)
    )


def point(lon: float, lat: float) -> sa.ColumnElement[Any]:
    """Return a position as the store keeps it."""
    return sa.func.ST_SetSRID(sa.func.ST_MakePoint(lon, lat), 4326)


def add_log(
    work: UnitOfWork,
    event_id: uuid.UUID,
    action: str,
    *,
    order: str | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str | None = None,
    place: tuple[float, float] | None = None,
    revision: int | None = None,
) -> int:
    """Write one entry of the history in the actor's name; return its number."""
    number: int = work.scalar(
        sa.insert(log_entries)
        .values(
            event_id=event_id,
            work_order_code=order,
            actor_id=work.actor.id,
            actor_role=work.actor.role,
            action=action,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
            note=note,
            boundary_revision=revision,
            place=None if place is None else point(*place),
        )
        .returning(log_entries.c.id)
    )
    return number


def add_message(
    work: UnitOfWork, topic: str, subject: str, path: Sequence[str], body: Mapping[str, Any]
) -> None:
    """Write what listeners hear of, with the change itself."""
    work.execute(
        sa.insert(outbox).values(
            topic=topic,
            subject=subject,
            path_codes=list(path),
            body=dict(body),
            actor_id=work.actor.id,
        )
    )


# --- clocks -------------------------------------------------------------------------------------


def clocks_of(work: UnitOfWork, event_ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    """Return every clock of some cases, in the order in which they began."""
    rows = work.rows(
        sa.select(*clocks.c)
        .where(clocks.c.event_id.in_(event_ids))
        .order_by(clocks.c.event_id, clocks.c.id)
    )
    return [dict(row) for row in rows]


def running_clocks(work: UnitOfWork, event_id: uuid.UUID) -> dict[str, dict[str, Any]]:
    """Return the running clocks of a case by stage."""
    rows = work.rows(
        sa.select(*clocks.c).where(clocks.c.event_id == event_id, clocks.c.stopped_at.is_(None))
    )
    return {row["stage"]: dict(row) for row in rows}


def start_clock(work: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write a clock that runs from now on."""
    work.execute(sa.insert(clocks).values(**values))


def change_clock(work: UnitOfWork, clock_id: int, values: Mapping[str, Any]) -> None:
    """Change a clock of a case that the transaction has locked."""
    work.execute(sa.update(clocks).where(clocks.c.id == clock_id).values(**values))


def clocks_without_end(work: UnitOfWork) -> list[dict[str, Any]]:
    """Return running clocks that no calendar covered when they began, locked."""
    columns = clocks.c
    rows = work.rows(
        sa.select(*columns)
        .where(columns.stopped_at.is_(None), columns.due_at.is_(None))
        .where(columns.paused_at.is_(None))
        .order_by(columns.id)
        .with_for_update()
    )
    return [dict(row) for row in rows]


def limit_of_row(row: Mapping[str, Any]) -> Limit:
    """Return the limit of a clock's row."""
    return Limit(row["amount"], row["unit"])


def set_due(work: UnitOfWork, code: str, due_at: datetime) -> None:
    """Give an order the limit that its clock got."""
    work.execute(sa.update(work_orders).where(work_orders.c.code == code).values(due_at=due_at))


def cases_with_due_clocks(work: UnitOfWork, now: datetime, limit: int) -> list[uuid.UUID]:
    """Return cases on whose clocks something is due, the longest due first."""
    columns = clocks.c
    rows = work.rows(
        sa.select(columns.event_id)
        .where(columns.stopped_at.is_(None), columns.next_at <= now)
        .group_by(columns.event_id)
        .order_by(sa.func.min(columns.next_at), columns.event_id)
        .limit(limit)
    )
    return [row["event_id"] for row in rows]


def try_lock_case(work: UnitOfWork, event_id: uuid.UUID) -> bool:
    """Lock a case unless somebody acts on it right now."""
    statement = sa.select(event_registry.c.id).where(event_registry.c.id == event_id)
    return work.scalar(statement.with_for_update(key_share=True, skip_locked=True)) is not None


# --- returns ------------------------------------------------------------------------------------


def add_return(work: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Write a return with its evidence; return its number."""
    number: int = work.scalar(
        sa.insert(order_returns)
        .values(actor_id=work.actor.id, **values)
        .returning(order_returns.c.id)
    )
    return number


def returns_of(work: UnitOfWork, event_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the returns of a case, oldest first."""
    rows = work.rows(
        sa.select(*order_returns.c)
        .where(order_returns.c.event_id == event_id)
        .order_by(order_returns.c.id)
    )
    return [dict(row) for row in rows]


# --- lists --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which work orders a list wants; None means no restriction.

    ``in_hand_of`` is a person whose orders are there beside those of ``scope``.
    """

    assignee: str | None = None
    area: str | None = None
    status: str | None = None
    overdue: bool | None = None
    scope: str | None = None
    in_hand_of: int | None = None
    person_id: int | None = None
    text: str | None = None
    category: str | None = None
    source: str | None = None


def listing(
    work: UnitOfWork,
    wanted: OrderFilter,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
    code: str | None = None,
) -> list[dict[str, Any]]:
    """Return work orders with what a list shows of them, newest first (ties by code)."""
    columns = work_orders.c
    chosen = (
        _chosen(wanted).order_by(columns.dispatched_at.desc(), columns.code.desc()).limit(limit)
    )
    if code is not None:
        chosen = chosen.where(columns.code == code)
    if after is not None:
        chosen = chosen.where(
            sa.tuple_(columns.dispatched_at, columns.code) < sa.tuple_(*map(sa.literal, after))
        )
    return [dict(row) for row in work.rows(chosen)]


def total(work: UnitOfWork, wanted: OrderFilter) -> int | None:
    """Return how many orders a selection has, None beyond ``unit_of_work.MOST_COUNTED``."""
    return counted(work, _chosen(wanted))


def _chosen(wanted: OrderFilter) -> sa.Select[Any]:
    columns = work_orders.c
    late = overdue_now()
    chosen = (
        sa.select(
            *columns,
            persons.c.name.label("assignee_name"),
            persons.c.phone.label("assignee_phone"),
            units.c.name.label("unit_name"),
            events.c.number.label("event_number"),
            events.c.title.label("event_title"),
            events.c.category.label("event_category"),
            events.c.source.label("event_source"),
            events.c.address.label("event_address"),
            events.c.grid_code.label("event_grid"),
            events.c.match.label("event_match"),
            events.c.path_codes.label("event_path"),
            sa.func.ST_X(events.c.geometry).label("lon"),
            sa.func.ST_Y(events.c.geometry).label("lat"),
            late.label("overdue"),
        )
        .join(persons, persons.c.id == columns.assignee_id)
        .join(units, units.c.code == columns.unit_code)
        .join(event_registry, event_registry.c.id == columns.event_id)
        .join(
            events,
            sa.and_(
                events.c.id == event_registry.c.id,
                events.c.received_at == event_registry.c.received_at,
            ),
        )
    )
    if wanted.area is not None:
        chosen = chosen.where(columns.path_codes.contains([wanted.area]))
    if wanted.scope is not None:
        inside: sa.ColumnElement[bool] = columns.path_codes.contains([wanted.scope])
        if wanted.in_hand_of is not None:
            inside = sa.or_(inside, columns.assignee_id == wanted.in_hand_of)
        chosen = chosen.where(inside)
    if wanted.person_id is not None:
        chosen = chosen.where(columns.assignee_id == wanted.person_id)
    elif wanted.assignee is not None:
        named = wanted.assignee
        number = columns.assignee_id == int(named) if named.isdigit() and len(named) < 18 else None
        choices = [persons.c.code == named, persons.c.name == named]
        chosen = chosen.where(sa.or_(*choices, *([] if number is None else [number])))
    chosen = chosen.where(*_asked(wanted))
    if wanted.overdue is not None:
        chosen = chosen.where(late if wanted.overdue else sa.not_(late))
    return chosen


def _asked(wanted: OrderFilter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of state, category, source and text."""
    columns = work_orders.c
    made: list[sa.ColumnElement[bool]] = []
    if wanted.status == "open":
        made.append(columns.status.in_(OPEN))
    elif wanted.status is not None:
        made.append(columns.status == wanted.status)
    if wanted.category is not None:
        made.append(events.c.category == wanted.category)
    if wanted.source is not None:
        made.append(events.c.source == wanted.source)
    if wanted.text is not None:
        places = (
            columns.code,
            events.c.number,
            events.c.title,
            events.c.address,
            persons.c.name,
        )
        made.append(sa.or_(*(one.contains(wanted.text, autoescape=True) for one in places)))
    return made


def overdue_now() -> sa.ColumnElement[bool]:
    """Return the condition that an open order has a clock that ran out and still counts."""
    columns, now = work_orders.c, sa.func.now()
    mine = clocks.c.work_order_code == columns.code
    late = sa.exists().where(
        mine,
        clocks.c.stopped_at.is_(None),
        clocks.c.paused_at.is_(None),
        clocks.c.due_at < now,
        clocks.c.stage.not_in(("follow_up", "suspension")),
    )
    unclocked = sa.and_(columns.due_at < now, sa.not_(sa.exists().where(mine)))
    return sa.and_(columns.closed_at.is_(None), sa.or_(late, unclocked))
