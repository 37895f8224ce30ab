"""Categories and their limits in the database: replaced as a whole, read back as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.errors import CategoryUnknown
from gis.governance.categories import Category, Limit
from gis.store.tables import categories as table
from gis.store.tables import category_deadlines as limits
from gis.store.unit_of_work import UnitOfWork


def replace_all(work: UnitOfWork, categories: Sequence[Category]) -> int:
    """Make these the active categories, in this order, and return how many there are.

    A category that is no longer named stays, inactive, with its limits: events keep their key.
    Locks the table against other writers; two replacements at once end with one of the two lists,
    never with a mixture.
    """
    # This lock conflicts with itself, but lets readers read on.
    work.execute(sa.text("lock table categories in share row exclusive mode"))
    work.execute(sa.update(table).where(table.c.active).values(active=False))
    if not categories:
        return 0
    rows = [_row(category, position) for position, category in enumerate(categories)]
    upsert = insert(table).values(rows)
    overwrite = {name: upsert.excluded[name] for name in rows[0] if name != "key"}
    work.execute(sa.delete(limits).where(limits.c.category.in_([row["key"] for row in rows])))
    work.execute(upsert.on_conflict_do_update(index_elements=[table.c.key], set_=overwrite))
    work.execute(
        insert(limits).values(
            [
                {"category": c.key, "stage": stage, "amount": limit.amount, "unit": limit.unit}
                for c in categories
                for stage, limit in c.deadlines.items()
            ]
        )
    )
    return len(rows)


def by_key(work: UnitOfWork, key: str) -> Category:
    """Return one category, active or not.

    Raises
    ------
    gis.errors.CategoryUnknown
        No category has that key.
    """
    found = _read(work, table.c.key == key)
    if not found:
        raise CategoryUnknown(key=key)
    return found[0]


def all_active(work: UnitOfWork) -> list[Category]:
    """Return the active categories in the order of lists."""
    return _read(work, table.c.active)


def everything(work: UnitOfWork) -> list[Category]:
    """Return all categories, retired ones too, in the order of lists."""
    return _read(work, sa.true())


def from_json(found: Mapping[str, Any]) -> Category:
    """Return the category of a JSON row whose ``deadlines`` map stages to (amount, unit)."""
    stages = [
        {"stage": stage, "amount": amount, "unit": unit}
        for stage, (amount, unit) in found["deadlines"].items()
    ]
    return _category(found, stages)


def _read(work: UnitOfWork, condition: sa.ColumnElement[bool]) -> list[Category]:
    rows = work.rows(sa.select(table).where(condition).order_by(table.c.position, table.c.key))
    stages = work.rows(
        sa.select(limits)
        .join(table, table.c.key == limits.c.category)
        .where(condition)
        .order_by(limits.c.category, limits.c.stage)
    )
    return [
        _category(dict(row), (dict(s) for s in stages if s["category"] == row["key"]))
        for row in rows
    ]


def _row(category: Category, position: int) -> dict[str, object]:
    return {
        "key": category.key,
        "kind": category.kind,
        "major_zh": category.major_zh,
        "title_zh": category.title_zh,
        "title_en": category.title_en,
        "first_responsible": category.first_responsible,
        "handler_roles": list(category.handler_roles),
        "duplicate_distance_m": category.duplicate_distance_m,
        "auto_dispatch": category.auto_dispatch,
        "escalation": list(category.escalation),
        "source": category.source,
        "active": True,
        "position": position,
    }


def _category(row: Mapping[str, Any], stages: Iterable[Mapping[str, Any]]) -> Category:
    return Category(
        key=row["key"],
        kind=row["kind"],
        major_zh=row["major_zh"],
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        first_responsible=row["first_responsible"],
        handler_roles=tuple(row["handler_roles"]),
        duplicate_distance_m=row["duplicate_distance_m"],
        auto_dispatch=row["auto_dispatch"],
        escalation=tuple(row["escalation"]),
        source=row["source"],
        deadlines={s["stage"]: Limit(s["amount"], s["unit"]) for s in stages},
    )
