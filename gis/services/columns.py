"""Columns of an imported table, as text that the trade can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gis.errors import ColumnMissing

ROW: Final = "row"
"""Column that says where a row stood in its file."""

if TYPE_CHECKING:
    from collections.abc import Sequence


def column_text(frame: pd.DataFrame, column: str, file: str) -> list[str | None]:
    """Return a column as text: whole floats without ``.0``, missing and blank as None.

    Codes that a file stores as numbers come out as they were meant. Blanks at the ends are cut.

    Raises
    ------
    gis.errors.ColumnMissing
        With the columns that there are.

    >>> column_text(pd.DataFrame({"adcode": [341102.0, None, 341103.0]}), "adcode", "x.csv")
    ['341102', None, '341103']
    """
    if column not in frame.columns:
        raise ColumnMissing(path=file, column=column, columns=", ".join(named(frame)))
    return [_text(value) for value in frame[column].tolist()]


def optional_text(frame: pd.DataFrame, column: str | None, file: str) -> list[str | None]:
    """Return a column as text, all None where no column was named."""
    return [None] * len(frame) if column is None else column_text(frame, column, file)


def named(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns that came from the file."""
    return [str(name) for name in frame.columns if name not in (ROW, "geometry")]


def rows_of(frame: pd.DataFrame) -> list[int]:
    """Return the number of each row in its file (counted from 1 without a ``row`` column)."""
    if ROW in frame.columns:
        return [int(row) for row in frame[ROW]]
    return list(range(1, len(frame) + 1))


def other_columns(frame: pd.DataFrame, used: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return, for each row, the columns not used otherwise, as JSON can carry them."""
    kept = [name for name in named(frame) if name not in used]
    columns = {name: [_plain(value) for value in frame[name].tolist()] for name in kept}
    return [
        {name: values[i] for name, values in columns.items() if values[i] is not None}
        for i in range(len(frame))
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a file's column holds
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever a file's column holds
    plain = _plain(value)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return None if plain is None else str(plain).strip() or None
