"""OGC API Tiles, caching, TileJSON."""

from __future__ import annotations

import math

import mapbox_vector_tile

from tests.conformance.service import (
    EPSG,
    Service,
    rels,
    requirement,
)


@requirement(
    "tiles-1 /req/tilesets-list/tileset-links",
    "tiles-1 /req/geodata-tilesets/desc-links",
    "tiles-1 /req/tileset/description",
    "tiles-1 /req/dataset-tilesets/landingpage",
)
def tile_sets(service: Service) -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
    assert rel in rels(service.json(""))
    (link,) = rels(service.json(f"/collections/{service.layer}"))[rel]
    for listed in (service.http.get(link["href"]).json(), service.json("/tiles")):
        (one,) = listed["tilesets"]
        assert one["dataType"] == "vector"
        assert one["crs"] == f"{EPSG}3857"
        own = rels(one)
        described = service.http.get(own["self"][0]["href"]).json()
        assert described["tileMatrixSetURI"].endswith("WebMercatorQuad")
        (template,) = own["item"]
        assert template["templated"] is True
        assert "{tileMatrix}/{tileRow}/{tileCol}" in template["href"]
        assert (
            service.http.get(
                own["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"][0]["href"]
            ).status_code
            == 200
        )


@requirement("tms-2 /req/json-tilematrixset-encoding: WebMercatorQuad")
def tile_matrices(service: Service) -> None:
    (listed,) = service.json("/tileMatrixSets")["tileMatrixSets"]
    matrices = service.http.get(rels(listed)["self"][0]["href"]).json()
    assert matrices["id"] == listed["id"] == "WebMercatorQuad"
    assert matrices["crs"] == f"{EPSG}3857"
    half = math.pi * 6378137
    for zoom, one in enumerate(matrices["tileMatrices"]):
        assert one["id"] == str(zoom)
        assert one["matrixWidth"] == one["matrixHeight"] == 2**zoom
        side = 2 * half / 2**zoom / one["tileWidth"]
        assert math.isclose(one["cellSize"], side, rel_tol=1e-9)
        assert math.isclose(one["scaleDenominator"], side / 0.00028, rel_tol=1e-9)
        west, north = one["pointOfOrigin"]
        assert math.isclose(-west, half, rel_tol=1e-9)
        assert math.isclose(north, half, rel_tol=1e-9)


@requirement("tiles-1 /req/core/tc-op", "tiles-1 /req/core/tc-success", "tiles-1 /req/mvt/content")
def a_tile(service: Service) -> None:
    row, column = service.tile(12)
    answer = service.get(f"/collections/{service.layer}/tiles/WebMercatorQuad/12/{row}/{column}")
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    layers = mapbox_vector_tile.decode(answer.content)
    features = {f["properties"]["code"]: f for f in layers[service.layer]["features"]}
    sample = service.sample["properties"]
    assert isinstance(features[sample["code"]]["properties"]["residents"], int)
    assert features[sample["code"]]["properties"]["name"] == sample["name"]
    assert f"{service.layer}-labels" in layers


@requirement("tiles-1 /req/core/tc-error")
def tile_errors(service: Service) -> None:
    at = f"/collections/{service.layer}/tiles/WebMercatorQuad"
    row, column = service.tile(12)
    for path in ("30/1/1", "12/99999/1", "12/1/99999", "x/1/1", f"3/{2}/{2}", "12/-1/0"):
        service.get(f"{at}/{path}", 404)
    service.get(f"{at}/12/{row}/{column}", 400, nonesuch="1")
    service.get(f"/collections/{service.layer}/tiles/Nonesuch/12/{row}/{column}", 404)
    assert service.get(f"{at}/12/0/0", 204).content == b""


@requirement("tiles-1 /req/collections-selection/collections-parameter")
def selection(service: Service) -> None:
    row, column = service.tile(12)
    path = f"/tiles/WebMercatorQuad/12/{row}/{column}"
    layers = mapbox_vector_tile.decode(
        service.get(path, collections=f"{service.layer},counties").content
    )
    assert {service.layer, "counties"} <= set(layers)
    assert "grids" not in layers
    assert len(mapbox_vector_tile.decode(service.get(path).content)) > 3
    service.get(path, 404, collections="nonesuch")


@requirement("gridward caching: strong tags, 304")
def tags(service: Service) -> None:
    row, column = service.tile(12)
    for path in (
        f"/collections/{service.layer}/tiles/WebMercatorQuad/12/{row}/{column}",
        f"/collections/{service.layer}/tiles/WebMercatorQuad/12/0/0",
        f"/tiles/WebMercatorQuad/12/{row}/{column}?collections={service.layer}",
        f"/collections/{service.layer}/items?limit=2",
        "/collections/stations/items?limit=2",
    ):
        first = service.http.get(service.root + path)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        again = service.http.get(service.root + path, headers={"If-None-Match": tag})
        assert again.status_code == 304, path
        assert again.content == b""
        assert service.http.get(
            service.root + path, headers={"If-None-Match": '"x"'}
        ).status_code in (200, 204)
        assert service.http.get(service.root + path).content == first.content


@requirement("gridward TileJSON 3.0")
def tilejson(service: Service) -> None:
    document = service.json(f"/collections/{service.layer}/tiles/WebMercatorQuad/tilejson")
    assert document["tilejson"] == "3.0.0"
    assert [layer["id"] for layer in document["vector_layers"]] == [
        service.layer,
        f"{service.layer}-labels",
    ]
    row, column = service.tile(12)
    address = document["tiles"][0].format(z=12, y=row, x=column)
    answer = service.http.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    buildings = service.json("/collections/buildings/tiles/WebMercatorQuad/tilejson")
    assert buildings["vector_layers"][0]["aggregated"] is True
