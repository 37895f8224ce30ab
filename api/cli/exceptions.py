"""``gridward boundaries exceptions``: where somebody other than the area on the map decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import shapely
import typer

from api.cli.delivery import AsJson
from api.cli.instants import instant_of
from api.cli.session import Bilingual, open_database, put, say
from gis.governance.actors import SYSTEM
from gis.services import exceptions
from layers import files

app = Bilingual("边界例外：某一段、某类别由谁负责 / exceptions: who decides on a stretch")


def _json_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise typer.BadParameter(f"没有文件 / no file {path}")
    return path


@app.command("list")
def show(
    ended: Annotated[
        bool, typer.Option("--ended", help="也列已失效的 / those that ended too")
    ] = False,
    limit: Annotated[int, typer.Option(help="最多几条 / how many", min=1, max=1000)] = 100,
    as_json: AsJson = False,
) -> None:
    """列出边界例外 / List exceptions, newest first."""
    with open_database() as database:
        items, more = exceptions.listing(database, SYSTEM, live_only=not ended, limit=limit)
    if as_json:
        put({"items": items, "more": more})
        return
    for item in items:
        say(*_line(item))
    if not items:
        say("没有边界例外。", "There are no exceptions.")


@app.command("add")
def add(
    reason: Annotated[str, typer.Option(help="理由 / why", metavar="TEXT")],
    expires: Annotated[
        str, typer.Option(help="失效时间（日期或 RFC 3339）/ until when", metavar="WHEN")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            help="范围：面，或带宽度的线 / where: polygons, or lines with a width",
            metavar="FILE",
            callback=_json_file,
        ),
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="文件的坐标系 / its coordinate system", metavar="NAME")
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(help="这两个区域之间的边界 / the border of two areas", metavar="CODE CODE"),
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="线的总宽度（米）/ width in metres", min=0.1, max=500)
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="负责的区域 / the area that decides", metavar="CODE")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="负责的单位 / the unit that decides", metavar="CODE")
    ] = None,
    category: Annotated[
        str | None, typer.Option(help="仅此类别 / for this category only", metavar="KEY")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """新增边界例外，立即生效 / Add an exception, in force from now on."""
    geometry, chosen = (None, "WGS84") if file is None else _geometry(file, crs)
    with open_database() as database:
        made = exceptions.add(
            database,
            SYSTEM,
            geometry=geometry,
            crs=chosen,
            width_m=width,
            between=between,
            area=area,
            unit=unit,
            category=category,
            reason=reason,
            expires_at=instant_of(expires),
        ).body
    if as_json:
        put(made)
    else:
        say(*_line(made))


@app.command("end")
def end(
    number: Annotated[int, typer.Argument(help="编号 / number", metavar="ID", min=1, max=2**53)],
    as_json: AsJson = False,
) -> None:
    """立即结束边界例外 / End an exception now; it stays in the list of those that were."""
    with open_database() as database:
        ended = exceptions.expire(database, SYSTEM, number)
    if as_json:
        put(ended)
    else:
        say(f"边界例外 {number} 已结束。", f"Exception {number} has ended.")


def _geometry(path: Path, crs: str | None) -> tuple[dict[str, Any], str]:
    """Return all shapes of a file as one GeoJSON geometry, with the system of its numbers."""
    frame = files.read(path)
    chosen, _ = files.source_of(frame, path, crs)
    given = np.array(frame.geometry.array, dtype=object)
    shapes = given[~(shapely.is_missing(given) | shapely.is_empty(given))]
    parts = [part for shape in shapes for part in shapely.get_parts(shape)]
    if all(isinstance(part, shapely.LineString) for part in parts):
        whole: shapely.Geometry = shapely.MultiLineString(parts)
    else:
        whole = shapely.union_all(shapes)
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(whole))
    return geometry, chosen


def _line(item: dict[str, Any]) -> tuple[str, str]:
    who = item["area"] if item["unit"] is None else f"{item['area']} / {item['unit']}"
    where_zh = "" if item["width_m"] is None else f"，沿线宽 {item['width_m']:g} 米"
    where_en = "" if item["width_m"] is None else f", {item['width_m']:g} m along a line"
    until = item["ended_at"] or item["expires_at"]
    told_zh = (
        f"例外 {item['id']}：{item['category'] or '所有类别'} 由 {who} 负责，至 {until}{where_zh}"
        f"({item['created_by']}:{item['reason']})"
    )
    told_en = (
        f"exception {item['id']}: {who} decides for {item['category'] or 'all categories'} until "
        f"{until}{where_en} ({item['created_by']}: {item['reason']})"
    )
    return told_zh, told_en


def register_into(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.add_typer(app, name="exceptions")
