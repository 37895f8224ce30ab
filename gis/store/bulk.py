"""Whole cities in one go: COPY, reserved ids, and the check that nothing is there yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql

from gis.errors import CityAlreadyThere
from gis.store import tables
from gis.store.tables import areas, boundary_revisions
from gis.store.unit_of_work import UnitOfWork

SEQUENCES: Final = {
    "event_number": tables.event_number,
    "work_order_number": tables.work_order_number,
    "deliberation_number": tables.deliberation_number,
}


def copy_rows(
    work: UnitOfWork, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write rows by COPY in the open transaction and return how many there were.

    Parameters
    ----------
    table, columns
        Names as declared in :mod:`gis.store.tables`.
    rows
        Values in the order of ``columns``: geometry as EWKB in hex, ranges as text such as
        ``[2025-01-01 00:00:00+08,)``, JSON as text (:func:`as_json`), arrays as lists.

    Raises
    ------
    ValueError
        A table or a column that is not declared.
    """
    declared = tables.metadata.tables.get(table)
    unknown = [c for c in columns if declared is None or c not in declared.columns]
    if declared is None or unknown:
        raise ValueError(f"no table {table} with columns {unknown or list(columns)}")
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with work.driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def as_json(value: object) -> str:
    """Return a value as the text of a JSON column.

    >>> as_json({"made": True, "name": "滁州"})
    '{"made":true,"name":"滁州"}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def reserve_ids(work: UnitOfWork, table: str, count: int) -> list[int]:
    """Take ``count`` ids of a table's identity column, ascending; gaps between them may occur."""
    sequence = sa.func.pg_get_serial_sequence(table, "id")
    return _taken(work, sa.cast(sequence, sa.Text), count)


def reserve_numbers(work: UnitOfWork, sequence: str, count: int) -> list[int]:
    """Take ``count`` numbers of a declared sequence (:data:`SEQUENCES`), ascending."""
    return _taken(work, sa.literal(SEQUENCES[sequence].name), count)


def _taken(work: UnitOfWork, name: sa.ColumnElement[Any], count: int) -> list[int]:
    series = sa.func.generate_series(1, count).table_valued("n")
    number = sa.func.nextval(sa.cast(name, sa.dialects.postgresql.REGCLASS))
    rows = work.rows(sa.select(number.label("number")).select_from(series))
    return sorted(int(row["number"]) for row in rows)


def take_time(work: UnitOfWork) -> None:
    """Lift the limit on the duration of a statement for this transaction."""
    work.execute(sa.text("set local statement_timeout = 0"))


def claim_empty_city(work: UnitOfWork) -> None:
    """Make sure that no area is there and that nobody else adds a revision meanwhile.

    Locks the boundary revisions against other writers until the transaction ends.

    Raises
    ------
    gis.errors.CityAlreadyThere
        Boundaries are published, or areas are drafted already.
    """
    work.execute(sa.text("lock table boundary_revisions in share row exclusive mode"))
    refuse_if_city(work)


def refuse_if_city(work: UnitOfWork) -> None:
    """Refuse when areas are there already; takes no lock.

    Raises
    ------
    gis.errors.CityAlreadyThere
        Boundaries are published, or areas are drafted already.
    """
    title = work.scalar(
        sa.select(boundary_revisions.c.title)
        .where(boundary_revisions.c.status == "published")
        .order_by(boundary_revisions.c.revision.desc())
        .limit(1)
    )
    if title is None and work.scalar(sa.select(areas.c.code).limit(1)) is not None:
        title = "-"
    if title is not None:
        raise CityAlreadyThere(title=title)


def publish_first_revision(
    work: UnitOfWork,
    *,
    title: str,
    source: Mapping[str, Any],
    report: Mapping[str, Any],
    effective_from: datetime,
) -> int:
    """Insert boundary revision 1 as published and return its row id.

    Who looks up by ``at`` sees it from ``effective_from`` on.
    """
    return int(
        work.scalar(
            sa.insert(boundary_revisions)
            .values(
                revision=1,
                status="published",
                title=title,
                source=dict(source),
                report=dict(report),
                created_by=work.actor.id,
                published_at=sa.func.now(),
                effective_from=effective_from,
            )
            .returning(boundary_revisions.c.id)
        )
    )


def analyze(work: UnitOfWork) -> None:
    """Renew the planner's statistics of the city's tables."""
    work.execute(sa.text("select analyze_city()"))
