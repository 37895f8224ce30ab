"""A batch of hotline orders as a file: CSV or XLSX, rows numbered as a person sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gis.errors import FormatUnknown
from layers.files.delimited import ROW, read_table
from layers.files.spreadsheet import read_sheet

ORDER_ENDINGS: Final = (".csv", ".txt", ".tsv", ".xlsx")


def read_orders(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of a file: the number of each, and its cells that are not empty.

    Raises
    ------
    gis.errors.FormatUnknown, gis.errors.FileMissing, gis.errors.FileUnreadable
    """
    ending = path.suffix.lower()
    if ending not in ORDER_ENDINGS:
        raise FormatUnknown(path=path.name, known=" ".join(ORDER_ENDINGS))
    table = read_sheet(path) if ending == ".xlsx" else read_table(path)
    names = [name for name in table.columns if name != ROW]
    filled = table[names].notna()
    return [
        (
            int(number),
            {name: value for name, value, there in zip(names, cells, has, strict=True) if there},
        )
        for number, cells, has in zip(
            table[ROW].tolist(),
            table[names].itertuples(index=False, name=None),
            filled.itertuples(index=False, name=None),
            strict=True,
        )
    ]
