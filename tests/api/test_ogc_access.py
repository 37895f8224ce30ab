"""Who sees what of the layers: the same in Features, tiles, files and the description."""

# ruff: noqa: ANN401 - parsed JSON and frames

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import mapbox_vector_tile
import pytest

from gis.governance.actors import ROLES, Actor
from gis.store.layer_tiles import Tile
from layers.catalogue import LAYERS, View, layers_for
from tests.conftest import Token

STAFF_LAYERS = {"events", "worker-areas", "deliberation-desk"}


def items(client: httpx.Client, layer: str, who: dict[str, str], **query: str) -> Any:
    answer = client.get(f"/ogc/collections/{layer}/items", params=query, headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def tile_of(client: httpx.Client, layer: str, who: dict[str, str], feature: Any) -> list[Any]:
    """Return the features of the tile at zoom 14 in which a feature lies."""
    places = feature["geometry"]["coordinates"]
    while isinstance(places[0], list):
        places = places[0]
    tile = next(
        Tile(14, x, y)
        for x in range(
            int((places[0] + 180) / 360 * 2**14), int((places[0] + 180) / 360 * 2**14) + 1
        )
        for y in range(6500, 6800)
        if Tile(14, x, y).degrees()[1] <= places[1] <= Tile(14, x, y).degrees()[3]
    )
    path = f"/ogc/collections/{layer}/tiles/WebMercatorQuad/{tile.z}/{tile.y}/{tile.x}"
    answer = client.get(path, headers=who)
    assert answer.status_code == 200, answer.text
    found: list[Any] = mapbox_vector_tile.decode(answer.content)[layer]["features"]
    return found


def test_layers_of_staff_are_not_there_for_others(client: httpx.Client, token: Token) -> None:
    for who in ({}, token("viewer"), token("reporter")):
        listed = {
            one["id"] for one in client.get("/ogc/collections", headers=who).json()["collections"]
        }
        assert not STAFF_LAYERS & listed
        assert "grids" in listed
        for layer in STAFF_LAYERS:
            for path in (
                "",
                "/items",
                "/items/1",
                "/queryables",
                "/tiles/WebMercatorQuad/12/1659/3394",
            ):
                assert client.get(f"/ogc/collections/{layer}{path}", headers=who).status_code == 404
            whole = f"/ogc/tiles/WebMercatorQuad/12/1659/3394?collections={layer}"
            assert client.get(whole, headers=who).status_code == 404
        api = client.get("/ogc/api", headers=who).text
        assert "/collections/events" not in api
    listed = client.get("/ogc/collections", headers=token("dispatcher")).json()["collections"]
    assert {one["id"] for one in listed} >= STAFF_LAYERS


def test_attributes_of_staff_are_in_no_answer_for_others(
    client: httpx.Client, token: Token
) -> None:
    planner = token("planner")
    homes = items(client, "buildings", planner, filter="households >= 5", limit="1")["features"]
    assert homes[0]["properties"]["residents"] > 0
    for who in ({}, token("viewer")):
        shown = items(client, "buildings", who, limit="3")["features"]
        assert all("residents" not in one["properties"] for one in shown)
        for query in (
            {"filter": "residents > 100"},
            {"residents": "3"},
            {"properties": "residents"},
        ):
            answer = client.get("/ogc/collections/buildings/items", params=query, headers=who)
            assert answer.status_code == 400
        schema = client.get("/ogc/collections/buildings/queryables", headers=who).json()
        assert "residents" not in schema["properties"]
        assert all(
            "residents" not in f["properties"] for f in tile_of(client, "buildings", who, homes[0])
        )
        text = client.get(
            "/ogc/collections/buildings/items", params={"f": "csv", "limit": "3"}, headers=who
        ).text
        assert "residents" not in text.splitlines()[0]
    assert any(
        f["properties"]["residents"] for f in tile_of(client, "buildings", planner, homes[0])
    )


def test_single_households_are_never_public(client: httpx.Client, token: Token) -> None:
    few = items(
        client, "buildings", token("planner"), filter="households BETWEEN 1 AND 4", limit="1"
    )
    assert few["features"], "the demo city has houses of one family"
    code = few["features"][0]["id"]
    for who in ({}, token("viewer"), token("grid_worker")):
        assert (
            client.get(f"/ogc/collections/buildings/items/{code}", headers=who).status_code == 404
        )
        assert (
            items(client, "buildings", who, code=few["features"][0]["properties"]["code"])[
                "features"
            ]
            == []
        )
    shown = items(client, "buildings", {}, limit="1")["numberMatched"]
    every = items(client, "buildings", token("planner"), limit="1")["numberMatched"]
    assert shown < every


def test_area_limits_rows_of_staff_layers_and_masks_attributes(
    client: httpx.Client, token: Token
) -> None:
    area = items(client, "counties", {}, limit="1")["features"][0]["id"]
    near, everywhere = token("dispatcher", area), token("dispatcher")
    own = items(client, "events", near, limit="10000")["features"]
    every = items(client, "events", everywhere, limit="10000")["features"]
    assert 0 < len(own) < len(every)
    assert all((one["properties"]["grid"] or area).startswith(area) for one in own)
    outside = next(one for one in every if one["id"] not in {each["id"] for each in own})
    assert (
        client.get(f"/ogc/collections/events/items/{outside['id']}", headers=near).status_code
        == 404
    )
    numbers = {one["properties"]["number"] for one in own}
    drawn = {f["properties"]["number"] for f in tile_of(client, "events", near, own[0])}
    assert drawn <= numbers
    text = client.get("/ogc/collections/events/items", params={"f": "csv"}, headers=near).text
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert {row["number"] for row in rows} == numbers
    # buildings are public, their people are not: empty outside the planner's area
    planner = token("planner", area)
    for building in items(client, "buildings", planner, filter="households >= 5", limit="10000")[
        "features"
    ]:
        assert building["properties"]["grid"].startswith(area)
    shown = items(client, "buildings", planner, limit="10000")["features"]
    beyond = [one for one in shown if not (one["properties"]["grid"] or "").startswith(area)]
    assert beyond
    assert all(one["properties"]["residents"] is None for one in beyond)


def test_reporters_words_are_for_handlers(client: httpx.Client, token: Token) -> None:
    handled = items(client, "events", token("dispatcher"), limit="1")["features"][0]["properties"]
    planned = items(client, "events", token("planner"), limit="1")["features"][0]["properties"]
    assert {"address", "description"} <= set(handled)
    assert not {"address", "description", "reporter"} & set(planned)
    assert "reporter" not in handled


def test_shared_caches_keep_nothing_private(client: httpx.Client, token: Token) -> None:
    path = "/ogc/collections/{}/items?limit=1"
    assert client.get(path.format("grids")).headers["cache-control"].startswith("public")
    private = client.get(path.format("buildings"), headers=token("planner"))
    assert private.headers["cache-control"].startswith("private")
    assert "Authorization" in private.headers["vary"]


@pytest.mark.parametrize("layer", LAYERS)
def test_views_that_differ_have_keys_that_differ(layer: str) -> None:
    seen: dict[str, tuple[Any, ...]] = {}
    for role in (*ROLES, "anonymous"):
        for area in (None, "341102"):
            view = View.of(LAYERS[layer], Actor("x", role, area))
            answer = (
                view.names,
                view.trusted and LAYERS[layer].households,
                view.rows_within,
                view.area if view.masked or view.rows_within else None,
            )
            assert seen.setdefault(view.key, answer) == answer


def test_catalogue_says_everything_in_both_languages() -> None:
    for layer in LAYERS.values():
        assert all((layer.title_zh, layer.title_en, layer.about_zh, layer.about_en))
        for one in layer.attributes:
            assert one.title_zh
            assert one.title_en
    assert {one.key for one in layers_for(Actor("x", "anonymous"))} == set(LAYERS) - STAFF_LAYERS
