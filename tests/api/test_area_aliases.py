"""Other names of areas: added by a planner, read by addresses, taken away; by HTTP and command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import aliases
from gis.errors import AliasInvalid, AliasUnknown, AreaUnknown
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.services.gazetteer import Gazetteer
from gis.services.lookup import Boundaries
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SmallCity, small_city

Header = Callable[..., dict[str, str]]


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def client(database: Database, city: SmallCity, tmp_path: Path) -> Iterator[TestClient]:
    del city
    with TestClient(create_app(Settings(home=tmp_path), database)) as opened:
        yield opened


@pytest.fixture
def signed(database: Database) -> Header:
    def header(role: str, area: str | None = None) -> dict[str, str]:
        secret = issue_token(database, SYSTEM, role=role, area=area).secret
        return {"Authorization": f"Bearer {secret}"}

    return header


def meant(database: Database, text: str) -> str | None:
    """The area that a text means first, as addresses are read now."""
    boundaries = Boundaries(database)
    with database.reading(SYSTEM) as work:
        places = Gazetteer(database, boundaries).exact(work, boundaries.snapshot(work)).places(text)
    return places[0].area_code if places else None


def test_an_old_name_is_added_read_by_and_taken_away(
    client: TestClient, signed: Header, database: Database
) -> None:
    planner, body = (
        signed("planner"),
        {"area": "341102001", "alias": "东风公社", "kind": "old_name"},
    )
    assert meant(database, "东风公社") is None
    made = client.post("/v1/places/aliases", json=body, headers=planner)
    assert made.status_code == 201, made.text
    assert meant(database, "东风公社") == "341102001"
    again = client.post("/v1/places/aliases", json=body, headers=planner)
    assert again.json() == made.json()
    client.post("/v1/places/aliases", json={"area": COMMUNITY, "alias": "老南门"}, headers=planner)
    first = client.get("/v1/places/aliases?limit=1", headers=planner).json()
    assert [row["alias"] for row in first["items"]] == ["东风公社"]
    rest = client.get(first["next"], headers=signed("dispatcher")).json()
    assert ([row["alias"] for row in rest["items"]], rest["next"]) == (["老南门"], None)
    inside = client.get(f"/v1/places/aliases?area={COMMUNITY}", headers=planner).json()["items"]
    assert [row["alias"] for row in inside] == ["老南门"]
    where = f"/v1/places/aliases/{made.json()['id']}"
    assert client.delete(where, headers=planner).status_code == 204
    assert meant(database, "东风公社") is None
    gone = client.delete(where, headers=planner)
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/alias-unknown")


@pytest.mark.parametrize(
    ("area", "alias", "problem"),
    [
        ("999999", "老南门", "/problems/area-unknown"),
        (COMMUNITY, "南", "/problems/alias-invalid"),
        ("341102", "琅琊区", "/problems/alias-invalid"),
        (f"{COMMUNITY}001", "老南门", "/problems/alias-invalid"),
    ],
)
def test_what_is_no_other_name_is_refused_in_words(
    client: TestClient, signed: Header, area: str, alias: str, problem: str
) -> None:
    answer = client.post(
        "/v1/places/aliases", json={"area": area, "alias": alias}, headers=signed("planner")
    )
    assert answer.status_code in {404, 422}
    assert answer.json()["type"] == problem


def test_a_scope_names_and_sees_its_own_areas_only(client: TestClient, signed: Header) -> None:
    outside = signed("planner", "341102001001")
    body = {"area": "341102", "alias": "老城区"}
    assert client.post("/v1/places/aliases", json=body, headers=outside).status_code == 403
    made = client.post("/v1/places/aliases", json=body, headers=signed("planner")).json()
    assert client.get("/v1/places/aliases?area=341102", headers=outside).json()["items"] == []
    where = f"/v1/places/aliases/{made['id']}"
    assert client.delete(where, headers=outside).status_code == 403
    assert client.delete(where, headers=signed("dispatcher")).status_code == 403


def test_the_command_does_the_same(
    database: Database, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    del city

    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    monkeypatch.setattr(aliases, "open_database", opened)
    app = typer.Typer()
    aliases.register(app)

    def run(*words: str) -> tuple[str, BaseException | None]:
        done = CliRunner().invoke(app, ["aliases", *words])
        return done.stdout, done.exception

    number = json.loads(run("add", COMMUNITY, "老南门", "--kind", "old_name", "--json")[0])["id"]
    assert "老南门" in run("list")[0]
    assert meant(database, "老南门") == COMMUNITY
    assert run("remove", number)[1] is None
    assert json.loads(run("list", "--json")[0])["items"] == []
    assert isinstance(run("remove", number)[1], AliasUnknown)
    assert isinstance(run("add", "999999", "老南门")[1], AreaUnknown)
    assert isinstance(run("add", COMMUNITY, "南")[1], AliasInvalid)
