"""Features of a layer, as one actor may see them: pages, single ones, streams, counts, extents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from gis.errors import FeatureUnknown
from gis.governance.actors import Actor
from gis.store.areas import published_revision
from gis.store.features import Frame, Source, Wanted
from gis.store.unit_of_work import UnitOfWork
from layers.catalogue import LAYERS, Layer, View

COUNTED_TO: Final = 10_000
"""A selection is counted up to here; of more it is told that there are more."""
CHUNK: Final = 2_000
"""Features that a stream reads in one statement."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a layer is asked for; empty means all of it.

    ``boxes`` are west, south, east, north in degrees; ``during`` a closed interval with open ends
    None; ``cql2`` a parsed filter and ``geometry_of`` what brings its literals to lon/lat.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    boxes: Sequence[tuple[float, float, float, float]] = ()
    during: tuple[datetime | None, datetime | None] | None = None
    cql2: Any = None
    geometry_of: Any = None

    @property
    def is_all(self) -> bool:
        """Tell whether nothing is left out."""
        return not self.equal and not self.boxes and self.during is None and self.cql2 is None


@dataclass(frozen=True, slots=True)
class Page:
    """Some features and what is known about the rest.

    ``matched`` is exact or None; ``following`` the id after which the next page begins; ``whole``
    the number of features of the whole layer, where that was counted.
    """

    rows: Sequence[Sequence[Any]]
    matched: int | None
    following: str | None
    whole: int | None = None


class Reader:
    """A layer opened for an actor inside a unit of work, at the boundary revision in force.

    ``revision`` names another one: a stream keeps to that which it began with.
    """

    def __init__(
        self,
        work: UnitOfWork,
        layer: Layer,
        actor: Actor,
        selection: Selection | None = None,
        *,
        revision: int | None = None,
    ) -> None:
        self.work = work
        self.layer = layer
        self.view = View.of(layer, actor)
        self.selection = selection or Selection()
        if revision is None and layer.until is not None and self.selection.during is not None:
            # at the end of the time asked for
            revision = published_revision(work, self.selection.during[1]) or 0
        self.source = _source(layer.key, actor.role, actor.area_code, revision)
        self.wanted = Wanted(
            equal=self.selection.equal,
            boxes=self.selection.boxes,
            instant=layer.instant,
            until=layer.until,
            during=self.selection.during if layer.instant in self.view.names else None,
            cql2=self.selection.cql2,
            geometry_of=self.selection.geometry_of,
            within=self.view.rows_within,
        )

    def page(
        self,
        frame: Frame | None,
        *,
        limit: int,
        after: str | None = None,
        offset: int = 0,
        names: Sequence[str] | None = None,
        counted: bool = True,
    ) -> Page:
        """Return a page of features, by id."""
        rows = self.source.page(
            self.work,
            self.wanted,
            self.view.names if names is None else names,
            limit=limit + 1,
            frame=frame,
            after=after,
            offset=offset,
            count_to=COUNTED_TO if counted else None,
        )
        more = len(rows) > limit
        matched = None
        if after is None and not offset and not more:
            matched = len(rows)
        elif counted and rows:
            matched = rows[0][-1] if rows[0][-1] <= COUNTED_TO else None
        elif counted:
            matched = self.source.count(self.work, self.wanted, up_to=COUNTED_TO)
        rows = [row[:-1] for row in rows[:limit]] if counted else rows[:limit]
        return Page(rows, matched, rows[-1][0] if more and rows else None)

    def one(self, fid: str, frame: Frame | None) -> Sequence[Any]:
        """Return one feature.

        Raises
        ------
        gis.errors.FeatureUnknown
            There is none of that id, or it is not for this actor.
        """
        row = self.source.one(self.work, self.wanted, self.view.names, fid, frame)
        if row is None:
            raise FeatureUnknown(layer=self.layer.key, id=fid[:80])
        return row

    def count(self) -> int:
        """Return how many features the selection has, exactly."""
        return self.source.count(self.work, self.wanted) or 0

    def chunks(
        self,
        frame: Frame | None = None,
        *,
        names: Sequence[str] | None = None,
        size: int = CHUNK,
        limit: int | None = None,
        after: str | None = None,
        offset: int = 0,
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the features of the selection by id, all or ``limit``; memory stays flat."""
        left = limit
        while left is None or left > 0:
            page = self.page(
                frame,
                limit=size if left is None else min(size, left),
                after=after,
                offset=offset,
                names=names,
                counted=False,
            )
            if page.rows:
                yield page.rows
            left = None if left is None else left - len(page.rows)
            after, offset = page.following, 0
            if after is None:
                return

    def extent(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north of the selection in degrees; None when it is empty."""
        return self.source.extent(self.work, self.wanted)


@lru_cache(maxsize=512)
def _source(layer: str, role: str, area: str | None, revision: int | None) -> Source:
    """Return the query of what an actor sees of a layer."""
    view = View.of(LAYERS[layer], Actor("", role, area))
    return Source(
        layer,
        {one.name: one.type for one in view.attributes},
        revision,
        trusted=view.trusted,
        area=view.area,
        masked=view.masked,
    )


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def encoded(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON carries
    """Return JSON; times in RFC 3339, numbers as numbers."""
    return _ENCODER.encode(value)


def feature_json(
    row: Sequence[Any], names: Sequence[str], extra: Mapping[str, Any] | None = None
) -> bytes:
    """Return a GeoJSON feature of a row whose shape is GeoJSON text."""
    return _ENCODER.encode(
        {
            "type": "Feature",
            "id": row[0],
            "geometry": None if row[1] is None else msgspec.Raw(row[1].encode()),
            "properties": dict(zip(names, row[2:], strict=True)),
            **(extra or {}),
        }
    )


def plain_value(value: Any) -> Any:  # noqa: ANN401 - an attribute
    """Return an attribute as a cell of a table: times as text, lists joined.

    >>> plain_value(["a", "b"])
    'a;b'
    """
    if isinstance(value, datetime | date):
        return value.isoformat()
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else value
