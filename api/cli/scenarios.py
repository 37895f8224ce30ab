"""``gridward scenarios``: planning questions saved, compared, repeated, exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from api.cli.instants import in_the_city
from api.cli.session import Bilingual, language, open_database, put, say, show_table
from api.routes.scenarios import ScenarioIn
from api.validation_words import errors_in_words
from gis.governance.actors import SYSTEM
from gis.services import scenarios
from layers import files
from layers.files import table_sets

app = Bilingual("规划方案：保存、对比、复算、导出 / planning scenarios")
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Number = Annotated[int, typer.Argument(help="方案编号 / number", metavar="ID")]


@app.command("save")
def save(
    name: Annotated[str, typer.Argument(help="名称 / name", metavar="NAME")],
    kind: Annotated[str, typer.Argument(help=" | ".join(scenarios.KINDS), metavar="KIND")],
    asked_as_json: Annotated[
        str,
        typer.Argument(
            help="问题，JSON，与接口相同 / the question as JSON, as over HTTP", metavar="JSON"
        ),
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """计算并保存一个方案 / Answer a question and save it."""
    try:
        asked: Any = json.loads(asked_as_json)
    except json.JSONDecodeError as error:
        place = f"{error.lineno}:{error.colno}"
        raise typer.BadParameter(f"不是 JSON，错在 {place} / not JSON at {place}") from error
    if not isinstance(asked, dict):
        raise typer.BadParameter("{...}")
    if kind not in scenarios.KINDS:
        raise typer.BadParameter(" | ".join(scenarios.KINDS))
    try:
        kind, question = ScenarioIn.model_validate({"name": name, kind: asked}).parts()
    except ValidationError as error:
        found = errors_in_words(error.errors(), language())
        told = (f"{line['path'] or line['in']}: {line['message']}" for line in found)
        raise typer.BadParameter("; ".join(told)) from error
    with open_database() as database:
        saved = scenarios.save(database, SYSTEM, name, kind, question)
    if as_json:
        put(saved)
        return
    say(f"已保存方案 {saved['id']}：{name}。", f"Saved scenario {saved['id']}: {name}.")


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """列出方案 / List scenarios."""
    with open_database() as database:
        rows = scenarios.listed(database, SYSTEM, after=0, limit=1000)
    if as_json:
        put(rows)
        return
    cells = []
    for row in rows:
        revision = str(row["basis"]["boundary_revision"])
        kind, saved = _word(row["kind"]), in_the_city(str(row["created_at"]))
        facts = (row["name"], kind, row["area"] or "", revision, saved)
        cells.append((str(row["id"]), *facts))
    heads = (
        ("编号", "名称", "种类", "区域", "边界版本", "保存时间")
        if language() == "zh"
        else ("id", "name", "kind", "area", "revision", "created")
    )
    show_table(heads, cells)


@app.command("compare")
def compare(
    numbers: Annotated[list[int], typer.Argument(help="方案编号 / numbers", metavar="ID...")],
    as_json: AsJson = False,
) -> None:
    """并列对比 / Put scenarios side by side."""
    with open_database() as database:
        found = scenarios.compared(database, SYSTEM, numbers)
    if as_json:
        put(found)
        return
    columns = found["columns"]
    figures = sorted({name for column in columns for name in column["figures"]})
    rows = [
        (_word(name), *(_cell(name, column["figures"].get(name)) for column in columns))
        for name in figures
    ]
    rows += [
        (_asked(name), *(_cell(name, column["question"][name]) for column in columns))
        for name in columns[0]["question"]
    ]
    revisions = (str(column["basis"]["boundary_revision"]) for column in columns)
    rows.append((_word("boundary_revision"), *revisions))
    data = [column["basis"]["data"] for column in columns]
    subjects = sorted({subject for dates in data for subject in dates})
    rows += [
        (_dated(name), *(in_the_city(dates[name]) if dates.get(name) else "—" for dates in data))
        for name in subjects
    ]
    show_table(("", *(column["name"] for column in columns)), rows)
    if not found["same_basis"]:
        say("注意：各方案所依据的数据或边界版本不同。", "Mind: data or boundaries differ.")


_SHARES = ("ratio", "gap", "along_roads")

WORDS: Final = {
    # kinds
    "coverage": "覆盖",
    "siting": "选址",
    "redraw": "重划网格",
    # figures
    "people": "人口",
    "people_covered": "已覆盖人口",
    "people_uncovered": "未覆盖人口",
    "not_assessable": "无法判定人口",
    "ratio": "覆盖率",
    "households_covered": "已覆盖户数",
    "area_covered_km2": "覆盖面积（平方公里）",
    "stations": "站点",
    "mean_distance_m": "人均距离（米）",
    "largest_distance_m": "最远距离（米）",
    "bound": "界",
    "gap": "与界的差距",
    "status": "证明",
    "grids": "网格数",
    "fewest_households": "最少户数",
    "most_households": "最多户数",
    "households_moved": "改属的户",
    "compactness": "紧凑度",
    "border_m": "内部边界（米）",
    "along_roads": "沿路边界",
    "score": "得分",
    # the question
    "area": "区域",
    "community": "社区",
    "kinds": "站点类别",
    "radius_m": "半径（米）",
    "reach": "距离",
    "mode": "出行方式",
    "by": "按",
    "at": "时刻",
    "boundaries_at": "边界时刻",
    "capacity": "容量",
    "demand": "人口口径",
    "groups": "人群",
    "changes": "站点变更",
    "objective": "目标",
    "k": "新增数量",
    "towards": "方向",
    "snap_m": "离路上限（米）",
    "methods": "比较口径",
    "keep_existing": "保留已有站点",
    "relocate": "可迁移的站点",
    "candidates": "候选点",
    "own": "自备候选点",
    "forced": "必选候选点",
    "forbidden": "禁选候选点",
    "times": "覆盖次数",
    "budget": "预算",
    "equity_level": "公平层级",
    "equity_ratio": "公平占比",
    "curve": "曲线",
    "low": "每格最少户数",
    "high": "每格最多户数",
    "keep": "少改户的权重",
    "seconds": "求解时限（秒）",
    "seed": "随机种子",
    # what it stands on
    "boundary_revision": "边界版本",
    "buildings": "楼栋",
    "gazetteer_entries": "地名地址",
    "job_openings": "岗位",
    "job_seekers": "求职者",
    "layer_features": "图层",
    "people_counts": "人口统计",
    "roads": "道路",
}
"""Chinese words of figures, of fields of a question, and of what data a scenario stands on."""


def _word(key: str) -> str:
    return WORDS.get(key, key) if language() == "zh" else key.replace("_", " ")


def _asked(key: str) -> str:
    return f"条件：{_word(key)}" if language() == "zh" else f"asked: {_word(key)}"


def _dated(key: str) -> str:
    return f"数据日期：{_word(key)}" if language() == "zh" else f"data of: {_word(key)}"


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - a figure, or what was asked
    if value is None or value == []:
        return "—"
    if name in _SHARES and isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int) and not isinstance(value, bool) and name != "seed":
        return f"{value:,}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command("again")
def again(number: Number, as_json: AsJson = False) -> None:
    """用现在的数据复算 / Ask a scenario's question again."""
    with open_database() as database:
        found = scenarios.again(database, SYSTEM, number)
    if as_json:
        put(found)
        return
    zh = "相同" if found["same_figures"] else "不同"
    en = "the same figures" if found["same_figures"] else "other figures"
    changed = not found["same_basis"]
    say(
        f"复算结果{zh}{'（数据已变）' if changed else ''}。",
        f"Asked again: {en}{' (the data changed)' if changed else ''}.",
    )


@app.command("export")
def export(
    number: Number,
    out: Annotated[Path, typer.Argument(help=" ".join(table_sets.ENDINGS), metavar="FILE")],
) -> None:
    """导出为 CSV、XLSX 或 GeoPackage / Write a scenario into a file."""
    if out.suffix.lower() not in table_sets.ENDINGS:
        raise typer.BadParameter(" ".join(table_sets.ENDINGS))
    with open_database() as database:
        tables = scenarios.tables_of(scenarios.one(database, SYSTEM, number))
    with files.written(out) as unfinished:
        table_sets.write_tables(tables, unfinished)
    say(f"已写入 {out}。", f"Wrote {out}.")


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    commands.add_typer(app, name="scenarios")
