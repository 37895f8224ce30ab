"""Teams 1+5+N: who holds which duty where, and what they have in hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gis.store.tables import absences, duties, duty_rulings, persons, units, work_orders
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


def areas_of(
    work: UnitOfWork, unit_code: str | None, person_id: int | None, at: datetime
) -> list[str]:
    """Return the areas where a unit's people, or a person, have a duty at an instant."""
    chosen = (
        sa.select(duties.c.area_code)
        .join(persons, persons.c.id == duties.c.person_id)
        .where(duties.c.valid.op("@>")(sa.literal(at)))
        .distinct()
        .order_by(duties.c.area_code)
    )
    if unit_code is not None:
        chosen = chosen.where(persons.c.unit_code == unit_code)
    if person_id is not None:
        chosen = chosen.where(persons.c.id == person_id)
    return [row["area_code"] for row in work.rows(chosen)]


_HOME = sa.text(
    "with recursive mine as (select distinct area_code from duties where person_id = :person "
    "and valid @> now()), up as (select area_code as start, area_code as code, 0 as steps from "
    "mine union all select up.start, v.parent_code, up.steps + 1 from up join area_versions v on "
    "v.area_code = up.code and v.valid @> now() where v.parent_code is not null and up.steps < 9) "
    "select code from up group by code having count(distinct start) = (select count(*) from mine) "
    'order by max(steps), code collate "C" limit 1'
)


def area_of_person(work: UnitOfWork, person_id: int) -> str | None:
    """Return the smallest area in which all duties of a person lie today; None without any."""
    found: str | None = work.scalar(_HOME, person=person_id)
    return found


def person(work: UnitOfWork, named: str) -> sa.RowMapping | None:
    """Return a person by code or by number."""
    is_number = named.isascii() and named.isdigit() and len(named) < 18
    number = persons.c.id == int(named) if is_number else sa.false()
    return work.row(
        sa.select(persons.c.id, persons.c.code, persons.c.name, persons.c.unit_code)
        .where(sa.or_(persons.c.code == named, number))
        .order_by((persons.c.code == named).desc())
        .limit(1)
    )


def has_unit(work: UnitOfWork, code: str) -> bool:
    """Return whether there is a unit with a code."""
    return work.row(sa.select(units.c.code).where(units.c.code == code)) is not None


def person_by_id(work: UnitOfWork, person_id: int) -> sa.RowMapping | None:
    """Return a person by number."""
    return work.row(
        sa.select(persons.c.id, persons.c.name, persons.c.unit_code).where(
            persons.c.id == person_id
        )
    )


def ruling_for(
    work: UnitOfWork, area_codes: Sequence[str], category: str | None, at: datetime
) -> sa.RowMapping | None:
    """Return the final ruling in force for a category in an area of the path.

    The finest area first, one for the very category before one for all, then the newest.
    """
    columns = duty_rulings.c
    return work.row(
        sa.select(*columns)
        .where(
            columns.area_code.in_(list(area_codes)),
            sa.or_(columns.category.is_(None), columns.category == category),
            sa.or_(columns.unit_code.is_not(None), columns.person_id.is_not(None)),
            columns.created_at <= sa.func.greatest(sa.literal(at), sa.func.now()),
            columns.expires_at > sa.literal(at),
            columns.ended_at.is_(None),
        )
        .order_by(
            sa.func.length(columns.area_code).desc(),
            columns.category.is_(None),
            columns.id.desc(),
        )
        .limit(1)
    )


def ruling_of_exception(work: UnitOfWork, exception_id: int) -> sa.RowMapping | None:
    """Return the final ruling that made a boundary exception."""
    columns = duty_rulings.c
    return work.row(sa.select(*columns).where(columns.exception_id == exception_id))


def ruling_of_order(work: UnitOfWork, code: str, at: datetime) -> sa.RowMapping | None:
    """Return the newest ruling in force that was made on a work order."""
    columns = duty_rulings.c
    return work.row(
        sa.select(*columns)
        .where(
            columns.work_order_code == code,
            columns.ended_at.is_(None),
            columns.expires_at > sa.literal(at),
        )
        .order_by(columns.id.desc())
        .limit(1)
    )


def add_ruling(work: UnitOfWork, **values: object) -> int:
    """Write a final ruling in the actor's name; return its number."""
    number: int = work.scalar(
        sa.insert(duty_rulings)
        .values(created_by=work.actor.id, **values)
        .returning(duty_rulings.c.id)
    )
    return number
