"""``gridward scenarios``: planning questions saved, compared, repeated, exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

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
    except ValueError as error:
        raise typer.BadParameter(f"JSON：{error} / not JSON: {error}") from error
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
        facts = (row["name"], row["kind"], row["area"] or "", revision, str(row["created_at"]))
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
    rows = [(name, *(_cell(name, c["figures"].get(name)) for c in columns)) for name in figures]
    rows += [
        (name, *(_cell(name, column["question"][name]) for column in columns))
        for name in columns[0]["question"]
    ]
    rows.append(("boundary_revision", *(str(c["basis"]["boundary_revision"]) for c in columns)))
    data = [column["basis"]["data"] for column in columns]
    subjects = sorted({subject for dates in data for subject in dates})
    rows += [(name, *(_cell(name, dates.get(name)) for dates in data)) for name in subjects]
    show_table(("", *(column["name"] for column in columns)), rows)
    if not found["same_basis"]:
        say("注意：各方案所依据的数据或边界版本不同。", "Mind: data or boundaries differ.")


_SHARES = ("ratio", "gap", "along_roads")


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
