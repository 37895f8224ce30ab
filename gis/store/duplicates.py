"""Reports near a place, and the pointer from a duplicate to its case."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.governance.work_orders import STATES
from gis.store.tables import categories, events
from gis.store.unit_of_work import Prepared, UnitOfWork

MOST_NEAR: Final = 60
_FINAL: Final = sa.literal(
    sorted(state for state, about in STATES.items() if about.final), ARRAY(sa.Text())
)


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees (EPSG:4326)."""

    west: float
    south: float
    east: float
    north: float


_root = events.alias("root")
_NEAR_SELECT = (
    sa.select(
        events.c.id,
        events.c.number,
        sa.func.ST_X(events.c.geometry).label("lon"),
        sa.func.ST_Y(events.c.geometry).label("lat"),
        events.c.accuracy_m,
        events.c.category,
        categories.c.major_zh.label("group"),
        events.c.title,
        events.c.description,
        events.c.reported_at,
        events.c.source,
        events.c.reporter,
        events.c.duplicate_of,
        _root.c.number.label("root_number"),
    )
    .select_from(events)
    .outerjoin(categories, categories.c.key == events.c.category)
    .outerjoin(_root, _root.c.id == events.c.duplicate_of)
    .where(
        events.c.geometry.op("&&")(
            sa.func.ST_MakeEnvelope(
                sa.bindparam("west", type_=sa.Double()),
                sa.bindparam("south", type_=sa.Double()),
                sa.bindparam("east", type_=sa.Double()),
                sa.bindparam("north", type_=sa.Double()),
                4326,
            )
        ),
        events.c.received_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        sa.func.coalesce(_root.c.status, events.c.status) != sa.all_(_FINAL),
    )
    .order_by(events.c.received_at.desc(), events.c.id)
    .limit(MOST_NEAR)
)
_NEAR: Final = Prepared(_NEAR_SELECT, tuple(_NEAR_SELECT.selected_columns.keys()))
_JOINED = (
    sa.select(
        events.c.id,
        events.c.number,
        events.c.source,
        events.c.reported_at,
        events.c.reporter,
    )
    .where(events.c.duplicate_of == sa.bindparam("root", type_=sa.Uuid()))
    .order_by(events.c.received_at, events.c.id)
)
_POINTERS = sa.select(
    events.c.id, events.c.number, events.c.duplicate_of, events.c.received_at
).where(events.c.id == sa.bindparam("id", type_=sa.Uuid()))


def near(work: UnitOfWork, box: Box, since: datetime) -> list[dict[str, Any]]:
    """Return the newest reports in a box whose case is open, received since an instant.

    A report that was joined to a case counts with it. Uses the GiST index of the months concerned.
    """
    return work.told(
        _NEAR,
        {
            "west": box.west,
            "south": box.south,
            "east": box.east,
            "north": box.north,
            "since": since,
        },
    )


def joined(work: UnitOfWork, root: uuid.UUID) -> list[sa.RowMapping]:
    """Return the reports that were joined to a case, oldest first."""
    return work.rows(_JOINED, root=root)


def pointer(work: UnitOfWork, event_id: uuid.UUID) -> sa.RowMapping | None:
    """Return id, number and what an event is a duplicate of."""
    return work.row(_POINTERS, id=event_id)


def serialise(work: UnitOfWork) -> None:
    """Let no other transaction join reports until this one ends.

    One lock for all of them, because whoever joins holds the lock of its own case already: with a
    lock for the other end as well, two who join two reports to each other would wait in a ring.
    """
    work.rows(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("gridward duplicates"))))


def point_to(work: UnitOfWork, joined_to: uuid.UUID, root: uuid.UUID) -> list[str]:
    """Let what was joined to an event point to another case; return the numbers that moved."""
    moved = work.rows(
        sa.update(events)
        .where(events.c.duplicate_of == joined_to)
        .values(duplicate_of=root, version=events.c.version + 1)
        .returning(events.c.number)
    )
    return sorted(row["number"] for row in moved)


def mark(work: UnitOfWork, event_id: uuid.UUID, root: uuid.UUID) -> None:
    """Let an event point to its case."""
    work.execute(
        sa.update(events)
        .where(events.c.id == event_id)
        .values(duplicate_of=root, version=events.c.version + 1)
    )
