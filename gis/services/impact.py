"""Impact 影响 of a draft before it is published: what changes for whom, from old to new area.

Every figure is counted where the thing stands: a building, an address, an event belongs to the
area that covers its point, by the same exact rule and ties as every look-up. Ground is cut exactly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from gis.errors import DraftUnknown, OutsideScope, SignInRequired
from gis.geometry.cell_index import CellIndex
from gis.geometry.frames import EqualAreaFrame, Geometries
from gis.geometry.overlay import NOBODY, Overlay, overlay
from gis.governance.actors import ANONYMOUS, Actor, role_refused
from gis.governance.areas import LEVELS
from gis.store import boundaries as boundary_store
from gis.store import impact as store
from gis.store.unit_of_work import Database, UnitOfWork

READERS: Final = frozenset({"planner", "admin"})
YEAR: Final = timedelta(days=365)
FIGURES: Final = (
    "residents",
    "households",
    "buildings",
    "addresses",
    "stations",
    "open_orders",
    "events",
)
"""What is counted at its point; ``workers`` are counted by the area of their duty."""
_LAYERS: Final = (*LEVELS, "dedicated", "micro")

_DRAWN_DIGITS: Final = 6

Figures = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class MovedGround:
    """A piece of ground of one pair of areas of the matrix; ``row`` is its line there."""

    row: dict[str, Any]
    ground: shapely.Geometry


@dataclass(frozen=True, slots=True)
class ImpactView:
    """The answer and what a map draws of it: areas of the finest layer that the draft touches.

    ``old``, ``new`` and ``around`` (neighbours that stay as they are) are (code, name, shape) in
    lon/lat, ``moved`` the pieces that change hands.
    """

    answer: dict[str, Any]
    layer: str
    old: list[tuple[str, str, Any]]
    new: list[tuple[str, str, Any]]
    around: list[tuple[str, str, Any]]
    moved: list[MovedGround]
    bounds: tuple[float, float, float, float]
    made: bool


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer before and after, with the untouched areas around at the end of both lists."""

    name: str
    old_codes: list[str]
    new_codes: list[str]
    names: dict[str, str]
    old: Geometries
    new: Geometries
    touched: frozenset[str]


def impact(database: Database, actor: Actor, draft_id: int) -> dict[str, Any]:
    """Return what a draft would change for whom.

    Returns
    -------
    dict
        ``draft_id title compared_at events_since``, ``summary`` (of the finest layer) and
        ``layers``: of each level that the draft touches (dedicated and micro grids apart) a
        ``summary``, the ``matrix`` (one row per pair of old and new area with :data:`FIGURES`,
        ``area_m2 old_share new_share``; ``old`` or ``new`` null where the ground has no area) and
        ``areas`` (each code before and after). A row moves when old and new differ. ``workers`` of
        a row hold a duty in the old area: they hand that ground over.

    Raises
    ------
    gis.errors.DraftUnknown
        There is no open draft of that number.
    gis.errors.SignInRequired, gis.errors.RoleNotAllowed, gis.errors.OutsideScope
        Drafts are for planners, within their area.
    """
    return impact_view(database, actor, draft_id).answer


def impact_view(database: Database, actor: Actor, draft_id: int | None) -> ImpactView:
    """Return :func:`impact` with what a map draws; without a number, of the newest open draft."""
    if actor == ANONYMOUS:
        raise SignInRequired
    if actor.role not in READERS:
        raise role_refused(actor.role, READERS)
    with database.reading(actor) as work:
        chosen = store.newest_draft(work) if draft_id is None else draft_id
        head = None if chosen is None else store.head(work, chosen)
        if chosen is None or head is None:
            raise DraftUnknown(draft_id="—" if chosen is None else chosen)
        return _view(work, head, boundary_store.clock(work))


