"""The command line as a person uses it: real processes, a home of their own."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from api import cli
from gis.cluster import Cluster
from tests.homes import new_home
from tests.processes import environment, gridward


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A fresh home, leased for the module so that not every command starts PostgreSQL."""
    folder = new_home("gridward-cli-")
    with Cluster(folder).lease():
        yield folder
    Cluster(folder).reset()
    shutil.rmtree(folder, ignore_errors=True)


def refused(home: Path, *arguments: str, status: int = 1, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def zones(home: Path, shared_data: Path) -> Path:
    """Shenzhen's zones, imported by the first command in the fresh home."""
    report = home / "report.txt"
    gridward(
        home, "import", "areas", str(shared_data / "shenzhen-zones/traffic_zones_gcj02.geojson"),
        "--level", "community", "--code", "taz_id", "--name", "taz_id", "--code-system", "local",
        "--crs", "GCJ-02", "--publish", "--report", str(report),
    )  # fmt: skip
    return report


def test_first_import_in_a_fresh_home_is_published_and_reported(home: Path, zones: Path) -> None:
    said = zones.read_text("utf-8")
    assert "491" in said
    assert "缝隙" in said
    assert "重叠" in said


def test_stations_land_in_their_zones(home: Path, zones: Path, shared_data: Path) -> None:
    stations = shared_data / "shenzhen-zones/stations.csv"
    said = json.loads(
        gridward(
            home, "import", "stations", str(stations), "--code", "station_id", "--crs", "GCJ-02",
            "--lon", "lon_gcj02", "--lat", "lat_gcj02", "--area", "taz_id", "--json",
        )
    )  # fmt: skip
    assert said["counts"]["rows"] == 793
    inside = said["counts"]["inside"]
    assert inside / 793 >= 0.957, "the data's README: 1,521 of 1,587 in their zone, none elsewhere"


def test_match_adds_the_area_to_every_row(
    home: Path, zones: Path, shared_data: Path, tmp_path: Path
) -> None:
    source, target = shared_data / "shenzhen-zones/stations.csv", tmp_path / "matched.csv"
    gridward(
        home, "match", str(source), str(target), "--lon", "lon_gcj02", "--lat", "lat_gcj02",
        "--crs", "GCJ-02",
    )  # fmt: skip
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 793
    found = [row for row in rows if row["area_code"]]
    assert len(found) == 759
    assert all(row["area_code"] == row["taz_id"] for row in found), "none in a wrong zone"
    assert {row["decision"] for row in rows} == {"auto", "outside"}


def test_bad_rows_say_why_and_stop_nothing(home: Path, zones: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "pins.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n22.5,114.05\nx,22.5\n,\n114.05,22.5\n", encoding="utf-8")
    counts = json.loads(gridward(home, "match", str(source), str(target), "--json"))["decisions"]
    assert counts["invalid"] == 3
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"] for row in rows)
    assert rows[3]["decision"] != "invalid"


def test_a_file_of_addresses_needs_no_positions(home: Path, zones: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "calls.csv", tmp_path / "out.csv"
    source.write_text("address\n深圳市南山区\n", encoding="utf-8")
    said = gridward(home, "match", str(source), str(target), "--address", "address", "--json")
    assert json.loads(said)["decisions"] == {"review": 1}


def test_broken_backup_leaves_the_city_alone(home: Path, zones: Path, tmp_path: Path) -> None:
    backup = tmp_path / "city.dump"
    gridward(home, "db", "backup", str(backup))
    whole = backup.read_bytes()
    backup.write_bytes(whole[: len(whole) // 2])
    refused(home, "db", "restore", str(backup), "--replace")
    again, target = tmp_path / "pins.csv", tmp_path / "out.csv"
    again.write_text("lon,lat\n113.7797,22.7168\n", encoding="utf-8")
    assert gridward(home, "match", str(again), str(target), "--json")


def test_backup_and_restore_give_the_same_city(home: Path, zones: Path, tmp_path: Path) -> None:
    before = gridward(home, "db", "status", "--json")
    backup = tmp_path / "city.dump"
    gridward(home, "db", "backup", str(backup))
    assert "replace" in refused(home, "db", "restore", str(backup))
    gridward(home, "db", "restore", str(backup), "--replace")
    assert gridward(home, "db", "status", "--json") == before
    again, target = tmp_path / "pins.csv", tmp_path / "out.csv"
    again.write_text("lon,lat\n113.7797,22.7168\n", encoding="utf-8")
    counts = json.loads(gridward(home, "match", str(again), str(target), "--json"))["decisions"]
    assert sum(counts.values()) == 1
    assert gridward(home, "token", "--role", "viewer"), "the application's rights came back, too"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("match", "nowhere.csv", "out.csv"), 1, "nowhere.csv"),
        (("match", "nowhere.xls", "out.csv"), 1, ".csv"),
        (("import", "areas", "nowhere.geojson", "--level", "grid"), 2, "--code"),
        (("token", "--role", "king"), 2, "king"),
        (("db", "restore", "nowhere.dump"), 1, "nowhere.dump"),
        (("db", "reset"), 1, "--yes"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_mistakes_are_told_in_words(
    home: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    assert words in refused(home, *arguments, status=status)


def test_wrong_setting_names_the_variable(home: Path) -> None:
    said = refused(home, "settings", GRIDWARD_PORT="many")
    assert "GRIDWARD_PORT" in said


def test_help_is_in_both_languages(home: Path) -> None:
    said = gridward(home, "--help")
    assert "装载" in gridward(home, "demo", "--help")
    assert "serve" in said
    assert "启动" in said


def test_the_list_of_commands_is_what_their_modules_say() -> None:
    listed, real = (typer.main.get_command(made) for made in (cli.listing(), cli.app()))
    assert isinstance(listed, typer.core.TyperGroup)
    assert isinstance(real, typer.core.TyperGroup)
    assert {name: one.get_short_help_str(100) for name, one in listed.commands.items()} == {
        name: one.get_short_help_str(100) for name, one in real.commands.items()
    }
