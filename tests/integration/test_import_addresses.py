"""Addresses into a real database: taken apart, placed, written by code, bad rows named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.governance.actors import SYSTEM
from gis.services.address_rows import AddressColumns
from gis.services.addresses import import_addresses
from gis.services.gazetteer import Gazetteer
from gis.services.lookup import Boundaries
from layers import files
from tests.factories import COMMUNITY, SmallCity, small_city

if TYPE_CHECKING:
    from pathlib import Path

    from gis.services.import_report import ImportReport
    from gis.store.unit_of_work import Database

FULL = AddressColumns(text="address")
SEPARATE = AddressColumns(
    road="road", number="number", compound="compound", building="building", name="name",
    code="id", alias="alias", community="community", uncertainty="sure",
)  # fmt: skip


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


def frame(city: SmallCity, **columns: list[Any]) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    middle = city.inside(1)
    places = [shapely.Point(middle[0] + k * 1e-4, middle[1]) for k in range(count)]
    return gpd.GeoDataFrame({"geometry": places, "row": range(2, count + 2)} | columns)


def put(
    database: Database,
    table: gpd.GeoDataFrame,
    columns: AddressColumns,
    **options: Any,  # noqa: ANN401
) -> ImportReport:
    return import_addresses(
        database, SYSTEM, table, columns, source={"file": "places.csv"}, **options
    )


def stored(database: Database) -> list[sa.RowMapping]:
    with database.reading(SYSTEM) as work:
        return work.rows(sa.text("select * from gazetteer_entries order by id"))


def test_full_text_is_taken_apart(database: Database, city: SmallCity) -> None:
    report = put(
        database,
        frame(
            city,
            address=["滁州市琅琊区琅琊路12号", "琅琊区琅琊路14号锦绣花园3幢", "琅琊路16号新华书店"],
        ),
        FULL,
    )
    assert report.outcome == "written"
    assert report.counts["new"] == 3
    rows = stored(database)
    assert [row["kind"] for row in rows] == ["road_number", "building", "landmark"]
    assert [row["road"] for row in rows] == ["琅琊路"] * 3
    assert [row["house_number"] for row in rows] == ["12号", "14号", "16号"]
    assert (rows[1]["compound"], rows[1]["building"], rows[2]["name"]) == (
        "锦绣花园",
        "3幢",
        "新华书店",
    )
    assert {row["community_code"] for row in rows} == {COMMUNITY}
    assert {row["source"] for row in rows} == {"places"}


def test_what_was_imported_is_found(database: Database, city: SmallCity) -> None:
    put(database, frame(city, address=["滁州市琅琊区琅琊路12号锦绣花园3幢"]), FULL)
    gazetteer = Gazetteer(database, Boundaries(database))
    with database.reading(SYSTEM) as work:
        index = gazetteer.exact(work, Boundaries(database).snapshot(work))
    best = index.places("郎牙路十二号锦绣花园三栋")[0]
    assert best.level == "building"
    assert best.entry_id == stored(database)[0]["id"]


def separate(city: SmallCity, **changed: list[Any]) -> gpd.GeoDataFrame:
    columns: dict[str, list[Any]] = {
        "id": ["a", "b"],
        "road": ["琅琊路", "琅琊路"],
        "number": ["12号", "14号"],
        "compound": [None, "锦绣花园"],
        "building": [None, None],
        "name": [None, None],
        "alias": [None, "锦绣;老锦绣"],
        "community": [COMMUNITY, None],
        "sure": [None, "40"],
    }
    return frame(city, **(columns | changed))


def test_separate_columns_keep_what_they_say(database: Database, city: SmallCity) -> None:
    assert put(database, separate(city), SEPARATE).outcome == "written"
    first, second = stored(database)
    assert (first["kind"], first["uncertainty_m"], first["full_text"]) == (
        "road_number",
        20,
        "琅琊路12号",
    )
    assert (second["kind"], second["uncertainty_m"]) == ("compound", 40)
    assert second["aliases"] == ["锦绣", "老锦绣"]


def test_same_file_again_changes_nothing_and_a_new_value_overwrites(
    database: Database, city: SmallCity
) -> None:
    put(database, separate(city), SEPARATE)
    assert put(database, separate(city), SEPARATE).outcome == "unchanged"
    report = put(database, separate(city, number=["12号", "18号"]), SEPARATE)
    assert (report.counts["new"], report.counts["changed"], report.counts["unchanged"]) == (0, 1, 1)
    assert [row["house_number"] for row in stored(database)] == ["12号", "18号"]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"road": [None, "琅琊路"]}, "address-missing"),
        ({"id": ["a", "a"]}, "code-duplicate"),
        ({"id": [None, "b"]}, "code-missing"),
        ({"sure": ["-3", None]}, "number-invalid"),
        ({"sure": ["near", None]}, "number-invalid"),
        ({"geometry": [None, shapely.Point(118.25, 32.25)]}, "geometry-missing"),
        (
            {"geometry": [shapely.Point(32.25, 118.25), shapely.Point(118.25, 32.25)]},
            "position-invalid",
        ),
        ({"geometry": [shapely.box(0, 0, 1, 1), shapely.Point(118.25, 32.25)]}, "not-a-point"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(
    database: Database, city: SmallCity, changed: dict[str, list[Any]], kind: str
) -> None:
    report = put(database, separate(city, **changed), SEPARATE)
    assert report.outcome == "refused"
    assert kind in {finding.kind for finding in report.errors}
    assert report.errors[0].row == 2
    assert stored(database) == []


def test_skip_bad_writes_the_others(database: Database, city: SmallCity) -> None:
    report = put(database, separate(city, road=[None, "琅琊路"]), SEPARATE, skip_bad=True)
    assert report.outcome == "written"
    assert report.rejected_rows == [2]
    assert [row["code"] for row in stored(database)] == ["b"]


def test_unknown_kind_is_refused(database: Database, city: SmallCity) -> None:
    report = put(database, separate(city), SEPARATE, default_kind="castle")
    assert {finding.kind for finding in report.errors} == {"kind-unknown"}


def test_place_in_another_community_than_labelled_is_told(
    database: Database, city: SmallCity
) -> None:
    far = [shapely.Point(118.9, 32.9), shapely.Point(*city.inside(1))]
    report = put(database, separate(city, geometry=far), SEPARATE, force_crs=True)
    assert {finding.kind for finding in report.findings} >= {"outside-areas"}


@pytest.mark.parametrize("ending", [".csv", ".geojson", ".gpkg", ".parquet", ".fgb", ".shp"])
def test_every_format_comes_in(
    database: Database, city: SmallCity, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"places{ending}"
    table = frame(city, address=["琅琊路12号", "琅琊路14号"]).set_crs("EPSG:4326")
    if ending == ".shp":
        table.drop(columns="row").to_file(path, encoding="UTF-8")
    else:
        files.write(table.drop(columns="row"), path)
    report = put(database, files.read(path), FULL)
    assert report.counts["new"] == 2
