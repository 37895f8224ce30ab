"""The command line ``gridward``: one small module per group of commands."""

from __future__ import annotations

import gc
import logging
import sys
from importlib import import_module
from typing import Final

import structlog
import typer

from api.cli import session

ABOUT: Final = "Gridward:城市网格治理空间服务 / spatial governance service for Chinese cities."

COMMANDS: Final[dict[str, str]] = {
    "up": "serve",
    "serve": "serve",
    "work": "work",
    "settings": "settings",
    "token": "access",
    "revoke": "access",
    "import": "imports",
    "export": "exports",
    "boundaries": "boundaries",
    "check": "checking",
    "repair": "repairing",
    "match": "matching",
    "rematch": "rematch",
    "evaluate": "evaluation",
    "learn": "learning",
    "aliases": "aliases",
    "coverage": "planning",
    "map": "planning",
    "site": "siting",
    "employment": "employment",
    "kpis": "kpis",
    "scenarios": "scenarios",
    "accessibility": "access_scores",
    "staffing": "access_scores",
    "db": "database",
    "demo": "demo",
}
"""Command -> the module in this package that registers it, in the order of the help."""


def app(*modules: str) -> typer.Typer:
    """Return the command line with the commands of some modules, of all without any."""
    made = session.Bilingual(ABOUT)

    @made.callback(help=ABOUT)
    def group() -> None:
        """Keep one command a group: typer would otherwise drop its name."""

    for module in modules or dict.fromkeys(COMMANDS.values()):
        import_module(f"api.cli.{module}").register(made)
    return made


def main() -> None:
    """Run the command line; the exit status is 0, 1 (refused) or 2 (wrong usage).

    Only the module of the command that was typed is imported: maps and files take seconds.
    """
    # results go to standard output, and only they: a command that serves sets its logs up itself
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    chosen = [COMMANDS[wanted]] if wanted in COMMANDS and wanted == sys.argv[1] else []
    gc.disable()  # modules stay: looking through them while they load is a seventh of the start
    made = app(*chosen)
    gc.freeze()
    gc.enable()
    sys.exit(session.explained(made))
