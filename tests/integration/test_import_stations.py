"""Stations into a real database: placed in the areas, written by code, bad rows named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.governance.actors import SYSTEM
from gis.services.boundaries import import_areas
from gis.services.station_rows import StationColumns
from gis.services.stations import import_stations
from layers import files

if TYPE_CHECKING:
    from pathlib import Path

    from gis.services.import_report import ImportReport
    from gis.store.unit_of_work import Database

COLUMNS = StationColumns("station_id", capacity="charge_count", area="taz_id")


def _zones(database: Database, shared_data: Path, crs: str = "GCJ-02") -> None:
    path = shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson"
    import_areas(
        database,
        SYSTEM,
        files.read(path),
        level="grid",
        code="taz_id",
        name="taz_id",
        crs=crs,
        code_system="local",
        publish=True,
    )


def _stations(database: Database, shared_data: Path, **options: Any) -> ImportReport:  # noqa: ANN401
    frame = files.read(shared_data / "shenzhen-zones/stations.csv")
    chosen = {"default_kind": "service", "crs": "GCJ-02"} | options
    return import_stations(database, SYSTEM, frame, COLUMNS, **chosen)


def _stored(database: Database) -> list[sa.RowMapping]:
    with database.reading(SYSTEM) as work:
        return work.rows(sa.text("select *, st_x(geometry) lon from stations order by code"))


def _points(**changed: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    columns: dict[str, Any] = {
        "code": ["a", "b"],
        "name": ["甲站", "乙站"],
        "kind": ["service", "job_service"],
        "capacity": ["10", None],
        "geometry": [shapely.Point(118.3, 32.3), shapely.Point(118.4, 32.3)],
        "row": [2, 3],
    } | changed
    return gpd.GeoDataFrame(columns, crs=4326)


def _import(database: Database, frame: gpd.GeoDataFrame, **options: Any) -> ImportReport:  # noqa: ANN401
    columns = StationColumns("code", "name", "kind", capacity="capacity")
    return import_stations(database, SYSTEM, frame, columns, **options)


def test_stations_land_in_their_zone_at_the_rate_of_the_readme(
    database: Database, shared_data: Path
) -> None:
    _zones(database, shared_data)
    report = _stations(database, shared_data)
    assert report.outcome == "written"
    assert report.counts["new"] == 793
    # README: 1,521 of all 1,587 stations in their zone, 66 in none, none in a wrong one.
    share = report.counts["inside"] / report.counts["checked"]
    assert share == pytest.approx(1521 / 1587, abs=0.015)
    assert "area-differs" not in report.by_kind()
    assert "crs-suspect" not in report.by_kind()
    outside = report.by_kind()["outside-areas"]
    assert len(outside) == 793 - report.counts["inside"]
    assert all(0 < finding.facts["distance_m"] < 1200 for finding in outside)
    labels = {row["code"]: row["area_code"] for row in _stored(database)}
    nearest_right = sum(
        labels[finding.code or ""] == finding.facts["nearest"] for finding in outside
    )
    # Nearest zone raises the rate to 1,581 of 1,587.
    assert (report.counts["inside"] + nearest_right) / 793 > 0.99
    assert "落入区域" in report.to_text("zh")


def test_a_wrong_frame_is_told_by_where_the_stations_fall(
    database: Database, shared_data: Path
) -> None:
    _zones(database, shared_data)
    report = _stations(database, shared_data, crs="WGS84")
    assert report.outcome == "refused"
    assert _stored(database) == []
    (suspect,) = report.by_kind()["crs-suspect"]
    assert "as GCJ-02" in suspect.reason_en
    # As GCJ-02 96 % lie in the zone they are labelled with, as WGS84 fewer than half.
    assert suspect.facts["GCJ-02"] > 0.9
    assert suspect.facts["WGS84"] < 0.6


def test_the_same_stations_again_change_nothing(database: Database, shared_data: Path) -> None:
    _stations(database, shared_data)
    before = _stored(database)
    again = _stations(database, shared_data)
    assert again.outcome == "unchanged"
    assert again.counts["unchanged"] == 793
    assert [dict(row) for row in _stored(database)] == [dict(row) for row in before]
    moved = files.read(shared_data / "shenzhen-zones/stations.csv")
    moved.loc[0, "geometry"] = shapely.Point(114.0, 22.6)
    report = import_stations(database, SYSTEM, moved, COLUMNS, default_kind="service", crs="GCJ-02")
    assert (report.counts["changed"], report.counts["unchanged"]) == (1, 792)


def test_raw_numbers_are_kept_beside_the_converted_ones(database: Database) -> None:
    report = _import(
        database, _points(), crs="GCJ-02", source={"file": "x.csv", "sha256": "0" * 64}
    )
    assert report.counts == {"rows": 2, "rejected": 0, "new": 2, "changed": 0, "unchanged": 0}
    first, second = _stored(database)
    assert first["raw"] == {
        "x": 118.3, "y": 32.3, "crs": "GCJ-02", "row": 2, "file": "x.csv", "sha256": "0" * 64
    }  # fmt: skip
    assert 118.29 < first["lon"] < 118.2999
    assert (first["capacity"], second["capacity"]) == (10, None)
    assert (first["kind"], second["kind"]) == ("service", "job_service")


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"code": ["a", None]}, "code-missing"),
        ({"code": ["a", "a"]}, "code-duplicate"),
        ({"name": ["甲", " "]}, "name-missing"),
        ({"kind": ["service", None]}, "kind-missing"),
        ({"capacity": ["10", "-3"]}, "number-invalid"),
        ({"geometry": [shapely.Point(118, 32), None]}, "geometry-missing"),
        ({"geometry": [shapely.Point(118, 32), shapely.box(118, 32, 119, 33)]}, "not-a-point"),
        ({"geometry": [shapely.Point(118, 32), shapely.Point(32, 118)]}, "position-invalid"),
    ],
)
def test_a_bad_station_refuses_the_file_or_is_skipped(
    database: Database, changed: dict[str, Any], kind: str
) -> None:
    report = _import(database, _points(**changed))
    assert report.outcome == "refused"
    assert report.by_kind()[kind][-1].row == 3
    assert _stored(database) == []
    skipped = _import(database, _points(**changed), skip_bad=True)
    assert skipped.outcome == ("refused" if kind == "code-duplicate" else "written")
    assert 3 in skipped.rejected_rows


def test_many_rows_at_one_place_are_suspected(database: Database) -> None:
    frame = gpd.GeoDataFrame(
        {"code": list("abcdef"), "name": list("abcdef"), "kind": ["service"] * 6,
         "capacity": [None] * 6, "geometry": [shapely.Point(118, 32)] * 6},
        crs=4326,
    )  # fmt: skip
    report = _import(database, frame)
    (finding,) = report.by_kind()["place-repeated"]
    assert finding.facts == {"rows": 6}
    assert report.outcome == "written"
