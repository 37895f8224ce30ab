"""CQL2 (OGC 21-065) into SQL conditions: the parsed expression in its JSON form -> SQLAlchemy.

Only the literal side of a condition is ever transformed, never the column, so the spatial and
other indexes serve. Values travel as bound parameters; names must be queryables of the layer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import shapely
import sqlalchemy as sa
from shapely.errors import ShapelyError
from sqlalchemy.dialects.postgresql import ARRAY

from gis.errors import FilterInvalid, PropertyUnknown

Columns = Mapping[str, sa.ColumnElement[Any]]
"""Queryable -> column; the geometry's is called ``geometry``."""

Moved = Callable[[shapely.Geometry], shapely.Geometry]
"""Brings a literal geometry from the frame of a filter to lon/lat."""

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_REVERSED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / sa.func.nullif(b, 0),
    "%": lambda a, b: sa.func.mod(
        sa.cast(a, sa.Numeric), sa.func.nullif(sa.cast(b, sa.Numeric), 0)
    ),
    "^": sa.func.power,
    "div": lambda a, b: sa.func.div(
        sa.cast(a, sa.Numeric), sa.func.nullif(sa.cast(b, sa.Numeric), 0)
    ),
}
_SPATIAL: Final = {
    "s_intersects": "ST_Intersects",
    "s_disjoint": "ST_Disjoint",
    "s_contains": "ST_Contains",
    "s_within": "ST_Within",
    "s_touches": "ST_Touches",
    "s_crosses": "ST_Crosses",
    "s_overlaps": "ST_Overlaps",
    "s_equals": "ST_Equals",
}
_ARRAYS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "a_contains": lambda a, b: a.op("@>")(b),
    "a_containedby": lambda a, b: a.op("<@")(b),
    "a_overlaps": lambda a, b: a.op("&&")(b),
    "a_equals": lambda a, b: sa.and_(a.op("@>")(b), a.op("<@")(b)),
}
_DAY: Final = timedelta(days=1) - timedelta(microseconds=1)
_DEEPEST: Final = 60
_MOST_NODES: Final = 2000
_MOST_VERTICES: Final = 20_000


def condition(
    expression: Any,  # noqa: ANN401 - parsed JSON
    columns: Columns,
    *,
    layer: str,
    geometry_of: Moved | None = None,
) -> sa.ColumnElement[bool]:
    """Return the condition of a CQL2 expression (its JSON form).

    Parameters
    ----------
    geometry_of
        Brings a literal geometry from ``filter-crs`` to lon/lat; None: it is lon/lat.

    Raises
    ------
    gis.errors.FilterInvalid
        An unknown property or operator, a value that does not fit, or more than the service takes.
    """
    made: sa.ColumnElement[bool] = _Translation(columns, layer, geometry_of).boolean(expression, 0)
    return made


def _refuse(zh: str, en: str) -> FilterInvalid:
    return FilterInvalid(reason_zh=zh, reason_en=en)


