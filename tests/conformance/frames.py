"""OGC API Features part 2: coordinate systems."""

from __future__ import annotations

from pyproj import Transformer

from tests.conformance.service import (
    CRS84,
    EPSG,
    Service,
    codes,
    first_ring,
    requirement,
)


@requirement(
    "features-2 /req/crs/crs-uri",
    "features-2 /req/crs/fc-md-crs-list",
    "features-2 /req/crs/fc-md-storageCrs",
    "features-2 /req/crs/fc-md-crs-list-global",
    "features-2 /req/crs/fc-md-storageCrs-valid-value",
)
def frames(service: Service) -> None:
    document = service.json("/collections")
    assert document["crs"][0] == CRS84
    for each in document["collections"]:
        assert each["storageCrs"] in each["crs"]
        assert {CRS84, f"{EPSG}4326", f"{EPSG}4490", f"{EPSG}3857", f"{EPSG}4548"} <= set(
            each["crs"]
        )


@requirement(
    "features-2 /req/crs/fc-crs-definition",
    "features-2 /req/crs/fc-bbox-crs-definition",
    "features-2 /req/crs/fc-crs-valid-defaultValue",
    "features-2 /req/crs/fc-bbox-crs-valid-defaultValue",
)
def definitions(service: Service) -> None:
    for each in service.json("/collections")["collections"]:
        path = service.description["paths"][f"/collections/{each['id']}/items"]
        given = {one["name"]: one for one in path["get"]["parameters"]}
        for name in ("crs", "bbox-crs"):
            assert given[name]["in"] == "query"
            assert given[name]["required"] is False
            assert given[name]["style"] == "form"
            assert given[name]["explode"] is False
            schema = given[name]["schema"]
            assert (schema["type"], schema["format"]) == ("string", "uri")
            assert schema["default"] == CRS84
            assert schema["enum"] == each["crs"]


@requirement(
    "features-2 /req/crs/fc-crs-default-value",
    "features-2 /req/crs/fc-crs-action",
    "features-2 /req/crs/ogc-crs-header",
    "features-2 /req/crs/ogc-crs-header-value",
    "features-2 /req/crs/geojson",
)
def coordinates(service: Service) -> None:
    path = f"/collections/{service.layer}/items"
    expected = first_ring(service.sample)
    for uri in service.json(f"/collections/{service.layer}")["crs"]:
        answer = service.get(path, limit="1", crs=uri)
        assert answer.headers["content-crs"] == f"<{uri}>"
        shown = first_ring(answer.json()["features"][0])
        name = "OGC:CRS84" if uri == CRS84 else f"EPSG:{uri.rpartition('/')[2]}"
        move = Transformer.from_crs("OGC:CRS84", name)  # axes in the authority's order
        tolerance = 1e-7 if abs(shown[0][0]) <= 180 else 1e-3
        for (lon, lat), place in zip(expected, shown, strict=True):
            assert (
                max(abs(a - b) for a, b in zip(move.transform(lon, lat), place, strict=True))
                < tolerance
            )
    assert service.get(path, limit="1").headers["content-crs"] == f"<{CRS84}>"


@requirement(
    "features-2 /req/crs/fc-crs-valid-value", "features-2 /req/crs/fc-bbox-crs-valid-value"
)
def unknown_frame(service: Service) -> None:
    service.refused(crs=f"{EPSG}2154")
    service.refused(crs="nonesuch")
    service.refused(**{"bbox": "1,1,2,2", "bbox-crs": f"{EPSG}999999"})


@requirement("features-2 /req/crs/fc-bbox-crs-action", "features-2 /req/crs/bbox-crs-action")
def box_frames(service: Service) -> None:
    lon, lat = service.middle
    wanted = codes(service.items(bbox=f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}"))
    assert wanted
    assert (
        codes(
            service.items(
                **{
                    "bbox": f"{lat - 0.01},{lon - 0.01},{lat + 0.01},{lon + 0.01}",
                    "bbox-crs": f"{EPSG}4326",
                }
            )
        )
        == wanted
    )
    assert (
        codes(
            service.items(
                **{
                    "bbox": f"{lon - 0.01},{lat - 0.01},{lon + 0.01},{lat + 0.01}",
                    "bbox-crs": CRS84,
                }
            )
        )
        == wanted
    )
    north, east = Transformer.from_crs("OGC:CRS84", "EPSG:4548").transform(lon, lat)
    near = service.items(
        **{"bbox": f"{north - 10},{east - 10},{north + 10},{east + 10}", "bbox-crs": f"{EPSG}4548"}
    )
    assert service.sample["id"] in codes(near)


@requirement("features-2 /req/crs/ogc-crs-single-feature")
def frame_of_one(service: Service) -> None:
    path = f"/collections/{service.layer}/items/{service.sample['id']}"
    answer = service.get(path, crs=f"{EPSG}4326")
    lon, lat = first_ring(service.sample)[0]
    assert first_ring(answer.json())[0] == [lat, lon]
    service.get(path, 400, crs="nonesuch")
