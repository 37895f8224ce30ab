"""Boundary exceptions 边界例外: on this stretch, for this category, that unit decides.

A road along a border, a square that two committees share: the line stays, and who decides there is
data with an author, a reason and an end. Of several that cover a point one for the very category
goes before one for all, then the newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import shapely
import sqlalchemy as sa

from gis.errors import CategoryUnknown, ExceptionInvalid, ExceptionUnknown, OutsideScope
from gis.geometry.cell_index import CellIndex
from gis.governance.actors import Actor
from gis.services.exception_ground import Place, ground_of
from gis.store import access, categories, editions
from gis.store import exceptions as store
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork


@dataclass(frozen=True, slots=True)
class BoundaryException:
    """One exception; in force from ``begins`` on, at ``ends`` no more."""

    id: int
    category: str | None
    area_code: str
    unit_code: str | None
    reason: str
    author: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class ExceptionIndex:
    """All exceptions that there ever were, to be asked for a point, a category and an instant.

    ``stamp`` is that of :func:`gis.store.areas.in_force`: as long as it stays, so do they.
    """

    stamp: tuple[int, int]
    exceptions: Sequence[BoundaryException]
    index: CellIndex = field(default_factory=lambda: CellIndex.build([], []))

    @classmethod
    def load(cls, work: UnitOfWork, stamp: tuple[int, int]) -> Self:
        """Read the exceptions; newest first, so that they have the smallest key."""
        rows = store.listing(work, live_only=False)
        return cls(
            stamp,
            [_read(row) for row in rows],
            CellIndex.build(
                [shapely.from_wkb(bytes(row["wkb"])) for row in rows],
                [f"{place:09d}" for place in range(len(rows))],
            ),
        )

    def deciding(
        self, lon: float, lat: float, category: str | None, at: datetime
    ) -> BoundaryException | None:
        """Return the exception that decides about a WGS84 point, None where there is none."""
        if not self.exceptions:
            return None
        live = [
            one
            for one in (self.exceptions[place] for place in self.index.covering(lon, lat))
            if one.category in (None, category) and one.begins <= at < one.ends
        ]
        return min(live, key=lambda one: (one.category is None, -one.id), default=None)


def add(
    database: Database,
    actor: Actor,
    *,
    geometry: Mapping[str, Any] | None = None,
    crs: str = "WGS84",
    width_m: float | None = None,
    between: Sequence[str] | None = None,
    area: str | None,
    unit: str | None,
    category: str | None,
    reason: str,
    expires_at: datetime,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Write an exception: from now until ``expires_at``, that area or that unit decides.

    Parameters
    ----------
    geometry, crs, width_m, between
        Where: a GeoJSON polygon, a line with a width, or the border between two areas with a
        width, as far as it runs in the polygon; see :class:`gis.services.exception_ground.Place`.
    area, unit
        Who decides. A unit alone decides with the area that it works for; with an area, its
        people come first among those of that area.
    category
        Key of a category; None for every one.

    Raises
    ------
    gis.errors.ExceptionInvalid
        No ground, nobody to decide, an unknown category, area or unit, an end in the past.
    gis.errors.OutsideScope
        Ground or deciding area outside the actor's.
    gis.errors.CrsUnknown
    """
    if not reason.strip():
        raise ExceptionInvalid(reason_zh="请写明理由", reason_en="say why")
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        ground = ground_of(work, Place(geometry, crs, width_m, between))
        code = _deciding_area(work, area, unit)
        if not actor.covers(code):
            raise OutsideScope(scope=actor.area_code, code=code)
        if actor.area_code is not None and not store.lies_in(work, ground.ewkb, actor.area_code):
            raise OutsideScope(scope=actor.area_code, code=code)
        if category is not None:
            try:
                categories.by_key(work, category)
            except CategoryUnknown as error:
                raise ExceptionInvalid(
                    reason_zh=f"没有类别 {category}", reason_en=f"there is no category {category}"
                ) from error
        if expires_at <= access.database_now(work):
            raise ExceptionInvalid(
                reason_zh="失效时间须在将来", reason_en="it must expire in the future"
            )
        new = store.NewException(
            ground.ewkb,
            category,
            code,
            unit,
            reason.strip(),
            expires_at,
            ground.line_ewkb,
            ground.width_m,
        )
        return access.remember(work, keyed, status=201, body=_shown(store.add(work, new)))


def listing(
    database: Database,
    actor: Actor,
    *,
    live_only: bool = True,
    before: int | None = None,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], bool]:
    """Return exceptions, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = store.listing(work, live_only=live_only, before=before, limit=limit + 1)
    return [_shown(row) for row in rows[:limit]], len(rows) > limit


def expire(database: Database, actor: Actor, exception_id: int) -> dict[str, Any]:
    """End an exception now; it stays in the list of those that were.

    Raises
    ------
    gis.errors.ExceptionUnknown
        None of that number is in force.
    gis.errors.OutsideScope
        Its area lies outside the actor's.
    """
    with database.transaction(actor) as work:
        found = store.by_id(work, exception_id)
        if found is None:
            raise ExceptionUnknown(exception_id=exception_id)
        if not actor.covers(found["area_code"]):
            raise OutsideScope(scope=actor.area_code, code=found["area_code"])
        ended = store.end(work, exception_id)
        if ended is None:  # somebody else was faster
            raise ExceptionUnknown(exception_id=exception_id)
        return _shown(ended)


def _deciding_area(work: UnitOfWork, area: str | None, unit: str | None) -> str:
    code = area
    if unit is not None:
        found = store.unit_area(work, unit)
        if found is None:
            raise ExceptionInvalid(
                reason_zh=f"没有单位 {unit}", reason_en=f"there is no unit {unit}"
            )
        code = area or found["area_code"]
    if code is None:
        raise ExceptionInvalid(
            reason_zh="须指定由哪个区域（area）或有辖区的单位（unit）负责",
            reason_en="name the area, or a unit that works for one, that decides",
        )
    if not editions.standing_codes(work, [code]):
        raise ExceptionInvalid(
            reason_zh=f"现行边界中没有区域 {code}", reason_en=f"no area {code} stands today"
        )
    return code


def _read(row: sa.RowMapping) -> BoundaryException:
    return BoundaryException(
        id=row["id"],
        category=row["category"],
        area_code=row["area_code"],
        unit_code=row["unit_code"],
        reason=row["reason"],
        author=row["created_by"],
        begins=row["created_at"],
        ends=min(row["expires_at"], row["ended_at"] or row["expires_at"]),
    )


def _shown(row: sa.RowMapping) -> dict[str, Any]:
    ends = {key: row[key] for key in ("created_at", "expires_at", "ended_at")}
    return {
        "id": str(row["id"]),
        "category": row["category"],
        "area": row["area_code"],
        "unit": row["unit_code"],
        "reason": row["reason"],
        "created_by": row["created_by"],
        **{key: None if at is None else at.isoformat() for key, at in ends.items()},
        "ended_by": row["ended_by"],
        "geometry": _geojson(row["wkb"]),
        "line": None if row["line_wkb"] is None else _geojson(row["line_wkb"]),
        "width_m": row["width_m"],
    }


def _geojson(wkb: bytes) -> dict[str, Any]:
    shape: dict[str, Any] = json.loads(shapely.to_geojson(shapely.from_wkb(bytes(wkb))))
    return shape
