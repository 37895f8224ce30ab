"""``GET /v1/places``: the search box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from gis.governance.actors import SYSTEM

if TYPE_CHECKING:
    import httpx

    from gis.store.unit_of_work import Database


@pytest.fixture(scope="module")
def entry(demo_city: Database) -> dict[str, Any]:
    with demo_city.reading(SYSTEM) as work:
        row = work.row(
            sa.text(
                "select full_text, ST_X(geometry) lon, ST_Y(geometry) lat from gazetteer_entries "
                "where kind = 'road_number' order by id limit 1"
            )
        )
    assert row is not None
    return dict(row)


def test_address_is_found_with_its_areas_and_reasons(
    client: httpx.Client, entry: dict[str, Any]
) -> None:
    answer = client.get("/v1/places", params={"q": entry["full_text"]})
    assert answer.status_code == 200
    body = answer.json()
    best = body["items"][0]
    assert best["level"] == "door"
    assert (best["lon"], best["lat"]) == pytest.approx((entry["lon"], entry["lat"]), abs=1e-6)
    assert [area["level"] for area in best["path"]][:1] == ["city"]
    assert best["path"][-1]["level"] == "grid"
    assert best["reasons"][0]["text"].startswith("地名库")
    total = sum(item["probability"] for item in body["items"]) + body["none_probability"]
    assert total == pytest.approx(1.0)


def test_words_come_in_english(client: httpx.Client, entry: dict[str, Any]) -> None:
    answer = client.get(
        "/v1/places", params={"q": entry["full_text"]}, headers={"Accept-Language": "en"}
    )
    assert answer.json()["items"][0]["reasons"][0]["text"].startswith("The gazetteer")


def test_unknown_text_gives_an_empty_list(client: httpx.Client) -> None:
    body = client.get("/v1/places", params={"q": "不知道什么地方"}).json()
    assert sum(item["probability"] for item in body["items"]) < 0.5


def test_limit_is_kept(client: httpx.Client) -> None:
    assert len(client.get("/v1/places", params={"q": "人民路1号", "limit": 1}).json()["items"]) <= 1


def test_road_has_an_outline(client: httpx.Client, demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        name = work.scalar(sa.text("select min(name) from roads where name like '%路'"))
    items = client.get("/v1/places", params={"q": name}).json()["items"]
    road = next(item for item in items if item["level"] == "road")
    assert road["outline"]["type"] in ("LineString", "MultiLineString")


@pytest.mark.parametrize(
    "query", [{}, {"q": ""}, {"q": "x" * 5000}, {"q": "x", "limit": 0}, {"q": "x", "lon": "nan"}]
)
def test_bad_questions_are_refused(client: httpx.Client, query: dict[str, str]) -> None:
    assert client.get("/v1/places", params=query).status_code == 422
