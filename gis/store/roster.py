"""The whole roster at once, for processes that keep it in memory; see gis/services/roster.py."""

from __future__ import annotations

import sqlalchemy as sa

from gis.store.tables import (
    absences,
    duties,
    duty_rulings,
    owned_assets,
    persons,
    roster_changes,
    units,
)
from gis.store.unit_of_work import UnitOfWork

# Marks commit in any order and old ones are swept: number and sum together tell every change.
_STAMP = sa.select(
    sa.func.count().label("marks"),
    sa.func.coalesce(sa.func.sum(roster_changes.c.id), 0).label("sum"),
)
# An hour behind: the clock of the asking process may be.
_NOW = sa.func.now() - sa.text("interval '1 hour'")
_DUTIES = (
    sa.select(
        persons.c.id.label("person_id"),
        persons.c.name.label("person_name"),
        duties.c.role,
        duties.c.area_code,
        duties.c.deputy,
        sa.func.lower(duties.c.valid).label("valid_from"),
        sa.func.upper(duties.c.valid).label("valid_to"),
        sa.func.lower_inc(duties.c.valid).label("with_begin"),
        sa.func.upper_inc(duties.c.valid).label("with_end"),
        units.c.code.label("unit_code"),
        units.c.name.label("unit_name"),
    )
    .join(persons, persons.c.id == duties.c.person_id)
    .outerjoin(units, units.c.code == persons.c.unit_code)
    .where(sa.func.coalesce(sa.func.upper(duties.c.valid) > _NOW, sa.true()))
    .order_by(duties.c.area_code.collate("C"), duties.c.role, duties.c.id)
)
_ABSENCES = (
    sa.select(
        absences.c.person_id,
        sa.func.lower(absences.c.during).label("begins"),
        sa.func.upper(absences.c.during).label("ends"),
        sa.func.lower_inc(absences.c.during).label("with_begin"),
        sa.func.upper_inc(absences.c.during).label("with_end"),
    )
    .where(sa.func.coalesce(sa.func.upper(absences.c.during) > _NOW, sa.true()))
    .where(~sa.func.isempty(absences.c.during))
    .order_by(absences.c.person_id, absences.c.id)
)

_RULINGS = sa.select(
    duty_rulings.c.area_code, duty_rulings.c.category, duty_rulings.c.expires_at
).where(
    duty_rulings.c.ended_at.is_(None),
    duty_rulings.c.expires_at > _NOW,
    sa.or_(duty_rulings.c.unit_code.is_not(None), duty_rulings.c.person_id.is_not(None)),
)
_ASSETS = sa.select(
    *(
        getattr(sa.func, f"ST_{bound}")(owned_assets.c.geometry).label(bound.lower())
        for bound in ("XMin", "YMin", "XMax", "YMax")
    ),
    owned_assets.c.reach_m,
    owned_assets.c.categories,
).where(owned_assets.c.retired_at.is_(None))


def stamp(work: UnitOfWork) -> tuple[int, int]:
    """Return a pair that differs after every committed change of what a roster holds."""
    row = work.rows(_STAMP)[0]
    return int(row["marks"]), int(row["sum"])


def standing_duties(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return every duty that holds now or will, in the order of :func:`gis.store.duty.team_of`."""
    return work.rows(_DUTIES)


def standing_absences(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return absences that have not ended: bounds (None: open), and whether these belong."""
    return work.rows(_ABSENCES)


def standing_rulings(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return area, category (None: all) and end of the final rulings that have not ended."""
    return work.rows(_RULINGS)


def standing_assets(work: UnitOfWork) -> list[sa.RowMapping]:
    """Return box (EPSG:4326), reach in metres and categories of every asset that has an owner."""
    return work.rows(_ASSETS)
