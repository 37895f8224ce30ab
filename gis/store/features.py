"""Features of published layers: conditions, pages, counts, extents; all by bound parameters."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.exc import DBAPIError

from gis.errors import FilterInvalid, LayerQueryTooLong
from gis.store.cql2_filter import condition
from gis.store.layer_sources import IN_FORCE, SORTS, SOURCES
from gis.store.unit_of_work import UnitOfWork

TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "string": sa.Text(),
    "integer": sa.Integer(),
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "datetime": sa.DateTime(timezone=True),
    "strings": ARRAY(sa.Text),
}
"""Attribute type of the catalogue -> SQL type."""
_DIALECT: Final[Any] = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
_MOST_PAGES: Final = 200
"""Statements that a source keeps: a page's conditions and columns come in some forms only."""
_SORT_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "text": sa.Text(),
    "bigint": sa.BigInteger(),
    "uuid": sa.Uuid(),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which features: conditions that all must hold.

    ``boxes`` are west, south, east, north in degrees (two where a box crosses the antimeridian);
    ``during`` compares ``instant`` (or the period from it to ``until``) with an interval whose open
    ends are None; ``within`` is the area that features must belong to.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    boxes: Sequence[tuple[float, float, float, float]] = ()
    instant: str | None = None
    until: str | None = None
    during: tuple[datetime | None, datetime | None] | None = None
    cql2: Any = None
    geometry_of: Any = None
    within: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Return the values of the conditions, by the names that :meth:`Source.where` gives them.

        Those of a CQL2 filter stand in its condition.
        """
        start, end = self.during or (None, None)
        made: dict[str, Any] = {"start": start, "end": end}
        made |= {f"eq_{name}": value for name, value in self.equal.items()}
        for at, box in enumerate(self.boxes):
            made |= {f"box_{at}_{side}": value for side, value in enumerate(box)}
        return made

    @property
    def form(self) -> Hashable:
        """Return what two selections share whose conditions differ in their values only."""
        spans = self.during and tuple(end is None for end in self.during)
        return tuple(self.equal), len(self.boxes), spans, self.within


@contextmanager
def explained(limit_s: float) -> Iterator[None]:
    """Put what the database refuses into words; ``limit_s`` is the longest time of a statement.

    Raises
    ------
    gis.errors.LayerQueryTooLong
        A statement was stopped.
    gis.errors.FilterInvalid
        A number or a geometry that the database cannot compute with.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise LayerQueryTooLong(limit_s=limit_s) from error
        if isinstance(error.orig, psycopg.DataError | psycopg.errors.InternalError_):
            raise FilterInvalid(
                reason_zh="数值或几何超出可计算的范围",
                reason_en="a number or geometry in it is beyond what can be computed",
            ) from error
        raise


@dataclass(frozen=True, slots=True)
class Frame:
    """How coordinates of an answer are written: their frame, axes, and decimals."""

    srid: int
    transforms: bool
    flipped: bool
    digits: int


