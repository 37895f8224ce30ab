"""``gridward aliases``: old names of areas and what people say, by which addresses are read."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.session import Bilingual, one_of, open_database, put, say, show_table
from gis.governance.actors import SYSTEM
from gis.services import area_aliases
from gis.services.lookup import Snapshots

Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def show(
    area: Annotated[
        str | None, typer.Option(help="只看此区域内 / of an area and all in it", metavar="CODE")
    ] = None,
    limit: Annotated[int, typer.Option(help="最多几条 / how many", min=1, max=100_000)] = 1000,
    as_json: Json = False,
) -> None:
    """列出区域别名 / List other names of areas."""
    with open_database() as database:
        items, more = area_aliases.listing(database, SYSTEM, area=area, limit=limit)
    if as_json:
        put({"items": items, "more": more})
        return
    show_table(
        ("id", "area", "alias", "kind", "by"),
        [(one["id"], one["area"], one["alias"], one["kind"], one["created_by"]) for one in items],
    )
    if more:
        say("还有更多，请用 --limit 或 --area。", "There are more: use --limit or --area.")


def add(
    area: Annotated[str, typer.Argument(metavar="CODE", help="区域编码 / code of the area")],
    alias: Annotated[str, typer.Argument(metavar="NAME", help="别名 / the other name")],
    kind: Annotated[
        str,
        typer.Option(help="/".join(area_aliases.KINDS), callback=one_of(list(area_aliases.KINDS))),
    ] = "alias",
    as_json: Json = False,
) -> None:
    """新增区域别名或旧名 / Give an area another name."""
    with open_database() as database:
        made = area_aliases.add(database, Snapshots(), SYSTEM, area, alias, kind=kind)
    if as_json:
        put(made)
    else:
        say(f"{made['area']} 又名“{made['alias']}”(编号 {made['id']})",
            f"{made['area']} is also called “{made['alias']}” (number {made['id']})")  # fmt: skip


def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="编号 / number", min=1, max=2**62)],
) -> None:
    """删除区域别名 / Take another name away."""
    with open_database() as database:
        area_aliases.remove(database, SYSTEM, number)
    say(f"已删除别名 {number}", f"Name {number} was taken away")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = Bilingual("区域别名、旧名 / Other and old names of areas")
    group.command("list")(show)
    group.command("add")(add)
    group.command("remove")(remove)
    app.add_typer(group, name="aliases")
