"""``gridward demo``: the demo city."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.session import Bilingual, open_database, progress, put, say
from gis.store.unit_of_work import Database
from layers.demo.load import DEFAULT_SEED, Summary, load

app = Bilingual("示范城市（合成数据）/ The demo city: made data on real names and outlines.")


@app.callback(help="示范城市（合成数据）/ The demo city: made data on real names and outlines.")
def group() -> None:
    """示范城市（合成数据）/ The demo city: made data on real names and outlines."""


@app.command("load")
def load_command(
    scale: Annotated[float, typer.Option(help="规模 / scale", min=0.02, max=10)] = 1.0,
    seed: Annotated[int, typer.Option(help="随机种子 / random seed")] = DEFAULT_SEED,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """装载示范城市 / Load the demo city into an empty database."""
    with open_database() as database:
        summary = load_city(database, scale=scale, seed=seed)
    if as_json:
        put(summary.to_json())


def load_city(database: Database, *, scale: float, seed: int | None) -> Summary:
    """Load the demo city with a progress bar."""
    with progress() as bar:
        summary = load(
            database, scale=scale, seed=DEFAULT_SEED if seed is None else seed, progress=bar
        )
    say(
        f"示范城市已装载：{summary.text('zh')}",
        f"The demo city is loaded: {summary.text('en')}",
    )
    return summary


def register(commands: typer.Typer) -> None:
    """Add the group of commands."""
    commands.add_typer(app, name="demo")
