"""SQL of community matters and people's proposals."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.orders import point
from gis.store.tables import deliberation_entries, deliberation_number
from gis.store.tables import deliberations as table
from gis.store.unit_of_work import UnitOfWork

_COLUMNS = (
    *(column for column in table.c if column.name != "geometry"),
    sa.func.ST_X(table.c.geometry).label("lon"),
    sa.func.ST_Y(table.c.geometry).label("lat"),
)

_COUNTS = sa.text(
    "select code, count(*) as received, count(validated_at) as valid, "
    "count(adopted_at) as adopted, count(carried_out_at) as carried_out, "
    "count(score) as assessed, coalesce(sum(score), 0) as score "
    "from deliberations, unnest(path_codes) as code "
    "where kind = :kind and code = any(:codes) and (:since is null or created_at >= :since) "
    "and (:until is null or created_at < :until) group by code"
).bindparams(
    sa.bindparam("codes", type_=ARRAY(sa.Text)),
    sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    sa.bindparam("until", type_=sa.DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliberationFilter:
    """Which items a list wants; None means no restriction."""

    area: str | None = None
    kind: str | None = None
    status: str | None = None
    overdue: bool | None = None
    bbox: tuple[float, float, float, float] | None = None
    scope: str | None = None


def add(work: UnitOfWork, values: Mapping[str, Any], place: tuple[float, float] | None) -> str:
    """Write a new item; return its number (YS, the day of Shanghai, a running number)."""
    day = sa.func.to_char(sa.func.timezone("Asia/Shanghai", sa.func.now()), "YYYYMMDD")
    text = sa.func.lpad(sa.cast(deliberation_number.next_value(), sa.Text), 6, "0")
    number: str = work.scalar(sa.select(sa.func.concat("YS", day, "-", text)))
    geometry = None if place is None else point(*place)
    work.execute(sa.insert(table).values(number=number, geometry=geometry, **values))
    return number


def by_id(work: UnitOfWork, item_id: uuid.UUID, *, lock: bool = False) -> dict[str, Any] | None:
    """Return one item, locked against other actions when asked for."""
    chosen = sa.select(*_COLUMNS).where(table.c.id == item_id)
    found = work.row(chosen.with_for_update(key_share=True) if lock else chosen)
    return None if found is None else dict(found)


def change(
    work: UnitOfWork,
    item_id: uuid.UUID,
    values: Mapping[str, Any],
    place: tuple[float, float] | None = None,
) -> None:
    """Change an item that the transaction has locked; its version goes up by one."""
    moved = {} if place is None else {"geometry": point(*place)}
    work.execute(
        sa.update(table)
        .where(table.c.id == item_id)
        .values(version=table.c.version + 1, **values, **moved)
    )


def add_entry(
    work: UnitOfWork,
    item_id: uuid.UUID,
    action: str,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    note: str | None,
) -> None:
    """Write one entry of the history in the actor's name."""
    work.execute(
        sa.insert(deliberation_entries).values(
            deliberation_id=item_id,
            actor_id=work.actor.id,
            actor_role=work.actor.role,
            action=action,
            before=None if before is None else dict(before),
            after=dict(after),
            note=note,
        )
    )


def late(work: UnitOfWork, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Return open items whose stage should have ended, not reminded of, locked; skip locked."""
    columns = table.c
    chosen = (
        sa.select(*_COLUMNS)
        .where(columns.closed_at.is_(None), columns.reminded_at.is_(None), columns.due_at <= now)
        .order_by(columns.due_at, columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [dict(row) for row in work.rows(chosen)]


def mark_reminded(work: UnitOfWork, item_id: uuid.UUID, at: datetime) -> None:
    """Note that the present stage of an item was reminded of."""
    work.execute(sa.update(table).where(table.c.id == item_id).values(reminded_at=at))


def without_limit(work: UnitOfWork) -> list[dict[str, Any]]:
    """Return open items without a limit: ``id``, ``status``, and ``since`` when that holds."""
    entries = deliberation_entries.c
    changed = entries.before["status"].astext.is_distinct_from(entries.after["status"].astext)
    since = (
        sa.select(sa.func.max(entries.at))
        .where(entries.deliberation_id == table.c.id, changed)
        .scalar_subquery()
    )
    rows = work.rows(
        sa.select(table.c.id, table.c.status, since.label("since"))
        .where(table.c.closed_at.is_(None), table.c.due_at.is_(None))
        .order_by(table.c.id)
        .with_for_update()
    )
    return [dict(row) for row in rows]


def set_due(work: UnitOfWork, item_id: uuid.UUID, due_at: datetime) -> None:
    """Write the limit of the present stage of an item."""
    work.execute(sa.update(table).where(table.c.id == item_id).values(due_at=due_at))


def log_of(work: UnitOfWork, item_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the history of an item, oldest first."""
    columns = deliberation_entries.c
    rows = work.rows(
        sa.select(*columns).where(columns.deliberation_id == item_id).order_by(columns.id)
    )
    return [dict(row) for row in rows]


def listing(
    work: UnitOfWork,
    wanted: DeliberationFilter,
    now: datetime,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return items, newest first (ties by id)."""
    columns = table.c
    chosen = (
        sa.select(*_COLUMNS).order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
    )
    for area in (wanted.area, wanted.scope):
        if area is not None:
            chosen = chosen.where(columns.path_codes.contains([area]))
    for column, value in ((columns.kind, wanted.kind), (columns.status, wanted.status)):
        if value is not None:
            chosen = chosen.where(column == value)
    if wanted.overdue is not None:
        late = sa.and_(columns.closed_at.is_(None), columns.due_at <= now)
        chosen = chosen.where(late if wanted.overdue else late.is_not(sa.true()))
    if wanted.bbox is not None:
        envelope = sa.func.ST_MakeEnvelope(*wanted.bbox, 4326)
        chosen = chosen.where(columns.geometry.op("&&")(envelope))
    if after is not None:
        chosen = chosen.where(
            sa.tuple_(columns.created_at, columns.id) < sa.tuple_(*map(sa.literal, after))
        )
    return [dict(row) for row in work.rows(chosen)]


def counts(
    work: UnitOfWork,
    kind: str,
    codes: Sequence[str],
    *,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, dict[str, int]]:
    """Count items raised in a time by area: received, valid, adopted, carried out, assessed."""
    rows = work.rows(_COUNTS, kind=kind, codes=list(codes), since=since, until=until)
    return {row["code"]: {k: int(v) for k, v in row.items() if k != "code"} for row in rows}
