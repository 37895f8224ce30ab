"""What other servers answer wrongly (measured on two of them), and what is wanted here."""

from __future__ import annotations

import json
import re

import httpx
import mapbox_vector_tile
import openapi_spec_validator
import pytest

ITEMS = "/ogc/collections/communities/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"

REFUSED = {
    "an unknown parameter is not ignored": {"nonesuch": "1"},
    "a box of three numbers": {"bbox": "1,2,3"},
    "malformed CQL2 is no 500": {"filter": "kind = = 'x'"},
    "a filter on an unknown property is no 500 and no empty page": {"filter": "nonesuch = 1"},
    "an unknown coordinate system": {"crs": f"{EPSG}1"},
    "a number where text is": {"filter": "name = 1"},
    "a power without end": {"filter": "residents ^ 99999 > 1"},
    "an instant without end": {"filter": "valid_from = TIMESTAMP('99999-01-01T00:00:00Z')"},
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_refused_with_400_and_words(client: httpx.Client, query: dict[str, str]) -> None:
    answer = client.get(ITEMS, params=query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "facts"}
    for word in ("select", "psycopg", "pest", "hint:", "column", "syntax", "-->"):
        assert word not in answer.text.lower().replace(json.dumps(query).lower(), "")
    assert answer.json()["type"].startswith("/problems/")
    english = client.get(ITEMS, params=query, headers={"Accept-Language": "en"}).json()
    assert english["detail"] != body["detail"]


def test_limit_above_the_maximum_is_clamped_and_goes_on(client: httpx.Client) -> None:
    answer = client.get("/ogc/collections/addresses/items", params={"limit": "9999999"})
    assert answer.status_code == 200
    body = answer.json()
    assert len(body["features"]) == min(10_000, body["numberMatched"])
    small = client.get(ITEMS, params={"limit": "2"}).json()
    assert [link for link in small["links"] if link["rel"] == "next"]


def test_coordinate_systems_are_obeyed(client: httpx.Client) -> None:
    plain = client.get(ITEMS, params={"limit": "1"})
    lon, lat = plain.json()["features"][0]["geometry"]["coordinates"][0][0][0]
    mercator = client.get(ITEMS, params={"limit": "1", "crs": f"{EPSG}3857"})
    x, y = mercator.json()["features"][0]["geometry"]["coordinates"][0][0][0]
    assert mercator.headers["content-crs"] == f"<{EPSG}3857>"
    assert x == pytest.approx(lon * 111319.490793, abs=0.01)
    assert y > 3_000_000
    swapped = client.get(ITEMS, params={"limit": "1", "crs": f"{EPSG}4326"})
    assert swapped.json()["features"][0]["geometry"]["coordinates"][0][0][0] == [lat, lon]
    assert swapped.headers["content-crs"] == f"<{EPSG}4326>"


def test_empty_tile_is_204_and_may_be_kept(client: httpx.Client) -> None:
    answer = client.get("/ogc/collections/grids/tiles/WebMercatorQuad/12/0/0")
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["etag"]
    assert "cache-control" in answer.headers


def test_tile_beyond_the_zooms_is_404(client: httpx.Client) -> None:
    for zoom in (8, 15, 22, 30, 99):
        path = f"/ogc/collections/grids/tiles/WebMercatorQuad/{zoom}/0/0"
        assert client.get(path).status_code == 404


def test_numbers_are_numbers(client: httpx.Client) -> None:
    road = client.get("/ogc/collections/roads/items", params={"limit": "1"}).json()["features"][0]
    assert isinstance(road["properties"]["length_m"], float)
    assert isinstance(road["properties"]["oneway"], bool)
    lon, lat = road["geometry"]["coordinates"][0]
    found = client.get("/ogc/collections/roads/items", params={
        "bbox": f"{lon},{lat},{lon},{lat}", "filter": "length_m > 0"})  # fmt: skip
    assert found.json()["features"]
    row, column = tile_at(lon, lat, 14)
    tile = client.get(f"/ogc/collections/roads/tiles/WebMercatorQuad/14/{row}/{column}")
    features = mapbox_vector_tile.decode(tile.content)["roads"]["features"]
    assert all(isinstance(one["properties"]["length_m"], float) for one in features)


def test_lines_are_joined_and_none_is_lost_at_low_zooms(client: httpx.Client) -> None:
    road = client.get("/ogc/collections/roads/items", params={"limit": "1"}).json()["features"][0]
    row, column = tile_at(*road["geometry"]["coordinates"][0], 10)
    tile = client.get(f"/ogc/collections/roads/tiles/WebMercatorQuad/10/{row}/{column}")
    features = mapbox_vector_tile.decode(tile.content)["roads"]["features"]
    kinds = [one["properties"]["class"] for one in features]
    assert len(kinds) == len(set(kinds))
    assert sum(one["properties"]["line_count"] for one in features) > len(kinds)


def test_description_is_3_0_with_nothing_outside(client: httpx.Client) -> None:
    answer = client.get("/ogc/api")
    assert "version=3.0" in answer.headers["content-type"]
    openapi_spec_validator.validate(answer.json())
    assert "schemas.opengis.net" not in answer.text
    references = re.findall(r'"\$ref":\s*"([^"]*)"', answer.text)
    assert all(one.startswith("#/") for one in references), "nothing to be fetched elsewhere"


def test_each_layer_links_to_a_style_of_its_tiles(client: httpx.Client) -> None:
    listed = client.get("/ogc/collections").json()["collections"]
    for one in listed:
        at = next(link for link in one["links"] if link["rel"] == "stylesheet")
        answer = client.get(at["href"])
        assert answer.headers["content-type"] == at["type"] == "application/vnd.mapbox.style+json"
        tiles = answer.json()["sources"][one["id"]]["tiles"][0]
        zoom = one["maxZoom"]
        address = tiles.replace("{z}", str(zoom)).replace("{y}", "0").replace("{x}", "0")
        assert client.get(address).status_code == 204
    assert client.get("/ogc/collections/events/style").status_code == 404
    assert client.get("/ogc/collections/grids/style?nonesuch=1").status_code == 400


def tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    import math

    side = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return int(row), int((lon + 180) / 360 * side)
