"""Checking what is published, and what a draft would leave, through the service and the command."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from api.cli import checking
from gis.errors import AreaUnknown, DraftUnknown, NoPublishedBoundary
from gis.governance.actors import SYSTEM
from gis.services.boundaries import import_areas, publish_draft
from gis.services.boundary_check import check_boundaries
from tests.factories import COMMUNITY, SIDE, SmallCity, small_city

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gis.store.unit_of_work import Database


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


def _draft(database: Database, city: SmallCity) -> int:
    """Grid 002 one metre too far west, over 001, and away from the community's rim."""
    lon, lat = city.inside(2)
    half, metre = SIDE / 2, 1.06e-5
    moved = shapely.box(lon - half - metre, lat - half, lon + half - metre, lat + half)
    frame = gpd.GeoDataFrame(
        {"row": [1], "code": [city.grids[1]], "name": ["二"], "up": [COMMUNITY]},
        geometry=[moved],
        crs=4326,
    )
    report = import_areas(
        database, SYSTEM, frame, level="grid", code="code", name="name", parent="up",
        code_system="local",
    )  # fmt: skip
    assert report.draft_id is not None, report.to_text("en")
    return report.draft_id


def test_a_clean_city_has_nothing_wrong_in_its_grids(database: Database, city: SmallCity) -> None:
    report = check_boundaries(database, SYSTEM, level="grid")
    assert report.errors == []
    assert report.counts == {"grid": 4}
    assert "boundary revision 1" in report.headline("en")


def test_a_draft_is_checked_as_it_would_stand(database: Database, city: SmallCity) -> None:
    draft = _draft(database, city)
    report = check_boundaries(database, SYSTEM, draft_id=draft, area=COMMUNITY)
    found = {finding.kind: finding for finding in report.errors}
    assert found.keys() == {"overlap", "gap"}
    assert found["overlap"].facts["areas"] == [city.grids[0], city.grids[1]]
    assert found["overlap"].facts["width_m"] == pytest.approx(1.0, rel=0.02)
    assert "longest shared edge" in found["overlap"].facts["repair_en"]
    assert len(check_boundaries(database, SYSTEM, area=COMMUNITY).errors) == 0


def test_unknown_things_are_refused(database: Database) -> None:
    with pytest.raises(NoPublishedBoundary):
        check_boundaries(database, SYSTEM)
    small_city(database)
    with pytest.raises(AreaUnknown):
        check_boundaries(database, SYSTEM, area="nowhere")
    with pytest.raises(DraftUnknown):
        check_boundaries(database, SYSTEM, draft_id=99)


def test_the_command_checks_what_was_in_force_then(
    database: Database, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    monkeypatch.setattr(checking, "open_database", opened)
    before = datetime.now(UTC)
    publish_draft(database, SYSTEM, _draft(database, city))
    words = ["grids", "--level", "grid", "--json"]
    now = CliRunner().invoke(checking.app, words)
    then = CliRunner().invoke(checking.app, [*words, "--at", before.isoformat()])
    assert (now.exit_code, then.exit_code) == (1, 0), now.output + then.output
    assert [json.loads(told.stdout)["revision"] for told in (now, then)] == [2, 1]
    both = CliRunner().invoke(checking.app, [*words, "--at", before.isoformat(), "--draft", "1"])
    assert both.exit_code == 2


def test_the_command_reports_and_fails_when_something_is_wrong(
    database: Database, city: SmallCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    monkeypatch.setattr(checking, "open_database", opened)
    draft = _draft(database, city)
    clean = CliRunner().invoke(checking.app, ["grids", "--level", "grid", "--json"])
    assert clean.exit_code == 0, clean.output
    assert json.loads(clean.stdout)["findings_by_kind"] == {}
    for ending in (".geojson", ".html", ".txt", ".json"):
        file = tmp_path / f"found{ending}"
        words = ["grids", "--level", "grid", "--draft", str(draft), "--report", str(file)]
        assert CliRunner().invoke(checking.app, words).exit_code == 1
        assert city.grids[1] in file.read_text("utf-8")
