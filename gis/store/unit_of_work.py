"""The unit of work: one transaction, one actor, committed before anyone is told.

The application connects as, or switches to, the role ``gridward_app``, which owns no table. The
actor's id, role and area scope stand in transaction-local settings (``gridward.actor_id``,
``gridward.actor_role``, ``gridward.actor_area``), so that triggers and row security can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gis.errors import DatabaseUnavailable
from gis.governance.actors import Actor
from gis.store.async_reader import AsyncReader
from gis.store.constraints import translate

APPLICATION_ROLE: Final = "gridward_app"

_DIALECT: Final[Any] = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
_SET_ACTOR: Final = (
    "select set_config('gridward.actor_id', %(id)s, true), "
    "set_config('gridward.actor_role', %(role)s, true), "
    "set_config('gridward.actor_area', %(area)s, true)"
)


class Prepared:
    """A statement put into the driver's words once, for :meth:`UnitOfWork.told`.

    The statement cache of the library would look it up, and bind and name its columns anew, at
    every call. Values go to the driver as they are: JSON must come as text.
    """

    def __init__(self, statement: sa.Executable, columns: tuple[str, ...]) -> None:
        made: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        self.text = str(made)
        self.columns = columns
        self._constants = {key: value for key, value in made.params.items() if value is not None}

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the statement is executed with."""
        return {**self._constants, **given}


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """An open transaction and the actor in whose name it runs."""

    connection: sa.Connection
    actor: Actor

    def rows(self, statement: sa.Executable, **values: Any) -> list[sa.RowMapping]:  # noqa: ANN401
        """Execute and return all rows as mappings."""
        return list(self.connection.execute(statement, values).mappings())

    def row(self, statement: sa.Executable, **values: Any) -> sa.RowMapping | None:  # noqa: ANN401
        """Execute and return the first row, or None when there is none."""
        return self.connection.execute(statement, values).mappings().first()

    def scalar(self, statement: sa.Executable, **values: Any) -> Any:  # noqa: ANN401
        """Execute and return the first column of the first row."""
        return self.connection.execute(statement, values).scalar()

    def execute(self, statement: sa.Executable, **values: Any) -> int:  # noqa: ANN401
        """Execute a write and return how many rows it touched."""
        return self.connection.execute(statement, values).rowcount

    def prepared(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute in the driver's own words (``%(name)s``), prepared; return all rows.

        Results come in binary: bytes and numbers are not spelled out on the way.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            As every other statement of the unit of work does.
        """
        driver = self.driver
        try:
            return driver.execute(statement, values, prepare=True, binary=True).fetchall()
        except psycopg.Error as error:
            if driver.closed:
                self.connection.invalidate(error)
            raise DBAPIError.instance(
                statement, None, error, psycopg.Error, hide_parameters=True
            ) from error

    def told(self, statement: Prepared, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Execute a prepared statement; return all rows by its columns."""
        names = statement.columns
        return [
            dict(zip(names, row, strict=True))
            for row in self.prepared(statement.text, statement.values(values))
        ]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside when it raises, and only that; errors are translated.

        Raises
        ------
        gis.errors.GovernanceError
            A named constraint was violated.
        """
        try:
            with self.connection.begin_nested():
                yield
        except DBAPIError as error:
            raise translate(error) from error

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The psycopg connection under it, for COPY and pipelines; same transaction."""
        raw = self.connection.connection.driver_connection
        if not isinstance(raw, psycopg.Connection):
            message = "the unit of work runs on psycopg 3"
            raise TypeError(message)
        return raw


class Database:
    """A pool of connections to one Gridward database.

    Parameters
    ----------
    url
        SQLAlchemy URL (``postgresql+psycopg://…``; plain ``postgresql://`` is taken too).
    pool_size, pool_timeout_s
        At most that many connections; a caller that waits longer for one gets
        :class:`~gis.errors.DatabaseUnavailable`.
    statement_timeout_s
        The server ends a statement after this time.
    role
        The role every connection acts as; ``None`` keeps the login's own (migrations, tests).

    ``committed``, when set, is called after each commit of a transaction that may have written.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        pool_timeout_s: float = 5.0,
        statement_timeout_s: float = 30.0,
        role: str | None = APPLICATION_ROLE,
    ) -> None:
        self.url = driver_url(url)
        self._role = role
        self._readers: list[Reader] = []
        self.committed: Callable[[], None] | None = None
        options = f"-c statement_timeout={int(statement_timeout_s * 1000)} -c timezone=UTC"
        self.engine = sa.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_s,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text must not carry people's data into a log
            connect_args={"options": options, "application_name": "gridward"},
        )
        if role is not None:
            event.listen(self.engine, "connect", _assume(role))

    @contextmanager
    def transaction(
        self, actor: Actor, *, read_only: bool = False, snapshot: bool = False
    ) -> Iterator[UnitOfWork]:
        """Open a transaction for an actor; commit on a normal exit, roll back otherwise.

        With ``snapshot`` all its statements see the database as it was at the first one.

        Raises
        ------
        gis.errors.DatabaseUnavailable
            No connection in time, or the server went away. Nothing was written, unless the
            connection broke during the commit itself: then it is unknown, and the caller's
            idempotency key or source reference tells on the next try.
        gis.errors.GovernanceError
            A named constraint was violated (see :mod:`gis.store.constraints`).
        """
        try:
            with self.engine.connect() as connection, connection.begin():
                if read_only:
                    connection.exec_driver_sql("set transaction read only")
                if snapshot:
                    connection.exec_driver_sql("set transaction isolation level repeatable read")
                work = UnitOfWork(connection, actor)
                named = {"id": actor.id, "role": actor.role, "area": actor.area_code or ""}
                work.prepared(_SET_ACTOR, named)
                yield work
            told = self.committed  # looked at once: the feed may end meanwhile
            if told is not None and not read_only:
                told()
        except PoolTimeout as error:
            raise DatabaseUnavailable from error
        except DBAPIError as error:
            raise translate(error) from error

    def reading(self, actor: Actor, *, snapshot: bool = False) -> Any:  # noqa: ANN401 - a context manager of UnitOfWork
        """Open a read-only transaction for an actor; ``snapshot`` as in :meth:`transaction`."""
        return self.transaction(actor, read_only=True, snapshot=snapshot)

    def reader(self, *, places: int, limit_s: float) -> Reader:
        """Return connections beside the pool that only read; they close with it at the latest."""
        made = Reader(self.url, self._role, places=places, limit_s=limit_s)
        self._readers.append(made)
        return made

    def async_reader(self, *, limit_s: float) -> AsyncReader:
        """Return connections beside the pool that only read, for the event loop."""
        return AsyncReader(self.url, self._role, limit_s=limit_s)

    def close(self) -> None:
        """Close every pooled connection, and those of its readers."""
        self.engine.dispose()
        for reader in self._readers:
            reader.close()


class Reader:
    """Some connections that can only read; each statement is a transaction of its own.

    For answers of one statement: nothing is asked before and after it. A statement that takes
    longer than ``limit_s`` is stopped by the server. The actor stands in no setting of the
    transaction: what it may see must be in the statement.

    A prepared statement is planned for its values each time: a box may hold the country or one
    house.
    """

    def __init__(self, url: str, role: str | None, *, places: int, limit_s: float) -> None:
        options = (
            f"-c statement_timeout={int(limit_s * 1000)} -c timezone=UTC "
            "-c default_transaction_read_only=on -c plan_cache_mode=force_custom_plan"
        )
        self.engine = sa.create_engine(
            url,
            pool_size=places,
            max_overflow=0,
            pool_timeout=5.0,
            pool_recycle=600,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"options": options, "application_name": "gridward layers"},
        )
        if role is not None:
            event.listen(self.engine, "connect", _assume(role))

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[UnitOfWork]:
        """Give a connection for reading.

        Raises
        ------
        gis.errors.DatabaseUnavailable
            No connection in time, or the server went away.
        """
        try:
            with self.engine.connect() as connection:
                yield UnitOfWork(connection, actor)
        except PoolTimeout as error:
            raise DatabaseUnavailable from error
        except DBAPIError as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


MOST_COUNTED: Final = 10_000


def counted(work: UnitOfWork, chosen: sa.Select[Any]) -> int | None:
    """Return how many rows a selection has, None beyond :data:`MOST_COUNTED`: nobody waits."""
    rows = chosen.with_only_columns(sa.literal(1), maintain_column_froms=True)
    some = rows.limit(MOST_COUNTED + 1).subquery()
    number = int(work.scalar(sa.select(sa.func.count()).select_from(some)))
    return number if number <= MOST_COUNTED else None


def driver_url(url: str) -> str:
    """Return the URL with the psycopg 3 driver named.

    >>> driver_url("postgresql://u@/db?host=/run")
    'postgresql+psycopg://u@/db?host=/run'
    """
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _assume(role: str) -> Any:  # noqa: ANN401 - a SQLAlchemy listener
    def assume_role(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.execute(psycopg.sql.SQL("set role {}").format(psycopg.sql.Identifier(role)))
        connection.commit()

    return assume_role
