"""The rest of a city out of files: all or nothing, and what is wrong in them."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app as commands
from api.cli import city_imports
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.employment import CircleQuestion, circles
from gis.services.planning import coverage
from gis.store import tables
from gis.store.unit_of_work import Database
from layers.files import osm
from tests import small_city
from tests.conftest import cloned

Run = Callable[..., Result]


@pytest.fixture
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        yield database


@pytest.fixture
def run(town: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("roads", file, ...)` -> the result of `gridward import ...`."""
    monkeypatch.setattr(city_imports, "open_database", lambda: nullcontext(town))

    def typed(*words: object) -> Result:
        return CliRunner().invoke(commands("imports"), ["import", *map(str, words)])

    return typed


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def count(database: Database, table: sa.Table) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(sa.select(sa.func.count()).select_from(table)))


BUILDING = {
    "编码": "B1",
    "lon": 118.21,
    "lat": 32.21,
    "人口": 9,
    "户数": 3,
    "age_60_plus": 9,
    "独居": 2,
}


def test_buildings_come_with_their_people_and_their_grid(
    run: Run, town: Database, tmp_path: Path
) -> None:
    rows = [BUILDING, {**BUILDING, "编码": "B2", "lon": 118.39, "人口": 4, "独居": ""}]
    file = written(tmp_path / "buildings.csv", rows)
    before = coverage(town, SYSTEM)["summary"]["people"]
    result = run("buildings", file, "--tag", "living_alone=独居", "--json")
    assert result.exit_code == 0, result.output
    answer = coverage(town, SYSTEM, groups=["living_alone", "age_60_plus"])
    assert answer["summary"]["people"] == before + 13
    with town.reading(SYSTEM) as work:
        (first, _) = work.rows(
            sa.select(tables.buildings.c.grid_code, tables.buildings.c.tags)
            .where(tables.buildings.c.code.is_not(None))
            .order_by(tables.buildings.c.code)
        )
    assert first["grid_code"] == "341102001001001"
    assert first["tags"] == {"living_alone": 2}
    again = json.loads(run("buildings", file, "--json").stdout)
    assert again["counts"] == {"rows": 2, "rejected": 0, "new": 0, "known": 2}


