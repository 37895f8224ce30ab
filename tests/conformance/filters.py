"""OGC API Features part 3 and CQL2."""

from __future__ import annotations

from tests.conformance.service import (
    CRS84,
    EPSG,
    Service,
    codes,
    first_ring,
    rels,
    requirement,
)


@requirement(
    "features-3 /req/queryables/get-queryables-op",
    "features-3 /req/queryables/get-queryables-response",
    "features-3 /req/queryables-query-parameters/parameters",
)
def queryables(service: Service) -> None:
    answer = service.get(f"/collections/{service.layer}/queryables")
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    assert schema["$schema"].startswith("https://json-schema.org/draft/")
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert service.http.get(schema["$id"]).status_code == 200
    path = service.description["paths"][f"/collections/{service.layer}/items"]
    declared = {one["name"] for one in path["get"]["parameters"]}
    assert set(schema["properties"]) - {"geometry"} <= declared
    kind = service.sample["properties"]["kind"]
    assert {f["properties"]["kind"] for f in service.items(kind=kind, limit="50")["features"]} == {
        kind
    }


@requirement(
    "features-3 /req/filter/filter-param",
    "features-3 /req/filter/filter-lang-param",
    "features-3 /req/filter/filter-crs-param",
    "features-3 /req/filter/filter-crs-wgs84",
    "features-3 /req/queryables/queryables-link",
)
def definitions(service: Service) -> None:
    for each in service.json("/collections")["collections"]:
        path = service.description["paths"][f"/collections/{each['id']}/items"]
        schemas = {one["name"]: one["schema"] for one in path["get"]["parameters"]}
        assert schemas["filter"]["type"] == "string"
        assert schemas["filter-lang"]["enum"] == ["cql2-text", "cql2-json"]
        assert schemas["filter-lang"]["default"] == "cql2-text"
        assert schemas["filter-crs"]["format"] == "uri"
        assert schemas["filter-crs"]["default"] == CRS84
        (link,) = rels(each)["http://www.opengis.net/def/rel/ogc/1.0/queryables"]
        assert link["type"] == "application/schema+json"
        shown = service.http.get(link["href"])
        assert shown.headers["content-type"] == link["type"]
        assert shown.json()["properties"]


@requirement(
    "features-3 /req/filter/response",
    "features-3 /req/features-filter/filter-collection",
)
def filters(service: Service) -> None:
    every = service.items(limit="10000")["features"]
    for text, holds in (
        ("kind = 'urban'", lambda p: p["kind"] == "urban"),
        ("residents > 3000", lambda p: p["residents"] > 3000),
        (
            "residents > 3000 AND kind <> 'urban'",
            lambda p: p["residents"] > 3000 and p["kind"] != "urban",
        ),
        (
            "residents < 1000 OR households >= 1500",
            lambda p: p["residents"] < 1000 or p["households"] >= 1500,
        ),
        ("NOT kind = 'urban'", lambda p: p["kind"] != "urban"),
    ):
        found = service.items(filter=text, limit="10000")
        assert sorted(codes(found)) == sorted(f["id"] for f in every if holds(f["properties"])), (
            text
        )
        assert found["numberMatched"] == len(found["features"])


@requirement("features-3 /req/filter/mixing-expressions")
def mixed(service: Service) -> None:
    lon, lat = service.middle
    box = f"{lon - 0.05},{lat - 0.05},{lon + 0.05},{lat + 0.05}"
    both = set(codes(service.items(bbox=box, filter="kind = 'urban'", limit="1000")))
    assert both == set(codes(service.items(bbox=box, limit="1000"))) & set(
        codes(service.items(filter="kind = 'urban'", limit="10000"))
    )


@requirement("features-3 /req/filter/invalid-filter", "features-3 /per/filter/unknown-property")
def refused_filters(service: Service) -> None:
    for text in (
        "kind =",
        "nonesuch = 1",
        "((((",
        "kind = 1",
        "residents = 'x'",
        "drop table x",
        "1",
        "s_intersects(kind, POINT(1 2))",
        "s_intersects(geometry, 'x')",
        "residents LIKE 'x'",
        "t_after(kind, DATE('2020-01-01'))",
        'kind = "; drop 1"',
        "'a' = ",
        "residents IN ('a')",
        "kind BETWEEN 1 AND 2",
        "foo(kind) = 1",
        "kind AND kind",
    ):
        service.refused(filter=text)
    service.refused(**{"filter": "{", "filter-lang": "cql2-json"})
    service.refused(**{"filter": "kind = 'a'", "filter-lang": "ecql"})
    service.refused(**{"filter": "kind = 'a'", "filter-crs": "nonesuch"})


