"""Tables out: CSV that a spreadsheet opens with its characters right, and XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as CSV: UTF-8 with a mark, so that spreadsheets read Chinese right."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([[_cell(cell) for cell in row] for row in rows])
    return written.getvalue().encode("utf-8-sig")


def xlsx_of(rows: Sequence[Sequence[Any]], title: str, shares: Collection[int] = ()) -> bytes:
    """Return rows as a workbook of one sheet; the first is its header, ``shares`` per cent."""
    from openpyxl import Workbook  # noqa: PLC0415 - a fifth of a second, for workbooks only
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    sheet.title = title[:31]
    for row in rows:
        sheet.append([_cell(cell) for cell in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "C2"
    for column in range(1, len(rows[0]) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 18 if column <= 2 else 13
        if column - 1 in shares:
            for (cell,) in sheet.iter_rows(min_row=2, min_col=column, max_col=column):
                cell.number_format = "0.0%"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _cell(value: Any) -> Any:  # noqa: ANN401 - text, number or nothing
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
