"""A redraw is a draft: balanced, checked, publishable, with lineage; nothing is in force by it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import redrawing
from gis.errors import AreaUnknown, OutsideScope, RedrawImpossible
from gis.governance.actors import SYSTEM, Actor
from gis.services import editions, jobs, redraw_job
from gis.services.access import issue_token
from gis.services.boundary_check import check_boundaries
from gis.services.redraw import propose_redraw
from gis.services.redraw_ground import RedrawRequest
from gis.services.worker import drain
from gis.settings import Settings
from gis.store.unit_of_work import Database

COUNTED = sa.text(
    "select c.area_code as code, c.kind, count(*) as grids, sum(g.households) as households "
    "from area_versions c join area_versions g on g.parent_code = c.area_code "
    "and g.kind = 'general' and g.valid is not null and g.retired_revision is null "
    "where c.level = 'community' group by c.area_code, c.kind "
    "having sum(g.households) between 900 and 2000 order by c.kind desc, count(*) desc, 1"
)
TOWER = sa.text(
    "update buildings set households = :households where id = (select min(b.id) from buildings b "
    "join area_versions v on v.area_code = :community and v.valid is not null "
    "and ST_Contains(v.geometry, b.geometry))"
)
MICRO = (
    (
        "insert into areas (code, level, code_system) select area_code || '-m', 'grid', 'local' "
        "from area_versions where parent_code = :community and kind = 'general'"
    ),
    (
        "insert into area_versions (area_code, draft_id, level, parent_code, name, kind, geometry, "
        "valid, added_revision) select area_code || '-m', draft_id, 'grid', area_code, "
        "area_code || '微', 'micro', ST_Multi(ST_Buffer(ST_PointOnSurface(geometry), 0.0001)), "
        "valid, added_revision from area_versions "
        "where parent_code = :community and kind = 'general'"
    ),
)
HOMELESS = sa.text(
    "select count(*) as micro, sum((not ST_Covers(p.geometry, m.geometry))::int) as out "
    "from area_versions m join area_versions p on p.area_code = m.parent_code "
    "and p.valid is not null and p.retired_revision is null "
    "where m.kind = 'micro' and m.valid is not null and m.retired_revision is null"
)
DRAFTED = sa.text("select count(*) from boundary_revisions where status = 'draft'")


@pytest.fixture
def community(own_demo_city: Database) -> str:
    """A town's community with several grids."""
    with own_demo_city.reading(SYSTEM) as work:
        return str(work.rows(COUNTED)[0]["code"])


def grids_of(database: Database, community: str) -> dict[str, dict[str, Any]]:
    with database.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select area_code as code, name, households, parent_code from area_versions "
                "where parent_code = :community and kind = 'general' and valid is not null "
                "and retired_revision is null order by area_code"
            ),
            community=community,
        )
    return {row["code"]: dict(row) for row in rows}


def drafts(database: Database) -> int:
    with database.reading(SYSTEM) as work:
        return int(work.scalar(DRAFTED))


def findings(
    database: Database, draft: int | None = None, area: str | None = None
) -> Counter[tuple[str, ...]]:
    found = check_boundaries(database, SYSTEM, draft_id=draft, area=area).findings
    return Counter((one.kind, *sorted(one.facts.get("areas", ()))) for one in found)


