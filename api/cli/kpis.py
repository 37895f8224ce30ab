"""``gridward kpis``: the monthly sheet as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.session import language, open_database, put, say
from gis import clock
from gis.errors import FormatUnknown
from gis.governance.actors import SYSTEM
from gis.services import kpis
from layers import files
from layers.files.sheets import csv_of, xlsx_of


def monthly(
    out: Annotated[Path, typer.Argument(help="CSV 或 XLSX 文件 / CSV or XLSX file")],
    month: Annotated[str, typer.Option("--month", help="月份，如 2026-10 / month")],
    area: Annotated[str | None, typer.Option("--area", help="区域编码 / area code")] = None,
    by: Annotated[
        str, typer.Option("--by", help=f"分组 / rows: {' '.join(kpis.GROUPS)}")
    ] = "subdistrict",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """导出月度考核表 / Write the monthly sheet of indicators."""
    ending = out.suffix.lower()
    if ending not in {".csv", ".xlsx"}:
        raise FormatUnknown(path=str(out), known=".csv .xlsx")
    if by not in kpis.GROUPS:
        raise typer.BadParameter(" ".join(kpis.GROUPS), param_hint="--by")
    since, until = kpis.month_of(month)
    with open_database() as database:
        answer = kpis.sheet(
            database,
            SYSTEM,
            area=area,
            since=since,
            until=until,
            now=clock.now(),
            by=by,
            language=language(),
        )
    _write(out, kpis.table(answer, language()), ending)
    if as_json:
        put(answer)
    else:
        say(f"已写入 {out}，{len(answer['items'])} 行。", f"{len(answer['items'])} rows in {out}.")


def _write(out: Path, rows: list[list[Any]], ending: str) -> None:
    shares = {2 + place for place, one in enumerate(kpis.INDICATORS.values()) if one.share}
    content = csv_of(rows) if ending == ".csv" else xlsx_of(rows, "KPI", shares)
    with files.written(out) as unfinished:
        unfinished.write_bytes(content)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("kpis")(monthly)
