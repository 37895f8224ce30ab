"""``gridward check``: what is wrong with the boundaries, and what a repair would do."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.delivery import AsJson, ReportFile
from api.cli.instants import instant_of
from api.cli.reports import show
from api.cli.session import REFUSED, Bilingual, open_database
from gis.governance.actors import SYSTEM
from gis.governance.areas import LEVELS
from gis.services.boundary_check import check_boundaries

app = Bilingual("核对边界 / check the boundaries")


def _level(text: str | None) -> str | None:
    if text is not None and text not in LEVELS:
        raise typer.BadParameter(", ".join(LEVELS))
    return text


@app.callback()
def group() -> None:
    """Keep the one command below a word of its own."""


@app.command("grids")
def grids(
    area: Annotated[
        str | None, typer.Option(help="只核对该区域之下 / only below this area", metavar="CODE")
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            help=f"只核对该层级 / only this level: {' '.join(LEVELS)}",
            metavar="LEVEL",
            callback=_level,
        ),
    ] = None,
    draft: Annotated[
        int | None, typer.Option(help="核对草稿 / check with this draft", metavar="ID")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="核对该时刻的边界（日期或 RFC 3339）/ as in force then: a date or RFC 3339",
            metavar="WHEN",
        ),
    ] = None,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """核对各级区域是否无缝无叠 / Check that the areas of each level tile the level above.

    Exit status 1 when there are errors.
    """
    if at is not None and draft is not None:
        raise typer.BadParameter("--at | --draft")
    then = None if at is None else instant_of(at)
    with open_database() as database:
        found = check_boundaries(database, SYSTEM, area=area, level=level, draft_id=draft, at=then)
    show(found, report=report, as_json=as_json)
    if found.errors:
        raise typer.Exit(REFUSED)


def register(command_line: typer.Typer) -> None:
    """Add the commands."""
    command_line.add_typer(app, name="check")