class Source:
    """The query of a layer at a revision (None: that in force), attributes as typed columns.

    Holds no connection, and one may serve many threads.
    """

    def __init__(
        self,
        key: str,
        types: Mapping[str, str],
        revision: int | None = None,
        *,
        trusted: bool = False,
        area: str | None = None,
        masked: Collection[str] = (),
    ) -> None:
        text = SOURCES[key]
        if revision is None:
            text = text.replace(":revision", IN_FORCE)
        statement = sa.text(text)
        if ":revision" in text:
            statement = statement.bindparams(revision=revision)
        if ":trusted" in SOURCES[key]:
            statement = statement.bindparams(sa.bindparam("trusted", trusted, sa.Boolean))
        self.key = key
        self.area = area
        self.masked = frozenset(masked)
        self.sort_type = SORTS.get(key, "text")
        columns = [
            sa.column("fid", sa.Text),
            sa.column("sort", _SORT_TYPES[self.sort_type]),
            sa.column("geom"),
            sa.column("scope_code", sa.Text),
        ]
        self.paths = "scope_path" in SOURCES[key]
        if self.paths:
            columns.append(sa.column("scope_path", ARRAY(sa.Text)))
        columns += [sa.column(name, TYPES[kind]) for name, kind in types.items()]
        self.query = statement.columns(*columns).subquery("layer")
        self.types = dict(types)
        self._pages: dict[Hashable, tuple[str, dict[str, Any]]] = {}

    @property
    def sort(self) -> sa.ColumnElement[Any]:
        """Return the order of pages."""
        column: sa.ColumnElement[Any] = self.query.c.sort
        return column.collate("C") if self.sort_type == "text" else column

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """Return an attribute as the one who asks may see it: empty outside the area if masked."""
        found: sa.ColumnElement[Any] = self.query.c[name]
        if name not in self.masked or self.area is None:
            return found
        return sa.type_coerce(sa.case((self._in_scope(self.area), found)), found.type)

    def key_of(self, fid: str) -> Any:  # noqa: ANN401
        """Return the value of ``sort`` of a feature id; None when it cannot be one."""
        if self.sort_type == "bigint":
            fits = fid.isascii() and fid.isdigit() and len(fid) < 20 and int(fid) < 2**63
            return int(fid) if fits else None
        if self.sort_type == "uuid":
            try:
                return uuid.UUID(fid)
            except ValueError:
                return None
        return None if "\x00" in fid else fid

    @property
    def geom(self) -> sa.ColumnElement[Any]:
        """Return the geometry in EPSG:4326."""
        return self.query.c.geom

    def where(self, wanted: Wanted) -> sa.ColumnElement[bool]:
        """Return the condition of what is wanted; its values are those of :attr:`Wanted.values`."""
        made: list[sa.ColumnElement[bool]] = []
        for name in wanted.equal:
            column = self.column(name)
            made.append(column == sa.bindparam(f"eq_{name}", type_=column.type))
        if wanted.boxes:
            made.append(sa.or_(*(self._in_box(at) for at in range(len(wanted.boxes)))))
        if wanted.during is not None and wanted.instant is not None:
            begin = self.column(wanted.instant)
            start, end = (sa.bindparam(name, type_=begin.type) for name in ("start", "end"))
            ended = begin if wanted.until is None else self.column(wanted.until)
            if wanted.during[0] is not None:
                made.append(
                    sa.or_(ended.is_(None), ended > start) if wanted.until else begin >= start
                )
            if wanted.during[1] is not None:
                made.append(begin <= end)
        if wanted.cql2 is not None:
            columns = {name: self.column(name) for name in self.types}
            made.append(
                condition(
                    wanted.cql2,
                    {**columns, "geometry": self.geom},
                    layer=self.key,
                    geometry_of=wanted.geometry_of,
                )
            )
        if wanted.within is not None:
            made.append(self._in_scope(wanted.within))
        return sa.and_(sa.true(), *made)

    def _in_box(self, at: int) -> sa.ColumnElement[bool]:
        sides = (sa.bindparam(f"box_{at}_{side}", type_=sa.Double) for side in range(4))
        envelope = sa.func.ST_MakeEnvelope(*sides, 4326)
        touching: sa.ColumnElement[bool] = sa.func.ST_Intersects(self.geom, envelope)
        return touching

    def _in_scope(self, scope: str) -> sa.ColumnElement[bool]:
        if self.paths:
            inside: sa.ColumnElement[bool] = self.query.c.scope_path.op("@>")(
                sa.literal([scope], ARRAY(sa.Text))
            )
            return inside
        return self.query.c.scope_code.startswith(scope.removesuffix("00"), autoescape=True)

    def _shown(self, names: Sequence[str], shape: sa.ColumnElement[Any]) -> list[Any]:
        return [
            self.query.c.fid,
            shape.label("shape"),
            *(self.column(name).label(f"a_{name}") for name in names),
        ]

    def page(
        self,
        work: UnitOfWork,
        wanted: Wanted,
        names: Sequence[str],
        *,
        limit: int,
        frame: Frame | None = None,
        after: str | None = None,
        offset: int = 0,
        count_to: int | None = None,
    ) -> Sequence[Sequence[Any]]:
        """Return features by id: ``fid``, ``shape``, then the attributes in the order of ``names``.

        ``shape`` is GeoJSON text in the frame given, WKB in lon/lat without one. With ``count_to``
        each row ends with how many are wanted in all, at most one more than that.
        """
        values = {**wanted.values, "limit": limit, "offset": offset}
        if after is not None:
            values["key"] = self.key_of(after)
        how = (after is None, not offset, count_to)
        if wanted.cql2 is not None:
            return work.connection.execute(self._page(wanted, names, frame, how), values).all()
        key = (wanted.form, tuple(names), frame, how)
        known = self._pages.get(key)
        if known is None:
            made = self._page(wanted, names, frame, how).compile(dialect=_DIALECT)
            known = str(made), made.params
            if len(self._pages) < _MOST_PAGES:
                self._pages[key] = known
        text, held = known
        return work.prepared(text, {name: values.get(name, own) for name, own in held.items()})

    def _page(
        self,
        wanted: Wanted,
        names: Sequence[str],
        frame: Frame | None,
        how: tuple[bool, bool, int | None],
    ) -> sa.Select[Any]:
        """Return the statement of a page: the first one, without an offset, counted up to."""
        first, at_once, count_to = how
        where = self.where(wanted)
        shown = self._shown(names, self._shape(frame))
        if count_to is not None:
            shown.append(self._counted(where, count_to).label("matched"))
        asked = sa.select(*shown).where(where)
        if not first:
            asked = asked.where(self.sort > self._key)
        ordered = asked.order_by(self.sort).limit(sa.bindparam("limit", type_=sa.Integer))
        return ordered if at_once else ordered.offset(sa.bindparam("offset", type_=sa.Integer))

    def _counted(self, where: sa.ColumnElement[bool], up_to: int) -> sa.ScalarSelect[int]:
        """Return how many there are, at most one more than ``up_to``, as a value of a row."""
        # correlate nothing: the rows counted are not those shown
        some = sa.select(self.query.c.fid).where(where).limit(up_to + 1).correlate(None)
        return sa.select(sa.func.count()).select_from(some.subquery("some")).scalar_subquery()

    def one(
        self,
        work: UnitOfWork,
        wanted: Wanted,
        names: Sequence[str],
        fid: str,
        frame: Frame | None = None,
    ) -> Sequence[Any] | None:
        """Return one feature like those of :meth:`page`, None when there is none."""
        if self.key_of(fid) is None:
            return None
        asked = sa.select(*self._shown(names, self._shape(frame)))
        found = asked.where(self.sort == self._key, self.where(wanted)).limit(1)
        values = {**wanted.values, "key": self.key_of(fid)}
        row = work.connection.execute(found, values).first()
        return None if row is None else tuple(row)

    @property
    def _key(self) -> sa.BindParameter[Any]:
        return sa.bindparam("key", type_=_SORT_TYPES[self.sort_type])

    def _shape(self, frame: Frame | None) -> sa.ColumnElement[Any]:
        if frame is None:
            return sa.func.ST_AsBinary(self.geom)
        shape = self.geom
        if frame.transforms:
            shape = sa.func.ST_Transform(shape, frame.srid)
        if frame.flipped:
            shape = sa.func.ST_FlipCoordinates(shape)
        return sa.func.ST_AsGeoJSON(shape, frame.digits, 0)

    def count(self, work: UnitOfWork, wanted: Wanted, *, up_to: int | None = None) -> int | None:
        """Return how many features are wanted, None when there are more than ``up_to``."""
        if up_to is None:
            asked = sa.select(sa.func.count()).select_from(self.query).where(self.where(wanted))
            return int(work.scalar(asked, **wanted.values))
        some = sa.select(self.query.c.fid).where(self.where(wanted)).limit(up_to + 1).subquery()
        counted = sa.select(sa.func.count()).select_from(some)
        found = int(work.scalar(counted, **wanted.values))
        return found if found <= up_to else None

    def extent(self, work: UnitOfWork, wanted: Wanted) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north of all features in degrees."""
        box = sa.func.ST_Extent(self.geom)
        sides = (sa.func.ST_XMin, sa.func.ST_YMin, sa.func.ST_XMax, sa.func.ST_YMax)
        found = work.connection.execute(
            sa.select(*(side(box) for side in sides))
            .select_from(self.query)
            .where(self.where(wanted)),
            wanted.values,
        ).one()
        if found[0] is None:
            return None
        return float(found[0]), float(found[1]), float(found[2]), float(found[3])
