"""What every command needs: settings, the database, and errors in words."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import structlog
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.logs import configure_logs
from gis import cluster, settings
from gis.errors import GovernanceError, Language, SchemaBehind
from gis.settings import Settings
from gis.store import schema
from gis.store.unit_of_work import Database

console: Final = Console(stderr=True, highlight=False)
"""Words for people go to standard error, results to standard output."""

REFUSED: Final = 1
USAGE: Final = 2
_PLAIN_WIDTH: Final = 160


def language() -> Language:
    """Return the language of the terminal: English for an English locale, Chinese otherwise."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return "en" if (spoken or "").lower().startswith("en") else "zh"


def say(zh: str, en: str) -> None:
    """Print one line for the person at the terminal."""
    # soft_wrap: a link that the terminal breaks in two cannot be clicked or copied
    console.print(zh if language() == "zh" else en, markup=False, soft_wrap=True)


def put(answer: Any) -> None:  # noqa: ANN401 - whatever JSON carries
    """Print a result as JSON on standard output."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, default=str) + "\n")


def show_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None
) -> None:
    """Print a result as a table on standard output; what comes first in a row names it.

    Half a code or a number is a wrong one: only words are folded, and only in a narrow terminal.
    """
    rows = list(rows)
    table = Table(title=title)
    for number, head in enumerate(heads):
        cells = [row[number] for row in rows]
        is_figure = number > 0 and not any(letter.isalpha() for cell in cells for letter in cell)
        whole = max(map(cell_len, cells), default=0) if number == 0 or is_figure else None
        justify: Literal["left", "right"] = "right" if is_figure else "left"
        table.add_column(head, justify=justify, overflow="fold", min_width=whole)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    # names are data: square brackets in them are no markup
    Console(file=sys.stdout, markup=False, highlight=False, width=width).print(table, crop=False)


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """Return what checks that an option is one of some words."""

    def check(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(", ".join(words))
        return text

    return check


@contextmanager
def open_database(*, role: str = "app", migrated: bool = True) -> Iterator[Database]:
    """Open the city's database for one command; the private cluster runs meanwhile.

    ``role="owner"`` logs in with the right to migrate. With ``migrated`` a schema that the code
    does not expect is refused (:class:`SchemaBehind`); an empty private cluster is migrated first,
    so that every command works in a fresh home.
    """
    chosen = settings.load()
    if not structlog.is_configured():  # unconfigured, it writes to where results go
        configure_logs(chosen.model_copy(update={"log_level": "warning"}))
    with cluster.database(chosen) as urls:
        if migrated and chosen.database_url is None:
            _migrate_if_empty(urls.owner_url)
        if role == "owner":
            database = Database(urls.owner_url, role=None, statement_timeout_s=0)
        else:
            database = connect(chosen, urls.app_url, statement_timeout_s=0)
        try:
            if migrated:
                state = schema.state(database)
                if not state.is_current:
                    raise SchemaBehind(current=state.current or "-", head=state.head)
            yield database
        finally:
            database.close()


def _migrate_if_empty(owner_url: str) -> None:
    owner = Database(owner_url, role=None, statement_timeout_s=0)
    try:
        if schema.state(owner).current is None:
            schema.upgrade(owner)
    finally:
        owner.close()


def connect(chosen: Settings, url: str, *, statement_timeout_s: float | None = None) -> Database:
    """Return the application's database as the settings want its pool."""
    return Database(
        url,
        pool_size=chosen.pool_size,
        pool_timeout_s=chosen.pool_timeout_s,
        statement_timeout_s=(
            chosen.statement_timeout_s if statement_timeout_s is None else statement_timeout_s
        ),
    )


def progress() -> Progress:
    """Return a progress bar in the house's style, on standard error."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=console,
        transient=False,
    )


def explained(run: Callable[[], Any]) -> int:
    """Run the command line; turn expected errors into words and an exit status."""
    try:
        run()
    except GovernanceError as error:
        spoken = language()
        console.print(f"[bold red]{error.title(spoken)}[/]", highlight=False)
        console.print(error.detail(spoken), markup=False)
        return REFUSED
    except KeyboardInterrupt:
        say("已中断。", "Interrupted.")
        return 130
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else REFUSED
    return 0


class Bilingual(typer.Typer):
    """A typer application with the house's defaults."""

    def __init__(self, help_text: str) -> None:
        super().__init__(
            help=help_text,
            context_settings={"max_content_width": 120},
            no_args_is_help=True,
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
        )
