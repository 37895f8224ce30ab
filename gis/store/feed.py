"""The outbox as a feed: messages in one order that everybody hears, and from where one stopped.

Ids of the outbox are given when a row is written and become visible when its transaction commits:
a listener that remembers the last id would miss a message of a slow transaction. So each committed
message gets a *position*, one at a time, under one lock, and listeners remember positions.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Final

import sqlalchemy as sa

from gis.store.tables import outbox, outbox_sequence
from gis.store.unit_of_work import UnitOfWork

CHANNEL: Final = "gridward_feed"
"""Heard when messages got positions: once for many, never by the transaction that wrote them."""

_LOCK: Final = sa.text("select pg_try_advisory_xact_lock(hashtext('gridward outbox sequence'))")
_WAIT_FOR_LOCK: Final = sa.text(
    "select pg_advisory_xact_lock(hashtext('gridward outbox sequence'))"
)
_SEQUENCE: Final = sa.text(
    (resources.files("gis.store") / "sql" / "sequence_outbox.sql").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened, as listeners hear it."""

    position: int
    topic: str
    subject: str
    path_codes: Sequence[str]
    body: Mapping[str, Any]
    at: datetime


def is_pending(work: UnitOfWork) -> bool:
    """Tell whether a committed message still waits for its position."""
    return bool(work.scalar(sa.text("select exists (select from outbox_pending)")))


def sequence(work: UnitOfWork, *, most: int) -> tuple[int, list[uuid.UUID]]:
    """Give the next committed messages positions; return how many, and which webhooks want some.

    Nothing also when another transaction is doing it. Listeners are notified at the commit.
    """
    if not work.scalar(_LOCK):
        return 0, []
    row = work.rows(_SEQUENCE, most=most)[0]
    if row["numbered"]:
        work.execute(sa.text("select pg_notify(:channel, '')"), channel=CHANNEL)
    return int(row["numbered"]), list(row["webhooks"])


def hold_still(work: UnitOfWork) -> int:
    """Keep positions from being given until this transaction ends; return the last one given."""
    work.scalar(_WAIT_FOR_LOCK)
    return last_position(work)


def last_position(work: UnitOfWork) -> int:
    """Return the last position given, 0 when there is none."""
    return int(work.scalar(sa.select(sa.func.coalesce(sa.func.max(outbox_sequence.c.position), 0))))


def after(work: UnitOfWork, position: int, *, limit: int) -> list[Message]:
    """Return the messages after a position, in order."""
    rows = work.rows(
        _messages()
        .where(outbox_sequence.c.position > position)
        .order_by(outbox_sequence.c.position)
        .limit(limit)
    )
    return [Message(**row) for row in rows]


def at(work: UnitOfWork, positions: Sequence[int]) -> dict[int, Message]:
    """Return messages by their positions."""
    rows = work.rows(_messages().where(outbox_sequence.c.position.in_(positions)))
    return {row["position"]: Message(**row) for row in rows}


def _messages() -> sa.Select[Any]:
    return sa.select(
        outbox_sequence.c.position,
        outbox.c.topic,
        outbox.c.subject,
        outbox.c.path_codes,
        outbox.c.body,
        outbox.c.created_at.label("at"),
    ).join(outbox, outbox.c.id == outbox_sequence.c.outbox_id)
