"""Vector files of any known format as one GeoDataFrame, rows numbered."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from gis.errors import (
    ColumnMissing,
    CrsUndeclared,
    FileMissing,
    FileUnreadable,
    FormatUnknown,
    GeometryMissing,
    LayerUnclear,
)
from layers.files.delimited import CHINESE, ROW, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

VECTOR: Final = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".fgb")
PARQUET: Final = (".parquet", ".geoparquet")
TEXT: Final = (".csv", ".txt", ".tsv")
ENDINGS: Final = VECTOR + PARQUET + TEXT

# Names that people give to coordinates, compared in lower case.
_LON: Final = ("lon", "lng", "longitude", "long", "经度", "x", "easting", "东向", "coordx")
_LAT: Final = ("lat", "latitude", "纬度", "y", "northing", "北向", "coordy")
_WKT: Final = ("wkt", "geometry", "geom", "the_geom", "几何")
_CPG: Final = {"65001": "UTF-8", "UTF8": "UTF-8", "936": CHINESE, "CP936": CHINESE, "GBK": CHINESE,
               "GB2312": CHINESE, "ANSI 936": CHINESE}  # fmt: skip


def read(
    path: Path | str,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    lon: str | None = None,
    lat: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a file of features.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, Shapefile (a zipped one too), FlatGeobuf, GeoParquet, or CSV with
        columns of coordinates or WKT.
    layer
        Needed only where a file has several layers with geometry.
    encoding
        Of attributes in Shapefile and CSV; guessed when not given (.cpg, else the bytes).
    lon, lat
        Columns of a table without geometry; found by common names (lon, lng, 经度, x ...) when not
        given. They may hold easting and northing.

    Returns
    -------
    geopandas.GeoDataFrame
        Rows in file order with ``row`` (1 for the first feature; for CSV the line). ``crs`` is what
        the file declares, None where it declares nothing. Coordinates are as in the file; a row
        whose coordinates are missing or no numbers has no geometry.

    Raises
    ------
    gis.errors.FileMissing, gis.errors.FormatUnknown, gis.errors.FileUnreadable,
    gis.errors.LayerUnclear, gis.errors.ColumnMissing, gis.errors.GeometryMissing
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise FormatUnknown(path=str(path), known=" ".join(ENDINGS))
    if not path.is_file():
        raise FileMissing(path=str(path))
    if ending in TEXT:
        return _located(path, read_table(path, encoding=encoding), lon, lat)
    if ending in PARQUET:
        frame = _read_parquet(path, lon, lat)
    else:
        frame = _read_vector(path, layer, encoding)
        if lon is not None and lat is not None:
            frame = _located(path, pd.DataFrame(frame).drop(columns="geometry"), lon, lat)
    if ROW not in frame.columns:
        frame[ROW] = np.arange(1, len(frame) + 1)
    return frame.reset_index(drop=True)


def declared_crs(frame: gpd.GeoDataFrame, path: Path | str) -> str | None:
    """Return the name of the frame that a file declares, None where it declares none.

    Raises
    ------
    gis.errors.CrsUndeclared
        It declares one that has no EPSG number (a city's own, for instance).
    """
    if frame.crs is None:
        return None
    code = frame.crs.to_epsg(min_confidence=70)
    if code is not None:
        return f"EPSG:{code}"
    if frame.crs.is_geographic and "84" in frame.crs.name:
        return "WGS84"
    raise CrsUndeclared(path=str(path), declared=frame.crs.name)


def _names(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name not in (ROW, "geometry")]


def _read_vector(path: Path, layer: str | None, encoding: str | None) -> gpd.GeoDataFrame:
    try:
        chosen = _layer(path, layer)
        read_with = encoding or _shape_encoding(path)
        frame = pyogrio.read_dataframe(path, layer=chosen, encoding=read_with)
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError) as error:
        raise FileUnreadable(path=str(path), reason=str(error)) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise GeometryMissing(path=str(path), columns=", ".join(_names(frame)))
    return _plainly_named(frame)


def _plainly_named(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with its geometry in the column ``geometry``."""
    return frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")


def _layer(path: Path, wanted: str | None) -> str:
    """Return the layer to read: the one asked for, or the only one that has geometry."""
    listed = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    names = [name for name, _ in listed]
    spatial = [name for name, kind in listed if kind is not None] or names
    if wanted is None and len(spatial) == 1:
        return spatial[0]
    if wanted is None or wanted not in names:
        raise LayerUnclear(path=str(path), layers=", ".join(names))
    return wanted


def _shape_encoding(path: Path) -> str | None:
    """Return the encoding of a Shapefile's attributes: what .cpg says, else what the bytes are."""
    members = _members(path)
    dbf = members.get(".dbf")
    if dbf is None:
        return None
    named = members.get(".cpg", b"").decode("ascii", "ignore").strip().upper()
    if named:
        return _CPG.get(named, named)
    try:
        # The records begin where bytes 8-9 of the header say; before them stand binary fields.
        dbf[int.from_bytes(dbf[8:10], "little") :].decode("utf-8")
    except UnicodeDecodeError:
        return CHINESE
    return "UTF-8"


def _members(path: Path) -> dict[str, bytes]:
    """Return the .dbf and .cpg beside a Shapefile, or inside a zip, by ending."""
    wanted = (".dbf", ".cpg")
    if path.suffix.lower() == ".shp":
        beside = [p for p in path.parent.glob(f"{path.stem}.*") if p.suffix.lower() in wanted]
        return {p.suffix.lower(): p.read_bytes() for p in beside}
    if path.suffix.lower() != ".zip":
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
            inside = [name for name in names if name.suffix.lower() in wanted]
            return {name.suffix.lower(): archive.read(str(name)) for name in inside}
    except zipfile.BadZipFile as error:
        raise FileUnreadable(path=str(path), reason=str(error)) from error


def _read_parquet(path: Path, lon: str | None, lat: str | None) -> gpd.GeoDataFrame:
    try:
        metadata = pq.read_schema(path).metadata or {}
        if b"geo" in metadata and lon is None:
            return _plainly_named(gpd.read_parquet(path))
        table = pd.read_parquet(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise FileUnreadable(path=str(path), reason=str(error)) from error
    return _located(path, table, lon, lat)


def _located(path: Path, table: pd.DataFrame, lon: str | None, lat: str | None) -> gpd.GeoDataFrame:
    """Make geometry of a table's columns."""
    for column in (lon, lat):
        if column is not None and column not in table.columns:
            raise ColumnMissing(path=str(path), column=column, columns=", ".join(_names(table)))
    names = _names(table)
    lon = lon or _named_like(names, _LON)
    lat = lat or _named_like(names, _LAT)
    if lon is not None and lat is not None:
        x, y = (pd.to_numeric(table[c], errors="coerce").to_numpy(float) for c in (lon, lat))
        shapes = np.full(len(table), None, dtype=object)
        there = ~(np.isnan(x) | np.isnan(y))
        shapes[there] = shapely.points(x[there], y[there])
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(list(shapes), dtype="geometry"))
    wkt = _named_like(names, _WKT)
    if wkt is None:
        raise GeometryMissing(path=str(path), columns=", ".join(names))
    texts = table[wkt].astype(object).where(table[wkt].notna(), None)
    parsed = shapely.from_wkt(texts.to_numpy(dtype=object), on_invalid="ignore")
    return gpd.GeoDataFrame(
        table.drop(columns=wkt), geometry=gpd.GeoSeries(list(parsed), dtype="geometry")
    )


def _named_like(names: Sequence[str], common: Sequence[str]) -> str | None:
    """Return the column with the first of the common names, else the only one that begins so."""
    lower = {name.lower(): name for name in reversed(names)}
    for word in common:
        if word in lower:
            return lower[word]
    for word in common:
        begins = [name for name in names if len(word) > 1 and name.lower().startswith(word + "_")]
        if len(begins) == 1:
            return begins[0]
    return None
