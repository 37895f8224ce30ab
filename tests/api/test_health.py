from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gis.settings import Settings
from gis.store.unit_of_work import Database


@pytest.fixture
def orphan(quiet_settings: Settings) -> TestClient:
    """An application whose database does not exist."""
    nowhere = Database("postgresql://nobody@/none?host=/nonexistent", pool_timeout_s=0.2)
    return TestClient(create_app(quiet_settings, nowhere))


def test_alive_needs_no_database(orphan: TestClient) -> None:
    assert orphan.get("/healthz").json() == {"status": "alive"}


def test_readiness_without_database_is_503_with_the_reason(orphan: TestClient) -> None:
    answer = orphan.get("/readyz", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    (reason,) = answer.json()["facts"]["reasons"]
    assert (reason["check"], reason["code"]) == ("database", "database-unavailable")


def test_readiness_of_an_empty_city_names_the_missing_boundaries(door: TestClient) -> None:
    answer = door.get("/readyz")
    assert answer.status_code == 503
    facts = answer.json()["facts"]
    assert [reason["check"] for reason in facts["reasons"]] == ["boundaries"]
    assert set(facts["ready"]) == {"database", "schema", "queue", "calendar"}
    assert "08:30-12:00;14:00-17:30" in facts["ready"]["calendar"]["office_hours"]
    assert isinstance(facts["ready"]["calendar"]["missing_years"], list)
    assert facts["ready"]["database"]["postgis"]


def test_metrics_count_by_route_template_not_by_path(door: TestClient) -> None:
    door.get("/problems/area-unknown")
    door.get("/problems/crs-unknown")
    door.get("/no/such/place/13800000000")
    text = door.get("/metrics").text
    assert 'route="/problems/{code}",status="200"' in text
    assert "area-unknown" not in text
    assert 'route="(no route)",status="404"' in text
    assert "13800000000" not in text
    assert "gridward_pool_in_use" in text


def test_metrics_of_two_applications_do_not_mix(
    quiet_settings: Settings, shared_database: Database, door: TestClient
) -> None:
    door.get("/healthz")
    other = TestClient(create_app(quiet_settings, shared_database))
    assert "/healthz" not in other.get("/metrics").text


def test_unheard_of_methods_share_one_label(door: TestClient) -> None:
    door.request("BREW", "/healthz")
    assert 'method="OTHER"' in door.get("/metrics").text
