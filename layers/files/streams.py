"""Tables of any length in pieces: CSV, Parquet and GeoPackage, in constant memory.

Rows keep their order and their columns; a piece is a data frame. Text of CSV stays text. A
GeoPackage's points are handed over as its geometry column, and written back.
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataSourceError

from gis.errors import FileMissing, FileUnreadable, FormatUnknown
from layers.files.delimited import check_header, decoding, delimiter_of

STREAMED: Final = (".csv", ".parquet", ".gpkg")


class Source:
    """A file to be read in pieces.

    Attributes
    ----------
    columns
        Names of its columns, without the geometry.
    rows
        How many rows it has; None where only reading would tell.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        ending = path.suffix.lower()
        if ending not in STREAMED:
            raise FormatUnknown(path=str(path), known=" ".join(STREAMED))
        if not path.is_file():
            raise FileMissing(path=str(path))
        self.crs: Any = None
        self.rows: int | None = None
        try:
            if ending == ".csv":
                self._open_csv()
            elif ending == ".parquet":
                file = pq.ParquetFile(path)
                self.columns, self.rows = file.schema_arrow.names, file.metadata.num_rows
            else:
                about = pyogrio.read_info(path)
                self.columns, self.rows = list(about["fields"]), int(about["features"])
                self.crs = about["crs"]
        except (pa.ArrowInvalid, DataSourceError, csv.Error) as error:
            raise FileUnreadable(path=str(path), reason=str(error)) from error

    def _open_csv(self) -> None:
        self._encoding = decoding(self.path)
        with self.path.open(encoding=self._encoding, newline="") as file:
            first = file.readline()
        self._delimiter = delimiter_of(first)
        self.columns = [
            name.strip() for name in next(csv.reader([first], delimiter=self._delimiter), [])
        ]
        check_header(self.path, self.columns)

    def pieces(self, size: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in order, at most ``size`` at a time.

        Raises
        ------
        gis.errors.FileUnreadable
            A row that cannot be read.
        """
        ending = self.path.suffix.lower()
        try:
            if ending == ".csv":
                yield from self._csv_pieces(size)
            elif ending == ".parquet":
                for batch in pq.ParquetFile(self.path).iter_batches(batch_size=size):
                    yield batch.to_pandas()
            else:
                for start in range(0, self.rows or 0, size):
                    yield pyogrio.read_dataframe(self.path, skip_features=start, max_features=size)
        except (pa.ArrowInvalid, DataSourceError, csv.Error) as error:
            raise FileUnreadable(path=str(self.path), reason=str(error)) from error

    def _csv_pieces(self, size: int) -> Iterator[pd.DataFrame]:
        with self.path.open(encoding=self._encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
            next(reader, None)
            records: list[list[str | None]] = []
            width = len(self.columns)
            for record in reader:
                if not record:
                    continue
                if len(record) > width:
                    reason = f"line {reader.line_num} has {len(record)} fields, the header {width}"
                    raise FileUnreadable(path=str(self.path), reason=reason)
                records.append([cell or None for cell in record] + [None] * (width - len(record)))
                if len(records) == size:
                    yield pd.DataFrame(records, columns=self.columns, dtype="str")
                    records = []
            if records:
                yield pd.DataFrame(records, columns=self.columns, dtype="str")


class Sink(ABC):
    """A file that is written in pieces; all have the columns of the first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def write(self, piece: pd.DataFrame) -> None:
        """Append rows."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _CsvSink(Sink):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._begun = False

    def write(self, piece: pd.DataFrame) -> None:
        if isinstance(piece, gpd.GeoDataFrame):
            piece = _as_table(piece)
        # The byte order mark is for Chinese spreadsheets.
        piece.to_csv(
            self.path,
            mode="a" if self._begun else "w",
            header=not self._begun,
            index=False,
            encoding="utf-8" if self._begun else "utf-8-sig",
        )
        self._begun = True

    def close(self) -> None:
        """Nothing: every piece was written whole."""


class _ParquetSink(Sink):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._writer: pq.ParquetWriter | None = None

    def write(self, piece: pd.DataFrame) -> None:
        if isinstance(piece, gpd.GeoDataFrame):
            piece = _as_table(piece)
        table = pa.Table.from_pandas(piece, preserve_index=False)
        if self._writer is None:
            fields = [
                pa.field(field.name, pa.string()) if pa.types.is_null(field.type) else field
                for field in table.schema
            ]
            self._writer = pq.ParquetWriter(self.path, pa.schema(fields))
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _PackageSink(Sink):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._begun = False

    def write(self, piece: pd.DataFrame) -> None:
        if not isinstance(piece, gpd.GeoDataFrame):
            points = gpd.points_from_xy(piece["matched_lon"], piece["matched_lat"])
            piece = gpd.GeoDataFrame(piece, geometry=points, crs=4326)
        pyogrio.write_dataframe(
            piece, self.path, layer=self.path.stem, driver="GPKG", append=self._begun
        )
        self._begun = True

    def close(self) -> None:
        """Nothing: every piece was written whole."""


def sink(path: Path, called: Path | None = None) -> Sink:
    """Return what writes a file of the ending of ``called`` (or its own).

    Raises
    ------
    gis.errors.FormatUnknown
    """
    ending = (called or path).suffix.lower()
    kinds: dict[str, Callable[[Path], Sink]] = {
        ".csv": _CsvSink,
        ".parquet": _ParquetSink,
        ".gpkg": _PackageSink,
    }
    if ending not in kinds:
        raise FormatUnknown(path=str(called or path), known=" ".join(STREAMED))
    return kinds[ending](path)


def _as_table(piece: gpd.GeoDataFrame) -> pd.DataFrame:
    shapes = piece.geometry
    return pd.DataFrame(piece.drop(columns=shapes.name)).assign(wkt=shapes.to_wkt())
