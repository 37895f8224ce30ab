"""``gridward import buildings|people|openings|seekers|roads``: the rest of a city."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import geopandas as gpd
import numpy as np
import typer

from api.cli.imports import (
    AsJson,
    Crs,
    Encoding,
    Lat,
    Layer,
    Lon,
    Rejects,
    ReportFile,
    finish,
    steps,
)
from api.cli.session import open_database
from gis.errors import GeometryMissing
from gis.governance.actors import SYSTEM
from gis.services.city_fields import FIELDS, Subject
from gis.services.city_imports import SERIES, import_city
from gis.services.road_imports import import_roads
from layers import files
from layers.files import osm

if TYPE_CHECKING:
    from gis.services.import_report import ImportReport

TABLES = (".csv", ".txt", ".tsv")
File = Annotated[
    Path,
    typer.Argument(
        help=f"文件 / file: {' '.join(files.ENDINGS)}; roads also {' '.join(osm.ENDINGS)}",
        metavar="FILE",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="字段对应的列，可重复 / column of a field, repeatable",
        metavar="FIELD=COLUMN",
    ),
]


def pairs(given: list[str] | None, fields: tuple[str, ...] | None = None) -> dict[str, str]:
    """Return what ``FIELD=COLUMN`` options say; ``fields`` are those that there are."""
    found: dict[str, str] = {}
    for text in given or ():
        name, equals, column = text.partition("=")
        if not equals or not column or (fields is not None and name not in fields):
            raise typer.BadParameter(
                f"{text}: {'FIELD=COLUMN' if fields is None else ', '.join(fields)}"
            )
        found[name] = column
    return found


def _read(
    path: Path, *, layer: str | None, encoding: str | None, lon: str | None, lat: str | None
) -> gpd.GeoDataFrame:
    """Read a file; a table without coordinates is one whose rows are placed by codes."""
    try:
        return files.read(path, layer=layer, encoding=encoding, lon=lon, lat=lat)
    except GeometryMissing:
        if path.suffix.lower() not in TABLES:
            raise
        table = files.read_table(path, encoding=encoding)
        return gpd.GeoDataFrame(table, geometry=np.full(len(table), None, dtype=object))


def _run(
    subject: Subject,
    file: Path,
    *,
    columns: list[str] | None,
    crs: str | None,
    layer: str | None,
    encoding: str | None,
    lon: str | None,
    lat: str | None,
    report: Path | None,
    skip_bad: Path | None,
    as_json: bool,
    series: str = SERIES,
    tags: Mapping[str, str] | None = None,
) -> None:
    named = pairs(columns, tuple(field.name for field in FIELDS[subject]))
    with steps(("reading", "writing")) as began:
        began("reading")
        frame = _read(file, layer=layer, encoding=encoding, lon=lon, lat=lat)
        chosen, source = files.source_of(frame, file, crs)
        with open_database() as database:
            began("writing")
            result: ImportReport = import_city(
                database,
                SYSTEM,
                subject,
                frame,
                columns=named,
                crs=chosen,
                skip_bad=skip_bad is not None,
                series=series,
                tags=tags,
                source=source,
            )
    finish(result, frame, report=report, rejects=skip_bad, as_json=as_json)


def buildings(
    file: File,
    columns: Map = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            help="人群标签与人数列，可重复 / tag and its column of people", metavar="TAG=COLUMN"
        ),
    ] = None,
    crs: Crs = None,
    lon: Lon = None,
    lat: Lat = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """导入楼栋及其人口，按编码新增或更新 / Import buildings and their people, by code."""
    options: dict[str, Any] = {"columns": columns, "crs": crs, "lon": lon, "lat": lat}
    options |= {"report": report, "skip_bad": skip_bad, "layer": layer, "encoding": encoding}
    _run("buildings", file, as_json=as_json, tags=pairs(tag), **options)


def people(
    file: File,
    columns: Map = None,
    series: Annotated[
        str, typer.Option(help="这份人口数据的名称 / name of this count", metavar="NAME")
    ] = SERIES,
    crs: Crs = None,
    lon: Lon = None,
    lat: Lat = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """导入按区域或格网统计的人口 / Import people counted by area or grid cell."""
    options: dict[str, Any] = {"columns": columns, "crs": crs, "lon": lon, "lat": lat}
    options |= {"report": report, "skip_bad": skip_bad, "layer": layer, "encoding": encoding}
    _run("people", file, as_json=as_json, series=series, **options)


def openings(
    file: File,
    columns: Map = None,
    crs: Crs = None,
    lon: Lon = None,
    lat: Lat = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """导入岗位，按编码新增或更新 / Import job openings, by code."""
    options: dict[str, Any] = {"columns": columns, "crs": crs, "lon": lon, "lat": lat}
    options |= {"report": report, "skip_bad": skip_bad, "layer": layer, "encoding": encoding}
    _run("openings", file, as_json=as_json, **options)


def seekers(
    file: File,
    columns: Map = None,
    crs: Crs = None,
    lon: Lon = None,
    lat: Lat = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """导入求职者（不含姓名），按编码新增或更新 / Import job seekers (no names), by code."""
    options: dict[str, Any] = {"columns": columns, "crs": crs, "lon": lon, "lat": lat}
    options |= {"report": report, "skip_bad": skip_bad, "layer": layer, "encoding": encoding}
    _run("seekers", file, as_json=as_json, **options)


def roads(
    file: File,
    columns: Map = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="整体替换已有路网 / in place of the network there")
    ] = False,
    noded: Annotated[
        bool,
        typer.Option("--noded", help="线只在端点相接 / lines meet only at their ends already"),
    ] = False,
    join: Annotated[
        float,
        typer.Option(min=0, max=50, help="端点相距不超过此值（米）即相连 / ends nearer are joined"),
    ] = 0.0,
    crs: Crs = None,
    report: ReportFile = None,
    skip_bad: Rejects = None,
    layer: Layer = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """导入道路为路网：OSM、GraphML 或自有线图层 / Import roads as the network."""
    named = pairs(columns, tuple(field.name for field in FIELDS["roads"]))
    with steps(("reading", "writing")) as began:
        began("reading")
        if osm.is_road_file(file):
            frame = osm.read_roads(file)
        else:
            frame = files.read(file, layer=layer, encoding=encoding)
        chosen, source = files.source_of(frame, file, crs)
        with open_database() as database:
            began("writing")
            result = import_roads(
                database,
                SYSTEM,
                frame,
                columns=named,
                crs=chosen,
                skip_bad=skip_bad is not None,
                replace=replace,
                noded=noded,
                join_m=join,
                source=source,
            )
    finish(result, frame, report=report, rejects=skip_bad, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add the commands to ``gridward import``."""
    for name, command in (
        ("roads", roads),
        ("buildings", buildings),
        ("people", people),
        ("openings", openings),
        ("seekers", seekers),
    ):
        app.command(name)(command)
