"""``gridward rematch``: what a redraw means for the events that were reported before."""

from __future__ import annotations

import csv
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import open_database, put, say
from gis import clock, settings
from gis.errors import InstantInvalid
from gis.governance.actors import SYSTEM
from gis.services.gazetteer import inform
from gis.services.index_cache import IndexCache
from gis.services.lookup import Snapshots
from gis.services.rematch import Rematched, rematch
from layers.files import written

SHOWN = 10


def rematch_history(
    area: Annotated[str | None, typer.Option(help="只看该区域 / only events of an area")] = None,
    since: Annotated[
        str | None, typer.Option(help="起始时间（RFC 3339）/ received since an instant")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="采用该时点的边界 / boundaries in force at an instant")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="逐条变化写入 CSV / write every move to a CSV file")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """重新匹配历史事件，列出归属变化（不改动数据）/ Match the history again; writes nothing."""
    chosen = settings.load()
    with open_database() as database:
        snapshots = Snapshots(IndexCache(chosen.home / "cache" / "boundaries"))
        inform(database, snapshots, chosen.auto_precision)
        found = rematch(
            database,
            snapshots,
            SYSTEM,
            threshold=chosen.auto_threshold,
            now=clock.now(),
            area=area,
            since=_instant(since),
            at=_instant(at),
        )
    if report is not None:
        _write(found, report)
    pairs = [
        {"from": before, "to": after, "events": count}
        for (before, after), count in found.pairs()[:SHOWN]
    ]
    if as_json:
        put({"boundary_revision": found.revision, **found.counts, "largest_moves": pairs})
        return
    moved, events = found.counts["moved"], found.counts["events"]
    say(
        f"按边界版本 {found.revision} 重新匹配 {events} 个事件：{moved} 个归属变化，"
        f"{found.counts['same']} 个不变，{found.counts['without-pin']} 个没有可用的定位点或地址。",
        f"Matched {events} events again on boundary revision {found.revision}: {moved} move, "
        f"{found.counts['same']} stay, {found.counts['without-pin']} have neither pin nor address "
        "to go by.",
    )
    for pair in pairs:
        say(
            f"  {pair['from'] or '未定'} → {pair['to'] or '待审'}：{pair['events']}",
            f"  {pair['from'] or 'none'} -> {pair['to'] or 'review'}: {pair['events']}",
        )


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantInvalid(value=text) from error
    if instant.tzinfo is None:
        raise InstantInvalid(value=text)
    return instant.astimezone(UTC)


def _write(found: Rematched, path: Path) -> None:
    names = ["number", "received_at", "before", "after", "routing", "decision", "confidence"]
    with written(path) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        for move in found.moves:
            writer.writerow({**asdict(move), "received_at": move.received_at.isoformat()})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rematch")(rematch_history)
