"""``gridward learn``: what was learned, from whom, and taking it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import Bilingual, open_database, put, say
from gis.governance.actors import SYSTEM
from gis.services import learned, learning
from gis.services.gazetteer import Gazetteer
from gis.services.history import learn_from_history
from gis.services.lookup import Snapshots
from layers.files import written
from layers.files.sheets import csv_of

Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def history(as_json: Json = False) -> None:
    """从历史事件学习:各来源的坐标系与误差、失效坐标 / Learn sources and failed geocodings."""
    with open_database() as database, database.transaction(SYSTEM) as work:
        snapshots = Snapshots()
        snapshot = snapshots.snapshot(work)
        reader = Gazetteer(database, snapshots).exact(work, snapshot)
        found = learn_from_history(work, snapshot, reader)
    answer = found.to_json()
    if as_json:
        put(answer)
        return
    say(
        f"读取 {answer['events']:,} 件同时有定位和地址的事件，"
        f"其中 {answer['witnesses']:,} 件可作佐证；失效坐标 {answer['bad_pins']} 个",
        f"Read {answer['events']:,} events with pin and address, {answer['witnesses']:,} tell; "
        f"{answer['bad_pins']} coordinates that are no place",
    )
    for source, row in answer["sources"].items():
        line = f"  {source}: {row['pins']:,}; {row['readings']}"
        say(line, line)


def show(as_json: Json = False) -> None:
    """查看学到的内容 / Show everything learned."""
    with open_database() as database:
        answer = learned.summary(database, SYSTEM)
    if as_json:
        put(answer)
        return
    for table, rows in answer.items():
        say(f"{table}({len(rows)})", f"{table} ({len(rows)})")
        for row in rows[:20]:
            line = "  " + ", ".join(f"{key}={value}" for key, value in row.items())
            say(line, line)


def export(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="CSV 文件 / CSV to write")],
    table: Annotated[str, typer.Option(help="/".join(learned.TABLES))] = "corrections",
    as_json: Json = False,
) -> None:
    """导出一张学习表 / Export one table of what was learned."""
    if table not in learned.TABLES:
        raise typer.BadParameter(", ".join(learned.TABLES))
    with open_database() as database:
        rows = learned.table(database, SYSTEM, table)
    with written(target) as unfinished:
        unfinished.write_bytes(csv_of(learned.sheet(rows)))
    if as_json:
        put({"table": table, "rows": len(rows), "output": str(target)})
    else:
        say(f"已导出 {len(rows)} 行：{target}", f"Wrote {len(rows)} rows to {target}")


def undo(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="更正编号 / of a correction")],
    as_json: Json = False,
) -> None:
    """撤销一条更正及由它得出的内容 / Take a correction back, with what rested on it."""
    with open_database() as database:
        answer = learning.undo(database, Snapshots(), SYSTEM, number)
    if as_json:
        put(answer)
    else:
        say(f"已撤销更正 {number}", f"Correction {number} was undone")


def dismiss(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="失效坐标编号 / of a bad pin")],
) -> None:
    """某失效坐标其实是真实地点 / Say that a coordinate is a real place after all."""
    with open_database() as database:
        learned.dismiss(database, SYSTEM, number)
    say(f"已恢复坐标 {number}", f"Coordinate {number} counts again")


def level(
    category: Annotated[str, typer.Argument(help="类别 / key of a category")],
    precision: Annotated[
        float | None, typer.Argument(help="准确率，不填则恢复默认 / 0.5-0.9999; none: the city's")
    ] = None,
) -> None:
    """设定某类别自动派单应达到的准确率 / Set the precision wanted of a category."""
    with open_database() as database:
        learned.want(database, SYSTEM, category, precision)
    shown = "—" if precision is None else f"{precision:.4f}"
    say(f"{category}:{shown}", f"{category}: {shown}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = Bilingual("学习：更正、别名、来源校准 / What was learned, and taking it back")
    group.command("history")(history)
    group.command("show")(show)
    group.command("export")(export)
    group.command("undo")(undo)
    group.command("dismiss")(dismiss)
    group.command("level")(level)
    app.add_typer(group, name="learn")
