"""``gridward coverage`` and ``gridward map``: planning from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table

from api.cli.session import language, open_database, put, say
from api.routes.maps import ground_of, today
from gis.governance.actors import SYSTEM
from gis.services.planning import LEVELS, Level, Planner, coverage
from gis.settings import load
from maps.catalogue import MAPS, MapRequest, row_of
from maps.folium_map import render
from maps.paper import Paper

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="站点类别,可重复;缺省全部 / kind of stations, repeatable"),
]
Radius = Annotated[float, typer.Option(help="服务半径(米)/ radius in metres", metavar="METRES")]
Area = Annotated[str | None, typer.Option(help="区域编码;缺省全市 / area code", metavar="CODE")]


def _level(text: str) -> str:
    if text not in LEVELS:
        raise typer.BadParameter(", ".join(LEVELS))
    return text


def show_coverage(
    kind: Kinds = None,
    radius: Radius = 3000.0,
    area: Area = None,
    by: Annotated[
        str,
        typer.Option(
            help=f"列出层级 / level of the rows: {', '.join(LEVELS)}",
            metavar="LEVEL",
            callback=_level,
        ),
    ] = "community",
    reach: Annotated[str, typer.Option(help="到达方式 / reach: straight")] = "straight",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """统计站点覆盖的人口 / Count the people within reach of stations."""
    with open_database() as database:
        answer = coverage(
            database,
            SYSTEM,
            kinds=kind,
            radius_m=radius,
            reach=reach,
            area=area,
            by=cast("Level", by),
        )
    if as_json:
        put(answer)
        return
    _print(answer, zh=language() == "zh")


def _print(answer: dict[str, Any], *, zh: bool) -> None:
    heads = (
        ("编码", "名称", "人口", "已覆盖", "占比", "最近站点 m")
        if zh
        else ("code", "name", "people", "covered", "share", "nearest m")
    )
    table = Table()
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 2 else "right")
    for row in answer["areas"]:
        table.add_row(
            row["code"],
            row["name"],
            f"{row['people']:,}",
            f"{row['people_covered']:,}",
            _share(row["ratio"]),
            "—" if row["nearest_m"] is None else f"{row['nearest_m']:,.0f}",
        )
    # names are data: square brackets in them are no markup
    Console(file=sys.stdout, markup=False, highlight=False).print(table)
    total = answer["summary"]
    say(
        f"合计 {total['people']:,} 人,覆盖 {total['people_covered']:,} 人 "
        f"({_share(total['ratio'])});面积 {total['area_covered_km2']:,.1f} / "
        f"{total['area_km2']:,.1f} km²;边界版本 {answer['boundary_revision']}。",
        f"In all {total['people']:,} people, {total['people_covered']:,} covered "
        f"({_share(total['ratio'])}); area {total['area_covered_km2']:,.1f} of "
        f"{total['area_km2']:,.1f} km²; boundary revision {answer['boundary_revision']}.",
    )
    if total["not_assessable"]:
        lost = f"{total['not_assessable']:,}"
        say(f"另有 {lost} 人不在任何区域内,无法判定。", f"{lost} more people are in no area.")


def _share(ratio: float | None) -> str:
    return "—" if ratio is None else f"{int(ratio * 1000) / 10:.1f}%"


def draw_map(
    key: Annotated[str, typer.Argument(help=f"地图 / map: {', '.join(MAPS)}", metavar="KEY")],
    out: Annotated[
        Path,
        typer.Argument(
            help="写入的文件，按扩展名 / file to write: .html, .png, .pdf", metavar="OUT"
        ),
    ],
    area: Area = None,
    radius: Radius = 3000.0,
    kind: Kinds = None,
    draft: Annotated[
        int | None, typer.Option(help="边界草稿编号 / number of a boundary draft", metavar="ID")
    ] = None,
    paper: Annotated[Paper, typer.Option(help="打印纸张 / paper of .png and .pdf")] = "a4",
    lang: Annotated[str | None, typer.Option(help="zh | en", metavar="LANG")] = None,
) -> None:
    """把地图保存为可离线打开的网页、图片或 PDF / Save a map as a page, a picture or a PDF."""
    ending = out.suffix.lower()
    if ending not in {".html", ".htm", ".png", ".pdf"}:
        raise typer.BadParameter(".html | .png | .pdf", param_hint="OUT")
    if lang not in {None, "zh", "en"}:
        raise typer.BadParameter("zh | en", param_hint="--lang")
    row = row_of(key)
    chosen = language() if lang is None else "en" if lang == "en" else "zh"
    asked = MapRequest(
        language=chosen,
        drawn_on=today(),
        area=area,
        radius_m=radius,
        kinds=tuple(kind or ()),
        draft=draft,
    )
    with open_database() as database:
        drawing = row.draw(Planner(database, SYSTEM), asked)
    if ending in {".png", ".pdf"}:
        from maps.printing import printed  # noqa: PLC0415 - a third of a second, for prints only

        out.write_bytes(printed(drawing, "png" if ending == ".png" else "pdf", paper))
    else:
        out.write_bytes(render(drawing, ground=ground_of(load())).content)
    say(f"已写入 {out}。", f"Wrote {out}.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("coverage")(show_coverage)
    app.command("map")(draw_map)
