"""``gridward import buildings|people|openings|seekers|roads``: the rest of a city."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import geopandas as gpd
import numpy as np
import typer

from api.cli.delivery import Delivery, delivered, steps
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


def _read(delivery: Delivery) -> gpd.GeoDataFrame:
    """Read a file; a table without coordinates is one whose rows are placed by codes."""
    try:
        return delivery.frame()
    except GeometryMissing:
        if delivery.file.suffix.lower() not in TABLES:
            raise
        table = files.read_table(delivery.file, encoding=delivery.encoding)
        return gpd.GeoDataFrame(table, geometry=np.full(len(table), None, dtype=object))


def _run(
    subject: Subject,
    delivery: Delivery,
    columns: list[str] | None,
    *,
    series: str = SERIES,
    tags: Mapping[str, str] | None = None,
) -> None:
    named = pairs(columns, tuple(field.name for field in FIELDS[subject]))
    with steps(("reading", "writing")) as began:
        began("reading")
        frame = _read(delivery)
        chosen, source = files.source_of(frame, delivery.file, delivery.crs)
        with open_database() as database:
            began("writing")
            result: ImportReport = import_city(
                database,
                SYSTEM,
                subject,
                frame,
                columns=named,
                crs=chosen,
                skip_bad=delivery.skip_bad is not None,
                series=series,
                tags=tags,
                source=source,
            )
    delivery.finish(result, frame)


@delivered(file=File)
def buildings(
    delivery: Delivery,
    *,
    columns: Map = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            help="人群标签与人数列，可重复 / tag and its column of people", metavar="TAG=COLUMN"
        ),
    ] = None,
) -> None:
    """导入楼栋及其人口，按编码新增或更新 / Import buildings and their people, by code."""
    _run("buildings", delivery, columns, tags=pairs(tag))


@delivered(file=File)
def people(
    delivery: Delivery,
    *,
    columns: Map = None,
    series: Annotated[
        str, typer.Option(help="这份人口数据的名称 / name of this count", metavar="NAME")
    ] = SERIES,
) -> None:
    """导入按区域或格网统计的人口 / Import people counted by area or grid cell."""
    _run("people", delivery, columns, series=series)


@delivered(file=File)
def openings(
    delivery: Delivery,
    *,
    columns: Map = None,
) -> None:
    """导入岗位，按编码新增或更新 / Import job openings, by code."""
    _run("openings", delivery, columns)


@delivered(file=File)
def seekers(
    delivery: Delivery,
    *,
    columns: Map = None,
) -> None:
    """导入求职者（不含姓名），按编码新增或更新 / Import job seekers (no names), by code."""
    _run("seekers", delivery, columns)


@delivered(file=File, without=("lon", "lat"))
def roads(
    delivery: Delivery,
    *,
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
) -> None:
    """导入道路为路网：OSM、GraphML 或自有线图层 / Import roads as the network."""
    named = pairs(columns, tuple(field.name for field in FIELDS["roads"]))
    with steps(("reading", "writing")) as began:
        began("reading")
        is_osm = osm.is_road_file(delivery.file)
        frame = osm.read_roads(delivery.file) if is_osm else delivery.frame()
        chosen, source = files.source_of(frame, delivery.file, delivery.crs)
        with open_database() as database:
            began("writing")
            result = import_roads(
                database,
                SYSTEM,
                frame,
                columns=named,
                crs=chosen,
                skip_bad=delivery.skip_bad is not None,
                replace=replace,
                noded=noded,
                join_m=join,
                source=source,
            )
    delivery.finish(result, frame)


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
