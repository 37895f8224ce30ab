"""The schema's state: where it stands, where the code wants it, and the way there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from gis.store.unit_of_work import Database

_LOCK = 0x67726964  # "grid": two processes that migrate at once take turns


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Migration heads: of the database (None when empty) and of the code."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """Tell whether the database stands where the code wants it."""
        return self.current == self.head


def configuration() -> Config:
    """Return the Alembic configuration, built in code: there is no ini file to lose."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Return the one head of the migrations."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    if found is None:
        message = "the migrations have no head"
        raise ValueError(message)
    return found


def state(database: Database) -> SchemaState:
    """Return where the database's schema stands."""
    with database.engine.connect() as connection:
        return SchemaState(MigrationContext.configure(connection).get_current_revision(), head())


def upgrade(owner: Database, target: str = "head") -> SchemaState:
    """Migrate up to the target in one transaction; the caller connects as the owner.

    Takes an advisory lock, so that servers starting together migrate once.
    """
    _run(owner, command.upgrade, target)
    return state(owner)


def downgrade(owner: Database, target: str) -> SchemaState:
    """Migrate down to the target (``base`` empties the database)."""
    _run(owner, command.downgrade, target)
    return state(owner)


def _run(owner: Database, verb: object, target: str) -> None:
    config = configuration()
    with owner.engine.connect() as connection:
        connection.execute(sa.text("set statement_timeout = 0"))
        connection.execute(sa.text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            config.attributes["connection"] = connection
            verb(config, target)  # type: ignore[operator]
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sa.text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
