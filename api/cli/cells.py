"""Cells of a table as values: a text, a number, an instant; an empty cell is None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import pandas as pd

from gis.errors import InstantInvalid


def text_of(cells: Mapping[Any, Any], column: str | None) -> str | None:
    """Return the text in a column, None for an empty cell or without a column."""
    cell = None if column is None else cells[column]
    return None if cell is None or pd.isna(cell) else str(cell).strip() or None


def number_of(cells: Mapping[Any, Any], column: str | None) -> float | None:
    """Return the number in a column; a word where a number belongs is NaN, which is refused."""
    text = text_of(cells, column)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if isfinite(value) else float("nan")


def instant_of(cells: Mapping[Any, Any], column: str | None) -> datetime | None:
    """Return the instant in a column, in UTC.

    Raises
    ------
    gis.errors.InstantInvalid
        No RFC 3339 instant with an offset.
    """
    text = text_of(cells, column)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantInvalid(value=text) from error
    if instant.tzinfo is None:
        raise InstantInvalid(value=text)
    return instant.astimezone(UTC)
