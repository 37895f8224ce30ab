"""A layer into a file, piece by piece: any frame, any format, memory flat."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyogrio.raw import write_arrow
from pyproj import CRS

from gis.errors import FormatUnknown
from gis.geometry import crs as frames
from layers.catalogue import Attribute, Layer
from layers.features import plain_value
from layers.files.shapefile import short_names
from layers.files.writing import written

Rows = Iterable[Sequence[Any]]
"""Each: id, WKB in lon/lat, the attributes."""

DRIVERS: Final = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".geojsonl": "GeoJSONSeq",
    ".gpkg": "GPKG",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
    ".zip": "ESRI Shapefile",
}
PARQUET: Final = (".parquet", ".geoparquet")
EXPORTED: Final = (*DRIVERS, *PARQUET, ".csv")
"""Endings that a layer can be written as."""

_GEOMETRY: Final = {"point": "Point", "line": "LineString", "polygon": "MultiPolygon"}
_ARROW: Final = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "strings": pa.string(),
}
_WKB: Final = {b"ARROW:extension:name": b"geoarrow.wkb"}
_LONGEST_TEXT: Final = 254


@dataclass(slots=True)
class Outcome:
    """How many features were written, and what the format could not hold, in both languages."""

    features: int = 0
    limits: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """How a layer is to be written.

    Parameters
    ----------
    crs
        Any name of :mod:`gis.geometry.crs`.
    names
        ``key``: attributes by their English keys; ``zh``: by their Chinese titles.
    encoding
        Of a Shapefile's attributes: ``UTF-8`` or ``GBK``.
    indexed
        A FlatGeobuf file gets its index of places. For that GDAL keeps about 100 bytes a feature in
        memory, and in the end the features up to 100 MB. Without it a reader goes through the file.
    """

    path: Path
    crs: str = frames.WGS84
    names: str = "key"
    encoding: str = "UTF-8"
    indexed: bool = True


def write_layer(
    layer: Layer,
    attributes: Sequence[Attribute],
    pieces: Iterable[Sequence[Sequence[Any]]],
    target: Target,
    progress: Callable[[int], None] = lambda _features: None,
) -> Outcome:
    """Write a layer's features; whole or not at all.

    Parameters
    ----------
    pieces
        Rows of id, WKB in lon/lat and the attributes, in their order.
    progress
        Told the number of features after each piece.

    Raises
    ------
    gis.errors.FormatUnknown, gis.errors.FileMissing, gis.errors.CrsUnknown
    """
    ending = target.path.suffix.lower()
    if ending not in EXPORTED:
        raise FormatUnknown(path=str(target.path), known=" ".join(EXPORTED))
    outcome = Outcome()
    table = _Table(layer, attributes, target, outcome)
    batches = table.batches(pieces, progress)
    with written(target.path) as unfinished:
        if ending == ".csv":
            _to_csv(table, batches, unfinished)
        elif ending in PARQUET:
            _to_parquet(table, batches, unfinished)
        elif ending in (".shp", ".zip"):
            _to_shapefile(table, batches, unfinished, target)
        else:
            plain = {"SPATIAL_INDEX": "NO"} if ending == ".fgb" and not target.indexed else {}
            _to_vector(table, batches, unfinished, DRIVERS[ending], **plain)
    return outcome


class _Table:
    """A layer as Arrow batches with a WKB column."""

    def __init__(
        self, layer: Layer, attributes: Sequence[Attribute], target: Target, outcome: Outcome
    ) -> None:
        self.layer = layer
        self.attributes = attributes
        self.crs = frames.normalise(target.crs)
        self.outcome = outcome
        self.shape = target.path.suffix.lower() in (".shp", ".zip")
        self.encoding = target.encoding
        titles = [one.title_zh if target.names == "zh" else one.name for one in attributes]
        names = ["id", *titles]
        if self.shape:
            names, renamed = short_names(names, target.encoding)
            outcome.limits += renamed
        self.names = names
        kinds = [pa.string(), *(self._kind(one) for one in attributes)]
        self.schema = pa.schema(
            [
                *(pa.field(name, kind) for name, kind in zip(names, kinds, strict=True)),
                pa.field("geometry", pa.binary(), metadata=_WKB),
            ]
        )  # fmt: skip

    def _kind(self, attribute: Attribute) -> pa.DataType:
        if self.shape and attribute.type == "datetime":
            self.note(
                "Shapefile 没有时间类型，时间写成文本", "Shapefile has no times: written as text"
            )
            return pa.string()
        if self.shape and attribute.type == "boolean":
            self.note("Shapefile 的真假写成 0 和 1", "Shapefile: booleans are written as 0 and 1")
            return pa.int32()
        return _ARROW[attribute.type]

    def note(self, zh: str, en: str) -> None:
        if (zh, en) not in self.outcome.limits:
            self.outcome.limits.append((zh, en))

    def batches(
        self, pieces: Iterable[Sequence[Sequence[Any]]], progress: Callable[[int], None]
    ) -> Iterator[pa.RecordBatch]:
        for rows in pieces:
            columns = [self._column(rows, 0, self.schema.field(0).type)]
            columns += [
                self._column(rows, place + 2, self.schema.field(place + 1).type)
                for place in range(len(self.attributes))
            ]
            columns.append(pa.array(list(self._moved([row[1] for row in rows])), pa.binary()))
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
            self.outcome.features += len(rows)
            progress(len(rows))

    def _column(self, rows: Sequence[Sequence[Any]], place: int, kind: pa.DataType) -> pa.Array:
        values = [row[place] for row in rows]
        if pa.types.is_string(kind):
            values = [None if one is None else str(plain_value(one)) for one in values]
            if self.shape:
                values = [self._cut(one) for one in values]
        elif pa.types.is_int32(kind):
            values = [None if one is None else int(one) for one in values]
        return pa.array(values, kind)

    def _cut(self, text: str | None) -> str | None:
        if text is None or len(text) * 4 <= _LONGEST_TEXT:
            return text
        raw = text.encode(self.encoding, "replace")
        if len(raw) <= _LONGEST_TEXT:
            return text
        self.note(
            f"Shapefile 的文本最多 {_LONGEST_TEXT} 字节，较长的被截短",
            f"Shapefile texts hold {_LONGEST_TEXT} bytes: longer ones were cut",
        )
        return raw[:_LONGEST_TEXT].decode(self.encoding, "ignore")

    def _moved(self, shapes: Sequence[bytes | None]) -> Any:  # noqa: ANN401 - WKB or None each
        geometries = shapely.from_wkb(np.array(shapes, dtype=object))
        if self.layer.kind == "polygon":
            single = shapely.get_type_id(geometries) == 3
            geometries[single] = [shapely.MultiPolygon([one]) for one in geometries[single]]
        if self.crs not in (frames.WGS84, frames.CGCS2000):
            geometries = shapely.transform(geometries, self._coordinates)
        return shapely.to_wkb(geometries)

    def _coordinates(self, numbers: Any) -> Any:  # noqa: ANN401 - an array
        return np.column_stack(frames.from_wgs84(numbers[:, 0], numbers[:, 1], self.crs))

    @property
    def epsg(self) -> CRS | None:
        """Return the frame as files declare it; GCJ-02 and BD-09 have no declaration."""
        if self.crs == frames.WGS84:
            return CRS.from_epsg(4326)
        if self.crs == frames.CGCS2000:
            return CRS.from_epsg(4490)
        if self.crs.startswith("EPSG:"):
            return CRS.from_epsg(int(self.crs[5:]))
        self.note(
            f"文件格式无法声明 {self.crs}，读取时请指定坐标系",
            f"no file can declare {self.crs}: name it when you read the file",
        )
        return None

    @property
    def geometry_type(self) -> str:
        return _GEOMETRY[self.layer.kind]


def _to_vector(
    table: _Table,
    batches: Iterator[pa.RecordBatch],
    path: Path,
    driver: str,
    **options: Any,  # noqa: ANN401
) -> None:
    crs = table.epsg
    if driver == "GeoJSON" and table.crs in (frames.WGS84, frames.CGCS2000):
        options = {**options, "RFC7946": "YES", "COORDINATE_PRECISION": "9"}
    elif driver.startswith("GeoJSON"):
        options = {**options, "COORDINATE_PRECISION": "9" if crs is None else "4"}
        if driver == "GeoJSONSeq" and crs is not None and crs.to_epsg() not in (4326, 4490):
            table.note("GeoJSON 序列不声明坐标系", "a GeoJSON sequence declares no frame")
    _write_arrow(
        pa.RecordBatchReader.from_batches(table.schema, batches),
        str(path),
        layer=path.stem,
        driver=driver,
        geometry_name="geometry",
        geometry_type=table.geometry_type,
        crs=None if crs is None else crs.to_wkt(),
        **options,
    )


def _write_arrow(batches: pa.RecordBatchReader, path: str, **how: Any) -> None:  # noqa: ANN401
    with warnings.catch_warnings():
        # GCJ-02 and BD-09 have no declaration: the outcome says so
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        write_arrow(batches, path, **how)


def _to_shapefile(
    table: _Table, batches: Iterator[pa.RecordBatch], path: Path, target: Target
) -> None:
    """Write the parts of a Shapefile into a folder; zip them, or put them beside the .shp."""
    folder = path.parent / "parts"
    folder.mkdir()
    stem = target.path.stem
    try:
        crs = table.epsg
        _write_arrow(
            pa.RecordBatchReader.from_batches(table.schema, batches),
            str(folder / f"{stem}.shp"),
            layer=stem,
            driver="ESRI Shapefile",
            geometry_name="geometry",
            geometry_type="Polygon" if table.layer.kind == "polygon" else table.geometry_type,
            crs=None if crs is None else crs.to_wkt("WKT1_ESRI"),
            encoding=target.encoding,
        )
        parts = sorted(folder.iterdir())
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for part in parts:
                    archive.write(part, part.name)
            return
        for part in parts:
            if part.suffix == ".shp":
                part.rename(path)
            else:
                part.replace(target.path.with_name(part.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _to_parquet(table: _Table, batches: Iterator[pa.RecordBatch], path: Path) -> None:
    crs = table.epsg
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [table.geometry_type],
        "crs": None if crs is None else crs.to_json_dict(),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    plain = pa.schema(
        [*(table.schema.field(at) for at in range(len(table.schema) - 1)),
         pa.field("geometry", pa.binary())]
    ).with_metadata({b"geo": json.dumps(geo).encode()})  # fmt: skip
    with pq.ParquetWriter(path, plain, compression="zstd") as out:
        for batch in batches:
            out.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=plain))


def _to_csv(table: _Table, batches: Iterator[pa.RecordBatch], path: Path) -> None:
    point = table.layer.kind == "point"
    digits = 9 if table.crs in frames.NAMES else 4
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow([*table.names, *(["lon", "lat"] if point else ["wkt"])])
        for batch in batches:
            shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
            columns: list[list[Any]] = [
                [_cell(value) for value in batch.column(at).to_pylist()]
                for at in range(len(table.names))
            ]
            if point:
                columns += [
                    np.round(axis(shapes), digits).tolist()
                    for axis in (shapely.get_x, shapely.get_y)
                ]
            else:
                columns.append(shapely.to_wkt(shapes, rounding_precision=digits).tolist())
            out.writerows(zip(*columns, strict=True))


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell
    return value.isoformat() if isinstance(value, datetime) else value
