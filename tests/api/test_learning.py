"""What was learned, over HTTP: read by planners only, taken back, and paged."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from gis.governance.actors import SYSTEM, Actor
from gis.services.access import issue_token
from gis.services.learning import Confirmed, learn_from_correction
from gis.services.lookup import Boundaries
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, small_city
from tests.integration.test_learning import an_event

Header = Callable[[str], dict[str, str]]


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
    def header(role: str) -> dict[str, str]:
        secret = issue_token(database, SYSTEM, role=role).secret
        return {"Authorization": f"Bearer {secret}"}

    return header


def confirm(database: Database, grid: str, words: str) -> int:
    """A dispatcher places an event by its words."""
    with database.transaction(Actor("dispatcher-1", "dispatcher")) as work:
        confirmed = Confirmed(
            event_id=an_event(work),
            source="snap",
            category="event-exposed-rubbish",
            address=words,
            raw_location=None,
            place=None,
            match={"decision": "review"},
            grid=grid,
        )
        return learn_from_correction(work, Boundaries(database).snapshot(work), confirmed)


def test_corrections_are_paged_and_can_be_taken_back(
    client: TestClient, signed: Header, database: Database, city: SmallCity
) -> None:
    numbers = [confirm(database, city.grids[1], "老菜场后门") for _ in range(3)]
    planner = signed("planner")
    first = client.get("/v1/learning/corrections?limit=2", headers=planner).json()
    assert [row["id"] for row in first["items"]] == [str(n) for n in numbers[:0:-1]]
    rest = client.get(first["next"], headers=planner).json()
    assert [row["id"] for row in rest["items"]] == [str(numbers[0])]
    assert rest["next"] is None
    # whatever is learned through this process counts at once, from others within a second
    client.put("/v1/learning/precisions/event-fire", json={"precision": 0.9}, headers=planner)
    asked = {"address": "老菜场后门"}
    before = client.post("/v1/match", json=asked, headers=planner).json()
    assert before["candidates"][0]["code"] == city.grids[1]
    for number in numbers:
        undone = client.delete(f"/v1/learning/corrections/{number}", headers=planner)
        assert (undone.status_code, undone.json()["undone"]) == (200, True)
    after = client.post("/v1/match", json=asked, headers=planner).json()
    assert after["candidates"] == []
    again = client.delete(f"/v1/learning/corrections/{numbers[0]}", headers=planner)
    assert again.status_code == 404
    assert again.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/learning", headers=planner).json()["aliases"] == []


def test_what_was_learned_is_exported_as_a_sheet_of_the_own_area(
    client: TestClient, database: Database, city: SmallCity, signed: Header
) -> None:
    confirm(database, city.grids[1], "=老菜场后门")
    confirm(database, city.grids[2], "新菜场前门")
    planner = signed("planner")
    answer = client.get("/v1/learning/export", headers=planner)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="learned-corrections.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["confirmed_grid"] for row in rows] == [city.grids[2], city.grids[1]]
    assert rows[1]["address"] == "'=老菜场后门", "no spreadsheet takes it for a formula"
    secret = issue_token(database, SYSTEM, role="planner", area=city.grids[1]).secret
    inside = {"Authorization": f"Bearer {secret}"}
    aliases = client.get("/v1/learning/export?table=aliases", headers=inside).text
    assert city.grids[1] in aliases
    assert city.grids[2] not in aliases
    shown = client.get("/v1/learning", headers=inside).json()["aliases"]
    assert [row["confirmed_grid"] for row in shown] == [city.grids[1]]
    wrong = client.get("/v1/learning/export?table=people", headers=planner)
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")


def test_a_category_gets_a_precision_of_its_own(client: TestClient, signed: Header) -> None:
    planner = signed("planner")
    put = client.put("/v1/learning/precisions/event-fire", json={"precision": 0.9}, headers=planner)
    assert put.status_code == 204
    rows = client.get("/v1/learning", headers=planner).json()["precisions"]
    assert [(row["category"], row["precision"]) for row in rows] == [("event-fire", 0.9)]
    bad = client.put("/v1/learning/precisions/event-fire", json={"precision": 2}, headers=planner)
    assert bad.status_code == 422
    assert client.delete("/v1/learning/bad-pins/7", headers=planner).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [("viewer", 403), ("grid_worker", 403), ("dispatcher", 403), ("planner", 200), ("admin", 200)],
)
def test_what_was_learned_is_for_planners(
    client: TestClient, signed: Header, role: str, status: int
) -> None:
    assert client.get("/v1/learning", headers=signed(role)).status_code == status
    for path in ("corrections", "export"):
        assert client.get(f"/v1/learning/{path}", headers=signed(role)).status_code == status