def test_a_redraw_is_drafted_checked_published_and_leaves_heirs(
    own_demo_city: Database, community: str
) -> None:
    before, faults = grids_of(own_demo_city, community), findings(own_demo_city)
    whole = sum(row["households"] for row in before.values())
    k = max(1, round(whole / 200))
    request = RedrawRequest(community, grids=k, low=120, high=280, seed=3)
    report = propose_redraw(own_demo_city, SYSTEM, request)

    assert report.outcome == "drafted"
    assert report.draft_id is not None
    assert grids_of(own_demo_city, community) == before  # nothing is in force by itself
    after = report.proposal["after"]["grids"]
    assert len(after) == k
    assert all(120 <= row["households"] <= 280 for row in after)
    assert sum(row["households"] for row in after) == whole
    assert not findings(own_demo_city, report.draft_id) - faults
    assert report.impact is not None
    moved = report.proposal["moved"]
    assert report.impact["summary"]["households_moved"] == moved["households"]
    assert moved["households"] == report.proposal["score"]["moved"]
    again = propose_redraw(own_demo_city, SYSTEM, request)
    assert again.proposal["after"] == report.proposal["after"]  # the seed tells

    editions.publish_draft(own_demo_city, SYSTEM, report.draft_id)
    stands = grids_of(own_demo_city, community)
    assert {c: r["households"] for c, r in stands.items()} == {
        row["code"]: row["households"] for row in after
    }
    new = sorted(set(stands) - set(before))
    numbers = [int(code[-3:]) for code in new]
    first = max(int(code[-3:]) for code in before) + 1
    assert numbers == list(range(first, first + len(new)))
    assert len({row["name"] for row in stands.values()}) == k
    lineage = editions.draft(own_demo_city, SYSTEM, report.draft_id)["lineage"]
    assert {row["new_code"] for row in lineage} >= set(new)


def test_fewer_grids_retire_codes_that_never_come_back(
    own_demo_city: Database, community: str
) -> None:
    before = grids_of(own_demo_city, community)
    with own_demo_city.transaction(SYSTEM) as work:
        for statement in MICRO:
            work.execute(sa.text(statement), community=community)
    whole = sum(row["households"] for row in before.values())
    wide = {"low": 1, "high": whole}
    one = propose_redraw(own_demo_city, SYSTEM, RedrawRequest(community, grids=1, **wide))
    assert one.draft_id is not None
    kept = {row["code"] for row in one.proposal["after"]["grids"]}
    assert one.proposal["retired"] == sorted(set(before) - kept)
    faults = findings(own_demo_city, area=community)
    assert not findings(own_demo_city, one.draft_id, community) - faults
    editions.publish_draft(own_demo_city, SYSTEM, one.draft_id)
    with own_demo_city.reading(SYSTEM) as work:  # micro grids went with the ground around them
        assert dict(work.rows(HOMELESS)[0]) == {"micro": len(before), "out": 0}
    three = propose_redraw(own_demo_city, SYSTEM, RedrawRequest(community, grids=3, **wide))
    fresh = {row["code"] for row in three.proposal["after"]["grids"]} - kept
    assert len(fresh) == 2
    assert not fresh & set(before)


