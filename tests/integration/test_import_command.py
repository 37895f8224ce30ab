"""``gridward import`` as people run it: report on standard output, files, exit status."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from api.cli import delivery, imports
from api.cli.session import explained
from gis.governance.actors import SYSTEM
from layers import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from gis.store.unit_of_work import Database


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the test's own database."""

    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    monkeypatch.setattr(imports, "open_database", opened)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return Run()


class Run:
    def __call__(self, *words: object) -> Result:
        return CliRunner().invoke(imports.app, [str(word) for word in words])


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    boxes = [shapely.box(118 + i / 10, 32, 118.11 + i / 10, 32.1) for i in range(3)]
    bow = shapely.Polygon([(118, 33), (118.1, 33.1), (118.1, 33), (118, 33.1)])
    frame = gpd.GeoDataFrame({"id": ["a", "b", "c", "d"]}, geometry=[*boxes, bow], crs=4326)
    path = tmp_path / "zones.geojson"
    files.write(frame, path)
    return path


LOCAL = ("--level", "grid", "--code", "id", "--name", "id", "--code-system", "local")


def _count(database: Database, table: str) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(sa.text(f"select count(*) from {table}")))


def test_a_refused_file_ends_with_status_1_and_writes_only_the_report(
    run: Run, zones: Path, tmp_path: Path, database: Database
) -> None:
    told = {ending: tmp_path / f"report{ending}" for ending in delivery.REPORT_ENDINGS}
    for path in told.values():
        result = run("areas", zones, *LOCAL, "--report", path)
        assert result.exit_code == 1
        assert "未导入" in result.stdout
        assert "边界自相交" in result.stdout
    assert json.loads(told[".json"].read_text())["outcome"] == "refused"
    assert len(json.loads(told[".geojson"].read_text())["features"]) == 3
    assert "Refused" in told[".txt"].read_text()
    assert "未导入" in told[".html"].read_text()
    assert _count(database, "boundary_revisions") == 0


def test_rejects_go_to_a_file_and_the_rest_is_published(
    run: Run, zones: Path, tmp_path: Path, database: Database
) -> None:
    rejects = tmp_path / "bad.gpkg"
    result = run("areas", zones, *LOCAL, "--publish", "--skip-bad", rejects, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["outcome"], answer["revision"]) == ("published", 1)
    assert answer["source"]["declared_crs"] == "WGS84"
    (bad,) = files.read(rejects).to_dict("records")
    assert (bad["id"], bad["row"]) == ("d", 4)
    assert "自相交" in bad["reject_reason"]
    assert _count(database, "area_versions") == 3


def test_mend_publishes_all(run: Run, zones: Path, database: Database) -> None:
    result = run("areas", zones, *LOCAL, "--publish", "--mend", "--valid-from", "2026-01-01")
    assert result.exit_code == 0, result.output
    assert "已修补" in result.stdout
    with database.reading(SYSTEM) as work:
        start = work.scalar(sa.text("select effective_from from boundary_revisions"))
    assert start.isoformat() == "2025-12-31T16:00:00+00:00"  # midnight in Shanghai


@pytest.mark.parametrize(
    "words",
    [
        ("--level", "district"),
        ("--valid-from", "soon"),
        ("--report", "report.docx"),
        ("--report", "/no/such/folder/report.txt"),
        ("--skip-bad", "bad.xls"),
        ("--what",),
    ],
)
def test_wrong_usage_ends_with_status_2(run: Run, zones: Path, words: tuple[str, ...]) -> None:
    assert run("areas", zones, *LOCAL, *words).exit_code == 2


def test_expected_errors_are_explained(
    run: Run, zones: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*words: object) -> int:
        arguments = [str(word) for word in words]
        return explained(lambda: imports.app(arguments))

    assert call("areas", zones, "--level", "grid", "--code", "x", "--name", "id") == 1
    assert "没有列 x" in capsys.readouterr().err
    assert call("areas", zones, *LOCAL, "--crs", "WGS85") == 1
    assert call("stations", "none.csv", "--code", "id") == 1
    assert "找不到" in capsys.readouterr().err


def test_stations_of_a_csv(run: Run, tmp_path: Path, database: Database) -> None:
    path = tmp_path / "stations.csv"
    path.write_text("编号,名称,经度,纬度\n1,甲站,118.3,32.3\n2,乙站,abc,32.3\n", encoding="gbk")
    words = ("stations", path, "--code", "编号", "--name", "名称", "--crs", "gcj02")
    refused = run(*words)
    assert refused.exit_code == 1
    assert "第 3 行" in refused.stdout
    assert _count(database, "stations") == 0
    rejects = tmp_path / "bad.csv"
    taken = run(*words, "--skip-bad", rejects)
    assert taken.exit_code == 0, taken.output
    assert "乙站" in rejects.read_text(encoding="utf-8-sig")
    assert _count(database, "stations") == 1
    assert run("stations", "--help").exit_code == 0
    assert "导入服务站点" in run("stations", "--help").stdout


def test_known_places_alone_decide_the_coordinate_system_of_a_fresh_home(
    run: Run, shared_data: Path, database: Database
) -> None:
    zones = shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson"
    stations = shared_data / "shenzhen-zones/stations.csv"
    local = ("--level", "grid", "--code", "taz_id", "--name", "taz_id", "--code-system", "local")
    known = ("--known-places", stations, "--known-area", "taz_id", "--known-crs", "gcj02")
    refused = run("areas", zones, *local, *known)
    assert refused.exit_code == 1
    assert "明显不符" in refused.stdout
    assert "按 GCJ-02 则有 95.5%" in refused.stdout
    assert "--force-crs" in refused.stdout
    assert _count(database, "boundary_revisions") == 0
    assert run("areas", zones, *local, *known, "--crs", "GCJ-02").exit_code == 0
    assert run("areas", zones, *local, *known, "--force-crs").exit_code == 0
    assert _count(database, "boundary_revisions") == 2
