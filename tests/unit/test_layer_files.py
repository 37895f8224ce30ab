"""Layers in files: every format, any frame, Chinese names; a round trip loses nothing."""

# ruff: noqa: ANN401 - parsed JSON and frames

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.errors import CrsUnknown, FileMissing, FormatUnknown
from gis.geometry import crs as frames
from layers import files
from layers.catalogue import LAYERS, Attribute
from layers.files.export import EXPORTED, Target, write_layer
from layers.files.shapefile import short_names

ATTRIBUTES = (
    Attribute("code", "string", "编码", "code"),
    Attribute("opening_hours", "string", "开放时间", "opening hours"),
    Attribute("capacity", "integer", "容量", "capacity"),
    Attribute("length_m", "number", "长度", "length"),
    Attribute("staffed", "boolean", "有人值守", "staffed"),
    Attribute("valid_from", "datetime", "启用时间", "valid from"),
    Attribute("categories", "strings", "类别", "categories"),
)
ROWS = [
    (
        "1",
        "34110",
        "滁州市琅琊区“全天”",
        2**40,
        0.1 + 0.2,
        True,
        datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
        ["a", "b"],
    ),
    ("2", None, None, None, None, None, None, None),
    ("3", "00012", 'a,b\n"c"', -1, -1e-9, False, datetime(1999, 12, 31, tzinfo=UTC), []),
]
SHAPES = {
    "stations": [
        shapely.Point(118.123456789, 32.987654321),
        shapely.Point(118, 32),
        shapely.Point(119.5, 33.5),
    ],
    "roads": [shapely.LineString([(118, 32), (118.1, 32.123456789), (118.2, 32)])] * 3,
    "grids": [
        shapely.MultiPolygon([shapely.box(118, 32, 118.1, 32.1)]),
        shapely.MultiPolygon(
            [shapely.box(118, 32, 118.1, 32.1), shapely.box(119, 33, 119.1, 33.1)]
        ),
        shapely.MultiPolygon(
            [
                shapely.Polygon(
                    shapely.box(118, 32, 119, 33).exterior,
                    [shapely.box(118.2, 32.2, 118.4, 32.4).exterior],
                )
            ]
        ),
    ],
}


def pieces(layer: str) -> list[list[tuple[Any, ...]]]:
    rows = [
        (row[0], shapely.to_wkb(shape), *row[1:])
        for row, shape in zip(ROWS, SHAPES[layer], strict=True)
    ]
    return [rows[:2], rows[2:]]


def round_trip(layer: str, path: Path, **how: str) -> tuple[gpd.GeoDataFrame, Any]:
    outcome = write_layer(LAYERS[layer], ATTRIBUTES, pieces(layer), Target(path, **how))
    assert outcome.features == 3
    frame = files.read(path)  # FlatGeobuf stores features in the order of its index
    return frame.sort_values("id", ignore_index=True), outcome


@pytest.mark.parametrize("layer", SHAPES)
@pytest.mark.parametrize("ending", [one for one in EXPORTED if one != ".geojsonl"])
def test_round_trip_loses_nothing(tmp_path: Path, layer: str, ending: str) -> None:
    frame, outcome = round_trip(layer, tmp_path / f"层{ending}")
    names = (
        short_names(["id", *(one.name for one in ATTRIBUTES)], "UTF-8")[0]
        if ending in {".shp", ".zip"}
        else ["id", *(one.name for one in ATTRIBUTES)]
    )
    assert set(names) <= set(map(str, frame.columns))
    for place, name in enumerate(names):
        for number, row in enumerate(ROWS):
            value, wanted = frame[name].iloc[number], row[place]
            if wanted in (None, []):
                assert pd.isna(value) or value == "", (name, value)
            elif isinstance(wanted, list):
                assert value == ";".join(wanted)
            elif isinstance(wanted, datetime):
                shown = value.isoformat() if hasattr(value, "isoformat") else str(value)
                assert datetime.fromisoformat(shown) == wanted
            elif isinstance(wanted, bool):
                assert str(value) in {str(wanted), str(int(wanted)), str(float(wanted))}
            elif isinstance(wanted, int | float):
                assert float(value) == pytest.approx(wanted, rel=4e-16, abs=0)
            else:
                assert value == wanted
    kept = 1e-9 if ending != ".csv" or layer != "stations" else 5e-10
    for got, wanted in zip(frame.geometry, SHAPES[layer], strict=True):
        assert shapely.equals_exact(
            shapely.normalize(_multi(got, wanted)), shapely.normalize(wanted), kept * 1.01
        )
    if ending in {".shp", ".zip"}:
        assert any("opening_ho" in zh for zh, _ in outcome.limits)
        assert any("时间" in zh for zh, _ in outcome.limits)


