"""The gazetteer 地名地址库: read whole for the index, written by source and code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.store.tables import area_aliases, gazetteer_entries, gazetteer_state
from gis.store.unit_of_work import UnitOfWork

_VERSION: Final = sa.select(gazetteer_state.c.version)
_LOCK: Final = sa.text("select pg_advisory_xact_lock(hashtext('gridward.addresses'))")

# Aliases matter only for what has a name of its own; a quarter of a million doors have none.
_ENTRIES: Final = (
    "select id, kind, name, road, house_number, compound, building, unit, "
    "case when kind in ('compound', 'village', 'landmark', 'shop', 'station', 'road', "
    "'intersection') then aliases else '{}' end, "
    "ST_X(geometry), ST_Y(geometry), uncertainty_m, community_code from gazetteer_entries "
    "union all "
    "select -1, 'station', name, null, null, null, null, null, '{}', "
    "ST_X(geometry), ST_Y(geometry), 20.0, null from stations where closed_at is null"
)
_ROADS: Final = "select name, ST_AsBinary(geometry) from roads where name is not null order by id"


def version(work: UnitOfWork) -> int:
    """Return the stamp of the gazetteer as this transaction sees it: equal stamps, equal rows."""
    found = work.scalar(_VERSION)
    return 0 if found is None else int(found)


def entries(work: UnitOfWork) -> list[tuple[Any, ...]]:
    """Return every entry, and every open station, as tuples.

    id (-1 for a station), kind, name, road, house number, compound, building, unit, aliases, lon,
    lat, uncertainty in metres, community code. Plain driver rows: there may be millions.
    """
    with work.driver.cursor() as cursor:
        return list(cursor.execute(_ENTRIES))


def road_edges(work: UnitOfWork) -> tuple[list[str], list[bytes]]:
    """Return names and WKB of the road edges that have a name."""
    with work.driver.cursor() as cursor:
        rows = cursor.execute(_ROADS).fetchall()
    return [row[0] for row in rows], [bytes(row[1]) for row in rows]


def aliases(work: UnitOfWork) -> dict[str, tuple[str, ...]]:
    """Return area code -> other names, in alphabetical order."""
    found: dict[str, list[str]] = {}
    statement = sa.select(area_aliases.c.area_code, area_aliases.c.alias).order_by(
        area_aliases.c.area_code.collate("C"), area_aliases.c.alias.collate("C")
    )
    for row in work.rows(statement):
        found.setdefault(row["area_code"], []).append(row["alias"])
    return {code: tuple(names) for code, names in found.items()}


def alias_rows(
    work: UnitOfWork, *, area: str | None = None, after: int = 0, limit: int | None = None
) -> list[sa.RowMapping]:
    """Return other names of areas, by number; of an area those of what lies in it, too."""
    c = area_aliases.c
    statement = sa.select(area_aliases).where(c.id > after).order_by(c.id).limit(limit)
    if area is not None:
        statement = statement.where(c.area_code.startswith(area, autoescape=True))
    return work.rows(statement)


def add_alias(work: UnitOfWork, area: str, alias: str, kind: str, source: str) -> sa.RowMapping:
    """Write another name of an area; the one that is there already stays as it is."""
    c = area_aliases.c
    statement = insert(area_aliases).values(
        area_code=area, alias=alias, kind=kind, source=source, created_by=work.actor.id
    )
    work.execute(statement.on_conflict_do_nothing(index_elements=["area_code", "alias"]))
    same = sa.select(area_aliases).where(c.area_code == area, c.alias == alias)
    return work.rows(same)[0]


def alias(work: UnitOfWork, alias_id: int) -> sa.RowMapping | None:
    """Return another name by its number."""
    return work.row(sa.select(area_aliases).where(area_aliases.c.id == alias_id))


def remove_alias(work: UnitOfWork, alias_id: int) -> None:
    """Take another name away."""
    work.execute(sa.delete(area_aliases).where(area_aliases.c.id == alias_id))


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry as it is written; ``lon lat`` in WGS84, ``uncertainty_m`` the 68 % radius."""

    kind: str
    full_text: str
    road: str | None
    house_number: str | None
    compound: str | None
    building: str | None
    unit: str | None
    name: str | None
    aliases: list[str]
    lon: float
    lat: float
    community_code: str | None
    uncertainty_m: float
    source: str
    code: str


def lock(work: UnitOfWork) -> None:
    """Wait until no other import of addresses runs; released at the end of the transaction."""
    work.connection.execute(_LOCK)


def put(work: UnitOfWork, rows: Sequence[EntryRow]) -> tuple[int, int]:
    """Write entries by source and code; return how many are new and how many changed.

    Rows come by COPY into a temporary table, so that half a million take seconds.
    """
    if not rows:
        return 0, 0
    names = [field.name for field in fields(EntryRow)]
    with work.driver.cursor() as cursor:
        cursor.execute(_STAGING)
        with cursor.copy(f"copy staged_entries ({', '.join(names)}) from stdin") as copy:
            for row in rows:
                copy.write_row(astuple(row))
        cursor.execute(_UPSERT)
        done = cursor.fetchone()
        cursor.execute("drop table staged_entries")
    new, changed = (0, 0) if done is None else done
    return int(new), int(changed)


_STAGING: Final = (
    "create temporary table staged_entries (kind text, full_text text, road text, "
    "house_number text, compound text, building text, unit text, name text, aliases text[], "
    "lon double precision, lat double precision, community_code text, "
    "uncertainty_m double precision, source text, code text) on commit drop"
)
_UPSERT: Final = """
with written as (
    insert into gazetteer_entries as there (kind, full_text, road, house_number, compound, building,
        unit, name, aliases, geometry, community_code, uncertainty_m, source, code)
    select kind, full_text, road, house_number, compound, building, unit, name, aliases,
        ST_SetSRID(ST_MakePoint(lon, lat), 4326), community_code, uncertainty_m, source, code
    from staged_entries
    on conflict (source, code) do update set
        kind = excluded.kind, full_text = excluded.full_text, road = excluded.road,
        house_number = excluded.house_number, compound = excluded.compound,
        building = excluded.building, unit = excluded.unit, name = excluded.name,
        aliases = excluded.aliases, geometry = excluded.geometry,
        community_code = excluded.community_code, uncertainty_m = excluded.uncertainty_m
    where (there.kind, there.full_text, there.road, there.house_number, there.compound,
           there.building, there.unit, there.name, there.aliases, there.community_code,
           there.uncertainty_m)
        is distinct from (excluded.kind, excluded.full_text, excluded.road, excluded.house_number,
           excluded.compound, excluded.building, excluded.unit, excluded.name, excluded.aliases,
           excluded.community_code, excluded.uncertainty_m)
        or not ST_Equals(there.geometry, excluded.geometry)
    returning xmax = 0 as fresh)
select count(*) filter (where fresh), count(*) filter (where not fresh) from written
"""


def by_ids(work: UnitOfWork, ids: Sequence[int]) -> dict[int, str]:
    """Return id -> full text of entries, for showing."""
    columns = gazetteer_entries.c
    rows = work.rows(sa.select(columns.id, columns.full_text).where(columns.id.in_(list(ids))))
    return {int(row["id"]): str(row["full_text"]) for row in rows}


def as_columns(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return rows of :func:`entries` as columns; the numbers as arrays."""
    if not rows:
        return [[] for _ in range(9)] + [np.zeros(0)] * 3 + [[]]
    columns: list[Any] = list(zip(*rows, strict=True))
    for k in (9, 10, 11):
        columns[k] = np.array(columns[k], dtype=np.float64)
    return columns
