"""A repair is a draft: proposed, looked at, published; the repaired city passes the check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from fastapi.testclient import TestClient
from shapely import affinity
from typer.testing import CliRunner

from api.app import create_app
from api.cli import repairing
from gis.errors import AreaUnknown, OutsideScope
from gis.governance.actors import SYSTEM, Actor
from gis.services.access import issue_token
from gis.services.boundaries import import_areas, publish_draft
from gis.services.boundary_check import check_boundaries, layer_of
from gis.services.boundary_repair import RepairRequest, propose_repair
from gis.settings import Settings
from gis.store import areas as area_store
from gis.store import boundaries as boundary_store
from tests.exact import geodesic_m2
from tests.tilings import wavy_tiling

if TYPE_CHECKING:
    from pathlib import Path

    from gis.store.unit_of_work import Database

METRE = 1 / 111_000
EXACT_M2 = 1e-3
NARROW = ("gap", "overlap", "edge", "near-vertex", "duplicate-vertex", "invalid")


def publish(database: Database, level: str, rows: dict[str, shapely.Geometry]) -> None:
    """Import areas whose parent's code is their own without its last letter."""
    frame = gpd.GeoDataFrame(
        {"code": list(rows), "name": [f"{level} {code}" for code in rows]},
        geometry=list(rows.values()),
        crs=4326,
    )
    frame["up"] = [code[:-1] or None for code in rows]
    report = import_areas(
        database, SYSTEM, frame, level=level, code="code", name="name", parent="up",
        code_system="local", publish=True, mend=True, force_crs=True,
    )  # fmt: skip
    assert report.outcome == "published", report.to_text("en")


@pytest.fixture
def broken(database: Database) -> Database:
    """Two communities of four wavy grids in a subdistrict; lines drawn twice, vertices doubled."""
    cells = wavy_tiling(4, 2, vertices=5)
    left, right = ([cells[i] for i in group] for group in ((0, 1, 4, 5), (2, 3, 6, 7)))
    whole = shapely.union_all(cells)
    publish(database, "subdistrict", {"S": whole})
    shifted = affinity.translate(shapely.union_all(right), 0.4 * METRE, 0.0)
    publish(database, "community", {"SA": shapely.union_all(left), "SB": shifted})
    grids = {f"SA{i}": cell for i, cell in enumerate(left)}
    grids |= {f"SB{i}": cell for i, cell in enumerate(right)}
    grids["SA0"] = affinity.translate(grids["SA0"], 0.7 * METRE, 0.2 * METRE)
    ring = shapely.get_coordinates(grids["SB3"])
    grids["SB3"] = shapely.Polygon(np.insert(ring, 3, ring[3] + 0.004 * METRE, axis=0))
    publish(database, "grid", grids)
    return database


def layer(database: Database, draft_id: int | None = None) -> gpd.GeoDataFrame:
    with database.reading(SYSTEM) as work:
        revision, _ = boundary_store.latest(work)
        return layer_of(area_store.to_check(work, revision, draft_id)).set_index("code")


def test_a_published_repair_passes_the_check_and_parents_are_exact_unions(broken: Database) -> None:
    before = check_boundaries(broken, SYSTEM)
    assert set(before.by_kind()) >= {"gap", "overlap", "near-vertex"}
    report, answer = propose_repair(broken, SYSTEM)
    assert answer.status == 201
    assert report.draft_id is not None
    publish_draft(broken, SYSTEM, report.draft_id)
    after = check_boundaries(broken, SYSTEM)
    assert not set(after.by_kind()) & {*NARROW, "outside-parent", "parent-differs"}, after.to_text(
        "en"
    )
    found = layer(broken)
    for code in ("S", "SA", "SB"):
        children = found[found["parent_code"] == code].geometry
        assert shapely.equals_exact(
            shapely.normalize(shapely.coverage_union_all(np.array(children))),
            shapely.normalize(found.geometry[code]),
            0.0,
        ) or found.geometry[code].equals(shapely.union_all(np.array(children)))
    again, second = propose_repair(broken, SYSTEM)
    assert (again.outcome, second.status, again.draft_id) == ("unchanged", 200, None)


def test_every_change_is_in_the_report_and_areas_add_up(broken: Database) -> None:
    before = layer(broken)
    report, _ = propose_repair(broken, SYSTEM)
    after = layer(broken, report.draft_id)
    differing = {
        code
        for code in before.index
        if not shapely.equals_exact(
            before.geometry[code].normalize(), after.geometry[code].normalize(), 1e-9
        )
    }
    listed = {one.code: one for one in report.findings if one.kind == "repaired-area"}
    assert set(listed) == differing
    metric = {code: layer_m2(table) for code, table in (("before", before), ("after", after))}
    for code, one in listed.items():
        assert one.facts["before_m2"] == pytest.approx(metric["before"][code], rel=1e-8)
        change = metric["after"][code] - metric["before"][code]
        assert one.facts["change_m2"] == pytest.approx(change, abs=EXACT_M2)
    grids = before[before["level"] == "grid"].index
    filled, settled, merged = (
        report.source[key] for key in ("filled_m2", "settled_m2", "merged_m2")
    )
    whole = metric["after"][grids].sum() - metric["before"][grids].sum()
    assert whole == pytest.approx(filled - settled + merged, abs=EXACT_M2)
    assert whole == pytest.approx(report.source["change_m2"], abs=EXACT_M2)
    assert abs(whole) <= filled + settled + abs(merged) + EXACT_M2
    pieces = {"repaired-gap": 0.0, "repaired-overlap": 0.0}
    for one in report.findings:
        if one.kind in pieces:
            pieces[one.kind] += one.facts["area_m2"]
    assert list(pieces.values()) == pytest.approx([filled, settled], abs=EXACT_M2)
    unchanged = before.drop(columns="geometry").drop(columns="level")
    assert unchanged.equals(after.loc[before.index].drop(columns="geometry").drop(columns="level"))


