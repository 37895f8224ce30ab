"""``gridward learn``: what was learned, from whom, and taking it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli.instants import in_the_city
from api.cli.session import Bilingual, language, open_database, put, say, show_table
from gis.governance.actors import SYSTEM
from gis.matching.address_reasons import LEVEL_EN, LEVEL_ZH
from gis.matching.calibration import PLACE
from gis.matching.crs_posterior import READINGS
from gis.services import learned, learning
from gis.services.experience import AT_DOORS
from gis.services.gazetteer import Gazetteer
from gis.services.history import learn_from_history
from gis.services.intake import SOURCES
from gis.services.lookup import Snapshots
from layers.files import written
from layers.files.sheets import csv_of

MOST: Final = 20
"""Rows of a table that are shown; `learn export` writes all."""

ABOUT: Final = {
    "aliases": ("地址别名", "what addresses mean here"),
    "sources": ("来源的定位", "how exact each source's pins are"),
    "readings": ("来源的坐标系", "which coordinate system each source's pins are in"),
    "errors": ("来源误差与自报精度之比", "how a source's errors compare with its accuracy"),
    "spreads": ("地址各级的离散", "how far places of a level lie from what was meant"),
    "bad-pins": ("失效坐标", "coordinates that are no place"),
    "reliability": ("说的把握与实际", "what was said and how often it was right"),
    "precisions": ("各类别应达到的准确率", "precision wanted of a category"),
}
"""Table -> what it tells, in Chinese and English."""

COLUMNS: Final = {
    "id": ("编号", "id"),
    "alias_key": ("地址", "address"),
    "confirmed_grid": ("网格", "grid"),
    "newest": ("最近更正", "latest correction"),
    "source": ("来源", "source"),
    "pins": ("定位数", "pins"),
    "typical_m": ("典型误差（米）", "typical error m"),
    "stray": ("离谱占比", "strays"),
    "created_at": ("学到时间", "learned at"),
    "declared": ("声明", "declared"),
    "reading": ("实为", "found"),
    "factor": ("倍数", "times"),
    "share": ("占比", "share"),
    "level": ("级别", "level"),
    "lon": ("经度", "lon"),
    "lat": ("纬度", "lat"),
    "kind": ("种类", "kind"),
    "times": ("次数", "count"),
    "addresses": ("地址数", "addresses"),
    "dismissed_at": ("认定为真时间", "a place after all, at"),
    "dismissed_by": ("认定人", "by"),
    "low": ("自", "from"),
    "high": ("至", "to"),
    "said": ("说的把握", "said"),
    "right_answers": ("答对", "right"),
    "answers": ("作答", "answers"),
    "category": ("类别", "category"),
    "precision": ("准确率", "precision"),
}
"""Column -> its head, in Chinese and English."""

KINDS: Final = {
    "null-island": ("(0, 0)", "(0, 0)"),
    "city-centre": ("全市中心点", "centre of the city"),
    "county-centre": ("区县中心点", "centre of a county"),
    "repeated": ("反复出现", "keeps coming in"),
    "pin": ("定位", "pin"),
    "pin-history": ("定位，按来源历史解读", "pin, read by its source's history"),
    "pin-suspect": ("存疑定位", "doubtful pin"),
    "address-door": ("地址到门牌", "address to a door"),
    "address-place": ("地址到地点", "address to a place"),
    "address-coarse": ("地址到道路或区域", "address to a road or an area"),
    "pin-address": ("定位与地址", "pin and address"),
    "conflict": ("定位与地址冲突", "pin and address in conflict"),
    "photo": ("照片位置", "place of a photo"),
}
"""Kind of a bad pin or of evidence -> its name; of a place that an address names: its level's."""

Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def history(as_json: Json = False) -> None:
    """从历史事件学习：各来源的坐标系与误差、失效坐标 / Learn sources and failed geocodings."""
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
    zh = language() == "zh"
    for table, rows in answer.items():
        title_zh, title_en = ABOUT[table]
        say(
            f"{title_zh}（{table}）：{len(rows):,}{_rest(rows, '，列出前 {}')}",
            f"{title_en} ({table}): {len(rows):,}{_rest(rows, ', the first {}')}",
        )
        if rows:
            show_table(
                [COLUMNS[name][0 if zh else 1] for name in rows[0]],
                [[_cell(name, value, zh=zh) for name, value in row.items()] for row in rows[:MOST]],
            )


def _rest(rows: list[dict[str, Any]], words: str) -> str:
    return words.format(MOST) if len(rows) > MOST else ""


def _level(key: str) -> tuple[str, str]:
    if key == AT_DOORS:
        return "在门牌处", "at doors"
    level = key.removesuffix("-beside")
    if level not in LEVEL_ZH:
        return key, key
    beside = ("旁", ", beside") if level != key else ("", "")
    return LEVEL_ZH[level] + beside[0], LEVEL_EN[level] + beside[1]


def _kind(key: str) -> tuple[str, str]:
    level = key.removeprefix(PLACE)
    return KINDS.get(key, (key, key)) if level == key else _level(level)


def _reading(key: str) -> tuple[str, str]:
    found = READINGS.get(key)
    return (key, key) if found is None else (found.title_zh, found.title_en)


_WORDS: Final = {
    "source": lambda key: SOURCES.get(key, (key, key)),
    "reading": _reading,
    "level": _level,
    "kind": _kind,
}
"""Column -> the words of its keys; a key that is not known here is shown as it is."""


def _cell(name: str, value: Any, *, zh: bool) -> str:  # noqa: ANN401 - a value of a row
    if value is None:
        return ""
    if isinstance(value, str) and name in _WORDS:
        return _WORDS[name](value)[0 if zh else 1]
    if name.endswith("_at"):
        return in_the_city(value)
    if isinstance(value, float):
        # a coordinate to the last metre, a share to what it tells
        return f"{value:.5f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.2g}"
    return f"{value:,}" if name in {"pins", "times", "answers"} else str(value)


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
