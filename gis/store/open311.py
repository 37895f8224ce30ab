"""Events as Open311 shows them, and what only Open311 knows of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.tables import event_registry, open311_requests
from gis.store.unit_of_work import UnitOfWork

_REQUESTS = sa.text(
    (resources.files("gis.store") / "sql" / "open311_requests.sql").read_text(encoding="utf-8")
).bindparams(
    *(sa.bindparam(name, type_=ARRAY(sa.Text())) for name in ("numbers", "categories", "final")),
    *(sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("since", "until")),
    *(sa.bindparam(name, type_=sa.Text()) for name in ("area", "scope")),
    sa.bindparam("open", type_=sa.Boolean()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are asked for; None means no restriction."""

    numbers: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    categories: Sequence[str] | None = None
    area: str | None = None
    scope: str | None = None
    open: bool | None = None
    final: Sequence[str] = ()
    limit: int = 1000
    offset: int = 0


def requests(work: UnitOfWork, wanted: Wanted) -> list[dict[str, Any]]:
    """Return events, newest first."""
    return [dict(row) for row in work.rows(_REQUESTS, **asdict(wanted))]


def number_of(work: UnitOfWork, event_id: uuid.UUID) -> str | None:
    """Return the number of an event, None when there is none of that id."""
    number: str | None = work.scalar(
        sa.select(event_registry.c.number).where(event_registry.c.id == event_id)
    )
    return number


def add(work: UnitOfWork, event_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Keep what came with a request beyond the event."""
    work.execute(sa.insert(open311_requests).values(event_id=event_id, **values))
