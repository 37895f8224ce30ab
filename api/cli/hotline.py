"""``gridward import hotline``: a batch file of 12345 orders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import REFUSED, console, language, open_database, progress, put, say
from gis import clock, settings
from gis.errors import FileMissing
from gis.governance.actors import SYSTEM
from gis.governance.hotline import BUILT_IN, Profile, profile, read_profile
from gis.services.gazetteer import inform
from gis.services.hotline import Taken, take_orders
from gis.services.lookup import Boundaries
from layers.files.orders import read_orders


def hotline(
    file: Annotated[Path, typer.Argument(help="CSV 或 XLSX / CSV or XLSX")],
    named: Annotated[
        str,
        typer.Option(
            "--profile", help=f"映射方案：{'、'.join(BUILT_IN)} 或 JSON 文件 / name or JSON file"
        ),
    ] = "city",
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs", help="坐标系：名称、EPSG 编号或 PROJ 串 / name, EPSG:<n> or PROJ string"
        ),
    ] = None,
    all_or_nothing: Annotated[
        bool,
        typer.Option("--all-or-nothing", help="有一行无效即全部不收 / one bad row refuses all"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """受理 12345 工单批次，同一工单号只受理一次 / Take in 12345 orders, each number once."""
    chosen = _profile(named).with_crs(crs)
    rows = read_orders(file)
    with open_database() as database, progress() as bar:
        boundaries = Boundaries(database)
        inform(database, boundaries, settings.load().auto_precision)
        task = bar.add_task(file.name, total=len(rows))
        taken = take_orders(
            database,
            boundaries,
            SYSTEM,
            rows,
            chosen,
            now=clock.now,
            auto_threshold=settings.load().auto_threshold,
            all_or_nothing=all_or_nothing,
            language=language(),
            progress=lambda done: bar.update(task, completed=done),
        )
    if as_json:
        put(taken.to_json())
    else:
        _tell(taken)
    if taken.counts["rejected"]:
        raise typer.Exit(REFUSED)


def _profile(named: str) -> Profile:
    if named in BUILT_IN or not named.lower().endswith(".json"):
        return profile(named)
    try:
        text = Path(named).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileMissing(path=named) from error
    return read_profile(text, named)


def _tell(taken: Taken) -> None:
    counts = taken.counts
    say(
        f"共 {counts['rows']} 行：新受理 {counts['created']}，已受理过 {counts['known']}，"
        f"无效 {counts['rejected']}；待人工 {counts['review']}。",
        f"{counts['rows']} rows: {counts['created']} taken in, {counts['known']} known, "
        f"{counts['rejected']} invalid; {counts['review']} wait for a person.",
    )
    for result in taken.results:
        for told in (
            [result["problem"]["detail"]]
            if "problem" in result
            else [doubt["text"] for doubt in result["doubts"] if result["status"] == "created"]
        ):
            console.print(f"  {result['row']} {result['source_ref'] or '-'}: {told}", markup=False)