def test_what_cannot_be_says_why_and_writes_nothing(
    own_demo_city: Database, community: str
) -> None:
    there = drafts(own_demo_city)
    plain: dict[str, Any] = {"community": community}

    def refused(**asked: object) -> str:
        with pytest.raises(RedrawImpossible) as error:
            propose_redraw(own_demo_city, SYSTEM, RedrawRequest(**plain | asked))
        assert error.value.detail("zh") != error.value.detail("en")
        return error.value.detail("en")

    assert "this is no community" in refused(community=community[:9])
    assert "numbers that fit" in refused(grids=60, low=100, high=300)
    assert "no number of grids" in refused(low=5000, high=6000)
    assert "no range" in refused(low=500, high=300)
    assert "is no number of grids" in refused(grids=0)
    with pytest.raises(AreaUnknown):
        propose_redraw(own_demo_city, SYSTEM, RedrawRequest("341102999999"))
    with pytest.raises(OutsideScope):
        propose_redraw(
            own_demo_city, Actor("token:1", "planner", "341199"), RedrawRequest(community)
        )
    whole = sum(row["households"] for row in grids_of(own_demo_city, community).values())
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(TOWER, community=community, households=whole)
    told = refused(grids=3, low=whole // 2, high=9 * whole // 10)
    assert "the nearest has" in told
    assert "one block that cannot be divided has" in told
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(sa.text("update buildings set households = 0"))
    assert "import buildings first" in refused()
    assert drafts(own_demo_city) == there


def test_planners_ask_over_http_and_get_a_job(
    own_demo_city: Database, community: str, settings: Settings
) -> None:
    settings = settings.model_copy(update={"tile_cache_mb": 0})  # no tiles ahead of a whole city
    client = TestClient(create_app(settings, own_demo_city))

    def signed(role: str) -> dict[str, str]:
        issued = issue_token(own_demo_city, SYSTEM, role=role, area=None, days=1, label="t")
        return {"Authorization": f"Bearer {issued.secret}"}

    planner = signed("planner")
    asked = {"community": community, "low": 100, "high": 2000, "grids": 3, "seed": 1}
    route = "/v1/boundaries/redraws"
    assert client.post(route, json=asked, headers=signed("dispatcher")).status_code == 403
    bad = client.post(route, json=asked | {"low": 300, "high": 200}, headers=planner)
    assert (bad.status_code, bad.json()["type"]) == (422, "/problems/redraw-impossible")
    keyed = planner | {"Idempotency-Key": "redraw-1"}
    first, again = (client.post(route, json=asked, headers=keyed) for _ in range(2))
    assert (first.status_code, again.json()) == (202, first.json())
    where = first.headers["Location"]
    assert client.get(where, headers=planner).json()["status"] == "queued"
    drain(own_demo_city, settings)
    job = client.get(where, headers=planner).json()
    assert job["status"] == "succeeded", job
    draft = client.get(f"/v1/boundaries/drafts/{job['result']['draft_id']}", headers=planner)
    assert draft.json()["report"]["proposal"] == job["result"]["proposal"]

    late = client.post(route, json=asked | {"seed": 2}, headers=planner).headers["Location"]
    assert client.delete(late, headers=planner).json()["status"] == "cancelled"
    unknown = client.post(route, json=asked | {"community": "341102999999"}, headers=planner)
    drain(own_demo_city, settings)
    problem = client.get(unknown.headers["Location"], headers=planner).json()["problem"]
    assert problem["code"] == "area-unknown"


def test_a_job_that_is_ended_writes_nothing(
    own_demo_city: Database, community: str, settings: Settings
) -> None:
    there = drafts(own_demo_city)

    class Ended(jobs.Context):
        def progress(self, share: float, text_zh: str | None = None, text_en: str = "") -> None:
            if share > 0.0:
                raise jobs.JobCancelled

    context = Ended(own_demo_city, None, settings)  # type: ignore[arg-type]
    request = {"community": community, "low": 100, "high": 2000, "grids": 3}
    with pytest.raises(jobs.JobCancelled):
        redraw_job.run(context, request=request, owner="t", role="admin", scope=None)
    assert drafts(own_demo_city) == there


def test_the_command_redraws_and_writes_its_report(
    own_demo_city: Database, community: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield own_demo_city

    monkeypatch.setattr(redrawing, "open_database", opened)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    commands = typer.Typer()
    redrawing.register_into(commands)
    asked = [community, "--grids", "3", "--households", "100-2000"]
    path = tmp_path / "grids.geojson"
    told = CliRunner().invoke(commands, [*asked, "--dry-run", "--report", str(path)])
    assert told.exit_code == 0, told.output
    assert "3 grids would be drawn; nothing was written" in told.stdout
    drawn = [f for f in json.loads(path.read_text())["features"] if f["geometry"] is not None]
    assert sum(f["properties"]["kind"] == "redrawn-grid" for f in drawn) == 3
    made = CliRunner().invoke(commands, [*asked, "--json"])
    answer = json.loads(made.stdout)
    assert answer["outcome"] == "drafted"
    assert answer["proposal"]["basis"]["boundary_revision"] == 1
    assert CliRunner().invoke(commands, [community, "--households", "x"]).exit_code == 2
