"""Spreadsheets: the first sheet of an XLSX as a table of text, judged before it is unpacked."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gis.errors import FileMissing, FileUnreadable
from layers.files.delimited import ROW

LARGEST_UNPACKED: Final = 512 * 1024 * 1024
MOST_COLUMNS: Final = 500


def read_sheet(path: Path) -> pd.DataFrame:
    """Read the first sheet: all cells as text, empty ones missing, and ``row`` (its number there).

    Whole numbers come without ``.0``, times as ISO 8601; formulas count with their last value.

    Raises
    ------
    gis.errors.FileMissing, gis.errors.FileUnreadable
    """
    from openpyxl import load_workbook  # noqa: PLC0415 - a fifth of a second, for workbooks only
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    if not path.is_file():
        raise FileMissing(path=str(path))
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise FileUnreadable(path=path.name, reason="it unpacks to more than 512 MB")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            return _table(
                path, book.worksheets[0].iter_rows(max_col=MOST_COLUMNS, values_only=True)
            )
        finally:
            book.close()
    except (
        zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, OSError,
        SyntaxError, TypeError,
    ) as error:  # fmt: skip
        raise FileUnreadable(path=path.name, reason=f"{type(error).__name__}: {error}") from error


def _table(path: Path, rows: Any) -> pd.DataFrame:  # noqa: ANN401 - an iterator of openpyxl
    header: list[str] = []
    lines: list[int] = []
    records: list[list[str | None]] = []
    for number, cells in enumerate(rows, start=1):
        texts = [_text(cell) for cell in cells]
        if not any(texts):
            continue
        if not header:
            while texts and texts[-1] is None:
                texts.pop()
            header = [text or f"column {place}" for place, text in enumerate(texts, start=1)]
            continue
        lines.append(number)
        records.append((texts + [None] * len(header))[: len(header)])
    if not header:
        raise FileUnreadable(path=path.name, reason="the first sheet is empty")
    if len(set(header)) < len(header):
        raise FileUnreadable(path=path.name, reason="columns occur twice")
    table = pd.DataFrame(records, columns=header, dtype="str")
    table[ROW] = pd.Series(lines, dtype="int64")
    return table


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell).strip() or None
