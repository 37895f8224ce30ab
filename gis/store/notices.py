"""Notices of the database, on a connection outside the pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

CONNECT_TIMEOUT_S: Final = 5


@contextmanager
def listening(url: str, channel: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection that hears a channel; closed afterwards.

    ``url`` is a pool's (:func:`gis.store.unit_of_work.driver_url`). Keepalives tell within half a
    minute that the other side went away without a word.
    """
    with psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://", 1),
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="gridward boundary watch",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    ) as connection:
        connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        yield connection
