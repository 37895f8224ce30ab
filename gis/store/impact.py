"""What a draft of boundaries touches: its areas beside the standing ones, and what is in them."""
# ruff: noqa: S608 - statements are put together from constants of this module

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.tables import boundary_revisions
from gis.store.unit_of_work import UnitOfWork

Box = tuple[float, float, float, float]

_RETIRING: Final = "select area_code from draft_retirements where draft_id = :draft_id"
_LAYER: Final = (
    "case when v.level = 'grid' and v.kind in ('dedicated', 'micro') then v.kind else v.level end"
)
_COLUMNS: Final = f"v.area_code as code, {_LAYER} as layer, v.name, ST_AsBinary(v.geometry) as wkb"
_STANDING: Final = "v.valid is not null and v.retired_revision is null"

_DRAFTED: Final = sa.text(
    f"select {_COLUMNS} from area_versions v where v.draft_id = :draft_id and v.valid is null "
    'order by v.area_code collate "C"'
)
_TOUCHED: Final = sa.text(
    "with touched as (select area_code from area_versions where draft_id = :draft_id "
    f"union {_RETIRING}) "
    f"select {_COLUMNS} from area_versions v join touched t on t.area_code = v.area_code "
    f'where {_STANDING} order by v.area_code collate "C"'
)
_NEIGHBOURS: Final = sa.text(
    f"select {_COLUMNS} from area_versions v where {_STANDING} and {_LAYER} = any(:layers) "
    "and v.geometry && ST_MakeEnvelope(:west, :south, :east, :north, 4326) "
    'and v.area_code <> all(:touched) order by v.area_code collate "C"'
).bindparams(
    sa.bindparam("layers", type_=ARRAY(sa.Text)), sa.bindparam("touched", type_=ARRAY(sa.Text))
)

_BOX: Final = "geometry && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)"
_EVENT_BOX: Final = "e." + _BOX
_POINTS: Final[dict[str, str]] = {
    "buildings": "select ST_X(geometry), ST_Y(geometry), residents::float8, households::float8 "
    f"from buildings where {_BOX}",
    "addresses": "select ST_X(geometry), ST_Y(geometry), 1::float8, 0::float8 "
    f"from gazetteer_entries where {_BOX}",
    "stations": "select ST_X(geometry), ST_Y(geometry), 1::float8, 0::float8 "
    f"from stations where closed_at is null and {_BOX}",
    "open_orders": "select ST_X(e.geometry), ST_Y(e.geometry), 1::float8, 0::float8 "
    "from work_orders w join event_registry r on r.id = w.event_id "
    "join events e on e.id = r.id and e.received_at = r.received_at "
    f"where w.closed_at is null and {_EVENT_BOX}",
    "events": "select ST_X(geometry), ST_Y(geometry), 1::float8, 0::float8 "
    f"from events where received_at >= %(since)s and {_BOX}",
}

_WORKERS: Final = sa.text(
    "select area_code as code, count(distinct person_id) as workers from duties "
    "where area_code = any(:codes) and valid @> clock_timestamp() group by area_code"
).bindparams(sa.bindparam("codes", type_=ARRAY(sa.Text)))

_PERSONS: Final = sa.text(
    "select count(distinct person_id) from duties "
    "where area_code = any(:codes) and valid @> clock_timestamp()"
).bindparams(sa.bindparam("codes", type_=ARRAY(sa.Text)))


@dataclass(frozen=True, slots=True)
class Points:
    """Positions (n, 2) in lon/lat and two weights of each (residents and households; else 1, 0)."""

    positions: npt.NDArray[np.float64]
    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]


def head(work: UnitOfWork, draft_id: int) -> sa.RowMapping | None:
    """Return id and title of an open draft, None when there is no such draft."""
    revisions = boundary_revisions.c
    return work.row(
        sa.select(revisions.id, revisions.title).where(
            revisions.id == draft_id, revisions.status == "draft"
        )
    )


def newest_draft(work: UnitOfWork) -> int | None:
    """Return the open draft that was made last, None without any."""
    revisions = boundary_revisions.c
    found = work.scalar(sa.select(sa.func.max(revisions.id)).where(revisions.status == "draft"))
    return None if found is None else int(found)


def is_made(work: UnitOfWork) -> bool:
    """Tell whether the city stands on made boundaries: a demo."""
    revisions = boundary_revisions.c
    made = revisions.source.contains({"made": True})
    return bool(work.scalar(sa.select(sa.exists().where(revisions.status == "published", made))))


def drafted(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return the areas that a draft draws (code, layer, name, wkb), by code.

    ``layer`` is the level, or the kind of grids that lie over the general ones.
    """
    return work.rows(_DRAFTED, draft_id=draft_id)


def touched(work: UnitOfWork, draft_id: int) -> list[sa.RowMapping]:
    """Return the standing areas that a draft changes or retires, by code."""
    return work.rows(_TOUCHED, draft_id=draft_id)


def neighbours(
    work: UnitOfWork, layers: Sequence[str], box: Box, but: Sequence[str]
) -> list[sa.RowMapping]:
    """Return the other standing areas of the layers whose box meets a box, by code."""
    west, south, east, north = box
    return work.rows(
        _NEIGHBOURS,
        layers=list(layers),
        touched=list(but),
        west=west,
        south=south,
        east=east,
        north=north,
    )


def points(work: UnitOfWork, kind: str, box: Box, since: datetime) -> Points:
    """Return what of a kind stands in a box of lon/lat.

    ``kind``: ``buildings addresses stations open_orders events`` (those received from ``since``).
    """
    values: dict[str, Any] = dict(zip(("west", "south", "east", "north"), box, strict=True))
    with work.driver.cursor(binary=True) as cursor:
        cursor.execute(_POINTS[kind].encode(), values | {"since": since})
        rows = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 4)
    return Points(rows[:, :2], rows[:, 2], rows[:, 3])


def workers(work: UnitOfWork, codes: Sequence[str]) -> dict[str, int]:
    """Return how many persons hold a duty now in each of the areas that has any."""
    return {row["code"]: row["workers"] for row in work.rows(_WORKERS, codes=list(codes))}


def persons_on_duty(work: UnitOfWork, codes: Sequence[str]) -> int:
    """Return how many persons hold a duty now in any of the areas, each counted once."""
    return int(work.scalar(_PERSONS, codes=list(codes)))
