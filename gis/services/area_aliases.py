"""Other names of areas 区域别名: old names and what people say, kept by those who know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping

from gis.errors import AliasInvalid, AliasUnknown, AreaUnknown, OutsideScope
from gis.governance.actors import Actor
from gis.matching.address_text import fold
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.lookup import Snapshots
from gis.store import gazetteer as store
from gis.store.unit_of_work import Database

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "alias": ("别名", "other name"),
    "old_name": ("旧名", "old name"),
    "short": ("简称", "short name"),
}
"""Kind that a person may give -> (title_zh, title_en)."""

LEAST: Final = 2
"""A name of one character is found in half of all addresses."""


def listing(
    database: Database,
    actor: Actor,
    *,
    area: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], bool]:
    """Return other names by number, and whether more follow.

    Of an ``area`` with all that lies in it; a scope sees what lies in its own.
    """
    scope = area if actor.area_code is None or (area and actor.covers(area)) else actor.area_code
    with database.reading(actor) as work:
        rows = store.alias_rows(work, area=scope, after=after, limit=limit + 1)
    return [_shown(row) for row in rows[:limit]], len(rows) > limit


def add(
    database: Database,
    boundaries: Snapshots,
    actor: Actor,
    area: str,
    alias: str,
    *,
    kind: str = "alias",
    source: str = "manual",
) -> dict[str, Any]:
    """Give an area of today another name; addresses are read by it within seconds.

    The same name again changes nothing and answers what is there.

    Raises
    ------
    gis.errors.AreaUnknown
    gis.errors.AliasInvalid
        It is too short, says what the area is called already, or the area is a grid.
    gis.errors.OutsideScope
    """
    alias = alias.strip()
    with database.transaction(actor) as work:
        snapshot = boundaries.snapshot(work)
        _check(snapshot, area, alias)
        if not actor.covers(area):
            raise OutsideScope(scope=actor.area_code, code=area)
        return _shown(store.add_alias(work, area, alias, kind, source))


def remove(database: Database, actor: Actor, alias_id: int) -> None:
    """Take another name away.

    Raises
    ------
    gis.errors.AliasUnknown, gis.errors.OutsideScope
    """
    with database.transaction(actor) as work:
        row = store.alias(work, alias_id)
        if row is None:
            raise AliasUnknown(alias_id=alias_id)
        if not actor.covers(row["area_code"]):
            raise OutsideScope(scope=actor.area_code, code=row["area_code"])
        store.remove_alias(work, alias_id)


def _check(snapshot: BoundarySnapshot, code: str, alias: str) -> None:
    area = snapshot.areas.get(code)
    if area is None:
        raise AreaUnknown(code=code)
    plain = fold(alias).text
    facts = {"alias": alias, "area": code, "name": area.name}
    if area.level == "grid":
        reason = "地址不以网格名书写。", "addresses do not name grids."
    elif len(plain) < LEAST:
        reason = f"至少 {LEAST} 个字。", f"give {LEAST} characters or more."
    elif plain == fold(area.name).text:
        reason = "该区域本来就叫这个名字。", "that is what it is called."
    else:
        return
    raise AliasInvalid(**facts, reason_zh=reason[0], reason_en=reason[1])


def _shown(row: RowMapping) -> dict[str, Any]:
    plain = {key: row[key] for key in ("alias", "kind", "source", "created_by")}
    return {
        "id": str(row["id"]),
        "area": row["area_code"],
        **plain,
        "created_at": row["created_at"].isoformat(),
    }