class _Translation:
    def __init__(self, columns: Columns, layer: str, geometry_of: Moved | None) -> None:
        self.columns = columns
        self.layer = layer
        self.geometry_of = geometry_of
        self.nodes = 0

    # --- booleans -------------------------------------------------------------------------------

    def boolean(self, node: Any, depth: int) -> Any:  # noqa: ANN401
        self.nodes += 1
        if depth > _DEEPEST or self.nodes > _MOST_NODES:
            raise _refuse("表达式过于复杂", "the expression is too complex")
        if isinstance(node, bool):
            return sa.true() if node else sa.false()
        if isinstance(node, Mapping) and "property" in node:
            column = self.value(node, depth)
            _require(column, sa.Boolean)
            return column
        if not isinstance(node, Mapping) or "op" not in node:
            raise _refuse("缺少比较或逻辑运算", "a comparison or a logical operator is missing")
        operator, arguments = str(node["op"]), list(node.get("args", ()))
        name = operator.lower()
        if name in ("and", "or"):
            if not arguments:
                raise _refuse("逻辑运算缺少条件", "a logical operator needs conditions")
            parts = [self.boolean(part, depth + 1) for part in arguments]
            return sa.and_(*parts) if name == "and" else sa.or_(*parts)
        if name == "not":
            return sa.not_(self.boolean(_only(arguments), depth + 1))
        handler = (
            self._compare
            if name in _COMPARE
            else self._spatial
            if name in _SPATIAL
            else self._array
            if name in _ARRAYS
            else self._temporal
            if name in _TEMPORAL
            else getattr(self, f"_{name}", None)
            if name in ("like", "between", "in", "isnull")
            else None
        )
        if handler is None:
            raise _refuse(
                f"不支持运算 {_short(operator)}",
                f"the operator {_short(operator)} is not supported",
            )
        return handler(name, arguments, depth + 1)

    def _compare(self, name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        left, right = _two(arguments)
        if not _names(left) and _names(right):
            left, right, name = right, left, _REVERSED.get(name, name)
        a = self.value(left, depth)
        b = self.value(right, depth, like=a)
        _comparable(a, b)
        return _COMPARE[name](a, b)

    def _like(self, _name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        left, pattern = _two(arguments)
        column = self.value(left, depth)
        _require(column, sa.Text)
        wanted = self.value(pattern, depth, like=column)
        _require(wanted, sa.Text)
        return column.like(wanted, escape="\\")

    def _between(self, _name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        if len(arguments) != 3:
            raise _refuse("BETWEEN 需要两个界限", "BETWEEN needs two bounds")
        a = self.value(arguments[0], depth)
        low, high = (self.value(one, depth, like=a) for one in arguments[1:])
        _comparable(a, low)
        _comparable(a, high)
        return a.between(low, high)

    def _in(self, _name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        left, listed = _two(arguments)
        a = self.value(left, depth)
        if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > 1000:
            raise _refuse("IN 需要一个不超过 1000 项的列表", "IN needs a list of at most 1,000")
        values = [self.value(one, depth, like=a) for one in listed]
        for one in values:
            _comparable(a, one)
        return sa.or_(sa.false(), *(a == one for one in values))

    def _isnull(self, _name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        return self.value(_only(arguments), depth).is_(None)

    # --- space, time, arrays --------------------------------------------------------------------

    def _spatial(self, name: str, arguments: Sequence[Any], _depth: int) -> Any:  # noqa: ANN401
        left, right = _two(arguments)
        a, b = self._shape(left, name), self._shape(right, name)
        shape = self.columns["geometry"]
        if a is not shape and b is not shape:
            raise _refuse("空间运算需要几何属性", "a spatial operator needs the geometry property")
        return getattr(sa.func, _SPATIAL[name])(a, b)

    def _shape(self, node: Any, name: str) -> Any:  # noqa: ANN401
        if isinstance(node, Mapping) and "property" in node:
            if node["property"] not in ("geometry", "geom"):
                name = _short(str(node["property"]))
                raise _refuse(f"{name} 不是几何属性", f"{name} is no geometry")
            return self.columns["geometry"]
        shape = _geometry(node)
        if shapely.get_type_id(shape) == 7 and name not in {"s_intersects", "s_disjoint"}:
            raise _refuse(
                "几何集合只能用于 S_INTERSECTS 和 S_DISJOINT",
                "a geometry collection goes with S_INTERSECTS and S_DISJOINT only",
            )
        if self.geometry_of is not None:
            shape = self.geometry_of(shape)
        inside = shapely.get_coordinates(shape)
        if len(inside) > _MOST_VERTICES:
            raise _refuse("几何顶点过多", "the geometry has too many vertices")
        if not shapely.is_valid(shape):
            raise _refuse("几何自相交或未闭合", "the geometry crosses itself or is not closed")
        if not (abs(inside[:, 0]) <= 180).all() or not (abs(inside[:, 1]) <= 90).all():
            raise _refuse("坐标超出经纬度范围", "coordinates lie outside degrees")
        return sa.func.ST_GeomFromWKB(sa.bindparam(None, shapely.to_wkb(shape), unique=True), 4326)

    def _array(self, name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        left, right = _two(arguments)
        if not _names(left):
            left, right = right, left
            name = {"a_contains": "a_containedby", "a_containedby": "a_contains"}.get(name, name)
        column = self.value(left, depth)
        if not isinstance(column.type, ARRAY):
            raise _refuse("该属性不是数组", "the property is no array")
        if not isinstance(right, Sequence) or isinstance(right, str):
            raise _refuse("需要一个数组", "an array is needed")
        listed = sa.bindparam(None, [str(one) for one in right], ARRAY(sa.Text), unique=True)
        return _ARRAYS[name](column, listed)

    def _temporal(self, name: str, arguments: Sequence[Any], depth: int) -> Any:  # noqa: ANN401
        left, right = (self._period(one, depth) for one in _two(arguments))
        return _TEMPORAL[name](left, right)

    def _period(self, node: Any, depth: int) -> tuple[Any, Any]:  # noqa: ANN401
        if isinstance(node, Mapping) and "interval" in node:
            start, end = _two(node["interval"])
            return self._bound(start, depth, "-infinity"), self._bound(end, depth, "infinity")
        if isinstance(node, Mapping) and "date" in node:
            day = _day(str(node["date"]))
            return _instant(day), _instant(day + _DAY)
        moment = self.value(node, depth, like=sa.literal(None, sa.DateTime(timezone=True)))
        _require(moment, sa.DateTime)
        return moment, moment

    def _bound(self, node: Any, depth: int, open_end: str) -> Any:  # noqa: ANN401
        if node == "..":
            return sa.cast(sa.literal(open_end), sa.DateTime(timezone=True))
        if isinstance(node, str):
            return _instant(_moment(node, late=open_end == "infinity"))
        return self._period(node, depth)[0 if open_end == "-infinity" else 1]

    # --- values ---------------------------------------------------------------------------------

    def value(self, node: Any, depth: int, like: Any = None) -> Any:  # noqa: ANN401
        self.nodes += 1
        if depth > _DEEPEST or self.nodes > _MOST_NODES:
            raise _refuse("表达式过于复杂", "the expression is too complex")
        if isinstance(node, Mapping):
            return self._compound(node, depth)
        wanted = None if like is None else like.type
        if isinstance(node, bool):
            _fits(wanted, sa.Boolean)
            return sa.literal(node)
        if isinstance(node, int | float):
            _fits(wanted, sa.Numeric, sa.Integer, sa.Float)
            return sa.literal(float(node), sa.Double)
        if isinstance(node, str):
            if isinstance(wanted, sa.DateTime):
                return _instant(_moment(node))
            _fits(wanted, sa.Text, sa.String)
            if "\x00" in node:
                raise _refuse("文本含有 NUL", "the text holds NUL")
            return sa.literal(node, sa.Text)
        raise _refuse("不支持的值", "a value of that kind is not supported")

    def _compound(self, node: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401
        if "property" in node:
            name = str(node["property"])
            if name not in self.columns or name == "geometry":
                known = ", ".join(sorted(set(self.columns) - {"geometry"}))
                raise PropertyUnknown(layer=self.layer, name=_short(name), known=known)
            return self.columns[name]
        if "timestamp" in node:
            return _instant(_moment(str(node["timestamp"])))
        if "date" in node:
            return _instant(_day(str(node["date"])))
        name, arguments = str(node.get("op", "")).lower(), list(node.get("args", ()))
        if name in ("casei", "accenti"):
            inner = self.value(_only(arguments), depth + 1, like=None)
            _require(inner, sa.Text)
            # Chinese has no case and no accents; Latin letters in names do
            lowered = sa.func.lower(inner) if name == "casei" else _unaccented(inner)
            return sa.type_coerce(lowered, sa.Text)
        if name in _ARITHMETIC:
            left, right = (self.value(one, depth + 1) for one in _two(arguments))
            for side in (left, right):
                _require(side, sa.Numeric, sa.Integer, sa.Float)
            made = _ARITHMETIC[name](sa.cast(left, sa.Double), sa.cast(right, sa.Double))
            return sa.type_coerce(sa.cast(made, sa.Double), sa.Double)
        raise _refuse(
            f"不支持 {_short(name) or '该写法'}", f"{_short(name) or 'this'} is not supported"
        )


def _unaccented(text: Any) -> Any:  # noqa: ANN401
    """Return text without accents: decomposed, and the combining marks taken away."""
    decomposed = sa.func.normalize(text, sa.text("NFD"))
    return sa.func.regexp_replace(decomposed, "[\u0300-\u036f]", "", "g")


def _names(node: Any) -> bool:  # noqa: ANN401
    if isinstance(node, Mapping):
        return "property" in node or any(_names(one) for one in node.get("args", ()))
    return False


def _only(arguments: Any) -> Any:  # noqa: ANN401
    if len(arguments) != 1:
        raise _refuse("需要一个参数", "one argument is needed")
    return arguments[0]


def _two(arguments: Any) -> tuple[Any, Any]:  # noqa: ANN401
    if not isinstance(arguments, Sequence) or len(arguments) != 2:
        raise _refuse("需要两个参数", "two arguments are needed")
    return arguments[0], arguments[1]


def _require(column: Any, *kinds: type) -> None:  # noqa: ANN401
    if not isinstance(column.type, kinds):
        raise _refuse("属性类型不符", "the property has another type")


def _comparable(a: Any, b: Any) -> None:  # noqa: ANN401
    families = (sa.Text, (sa.Numeric, sa.Integer, sa.Float), sa.DateTime, sa.Boolean)
    if not any(isinstance(a.type, one) and isinstance(b.type, one) for one in families):
        raise _refuse("两边的类型不能比较", "the two sides cannot be compared")


def _short(text: str) -> str:
    """Return text of a stranger, short and printable, for a message."""
    return "".join(one if one.isprintable() else "?" for one in text[:60])


def _fits(wanted: Any, *kinds: type) -> None:  # noqa: ANN401
    if wanted is not None and not isinstance(wanted, (*kinds, sa.types.NullType)):
        raise _refuse("值与属性的类型不符", "the value does not fit the type of the property")


def _geometry(node: Any) -> shapely.Geometry:  # noqa: ANN401
    try:
        if isinstance(node, Mapping) and "bbox" in node:
            numbers = [float(number) for number in node["bbox"]]
            a, b, c, d = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
            if a < c and b < d:
                return shapely.box(a, b, c, d)
            corners = shapely.MultiPoint([(a, b), (c, d)])
            return shapely.envelope(corners)  # a box without width is a point or a line
        if isinstance(node, Mapping) and "type" in node:
            shape: shapely.Geometry = shapely.from_geojson(json.dumps(node))
            if not shapely.is_empty(shape):
                return shape
    except (ShapelyError, TypeError, ValueError) as error:
        raise _refuse("几何无法读取", "the geometry cannot be read") from error
    raise _refuse("需要一个几何", "a geometry is needed")


def _instant(moment: datetime) -> Any:  # noqa: ANN401
    return sa.bindparam(None, moment, sa.DateTime(timezone=True), unique=True)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise _refuse(
            f"日期 {_short(text)} 无法读取", f"the date {_short(text)} cannot be read"
        ) from error


def _moment(text: str, *, late: bool = False) -> datetime:
    """Return the instant of RFC 3339 text; a day is its first moment, or its last when ``late``."""
    if len(text) == 10:
        day = _day(text)
        return day + _DAY if late else day
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refuse(
            f"时间 {_short(text)} 无法读取", f"the time {_short(text)} cannot be read"
        ) from error
    if not 1 < found.year < 9999:
        raise _refuse(f"时间 {_short(text)} 超出范围", f"the time {_short(text)} is out of range")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_TEMPORAL: Final[dict[str, Callable[[tuple[Any, Any], tuple[Any, Any]], Any]]] = {
    "t_after": lambda a, b: a[0] > b[1],
    "t_before": lambda a, b: a[1] < b[0],
    "t_contains": lambda a, b: sa.and_(a[0] < b[0], a[1] > b[1]),
    "t_disjoint": lambda a, b: sa.or_(a[0] > b[1], a[1] < b[0]),
    "t_during": lambda a, b: sa.and_(a[0] > b[0], a[1] < b[1]),
    "t_equals": lambda a, b: sa.and_(a[0] == b[0], a[1] == b[1]),
    "t_finishedby": lambda a, b: sa.and_(a[0] < b[0], a[1] == b[1]),
    "t_finishes": lambda a, b: sa.and_(a[0] > b[0], a[1] == b[1]),
    "t_intersects": lambda a, b: sa.and_(a[0] <= b[1], a[1] >= b[0]),
    "t_meets": lambda a, b: a[1] == b[0],
    "t_metby": lambda a, b: a[0] == b[1],
    "t_overlappedby": lambda a, b: sa.and_(a[0] > b[0], a[0] < b[1], a[1] > b[1]),
    "t_overlaps": lambda a, b: sa.and_(a[0] < b[0], a[1] > b[0], a[1] < b[1]),
    "t_startedby": lambda a, b: sa.and_(a[0] == b[0], a[1] > b[1]),
    "t_starts": lambda a, b: sa.and_(a[0] == b[0], a[1] < b[1]),
}
"""Temporal operator (OGC 21-065, table 9) -> condition on two closed periods."""