@requirement("cql2 /req/cql2-json/cql2-filter", "cql2 /req/cql2-text/cql2-filter")
def both_languages(service: Service) -> None:
    text = codes(service.items(filter="kind = 'urban' AND residents > 2000", limit="10000"))
    as_json = (
        '{"op":"and","args":[{"op":"=","args":[{"property":"kind"},"urban"]},'
        '{"op":">","args":[{"property":"residents"},2000]}]}'
    )
    found = service.items(**{"filter": as_json, "filter-lang": "cql2-json", "limit": "10000"})
    assert codes(found) == text


@requirement("cql2 /req/basic-cql2/cql2-filter")
def basic(service: Service) -> None:
    every = service.items(limit="1")["numberMatched"]

    def count(text: str) -> int:
        return int(service.items(filter=text, limit="1").get("numberMatched", 0))

    assert count("kind = 'urban'") + count("kind <> 'urban'") == every
    assert count("residents >= 2000") + count("residents < 2000") == every
    assert count("kind IS NULL") == 0
    assert count("kind IS NOT NULL") == every
    assert count("TRUE") == every
    assert count("FALSE") == 0
    assert count("valid_from < TIMESTAMP('2099-01-01T00:00:00Z')") == every


@requirement(
    "cql2 /req/advanced-comparison-operators/like-predicate",
    "cql2 /req/advanced-comparison-operators/between-predicate",
    "cql2 /req/advanced-comparison-operators/in-predicate",
)
def advanced(service: Service) -> None:
    name = service.sample["properties"]["name"]
    code = service.sample["id"]
    assert code in codes(service.items(filter=f"name LIKE '{name[0]}%'", limit="10000"))
    assert codes(service.items(filter=f"code LIKE '{code[:-1]}_'"))
    assert codes(service.items(filter=f"code IN ('{code}', 'nonesuch')")) == [code]
    assert codes(service.items(filter=f"code NOT IN ('{code}')"))[:1] != [code]
    some = service.items(filter="residents BETWEEN 1000 AND 2000", limit="10000")["features"]
    every = service.items(limit="10000")["features"]
    assert codes({"features": some}) == [
        f["id"] for f in every if 1000 <= f["properties"]["residents"] <= 2000
    ]
    assert some


@requirement(
    "cql2 /req/case-insensitive-comparison/casei-function",
    "cql2 /req/accent-insensitive-comparison/accenti-function",
)
def insensitive(service: Service) -> None:
    urban = codes(service.items(filter="kind = 'urban'", limit="10000"))
    assert codes(service.items(filter="CASEI(kind) = CASEI('URBAN')", limit="10000")) == urban
    assert codes(service.items(filter="CASEI(kind) LIKE CASEI('URB%')", limit="10000")) == urban
    assert codes(service.items(filter="ACCENTI(kind) = ACCENTI('ürbän')", limit="10000")) == urban


