"""Who works where, and what they carry: duty rows and open cases, counted by area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gis.store.tables import duties, events, gazetteer_entries, work_orders
from gis.store.unit_of_work import UnitOfWork


def on_duty(work: UnitOfWork, roles: Sequence[str], at: datetime) -> dict[str, int]:
    """Return how many people hold one of the roles, by the area of their duty."""
    rows = work.rows(
        sa.select(
            duties.c.area_code,
            sa.func.count(sa.distinct(duties.c.person_id)).label("people"),
        )
        .where(duties.c.role.in_(list(roles)))
        .where(duties.c.valid.op("@>")(sa.literal(at, sa.DateTime(timezone=True))))
        .where(~duties.c.deputy)
        .group_by(duties.c.area_code)
    )
    return {row["area_code"]: int(row["people"]) for row in rows}


def cases_by_grid(work: UnitOfWork, at: datetime) -> dict[str, tuple[int, int]]:
    """Return open work orders and overdue ones, by the grid of their event."""
    is_open = work_orders.c.closed_at.is_(None)
    rows = work.rows(
        sa.select(
            events.c.grid_code,
            sa.func.count().label("open"),
            sa.func.count()
            .filter(work_orders.c.due_at < sa.literal(at, sa.DateTime(timezone=True)))
            .label("overdue"),
        )
        .select_from(events.join(work_orders, work_orders.c.event_id == events.c.id))
        .where(is_open, events.c.grid_code.is_not(None))
        .group_by(events.c.grid_code)
    )
    return {row["grid_code"]: (int(row["open"]), int(row["overdue"])) for row in rows}


def compounds(work: UnitOfWork) -> list[tuple[str, float, float]]:
    """Return community, lon, lat of every residential compound of the gazetteer."""
    rows = work.rows(
        sa.select(
            gazetteer_entries.c.community_code,
            sa.func.ST_X(gazetteer_entries.c.geometry).label("lon"),
            sa.func.ST_Y(gazetteer_entries.c.geometry).label("lat"),
        )
        .where(
            gazetteer_entries.c.kind == "compound",
            gazetteer_entries.c.community_code.is_not(None),
        )
        .order_by(gazetteer_entries.c.id)
    )
    return [(row["community_code"], row["lon"], row["lat"]) for row in rows]
