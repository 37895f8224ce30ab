"""Tables of an answer as CSV, XLSX or GeoPackage."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from gis.errors import FormatUnknown

ENDINGS: Final = (".csv", ".xlsx", ".gpkg")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def write_tables(tables: Tables, path: Path) -> None:
    """Write tables: CSV holds the first one, XLSX each as a sheet, GeoPackage each as a layer.

    Texts that a spreadsheet would take for a formula get an apostrophe in front. In CSV and XLSX a
    point becomes ``lon`` and ``lat``; other geometry is in the GeoPackage only.

    Raises
    ------
    gis.errors.FormatUnknown
    """
    ending = path.suffix.lower()
    if ending == ".csv":
        rows = [_flat(row) for row in next(iter(tables.values()))]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _names(rows))
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    elif ending == ".xlsx":
        _workbook(tables, path)
    elif ending == ".gpkg":
        for name, table in tables.items():
            _layer(name, table, path)
    else:
        raise FormatUnknown(path=str(path), known=" ".join(ENDINGS))


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: _safe(value) for name, value in row.items() if name != "geometry"}
    shape = row.get("geometry")
    if shape is not None and shape["type"] == "Point":
        plain["lon"], plain["lat"] = shape["coordinates"]
    return plain


def _safe(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _workbook(tables: Tables, path: Path) -> None:
    import openpyxl  # noqa: PLC0415 - a fifth of a second, for workbooks only

    book = openpyxl.Workbook(write_only=True)
    for title, table in tables.items():
        sheet = book.create_sheet(title)
        rows = [_flat(row) for row in table]
        names = _names(rows)
        sheet.append(names)
        for row in rows:
            sheet.append([row.get(column) for column in names])
    book.save(path)


def _layer(name: str, rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    plain = pd.DataFrame([{k: v for k, v in row.items() if k != "geometry"} for row in rows])
    shapes: list[Any] = [
        None if row.get("geometry") is None else shapely.from_geojson(json.dumps(row["geometry"]))
        for row in rows
    ]
    if any(shape is not None for shape in shapes):
        many: list[Any] = [
            shapely.MultiPolygon([shape]) if shape is not None and shape.geom_type == "Polygon"
            else shape
            for shape in shapes
        ]  # fmt: skip
        frame = gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(many, crs="EPSG:4326"))
        frame.to_file(path, layer=name, driver="GPKG")
    elif len(plain):
        import pyogrio  # noqa: PLC0415 - a table without geometry

        pyogrio.write_dataframe(plain, path, layer=name, driver="GPKG")
