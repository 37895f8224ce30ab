"""SQL of what a city's own files bring: persons, units, duties, absences, owners of assets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.store.tables import (
    absences,
    area_versions,
    duties,
    owned_assets,
    persons,
    units,
)
from gis.store.unit_of_work import UnitOfWork


def clock(work: UnitOfWork) -> datetime:
    """Return the instant at which the transaction began."""
    now: datetime = work.scalar(sa.select(sa.func.now()))
    return now


def standing(work: UnitOfWork, codes: Sequence[str]) -> set[str]:
    """Return which of the codes name an area that stands today."""
    columns = area_versions.c
    rows = work.rows(
        sa.select(columns.area_code).where(
            columns.area_code.in_(list(codes)), columns.valid.op("@>")(sa.func.now())
        )
    )
    return {row["area_code"] for row in rows}


def unit_codes(work: UnitOfWork) -> set[str]:
    """Return the codes of every unit."""
    return {row["code"] for row in work.rows(sa.select(units.c.code))}


def put_unit(work: UnitOfWork, code: str, name: str | None) -> None:
    """Write a unit, or its new name."""
    if name is None:
        return
    work.execute(
        insert(units)
        .values(code=code, name=name, kind="unit")
        .on_conflict_do_update(index_elements=[units.c.code], set_={"name": name})
    )


def put_person(work: UnitOfWork, code: str, name: str, phone: str | None, unit_code: str) -> int:
    """Write a person by code; return the number. A phone that the file leaves out stays."""
    statement = insert(persons).values(code=code, name=name, phone=phone, unit_code=unit_code)
    number: int = work.scalar(
        statement.on_conflict_do_update(
            index_elements=[persons.c.code],
            set_={
                "name": name,
                "unit_code": unit_code,
                "phone": sa.func.coalesce(statement.excluded.phone, persons.c.phone),
            },
        ).returning(persons.c.id)
    )
    return number


def put_duty(
    work: UnitOfWork,
    person_id: int,
    role: str,
    area_code: str,
    *,
    begins: datetime | None,
    ends: datetime | None,
    deputy: bool,
) -> None:
    """Write a duty; one of the same person, role and area that is not over takes the new time.

    Without a beginning it begins now, or keeps the one that it had.
    """
    columns = duties.c
    same = (
        columns.person_id == person_id,
        columns.role == role,
        columns.area_code == area_code,
        sa.or_(sa.func.upper_inf(columns.valid), sa.func.upper(columns.valid) > sa.func.now()),
    )
    known = work.row(
        sa.select(columns.id, sa.func.lower(columns.valid).label("since"))
        .where(*same)
        .order_by(columns.id)
        .limit(1)
    )
    since: Any = begins or (None if known is None else known["since"]) or sa.func.now()
    valid = sa.func.tstzrange(since, ends)
    if known is None:
        work.execute(
            sa.insert(duties).values(
                person_id=person_id, role=role, area_code=area_code, deputy=deputy, valid=valid
            )
        )
    else:
        work.execute(
            sa.update(duties).where(columns.id == known["id"]).values(valid=valid, deputy=deputy)
        )


def put_absence(
    work: UnitOfWork, person_id: int, begins: datetime, ends: datetime, reason: str | None
) -> int:
    """Write an absence unless it is known; return how many were written."""
    during = sa.func.tstzrange(begins, ends)
    known = sa.exists().where(absences.c.person_id == person_id, absences.c.during == during)
    if work.scalar(sa.select(known)):
        return 0
    work.execute(sa.insert(absences).values(person_id=person_id, during=during, reason=reason))
    return 1


def end_others(work: UnitOfWork, kept: Sequence[tuple[str, str, str]], now: datetime) -> int:
    """End today's duties of the areas named that are not in the list; return how many.

    ``kept`` are (person code, role, area code).
    """
    columns = duties.c
    areas = sorted({area for _, _, area in kept})
    person = sa.select(persons.c.code).where(persons.c.id == columns.person_id).scalar_subquery()
    return work.execute(
        sa.update(duties)
        .where(
            columns.area_code.in_(areas),
            columns.valid.op("@>")(sa.literal(now)),
            sa.func.lower(columns.valid) < sa.literal(now),
            sa.tuple_(sa.func.coalesce(person, ""), columns.role, columns.area_code).not_in(
                [tuple(key) for key in kept]
            ),
        )
        .values(valid=sa.func.tstzrange(sa.func.lower(columns.valid), now))
    )


def put_asset(work: UnitOfWork, *, wkb: str, **values: Any) -> None:  # noqa: ANN401 - columns
    """Write an asset by code, or what is new about it."""
    values["geometry"] = sa.func.ST_GeomFromEWKB(sa.func.decode(wkb, "hex"))
    code = values.pop("code")
    work.execute(
        insert(owned_assets)
        .values(code=code, **values)
        .on_conflict_do_update(
            index_elements=[owned_assets.c.code], set_=values | {"retired_at": None}
        )
    )


def owner_near(
    work: UnitOfWork, place: tuple[float, float], category: str | None
) -> dict[str, Any] | None:
    """Return the nearest asset whose owner answers for a category (None: any) within its reach.

    ``place`` is EPSG:4326; distances are geodesic, ties go to the smaller code.
    """
    columns = owned_assets.c
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(*place), 4326)
    # a degree of longitude is never less than 55 km where the city lies south of 60 N
    near = sa.func.ST_Expand(point, 1000 / 55_000)
    metres = sa.func.ST_Distance(sa.func.geography(columns.geometry), sa.func.geography(point))
    found = work.row(
        sa.select(
            columns.code,
            columns.name,
            columns.kind,
            columns.owner_unit,
            metres.label("distance_m"),
            units.c.name.label("unit_name"),
        )
        .join(units, units.c.code == columns.owner_unit)
        .where(
            columns.retired_at.is_(None),
            columns.geometry.op("&&")(near),
            sa.true() if category is None else columns.categories.contains([category]),
            metres <= columns.reach_m,
        )
        .order_by(metres, columns.code.collate("C"))
        .limit(1)
    )
    return None if found is None else dict(found)
