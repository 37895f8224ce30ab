"""Everything learned, as tables that a person can read, export and change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import RowMapping

from gis.errors import BadPinUnknown, PrecisionInvalid
from gis.governance.actors import Actor
from gis.services.learning import shown
from gis.store import categories
from gis.store import learning as store
from gis.store.unit_of_work import Database, UnitOfWork


def _plain(row: RowMapping) -> dict[str, Any]:
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in row.items()
    }


TABLES: Final[Mapping[str, Callable[[UnitOfWork], list[dict[str, Any]]]]] = {
    "corrections": lambda work: [shown(row) for row in store.listed(work)],
    "aliases": lambda work: [_plain(row) for row in store.aliases(work)],
    "sources": lambda work: [_plain(row) for row in store.profiles(work)],
    "readings": lambda work: [_plain(row) for row in store.readings(work)],
    "errors": lambda work: [_plain(row) for row in store.errors(work)],
    "spreads": lambda work: [_plain(row) for row in store.spreads(work)],
    "bad-pins": lambda work: [
        _plain(row) for row in store.failed_coordinates(work, live_only=False)
    ],
    "reliability": lambda work: [_plain(row) for row in store.bins(work)],
    "precisions": lambda work: [_plain(row) for row in store.precisions(work)],
}
"""Name -> how its rows are read; ``aliases`` are what live corrections say, not rows of theirs."""


def table(database: Database, actor: Actor, name: str) -> list[dict[str, Any]]:
    """Return the rows of one of :data:`TABLES`; a scope sees what was confirmed in its grids."""
    with database.reading(actor) as work:
        return _seen(actor, TABLES[name](work))


def summary(database: Database, actor: Actor) -> dict[str, list[dict[str, Any]]]:
    """Return every table but the corrections, which are paged."""
    with database.reading(actor) as work:
        return {
            name: _seen(actor, read(work)) for name, read in TABLES.items() if name != "corrections"
        }


def _seen(actor: Actor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row for row in rows if "confirmed_grid" not in row or actor.covers(row["confirmed_grid"])
    ]


def sheet(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return rows as a sheet under their names; what is no plain value as JSON.

    >>> sheet([{"id": "7", "raw_location": {"lon": 118.3}}])
    [['id', 'raw_location'], ['7', '{"lon": 118.3}']]
    """
    heads = list(rows[0]) if rows else []
    return [heads, *([_cell(row[head]) for head in heads] for row in rows)]


def _cell(value: Any) -> Any:  # noqa: ANN401 - a value of a row
    plain = not isinstance(value, dict | list)
    return value if plain else json.dumps(value, ensure_ascii=False)


def dismiss(database: Database, actor: Actor, pin_id: int) -> None:
    """Say that a coordinate is a real place after all; it stays dismissed when it recurs.

    Raises
    ------
    gis.errors.BadPinUnknown
        None of that number is in force.
    """
    with database.transaction(actor) as work:
        if not store.dismiss_bad_pin(work, pin_id):
            raise BadPinUnknown(pin_id=pin_id)
        store.touch(work)


def want(database: Database, actor: Actor, category: str, precision: float | None) -> None:
    """Set the precision that is wanted of a category before it routes itself; None: the city's.

    Raises
    ------
    gis.errors.CategoryUnknown
    gis.errors.PrecisionInvalid
        Not in 0.5 to below 1.
    """
    if precision is not None and not 0.5 <= precision < 1.0:
        raise PrecisionInvalid(precision=precision)
    with database.transaction(actor) as work:
        categories.by_key(work, category)
        store.want_precision(work, category, precision)
        store.touch(work)
