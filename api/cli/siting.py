"""``gridward site``: where the next stations go, from the command line."""

from __future__ import annotations

import sys
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table

from api.cli.planning import Area, Kinds, Radius
from api.cli.session import language, open_database, put, say
from gis.governance.actors import SYSTEM
from gis.services.siting import (
    MOST_SECONDS,
    MOST_SITES,
    OBJECTIVES,
    STANDARD_SECONDS,
    Objective,
    SitingQuestion,
    site,
)

_UNITS = {"people": "人", "stations": "站", "metres": "米"}


def _objective(text: str) -> str:
    if text not in OBJECTIVES:
        raise typer.BadParameter(", ".join(OBJECTIVES))
    return text


def show_sites(
    k: Annotated[
        int, typer.Option("--k", "-k", min=1, max=MOST_SITES, help="新增站点数 / new stations")
    ] = 5,
    objective: Annotated[
        str,
        typer.Option(
            help=f"目标 / objective: {', '.join(OBJECTIVES)}",
            metavar="OBJECTIVE",
            callback=_objective,
        ),
    ] = "max_covered",
    kind: Kinds = None,
    radius: Radius = 3000.0,
    area: Area = None,
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="不计已有站点 / as if no station stood there")
    ] = False,
    reach: Annotated[str, typer.Option(help="到达方式 / reach: straight")] = "straight",
    seconds: Annotated[
        float, typer.Option(min=1, max=MOST_SECONDS, help="求解时限(秒)/ time limit")
    ] = STANDARD_SECONDS,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="随机种子 / seed")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """选址:新站点设在哪里,附最优性证明 / Choose new stations, with a proof."""
    question = SitingQuestion(
        objective=cast("Objective", objective),
        k=k,
        kinds=kind,
        radius_m=radius,
        reach=reach,
        area=area,
        keep_existing=not from_nothing,
        seconds=seconds,
        seed=seed,
    )
    with open_database() as database:
        answer = site(database, SYSTEM, question)
    if as_json:
        put(answer)
        return
    _print(answer, zh=language() == "zh")


def _print(answer: dict[str, Any], *, zh: bool) -> None:
    heads = (
        ("次序", "候选点", "名称", "经度", "纬度", "新增覆盖人口")
        if zh
        else ("rank", "candidate", "name", "lon", "lat", "people added")
    )
    table = Table()
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number in {1, 2} else "right")
    for feature in answer["sites"]["features"]:
        row, (lon, lat) = feature["properties"], feature["geometry"]["coordinates"]
        added = f"{row['marginal_people']:,}"
        table.add_row(str(row["rank"]), row["code"], row["name"], f"{lon:.6f}", f"{lat:.6f}", added)
    # names are data: square brackets in them are no markup
    Console(file=sys.stdout, markup=False, highlight=False).print(table)
    before, after, proof = answer["before"], answer["after"], answer["proof"]
    covered = f"{before['people_covered']:,} → {after['people_covered']:,} / {after['people']:,}"
    say(f"覆盖人口 {covered}。", f"People covered: {covered}.")
    value = f"{proof['value']:,.1f}"
    bound = "—" if proof["bound"] is None else f"{proof['bound']:,.1f}"
    gap = "—" if proof["gap"] is None else f"{proof['gap'] * 100:.2f} %"
    say(
        f"目标值 {value} {_UNITS[proof['unit']]},界 {bound},差距 {gap}"
        f"({'已证最优' if proof['status'] == 'optimal' else '可行'});"
        f"候选点 {answer['candidates']['used']} 个,用时 {answer['seconds']:.1f} 秒。",
        f"Value {value} {proof['unit']}, bound {bound}, gap {gap} ({proof['status']}); "
        f"{answer['candidates']['used']} candidates, {answer['seconds']:.1f} s.",
    )
    lost = answer["unreachable"]
    if lost["people"]:
        first = "、".join(f"{row['name']} {row['people']:,}" for row in lost["areas"][:5])
        say(
            f"任何候选点都够不到 {lost['people']:,} 人:{first} …",
            f"No candidate reaches {lost['people']:,} people: {first} …",
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("site")(show_sites)
