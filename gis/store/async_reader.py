"""Connections that only read, awaited by the event loop instead of by a thread."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_OLDEST_S: Final = 600.0
_CONNECT_S: Final = 5


class AsyncReader:
    """Some connections that can only read; each statement is a transaction of its own.

    As :class:`gis.store.unit_of_work.Reader`, for answers that are one statement and take less time
    than the way to a thread and back. Whoever asks sees to how many ask at once: there are as many
    connections as statements have run at the same time.
    """

    def __init__(self, url: str, role: str | None, *, limit_s: float) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._role = role
        self._options = (
            f"-c statement_timeout={int(limit_s * 1000)} -c timezone=UTC "
            "-c default_transaction_read_only=on"
        )
        self._idle: list[tuple[Connection, float]] = []

    async def prepared(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute in the driver's words (``%(name)s``), prepared; return all rows, in binary.

        A connection that went away while nobody used it is replaced once, unnoticed.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            What the database refuses, as every other statement raises it; no connection as well.
        """
        try:
            while self._idle:
                connection, since = self._idle.pop()
                if time.monotonic() - since > _OLDEST_S:
                    await connection.close()
                    continue
                try:
                    return await self._execute(connection, since, statement, values)
                except psycopg.OperationalError:
                    if not connection.closed:
                        raise
                    self.close()  # the others went away with it
            return await self._execute(await self._connect(), time.monotonic(), statement, values)
        except psycopg.Error as error:
            raise DBAPIError.instance(
                statement, None, error, psycopg.Error, hide_parameters=True
            ) from error

    async def _execute(
        self, connection: Connection, since: float, statement: str, values: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        try:
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
            rows = await cursor.fetchall()
        except psycopg.Error:
            if not connection.closed:
                self._idle.append((connection, since))
            raise
        except BaseException:  # given up in the middle: nobody knows what it would answer next
            await connection.close()
            raise
        self._idle.append((connection, since))
        return rows

    async def _connect(self) -> Connection:
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            options=self._options,
            application_name="gridward tiles",
            connect_timeout=_CONNECT_S,
        )
        if self._role is not None:
            await connection.execute(sql.SQL("set role {}").format(sql.Identifier(self._role)))
        return connection

    def close(self) -> None:
        """Close the connections that nobody uses; those in use go with the process."""
        while self._idle:
            connection, _ = self._idle.pop()
            with suppress(psycopg.Error):
                connection.pgconn.finish()
