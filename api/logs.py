"""Structured logs: standard logging everywhere, rendered by structlog as JSON or as text.

A line never holds personal data: no query string (it may carry a token or a name), no body, no
client address. What an exception quotes from the database's rows is cut out, and anything that
looks like one of our secrets is masked wherever it stands.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

from gis.settings import Settings

ACCESS: Final = logging.getLogger("gridward.access")

_SECRET: Final = re.compile(r"gw[tsl]_[A-Za-z0-9_-]{43}")
_QUOTED_ROWS: Final = (
    re.compile(r"\[parameters: .*?\]\n", re.DOTALL),
    re.compile(r"^(?:DETAIL|CONTEXT):.*$", re.MULTILINE),
)
_QUOTING: Final = frozenset({"event", "exception", "stack"})
_CUT: Final = "[cut]"


def configure_logs(settings: Settings, *, stream: TextIO | None = None) -> logging.Handler:
    """Send every log record of this process to one handler (default: standard error).

    Called once by the command that serves, never at import. uvicorn's loggers are routed here
    too; its access log is silenced, because it prints query strings: :data:`ACCESS` replaces it.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter(settings.log_format, colours=target.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in ("httpx", "httpcore"):  # they print whole addresses, queries included
        logging.getLogger(name).setLevel(logging.WARNING)
    silent = logging.getLogger("uvicorn.access")
    silent.handlers.clear()
    silent.propagate = False
    return handler


def formatter(form: Literal["json", "text"], *, colours: bool = False) -> logging.Formatter:
    """Return the formatter that turns a record, with its ``extra``, into one line."""
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            without_values,
            renderer,
        ],
    )


def without_values(
    _logger: object, _name: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut quoted rows out of exceptions and mask secrets in every text of a line (a processor)."""
    line.pop("color_message", None)  # uvicorn says some things twice
    for key, value in line.items():
        # cheap tests first: this runs for every value of every line
        if isinstance(value, str) and (key in _QUOTING or "gw" in value):
            line[key] = scrubbed(value)
    return line


def scrubbed(text: str) -> str:
    """Return a text without secrets and without what a database error quotes of its rows.

    >>> scrubbed("DETAIL:  Key (phone)=(13800000000) already exists.")
    '[cut]'
    """
    for pattern in _QUOTED_ROWS:
        text = pattern.sub(_CUT, text)
    return _SECRET.sub(lambda found: found[0][:4] + "…", text)
