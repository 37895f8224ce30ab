"""``gridward accessibility`` and ``gridward staffing``."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from api.cli.planning import Area, Kinds, Mode, Radius, Reach
from api.cli.session import language, one_of, open_database, put, say, show_table
from gis.coverage.roads import Mode as RoadMode
from gis.governance.actors import SYSTEM
from gis.services.accessibility import METHODS, AccessQuestion, Method, accessibility
from gis.services.city_reading import LEVELS, Level
from gis.services.staffing import STANDARD, StaffingQuestion, staffed

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def show_access(
    kind: Kinds = None,
    method: Annotated[
        str, typer.Option(help=" | ".join(METHODS), callback=one_of(METHODS), metavar="METHOD")
    ] = "e2sfca",
    radius: Radius = 3000.0,
    reach: Reach = "straight",
    mode: Mode = "walk",
    area: Area = None,
    by: Annotated[
        str, typer.Option(help=" | ".join(LEVELS), callback=one_of(LEVELS), metavar="LEVEL")
    ] = "county",
    as_json: AsJson = False,
) -> None:
    """站点可达性（2SFCA、E2SFCA）/ Access scores by area."""
    question = AccessQuestion(
        kinds=kind,
        method=cast("Method", method),
        radius_m=radius,
        reach=reach,
        mode=cast("RoadMode", mode),
        area=area,
        by=cast("Level", by),
    )
    with open_database() as database:
        answer = accessibility(database, SYSTEM, question)
    if as_json:
        put(answer)
        return
    zh = language() == "zh"
    heads = (
        ("编码", "名称", "人口", "均值", "中位数", "P10", "得分为零的人口")
        if zh
        else ("code", "name", "people", "mean", "median", "p10", "at zero")
    )
    rows = []
    for row in answer["areas"]:
        scores = (row["mean"], row["median"], row["p10"])
        shown = ("—" if score is None else f"{score:.3f}" for score in scores)
        people, at_zero = f"{row['people']:,}", f"{row['people_at_zero']:,}"
        rows.append((row["code"], row["name"], people, *shown, at_zero))
    show_table(heads, rows)
    total = answer["summary"]
    say(
        f"得分为每千人供给；可达供给 {total['supply_within_reach_of_somebody']:,.0f}，"
        f"分摊合计 {total['shared_out']:,.0f}（守恒）。",
        f"Scores are supply per 1,000 people; {total['supply_within_reach_of_somebody']:,.0f} "
        f"within reach, {total['shared_out']:,.0f} shared out.",
    )


def show_staffing(
    area: Area = None,
    per: Annotated[
        int, typer.Option(min=1, max=1000, help="每万人配备数 / posts for 10,000 residents")
    ] = STANDARD,
    as_json: AsJson = False,
) -> None:
    """社区工作者配备与网格负荷 / Community workers against the standard, grid loads."""
    with open_database() as database:
        answer = staffed(database, SYSTEM, StaffingQuestion(area=area, per_10000=per))
    if as_json:
        put(answer)
        return
    zh = language() == "zh"
    heads = (
        ("编码", "社区", "居民", "应配", "在岗", "缺口")
        if zh
        else ("code", "community", "residents", "posts", "staff", "missing")
    )
    figures = ("residents", "posts", "staff", "missing")
    show_table(
        heads,
        [
            (row["code"], row["name"], *(f"{row[key]:,}" for key in figures))
            for row in answer["items"]
        ],
    )
    total = answer["city"]
    say(
        f"全市合计应配 {total['posts']:,}（各社区进位之和 {total['posts_of_communities']:,}），"
        f"在岗 {total['staff']:,}，{total['communities_short']} 个社区有缺口。",
        f"City: {total['posts']:,} posts ({total['posts_of_communities']:,} with each community "
        f"rounded up), {total['staff']:,} staff; {total['communities_short']} communities short.",
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("accessibility")(show_access)
    app.command("staffing")(show_staffing)