def layer_m2(table: gpd.GeoDataFrame) -> Any:  # noqa: ANN401 - a series
    return pd.Series(geodesic_m2(table.geometry, 2e-5), index=table.index)


def test_nothing_is_published_by_a_proposal_and_a_dry_run_writes_nothing(broken: Database) -> None:
    before = layer(broken)
    report, answer = propose_repair(broken, SYSTEM, RepairRequest(dry_run=True))
    assert (report.draft_id, answer.status, report.outcome) == (None, 200, "written")
    assert "nothing was written" in report.headline("en")
    propose_repair(broken, SYSTEM)
    assert layer(broken).geometry.geom_equals_exact(before.geometry, 0.0).all()


def test_below_one_area_its_outline_stays(broken: Database) -> None:
    report, _ = propose_repair(broken, SYSTEM, RepairRequest(area="SA"))
    changed = {one.code for one in report.findings if one.kind == "repaired-area"}
    assert changed
    assert changed <= {"SA0", "SA1", "SA2", "SA3"}
    with pytest.raises(AreaUnknown):
        propose_repair(broken, SYSTEM, RepairRequest(area="nowhere"))
    with pytest.raises(OutsideScope):
        propose_repair(broken, Actor("token:1", "planner", "SB"), RepairRequest(area="SA"))


def test_a_wide_hole_is_left_to_a_person_and_stays_with_its_parent(database: Database) -> None:
    cells = wavy_tiling(3, 3, vertices=3)
    publish(database, "community", {"C": shapely.union_all(cells)})
    grids = {f"C{i}": cell for i, cell in enumerate(cells) if i != 4}
    grids["C0"] = affinity.translate(grids["C0"], 0.3 * METRE, 0.0)
    publish(database, "grid", grids)
    report, _ = propose_repair(database, SYSTEM)
    assert report.draft_id is not None
    publish_draft(database, SYSTEM, report.draft_id)
    after = check_boundaries(database, SYSTEM)
    (hole,) = after.by_kind()["gap"]
    assert hole.facts["width_m"] > 100
    assert set(after.by_kind()) == {"gap"}
    community = layer(database).geometry["C"]
    assert shapely.get_num_interior_rings(shapely.get_parts(community)).tolist() == [0]


def test_over_http_and_by_command(
    broken: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {
        "Authorization": f"Bearer {issue_token(broken, SYSTEM, role='planner').secret}",
        "Accept-Language": "en",
    }
    settings = Settings(home=tmp_path, log_level="warning")
    with TestClient(create_app(settings, broken)) as door:
        found = door.get("/v1/boundaries/check", headers=headers).json()
        assert found["findings_by_kind"]["overlap"] >= 1
        assert {"lon", "lat", "facts"} <= set(found["findings"][0])
        keyed = {**headers, "Idempotency-Key": "repair-1"}
        made = door.post("/v1/boundaries/repairs", json={}, headers=keyed)
        assert made.status_code == 201, made.text
        assert door.post("/v1/boundaries/repairs", json={}, headers=keyed).json() == made.json()
        place = made.headers["Location"]
        seen = door.get(place, headers=headers).json()
        assert seen["report"]["findings_by_kind"]["repaired-area"] >= 3
        number = made.json()["draft_id"]
        clean = door.get("/v1/boundaries/check", params={"draft": number}, headers=headers).json()
        assert not set(clean["findings_by_kind"]) & set(NARROW)
        for bad in ({"max_width_m": 0}, {"max_width_m": 1e9}, {"area": "x" * 99}, {"widen": 1}):
            assert door.post("/v1/boundaries/repairs", json=bad, headers=headers).status_code == 422
        assert door.post("/v1/boundaries/repairs", json={"area": "999"}, headers=headers
                         ).status_code == 404  # fmt: skip
        assert door.post(f"{place}/publish", headers=headers).status_code == 200
        assert door.post("/v1/boundaries/repairs", json={}, headers=headers).status_code == 200

    @contextmanager
    def opened() -> Iterator[Database]:
        yield broken

    monkeypatch.setattr(repairing, "open_database", opened)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    again = CliRunner().invoke(repairing.app, ["grids", "--json"])
    assert again.exit_code == 0
    assert json.loads(again.stdout)["outcome"] == "unchanged"
    told = CliRunner().invoke(repairing.app, ["grids", "--report", str(tmp_path / "r.html")])
    assert "Nothing to repair" in told.stdout
    assert "Nothing to repair" in (tmp_path / "r.html").read_text()
