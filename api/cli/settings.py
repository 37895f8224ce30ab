"""``gridward settings``: what can be set, and what it is now."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.session import language, put
from gis.settings import load


def show(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """列出全部设置及当前值(密码不显示)/ List every setting and its value, passwords hidden."""
    rows = load().rows()
    if as_json:
        put([row._asdict() for row in rows])
        return
    zh = language() == "zh"
    table = Table(*(("变量", "值", "说明") if zh else ("variable", "value", "meaning")))
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(row.variable, row.value, row.title_zh if zh else row.title_en)
    Console(file=sys.stdout).print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings")(show)
