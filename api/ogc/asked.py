"""Strict reading of query parameters: what is unknown, doubled or meaningless is a 400."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import Request

from gis.errors import ParameterInvalid, ParameterUnknown
from layers.catalogue import Attribute

PAGE: Final = 100
LARGEST_PAGE: Final = 10_000
FURTHEST: Final = 10**9
EVERYWHERE: Final = frozenset({"f", "lang"})
"""Parameters that every resource takes: format, and language of pages."""

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?"
)
_TRUE, _FALSE = "true", "false"

Box = tuple[float, float, float, float]
Span = tuple[datetime | None, datetime | None]


def invalid(parameter: str, zh: str, en: str) -> ParameterInvalid:
    """Return the refusal of a parameter's value."""
    return ParameterInvalid(parameter=parameter, reason_zh=zh, reason_en=en)


def parameters(request: Request, known: Collection[str] = ()) -> dict[str, str]:
    """Return the query parameters of a request.

    Raises
    ------
    gis.errors.ParameterUnknown
        One that the resource does not have.
    gis.errors.ParameterInvalid
        One that is given twice.
    """
    taken: dict[str, str] = {}
    allowed = {*known, *EVERYWHERE}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            shown = "".join(one if one.isprintable() else "?" for one in name[:60])
            raise ParameterUnknown(parameter=shown, known=", ".join(sorted(allowed)))
        if name in taken:
            raise invalid(name, "重复给出", "it is given twice")
        taken[name] = value
    return taken


def limit(text: str | None, default: int = PAGE) -> int:
    """Return the page size: at least 1; more than :data:`LARGEST_PAGE` counts as that."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:12]) < 1:
        raise invalid("limit", "应为正整数", "it must be a positive whole number")
    return min(int(text[:12]), LARGEST_PAGE)


def offset(text: str | None) -> int:
    """Return how many features to pass over."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > FURTHEST:
        raise invalid("offset", "应为非负整数", "it must be a whole number, 0 or more")
    return int(text)


def box(text: str) -> Box:
    """Return the four sides of a box as they stand; heights of a box of six are left out."""
    parts = text.split(",")
    if len(parts) not in (4, 6) or not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise invalid("bbox", "应为 4 个或 6 个数", "it must be four or six numbers")
    numbers = [float(part) for part in parts]
    if not all(math.isfinite(number) and abs(number) < 1e9 for number in numbers):
        raise invalid("bbox", "数值超出范围", "a number is out of range")
    a, b, c, d = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    return a, b, c, d


def lon_lat_boxes(sides: Box) -> tuple[Box, ...]:
    """Return a box in degrees as one, or as two where it crosses the antimeridian.

    >>> lon_lat_boxes((177.0, 65.0, -177.0, 70.0))
    ((177.0, 65.0, 180.0, 70.0), (-180.0, 65.0, -177.0, 70.0))
    """
    west, south, east, north = sides
    if south > north:
        raise invalid("bbox", "南界大于北界", "its south lies north of its north")
    if max(abs(west), abs(east)) > 360 or max(abs(south), abs(north)) > 90:
        raise invalid("bbox", "超出经纬度范围", "it lies outside longitude and latitude")
    if west <= east:
        return (sides,)
    return (west, south, 180.0, north), (-180.0, south, east, north)


def span(text: str) -> Span:
    """Return the closed interval of a ``datetime``: an instant, or ``start/end`` with open ends."""
    parts = text.split("/")
    if len(parts) > 2:
        raise _datetime_invalid()
    begin = _instant(parts[0], late=False)
    end = _instant(parts[-1], late=True)
    if len(parts) == 1 and begin is None:
        raise _datetime_invalid()
    if begin is not None and end is not None and begin > end:
        raise invalid("datetime", "开始晚于结束", "it begins after its end")
    return begin, end


def _instant(text: str, *, late: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    if not _INSTANT.fullmatch(text):
        raise _datetime_invalid()
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise _datetime_invalid() from error
    if not 1 < found.year < 9998:
        raise _datetime_invalid()
    if found.tzinfo is None:  # a day: from its first moment to its last
        found = found.replace(tzinfo=UTC)
        return found + timedelta(days=1, microseconds=-1) if late else found
    return found


def _datetime_invalid() -> ParameterInvalid:
    return invalid(
        "datetime",
        "应为 RFC 3339 时间，或“开始/结束”，开放端用 ..",
        "it must be an RFC 3339 instant, or start/end with .. for an open end",
    )


def cursor(fid: str) -> str:
    """Return the opaque position after a feature."""
    return base64.urlsafe_b64encode(fid.encode()).decode().rstrip("=")


def position(text: str) -> str:
    """Return the feature id of a cursor."""
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise invalid("cursor", "不是本服务给出的位置", "it is none that a page gave") from error
    if not found or "\x00" in found or len(found) > 200:
        raise invalid("cursor", "不是本服务给出的位置", "it is none that a page gave")
    return found


def value_of(attribute: Attribute, text: str) -> Any:  # noqa: ANN401 - by the attribute's type
    """Return the value of a property parameter, by the attribute's type."""
    try:
        if attribute.type == "integer" and re.fullmatch(r"[+-]?\d{1,10}", text):
            return int(text)
        if attribute.type == "number" and _NUMBER.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
        if attribute.type == "boolean" and text.lower() in (_TRUE, _FALSE, "0", "1"):
            return text.lower() in (_TRUE, "1")
        if attribute.type == "datetime" and _INSTANT.fullmatch(text):
            found = datetime.fromisoformat(text.upper())
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if attribute.type == "string" and len(text) <= 1000 and "\x00" not in text:
            return text
    except ValueError:
        pass
    raise invalid(
        attribute.name, f"值应为 {attribute.type}", f"its value must be of type {attribute.type}"
    )