@requirement(
    "cql2 /req/basic-spatial-functions/spatial-predicate",
    "cql2 /req/basic-spatial-functions-plus/spatial-data-types",
    "cql2 /req/spatial-functions/spatial-predicates",
)
def spatial(service: Service) -> None:
    lon, lat = service.middle
    ring = ", ".join(f"{x} {y}" for x, y in first_ring(service.sample))
    own, code = f"POLYGON(({ring}))", service.sample["id"]
    west, south, east, north = lon - 1, lat - 1, lon + 1, lat + 1
    around = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    big = f"POLYGON(({around}))"
    every = service.items(limit="1")["numberMatched"]
    inside = codes(service.items(filter=f"S_INTERSECTS(geometry, POINT({lon} {lat}))"))
    box = codes(service.items(filter=f"S_INTERSECTS(geometry, BBOX({lon}, {lat}, {lon}, {lat}))"))
    assert inside == box
    assert code in codes(service.items(filter=f"S_EQUALS(geometry, {own})"))
    assert code in codes(service.items(filter=f"S_WITHIN(geometry, {big})", limit="10000"))
    assert code not in codes(service.items(filter=f"S_TOUCHES(geometry, {own})"))
    assert service.items(filter=f"S_TOUCHES(geometry, {own})")["features"]
    away = service.items(filter=f"S_DISJOINT(geometry, {own})", limit="1")["numberMatched"]
    near = service.items(filter=f"S_INTERSECTS(geometry, {own})", limit="1")["numberMatched"]
    assert away + near == every
    line = f"LINESTRING({lon} {lat}, {lon + 0.5} {lat + 0.5})"
    assert service.items(filter=f"S_CROSSES({line}, geometry)")["features"]
    assert not service.items(filter=f"S_OVERLAPS(geometry, {own})")["features"]
    assert not service.items(filter=f"S_CONTAINS(geometry, {big})")["features"]
    swapped = f"S_INTERSECTS(geometry, POINT({lat} {lon}))"
    assert codes(service.items(**{"filter": swapped, "filter-crs": f"{EPSG}4326"})) == inside


@requirement("cql2 /req/temporal-functions/temporal-predicates")
def temporal(service: Service) -> None:
    every = service.items(limit="1")["numberMatched"]

    def count(text: str) -> int:
        return int(service.items(filter=text, limit="1")["numberMatched"])

    assert count("T_BEFORE(valid_from, TIMESTAMP('2099-01-01T00:00:00Z'))") == every
    assert count("T_AFTER(valid_from, DATE('2099-01-01'))") == 0
    assert count("T_DURING(valid_from, INTERVAL('1900-01-01', '2099-01-01'))") == every
    assert count("T_DURING(valid_from, INTERVAL('..', '2099-01-01'))") == every
    assert count("T_INTERSECTS(valid_from, INTERVAL('1900-01-01', '..'))") == every
    assert count("T_DISJOINT(valid_from, INTERVAL('2098-01-01', '2099-01-01'))") == every


@requirement("cql2 /req/array-functions/array-predicates")
def arrays(service: Service) -> None:
    every = service.json("/collections/dedicated-grids/items", limit="100")["features"]
    assert every
    wanted = every[0]["properties"]["categories"][:1]
    has = [f["id"] for f in every if wanted[0] in f["properties"]["categories"]]
    for operator in ("A_CONTAINS", "A_OVERLAPS"):
        found = service.json(
            "/collections/dedicated-grids/items",
            limit="100",
            filter=f"{operator}(categories, ('{wanted[0]}'))",
        )
        assert codes(found) == has

    def found(filter_: str) -> list[str]:
        return codes(
            service.json("/collections/dedicated-grids/items", limit="100", filter=filter_)
        )

    whole = ", ".join(f"'{one}'" for one in every[0]["properties"]["categories"])
    own = set(every[0]["properties"]["categories"])
    held = {f["id"]: set(f["properties"]["categories"]) for f in every}
    assert found(f"A_EQUALS(categories, ({whole}))") == [
        code for code, categories in held.items() if categories == own
    ]
    assert found(f"A_CONTAINEDBY(categories, ({whole}))") == [
        code for code, categories in held.items() if categories <= own
    ]


@requirement("cql2 /req/property-property/property-property", "cql2 /req/arithmetic/arithmetic")
def arithmetic(service: Service) -> None:
    every = service.items(limit="10000")["features"]
    found = codes(service.items(filter="residents / households > 2.75", limit="10000"))
    assert sorted(found) == sorted(
        f["id"]
        for f in every
        if f["properties"]["households"]
        and f["properties"]["residents"] / f["properties"]["households"] > 2.75
    )
    few = "residents - households * 2 < 500 AND residents > households"
    assert codes(service.items(filter=few, limit="10000")) == [
        f["id"]
        for f in every
        for residents, households in [(f["properties"]["residents"], f["properties"]["households"])]
        if residents - households * 2 < 500 and residents > households
    ]
    assert service.items(filter="residents / 0 = 1")["features"] == []
