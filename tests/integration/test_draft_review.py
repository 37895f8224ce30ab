"""A draft is shown with the check of the whole city, which is made once and kept while it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.errors import DraftUnknown, OutsideScope
from gis.governance.actors import SYSTEM, Actor
from gis.services import draft_review, editions, exceptions
from gis.services.boundaries import import_areas
from gis.services.boundary_check import check_boundaries
from gis.services.draft_review import review
from gis.services.jobs import Context
from gis.services.lookup import Boundaries
from gis.settings import Settings
from tests.factories import COMMUNITY, SIDE, SmallCity, small_city

if TYPE_CHECKING:
    from pathlib import Path

    from gis.store.unit_of_work import Database

METRE = 1.06e-5


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The drafts that were really checked, in order."""
    made: list[int] = []

    def counted(*args: object, draft_id: int, **options: object) -> object:
        made.append(draft_id)
        return check_boundaries(*args, draft_id=draft_id, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(draft_review, "check_boundaries", counted)
    return made


def moved(database: Database, city: SmallCity, metres: float, number: int = 2) -> int:
    """A draft of a grid that many metres west of where it stands: over one, away from another."""
    lon, lat = city.inside(number)
    half, west = SIDE / 2, metres * METRE
    frame = gpd.GeoDataFrame(
        {"code": [city.grids[number - 1]], "name": [f"网格 {metres}"], "up": [COMMUNITY]},
        geometry=[shapely.box(lon - half - west, lat - half, lon + half - west, lat + half)],
        crs=4326,
    )
    report = import_areas(
        database, SYSTEM, frame, level="grid", code="code", name="name", parent="up",
        code_system="local",
    )  # fmt: skip
    assert report.draft_id is not None, report.to_text("en")
    return report.draft_id


def test_the_check_is_that_of_the_whole_city_with_what_the_draft_causes_first(
    database: Database, city: SmallCity
) -> None:
    editions.publish_draft(database, SYSTEM, moved(database, city, 5, number=3))
    draft = moved(database, city, 1)
    found = review(database, SYSTEM, draft)
    whole = check_boundaries(database, SYSTEM, draft_id=draft)
    kinds = {kind: len(some) for kind, some in whole.by_kind().items()}
    assert found["check"]["findings_by_kind"] == kinds
    mine = city.grids[1]
    concerning = [one for one in whole.findings if mine in one.facts.get("areas", ())]
    assert sum(found["check"]["of_draft"].values()) == len(concerning) < len(whole.findings)
    for kind in found["check"]["of_draft"]:
        listed = [one for one in found["check"]["findings"] if one["kind"] == kind]
        assert mine in listed[0]["facts"]["areas"]
    assert found["impact"]["draft_id"] == draft
    assert found["changes"][0]["code"] == mine


def test_it_is_made_once_and_again_when_something_changed(
    database: Database, city: SmallCity, checks: list[int]
) -> None:
    draft = moved(database, city, 1)
    first = review(database, SYSTEM, draft)
    assert review(database, SYSTEM, draft)["check"] == first["check"]
    assert checks == [draft]
    editions.retire_areas(database, SYSTEM, [city.grids[3]], draft_id=draft)
    assert review(database, SYSTEM, draft)["check"] != first["check"]
    assert checks == [draft] * 2
    editions.publish_draft(database, SYSTEM, moved(database, city, 3, number=3))
    assert review(database, SYSTEM, draft)["check"]["revision"] == 2
    assert checks == [draft] * 3
    exceptions.add(
        database, SYSTEM, geometry={"type": "Polygon", "coordinates": [[
            [118.3, 32.3], [118.31, 32.3], [118.31, 32.31], [118.3, 32.3]]]},
        area=city.grids[0], unit=None, category=None, reason="x",
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    assert "boundary-exception" in review(database, SYSTEM, draft)["check"]["findings_by_kind"]
    assert checks == [draft] * 4


def test_a_job_checks_a_draft_before_somebody_looks_and_publication_keeps_it(
    database: Database, city: SmallCity, checks: list[int], tmp_path: Path
) -> None:
    draft = moved(database, city, 1)
    with database.reading(SYSTEM) as work:
        jobs = work.rows(sa.text("select queueing_lock as key from procrastinate_jobs"))
    assert f"check-draft:{draft}" in {job["key"] for job in jobs}
    context = Context(database, Boundaries(database), Settings(home=tmp_path))
    draft_review.check_before_somebody_looks(context, draft_id=draft)
    kept = review(database, SYSTEM, draft)["check"]
    assert checks == [draft]
    editions.publish_draft(database, SYSTEM, draft)
    draft_review.check_before_somebody_looks(context, draft_id=draft)  # no longer open: no error
    after = review(database, SYSTEM, draft)
    assert (after["status"], after["check"]) == ("published", kept)
    assert "impact" not in after


def test_who_may_not_see_a_draft_sees_no_check(database: Database, city: SmallCity) -> None:
    draft = moved(database, city, 1)
    with pytest.raises(OutsideScope):
        review(database, Actor("token:1", "planner", "341103"), draft)
    editions.discard_draft(database, SYSTEM, draft)
    for number in (draft, 999):
        with pytest.raises(DraftUnknown):
            review(database, SYSTEM, number)
