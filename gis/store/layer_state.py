"""What published layers are at now: the revision in force, editions of bands, stamps of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from gis.store.tables import boundary_revisions, data_stamps, layer_editions
from gis.store.unit_of_work import UnitOfWork

Box = tuple[float, float, float, float]

KEPT_EDITIONS = 40
"""At least so many, and less than twice as many: those before every fortieth are dropped together.

Of what was dropped it is only known that a tile may have changed then, so that all tiles which
nothing touched later are new once, and not after each publication.
"""


@dataclass(frozen=True, slots=True)
class Edition:
    """One building of a layer's bands: its token, the revision shown, what it redraws (3857)."""

    token: str
    revision: int
    changed: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class State:
    """All that decides whether an answer made before still holds.

    ``published`` names the revision in force for ever: two cities, or one after a reset, never
    share it. ``editions`` are by layer, newest first.
    """

    revision: int = 0
    published: str = "none"
    editions: Mapping[str, tuple[Edition, ...]] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)


_REVISION = (
    sa.select(
        boundary_revisions.c.revision,
        sa.extract("epoch", boundary_revisions.c.published_at).label("at"),
    )
    .where(boundary_revisions.c.status == "published")
    .where(boundary_revisions.c.effective_from <= sa.func.now())
    .order_by(boundary_revisions.c.revision.desc())
    .limit(1)
)
_RANKED = sa.select(
    layer_editions,
    sa.func.row_number()
    .over(partition_by=layer_editions.c.layer, order_by=layer_editions.c.id.desc())
    .label("age"),
    sa.func.count().over(partition_by=layer_editions.c.layer).label("built"),
).subquery()
_EDITIONS = (
    sa.select(_RANKED.c.layer, _RANKED.c.token, _RANKED.c.revision, _RANKED.c.changed)
    .where(_RANKED.c.age <= KEPT_EDITIONS + _RANKED.c.built % KEPT_EDITIONS)
    .order_by(_RANKED.c.layer, _RANKED.c.age)
)
_NEWEST = sa.select(sa.func.coalesce(sa.func.max(layer_editions.c.id), 0))


def state(work: UnitOfWork, before: State | None = None, newest: int = -1) -> tuple[State, int]:
    """Return the state and the number of the newest edition.

    Editions are read again only when there are newer ones than ``newest`` of the state before.
    """
    row = work.row(_REVISION)
    revision = 0 if row is None else int(row["revision"])
    published = "none" if row is None else f"{revision}-{int(float(row['at']) * 1e6):x}"
    stamps = {row["subject"]: row["stamp"].hex for row in work.rows(sa.select(data_stamps))}
    now = int(work.scalar(_NEWEST))
    if before is not None and now == newest:
        editions = before.editions
    else:
        found: dict[str, list[Edition]] = {}
        for each in work.rows(_EDITIONS):
            sides = each["changed"]
            boxes = tuple(
                (sides[at], sides[at + 1], sides[at + 2], sides[at + 3])
                for at in range(0, len(sides), 4)
            )
            found.setdefault(each["layer"], []).append(
                Edition(each["token"].hex, each["revision"], boxes)
            )
        editions = {layer: tuple(listed) for layer, listed in found.items()}
    return State(revision, published, editions, stamps), now
