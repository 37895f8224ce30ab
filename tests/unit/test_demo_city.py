"""The demo city as values: tiling, containment, connection, determinism."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.governance.areas import code_faults
from gis.governance.deliberation import STATES, TRANSITIONS
from gis.governance.duty import ROLES
from layers.demo.areas import AreaRow
from layers.demo.batches import Ids
from layers.demo.borders import OUTSIDE, read_borders
from layers.demo.city import DEFAULT_SEED, STAGES, City, build
from layers.demo.frame import geometries_in_degrees
from layers.demo.load import EFFECTIVE_FROM
from layers.demo.mesh import build_mesh
from layers.demo.regions import divide
from layers.demo.register import read_counties, thin
from layers.demo.rows import all_batches
from layers.demo.towns import place_towns

REFERENCE = datetime(2026, 11, 23, tzinfo=UTC)
SCALE = 0.02


@pytest.fixture(scope="module")
def city() -> City:
    return build(scale=SCALE, reference=REFERENCE)


def rows_of(city: City, level: str, kind: str | None = None) -> list[AreaRow]:
    rows = [row for row in city.areas.rows if row.level == level]
    return [row for row in rows if kind is None or row.kind == kind]


def digest(city: City) -> str:
    def numbers(count: int) -> list[int]:
        return list(range(1, count + 1))

    orders = sum(event.dispatched_at is not None for event in city.events)
    ids = Ids(
        1,
        numbers(len(city.buildings.grid)),
        numbers(len(city.teams.persons)),
        numbers(len(city.events)),
        numbers(orders),
        numbers(len(city.matters)),
    )
    total = hashlib.sha256()
    for batch in all_batches(city, ids, EFFECTIVE_FROM):
        for row in batch.rows:
            total.update(repr(tuple(row)).encode())
    return total.hexdigest()


def test_every_community_has_ground_where_towns_are_small() -> None:
    scale = 0.08  # here a town has fewer built blocks than communities

    def dice(stage: str) -> np.random.Generator:
        return np.random.default_rng([DEFAULT_SEED, list(STAGES).index(stage)])

    borders, counties = read_borders(), thin(read_counties(), scale)
    towns = place_towns(counties, borders, scale, mesh_dice := dice("mesh"))
    mesh = build_mesh(borders, towns, scale, mesh_dice)
    regions = divide(mesh, counties, towns, scale, dice("areas"))
    wanted = sum(len(s.communities) for county in counties for s in county.subdistricts)
    assert set(np.unique(regions.community)) - {OUTSIDE} == set(range(wanted))


def test_the_same_seed_gives_the_same_bytes(city: City) -> None:
    again = build(scale=SCALE, reference=REFERENCE)
    other = build(seed=7, scale=SCALE, reference=REFERENCE)
    assert digest(again) == digest(city)
    assert digest(other) != digest(city)


@pytest.mark.parametrize("level", ["county", "subdistrict", "community", "grid"])
def test_every_level_is_an_edge_matched_coverage(city: City, level: str) -> None:
    kind = "general" if level == "grid" else None
    shapes = np.array([row.geometry for row in rows_of(city, level, kind)], object)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)


def test_a_parent_is_the_union_of_its_children(city: City) -> None:
    shape = {row.code: row.geometry for row in city.areas.rows}
    children: dict[str, list[str]] = {}
    for row in city.areas.rows:
        if row.parent is not None and row.kind != "dedicated":
            children.setdefault(row.parent, []).append(row.code)
    assert len(children) == sum(row.level != "grid" for row in city.areas.rows)
    for parent, below in children.items():
        union = shapely.coverage_union_all([shape[code] for code in below])
        assert shapely.equals(union, shape[parent])


def test_codes_are_well_formed(city: City) -> None:
    for row in city.areas.rows:
        assert code_faults(row.code, row.level, parent=row.parent) == []


def test_dedicated_grids_lie_inside_their_community(city: City) -> None:
    shape = {row.code: row.geometry for row in city.areas.rows}
    known = {category.key for category in city.categories}
    dedicated = rows_of(city, "grid", "dedicated")
    assert dedicated
    for row in dedicated:
        assert shapely.contains_properly(shape[row.code[:12]], row.geometry)
        assert row.categories
        assert set(row.categories) <= known
    apart = [row.geometry for row in dedicated]
    assert sum(shape.area for shape in apart) == pytest.approx(shapely.union_all(apart).area)


def test_every_building_lies_in_its_grid_and_none_overlap(city: City) -> None:
    footprints = geometries_in_degrees(city.buildings.footprints)
    grids = city.areas.grid_polygons[city.buildings.grid]
    assert shapely.contains_properly(grids, footprints).all()
    first, second = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    assert (first == second).all()


def test_people_add_up(city: City) -> None:
    people = city.buildings.people
    assert people.residents.sum() == round(4_000_000 * SCALE)
    assert (people.ages.sum(axis=1) == people.residents).all()
    assert (people.ages >= 0).all()
    assert rows_of(city, "city")[0].residents == people.residents.sum()


def test_roads_are_one_network(city: City) -> None:
    lines = city.streets.geometry
    ends = np.vstack(
        [shapely.get_coordinates(shapely.get_point(lines, place)) for place in (0, -1)]
    )
    _, node = np.unique(ends, axis=0, return_inverse=True)
    node = node.ravel()
    size = int(node.max()) + 1
    graph = coo_array((np.ones(len(lines)), tuple(node.reshape(2, -1))), shape=(size, size))
    pieces, _ = connected_components(graph, directed=False)
    assert pieces == 1
    assert {"national", "arterial", "street", "village"} <= set(city.streets.road_class)
    assert (city.streets.length_m > 0).all()


def test_addresses_name_the_community_that_they_lie_in(city: City) -> None:
    gazetteer = city.gazetteer
    assert len(gazetteer) == round(200_000 * SCALE)
    inside = shapely.covers(
        city.areas.grid_polygons[gazetteer.grid], shapely.points(gazetteer.lonlat)
    )
    assert inside.all()
    for k in range(0, len(gazetteer), 97):
        code = city.areas.grid_codes[gazetteer.grid[k]]
        head = "安徽省滁州市" + "".join(city.areas.names[code[:n]] for n in (6, 9, 12))
        assert gazetteer.full_text[k].startswith(head)


def test_every_grid_has_a_worker_and_every_community_its_team(city: City) -> None:
    roles: dict[str, set[str]] = {}
    for _, role, code, deputy in city.teams.duties:
        assert role in ROLES
        if not deputy:
            roles.setdefault(code, set()).add(role)
    for row in rows_of(city, "grid"):
        assert {"grid_worker", "grid_lead"} <= roles[row.code]
    for row in rows_of(city, "community"):
        assert {"party_secretary", "cadre", "peace_officer", "police_officer"} <= roles[row.code]
    units = {unit[0] for unit in city.teams.units}
    assert {person[3] for person in city.teams.persons} <= units


def test_events_are_mixed_as_in_life(city: City) -> None:
    events = city.events
    assert len(events) == 20_000 * SCALE
    address_only = sum(event.raw_location is None for event in events) / len(events)
    assert address_only == pytest.approx(0.40, abs=0.06)
    wrong = [
        event
        for event in events
        if event.raw_location is not None
        and (event.facts["declared_crs"] != event.true_frame or event.facts.get("swapped"))
    ]
    assert len(wrong) / len(events) / (1 - address_only) == pytest.approx(0.15, abs=0.05)
    assert set(Counter(event.source for event in events)) == {
        "snap",
        "hotline-12345",
        "patrol",
        "courier",
        "video",
    }
    assert all(event.received_at < REFERENCE for event in events)
    assert all(event.true_grid for event in events)


def test_a_closed_case_stands_in_the_true_grid(city: City) -> None:
    for event in city.events:
        if event.status == "closed":
            assert event.grid_code == event.true_grid
            assert event.closed_at is not None
            assert event.resolved_at is not None
            assert event.received_at < event.resolved_at < event.closed_at < REFERENCE


@pytest.mark.parametrize("scale", [0.0, 11.0])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        build(scale=scale, reference=REFERENCE)


def test_a_naive_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        build(scale=SCALE, reference=datetime(2026, 11, 23))  # noqa: DTZ001 - the point of the test


def test_matters_and_proposals_stand_in_every_state_and_came_there_by_the_table(city: City) -> None:
    wanted = set(product(("matter", "proposal"), STATES)) - {("matter", "valid")}
    assert {(one.kind, one.status) for one in city.matters} == wanted
    polygons = dict(zip(city.areas.grid_codes, city.areas.grid_polygons, strict=True))
    for one in city.matters:
        stands, earlier = "raised", one.steps[0].at
        for step in one.steps[1:]:
            (after,) = TRANSITIONS[stands, step.action].after
            assert step.before == {"status": stands, "area_code": one.area_code}
            assert (step.after["status"], step.at > earlier) == (after, True)
            given = {"note": step.note, **step.after}
            assert all(given.get(need) for need in TRANSITIONS[stands, step.action].needs)
            stands, earlier = after, step.at
        assert (stands, earlier < REFERENCE) == (one.status, True)
        # sixty working days reach into a year whose holidays nobody has announced yet
        if one.status != "doing":
            assert (one.due_at is None) == STATES[one.status].final
        assert polygons[one.area_code].covers(shapely.Point(one.lonlat))
    late = {one.status for one in city.matters if one.due_at and one.due_at < REFERENCE}
    assert late == {"raised", "discussing", "valid"}
