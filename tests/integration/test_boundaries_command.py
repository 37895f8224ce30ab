"""``gridward boundaries`` as people run it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from api.cli import boundaries, imports
from gis.errors import InstantInvalid, ValidFromPast
from gis.services.lookup import Boundaries
from gis.store.unit_of_work import Database
from layers import files
from tests.factories import COMMUNITY, small_city
from tests.integration.test_editions import FIRST, SECOND, SIXTH, SPLIT, grids

if TYPE_CHECKING:
    from click.testing import Result

Run = Callable[..., "Result"]


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    for module in (boundaries, imports):
        monkeypatch.setattr(module, "open_database", opened)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    small_city(database)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(boundaries.app, [str(word) for word in words])

    return invoke


def test_draft_diff_publish_revisions(run: Run, tmp_path: Path, database: Database) -> None:
    path = tmp_path / "split.geojson"
    files.write(grids(**SPLIT).assign(above=COMMUNITY), path)
    columns = ("--level", "grid", "--code", "code", "--name", "name", "--parent", "above")
    made = run("draft", path, *columns, "--code-system", "local", "--retire", FIRST, "--json")
    assert made.exit_code == 0, made.output
    draft_id = json.loads(made.stdout)["draft_id"]
    seen = json.loads(run("diff", draft_id, "--json").stdout)
    assert [row["change"] for row in seen["changes"]] == ["retired", "new", "new"]
    words = run("diff", draft_id)
    assert f"{FIRST} -> {SIXTH} area 75.0%" in words.stderr
    assert "Check of the whole city: " in words.stderr
    assert "Impact: 0 people" in words.stderr
    assert seen["check"]["draft_id"] == seen["impact"]["draft_id"] == draft_id
    assert run("publish", draft_id).exit_code == 0
    listed = json.loads(run("revisions", "--json").stdout)["items"]
    assert [item["revision"] for item in listed] == [2, 1]
    assert listed[0]["retired"] == 1
    assert "revision 2" in run("revisions").stderr


def test_retire_discard_and_when(run: Run, database: Database) -> None:
    draft_id = json.loads(run("retire", FIRST, "--json").stdout)["draft_id"]
    assert json.loads(run("retire", SECOND, "--draft", draft_id, "--json").stdout)["draft_id"]
    assert isinstance(
        run("publish", draft_id, "--valid-from", "2026-01-01").exception, ValidFromPast
    )
    for nonsense in ("tomorrow", "2026-13-01", "2026-12-01T00:00:00"):
        refused = run("publish", draft_id, "--valid-from", nonsense).exception
        assert isinstance(refused, InstantInvalid)
    assert run("discard", draft_id).exit_code == 0
    other = json.loads(run("retire", FIRST, "--json").stdout)["draft_id"]
    told = json.loads(run("publish", other, "--valid-from", "2999-01-01", "--json").stdout)
    assert told["effective_from"].startswith("2998-12-31T16:00:00")
    assert Boundaries(database).refresh().snapshot.revision == 1
