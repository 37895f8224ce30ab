"""``gridward employment``: the 3 km circles of communities, and offers for seekers."""

from __future__ import annotations

import time
from collections import Counter
from typing import Annotated, cast

import typer

from api.cli.planning import Area, Mode, Radius, Reach
from api.cli.session import Bilingual, language, open_database, put, say, show_table
from gis.coverage.roads import Mode as RoadMode
from gis.governance.actors import SYSTEM
from gis.services.employment import LEAST_OPENINGS, REASONS, CircleQuestion, circles
from gis.services.offers import WHY, OffersQuestion, offers

app = Bilingual("三公里就业圈 / the 3 km employment circle")
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


@app.command("circles")
def show_circles(
    area: Area = None,
    radius: Radius = 3000.0,
    reach: Reach = "straight",
    least_openings: Annotated[
        int, typer.Option(min=0, help="覆盖所需岗位数 / openings that coverage needs")
    ] = LEAST_OPENINGS,
    as_json: AsJson = False,
) -> None:
    """各城市社区的就业圈 / The employment circle of each urban community."""
    question = CircleQuestion(
        area=area, radius_m=radius, reach=reach, least_openings=least_openings
    )
    with open_database() as database:
        started = time.perf_counter()
        answer = circles(database, SYSTEM, question)
        answer["seconds"] = round(time.perf_counter() - started, 3)
    if as_json:
        put(answer)
        return
    zh = language() == "zh"
    heads = (
        ("编码", "社区", "就业站", "岗位", "求职者", "居民", "覆盖", "原因")
        if zh
        else ("code", "community", "stations", "openings", "seekers", "residents", "covered", "why")
    )
    rows = []
    for row in answer["items"]:
        why = "；".join(reason["text_zh" if zh else "text_en"] for reason in row["why_not"])
        staffed = f"{row['stations_staffed']}/{row['stations']}"
        numbers = (f"{row[key]:,}" for key in ("openings", "seekers", "residents"))
        rows.append(
            (row["code"], row["name"], staffed, *numbers, "✓" if row["covered"] else "✗", why)
        )
    show_table(heads, rows)
    total = answer["summary"]
    walk = "—" if total["covered_walk"] is None else total["covered_walk"]
    say(
        f"{total['communities']} 个城市社区，直线口径覆盖 {total['covered_straight']}，"
        f"步行口径覆盖 {walk}；用时 {answer['seconds']:.2f} 秒。",
        f"{total['communities']} urban communities; covered: {total['covered_straight']} straight, "
        f"{walk} on foot; {answer['seconds']:.2f} s.",
    )
    for code, count in total["why_not"].items():
        if count:
            say(f"{REASONS[code][0]}：{count}", f"{REASONS[code][1]}: {count}")


@app.command("offers")
def show_offers(
    area: Area = None,
    radius: Radius = 3000.0,
    reach: Reach = "straight",
    mode: Mode = "walk",
    any_trade: Annotated[
        bool, typer.Option("--any-trade", help="不限工种 / openings of any trade")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """为求职者匹配范围内岗位 / Assign seekers to openings within reach."""
    question = OffersQuestion(
        area=area,
        radius_m=radius,
        reach=reach,
        mode=cast("RoadMode", mode),
        same_trade=not any_trade,
    )
    with open_database() as database:
        started = time.perf_counter()
        answer = offers(database, SYSTEM, question)
        answer["seconds"] = round(time.perf_counter() - started, 3)
    if as_json:
        put(answer)
        return
    total, zh = answer["summary"], language() == "zh"
    heads = (
        ("工种", "求职者", "已匹配", "岗位", "已用")
        if zh
        else ("trade", "seekers", "matched", "places", "taken")
    )
    counts = ("seekers", "seekers_matched", "places", "places_taken")
    rows = [(row["trade"], *(f"{row[key]:,}" for key in counts)) for row in answer["by_trade"]]
    show_table(heads, rows)
    proven = answer["proof"]["status"] == "optimal"
    say(
        f"求职者 {total['seekers']:,}，范围内有合适岗位 {total['seekers_with_offer_in_reach']:,}，"
        f"匹配 {total['seekers_matched']:,}（{'已证最优' if proven else '可行'}）；零就业家庭 "
        f"{total['zero_employment_households']:,} 户，仍无岗位 "
        f"{total['zero_employment_households_open']:,} 户；用时 {answer['seconds']:.1f} 秒。",
        f"{total['seekers']:,} seekers, {total['seekers_with_offer_in_reach']:,} with a suitable "
        f"opening within reach, {total['seekers_matched']:,} matched "
        f"({answer['proof']['status']}); {total['zero_employment_households']:,} zero-employment "
        f"households, {total['zero_employment_households_open']:,} still open; "
        f"{answer['seconds']:.1f} s.",
    )
    reasons = Counter(row["reason"]["code"] for row in answer["unmatched"])
    for code, count in reasons.most_common():
        say(f"{WHY[code][0]}：{count:,}", f"{WHY[code][1]}: {count:,}")


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    commands.add_typer(app, name="employment")
