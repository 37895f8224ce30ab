"""12345 orders as they came in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gis.store.tables import event_registry, events, hotline_orders
from gis.store.unit_of_work import UnitOfWork


def add(
    work: UnitOfWork,
    event_id: uuid.UUID,
    *,
    source_ref: str,
    profile: str,
    raw: Mapping[str, Any],
    doubts: Sequence[Mapping[str, str]],
) -> None:
    """Keep a row as it came in, beside its event."""
    work.execute(
        sa.insert(hotline_orders).values(
            source_ref=source_ref,
            event_id=event_id,
            profile=profile,
            raw=dict(raw),
            doubts=list(doubts),
        )
    )


def listing(
    work: UnitOfWork,
    *,
    scope: str | None,
    doubtful: bool | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[sa.RowMapping]:
    """Return orders with what became of them, newest first."""
    columns = hotline_orders.c
    chosen = (
        sa.select(
            columns.source_ref,
            columns.event_id,
            columns.profile,
            columns.doubts,
            columns.created_at,
            events.c.number,
            events.c.category,
            events.c.routing,
            events.c.status,
            events.c.grid_code,
        )
        .join(event_registry, event_registry.c.id == columns.event_id)
        .join(
            events,
            sa.and_(
                events.c.id == event_registry.c.id,
                events.c.received_at == event_registry.c.received_at,
            ),
        )
    )
    if scope is not None:
        chosen = chosen.where(events.c.path_codes.contains([scope]))
    if doubtful is not None:
        has_doubts = sa.func.jsonb_array_length(columns.doubts) > 0
        chosen = chosen.where(has_doubts if doubtful else sa.not_(has_doubts))
    if after is not None:
        chosen = chosen.where(
            sa.tuple_(columns.created_at, columns.source_ref) < sa.tuple_(*map(sa.literal, after))
        )
    return work.rows(
        chosen.order_by(columns.created_at.desc(), columns.source_ref.desc()).limit(limit)
    )
