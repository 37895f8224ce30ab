"""Shapes that many routes share: texts, instants, codes, lists with a cursor, problems.

The limits here keep away what PostgreSQL, JSON or a calendar cannot hold, so that bad input ends
as a 422 with its path and never as a 500.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

Item = TypeVar("Item")

DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000


def _without_nul(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not hold NUL characters or lone surrogates")
    return text


def _in_our_time(instant: datetime) -> datetime:
    """Keep to years that every calendar and time zone conversion can hold."""
    if not 1900 <= instant.year <= 2999:
        raise ValueError("must lie between the years 1900 and 2999")
    return instant


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_without_nul)]
"""A name, a title, a reference: at most 200 characters."""

Prose = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_without_nul)]
"""A description, an address, a note: at most 4,000 characters."""

AreaCode = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z._-]+$"),
    Field(description="Code of an area.", examples=["341102"]),
]
"""The code of an area; local schemes may hold letters."""

Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_our_time),
    Field(description="RFC 3339 with offset.", examples=["2026-11-23T10:00:00+08:00"]),
]
"""A moment, with its offset."""

Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
"""A finite number in the units of its coordinate system: degrees, or metres (easting, northing)."""

CrsName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32),
    AfterValidator(_without_nul),
    Field(description="WGS84, CGCS2000, GCJ-02, BD-09 or EPSG:<n>.", examples=["GCJ-02"]),
]
"""The name of a coordinate system, as a caller writes it."""

Limit = Annotated[
    int,
    Query(ge=1, description="How many items at most; more than 1,000 counts as 1,000."),
    AfterValidator(lambda limit: min(limit, LARGEST_LIMIT)),
]
"""The page size of a list: give it ``= DEFAULT_LIMIT``."""


class Page(BaseModel, Generic[Item]):
    """A page of a list and the address of the next one."""

    items: list[Item]
    next: str | None = Field(description="Address of the next page, null on the last one.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/problems/area-unknown"])
    title: str
    status: int
    detail: str
    instance: str
    facts: dict[str, Any]


def cursor(*keys: str | int) -> str:
    """Return the opaque cursor of the last row's sort keys.

    >>> keys_of(cursor("341102", 7))
    ['341102', 7]
    """
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def keys_of(text: str) -> list[str | int]:
    """Return the sort keys in a cursor.

    Raises
    ------
    ValueError
        It is none of ours: as an ``AfterValidator`` that gives a 422.
    """
    try:
        keys = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise ValueError("is not a cursor that a list gave") from error
    if not isinstance(keys, list) or not all(isinstance(key, str | int) for key in keys):
        raise ValueError("is not a cursor that a list gave")
    return [_without_nul(key) if isinstance(key, str) else key for key in keys]
