"""Every format in and out, GBK attributes, row numbers, and errors that say what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.errors import (
    ColumnMissing,
    CrsUndeclared,
    FileMissing,
    FileUnreadable,
    FormatUnknown,
    GeometryMissing,
    LayerUnclear,
)
from layers import files


@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": ["341102", "341103"], "name": ["琅琊区", "南谯区"]},
        geometry=[shapely.box(118, 32, 119, 33), shapely.box(119, 32, 120, 33)],
        crs=4326,
    )


@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".fgb", ".parquet", ".csv"])
def test_written_and_read_back(tmp_path: Path, frame: gpd.GeoDataFrame, ending: str) -> None:
    path = tmp_path / f"areas{ending}"
    files.write(frame, path)
    back = files.read(path)
    order = back.sort_values("code")
    assert order["name"].tolist() == ["琅琊区", "南谯区"]
    assert shapely.equals(order.geometry.array, frame.geometry.array).all()
    assert sorted(back["row"]) == ([2, 3] if ending == ".csv" else [1, 2])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
@pytest.mark.parametrize("with_cpg", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_shapefile_attributes_in_any_encoding(
    tmp_path: Path, frame: gpd.GeoDataFrame, encoding: str, *, with_cpg: bool, zipped: bool
) -> None:
    folder = tmp_path / "shape"
    folder.mkdir()
    frame.to_file(folder / "区县.shp", encoding=encoding)
    if not with_cpg:
        (folder / "区县.cpg").unlink()
    path = folder / "区县.shp"
    if zipped:
        path = tmp_path / "区县.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for part in folder.iterdir():
                archive.write(part, part.name)
    back = files.read(path)
    assert back["name"].tolist() == ["琅琊区", "南谯区"]
    assert files.declared_crs(back, path) == "EPSG:4326"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_in_any_encoding_and_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    text = '编码,名称,经度,纬度\n001,"甲\n站",118.3,32.2\n\n002,乙站,,\n003,丙\n'
    path.write_text(text.replace(",", delimiter), encoding=encoding)
    table = files.read_table(path)
    assert table["编码"].tolist() == ["001", "002", "003"]
    assert table["row"].tolist() == [2, 5, 6]
    assert table["名称"].tolist() == ["甲\n站", "乙站", "丙"]
    assert table["经度"].isna().tolist() == [False, True, True]
    points = files.read(path)
    assert points.geometry[0] == shapely.Point(118.3, 32.2)
    assert points.geometry[1] is None
    assert points.crs is None
    assert files.declared_crs(points, path) is None


def test_columns_of_coordinates_are_found_or_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,lon_gcj02,lat_gcj02,px,py\n1,118.5,32.5,7,8\n")
    assert files.read(path).geometry[0] == shapely.Point(118.5, 32.5)
    assert files.read(path, lon="px", lat="py").geometry[0] == shapely.Point(7, 8)
    with pytest.raises(ColumnMissing) as caught:
        files.read(path, lon="px", lat="pz")
    assert "id, lon_gcj02, lat_gcj02, px, py" in caught.value.detail("en")
    wkt = tmp_path / "b.csv"
    wkt.write_text('id,WKT\n1,"POLYGON ((0 0, 1 0, 1 1, 0 0))"\n2,\n3,rubbish\n')
    back = files.read(wkt)
    assert back.geometry[0].area == 0.5
    assert back.geometry.isna().tolist() == [False, True, True]


def test_errors_say_what_to_do(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(FileMissing):
        files.read(tmp_path / "none.geojson")
    with pytest.raises(FormatUnknown) as unknown:
        files.read(tmp_path / "a.dwg")
    assert ".gpkg" in unknown.value.detail("zh")
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(GeometryMissing) as bare:
        files.read(table)
    assert "a, b" in bare.value.detail("zh")
    broken = tmp_path / "b.geojson"
    broken.write_text('{"type": "FeatureCollection", "features": [')
    with pytest.raises(FileUnreadable):
        files.read(broken)
    two = tmp_path / "two.gpkg"
    frame.to_file(two, layer="one")
    frame.to_file(two, layer="two")
    with pytest.raises(LayerUnclear) as which:
        files.read(two)
    assert "one, two" in which.value.detail("zh")
    assert len(files.read(two, layer="two")) == 2
    for text in ("", "a,a\n1,2\n", "a,b\n1,2,3\n", 'a,b\n"1,2\n'):
        table.write_text(text)
        with pytest.raises(FileUnreadable):
            files.read_table(table)
    with pytest.raises(FormatUnknown):
        files.write(frame, tmp_path / "a.dwg")
    with pytest.raises(FileMissing):
        files.write(frame, tmp_path / "no" / "a.csv")


def test_a_frame_of_a_city_s_own_must_be_named(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    local = frame.to_crs("+proj=tmerc +lon_0=118.2 +x_0=50000 +y_0=-3000000 +ellps=GRS80 +units=m")
    path = tmp_path / "local.gpkg"
    local.to_file(path)
    with pytest.raises(CrsUndeclared):
        files.declared_crs(files.read(path), path)
    zone = frame.to_crs(4548)
    assert files.declared_crs(zone, path) == "EPSG:4548"


def test_points_are_written_as_columns_for_spreadsheets(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame({"n": ["甲"]}, geometry=[shapely.Point(118.5, 32.5)], crs=4326)
    path = tmp_path / "p.csv"
    files.write(points, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert pd.read_csv(path).to_dict("records") == [{"n": "甲", "lon": 118.5, "lat": 32.5}]
