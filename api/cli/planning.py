"""``gridward coverage`` and ``gridward map``: planning from the command line."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from api.cli.instants import instant_of
from api.cli.session import language, one_of, open_database, put, say, show_table
from api.routes.maps import ground_of, today
from gis.governance.actors import SYSTEM
from gis.governance.calendar import SHANGHAI
from gis.services.coverage_question import MODES, REACHES, CoverageQuestion, StationChange
from gis.services.planning import LEVELS, Level, Planner, coverage
from gis.settings import load
from maps.catalogue import MAPS, MapRequest, drawn

if TYPE_CHECKING:
    from gis.coverage.roads import Mode as RoadMode
from maps.folium_map import render
from maps.paper import Paper

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="站点类别，可重复；缺省全部 / kind of stations, repeatable"),
]
Radius = Annotated[float, typer.Option(help="服务半径（米）/ radius in metres", metavar="METRES")]
Area = Annotated[str | None, typer.Option(help="区域编码；缺省全市 / area code", metavar="CODE")]


Reach = Annotated[
    str,
    typer.Option(
        help=f"到达方式 / reach: {', '.join(REACHES)}", metavar="REACH", callback=one_of(REACHES)
    ),
]
Mode = Annotated[
    str,
    typer.Option(
        help=f"路网出行方式 / along roads: {', '.join(MODES)}",
        metavar="MODE",
        callback=one_of(MODES),
    ),
]
Snap = Annotated[
    float,
    typer.Option(
        help="离路网超过此距离（米）者无法判定 / farther from every road: not assessable",
        metavar="METRES",
    ),
]
DemandName = Annotated[
    str,
    typer.Option(
        help="人口口径 / people: auto, buildings, communities, or an imported series",
        metavar="NAME",
    ),
]
Add = Annotated[
    list[str] | None,
    typer.Option(help="假设新增站点 / add a station in thought", metavar="LON,LAT[,KIND]"),
]
Move = Annotated[
    list[str] | None,
    typer.Option(help="假设迁移站点 / move a station in thought", metavar="CODE,LON,LAT"),
]
Close = Annotated[
    list[str] | None,
    typer.Option(help="假设关闭站点 / close a station in thought", metavar="CODE"),
]


BoundariesAt = Annotated[
    str | None,
    typer.Option(
        help="按此时刻的边界，缺省现在 / areas as in force then: a date or RFC 3339; or now",
        metavar="WHEN",
    ),
]


def then(text: str | None) -> datetime | None:
    """Return the instant of :data:`BoundariesAt`."""
    return None if text is None else instant_of(text)


def changes_of(
    add: list[str] | None, move: list[str] | None, close: list[str] | None
) -> tuple[StationChange, ...]:
    """Return the changes that the options of a command describe."""
    changes: list[StationChange] = []
    for text in add or ():
        lon, lat, kind = _three(text if text.count(",") > 1 else f"{text},", "LON,LAT[,KIND]")
        changes.append(StationChange("add", lon=_degree(lon), lat=_degree(lat), kind=kind or None))
    for text in move or ():
        code, lon, lat = _three(text, "CODE,LON,LAT")
        changes.append(StationChange("move", code=code, lon=_degree(lon), lat=_degree(lat)))
    changes += [StationChange("close", code=code) for code in close or ()]
    return tuple(changes)


def _three(text: str, shape: str) -> tuple[str, str, str]:
    parts = text.rsplit(",", 2)
    if len(parts) != 3:
        raise typer.BadParameter(f"{shape}: {text}")
    return parts[0], parts[1], parts[2]


def _degree(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"LON,LAT: {text}") from error


def _instant(text: str | None) -> str | None:
    if text is not None and _at(text) is None:
        raise typer.BadParameter("2026-11-23T10:00:00+08:00")
    return text


def _at(text: str) -> datetime | None:
    """Return an instant; without an offset it is the city's time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=SHANGHAI)


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
    reach: Reach = "straight",
    mode: Mode = "walk",
    snap: Snap = 200.0,
    at: Annotated[
        str | None,
        typer.Option(
            help="按此时刻的开放时间 / who is open then", metavar="INSTANT", callback=_instant
        ),
    ] = None,
    boundaries_at: BoundariesAt = None,
    capacity: Annotated[
        bool, typer.Option("--capacity", help="考虑站点容量 / stations fill up")
    ] = False,
    demand: DemandName = "auto",
    group: Annotated[
        list[str] | None,
        typer.Option(help="分年龄段或标签，可重复 / age group or tag, repeatable", metavar="NAME"),
    ] = None,
    methods: Annotated[
        bool, typer.Option("--methods", help="比较各人口口径 / compare ways of placing people")
    ] = False,
    add: Add = None,
    move: Move = None,
    close: Close = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """统计站点覆盖的人口 / Count the people within reach of stations."""
    question = CoverageQuestion(
        kinds=kind,
        radius_m=radius,
        reach=reach,
        mode=cast("RoadMode", mode),
        snap_m=snap,
        area=area,
        by=cast("Level", by),
        at=None if at is None else _at(at),
        boundaries_at=then(boundaries_at),
        capacity=capacity,
        demand=demand,
        groups=tuple(group or ()),
        methods=methods,
        changes=changes_of(add, move, close),
    )
    with open_database() as database:
        started = time.perf_counter()
        answer = coverage(database, SYSTEM, question)
        answer["seconds"] = round(time.perf_counter() - started, 3)
    if as_json:
        put(answer)
        return
    _print(answer, zh=language() == "zh")


