"""Instants as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from gis.errors import InstantInvalid
from gis.governance.calendar import SHANGHAI


def in_the_city(instant: str) -> str:
    """Return an instant of RFC 3339 as the clocks of the city show it, to the second.

    >>> in_the_city("2026-11-29T11:11:02.816919+00:00")
    '2026-11-29 19:11:02'
    """
    there = datetime.fromisoformat(instant).astimezone(SHANGHAI)
    return f"{there:%Y-%m-%d %H:%M:%S}"


def instant_of(text: str) -> datetime:
    """Return midnight in the city of a date, or an instant with its offset, in UTC.

    Raises
    ------
    gis.errors.InstantInvalid
        It is neither.
    """
    try:
        if len(text) == len("2026-11-23"):
            return datetime.combine(date.fromisoformat(text), time(), SHANGHAI).astimezone(UTC)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantInvalid(value=text) from error
    if instant.tzinfo is None:
        raise InstantInvalid(value=text)
    return instant.astimezone(UTC)
