"""Layers whose declared coordinate system is wrong are found out by places that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from gis.geometry import crs as frames
from gis.geometry import crs_evidence, gcj02
from gis.governance.actors import SYSTEM
from gis.services.boundaries import import_areas
from gis.services.crs_check import known_places_of
from gis.services.import_report import ImportReport
from gis.services.station_rows import StationColumns
from gis.services.stations import import_stations
from gis.store.unit_of_work import Database
from layers import files

SHENZHEN = "shenzhen-zones/traffic_zones_gcj02.geojson"
DATAV = "chuzhou-boundaries/datav_geoatlas_2020_counties_gcj02.geojson"
AMAP = "chuzhou-boundaries/amap_fences_2018_counties_gcj02.geojson"
LAYERS = {
    SHENZHEN: {"level": "grid", "code": "taz_id", "name": "taz_id", "code_system": "local"},
    DATAV: {"level": "county", "code": "adcode", "name": "name"},
    AMAP: {"level": "county", "code": "adcode", "name": "name"},
}
WRONG = ("WGS84", "CGCS2000", "BD-09", "EPSG:4548", "EPSG:4549", "EPSG:3857")


def known(shared_data: Path, layer: str) -> crs_evidence.KnownPlaces:
    """The stations, or the towns and villages, of a layer: in their own right system."""
    if layer == SHENZHEN:
        stations = files.read(shared_data / "shenzhen-zones/stations.csv")
        return known_places_of(stations, "stations.csv", area="taz_id", crs="GCJ-02")
    places = files.read(shared_data / "chuzhou-admin-codes/adcode_2016_with_points_gcj02.csv")
    places = places[places["level"].isin(["town", "village"])]
    places = places.assign(county=[str(code)[:6] for code in places["code"]])
    return known_places_of(places, "places.csv", area="county", crs="GCJ-02")


def give(database: Database, frame: gpd.GeoDataFrame, layer: str, **options: Any) -> ImportReport:  # noqa: ANN401
    chosen = {"publish": True, **LAYERS[layer], **options}
    return import_areas(database, SYSTEM, frame, **chosen)


def written(database: Database) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(sa.text("select count(*) from area_versions")))


def expressed(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """The same ground, its numbers in another system."""

    def move(pairs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        lon, lat = frames.to_wgs84(pairs[:, 0], pairs[:, 1], "GCJ-02")
        return np.column_stack(frames.from_wgs84(lon, lat, crs))

    moved = shapely.transform(np.array(frame.geometry.array, dtype=object), move)
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=list(moved))


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_are_recognised_as_gcj02_from_stations_alone(
    database: Database, shared_data: Path, layer: str
) -> None:
    report = give(
        database,
        files.read(shared_data / layer),
        layer,
        crs="GCJ-02",
        known=known(shared_data, layer),
    )
    assert report.outcome == "published"
    assert report.crs_evidence is not None
    assert (report.crs_evidence["best"], report.crs_evidence["verdict"]) == ("GCJ-02", "fits")
    assert report.crs_evidence["scores"][0]["rate"] == pytest.approx(
        759 / 793 if layer == SHENZHEN else 1.0, abs=0.005
    )
    assert "crs-suspect" not in report.by_kind()


@pytest.mark.parametrize("declared", WRONG)
@pytest.mark.parametrize("layer", LAYERS)
def test_each_wrong_declaration_is_refused_with_the_rates(
    database: Database, shared_data: Path, layer: str, declared: str
) -> None:
    frame = files.read(shared_data / layer)
    report = give(
        database, frame, layer, crs=declared, known=known(shared_data, layer), skip_bad=True
    )
    assert report.outcome == "refused"
    (finding,) = report.by_kind()["crs-suspect"]
    assert finding.severity == "error"
    assert next(iter(finding.facts)) == "GCJ-02"
    assert finding.facts["GCJ-02"] > finding.facts[declared]
    assert "--force-crs" in finding.reason_zh
    assert "as GCJ-02" in finding.reason_en
    assert report.crs_evidence is not None
    assert report.crs_evidence["scores"][0]["crs"] == "GCJ-02"
    assert written(database) == 0


@pytest.mark.parametrize("truth", ["WGS84", "BD-09", "EPSG:4548", "EPSG:4527"])
@pytest.mark.parametrize("layer", [SHENZHEN, DATAV])
def test_the_same_ground_in_other_systems_is_recognised_too(
    shared_data: Path, layer: str, truth: str
) -> None:
    if layer == SHENZHEN:  # 114 E: zone 38
        truth = {"EPSG:4548": "EPSG:4547", "EPSG:4527": "EPSG:4526"}.get(truth, truth)
    frame = expressed(files.read(shared_data / layer), truth)
    codes = frame[LAYERS[layer]["code"]].astype(str).tolist()
    shapes = np.array(frame.geometry.array, dtype=object)
    places = known(shared_data, layer)
    for declared in {"WGS84", "GCJ-02", "BD-09", "EPSG:4549", "EPSG:4528", "EPSG:3857"} - {truth}:
        evidence = crs_evidence.of_layer(shapes, codes, declared, places)
        assert (evidence.best.candidate.name, evidence.verdict) == (truth, "loses"), declared
    assert crs_evidence.of_layer(shapes, codes, truth, places).verdict == "fits"


def test_numbers_moved_twice_and_mercator_of_gcj02_are_named(shared_data: Path) -> None:
    frame = files.read(shared_data / SHENZHEN)
    codes, places = frame["taz_id"].astype(str).tolist(), known(shared_data, SHENZHEN)
    shapes = np.array(frame.geometry.array, dtype=object)
    twice = shapely.transform(
        shapes, lambda pairs: np.column_stack(gcj02.from_wgs84_all(pairs[:, 0], pairs[:, 1]))
    )
    evidence = crs_evidence.of_layer(np.asarray(twice), codes, "GCJ-02", places)
    assert (evidence.verdict, evidence.best.candidate.title_en) == ("loses", "GCJ-02 applied twice")
    mercator = np.array(gpd.GeoSeries(shapes, crs=4326).to_crs(3857).array, dtype=object)
    evidence = crs_evidence.of_layer(mercator, codes, "EPSG:3857", places)
    assert evidence.best.candidate.title_en == "Web Mercator of GCJ-02"
    assert evidence.verdict == "loses"


def test_force_crs_imports_all_the_same_and_keeps_the_warning(
    database: Database, shared_data: Path
) -> None:
    frame = files.read(shared_data / SHENZHEN)
    report = give(
        database, frame, SHENZHEN, crs="WGS84", known=known(shared_data, SHENZHEN), force_crs=True
    )
    assert report.outcome == "published"
    (finding,) = report.by_kind()["crs-suspect"]
    assert finding.severity == "warning"
    assert report.to_text("zh").count("明显不符") == 1


def test_without_evidence_it_says_so_and_goes_on(database: Database, shared_data: Path) -> None:
    report = give(database, files.read(shared_data / DATAV), DATAV, crs="WGS84")
    assert report.outcome == "published"
    assert report.crs_evidence is not None
    assert report.crs_evidence["verdict"] == "unknown"
    assert "not enough known places" in report.to_text("en")


def test_points_without_labels_and_a_parents_outline_tell_it_too(shared_data: Path) -> None:
    frame = files.read(shared_data / SHENZHEN)
    codes, places = frame["taz_id"].astype(str).tolist(), known(shared_data, SHENZHEN)
    shapes = np.array(frame.geometry.array, dtype=object)
    bare = crs_evidence.KnownPlaces(places.lon, places.lat, [None] * len(places.areas))
    evidence = crs_evidence.of_layer(shapes, codes, "EPSG:4547", bare)
    assert evidence.verdict == "loses"
    assert not evidence.labelled
    counties = files.read(shared_data / DATAV)
    rings = np.array(counties.geometry.array, dtype=object)
    names = counties["adcode"].astype(str).tolist()
    outline = expressed(counties, "WGS84").geometry.union_all()
    nobody = crs_evidence.KnownPlaces.none()
    for declared, verdict in (("GCJ-02", "fits"), ("WGS84", "loses"), ("BD-09", "loses")):
        evidence = crs_evidence.of_layer(rings, names, declared, nobody, outline)
        assert (evidence.best.candidate.name, evidence.verdict) == ("GCJ-02", verdict)
        assert evidence.best.outline_m is not None
        assert evidence.best.outline_m < 1.0


def test_what_is_published_is_the_measure_of_the_next_delivery(
    database: Database, shared_data: Path
) -> None:
    frame = files.read(shared_data / SHENZHEN)
    assert give(database, frame, SHENZHEN, crs="GCJ-02").outcome == "published"
    before = written(database)
    again = give(database, frame, SHENZHEN, crs="WGS84")
    assert again.outcome == "refused"
    assert again.by_kind()["crs-suspect"]
    assert written(database) == before
    stations = files.read(shared_data / "shenzhen-zones/stations.csv")
    columns = StationColumns("station_id", area="taz_id")
    for declared in WRONG:
        report = import_stations(
            database, SYSTEM, stations, columns, default_kind="service", crs=declared, skip_bad=True
        )
        assert report.outcome == "refused", declared
        assert report.by_kind()["crs-suspect"][0].severity == "error"
    forced = import_stations(
        database, SYSTEM, stations, columns, default_kind="service", crs="WGS84", force_crs=True
    )
    assert forced.outcome == "written"


def test_stations_in_the_database_are_known_places(database: Database, shared_data: Path) -> None:
    stations = files.read(shared_data / "shenzhen-zones/stations.csv")
    columns = StationColumns("station_id", area="taz_id")
    import_stations(database, SYSTEM, stations, columns, default_kind="service", crs="GCJ-02")
    frame = files.read(shared_data / SHENZHEN)
    assert give(database, frame, SHENZHEN, crs="BD-09").outcome == "refused"
    report = give(database, frame, SHENZHEN, crs="GCJ-02")
    assert report.outcome == "published"
    assert json.dumps(report.to_json(), allow_nan=False)


def test_misses_in_a_cluster_do_not_condemn_the_right_system() -> None:
    """Ten stations beyond one badly drawn edge, eight just inside the other: that is no proof."""
    area = shapely.box(118.0, 32.0, 118.1, 32.1)
    inside = [(118.02 + i * 1e-4, 32.05) for i in range(182)]
    east = [(118.1 + 0.0008, 32.04 + i * 1e-4) for i in range(10)]
    west = [(118.0 + 0.0008 + i * 1e-5, 32.04 + i * 1e-4) for i in range(8)]
    lon, lat = np.array(inside + east + west).T
    places = crs_evidence.KnownPlaces(lon, lat, ["a"] * len(lon))
    far = shapely.box(119.0, 32.0, 119.1, 32.1)
    shapes = np.array([area, far], dtype=object)
    evidence = crs_evidence.of_layer(shapes, ["a", "b"], "WGS84", places)
    assert evidence.best.candidate.name != "WGS84"
    assert evidence.verdict == "unknown"


def test_one_place_is_a_doubt_and_a_redraw_is_none() -> None:
    area = shapely.box(118.0, 32.0, 118.1, 32.1)
    far = shapely.box(119.0, 32.0, 119.1, 32.1)
    shapes = np.array([area, far], dtype=object)
    inside = [(118.02 + i * 1e-3, 32.05) for i in range(60)]
    lon, lat = np.array([*inside, (118.1 + 0.001, 32.05)]).T
    places = crs_evidence.KnownPlaces(lon, lat, ["a"] * len(lon))
    assert crs_evidence.of_layer(shapes, ["a", "b"], "WGS84", places).verdict == "doubtful"
    redrawn = crs_evidence.KnownPlaces(lon, lat, ["b"] * 59 + ["a"] * 2)
    assert crs_evidence.of_layer(shapes, ["a", "b"], "WGS84", redrawn).verdict == "unknown"
