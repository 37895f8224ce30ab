"""``gridward site``: where the next stations go, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from api.cli.planning import (
    Add,
    Area,
    BoundariesAt,
    Close,
    DemandName,
    Kinds,
    Mode,
    Move,
    Radius,
    Reach,
    Snap,
    changes_of,
    then,
)
from api.cli.session import language, one_of, open_database, progress, put, say, show_table
from gis.governance.actors import SYSTEM
from gis.services.city_reading import Level
from gis.services.own_candidates import own_candidates
from gis.services.siting import (
    MOST_JOB_SECONDS,
    MOST_SITES,
    OBJECTIVES,
    STANDARD_SECONDS,
    Objective,
    OwnCandidate,
    SitingQuestion,
    site,
)
from gis.services.siting_question import SOURCES, Source
from layers import files

if TYPE_CHECKING:
    from gis.coverage.plans import Progress
    from gis.coverage.roads import Mode as RoadMode

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
    boundaries_at: BoundariesAt = None,
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="不计已有站点 / as if no station stood there")
    ] = False,
    reach: Reach = "straight",
    mode: Mode = "walk",
    snap: Snap = 200.0,
    demand: DemandName = "auto",
    candidates: Annotated[
        str,
        typer.Option(
            help=f"候选点来源 / where: {', '.join(SOURCES)}",
            callback=one_of(SOURCES),
            metavar="WHERE",
        ),
    ] = "standard",
    own: Annotated[
        Path | None,
        typer.Option(
            help="自备候选点文件 / file of your own candidates: code, lon, lat, name, cost",
            metavar="FILE",
        ),
    ] = None,
    force: Annotated[
        list[str] | None, typer.Option(help="必选候选点 / must be chosen", metavar="CODE")
    ] = None,
    forbid: Annotated[
        list[str] | None, typer.Option(help="禁选候选点 / must not be chosen", metavar="CODE")
    ] = None,
    relocate: Annotated[
        list[str] | None, typer.Option(help="可迁移的站点 / station that may move", metavar="CODE")
    ] = None,
    capacity: Annotated[
        int | None, typer.Option(min=1, help="新站点容量（人）/ people a new station serves")
    ] = None,
    twice: Annotated[
        bool, typer.Option("--twice", help="双重覆盖 / count people reached by two stations")
    ] = False,
    budget: Annotated[float | None, typer.Option(min=0, help="总预算 / for all new sites")] = None,
    equity: Annotated[
        str | None,
        typer.Option(help="各区域至少覆盖的人口占比 / share in every area", metavar="LEVEL=RATIO"),
    ] = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="附 0..k 的曲线 / also plans for 0..k sites")
    ] = False,
    add: Add = None,
    move: Move = None,
    close: Close = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=MOST_JOB_SECONDS, help="求解时限（秒）/ time limit")
    ] = STANDARD_SECONDS,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="随机种子 / seed")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """选址：新站点设在哪里，附最优性证明 / Choose new stations, with a proof."""
    question = SitingQuestion(
        objective=cast("Objective", objective),
        k=k,
        kinds=kind,
        radius_m=radius,
        reach=reach,
        mode=cast("RoadMode", mode),
        snap_m=snap,
        area=area,
        boundaries_at=then(boundaries_at),
        keep_existing=not from_nothing,
        demand=demand,
        changes=changes_of(add, move, close),
        relocate=tuple(relocate or ()),
        candidates=cast("Source", candidates),
        own=() if own is None else _own(own),
        forced=tuple(force or ()),
        forbidden=tuple(forbid or ()),
        capacity=capacity,
        times=2 if twice else 1,
        budget=budget,
        equity_level=None if equity is None else cast("Level", _equity(equity)[0]),
        equity_ratio=None if equity is None else _equity(equity)[1],
        curve=curve,
        seconds=seconds,
        seed=seed,
    )
    with progress() as bar, open_database() as database:
        task = bar.add_task("", total=seconds)

        def watch(told: Progress) -> bool:
            words = _STAGES[told.stage][language() == "en"]
            bar.update(task, description=words, completed=min(told.seconds, seconds))
            return True

        answer = site(database, SYSTEM, question, watch=watch, most_seconds=MOST_JOB_SECONDS)
        bar.update(task, completed=seconds)
    if as_json:
        put(answer)
        return
    _print(answer, zh=language() == "zh")


_STAGES: Final = {
    "prepare": ("准备数据", "preparing"),
    "search": ("搜索方案", "searching"),
    "bound": ("计算上下界", "bounding"),
    "prove": ("证明最优", "proving"),
}


def _equity(text: str) -> tuple[str, float]:
    level, _, ratio = text.partition("=")
    try:
        return level, float(ratio)
    except ValueError as error:
        raise typer.BadParameter("county=0.6") from error


def _own(path: Path) -> tuple[OwnCandidate, ...]:
    """Return the candidates of a file; its columns are code, and optionally name and cost."""
    frame = files.read(path)
    chosen, _ = files.source_of(frame, path, None)
    return own_candidates(frame, chosen, path.name)


def _figure(value: float) -> str:
    """Return a figure with one decimal, none where it is whole: people and stations are counted.

    >>> _figure(204464.0), _figure(1533.26)
    ('204,464', '1,533.3')
    """
    return f"{value:,.1f}".removesuffix(".0")


def _print(answer: dict[str, Any], *, zh: bool) -> None:
    heads = (
        ("次序", "候选点", "名称", "经度", "纬度", "新增覆盖人口")
        if zh
        else ("rank", "candidate", "name", "lon", "lat", "people added")
    )
    rows = []
    for feature in answer["sites"]["features"]:
        row, (lon, lat) = feature["properties"], feature["geometry"]["coordinates"]
        added = f"{row['marginal_people']:,}"
        place = (f"{lon:.6f}", f"{lat:.6f}")
        rows.append((str(row["rank"]), row["code"], row["name"], *place, added))
    show_table(heads, rows)
    before, after, proof = answer["before"], answer["after"], answer["proof"]
    covered = f"{before['people_covered']:,} → {after['people_covered']:,} / {after['people']:,}"
    say(f"覆盖人口 {covered}。", f"People covered: {covered}.")
    value = _figure(proof["value"])
    bound = "—" if proof["bound"] is None else _figure(proof["bound"])
    gap = "—" if proof["gap"] is None else f"{proof['gap'] * 100:.2f} %"
    say(
        f"目标值 {value} {_UNITS[proof['unit']]}，界 {bound}，差距 {gap}"
        f"（{'已证最优' if proof['status'] == 'optimal' else '可行'}）；"
        f"候选点 {answer['candidates']['used']} 个，用时 {answer['seconds']:.1f} 秒。",
        f"Value {value} {proof['unit']}, bound {bound}, gap {gap} ({proof['status']}); "
        f"{answer['candidates']['used']} candidates, {answer['seconds']:.1f} s.",
    )
    for row in answer.get("curve") or ():
        gap = "—" if row["gap"] is None else f"{row['gap'] * 100:.2f} %"
        say(
            f"k = {row['k']}：覆盖 {row['people_covered']:,} 人"
            f"（+{row['people_gained']:,}），差距 {gap}",
            f"k = {row['k']}: {row['people_covered']:,} people "
            f"(+{row['people_gained']:,}), gap {gap}",
        )
    if answer["existing"]["redundant"]:
        codes = "、".join(answer["existing"]["redundant"][:10])
        count = len(answer["existing"]["redundant"])
        say(
            f"{count} 个已有站点没有独有的覆盖人口（逐一看）：{codes} …",
            f"{count} standing stations alone bring nobody (one at a time): {codes} …",
        )
    lost = answer["unreachable"]
    if lost["people"]:
        first = "、".join(f"{row['name']} {row['people']:,}" for row in lost["areas"][:5])
        say(
            f"任何候选点都够不到 {lost['people']:,} 人：{first} …",
            f"No candidate reaches {lost['people']:,} people: {first} …",
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("site")(show_sites)
