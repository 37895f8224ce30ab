"""``gridward settings``: what can be set, and what it is now."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.session import language, put, show_table
from gis.settings import load


def show(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """列出全部设置及当前值（密码不显示）/ List every setting and its value, passwords hidden."""
    rows = load().rows()
    if as_json:
        put([row._asdict() for row in rows])
        return
    zh = language() == "zh"
    heads = ("变量", "值", "说明") if zh else ("variable", "value", "meaning")
    show_table(
        heads,
        [(row.variable, row.value, row.title_zh if zh else row.title_en) for row in rows],
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings")(show)