def test_one_bad_row_and_nothing_is_written(run: Run, town: Database, tmp_path: Path) -> None:
    rows = [
        BUILDING,
        {**BUILDING, "编码": "B2", "人口": -5},
        {**BUILDING, "编码": "B3", "lon": 13e6},
        {**BUILDING, "编码": "", "人口": "many"},
        {**BUILDING, "编码": "B5"},
        {**BUILDING, "编码": "B5"},
    ]
    file = written(tmp_path / "buildings.csv", rows)
    before = count(town, tables.buildings)
    result = run("buildings", file, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["outcome"] == "refused"
    assert report["rejected_rows"] == [3, 4, 5, 6, 7]
    assert report["findings_by_kind"] == {
        "code-missing": 1,
        "code-duplicate": 2,
        "number-invalid": 2,
        "position-invalid": 1,
    }
    assert count(town, tables.buildings) == before
    rejects = tmp_path / "bad.csv"
    assert run("buildings", file, "--skip-bad", rejects).exit_code == 0
    assert count(town, tables.buildings) == before + 1
    assert len(rejects.read_text("utf-8-sig").splitlines()) == 6


def test_missing_columns_are_named(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "jobs.csv", [{"code": "J1", "lon": 118.2, "lat": 32.2}])
    result = run("openings", file)
    assert result.exit_code != 0
    assert "employer" in str(result.exception) or "employer" in result.output
    wrong = run("openings", file, "--map", "salary=x")
    assert wrong.exit_code == 2


def test_openings_and_seekers_make_a_circle(run: Run, town: Database, tmp_path: Path) -> None:
    job = {
        "code": "J1", "单位": "厂", "岗位": "工", "工种": "catering", "wage_max": 5000,
        "招聘人数": 3,
        "valid_from": "2026-01-01", "valid_to": "2027-12-31", "lon": 118.25, "lat": 32.25,
    }  # fmt: skip
    assert run("openings", written(tmp_path / "jobs.csv", [job])).exit_code == 0
    bad = [{**job, "valid_to": "2025-01-01"}, {**job, "code": "J2", "wage_min": 9000}]
    refused = run("openings", written(tmp_path / "bad.csv", bad[:1]))
    assert refused.exit_code == 1
    house = written(tmp_path / "b.csv", [BUILDING])
    assert run("buildings", house).exit_code == 0
    rows = [
        {"code": "K1", "trade": "catering", "building": "B1", "zero_employment_household": "是"},
        {"code": "K2", "trade": "catering", "building": "B9", "zero_employment_household": "否"},
    ]
    file = written(tmp_path / "seekers.csv", rows)
    unknown = run("seekers", file, "--json")
    assert unknown.exit_code == 1
    assert json.loads(unknown.stdout)["findings_by_kind"] == {"building-unknown": 1}
    assert run("seekers", written(tmp_path / "one.csv", rows[:1])).exit_code == 0
    answer = circles(town, SYSTEM, CircleQuestion(radius_m=9000.0, least_openings=3))
    first = answer["items"][0]
    assert (first["openings"], first["seekers"]) == (3, 1)


def test_people_by_cell_of_a_real_grid_are_spread_and_none_is_lost(
    run: Run, town: Database, tmp_path: Path, shared_data: Path
) -> None:
    grid = gpd.read_file(shared_data / "population-grid" / "helsinki_population_grid_2020.gpkg")
    grid["id"] = [f"c{i}" for i in range(len(grid))]
    west, south = grid.total_bounds[:2]
    grid["geometry"] = grid.translate(118.22 - west, 32.22 - south)
    file = tmp_path / "grid.gpkg"
    grid.to_file(file)
    result = run("people", file, "--series", "2020", "--json")
    assert result.exit_code == 0, result.output
    answer = coverage(town, SYSTEM, demand="2020", radius_m=9000.0)
    assert answer["demand"]["people"] == int(grid["population"].sum()) == 71_724
    assert answer["summary"]["people_all"] <= 71_724
    by_area = written(
        tmp_path / "areas.csv",
        [{"区域编码": "341102001001", "人口": 77}, {"区域编码": "x", "人口": 1}],
    )
    refused = run("people", by_area, "--series", "table", "--json")
    assert json.loads(refused.stdout)["findings_by_kind"] == {"area-unknown": 1}


@pytest.fixture(scope="module")
def shanghai(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real extract, cut to a quarter so that the tests stay quick."""
    path = tmp_path_factory.mktemp("osm") / "shanghai.osm"
    source = shared_data / "road-network" / "shanghai_center.osm.gz"
    with gzip.open(source) as packed, path.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return path


def test_a_real_osm_extract_becomes_a_network(run: Run, town: Database, shanghai: Path) -> None:
    result = run("roads", shanghai, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["counts"]["edges"] > 6000
    assert report["findings_by_kind"]["far-off"] == 4  # the town's stations and people, far away
    with town.reading(SYSTEM) as work:
        total = work.scalar(sa.select(sa.func.sum(tables.roads.c.length_m)))
        oneway = work.scalar(
            sa.select(sa.func.count()).select_from(tables.roads).where(tables.roads.c.oneway)
        )
    lines = osm.read_roads(shanghai)
    expected = lines.geometry.to_crs(32651).length.sum()
    assert total == pytest.approx(expected, rel=0.003)
    assert oneway > 1000
    second = run("roads", shanghai)
    assert second.exit_code != 0
    assert run("roads", shanghai, "--replace").exit_code == 0


def test_pbf_keeps_who_may_walk_and_ride(shared_data: Path) -> None:
    roads = osm.read_roads(shared_data / "road-network" / "helsinki_kamppi_sample.osm.pbf")
    by_class = roads.groupby("class")
    assert set(by_class.get_group("steps")["ride"]) == {"no"}
    assert set(by_class.get_group("cycleway")["ride"]) == {"yes"}
    assert "platform" not in set(roads["class"])
    assert (roads["oneway"] != "no").sum() > 100


def test_own_lines_are_cut_joined_and_looked_over(run: Run, town: Database, tmp_path: Path) -> None:
    lines = [
        ("A", shapely.LineString([(118.24, 32.25), (118.30, 32.25)]), "双向"),
        ("B", shapely.LineString([(118.27, 32.24), (118.27, 32.30)]), "正向"),
        ("C", shapely.LineString([(118.35, 32.35), (118.36, 32.35)]), None),
    ]
    frame = gpd.GeoDataFrame(
        {"编码": [code for code, *_ in lines], "单行": [way for *_, way in lines]},
        geometry=[line for _, line, _ in lines],
        crs="EPSG:4326",
    )
    file = tmp_path / "roads.geojson"
    frame.to_file(file)
    report = json.loads(run("roads", file, "--json").stdout)
    assert report["counts"]["edges"] == 5
    assert (report["counts"]["parts_walk"], report["counts"]["parts_ride"]) == (2, 2)
    assert report["findings_by_kind"]["part-apart"] == 2
    answer = coverage(town, SYSTEM, reach="network", radius_m=5000.0, kinds=["service_station"])
    assert answer["summary"]["people_covered"] == 100
    with town.reading(SYSTEM) as work:
        codes = {row["code"] for row in work.rows(sa.select(tables.roads.c.code))}
    assert codes == {"A#1", "A#2", "B#1", "B#2", "C#1"}
    apart = json.loads(run("roads", file, "--noded", "--replace", "--json").stdout)
    assert apart["counts"]["edges"] == 3


def test_graphml_and_barriers(run: Run, town: Database, tmp_path: Path) -> None:
    graphml = tmp_path / "g.graphml"
    graphml.write_text(
        '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        '<key id="d0" for="node" attr.name="x"/><key id="d1" for="node" attr.name="y"/>'
        '<key id="d2" for="edge" attr.name="oneway"/><graph edgedefault="directed">'
        '<node id="1"><data key="d0">118.25</data><data key="d1">32.25</data></node>'
        '<node id="2"><data key="d0">118.26</data><data key="d1">32.25</data></node>'
        '<edge source="1" target="2"><data key="d2">True</data></edge></graph></graphml>',
        encoding="utf-8",
    )
    report = json.loads(run("roads", graphml, "--json").stdout)
    assert (report["counts"]["edges"], report["counts"]["junctions"]) == (1, 2)
    osm_file = tmp_path / "gate.osm"
    nodes = "".join(
        f'<node id="{i}" lat="32.25" lon="{118.25 + i / 100}" version="1">'
        + ({2: '<tag k="barrier" v="bollard"/>', 3: '<tag k="barrier" v="wall"/>'}.get(i, ""))
        + "</node>"
        for i in (1, 2, 3, 4)
    )
    refs = "".join(f'<nd ref="{i}"/>' for i in (1, 2, 3, 4))
    osm_file.write_text(
        f'<osm version="0.6">{nodes}<way id="9" version="1">{refs}'
        '<tag k="highway" v="residential"/></way></osm>',
        encoding="utf-8",
    )
    report = json.loads(run("roads", osm_file, "--replace", "--json").stdout)
    assert report["counts"]["parts_ride"] == 3  # wheels stop at the bollard and at the wall
    assert report["counts"]["parts_walk"] == 2  # walkers only at the wall


def test_what_is_no_road_file_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "x.osm.pbf"
    broken.write_bytes(b"nonsense")
    result = run("roads", broken)
    assert result.exit_code != 0
    assert type(result.exception).__name__ in {"FileUnreadable", "GeometryMissing"}
