"""Alembic's environment: online only, on the connection that the caller hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from geoalchemy2 import alembic_helpers

from gis.store.tables import metadata
from gis.store.unit_of_work import driver_url
from migrations.compared import include


def run(connection: sa.Connection) -> None:
    """Run the migrations in one transaction of the given connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = sa.create_engine(driver_url(context.config.get_main_option("sqlalchemy.url") or ""))
    with engine.connect() as own:
        run(own)
