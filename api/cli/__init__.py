"""The command line ``gridward``: one small module per group of commands."""

from __future__ import annotations

import sys
from typing import Final

from api.cli import access, database, demo, imports, matching, planning, serve, session, settings

app: Final = session.Bilingual(
    "Gridward:城市网格治理空间服务 / spatial governance service for Chinese cities."
)
for part in (serve, settings, access, matching, planning):
    part.register(app)
app.add_typer(database.app, name="db")
app.add_typer(demo.app, name="demo")
app.add_typer(imports.app, name="import")


def main() -> None:
    """Run the command line; the exit status is 0, 1 (refused) or 2 (wrong usage)."""
    sys.exit(session.explained(app))
