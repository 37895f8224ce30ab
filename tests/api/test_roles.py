"""Role x route: what every route declares, and that it keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.openapi import RouteRow, routes_of
from api.security import Allow, AllowPublic, allow
from gis.governance.actors import ROLES, SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database

VALUES = {"lon": "118.3", "lat": "32.3", "once": "true"}


@pytest.fixture(scope="module")
def secrets(shared_database: Database) -> dict[str, str]:
    return {role: issue_token(shared_database, SYSTEM, role=role).secret for role in ROLES}


@pytest.fixture(scope="module")
def closed_door(shared_database: Database, quiet_settings: Settings) -> Iterator[TestClient]:
    """The same application with GRIDWARD_PUBLIC_READ=false."""
    settings = quiet_settings.model_copy(update={"public_read": False})
    with TestClient(create_app(settings, shared_database), follow_redirects=False) as client:
        yield client


def calls(app: FastAPI) -> Iterator[tuple[RouteRow, str, str]]:
    for row in routes_of(app):
        path = row.path.replace("{event_id}", "0" * 32).replace("{path:path}", "x")
        for key in ("code", "key", "id"):
            path = path.replace(f"{{{key}}}", "x")
        for method in sorted(row.methods):
            yield row, method, path


def refused(client: TestClient, method: str, path: str, secret: str | None) -> int | None:
    """Return 401 or 403 when the caller was refused, None when the route itself answered."""
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    answer = client.request(method, path, params=VALUES, headers=headers)
    assert answer.status_code != 500
    return answer.status_code if answer.status_code in {401, 403} else None


def test_every_route_declares_exactly_once_who_may_call_it(empty_app: FastAPI) -> None:
    rows = list(routes_of(empty_app))
    assert len(rows) > 10
    assert [row.path for row in rows if len(row.allows) != 1] == []


def test_routes_admit_exactly_the_roles_that_they_declare(
    door: TestClient, empty_app: FastAPI, secrets: dict[str, str]
) -> None:
    wrong: list[str] = []
    for row, method, path in calls(empty_app):
        if (row.path, method) == ("/sign-in", "POST"):
            continue  # without a secret it answers 401 to everybody: that is its work
        (declared,) = row.allows
        for role, secret in secrets.items():
            expected = None if role in declared.roles else 403
            if refused(door, method, path, secret) != expected:
                wrong.append(f"{method} {row.path} as {role}: expected {expected}")
        expected = declared.refusal if declared.anonymous == "never" else None
        if refused(door, method, path, None) != expected:
            wrong.append(f"{method} {row.path} without sign-in: expected {expected}")
    assert wrong == []


def test_closed_city_shows_nothing_public_without_sign_in(
    closed_door: TestClient, secrets: dict[str, str]
) -> None:
    app = closed_door.app
    assert isinstance(app, FastAPI)
    open_routes = {
        f"{method} {row.path}"
        for row, method, path in calls(app)
        if isinstance(row.allows[0], Allow) and refused(closed_door, method, path, None) is None
    }
    assert open_routes == {"GET /", "GET /sign-in"}
    assert "gwt_" not in closed_door.get("/").text
    for row, method, path in calls(app):
        if getattr(row.allows[0], "anonymous", "") == "if-public":
            assert refused(closed_door, method, path, secrets["viewer"]) is None


def test_interface_document_says_who_may_call(door: TestClient) -> None:
    operations = [
        operation
        for path in door.get("/openapi.json").json()["paths"].values()
        for operation in path.values()
    ]
    assert any(operation.get("x-roles") for operation in operations)
    for operation in operations:
        assert operation["summary"]
        assert "4XX" in operation["responses"]


@pytest.mark.parametrize("roles", [(), ("dispacher",), ("dispatcher", "public")])
def test_a_route_cannot_declare_a_role_that_does_not_exist(roles: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="roles must be"):
        allow(*roles)


def test_admin_is_always_included() -> None:
    declared = allow("planner")
    assert declared.roles == {"planner", "admin"}
    assert isinstance(allow("public"), AllowPublic)


def test_a_secret_admits_only_as_its_own_kind(
    door: TestClient, one_time_link: object, bearer: Callable[[str], dict[str, str]]
) -> None:
    link = getattr(one_time_link, "secret", "")
    assert door.get("/v1/me", headers={"Authorization": f"Bearer {link}"}).status_code == 401
    token = bearer("viewer")["Authorization"].removeprefix("Bearer ")
    door.cookies.set("gridward_session", token)
    assert door.get("/v1/me").status_code == 401