def _multi(got: Any, wanted: Any) -> Any:
    return (
        shapely.MultiPolygon([got])
        if got.geom_type == "Polygon" and wanted.geom_type == "MultiPolygon"
        else got
    )


@pytest.mark.parametrize(
    "crs", ["EPSG:4548", "EPSG:4490", "CGCS2000", "EPSG:3857", "GCJ-02", "BD-09", "EPSG:32650"]
)
@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".geojson", ".parquet", ".csv"])
def test_any_frame(tmp_path: Path, crs: str, ending: str) -> None:
    frame, outcome = round_trip("stations", tmp_path / f"x{ending}", crs=crs)
    x, y = np.asarray(frame.geometry.x), np.asarray(frame.geometry.y)
    name = frames.normalise(crs)
    lon, lat = frames.to_wgs84(x, y, name)
    wanted = shapely.get_coordinates(np.array(SHAPES["stations"]))
    assert np.abs(np.column_stack([lon, lat]) - wanted).max() < 2e-8
    if ending in {".gpkg", ".parquet", ".shp"} and name.startswith("EPSG"):
        assert files.declared_crs(frame, tmp_path) == name
    if name in (frames.GCJ02, frames.BD09) and ending != ".csv":
        assert any(name in zh for zh, _ in outcome.limits)


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@pytest.mark.parametrize("ending", [".shp", ".zip"])
def test_chinese_names_in_a_shapefile(tmp_path: Path, encoding: str, ending: str) -> None:
    frame, _ = round_trip("grids", tmp_path / f"网格{ending}", names="zh", encoding=encoding)
    short = "有人值守" if encoding == "GBK" else "有人值"
    assert {"编码", "容量", short} <= set(map(str, frame.columns))
    column = "开放时间" if encoding == "GBK" else "开放时"
    assert frame[column].iloc[0] == "滁州市琅琊区“全天”"


def test_long_texts_are_cut_and_told(tmp_path: Path) -> None:
    long = "滁" * 200
    rows = [("1", shapely.to_wkb(shapely.Point(118, 32)), long)]
    outcome = write_layer(LAYERS["stations"], ATTRIBUTES[:1], [rows], Target(tmp_path / "x.shp"))
    assert files.read(tmp_path / "x.shp")["code"].iloc[0] == "滁" * 84
    assert any("254" in zh for zh, _ in outcome.limits)
    write_layer(LAYERS["stations"], ATTRIBUTES[:1], [rows], Target(tmp_path / "x.gpkg"))
    assert files.read(tmp_path / "x.gpkg")["code"].iloc[0] == long


def test_nothing_is_left_of_a_file_that_fails(tmp_path: Path) -> None:
    def broken() -> Any:
        yield pieces("stations")[0]
        raise ConnectionError

    path = tmp_path / "x.gpkg"
    with pytest.raises((ConnectionError, Exception)):
        write_layer(LAYERS["stations"], ATTRIBUTES, broken(), Target(path))
    assert list(tmp_path.iterdir()) == []


def test_refusals_in_words(tmp_path: Path) -> None:
    with pytest.raises(FormatUnknown):
        write_layer(LAYERS["stations"], ATTRIBUTES, [], Target(tmp_path / "x.dwg"))
    with pytest.raises(FileMissing):
        write_layer(LAYERS["stations"], ATTRIBUTES, [], Target(tmp_path / "no" / "x.gpkg"))
    with pytest.raises(CrsUnknown):
        write_layer(LAYERS["stations"], ATTRIBUTES, [], Target(tmp_path / "x.gpkg", "EPSG:99999"))


def test_empty_layer_is_a_file_without_features(tmp_path: Path) -> None:
    for ending in (".gpkg", ".fgb", ".parquet", ".csv", ".geojson"):
        write_layer(LAYERS["grids"], ATTRIBUTES, [], Target(tmp_path / f"x{ending}"))
        assert (tmp_path / f"x{ending}").stat().st_size > 0


def test_a_file_that_could_not_be_written_leaves_nothing_and_keeps_its_reason(
    tmp_path: Path,
) -> None:
    def write() -> None:
        with files.written(tmp_path / "areas.gpkg") as unfinished:
            unfinished.with_name("areas.gpkg-journal").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []
