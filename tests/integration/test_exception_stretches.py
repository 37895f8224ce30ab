"""Exceptions along a line: this stretch, this category, that unit decides; by API and command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from pyproj import Geod
from typer.testing import CliRunner

from api.app import create_app
from api.cli import exceptions as command
from gis.errors import ExceptionInvalid
from gis.geometry.stretch import shared_border, stretch
from gis.governance.actors import SYSTEM
from gis.services import exceptions
from gis.services.access import issue_token
from gis.services.boundary_check import check_boundaries
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import SIDE, SOUTH, WEST, SmallCity, small_city

if TYPE_CHECKING:
    from click.testing import Result

GEOD = Geod(ellps="WGS84")
RUBBISH = "event-exposed-rubbish"


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def door(database: Database, city: SmallCity, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(home=tmp_path, log_level="warning")
    with TestClient(create_app(settings, database)) as client:
        client.headers["Authorization"] = (
            f"Bearer {issue_token(database, SYSTEM, role='dispatcher').secret}"
        )
        client.headers["Accept-Language"] = "en"
        yield client


def until(days: int = 1) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def east_of_the_line(metres: float, row: float = 0.5) -> dict[str, float]:
    """A place so far east of the line between the first two grids."""
    lon, lat, _ = GEOD.fwd(WEST + SIDE, SOUTH + row * SIDE, 90, metres)
    return {"lon": lon, "lat": lat}


def grid_at(door: TestClient, place: dict[str, float], category: str | None = None) -> str:
    body = {"location": {**place, "accuracy_m": 1}, "category": category}
    answer = door.post("/v1/match", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["candidates"][0]["code"])


def test_the_border_of_two_grids_for_one_category_goes_to_one_of_them(
    door: TestClient, city: SmallCity
) -> None:
    one, two, *_ = city.grids
    body: dict[str, Any] = {
        "between": [one, two], "width_m": 40, "area": one, "category": RUBBISH,
        "reason": "道路两侧由一网格清运", "expires_at": until(),
    }  # fmt: skip
    made = door.post("/v1/boundaries/exceptions", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["width_m"] == 40
    assert made.json()["line"]["type"] == "MultiLineString"
    assert grid_at(door, east_of_the_line(19), RUBBISH) == one
    assert grid_at(door, east_of_the_line(21), RUBBISH) == two
    assert grid_at(door, east_of_the_line(19)) == two
    assert grid_at(door, east_of_the_line(19, row=1.5), RUBBISH) == city.grids[3]
    found = check_boundaries(door.app.state.runtime.database, SYSTEM)  # type: ignore[attr-defined]
    (listed,) = found.by_kind()["boundary-exception"]
    assert (listed.code, listed.facts["category"]) == (one, RUBBISH)
    assert listed.facts["area_m2"] == pytest.approx(40 * GEOD.inv(
        WEST, SOUTH, WEST, SOUTH + SIDE)[2], rel=0.01)  # fmt: skip
    assert door.delete(f"/v1/boundaries/exceptions/{made.json()['id']}").status_code == 200
    assert grid_at(door, east_of_the_line(19), RUBBISH) == two


def test_a_part_of_the_border_and_a_line_of_its_own(door: TestClient, city: SmallCity) -> None:
    one, two, *_ = city.grids
    south_half = json.loads(
        shapely.to_geojson(shapely.box(WEST, SOUTH, WEST + 2 * SIDE, SOUTH + SIDE / 2))
    )
    body: dict[str, Any] = {
        "between": [one, two], "geometry": south_half, "width_m": 40, "area": one,
        "reason": "南段", "expires_at": until(),
    }  # fmt: skip
    assert door.post("/v1/boundaries/exceptions", json=body).status_code == 201
    assert grid_at(door, east_of_the_line(10, row=0.25)) == one
    assert grid_at(door, east_of_the_line(10, row=0.75)) == two
    lane = {
        "type": "LineString",
        "coordinates": [[WEST + 1.5 * SIDE, SOUTH], [WEST + 1.5 * SIDE, SOUTH + SIDE]],
    }
    line = {"geometry": lane, "width_m": 12, "area": one, "reason": "小巷", "expires_at": until()}
    assert door.post("/v1/boundaries/exceptions", json=line).status_code == 201
    assert grid_at(door, {"lon": WEST + 1.5 * SIDE + 5e-5, "lat": SOUTH + SIDE / 2}) == one
    assert grid_at(door, {"lon": WEST + 1.5 * SIDE + 9e-5, "lat": SOUTH + SIDE / 2}) == two


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width_m": None}, "needs width_m"),
        ({"between": ["341102001001001", "nowhere"]}, "nowhere"),
        ({"between": ["341102001001001", "341102001001001"]}, "two standing areas"),
        ({"between": None}, "name a geometry"),
        ({"between": None, "geometry": {"type": "LineString", "coordinates": [[118, 32]]}}, "no"),
        (
            {
                "between": None,
                "width_m": None,
                "geometry": {"type": "LineString", "coordinates": [[118, 32], [118, 33]]},
            },
            "a line needs width_m",
        ),
        ({"geometry": {"type": "LineString", "coordinates": [[118, 32], [118, 33]]}}, "polygon"),
        ({"width_m": -3}, "greater than 0"),
        ({"width_m": 5000}, "500"),
        ({"crs": "EPSG:999999", "between": None, "geometry": {"type": "Point"}}, "EPSG"),
    ],
)
def test_a_stretch_that_cannot_be_is_refused_in_words(
    door: TestClient, city: SmallCity, change: dict[str, Any], words: str
) -> None:
    body = {
        "between": list(city.grids[:2]), "width_m": 40, "area": city.grids[0], "reason": "x",
        "expires_at": until(),
    }  # fmt: skip
    answer = door.post("/v1/boundaries/exceptions", json=body | change)
    assert answer.status_code in (422, 404)
    assert words in answer.text
    assert door.get("/v1/boundaries/exceptions").json()["items"] == []


def test_areas_without_a_common_border_have_no_stretch(database: Database, city: SmallCity) -> None:
    with pytest.raises(ExceptionInvalid, match="share no border"):
        exceptions.add(
            database, SYSTEM, between=(city.grids[0], city.grids[3]), width_m=10,
            area=city.grids[0], unit=None, category=None, reason="x",
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )  # fmt: skip


def test_lines_drawn_twice_share_a_border_all_the_same() -> None:
    west = shapely.box(118.0, 32.0, 118.01, 32.01)
    east = shapely.box(118.01 + 5e-6, 32.0, 118.02, 32.01)  # half a metre apart
    line = shared_border(west, east)
    assert line is not None
    length = GEOD.geometry_length(line)
    assert length == pytest.approx(GEOD.inv(118.01, 32.0, 118.01, 32.01)[2], rel=0.01)
    ground = stretch(line, 30.0)
    area_m2 = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(ground))[0])
    assert area_m2 == pytest.approx(30 * length, rel=0.01)


def test_by_command_with_a_file_and_expiry(
    database: Database, city: SmallCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    monkeypatch.setattr(command, "open_database", opened)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    def run(*words: object) -> Result:
        return CliRunner().invoke(command.app, [str(word) for word in words])

    lane = np.array([[WEST + SIDE, SOUTH], [WEST + SIDE, SOUTH + SIDE]]).tolist()
    path = tmp_path / "lane.geojson"
    path.write_text(json.dumps({
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {},
                      "geometry": {"type": "LineString", "coordinates": lane}}],
    }))  # fmt: skip
    why = ("--reason", "路口", "--expires", "2999-01-01", "--unit", "U1")
    made = run("add", "--file", path, "--width", 20, *why, "--json")
    assert made.exit_code == 0, made.output
    number = json.loads(made.stdout)["id"]
    assert json.loads(run("list", "--json").stdout)["items"][0]["width_m"] == 20
    assert "宽 20 米" in run("list").stderr
    border = run("add", "--between", *city.grids[:2], "--width", 8, *why)
    assert border.exit_code == 0, border.output
    assert run("end", number).exit_code == 0
    assert len(json.loads(run("list", "--json").stdout)["items"]) == 1
    assert len(json.loads(run("list", "--ended", "--json").stdout)["items"]) == 2
    assert run("add", "--file", tmp_path / "none.geojson", *why).exit_code == 2
