"""Dated Alembic migrations; :mod:`gis.store.schema` runs them."""
