"""``gridward repair``: a repair of the boundaries, proposed as a draft."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.delivery import AsJson, ReportFile
from api.cli.reports import show
from api.cli.session import Bilingual, open_database, say
from gis.geometry.findings import MAX_WIDTH_M, WIDEST_M
from gis.governance.actors import SYSTEM
from gis.services.boundary_repair import RepairRequest, propose_repair

app = Bilingual("修复边界 / repair the boundaries")


@app.callback()
def group() -> None:
    """Keep the one command below a word of its own."""


@app.command("grids")
def grids(
    area: Annotated[
        str | None, typer.Option(help="只修复该区域之下 / only below this area", metavar="CODE")
    ] = None,
    max_width: Annotated[
        float,
        typer.Option(
            help="不超过此宽度（米）的缝隙和重叠 / gaps and overlaps up to this width in metres",
            metavar="METRES",
            min=0.01,
            max=WIDEST_M,
        ),
    ] = MAX_WIDTH_M,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只看，不写草稿 / show only, write no draft")
    ] = False,
    title: Annotated[
        str | None, typer.Option(help="草稿说明 / title of the draft", metavar="TEXT")
    ] = None,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """提出修复建议并存为草稿，发布后才生效 / Propose a repair as a draft; publish it to apply it.

    窄缝隙和窄重叠归共用边界最长的邻区，上级按下级重建 / Narrow gaps and overlaps go to the
    neighbour with the longest shared edge; areas above are rebuilt from those below.
    """
    request = RepairRequest(area=area, max_width_m=max_width, title=title, dry_run=dry_run)
    with open_database() as database:
        found, _ = propose_repair(database, SYSTEM, request)
    show(found, report=report, as_json=as_json)
    if found.draft_id is not None and not as_json:
        number = found.draft_id
        say(
            f"核对：gridward check grids --draft {number}\n"
            f"影响：gridward boundaries impact {number}\n"
            f"发布：gridward boundaries publish {number}",
            f"Check it: gridward check grids --draft {number}\n"
            f"What it changes for whom: gridward boundaries impact {number}\n"
            f"Apply it: gridward boundaries publish {number}",
        )


def register(command_line: typer.Typer) -> None:
    """Add the commands."""
    command_line.add_typer(app, name="repair")