def _print(answer: dict[str, Any], *, zh: bool) -> None:
    heads = (
        ("编码", "名称", "人口", "已覆盖", "占比", "最近站点（米）")
        if zh
        else ("code", "name", "people", "covered", "share", "nearest m")
    )
    rows = []
    for row in answer["areas"]:
        people = (f"{row['people']:,}", f"{row['people_covered']:,}", _share(row["ratio"]))
        nearest = "—" if row["nearest_m"] is None else f"{row['nearest_m']:,.0f}"
        rows.append((row["code"], row["name"], *people, nearest))
    show_table(heads, rows)
    total = answer["summary"]
    ground = f"{total['area_km2']:,.1f} km²"
    if total["area_covered_km2"] is not None:
        ground = f"{total['area_covered_km2']:,.1f} / {ground}"
    say(
        f"合计 {total['people']:,} 人，覆盖 {total['people_covered']:,} 人"
        f"（{_share(total['ratio'])}）；面积 {ground}；边界版本 {answer['boundary_revision']}；"
        f"用时 {answer['seconds']:.2f} 秒。",
        f"In all {total['people']:,} people, {total['people_covered']:,} covered "
        f"({_share(total['ratio'])}); area {ground}; boundary revision "
        f"{answer['boundary_revision']}; {answer['seconds']:.2f} s.",
    )
    if total["people_off_network"]:
        lost = f"{total['people_off_network']:,}"
        say(f"其中 {lost} 人离路网太远，无法判定。", f"{lost} of them are too far from a road.")
    if total["people_in_no_area"]:
        lost = f"{total['people_in_no_area']:,}"
        say(f"另有 {lost} 人不在任何区域内，无法判定。", f"{lost} more people are in no area.")
    causes = {name: count for name, count in total["uncovered_by_cause"].items() if count}
    if causes:
        told = "、".join(f"{_CAUSES[name][0]} {count:,}" for name, count in causes.items())
        tells = ", ".join(f"{_CAUSES[name][1]} {count:,}" for name, count in causes.items())
        say(f"未覆盖原因：{told}。", f"Why not covered: {tells}.")
    shares = answer["demand"]["ratio_by_method"]
    named = [(*_METHODS.get(name, (name, name)), _share(share)) for name, share in shares.items()]
    told = "、".join(f"{zh} {share}" for zh, _, share in named)
    tells = ", ".join(f"{en} {share}" for _, en, share in named)
    say(f"各口径覆盖率：{told}。", f"Share by method: {tells}.")
    if "change" in answer:
        change = answer["change"]
        say(
            f"与现状相比：新增覆盖 {change['people_gained']:,} 人，"
            f"失去 {change['people_lost']:,} 人；上表只列有变化的区域。",
            f"Against today: {change['people_gained']:,} gain reach, "
            f"{change['people_lost']:,} lose it; the table lists the areas that differ.",
        )


_CAUSES: Final = {
    "none_in_reach": ("范围内无站点", "none in reach"),
    "full": ("站点满员", "full"),
    "closed": ("站点关闭", "closed"),
}


_METHODS: Final = {
    "buildings": ("按所在建筑", "by building"),
    "communities": ("社区人口分摊到住宅", "communities spread over homes"),
    "centroid": ("按区域中心", "by the centre of an area"),
    "areal": ("按面积均摊", "evenly over the ground"),
}
"""Way of placing people -> its name; an imported series has its own."""


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
    reach: Reach = "straight",
    mode: Mode = "walk",
    draft: Annotated[
        int | None, typer.Option(help="边界草稿编号 / number of a boundary draft", metavar="ID")
    ] = None,
    boundaries_at: BoundariesAt = None,
    paper: Annotated[Paper, typer.Option(help="打印纸张 / paper of .png and .pdf")] = "a4",
    lang: Annotated[str | None, typer.Option(help="zh | en", metavar="LANG")] = None,
) -> None:
    """把地图保存为可离线打开的网页、图片或 PDF / Save a map as a page, a picture or a PDF."""
    ending = out.suffix.lower()
    if ending not in {".html", ".htm", ".png", ".pdf"}:
        raise typer.BadParameter(".html | .png | .pdf", param_hint="OUT")
    if lang not in {None, "zh", "en"}:
        raise typer.BadParameter("zh | en", param_hint="--lang")
    chosen = language() if lang is None else "en" if lang == "en" else "zh"
    asked = MapRequest(
        language=chosen,
        drawn_on=today(),
        area=area,
        radius_m=radius,
        kinds=tuple(kind or ()),
        reach=reach,
        mode=mode,
        draft=draft,
        boundaries_at=then(boundaries_at),
    )
    with open_database() as database:
        drawing = drawn(Planner(database, SYSTEM), key, asked)
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
