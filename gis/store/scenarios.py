"""Scenarios 方案: planning questions saved with their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gis.store.tables import scenarios
from gis.store.unit_of_work import UnitOfWork

_SHORT = tuple(column for column in scenarios.c if column.name != "answer")


def add(work: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Write a scenario and return its number."""
    statement = sa.insert(scenarios).values({**values, "created_by": work.actor.id})
    return int(work.scalar(statement.returning(scenarios.c.id)))


def listed(
    work: UnitOfWork, *, beginning: str | None, after: int, limit: int
) -> list[sa.RowMapping]:
    """Return scenarios without their answers, newest last, those after a number.

    With ``beginning`` only those about areas whose code begins so.
    """
    rows = sa.select(*_SHORT).where(scenarios.c.id > after).order_by(scenarios.c.id).limit(limit)
    if beginning is not None:
        rows = rows.where(scenarios.c.area_code.startswith(beginning, autoescape=True))
    return work.rows(rows)


def of(work: UnitOfWork, number: int) -> sa.RowMapping | None:
    """Return one scenario whole."""
    return work.row(sa.select(scenarios).where(scenarios.c.id == number))


def remove(work: UnitOfWork, number: int) -> None:
    """Delete a scenario."""
    work.execute(sa.delete(scenarios).where(scenarios.c.id == number))
