"""Attachments: written with the case, read back as they may be shown."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.store.tables import attachments
from gis.store.unit_of_work import UnitOfWork


def add(
    work: UnitOfWork,
    event_id: uuid.UUID,
    rows: Sequence[Mapping[str, Any]],
    *,
    log_entry_id: int | None,
) -> list[uuid.UUID]:
    """Write photos of an event; one that it has already is left out. Return the new ids.

    A row may name its ``id``; without one it gets a new one.
    """
    values = [
        {
            "id": uuid.uuid4(),
            **{key: value for key, value in row.items() if key not in {"lon", "lat"}},
            "event_id": event_id,
            "log_entry_id": log_entry_id,
            "place": None
            if row["lon"] is None
            else sa.func.ST_SetSRID(sa.func.ST_MakePoint(row["lon"], row["lat"]), 4326),
        }
        for row in rows
    ]
    new: list[uuid.UUID] = []
    for value in values:
        statement = insert(attachments).values(**value).on_conflict_do_nothing()
        added = work.scalar(statement.returning(attachments.c.id))
        if added is not None:
            new.append(added)
    return new


def note(work: UnitOfWork, event_id: uuid.UUID, *, action: str, after: Mapping[str, Any]) -> int:
    """Write a log entry of the actor about an event and return its id."""
    statement = sa.text(
        "insert into log_entries (event_id, actor_id, actor_role, action, after) values "
        "(:event, :actor, :role, :action, cast(:after as jsonb)) returning id"
    ).bindparams(sa.bindparam("after", type_=sa.JSON()))
    entry = work.scalar(
        statement,
        event=event_id,
        actor=work.actor.id,
        role=work.actor.role,
        action=action,
        after=dict(after),
    )
    return int(entry)


def known(work: UnitOfWork, event_id: uuid.UUID) -> dict[bytes, uuid.UUID]:
    """Return the photos that an event has, hash -> id; locks the event against others."""
    work.execute(
        sa.text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        key=f"attachments {event_id}",
    )
    columns = attachments.c
    rows = work.rows(sa.select(columns.sha256, columns.id).where(columns.event_id == event_id))
    return {bytes(row["sha256"]): row["id"] for row in rows}


def of_events(work: UnitOfWork, event_ids: Sequence[uuid.UUID]) -> list[sa.RowMapping]:
    """Return what is told about the attachments of events, oldest first."""
    if not event_ids:
        return []
    columns = attachments.c
    return work.rows(
        sa.select(
            columns.id,
            columns.event_id,
            columns.media_type,
            columns.width,
            columns.height,
            columns.byte_size,
            columns.exif,
            columns.log_entry_id,
            columns.created_at,
        )
        .where(columns.event_id.in_(event_ids))
        .order_by(columns.event_id, columns.created_at, columns.id)
    )


def picture(
    work: UnitOfWork, attachment_id: uuid.UUID, *, thumbnail: bool
) -> tuple[uuid.UUID, bytes, datetime] | None:
    """Return event, picture as it may be shown and when it came; None when there is none."""
    column = attachments.c.thumbnail if thumbnail else attachments.c.shown
    row = work.row(
        sa.select(attachments.c.event_id, column.label("picture"), attachments.c.created_at).where(
            attachments.c.id == attachment_id, column.is_not(None)
        )
    )
    return None if row is None else (row["event_id"], bytes(row["picture"]), row["created_at"])
