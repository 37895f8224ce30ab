"""Real boundary files into a real database: written whole, or refused with reason and place."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.errors import ColumnMissing, CrsUnknown, DraftUnknown, ValidFromTooEarly
from gis.geometry.crs import to_wgs84
from gis.governance.actors import SYSTEM
from gis.services.boundaries import import_areas, publish_draft
from gis.store import areas as area_store
from layers import files

if TYPE_CHECKING:
    from pathlib import Path

    from gis.services.import_report import ImportReport
    from gis.store.unit_of_work import Database

TABLES = ("boundary_revisions", "areas", "area_versions")


def _rows(database: Database) -> dict[str, int]:
    with database.reading(SYSTEM) as work:
        return {
            table: int(work.scalar(sa.text(f"select count(*) from {table}"))) for table in TABLES
        }


def _import_file(database: Database, path: Path, **options: Any) -> ImportReport:  # noqa: ANN401
    frame = files.read(path)
    source = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return import_areas(database, SYSTEM, frame, source=source, **options)


SHENZHEN: dict[str, Any] = {
    "level": "grid",
    "code": "taz_id",
    "name": "taz_id",
    "crs": "GCJ-02",
    "code_system": "local",
}
NEW_YORK: dict[str, Any] = {
    "level": "grid",
    "code": "district",
    "name": "district",
    "crs": "WGS84",
    "code_system": "local",
}


def _counties(**changed: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    """Three made counties side by side; arguments replace a column or the geometry."""
    columns: dict[str, Any] = {
        "code": ["341102", "341103", "341122"],
        "name": ["琅琊区", "南谯区", "来安县"],
        "geometry": [shapely.box(118 + i / 10, 32, 118 + (i + 1) / 10, 32.1) for i in range(3)],
    } | changed
    return gpd.GeoDataFrame(columns, crs=4326)


def _import(
    database: Database,
    frame: gpd.GeoDataFrame,
    **options: Any,  # noqa: ANN401
) -> ImportReport:
    chosen = {"level": "county", "code": "code", "name": "name"} | options
    return import_areas(database, SYSTEM, frame, **chosen)


# --- real files -----------------------------------------------------------------------------------


def test_shenzhen_zones_import_as_gcj02_with_a_readable_report(
    database: Database, shared_data: Path
) -> None:
    path = shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson"
    report = _import_file(database, path, publish=True, **SHENZHEN)
    assert report.outcome == "published"
    assert report.revision == 1
    assert report.counts == {"rows": 491, "new": 491, "changed": 0, "unchanged": 0, "rejected": 0}
    kinds = {kind: len(found) for kind, found in report.by_kind().items()}
    assert 515 <= kinds["overlap"] <= 522
    assert 640 <= kinds["gap"] <= 669
    assert report.errors == []
    for language, words in (("zh", "重叠（两家管）"), ("en", "overlap (two owners)")):
        text = report.to_text(language)
        assert words in text
        assert len(text.splitlines()) < 60
    with database.reading(SYSTEM) as work:
        assert area_store.published_revision(work) == 1
        stored = {row["code"]: row for row in area_store.of_revision(work, 1)}
    assert len(stored) == 491
    zones = gpd.read_file(path)
    raw = zones.geometry[0].exterior.coords[0]
    expected = to_wgs84(*raw[:2], "GCJ-02")
    shape = shapely.from_wkb(bytes(stored[str(zones["taz_id"][0])]["wkb"]))
    assert shapely.Point(expected).distance(shape.boundary) < 1e-9
    with database.reading(SYSTEM) as work:
        kept = work.row(sa.text("select source, report from boundary_revisions"))
    assert kept is not None
    assert kept["source"]["crs"] == "GCJ-02"
    assert kept["source"]["file"] == path.name
    assert len(kept["source"]["sha256"]) == 64
    assert kept["report"]["counts"]["new"] == 491


def test_the_same_file_again_changes_nothing_and_says_so(
    database: Database, shared_data: Path
) -> None:
    path = shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson"
    first = _import_file(database, path, **SHENZHEN)
    assert first.outcome == "drafted"
    before = _rows(database)
    again = _import_file(database, path, **SHENZHEN)
    assert (again.outcome, again.draft_id) == ("waiting", first.draft_id)
    assert _rows(database) == before
    published = _import_file(database, path, publish=True, **SHENZHEN)
    assert published.outcome == "published"
    before = _rows(database)
    assert before["area_versions"] == 491
    once_more = _import_file(database, path, publish=True, **SHENZHEN)
    assert once_more.outcome == "unchanged"
    assert once_more.counts["unchanged"] == 491
    assert "未作任何改动" in once_more.to_text("zh")
    assert _rows(database) == before


@pytest.mark.parametrize(
    ("file", "level", "count"),
    [
        ("datav_geoatlas_2020_counties_gcj02", "county", 8),
        ("amap_fences_2018_counties_gcj02", "county", 8),
        ("amap_fences_2018_city_gcj02", "city", 1),
    ],
)
def test_chuzhou_outlines_import(
    database: Database, shared_data: Path, file: str, level: str, count: int
) -> None:
    path = shared_data / f"chuzhou-boundaries/{file}.geojson"
    report = _import_file(
        database, path, level=level, code="adcode", name="name", crs="GCJ-02", publish=True
    )
    assert report.outcome == "published"
    assert report.counts["new"] == count
    # They tile as delivered; after the move to WGS84 as well, vertex by vertex.
    assert {"gap", "overlap"}.isdisjoint(report.by_kind())


def test_the_second_outline_of_chuzhou_replaces_the_first(
    database: Database, shared_data: Path
) -> None:
    folder = shared_data / "chuzhou-boundaries"
    options = {"level": "county", "code": "adcode", "name": "name", "crs": "GCJ-02"}
    first = _import_file(
        database, folder / "amap_fences_2018_counties_gcj02.geojson", publish=True, **options
    )
    second = _import_file(
        database, folder / "datav_geoatlas_2020_counties_gcj02.geojson", publish=True, **options
    )
    assert (first.revision, second.revision) == (1, 2)
    assert second.counts["changed"] == 8
    with database.reading(SYSTEM) as work:
        assert len(area_store.of_revision(work, 1)) == len(area_store.of_revision(work, 2)) == 8
        open_ended = work.scalar(
            sa.text("select count(*) from area_versions where upper_inf(valid)")
        )
    assert open_ended == 8


def test_the_quantised_outline_is_refused_with_the_place_of_each_defect(
    database: Database, shared_data: Path
) -> None:
    path = shared_data / "chuzhou-boundaries/echarts_counties_quantised_has_invalid.geojson"
    options = {"level": "county", "code": "id", "name": "name", "crs": "GCJ-02", "publish": True}
    report = _import_file(database, path, **options)
    assert report.outcome == "refused"
    assert len(report.errors) == 4
    for finding in report.errors:
        assert finding.row is not None
        assert finding.code is not None
        assert 117 < (finding.lon or 0) < 120
        assert 31 < (finding.lat or 0) < 34
        assert finding.reason_zh
    assert set(_rows(database).values()) == {0}
    mended = _import_file(database, path, mend=True, **options)
    assert mended.outcome == "published"
    assert len(mended.by_kind()["mended"]) == 4


def test_new_york_is_refused_for_34_districts_or_written_mended_or_without_them(
    database: Database, shared_data: Path
) -> None:
    path = shared_data / "messy-polygons/nyc_election_districts_2013.geojson"
    refused = _import_file(database, path, publish=True, **NEW_YORK)
    assert refused.outcome == "refused"
    assert len(refused.errors) == 34
    assert len({finding.row for finding in refused.errors}) == 34
    assert len(refused.by_kind()["overlap"]) == 196
    assert len(refused.by_kind()["gap"]) == 3
    assert all(finding.lon is not None and finding.facts["places"] for finding in refused.errors)
    assert set(_rows(database).values()) == {0}

    skipped = _import_file(database, path, skip_bad=True, **NEW_YORK)
    assert skipped.outcome == "drafted"
    assert skipped.counts["new"] == 5165
    assert len(skipped.rejected_rows) == 34

    mended = _import_file(database, path, mend=True, publish=True, **NEW_YORK)
    assert mended.outcome == "published"
    assert mended.counts["new"] == 5199
    assert len(mended.by_kind()["mended"]) == 34
    with database.reading(SYSTEM) as work:
        assert len(area_store.of_revision(work, 1)) == 5199
        invalid = work.scalar(
            sa.text("select count(*) from area_versions where not st_isvalid(geometry)")
        )
    assert invalid == 0


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "kind", "row"),
    [
        ({"code": ["341102", "", "341122"]}, "code-missing", 2),
        ({"code": ["341102", "341102", "341122"]}, "code-duplicate", 1),
        ({"code": ["341102", "３４１１０３", "341122"]}, "code-full-width", 2),
        ({"code": ["341102", "341103", "341122001"]}, "code-length", 3),
        ({"name": ["琅琊区", None, "来安县"]}, "name-missing", 2),
        ({"geometry": [shapely.box(118, 32, 119, 33), None, shapely.box(119, 32, 120, 33)]},
         "geometry-missing", 2),
        ({"geometry": [shapely.Point(118, 32)] * 3}, "not-a-polygon", 1),
        ({"geometry": [shapely.box(32, 118, 33, 119)] * 3}, "position-invalid", 1),
        ({"geometry": [shapely.box(3.5e6, 6e5, 3.6e6, 7e5)] * 3}, "position-invalid", 1),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_written(
    database: Database, changed: dict[str, Any], kind: str, row: int
) -> None:
    report = _import(database, _counties(**changed), publish=True)
    assert report.outcome == "refused"
    first = report.by_kind()[kind][0]
    assert first.row == row
    assert first.reason_zh
    assert first.reason_en
    assert set(_rows(database).values()) == {0}
    assert "未写入任何内容" in report.to_text("zh")


def test_what_the_caller_got_wrong_is_an_error(database: Database) -> None:
    with pytest.raises(ColumnMissing) as caught:
        _import(database, _counties(), code="adcode")
    assert "code, name" in caught.value.detail("en")
    with pytest.raises(CrsUnknown):
        _import(database, _counties(), crs="WGS85")
    with pytest.raises(ValueError, match="not a level"):
        _import(database, _counties(), level="district")
    assert _import(database, _counties().iloc[:0]).outcome == "refused"


def test_skip_bad_needs_a_good_row_and_takes_the_others(database: Database) -> None:
    frame = _counties(code=["341102", "x", "341122"])
    report = _import(database, frame, publish=True, skip_bad=True)
    assert report.outcome == "published"
    assert report.rejected_rows == [2]
    assert report.counts == {"rows": 3, "new": 2, "changed": 0, "unchanged": 0, "rejected": 1}
    hopeless = _import(database, _counties(code=["a", "b", "c"]), skip_bad=True)
    assert hopeless.outcome == "refused"


def test_strict_refuses_what_does_not_tile(database: Database) -> None:
    shapes = [shapely.box(118 + i / 10, 32, 118.11 + i / 10, 32.1) for i in range(3)]
    report = _import(database, _counties(geometry=shapes), strict=True)
    assert report.outcome == "refused"
    assert len(report.by_kind()["overlap"]) == 2
    assert _import(database, _counties(geometry=shapes)).outcome == "drafted"


def test_a_code_of_another_level_or_system_is_taken(database: Database) -> None:
    _import(database, _counties(), publish=True)
    other = _import(database, _counties(), code_system="local")
    assert {finding.kind for finding in other.errors} == {"code-taken"}
    assert other.outcome == "refused"


# --- publishing -----------------------------------------------------------------------------------


def test_only_what_changed_gets_a_new_version(database: Database) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    _import(database, _counties(), publish=True, valid_from=start)
    moved = _counties(name=["琅琊区", "南谯新区", "来安县"])
    report = _import(database, moved, publish=True, valid_from=start + timedelta(days=10))
    assert report.counts == {"rows": 3, "new": 0, "changed": 1, "unchanged": 2, "rejected": 0}
    with database.reading(SYSTEM) as work:
        versions = work.rows(
            sa.text(
                "select name, lower(valid) as valid_from, upper(valid) as valid_to, "
                "added_revision, retired_revision from area_versions "
                "where area_code = '341103' order by id"
            )
        )
        before = {row["code"]: row["name"] for row in area_store.of_revision(work, 1)}
        after = {row["code"]: row["name"] for row in area_store.of_revision(work, 2)}
        assert area_store.published_revision(work, start + timedelta(days=5)) == 1
    assert [dict(version) for version in versions] == [
        {"name": "南谯区", "valid_from": start, "valid_to": start + timedelta(days=10),
         "added_revision": 1, "retired_revision": 2},
        {"name": "南谯新区", "valid_from": start + timedelta(days=10), "valid_to": None,
         "added_revision": 2, "retired_revision": None},
    ]  # fmt: skip
    assert (before["341103"], after["341103"]) == ("南谯区", "南谯新区")
    assert set(before) == set(after)


def test_a_draft_is_not_seen_until_it_is_published(database: Database) -> None:
    report = _import(database, _counties())
    assert report.outcome == "drafted"
    assert report.draft_id is not None
    with database.reading(SYSTEM) as work:
        assert area_store.published_revision(work) is None
    assert publish_draft(database, SYSTEM, report.draft_id) == 1
    with pytest.raises(DraftUnknown):
        publish_draft(database, SYSTEM, report.draft_id)
    with database.reading(SYSTEM) as work:
        assert len(area_store.of_revision(work, 1)) == 3


def test_a_revision_is_never_in_force_before_the_one_it_follows(database: Database) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    _import(database, _counties(), publish=True, valid_from=start)
    before = _rows(database)
    renamed = _counties(name=["a", "b", "c"])
    with pytest.raises(ValidFromTooEarly):
        _import(database, renamed, publish=True, valid_from=start)
    assert _rows(database) == before


def test_two_people_publish_at_once_one_after_the_other(database: Database) -> None:
    reports: list[ImportReport] = []
    barrier = threading.Barrier(2)

    def run(name: str) -> None:
        frame = _counties(name=[name] * 3)
        barrier.wait()
        reports.append(_import(database, frame, publish=True))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.revision or 0 for report in reports) == [1, 2]
    with database.reading(SYSTEM) as work:
        last = area_store.of_revision(work, 2)
    winner = next(report for report in reports if report.revision == 2)
    assert winner.counts["changed"] == 3
    assert len({row["name"] for row in last}) == 1


def test_parents_and_kinds_come_from_the_code_or_the_file(database: Database) -> None:
    codes = ["341102001001", "341102001201", "341102001002"]
    frame = _counties(code=codes).assign(kind=["社区", None, "rural"])
    report = _import(database, frame, level="community", kind="kind", publish=True)
    assert report.by_kind()["parent-unknown"][0].facts == {"rows": 3}
    with database.reading(SYSTEM) as work:
        stored = {row["code"]: row for row in area_store.of_revision(work, 1)}
    assert [stored[code]["kind"] for code in codes] == ["urban", "rural", "rural"]
    assert {row["parent_code"] for row in stored.values()} == {"341102001"}


def test_an_invalid_shape_is_mended_only_on_request(database: Database) -> None:
    bow = shapely.Polygon([(118, 32), (118.1, 32.1), (118.1, 32), (118, 32.1)])
    shapes = [bow, *_counties().geometry[1:]]
    refused = _import(database, _counties(geometry=shapes))
    assert [finding.kind for finding in refused.errors] == ["self-intersection"]
    assert (refused.errors[0].lon, refused.errors[0].lat) == pytest.approx((118.05, 32.05))
    mended = _import(database, _counties(geometry=shapes), mend=True)
    (finding,) = mended.by_kind()["mended"]
    assert finding.facts["area_m2"] == pytest.approx(0.0, abs=1.0)
    assert mended.outcome == "drafted"


def test_the_report_speaks_every_format(database: Database) -> None:
    shapes = [shapely.box(118 + i / 10, 32, 118.11 + i / 10, 32.1) for i in range(3)]
    report = _import(database, _counties(geometry=shapes, name=["<b>", "b", "c"]))
    assert report.to_json()["findings_by_kind"]["overlap"] == 2
    features = report.to_geojson()["features"]
    assert {feature["geometry"]["type"] for feature in features} == {"Polygon"}
    assert "341102 / 341103" in report.to_text("en")
    page = report.to_html("zh")
    assert page.startswith("<!doctype html>")
    assert "http" not in page
