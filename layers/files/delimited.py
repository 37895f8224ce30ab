"""Delimited text: CSV as people save it, UTF-8 or GBK, comma, semicolon or tab."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, Final

import pandas as pd

from gis.errors import FileMissing, FileUnreadable

if TYPE_CHECKING:
    from pathlib import Path

ROW: Final = "row"
"""Column with the place of a row in its file: the line for text, else counted from 1."""

CHINESE: Final = "gb18030"
"""Superset of GBK and GB2312: what Chinese Windows writes where no encoding is named."""

_DELIMITERS: Final = ",;\t|"
_BOMS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_table(path: Path, *, encoding: str | None = None) -> pd.DataFrame:
    """Read delimited text: all columns as text, empty fields missing, and ``row``.

    Parameters
    ----------
    path
        First line: the names of the columns. The delimiter is the one of ``, ; tab |`` that the
        first line has most of.
    encoding
        Guessed when not given: a byte order mark, else UTF-8, else GB18030.

    Returns
    -------
    pandas.DataFrame
        ``row`` is the line on which a record begins (the header is line 1). Blank lines are left
        out. A record shorter than the header is filled up with missing values.

    Raises
    ------
    gis.errors.FileMissing, gis.errors.FileUnreadable
        Not there; no header, a record longer than the header, or bytes of no known encoding.
    """
    text = _decoded(path, encoding)
    first_line = text.split("\n", 1)[0]
    delimiter = delimiter_of(first_line)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        check_header(path, header)
        lines: list[int] = []
        records: list[list[str | None]] = []
        before = reader.line_num
        for record in reader:
            line, before = before + 1, reader.line_num
            if not record:
                continue
            if len(record) > len(header):
                reason = f"line {line} has {len(record)} fields, the header {len(header)}"
                raise FileUnreadable(path=str(path), reason=reason)
            lines.append(line)
            records.append(
                [field or None for field in record] + [None] * (len(header) - len(record))
            )
    except csv.Error as error:
        reason = f"line {reader.line_num}: {error}"
        raise FileUnreadable(path=str(path), reason=reason) from error
    table = pd.DataFrame(records, columns=header, dtype="str")
    table[ROW] = pd.Series(lines, dtype="int64")
    return table


def delimiter_of(first_line: str) -> str:
    """Return the delimiter that a header has most of."""
    return max(_DELIMITERS, key=first_line.count)


def check_header(path: Path, header: list[str]) -> None:
    """Refuse a header without names, or with one twice (``FileUnreadable``)."""
    if not any(header):
        raise FileUnreadable(path=str(path), reason="the first line names no columns")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        reason = f"columns occur twice: {', '.join(twice)}"
        raise FileUnreadable(path=str(path), reason=reason)


def _decoded(path: Path, encoding: str | None) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileMissing(path=str(path)) from error
    marked = next((name for bom, name in _BOMS.items() if raw.startswith(bom)), None)
    for name in [encoding] if encoding else [marked] if marked else ["utf-8", CHINESE]:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
        except LookupError as error:
            raise FileUnreadable(path=str(path), reason=f"no encoding {name}") from error
    reason = f"the text is not {encoding or 'UTF-8 or GB18030'}"
    raise FileUnreadable(path=str(path), reason=reason)


def decoding(path: Path) -> str:
    """Return the encoding of a text of any length: its mark's, else UTF-8, else GB18030.

    Raises
    ------
    gis.errors.FileMissing, gis.errors.FileUnreadable
        Not there; bytes of neither.
    """
    try:
        with path.open("rb") as file:
            first = file.read(4)
    except OSError as error:
        raise FileMissing(path=str(path)) from error
    marked = next((name for bom, name in _BOMS.items() if first.startswith(bom)), None)
    for name in [marked] if marked else ["utf-8", CHINESE]:
        try:
            with path.open(encoding=name, newline="") as text:
                while text.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return name
    raise FileUnreadable(path=str(path), reason="the text is not UTF-8 or GB18030")
