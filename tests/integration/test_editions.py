"""Editions: retire, split, merge, discard, fall behind; and who decides by exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import pytest
import shapely
import sqlalchemy as sa

from api.app import create_app
from gis.errors import (
    DraftOutdated,
    DraftUnknown,
    ExceptionInvalid,
    OutsideScope,
    ParentRetired,
    RetirementInvalid,
    ValidFromPast,
)
from gis.governance.actors import SYSTEM, Actor
from gis.services import editions, exceptions
from gis.services.access import issue_token
from gis.services.boundaries import import_areas
from gis.services.intake import Report, report_event
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.conftest import serving
from tests.factories import COMMUNITY, SIDE, SOUTH, WEST, SmallCity, small_city

FIRST, SECOND, THIRD, FOURTH = (f"{COMMUNITY}{n:03d}" for n in range(1, 5))
FIFTH, SIXTH = f"{COMMUNITY}005", f"{COMMUNITY}006"


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in grid sides from the city's south-west corner."""
    return shapely.box(
        WEST + west * SIDE, SOUTH + south * SIDE, WEST + east * SIDE, SOUTH + north * SIDE
    )


def grids(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    codes = list(shapes)
    table = {"row": range(1, len(codes) + 1), "code": [code.strip("g") for code in codes]}
    names = {"name": [f"grid {code[-3:]}" for code in codes]}
    return gpd.GeoDataFrame({**table, **names}, geometry=list(shapes.values()), crs=4326)


def drafted(database: Database, frame: gpd.GeoDataFrame, **options: Any) -> int:  # noqa: ANN401
    chosen = {"level": "grid", "code": "code", "name": "name", "code_system": "local"} | options
    frame = frame.assign(above=COMMUNITY)
    actor = chosen.pop("actor", SYSTEM)
    report = import_areas(database, actor, frame, parent="above", **chosen)
    assert report.outcome == "drafted", report.to_text("en")
    assert report.draft_id is not None
    return report.draft_id


def people(database: Database, *homes: tuple[float, float, int]) -> None:
    with database.transaction(SYSTEM) as work:
        for east, north, residents in homes:
            work.execute(
                sa.text(
                    "insert into buildings (kind, geometry, residents) values ('home', "
                    "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :residents)"
                ),
                lon=WEST + east * SIDE,
                lat=SOUTH + north * SIDE,
                residents=residents,
            )


SPLIT = {f"g{FIFTH}": box(0, 0, 0.25, 1), f"g{SIXTH}": box(0.25, 0, 1, 1)}


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


def test_a_split_keeps_who_got_which_share(database: Database, city: SmallCity) -> None:
    people(database, (0.1, 0.5, 30), (0.2, 0.5, 30), (0.9, 0.5, 40), (1.5, 1.5, 999))
    draft_id = drafted(database, grids(**SPLIT), retire=[FIRST])
    seen = editions.draft(database, SYSTEM, draft_id)
    assert {row["code"]: row["change"] for row in seen["changes"]} == {
        FIRST: "retired",
        FIFTH: "new",
        SIXTH: "new",
    }
    assert seen["uncovered"] == seen["doubled"] == seen["conflicts"] == []
    before = datetime.now(UTC)
    assert editions.publish_draft(database, SYSTEM, draft_id) == 2
    kept = editions.draft(database, SYSTEM, draft_id)["lineage"]
    assert [(row["old_code"], row["new_code"], row["people_share"]) for row in kept] == [
        (FIRST, SIXTH, 0.4),
        (FIRST, FIFTH, 0.6),
    ]
    assert [row["area_share"] for row in kept] == pytest.approx([0.75, 0.25], abs=1e-6)
    boundaries = Boundaries(database)
    lon, lat = city.inside(1)
    assert boundaries.at(SYSTEM, lon=lon, lat=lat)["grid"]["code"] == SIXTH
    assert boundaries.at(SYSTEM, lon=lon, lat=lat, at=before)["grid"]["code"] == FIRST
    with database.reading(SYSTEM) as work:
        versions = work.scalar(sa.text("select count(*) from area_versions"))
    assert versions == 8 + 2, "areas that did not change keep their version"


def test_a_merge_says_so_and_the_code_is_never_used_again(
    database: Database, city: SmallCity
) -> None:
    merged = grids(**{f"g{FIRST}": box(0, 0, 2, 1)})
    draft_id = drafted(database, merged, retire=[SECOND])
    editions.publish_draft(database, SYSTEM, draft_id)
    (kept,) = editions.draft(database, SYSTEM, draft_id)["lineage"]
    assert (kept["old_code"], kept["new_code"], kept["people_share"]) == (SECOND, FIRST, None)
    again = grids(**{f"g{SECOND}": box(1, 0, 2, 1)}).assign(above=COMMUNITY)
    report = import_areas(
        database,
        SYSTEM,
        again,
        level="grid",
        code="code",
        name="name",
        parent="above",
        code_system="local",
    )
    assert report.outcome == "refused"
    assert [finding.kind for finding in report.errors] == ["code-taken"]
    with pytest.raises(RetirementInvalid):
        editions.retire_areas(database, SYSTEM, [SECOND])


def test_a_draft_that_fell_behind_is_refused_or_taken_on_top(
    database: Database, city: SmallCity
) -> None:
    behind = drafted(database, grids(**{f"g{FIRST}": box(0, 0, 0.9, 1)}))
    over = drafted(database, grids(**{f"g{SECOND}": box(0.8, 0, 2, 1)}))
    aside = drafted(database, grids(**{f"g{FOURTH}": box(1, 1, 1.9, 2)}))
    newer = grids(**{f"g{FIRST}": box(0, 0, 1.1, 1)})
    editions.publish_draft(database, SYSTEM, drafted(database, newer))
    for draft_id, listed in ((behind, [FIRST]), (over, [FIRST])):
        with pytest.raises(DraftOutdated) as refused:
            editions.publish_draft(database, SYSTEM, draft_id)
        assert refused.value.facts["codes"] == listed
        (told,) = editions.draft(database, SYSTEM, draft_id)["conflicts"]
        assert FIRST in told["text_zh"]
    assert editions.publish_draft(database, SYSTEM, aside) == 3
    editions.discard_draft(database, SYSTEM, behind)
    with pytest.raises(DraftUnknown):
        editions.publish_draft(database, SYSTEM, behind)


def test_a_draft_says_what_it_leaves_to_nobody_and_to_two(
    database: Database, city: SmallCity
) -> None:
    moved = grids(**{f"g{FIRST}": box(0.5, 0, 1.5, 1)})
    seen = editions.draft(database, SYSTEM, drafted(database, moved))
    (gap,), (both,) = seen["uncovered"], seen["doubled"]
    assert gap["area_m2"] == pytest.approx(both["area_m2"], rel=1e-3)
    assert {both["one"], both["other"]} == {FIRST, SECOND}
    assert gap["lon"] < both["lon"]


def test_nothing_stays_below_a_retired_area(database: Database, city: SmallCity) -> None:
    draft_id = editions.retire_areas(database, SYSTEM, [COMMUNITY]).body["draft_id"]
    with pytest.raises(ParentRetired):
        editions.publish_draft(database, SYSTEM, draft_id)
    editions.retire_areas(database, SYSTEM, city.grids, draft_id=draft_id)
    assert editions.publish_draft(database, SYSTEM, draft_id) == 2
    lon, lat = city.inside(1)
    found = Boundaries(database).at(SYSTEM, lon=lon, lat=lat)
    assert [area["level"] for area in found["path"]] == ["city", "county", "subdistrict"]


def test_the_future_waits_and_the_past_stays(database: Database, city: SmallCity) -> None:
    draft_id = drafted(database, grids(**SPLIT), retire=[FIRST])
    with pytest.raises(ValidFromPast):
        editions.publish_draft(
            database, SYSTEM, draft_id, valid_from=datetime.now(UTC) - timedelta(days=1)
        )
    day = datetime.now(UTC) + timedelta(days=30)
    editions.publish_draft(database, SYSTEM, draft_id, valid_from=day)
    boundaries = Boundaries(database)
    lon, lat = city.inside(1)
    told = [
        boundaries.at(SYSTEM, lon=lon, lat=lat, at=at)["grid"]["code"]
        for at in (None, day - timedelta(microseconds=1), day)
    ]
    assert told == [FIRST, FIRST, SIXTH]
    boundaries.refresh()
    assert boundaries.current().snapshot.revision == 1
    assert boundaries.loaded_revision() == 2, "what comes next is in memory before its day"


def test_an_actor_of_one_area_changes_only_that(database: Database, city: SmallCity) -> None:
    other = Actor("token:9", "planner", "341103")
    draft_id = drafted(database, grids(**SPLIT), retire=[FIRST])
    for call in (editions.draft, editions.publish_draft, editions.discard_draft):
        with pytest.raises(OutsideScope):
            call(database, other, draft_id)
    with pytest.raises(OutsideScope):
        editions.retire_areas(database, other, [SECOND])
    with pytest.raises(OutsideScope):
        drafted(database, grids(**SPLIT), actor=other)


# --- over HTTP ----------------------------------------------------------------------------------


def test_draft_look_publish_over_http(database: Database, city: SmallCity, tmp_path: Path) -> None:
    secret = issue_token(database, SYSTEM, role="planner").secret
    app = create_app(Settings(home=tmp_path, log_level="warning"), database)
    upload = grids(**SPLIT).assign(above=COMMUNITY).to_json().encode()
    fields = {"level": "grid", "code": "code", "name": "name", "parent": "above"}
    fields |= {"code_system": "local", "retire": FIRST}
    with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
        assert client.get("/v1/boundaries").json()["items"][0]["revision"] == 1
        client.headers["Authorization"] = f"Bearer {secret}"
        key = {"Idempotency-Key": "draft-1"}
        files = {"file": ("../../grids.geojson", upload)}
        made = client.post("/v1/boundaries/drafts", data=fields, files=files, headers=key)
        assert made.status_code == 201, made.text
        assert made.json()["source"]["file"] == "grids.geojson"
        again = client.post("/v1/boundaries/drafts", data=fields, files=files, headers=key)
        assert (again.status_code, again.json()) == (201, made.json())
        place = made.headers["Location"]
        seen = client.get(place).json()
        assert len(seen["changes"]) == 3
        assert seen["check"]["counts"] == {"county": 1, "subdistrict": 1, "community": 1, "grid": 5}
        assert seen["impact"]["summary"]["areas_retired"] == 1
        bad = client.post("/v1/boundaries/drafts", data=fields | {"level": "village"}, files=files)
        assert bad.status_code == 422
        published = client.post(f"{place}/publish", headers={"Idempotency-Key": "publish-1"})
        assert published.status_code == 200, published.text
        assert published.json()["revision"] == 2
        replayed = client.post(f"{place}/publish", headers={"Idempotency-Key": "publish-1"})
        assert replayed.json() == published.json()
        assert client.post(f"{place}/publish").status_code == 404
        assert client.delete(place).status_code == 404
        reused = {**fields, "retire": ""}
        old = grids(**{f"g{FIRST}": box(0, 0, 1, 1)}).assign(above=COMMUNITY).to_json().encode()
        refused = client.post(
            "/v1/boundaries/drafts", data=reused, files={"file": ("old.geojson", old)}
        )
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/draft-refused"
        assert refused.json()["facts"]["report"]["findings"][0]["kind"] == "code-taken"
        listed = client.get("/v1/boundaries", params={"limit": 1}).json()
        assert [item["revision"] for item in listed["items"]] == [2]
        assert client.get(listed["next"]).json()["items"][0]["revision"] == 1


# --- exceptions ---------------------------------------------------------------------------------

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(database: Database, city: SmallCity) -> Ask:
    boundaries = Boundaries(database)

    def report(number: int, category: str | None = None) -> dict[str, Any]:
        lon, lat = city.inside(number)
        request = MatchRequest(Location(lon, lat), category=category, source="snap")
        answer = report_event(
            database,
            boundaries,
            SYSTEM,
            Report(request=request),
            now=lambda: datetime.now(UTC),
            auto_threshold=0.95,
        )
        body: dict[str, Any] = answer.body
        return body

    return report


def add(database: Database, **options: Any) -> dict[str, Any]:  # noqa: ANN401
    chosen: dict[str, Any] = {
        "geometry": json.loads(shapely.to_geojson(box(0.25, 0.25, 0.75, 0.75))),
        "area": SECOND,
        "unit": None,
        "category": None,
        "reason": "路口两侧由二网格统一管理",
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    body: dict[str, Any] = exceptions.add(database, SYSTEM, **(chosen | options)).body
    return body


def test_an_exception_overrides_the_owner_and_says_who_and_why(
    database: Database, ask: Ask
) -> None:
    assert ask(1)["grid"] == FIRST
    made = add(database)
    ruled = ask(1)
    assert ruled["grid"] == SECOND
    assert ruled["work_orders"][0]["area"] == SECOND
    reason = next(one for one in ruled["match"]["reasons"] if one["code"] == "boundary-exception")
    assert reason["facts"]["author"] == SYSTEM.id
    assert reason["facts"]["mapped"] == FIRST
    assert "统一管理" in reason["text"]
    assert ask(3)["grid"] == THIRD
    exceptions.expire(database, SYSTEM, int(made["id"]))
    assert ask(1)["grid"] == FIRST
    assert exceptions.listing(database, SYSTEM) == ([], False)
    (ended,), _ = exceptions.listing(database, SYSTEM, live_only=False)
    assert ended["ended_by"] == SYSTEM.id


def test_an_exception_for_the_category_goes_before_one_for_all(
    database: Database, ask: Ask
) -> None:
    rubbish = "event-exposed-rubbish"
    add(database, category=rubbish, area=THIRD)
    add(database, area=SECOND)
    assert ask(1)["grid"] == SECOND
    assert ask(1, rubbish)["grid"] == THIRD


def test_a_unit_decides_with_the_area_that_it_works_for(database: Database, ask: Ask) -> None:
    add(database, area=None, unit="U1")
    ruled = ask(4)
    assert ruled["grid"] == FOURTH
    ruled = ask(1)
    assert (ruled["match"]["level"], ruled["match"]["decision"]) == ("community", "auto")


def test_an_exception_ends_by_itself(database: Database, ask: Ask) -> None:
    add(database)
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "update boundary_exceptions set created_at = now() - interval '2 days', "
                "expires_at = now(), version = version + 1"
            )
        )
    assert ask(1)["grid"] == FIRST


@pytest.mark.parametrize(
    "options",
    [
        {"area": None},
        {"area": "nowhere"},
        {"unit": "nobody"},
        {"category": "no-such"},
        {"reason": "  "},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"geometry": {"type": "Point", "coordinates": [118, 32]}},
        {
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
            }
        },
        {"geometry": {"type": "Polygon"}},
        {"geometry": {"no": "shape"}},
    ],
)
def test_an_exception_that_cannot_be_is_refused(
    database: Database, city: SmallCity, options: dict[str, Any]
) -> None:
    with pytest.raises(ExceptionInvalid):
        add(database, **options)
    assert exceptions.listing(database, SYSTEM, live_only=False) == ([], False)
