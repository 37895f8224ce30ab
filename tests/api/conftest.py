"""What the tests of the door share: an application on an empty city, secrets, signed-in clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services.access import Issued, issue_link, issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database


@pytest.fixture(scope="session")
def quiet_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("home")
    return Settings(home=home, max_upload_mb=1)


@pytest.fixture(scope="session")
def empty_app(shared_database: Database, quiet_settings: Settings) -> FastAPI:
    """An application on a migrated database without a city."""
    return create_app(quiet_settings, shared_database)


@pytest.fixture
def door(empty_app: FastAPI) -> Iterator[TestClient]:
    """A client without sign-in and without cookies; bugs of ours raise."""
    with TestClient(empty_app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def bearer(shared_database: Database) -> Callable[[str], dict[str, str]]:
    def header(role: str) -> dict[str, str]:
        secret = issue_token(shared_database, SYSTEM, role=role).secret
        return {"Authorization": f"Bearer {secret}"}

    return header


@pytest.fixture
def one_time_link(shared_database: Database) -> Issued:
    return issue_link(shared_database, SYSTEM, role="dispatcher")
