"""Teams 1+5+N: who holds which duty where, and what they have in hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gis.store.tables import absences, duties, persons, units, work_orders
from gis.store.unit_of_work import UnitOfWork


def _team() -> sa.Select[tuple[object, ...]]:
    at: sa.BindParameter[datetime] = sa.bindparam("at", type_=sa.DateTime(timezone=True))
    open_orders = (
        sa.select(sa.func.count())
        .where(work_orders.c.assignee_id == persons.c.id, work_orders.c.closed_at.is_(None))
        .scalar_subquery()
    )
    absent = sa.exists().where(absences.c.person_id == persons.c.id, absences.c.during.op("@>")(at))
    return (
        sa.select(
            persons.c.id.label("person_id"),
            persons.c.name.label("person_name"),
            duties.c.role,
            duties.c.area_code,
            duties.c.deputy,
            sa.func.lower(duties.c.valid).label("valid_from"),
            sa.func.upper(duties.c.valid).label("valid_to"),
            absent.label("absent"),
            open_orders.label("open_orders"),
            units.c.code.label("unit_code"),
            units.c.name.label("unit_name"),
        )
        .join(persons, persons.c.id == duties.c.person_id)
        .outerjoin(units, units.c.code == persons.c.unit_code)
        .where(
            duties.c.area_code == sa.any_(sa.bindparam("areas", type_=sa.ARRAY(sa.Text))),
            duties.c.valid.op("@>")(at),
        )
        .order_by(duties.c.area_code.collate("C"), duties.c.role, duties.c.id)
    )


_TEAM = _team()


def team_of(work: UnitOfWork, area_codes: Sequence[str], at: datetime) -> list[sa.RowMapping]:
    """Return the duties valid at an instant in the given areas, with absence and load.

    Ordered by area, role, duty id. ``open_orders`` counts the person's open work orders now.
    """
    return work.rows(_TEAM, areas=list(area_codes), at=at)
