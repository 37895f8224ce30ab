"""Questions of planning, asked in the boundaries of an earlier day, give that day's answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.accessibility import AccessQuestion, accessibility
from gis.services.atlas import grid_atlas
from gis.services.boundaries import import_areas
from gis.services.employment import CircleQuestion, circles
from gis.services.planning import coverage
from gis.services.scenarios import KINDS
from gis.services.siting import site
from gis.services.siting_question import SitingQuestion
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import cloned

FIRST, SECOND = "341102001001001", "341102001001002"
LINE = 0.95
"""Where the line between both grids runs after the redraw, in sides of a community; 0.5 before."""

Redrawn = tuple[Database, datetime, dict[str, Any]]


def asked(database: Database, then: datetime | None) -> dict[str, Any]:
    """Every question, by name; what says when it was asked is left out."""
    answers = {
        "coverage": coverage(database, SYSTEM, by="grid", boundaries_at=then),
        "access": accessibility(
            database, SYSTEM, AccessQuestion(by="grid", supply="stations", boundaries_at=then)
        ),
        "circles": circles(database, SYSTEM, CircleQuestion(at=NOON, boundaries_at=then)),
        "siting": site(
            database, SYSTEM, SitingQuestion(k=1, area="341102", boundaries_at=then, seconds=1.0)
        ),
    }
    answers["siting"].pop("seconds")
    for answer in answers.values():
        answer.get("question", answer.get("rule", {})).pop("boundaries_at")
    atlas = grid_atlas(database, SYSTEM, None, then)
    answers["atlas"] = {
        "revision": atlas.revision,
        "areas": {row["id"]: shapely.geometry.shape(row["geometry"]).area for row in atlas.areas},
    }
    return answers


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def redrawn(cluster: Cluster, template: str) -> Iterator[Redrawn]:
    """The city after a redraw, the instant before it, and what was answered then."""
    with cloned(cluster, template) as database:
        small_city.build(database)
        before = asked(database, None)
        with database.reading(SYSTEM) as work:
            then = work.scalar(sa.text("select clock_timestamp()"))
        west, south, side = small_city.WEST, small_city.SOUTH, small_city.SIDE
        cuts = {FIRST: (0.0, LINE), SECOND: (LINE, 1.0)}
        frame = gpd.GeoDataFrame(
            {"code": list(cuts), "name": ["一", "二"], "up": [FIRST[:12]] * 2},
            geometry=[
                shapely.box(west + a * side, south, west + b * side, south + side)
                for a, b in cuts.values()
            ],
            crs=4326,
        )
        report = import_areas(
            database, SYSTEM, frame, level="grid", code="code", name="name", parent="up",
            code_system="local", publish=True, force_crs=True,
        )  # fmt: skip
        assert report.outcome == "published", report.to_text("en")
        yield database, then, before


def test_a_redraw_moves_people_by_their_place_and_the_past_stays(redrawn: Redrawn) -> None:
    database, then, before = redrawn
    now = asked(database, None)
    people = {
        when: {row["code"]: row["people"] for row in answer["coverage"]["areas"]}
        for when, answer in (("before", before), ("now", now))
    }
    # the building at 0.9 sides was in the second grid, and registered there: the ground decides
    assert (people["before"][FIRST], people["before"][SECOND]) == (100, 50)
    assert (people["now"][FIRST], people["now"][SECOND]) == (150, 0)
    assert sum(people["now"].values()) == sum(people["before"].values())
    assert (before["atlas"]["revision"], now["atlas"]["revision"]) == (1, 2)
    assert now["atlas"]["areas"] != before["atlas"]["areas"]
    for name, answer in asked(database, then).items():
        assert answer == before[name], name


def test_a_scenario_keeps_the_day_of_its_boundaries(redrawn: Redrawn) -> None:
    database, then, before = redrawn
    question = {"by": "grid", "boundaries_at": then.isoformat()}
    answer = KINDS["coverage"](database, SYSTEM, question)
    assert answer["question"]["boundaries_at"] == then.isoformat()
    assert answer["boundary_revision"] == 1
    assert answer["areas"] == before["coverage"]["areas"]
    sited = KINDS["siting"](
        database, SYSTEM, {"k": 1, "area": "341102", "boundaries_at": then.isoformat()}
    )
    assert sited["boundary_revision"] == 1
