"""``gridward boundaries redraw``: balanced grids for a community, proposed as a draft."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.delivery import AsJson, ReportFile
from api.cli.reports import show
from api.cli.session import language, open_database, progress, say
from gis.governance.actors import SYSTEM
from gis.services.redraw import propose_redraw
from gis.services.redraw_ground import MOST_GRIDS, MOST_SECONDS, STANDARD_SECONDS, RedrawRequest


def redraw(
    community: Annotated[str, typer.Argument(help="社区编码 / code of the community")],
    grids: Annotated[
        int | None,
        typer.Option(
            "--grids",
            "-k",
            help="网格数，缺省按户数推算 / how many grids; by default from the households",
            min=1,
            max=MOST_GRIDS,
        ),
    ] = None,
    households: Annotated[
        str,
        typer.Option(help="每格户数范围 / households of a grid, from-to", metavar="LOW-HIGH"),
    ] = "300-500",
    keep: Annotated[
        float,
        typer.Option(
            help="改属网格的户的权重，0 为不计 / weight of households that move; 0: none",
            min=0.0,
            max=1000.0,
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="随机种子 / seed", min=0, max=2**32 - 1)] = 0,
    seconds: Annotated[
        float,
        typer.Option(help="搜索时限（秒）/ time limit of the search", min=1, max=MOST_SECONDS),
    ] = STANDARD_SECONDS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只看，不写草稿 / show only, write no draft")
    ] = False,
    title: Annotated[
        str | None, typer.Option(help="草稿说明 / title of the draft", metavar="TEXT")
    ] = None,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """重划社区的网格并存为草稿，发布后才生效 / Redraw the grids of a community, as a draft.

    户数均衡、沿路、不切楼栋、少改属 / Balanced households, along roads, no building cut, few
    households moved.
    """
    low, high = _range(households)
    request = RedrawRequest(
        community=community,
        grids=grids,
        low=low,
        high=high,
        keep=keep,
        seed=seed,
        seconds=seconds,
        title=title,
        dry_run=dry_run,
    )
    with progress() as bar, open_database() as database:
        task = bar.add_task("重划网格" if language() == "zh" else "redrawing", total=1.0)

        def watch(share: float) -> bool:
            bar.update(task, completed=share)
            return True

        found = propose_redraw(database, SYSTEM, request, watch=watch)
        bar.update(task, completed=1.0)
    show(found, report=report, as_json=as_json)
    if found.draft_id is not None and not as_json:
        number = found.draft_id
        say(
            f"核对：gridward check grids --draft {number}；"
            f"影响：gridward boundaries impact {number}；"
            f"看图：gridward map boundary-impact FILE.png --draft {number}；"
            f"发布：gridward boundaries publish {number}",
            f"Look at it: gridward check grids --draft {number}, gridward boundaries impact "
            f"{number}, gridward map boundary-impact FILE.png --draft {number}; apply it: "
            f"gridward boundaries publish {number}",
        )


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    try:
        return int(low), int(high)
    except ValueError as error:
        raise typer.BadParameter("300-500", param_hint="--households") from error


def register_into(group: typer.Typer) -> None:
    """Add the command to the group ``boundaries``."""
    group.command("redraw")(redraw)
