"""``gridward evaluate`` and ``gridward learn`` as people run them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from api.cli import evaluation, learning
from api.cli.learning import ABOUT, COLUMNS, KINDS
from gis.errors import BadPinUnknown, ColumnMissing, CorrectionUnknown
from gis.matching import calibration, pin_sentences
from gis.services.learned import TABLES
from gis.services.lookup import Boundaries
from gis.store import tables
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, small_city
from tests.integration.test_learning import WORDS, correct

if TYPE_CHECKING:
    from click.testing import Result

Run = Callable[..., "Result"]


def runner(database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    for module in (evaluation, learning):
        monkeypatch.setattr(module, "open_database", opened)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    app = typer.Typer()
    for module in (evaluation, learning):
        module.register(app)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(database, monkeypatch)


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def run_on_demo(own_demo_city: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(own_demo_city, monkeypatch)


def answers(city: SmallCity, path: Path) -> Path:
    """Five pins: three right, one in the grid beside, one that lies outside of everything."""
    places = [(city.inside(n), city.grids[n - 1]) for n in (1, 2, 3)]
    places += [(city.inside(1), city.grids[1]), ((119.9, 32.9), city.grids[0])]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["lon", "lat", "accuracy", "right"])
        rows.writerows([lon, lat, 10, grid] for (lon, lat), grid in places)
    return path


def test_a_file_with_answers_is_judged(run: Run, city: SmallCity, tmp_path: Path) -> None:
    path, picture = answers(city, tmp_path / "answers.csv"), tmp_path / "reliability.png"
    words = (path, "--expect", "right", "--accuracy", "accuracy")
    done = run("evaluate", *words, "--json", "--plot", picture)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["events"], said["accuracy"], said["auto_share"]) == (5, 0.6, 0.8)
    assert (said["precision_of_auto"], said["auto_wrong"]) == (0.75, 1)
    confusion = said["confusion"]
    assert (confusion["neighbour"], confusion["none"]) == (1, 1)
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = run("evaluate", *words).stderr
    assert "5 events, first choice right 60.00%; auto 80.00%, of which right 75.00%" in told
    assert "wrong 1: next door 1, farther 0; without a candidate 1" in told
    assert json.loads(run("evaluate", *words, "--limit", 3, "--json").stdout)["accuracy"] == 1.0


def test_what_cannot_be_judged_is_said(run: Run, city: SmallCity, tmp_path: Path) -> None:
    path = answers(city, tmp_path / "answers.csv")
    assert run("evaluate").exit_code == 2
    assert run("evaluate", path).exit_code == 2, "a file without --expect"
    assert run("evaluate", path, "--expect", "right", "--events").exit_code == 2
    assert isinstance(run("evaluate", path, "--expect", "grid").exception, ColumnMissing)


def test_stored_events_are_judged_by_day_and_calibrated(run_on_demo: Run) -> None:
    run = run_on_demo
    whole = json.loads(run("evaluate", "--events", "--json").stdout)
    assert whole["events"] > 500
    assert sum(row["events"] for row in whole["by_source"].values()) == whole["events"]
    assert sum(row["events"] for row in whole["calibration"]) == whole["events"]
    months = [
        json.loads(run("evaluate", "--events", "--json", *words).stdout)["events"]
        for words in (("--until", "2026-10-01"), ("--since", "2026-10-01"))
    ]
    assert sum(months) == whole["events"]
    assert all(months)
    anew = json.loads(run("evaluate", "--events", "--calibrate", "--json").stdout)
    assert anew["calibration_error"] <= 0.02, "judged on what it was fitted to"
    again = run("learn", "history", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["witnesses"] > 50


def test_what_was_learned_is_shown_exported_and_taken_back(
    run: Run, database: Database, city: SmallCity, tmp_path: Path
) -> None:
    number = correct(database, Boundaries(database), city.grids[1])
    shown = json.loads(run("learn", "show", "--json").stdout)
    assert [row["confirmed_grid"] for row in shown["aliases"]] == [city.grids[1]]
    told = run("learn", "show")
    assert "(aliases): 1\n" in told.stderr
    assert city.grids[1] in told.stdout
    path = tmp_path / "corrections.csv"
    assert json.loads(run("learn", "export", path, "--json").stdout)["rows"] == 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["id"], row["address"], row["undone_by"]) == (str(number), WORDS, "")
    assert run("learn", "export", path, "--table", "people").exit_code == 2
    assert json.loads(run("learn", "undo", number, "--json").stdout)["undone"] is True
    assert json.loads(run("learn", "show", "--json").stdout)["aliases"] == []
    assert isinstance(run("learn", "undo", number).exception, CorrectionUnknown)
    assert isinstance(run("learn", "dismiss", 7).exception, BadPinUnknown)


def test_a_category_gets_its_own_level(run: Run, city: SmallCity) -> None:
    del city
    assert "event-fire: 0.9990" in run("learn", "level", "event-fire", 0.999).stderr
    rows = json.loads(run("learn", "show", "--json").stdout)["precisions"]
    assert [(row["category"], row["precision"]) for row in rows] == [("event-fire", 0.999)]
    assert run("learn", "level", "event-fire").exit_code == 0
    assert json.loads(run("learn", "show", "--json").stdout)["precisions"] == []


def test_every_table_and_column_that_is_shown_has_words() -> None:
    assert set(ABOUT) == set(TABLES) - {"corrections"}
    columns = {
        column.name
        for table in (
            tables.source_profiles, tables.source_readings, tables.source_errors,
            tables.place_spreads, tables.bad_pins, tables.confidence_bins,
            tables.category_precisions,
        )
        for column in table.c
    }  # fmt: skip
    assert set(COLUMNS) == columns | {"alias_key", "confirmed_grid", "times", "newest"}
    assert set(KINDS) == set(calibration.KINDS) | set(pin_sentences.BAD_PINS)