def moved_ground(database: Database, actor: Actor, draft_id: int) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection of what a draft moves, for drawing only.

    Features have a ``role``: ``moved`` (ground that gets another area, most people first, with
    ``old old_name new new_name residents``) and ``area`` (an area of the draft as it would be,
    with ``code name``). Degrees are rounded to :data:`_DRAWN_DIGITS`, about 0.1 m.

    Raises
    ------
    As :func:`impact`.
    """
    view = impact_view(database, actor, draft_id)
    told = ("old", "old_name", "new", "new_name", "residents")
    moved = [
        ({"role": "moved", **{key: piece.row[key] for key in told}}, piece.ground)
        for piece in view.moved
    ]
    areas = [
        ({"role": "area", "code": code, "name": name}, shape) for code, name, shape in view.new
    ]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": json.loads(shapely.to_geojson(_drawn(shape))),
            }
            for properties, shape in (*moved, *areas)
            if not shape.is_empty
        ],
    }


def _drawn(shape: Any) -> Any:  # noqa: ANN401 - shapely
    return shapely.transform(shape, lambda degrees: degrees.round(_DRAWN_DIGITS))


def _view(work: UnitOfWork, head: sa.RowMapping, now: datetime) -> ImpactView:
    drafted, touched = store.drafted(work, head["id"]), store.touched(work, head["id"])
    beyond = [row["code"] for row in (*drafted, *touched) if not work.actor.covers(row["code"])]
    if beyond:
        raise OutsideScope(scope=work.actor.area_code, code=", ".join(beyond[:5]))
    layers = _layers(work, drafted, touched)
    since = now - YEAR
    answers, pieces = [], []
    for layer in layers:
        answer, moved = _layer_impact(work, layer, since)
        answers.append(answer)
        pieces.append(moved)
    answer = {
        "draft_id": head["id"],
        "title": head["title"],
        "revision": boundary_store.latest(work)[0],
        "compared_at": now.isoformat(),
        "events_since": since.isoformat(),
        "summary": answers[-1]["summary"] if answers else {},
        "layers": answers,
    }
    made = store.is_made(work)
    if not layers:
        return ImpactView(answer, "", [], [], [], [], (0.0, 0.0, 0.0, 0.0), made)
    finest = layers[-1]
    west, south, east, north = shapely.total_bounds(_of_touched(finest)).tolist()
    return ImpactView(
        answer,
        finest.name,
        _outlines(finest, finest.old_codes, finest.old, touched=True),
        _outlines(finest, finest.new_codes, finest.new, touched=True),
        _outlines(finest, finest.old_codes, finest.old, touched=False),
        pieces[-1],
        (west, south, east, north),
        made,
    )


def _of_touched(layer: _Layer) -> list[Any]:
    both = ((layer.old_codes, layer.old), (layer.new_codes, layer.new))
    return [
        shape
        for codes, shapes in both
        for code, shape in zip(codes, shapes, strict=True)
        if code in layer.touched
    ]


def _outlines(
    layer: _Layer, codes: Sequence[str], shapes: Geometries, *, touched: bool
) -> list[tuple[str, str, Any]]:
    return [
        (code, layer.names[code], shape)
        for code, shape in zip(codes, shapes, strict=True)
        if (code in layer.touched) is touched
    ]


def _layers(
    work: UnitOfWork, drafted: Sequence[sa.RowMapping], touched: Sequence[sa.RowMapping]
) -> list[_Layer]:
    """Return the layers that a draft touches, coarse to fine, with the areas around."""
    there = {row["layer"] for row in (*drafted, *touched)}
    found = []
    for name in (layer for layer in _LAYERS if layer in there):
        new = [row for row in drafted if row["layer"] == name]
        old = [row for row in touched if row["layer"] == name]
        codes = {row["code"] for row in (*new, *old)}
        box = shapely.total_bounds(_shapes((*new, *old))).tolist()
        # an area that changes its layer is no neighbour of itself
        every = [row["code"] for row in (*drafted, *touched)]
        around = store.neighbours(work, [name], tuple(box), every)
        found.append(
            _Layer(
                name=name,
                old_codes=[row["code"] for row in (*old, *around)],
                new_codes=[row["code"] for row in (*new, *around)],
                names={row["code"]: row["name"] for row in (*old, *around, *new)},
                old=_shapes((*old, *around)),
                new=_shapes((*new, *around)),
                touched=frozenset(codes),
            )
        )
    return found


def _shapes(rows: Sequence[sa.RowMapping]) -> Geometries:
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [shapely.from_wkb(bytes(row["wkb"])) for row in rows]
    return shapes


def _layer_impact(
    work: UnitOfWork, layer: _Layer, since: datetime
) -> tuple[dict[str, Any], list[MovedGround]]:
    cut = _cut(layer)
    pairs, figures = _counted(work, layer, since)
    workers = store.workers(work, sorted({*layer.old_codes, *layer.new_codes} & layer.touched))
    rows, moved = _matrix(layer, cut, pairs, figures, workers)
    areas = _areas(layer, rows, workers)
    summary = _summary(layer, rows, areas)
    concerned = {row[side] for row in rows if row["moves"] for side in ("old", "new")} - {None}
    summary["workers_concerned"] = store.persons_on_duty(work, sorted(concerned))
    return {
        "layer": layer.name,
        "summary": summary,
        "matrix": rows,
        "areas": areas,
    }, moved


def _cut(layer: _Layer) -> Overlay:
    """Cut what changes only: an area that is the same before and after needs no cutting."""
    old = np.array([code in layer.touched for code in layer.old_codes], dtype=bool)
    new = np.array([code in layer.touched for code in layer.new_codes], dtype=bool)
    # neighbours take part where they lie over ground that a touched area had or gets
    changed = _of_touched(layer)
    tree = shapely.STRtree(changed)
    for codes, shapes in ((old, layer.old), (new, layer.new)):
        meeting = tree.query(shapes, predicate="intersects")[0]
        codes[np.unique(meeting)] = True
    at_old, at_new = np.flatnonzero(old), np.flatnonzero(new)
    cut = overlay(layer.old[at_old], layer.new[at_new])
    return Overlay(
        _back(cut.old, at_old),
        _back(cut.new, at_new),
        cut.ground,
        cut.area_m2,
        cut.old_share,
        cut.new_share,
    )


def _back(positions: npt.NDArray[np.intp], among: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return np.where(positions == NOBODY, NOBODY, np.append(among, NOBODY)[positions])


def _counted(
    work: UnitOfWork, layer: _Layer, since: datetime
) -> tuple[npt.NDArray[np.intp], Figures]:
    """Return the pairs (old, new position) of all points, and the figures of each pair."""
    before = CellIndex.build(list(layer.old), layer.old_codes)
    after = CellIndex.build(list(layer.new), layer.new_codes)
    west, south, east, north = shapely.total_bounds(_of_touched(layer)).tolist()
    width = len(layer.new_codes) + 1
    sums: dict[str, dict[int, int]] = {}
    for kind in ("buildings", "addresses", "stations", "open_orders", "events"):
        found = store.points(work, kind, (west, south, east, north), since)
        lon, lat = found.positions[:, 0], found.positions[:, 1]
        keys = (before.locate(lon, lat) + 1) * width + after.locate(lon, lat) + 1
        names = {"residents": found.first, "households": found.second, "buildings": None}
        for figure, weight in (names if kind == "buildings" else {kind: None}).items():
            sums[figure] = _summed(keys, weight)
    every = np.array(sorted({key for one in sums.values() for key in one}), dtype=np.intp)
    pairs = np.column_stack((every // width - 1, every % width - 1))
    figures = {
        figure: np.array([sums[figure].get(int(key), 0) for key in every], dtype=np.int64)
        for figure in FIGURES
    }
    return pairs, figures


def _summed(keys: npt.NDArray[np.intp], weight: npt.NDArray[np.float64] | None) -> dict[int, int]:
    distinct, inverse = np.unique(keys, return_inverse=True)
    totals = np.bincount(inverse, weights=weight, minlength=len(distinct))
    return {int(key): round(float(total)) for key, total in zip(distinct, totals, strict=True)}


def _matrix(
    layer: _Layer,
    cut: Overlay,
    pairs: npt.NDArray[np.intp],
    figures: Figures,
    workers: dict[str, int],
) -> tuple[list[dict[str, Any]], list[MovedGround]]:
    """Return one row per pair of areas, moving ones first, most people first; and their ground."""
    counts = {(int(old), int(new)): i for i, (old, new) in enumerate(pairs)}
    grounds = {
        (int(old), int(new)): i for i, (old, new) in enumerate(zip(cut.old, cut.new, strict=True))
    }
    rows, moved = [], []
    for old, new in sorted({*counts, *grounds}):
        before, after = _code(layer.old_codes, old), _code(layer.new_codes, new)
        if before not in layer.touched and after not in layer.touched:
            continue
        at, ground = counts.get((old, new)), grounds.get((old, new))
        row: dict[str, Any] = {
            "old": before,
            "old_name": layer.names[before] if before else None,
            "new": after,
            "new_name": layer.names[after] if after else None,
            "moves": before != after,
        }
        row |= {name: 0 if at is None else int(figures[name][at]) for name in FIGURES}
        row["workers"] = workers.get(before or "", 0) if before != after else 0
        row["area_m2"] = 0.0 if ground is None else round(float(cut.area_m2[ground]), 1)
        row["old_share"] = _rounded(cut.old_share, ground)
        row["new_share"] = _rounded(cut.new_share, ground)
        rows.append(row)
        if before != after and ground is not None:
            moved.append(MovedGround(row, cut.ground[ground]))
    rows.sort(key=_rank)
    moved.sort(key=lambda piece: _rank(piece.row))
    return rows, moved


def _rank(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        not row["moves"], -row["residents"], -row["area_m2"], row["old"] or "~", row["new"] or "~"
    )  # fmt: skip


def _code(codes: Sequence[str], position: int) -> str | None:
    return None if position == NOBODY else codes[position]


def _rounded(shares: npt.NDArray[np.float64], at: int | None) -> float | None:
    if at is None or np.isnan(shares[at]):
        return None
    return round(float(shares[at]), 6)


def _areas(
    layer: _Layer, rows: Sequence[dict[str, Any]], workers: dict[str, int]
) -> list[dict[str, Any]]:
    """Return each touched area with its figures before and after, by code."""
    frame = EqualAreaFrame.around(np.concatenate([layer.old, layer.new]))
    sides = (
        ("before", "old", layer.old_codes, frame.area_m2(layer.old)),
        ("after", "new", layer.new_codes, frame.area_m2(layer.new)),
    )
    found = []
    for code in sorted(layer.touched):
        area: dict[str, Any] = {"code": code, "name": layer.names[code]}
        for side, column, codes, sizes in sides:
            if code not in codes:
                area[side] = None
                continue
            mine = [row for row in rows if row[column] == code]
            area[side] = {name: sum(row[name] for row in mine) for name in FIGURES}
            area[side]["workers"] = workers.get(code, 0)
            area[side]["area_m2"] = round(float(sizes[codes.index(code)]), 1)
        area["change"] = (
            "new" if area["before"] is None else "retired" if area["after"] is None else "changed"
        )
        found.append(area)
    return found


def _summary(
    layer: _Layer, rows: Sequence[dict[str, Any]], areas: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    moving = [row for row in rows if row["moves"]]
    summary: dict[str, Any] = {
        f"areas_{change}": sum(area["change"] == change for area in areas)
        for change in ("new", "changed", "retired")
    }
    summary |= {f"{name}_moved": sum(row[name] for row in moving) for name in FIGURES}
    summary |= {f"{name}_in_all": sum(row[name] for row in rows) for name in FIGURES}
    summary["area_m2_moved"] = round(sum(row["area_m2"] for row in moving), 1)
    summary["residents_left_without_area"] = sum(
        row["residents"] for row in moving if row["new"] is None
    )
    summary["layer"] = layer.name
    return summary
