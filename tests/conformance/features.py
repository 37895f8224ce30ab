"""OGC API Features part 1."""

from __future__ import annotations

import re

import openapi_spec_validator

from tests.conformance.service import (
    CHECKS,
    CRS84,
    Document,
    Service,
    codes,
    first_ring,
    rels,
    requirement,
)


@requirement("features-1 /req/core/root-op", "features-1 /req/core/root-success")
def landing_page(service: Service) -> None:
    links = rels(service.json(""))
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(links)
    for rel in ("service-desc", "conformance", "data"):
        assert all(link["type"] for link in links[rel])
        assert service.http.get(links[rel][0]["href"]).status_code == 200


@requirement(
    "features-1 /req/core/api-definition-op",
    "features-1 /req/core/api-definition-success",
    "features-1 /req/oas30/oas-definition-1",
    "features-1 /req/oas30/oas-definition-2",
    "features-1 /req/oas30/oas-impl",
)
def api_definition(service: Service) -> None:
    answer = service.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0.")
    openapi_spec_validator.validate(document)
    assert "http" not in "".join(references(document)), "a reference leaves the document"
    for path in ("/", "/conformance", "/collections", f"/collections/{service.layer}/items"):
        assert path in document["paths"]


@requirement("features-1 /req/oas30/completeness")
def completeness(service: Service) -> None:
    paths = service.description["paths"]
    for each in service.json("/collections")["collections"]:
        own = f"/collections/{each['id']}"
        assert {own, f"{own}/items", f"{own}/items/{{featureId}}", f"{own}/queryables"} <= set(
            paths
        )
    for path, operations in paths.items():
        wanted = operations["get"].get("parameters", [])
        in_path = {one["name"] for one in wanted if one["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path)), path
        if in_path:
            continue
        given = {"limit": "1"} if path.endswith("/items") else {}
        answer = service.get("" if path == "/" else path, f="json", **given)
        told = operations["get"]["responses"]["200"]["content"]
        assert answer.headers["content-type"].partition(";")[0] in {
            kind.partition(";")[0] for kind in told
        }, path
        service.get("" if path == "/" else path, 400, nonesuch="1")


@requirement("features-1 /req/oas30/exceptions-codes", "features-1 /req/oas30/security")
def api_exceptions(service: Service) -> None:
    for operations in service.description["paths"].values():
        assert {"200", "400", "404", "503"} <= set(operations["get"]["responses"])
        assert operations["get"]["security"]
    assert service.description["components"]["securitySchemes"]


def references(node: Document) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


@requirement("features-1 /req/core/conformance-op", "features-1 /req/core/conformance-success")
def conformance(service: Service) -> None:
    claimed = service.json("/conformance")["conformsTo"]
    for part in (
        "features-1/1.0/conf/core",
        "features-1/1.0/conf/oas30",
        "features-1/1.0/conf/html",
        "features-1/1.0/conf/geojson",
        "features-2/1.0/conf/crs",
        "features-3/1.0/conf/queryables",
    ):
        assert f"http://www.opengis.net/spec/ogcapi-{part}" in claimed
    tested = set(CHECKS)
    for uri in claimed:
        standard, name = re.fullmatch(
            r"http://www\.opengis\.net/spec/(?:ogcapi-)?([\w-]+)/1\.0/conf/([\w-]+)", uri
        ).groups()
        if standard.startswith("common-") or uri.endswith("tiles-1/1.0/conf/oas30"):
            continue  # all of it is in Features: core, oas30
        assert any(one.startswith(f"{standard} /req/{name}/") for one in tested), uri


@requirement("features-1 /req/core/http")
def http(service: Service) -> None:
    items = f"/collections/{service.layer}/items"
    for path in ("", "/conformance", "/collections", items, f"{items}?f=csv", f"{items}?f=html"):
        whole = service.http.get(service.root + path)
        head = service.http.head(service.root + path)
        assert whole.http_version == "HTTP/1.1"
        assert (head.status_code, head.content) == (200, b""), path
        own = {"date", "x-request-id", "transfer-encoding"}
        assert {key: value for key, value in head.headers.items() if key not in own} == {
            key: value for key, value in whole.headers.items() if key not in own
        }, path
        refused = service.http.post(service.root + path)
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]
    assert service.http.head(f"{service.root}/collections/nonesuch").status_code == 404


@requirement("features-1 /req/core/crs84")
def frame_by_default(service: Service) -> None:
    lon, lat = first_ring(service.sample)[0]
    west, south, east, north = service.box
    assert west - 1e-6 <= lon <= east + 1e-6
    assert south - 1e-6 <= lat <= north + 1e-6


@requirement("features-1 /req/core/query-param-unknown")
def unknown_parameter(service: Service) -> None:
    service.refused(nonesuch="1")
    for path in (
        "",
        "/conformance",
        "/collections",
        f"/collections/{service.layer}",
        "/api",
        f"/collections/{service.layer}/queryables",
        "/tileMatrixSets",
        f"/collections/{service.layer}/items/{service.sample['id']}",
    ):
        service.get(path, 400, nonesuch="1")


@requirement("features-1 /req/core/query-param-invalid")
def invalid_values(service: Service) -> None:
    for query in (
        {"limit": "0"},
        {"limit": "-3"},
        {"limit": "many"},
        {"bbox": "1,2,3"},
        {"f": "x"},
        {"bbox": "a,b,c,d"},
        {"bbox": "1,2,3,nan"},
        {"datetime": "yesterday"},
        {"datetime": "2024-13-01T00:00:00Z"},
        {"datetime": "../.."[:0]},
        {"offset": "-1"},
        {"cursor": "@"},
        {"residents": "many"},
        {"properties": "nonesuch"},
        {"datetime": "2024-01-02T00:00:00Z/2024-01-01T00:00:00Z"},
    ):
        service.refused(**query)


@requirement(
    "features-1 /req/core/fc-md-op",
    "features-1 /req/core/fc-md-success",
    "features-1 /req/core/fc-md-links",
    "features-1 /req/core/fc-md-items",
    "features-1 /req/core/fc-md-items-links",
    "features-1 /req/core/fc-md-extent",
)
def collections(service: Service) -> None:
    document = service.json("/collections")
    assert {"self", "alternate"} <= set(rels(document))
    assert len({each["id"] for each in document["collections"]}) == len(document["collections"]) > 5
    for each in document["collections"]:
        links = rels(each)
        assert {"items", "http://www.opengis.net/def/rel/ogc/1.0/queryables"} <= set(links)
        assert "application/geo+json" in {link["type"] for link in links["items"]}
        (box,) = each["extent"]["spatial"]["bbox"]
        assert box[0] <= box[2]
        assert box[1] <= box[3]
        assert each["itemType"] == "feature"
        assert each["crs"][0] == CRS84


@requirement("features-1 /req/core/sfc-md-op", "features-1 /req/core/sfc-md-success")
def one_collection(service: Service) -> None:
    listed = {one["id"]: one for one in service.json("/collections")["collections"]}
    one = service.json(f"/collections/{service.layer}")
    for member in ("id", "title", "description", "extent", "crs", "storageCrs"):
        assert one[member] == listed[service.layer][member]
    service.get("/collections/nonesuch", 404)
    service.get("/collections/nonesuch/items", 404)


@requirement(
    "features-1 /req/core/fc-op",
    "features-1 /req/core/fc-response",
    "features-1 /req/geojson/definition",
    "features-1 /req/geojson/content",
)
def features(service: Service) -> None:
    answer = service.get(f"/collections/{service.layer}/items", limit="5")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    for feature in body["features"]:
        assert feature["type"] == "Feature"
        assert feature["id"]
        assert isinstance(feature["properties"]["residents"], int)
        assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")


@requirement("features-1 /req/core/fc-op: every collection", "features-1 /req/core/f-op: every one")
def features_of_all(service: Service) -> None:
    shown = 0
    for each in service.json("/collections")["collections"]:
        page = service.json(f"/collections/{each['id']}/items", limit="2")
        assert page["type"] == "FeatureCollection"
        assert page["numberReturned"] == len(page["features"]) <= 2
        (box,) = each["extent"]["spatial"]["bbox"]
        for feature in page["features"]:
            own = service.json(f"/collections/{each['id']}/items/{feature['id']}")
            for member in ("type", "id", "properties", "geometry"):
                assert own[member] == feature[member], (each["id"], member)
            lon, lat = first_point(feature)
            assert box[0] - 1e-6 <= lon <= box[2] + 1e-6, each["id"]
            assert box[1] - 1e-6 <= lat <= box[3] + 1e-6, each["id"]
            shown += 1
    assert shown > 10


def first_point(feature: Document) -> list[float]:
    place = feature["geometry"]["coordinates"]
    while isinstance(place[0], list):
        place = place[0]
    return place[:2]


@requirement(
    "features-1 /req/core/fc-limit-definition",
    "features-1 /req/core/fc-bbox-definition",
    "features-1 /req/core/fc-time-definition",
)
def parameter_definitions(service: Service) -> None:
    path = service.description["paths"][f"/collections/{service.layer}/items"]
    given = {one["name"]: one for one in path["get"]["parameters"]}
    limit = given["limit"]["schema"]
    assert limit["type"] == "integer"
    assert 1 == limit["minimum"] <= limit["default"] <= limit["maximum"]
    box = given["bbox"]
    assert box["style"] == "form"
    assert box["explode"] is False
    assert box["schema"]["type"] == "array"
    assert box["schema"]["items"]["type"] == "number"
    assert [(one["minItems"], one["maxItems"]) for one in box["schema"]["oneOf"]] == [
        (4, 4),
        (6, 6),
    ]
    assert given["datetime"]["schema"]["type"] == "string"
    assert all(one["in"] == "query" and not one["required"] for one in given.values())


@requirement("features-1 /req/core/fc-limit-response-1")
def limit(service: Service) -> None:
    assert len(service.items(limit="3")["features"]) == 3
    path = service.description["paths"][f"/collections/{service.layer}/items"]
    (told,) = (one["schema"] for one in path["get"]["parameters"] if one["name"] == "limit")
    plain = service.items()
    assert plain["numberReturned"] == min(plain["numberMatched"], told["default"])
    most = service.items(limit="100000000")
    assert most["numberReturned"] == len(most["features"]) == min(most["numberMatched"], 10_000)


@requirement("features-1 /req/core/fc-bbox-response")
def bbox(service: Service) -> None:
    lon, lat = service.middle
    around = f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"
    found = service.items(bbox=around)
    assert service.sample["id"] in codes(found)
    assert found["numberMatched"] < service.items()["numberMatched"]
    six = service.items(bbox=f"{lon - 0.001},{lat - 0.001},-10,{lon + 0.001},{lat + 0.001},10")
    assert codes(six) == codes(found)
    every = service.items(limit="1")["numberMatched"]
    assert service.items(bbox="177,65,-177,70")["features"] == []
    west, south, east, north = service.box
    around_the_back = f"{west - 1},{south - 1},-170,{north + 1}"
    assert service.items(bbox=around_the_back, limit="1")["numberMatched"] == every
    without = f"{east + 1},{south - 1},{west - 1},{north + 1}"
    assert service.items(bbox=without)["features"] == []
    assert service.items(bbox="-180,85,180,90")["features"] == []
    assert service.items(bbox="-180,-90,180,-85")["features"] == []
    assert (
        service.items(bbox="-180,-90,180,90")["numberMatched"] == service.items()["numberMatched"]
    )


@requirement("features-1 /req/core/fc-time-response")
def time(service: Service) -> None:
    every = service.items(limit="1")["numberMatched"]
    assert service.items(datetime="../..")["numberMatched"] == every
    assert service.items(datetime="2099-01-01T00:00:00Z/..")["numberMatched"] == every
    assert service.items(datetime="2099-01-01T00:00:00Z/")["numberMatched"] == every
    assert service.items(datetime="../1901-01-01T00:00:00Z")["numberMatched"] == 0
    assert service.items(datetime="1901-01-01T00:00:00Z")["numberMatched"] == 0
    assert service.items(datetime="1900-01-01/2099-12-31T00:00:00Z")["numberMatched"] == every
    assert service.items(datetime="/2099-01-01T00:00:00Z")["numberMatched"] == every
    assert service.items(datetime="/1901-01-01T00:00:00Z")["numberMatched"] == 0
    since = service.sample["properties"]["valid_from"]
    assert service.sample["id"] in codes(service.items(datetime=since, limit="10000"))


@requirement("features-1 /req/core/fc-links", "features-1 /req/core/fc-rel-type")
def page_links(service: Service) -> None:
    links = rels(service.items(limit="1"))
    assert {"self", "alternate", "next", "collection"} <= set(links)
    (own,) = links["self"]
    page = service.items(limit="1")
    assert service.http.get(own["href"]).json()["features"] == page["features"]
    for link in links["alternate"]:
        shown = service.http.get(link["href"]).headers["content-type"]
        assert shown.partition(";")[0] == link["type"].partition(";")[0]
    assert all(link["type"] for listed in links.values() for link in listed)
    (following,) = links["next"]
    second = service.http.get(following["href"]).json()
    assert len(second["features"]) == 1
    assert codes(second) != [service.sample["id"]]


@requirement(
    "features-1 /req/core/fc-numberMatched",
    "features-1 /req/core/fc-numberReturned",
    "features-1 /req/core/fc-timeStamp",
)
def numbers(service: Service) -> None:
    page = service.items(limit="7")
    assert page["numberReturned"] == len(page["features"]) == 7
    assert page["numberMatched"] >= page["numberReturned"]
    assert "timeStamp" not in page, "pages are the same bytes as long as the data is"


@requirement("gridward paging: every feature once, by cursor and by offset")
def paging(service: Service) -> None:
    found, page = [], service.items(limit="40")
    while True:
        found += codes(page)
        following = rels(page).get("next")
        if following is None:
            break
        page = service.http.get(following[0]["href"]).json()
    assert len(found) == len(set(found)) == page["numberMatched"]
    assert found == sorted(found)
    assert codes(service.items(limit="5", offset="10")) == found[10:15]


@requirement(
    "features-1 /req/core/f-op", "features-1 /req/core/f-success", "features-1 /req/core/f-links"
)
def one_feature(service: Service) -> None:
    path = f"/collections/{service.layer}/items/{service.sample['id']}"
    feature = service.json(path)
    assert feature["properties"] == service.sample["properties"]
    assert feature["geometry"] == service.sample["geometry"]
    assert {"self", "alternate", "collection"} <= set(rels(feature))
    service.get(f"/collections/{service.layer}/items/nonesuch", 404)


@requirement("features-1 /req/html/definition", "features-1 /req/html/content")
def pages(service: Service) -> None:
    for path in (
        "",
        "/conformance",
        "/collections",
        f"/collections/{service.layer}",
        "/api",
        f"/collections/{service.layer}/items",
        f"/collections/{service.layer}/queryables",
        f"/collections/{service.layer}/items/{service.sample['id']}",
    ):
        for answer in (
            service.get(path, f="html"),
            service.http.get(service.root + path, headers={"Accept": "text/html"}),
        ):
            assert answer.headers["content-type"].startswith("text/html")
            assert "<h1>" in answer.text
    assert service.sample["id"] in service.get(f"/collections/{service.layer}/items", f="html").text
