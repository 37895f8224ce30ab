"""Learning without drift 学习: corrections by people, and what the history of pins teaches.

A grid that a person confirms is written down as a correction, with what matching had said. Live
corrections make the words of an address an alias of that grid, count as witnesses of how a source's
pins must be read, and, when several agree across one border, make a boundary exception with an end.
Each can be undone: whatever rested on it falls away. Nothing learned from one correction overrides
a door that the gazetteer names exactly.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import shapely
from sqlalchemy import RowMapping

from gis.errors import CorrectionUnknown, OutsideScope
from gis.geometry.cell_index import metres_per_degree
from gis.governance.actors import Actor
from gis.matching.experience import LEAST_ALIAS, alias_key
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.lookup import Snapshots
from gis.store import access, exceptions
from gis.store import learning as store
from gis.store.unit_of_work import Database, UnitOfWork

AGREEING: Final = 3
"""So many corrections of one kind across one border, by two people or on two days, make a rule."""
EXCEPTION_DAYS: Final = 365
NEAR_BORDER_M: Final = 60.0
"""Farther inside the wrong grid than this a correction says that the pin was bad, not the line."""
AROUND_M: Final = 20.0
"""How far about the corrected places an exception reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An event whose grid a person named, with what matching had said."""

    event_id: uuid.UUID
    source: str
    category: str | None
    address: str | None
    raw_location: Mapping[str, Any] | None
    place: tuple[float, float] | None
    match: Mapping[str, Any]
    grid: str


def learn_from_correction(
    work: UnitOfWork, snapshot: BoundarySnapshot, confirmed: Confirmed
) -> int:
    """Write down what a person confirmed, in the caller's transaction; return its number.

    The newest word about an event counts: earlier corrections of it are undone. What follows from
    it (aliases, an exception) is in force when the caller commits, in other requests within
    :data:`gis.services.experience.OLDEST_S`.
    """
    store.undo_earlier_of(work, confirmed.event_id)
    grid = confirmed.match.get("grid") or {}
    best = (confirmed.match.get("candidates") or [{}])[0]
    matched = grid.get("code") or best.get("code")
    key = alias_key(confirmed.address or "")
    number = store.add_correction(
        work,
        {
            "event_id": confirmed.event_id,
            "source": confirmed.source,
            "category": confirmed.category,
            "address": confirmed.address,
            "alias_key": key if len(key) >= LEAST_ALIAS else None,
            "raw_location": confirmed.raw_location,
            "place": confirmed.place,
            "matched_grid": matched,
            "confirmed_grid": confirmed.grid,
            "decision": confirmed.match.get("decision", "review"),
            "confidence": confirmed.match.get("confidence"),
            "evidence_kind": confirmed.match.get("evidence_kind"),
        },
    )
    if matched is not None and matched != confirmed.grid:
        _make_exception(work, snapshot, matched, confirmed.grid, confirmed.category)
    store.touch(work)
    return number


def undo(
    database: Database, snapshots: Snapshots, actor: Actor, correction_id: int
) -> dict[str, Any]:
    """Take a correction back, with everything that needed it; the row stays, marked.

    Raises
    ------
    gis.errors.CorrectionUnknown
        None of that number is live.
    gis.errors.OutsideScope
        Its grid lies outside the actor's area.
    """
    with database.transaction(actor) as work:
        row = store.undo(work, correction_id)
        if row is None:
            raise CorrectionUnknown(correction_id=correction_id)
        if not actor.covers(row["confirmed_grid"]):
            raise OutsideScope(scope=actor.area_code, code=row["confirmed_grid"])
        ended = []
        if row["matched_grid"] is not None:
            matched, grid = row["matched_grid"], row["confirmed_grid"]
            ended = _withdraw(work, matched, grid, row["category"])
        store.touch(work)
    snapshots.forget_learned()
    return {"id": str(correction_id), "undone": True, "ended_exceptions": [str(i) for i in ended]}


def listing(
    database: Database, actor: Actor, *, before: int | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], bool]:
    """Return corrections, newest first, and whether more follow; a scope sees its own grids."""
    with database.reading(actor) as work:
        rows = store.listed(work, before=before, limit=None if actor.area_code else limit + 1)
    seen = [row for row in rows if actor.covers(row["confirmed_grid"])]
    return [shown(row) for row in seen[:limit]], len(seen) > limit


def shown(row: RowMapping) -> dict[str, Any]:
    """Return a correction as answers and files show it."""
    instants = ("created_at", "undone_at")
    plain = {
        key: row[key]
        for key in (
            "source", "category", "address", "raw_location", "matched_grid", "confirmed_grid",
            "decision", "confidence", "evidence_kind", "confirmed_by", "undone_by", "lon", "lat",
        )
    }  # fmt: skip
    return {
        "id": str(row["id"]),
        "event": str(row["event_id"]),
        **plain,
        **{key: None if row[key] is None else row[key].isoformat() for key in instants},
    }


def _make_exception(
    work: UnitOfWork, snapshot: BoundarySnapshot, matched: str, grid: str, category: str | None
) -> None:
    """Make a boundary exception where enough corrections agree along the border of two grids."""
    if store.exceptions_between(work, matched, grid):
        return
    rows = [
        row
        for row in store.agreeing(work, matched, grid, category)
        if _near(snapshot, matched, grid, row["lon"], row["lat"])
    ]
    people = {row["confirmed_by"] for row in rows}
    days = {row["created_at"].date() for row in rows}
    if len(rows) < AGREEING or (len(people) < 2 and len(days) < 2):
        return
    ground = _ground(snapshot, matched, [(row["lon"], row["lat"]) for row in rows])
    if ground is None:
        return
    numbers = ", ".join(str(row["id"]) for row in rows)
    now = access.database_now(work)
    made = exceptions.add(
        work,
        exceptions.NewException(
            str(shapely.to_wkb(shapely.set_srid(ground, 4326), hex=True, include_srid=True)),
            category,
            grid,
            None,
            f"由一致的更正学得（更正 {numbers}）/ learned from agreeing corrections {numbers}",
            now + timedelta(days=EXCEPTION_DAYS),
        ),
    )
    store.note_exception(work, made["id"], rows[-1]["id"], matched, grid)


def _withdraw(work: UnitOfWork, matched: str, grid: str, category: str | None) -> list[int]:
    """End the exceptions between two grids when too few corrections are left; return them."""
    if len(store.agreeing(work, matched, grid, category)) >= AGREEING:
        return []
    ended = []
    for row in store.exceptions_between(work, matched, grid):
        store.forget_exception(work, row["exception_id"])
        exceptions.end(work, row["exception_id"])
        ended.append(int(row["exception_id"]))
    return ended


def _near(snapshot: BoundarySnapshot, matched: str, grid: str, lon: float, lat: float) -> bool:
    """Tell whether a place lies in one grid and near the border of the other."""
    index = snapshot.index("grid")
    keys = list(index.keys)
    if matched not in keys or grid not in keys:
        return False
    inside = keys.index(matched) in index.covering(lon, lat)
    return inside and index.edge_distance_m(keys.index(grid), lon, lat) <= NEAR_BORDER_M


def _ground(
    snapshot: BoundarySnapshot, matched: str, places: Sequence[tuple[float, float]]
) -> shapely.MultiPolygon | None:
    """Return the stretch about the corrected places, within the grid that it is taken from."""
    index = snapshot.index("grid")
    shape = index.geometries[list(index.keys).index(matched)]
    kx, ky = metres_per_degree(places[0][1])
    hull = shapely.convex_hull(shapely.multipoints([(x * kx, y * ky) for x, y in places]))
    around = shapely.transform(hull.buffer(AROUND_M), lambda xy: xy / [kx, ky])
    cut = shapely.intersection(around, shape)
    parts = [p for p in shapely.get_parts(cut) if isinstance(p, shapely.Polygon)]
    return shapely.MultiPolygon(parts) if parts else None
