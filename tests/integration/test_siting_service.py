"""Siting on a city: what the plan claims, counted again by hand and by other means."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from api.cli import siting as command
from gis.cluster import Cluster
from gis.coverage import reach
from gis.errors import (
    AreaUnknown,
    GovernanceError,
    NetworkMissing,
    NoPublishedBoundary,
    OutsideScope,
    RadiusInvalid,
    SitingInvalid,
    StationKindUnknown,
)
from gis.governance.actors import SYSTEM, Actor
from gis.services import siting, siting_plan, siting_problem
from gis.services.planning import coverage
from gis.services.siting import OBJECTIVES, Objective, SitingQuestion
from gis.store import city, tables
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import Token, cloned


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    """The small city, with a school on the east side and an office in no area."""
    with cloned(cluster, template) as database:
        small_city.build(database)
        with database.transaction(SYSTEM) as work:
            for kind, name, lon in (("school", "小学", 118.3105), ("office", "外地", 117.5)):
                work.execute(
                    sa.insert(tables.buildings).values(
                        kind=kind, name=name, geometry=f"SRID=4326;POINT({lon} 32.31)", residents=0
                    )
                )
        yield database


def asked(database: Database, **question: Any) -> dict[str, Any]:  # noqa: ANN401 - any question
    return siting.site(database, SYSTEM, SitingQuestion(**question))


def positions(answer: dict[str, Any]) -> np.ndarray[Any, Any]:
    features = answer["sites"]["features"]
    return np.array([f["geometry"]["coordinates"] for f in features]).reshape(-1, 2)


def added(answer: dict[str, Any]) -> list[int]:
    return [f["properties"]["marginal_people"] for f in answer["sites"]["features"]]


def test_the_first_new_station_goes_where_most_people_are_left_over(town: Database) -> None:
    answer = asked(town, k=2)
    assert answer["before"]["people"] == 207
    assert answer["before"]["people_covered"] == 120
    # the school reaches two homes across the county line (50 + 7), the north-west centre 30 people
    assert [f["id"] for f in answer["sites"]["features"]] == [
        "building:8",
        "area:341102001002",
    ]
    assert added(answer) == [57, 30]
    assert answer["proof"]["status"] == "optimal"


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("keep", [True, False])
def test_before_and_what_each_site_adds_make_up_after(
    demo_city: Database, objective: Objective, keep: bool
) -> None:
    answer = asked(demo_city, objective=objective, k=7, keep_existing=keep)
    assert (
        answer["before"]["people_covered"] + sum(added(answer))
        == (answer["after"]["people_covered"])
    )
    assert [f["properties"]["rank"] for f in answer["sites"]["features"]] == list(
        range(1, len(added(answer)) + 1)
    )
    if objective != "min_stations":
        assert len(added(answer)) == 7
    assert answer["boundary_revision"] == 1
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_the_plan_is_covered_as_the_coverage_question_counts_it(own_demo_city: Database) -> None:
    answer = asked(own_demo_city, k=5, kinds=["job_service"])
    now = coverage(own_demo_city, SYSTEM, kinds=["job_service"])["summary"]
    assert now["people_covered"] == answer["before"]["people_covered"]
    with own_demo_city.transaction(SYSTEM) as work:
        for number, (lon, lat) in enumerate(positions(answer).tolist()):
            small_city.add_station(work, f"NEW{number}", "新站", "job_service", lon=lon, lat=lat)
    then = coverage(own_demo_city, SYSTEM, kinds=["job_service"])["summary"]
    assert then["people"] == answer["after"]["people"]
    assert then["people_covered"] == answer["after"]["people_covered"]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("keep", [True, False])
def test_nothing_beats_an_optimal_plan_of_a_small_city(
    town: Database, objective: Objective, keep: bool
) -> None:
    answer = asked(town, objective=objective, k=2, keep_existing=keep, radius_m=6000.0)
    assert answer["proof"]["status"] == "optimal"
    assert answer["proof"]["gap"] == 0.0
    with town.reading(SYSTEM) as work:
        homes = city.inhabited_buildings(work)
        inside = homes.positions[:, 0] > 118.0
        stations = city.open_stations(work).positions if keep else np.empty((0, 2))
        school = city.premises(work).positions[:1]
    at, people = homes.positions[inside], homes.residents[inside]
    centres = [
        (
            np.average(at[[0, 1], 0], weights=[100, 50]),
            np.average(at[[0, 1], 1], weights=[100, 50]),
        ),
        (118.25, 32.35),
        (118.35, 32.25),
        (np.average(at[[3, 4], 0], weights=[20, 7]), np.average(at[[3, 4], 1], weights=[20, 7])),
    ]
    sites = np.vstack([centres, school]).round(7)
    assert answer["candidates"]["used"] == len(sites)
    reachable = reach.covered(at, np.vstack([stations, sites]), 6000.0)

    def worth(chosen: tuple[int, ...]) -> float:
        all_of_them = np.vstack([stations, sites[list(chosen)]])
        covered = reach.covered(at, all_of_them, 6000.0)
        _, metres = reach.nearest(at, all_of_them)
        match objective:
            case "max_covered":
                return -float(people[covered].sum())
            case "min_stations":
                return float(len(chosen)) if covered[reachable].all() else np.inf
            case "min_mean_distance":
                return float(people @ metres / people.sum())
            case "min_max_distance":
                return float(metres.max())

    sizes = range(6) if objective == "min_stations" else [2]
    best = min(worth(c) for size in sizes for c in itertools.combinations(range(5), size))
    assert answer["proof"]["value"] == pytest.approx(abs(best), abs=0.001)


def test_a_bound_for_gathered_people_holds_for_everybody(
    demo_city: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for objective in ("min_mean_distance", "min_max_distance"):
        exact = asked(demo_city, objective=objective, k=3, area="341102")
        assert exact["demand"]["method"] == "buildings"
        with monkeypatch.context() as fewer:
            fewer.setattr(siting_plan, "MOST_PLACES", 60)
            rough = asked(demo_city, objective=objective, k=3, area="341102")
        assert rough["demand"]["method"] == "cells"
        assert rough["demand"]["places"] <= 60
        assert rough["proof"]["bound"] <= exact["proof"]["value"] + 0.001
        assert rough["proof"]["value"] >= exact["proof"]["bound"] - 0.001


def test_people_whom_no_candidate_reaches_are_named(town: Database) -> None:
    answer = asked(town, objective="min_stations", radius_m=100.0)
    assert answer["unreachable"]["people"] == 50 + 20
    assert [(row["code"], row["people"]) for row in answer["unreachable"]["areas"]] == [
        ("341102001001", 50),
        ("341103001002", 20),
    ]
    assert answer["after"]["people_covered"] == 207 - 70


def test_candidates_are_named_and_thinned_to_the_cap(
    demo_city: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asked(demo_city, k=1)["candidates"]
    assert len(whole["codes"]) == whole["used"] == whole["centres"] + whole["buildings"]
    monkeypatch.setattr(siting_problem, "MOST_CANDIDATES", whole["centres"] + 5)
    few = asked(demo_city, k=1)["candidates"]
    assert few["centres"] == whole["centres"]
    assert 1 <= few["buildings"] <= 5
    assert set(few["codes"]) <= set(whole["codes"])


def test_same_question_and_seed_give_the_same_plan(demo_city: Database) -> None:
    one, two = (asked(demo_city, k=6, seed=3) for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_area_where_nobody_lives_has_an_answer(town: Database, objective: Objective) -> None:
    answer = asked(town, objective=objective, k=1, area="341103001001", keep_existing=False)
    assert answer["before"]["people"] == answer["after"]["people"] == 0
    assert answer["after"]["ratio"] is None
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"reach": "network"}, NetworkMissing),
        ({"radius_m": 0.0}, RadiusInvalid),
        ({"kinds": ["bakery"]}, StationKindUnknown),
        ({"area": "999999"}, AreaUnknown),
        ({"k": 0}, SitingInvalid),
        ({"k": 101}, SitingInvalid),
        ({"seconds": float("nan")}, SitingInvalid),
        ({"seed": -1}, SitingInvalid),
        ({"objective": "cheapest"}, SitingInvalid),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    town: Database, question: dict[str, Any], error: type[GovernanceError]
) -> None:
    with pytest.raises(error) as refused:
        asked(town, **question)
    assert refused.value.detail("zh")
    assert refused.value.detail("en")


def test_a_planner_of_an_area_is_kept_to_it(town: Database) -> None:
    planner = Actor("token:1", "planner", "341103")
    own = siting.site(town, planner, SitingQuestion(k=1))
    assert own["question"]["area"] == "341103"
    assert own["before"]["people"] == 27
    with pytest.raises(OutsideScope):
        siting.site(town, planner, SitingQuestion(area="341102"))


def test_before_any_boundary_the_answer_is_unavailable(database: Database) -> None:
    with pytest.raises(NoPublishedBoundary):
        asked(database)


def test_over_http_planners_ask_and_others_do_not(client: httpx.Client, token: Token) -> None:
    body = {"objective": "max_covered", "k": 3, "radius_m": 2000, "keep_existing": True}
    body["capacity"] = None
    answer = client.post("/v1/siting", json=body, headers=token("planner"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (
        found["before"]["people_covered"] + sum(added(found)) == (found["after"]["people_covered"])
    )
    assert set(found["proof"]) >= {"status", "bound", "gap"}
    assert client.post("/v1/siting", json=body).status_code == 401
    for role in ("viewer", "dispatcher", "grid_worker"):
        assert client.post("/v1/siting", json=body, headers=token(role)).status_code == 403
    county = token("planner", "341102")
    outside = client.post("/v1/siting", json={**body, "area": "341103"}, headers=county)
    assert outside.status_code == 403
    assert outside.json()["type"].endswith("outside-scope")


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0},
        {"k": 1.5},
        {"objective": "cheapest"},
        {"radius_m": -1},
        {"radius_m": 60_000},
        {"seconds": 0.5},
        {"seconds": 1801},
        {"relocate": ["X"]},
        {"budget": 5, "capacity": 10},
        {"objective": "min_stations", "curve": True},
        {"capacity": 0},
        {"reach": "boat"},
        {"kinds": ["bakery"]},
        {"colour": "red"},
    ],
)
def test_over_http_bad_input_is_a_problem(
    client: httpx.Client, token: Token, wrong: dict[str, Any]
) -> None:
    answer = client.post("/v1/siting", json=wrong, headers=token("planner"))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("language", "word"), [("zh_CN", "已证最优"), ("en_US", "optimal")])
def test_the_command_prints_sites_and_proof(
    town: Database,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    language: str,
    word: str,
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setattr(command, "open_database", lambda: nullcontext(town))
    command.show_sites(k=2, radius=3000.0)
    said = capfd.readouterr()
    assert "area:341102001002" in said.out
    assert word in said.err
    assert re.search(r"\d (人|people)", said.err)  # people are counted,
    assert not re.search(r"\.\d (人|people)", said.err)  # not measured
    command.show_sites(k=2, radius=100.0, as_json=True)
    answer = json.loads(capfd.readouterr().out)
    assert len(answer["sites"]["features"]) == 2
    command.show_sites(k=2, radius=100.0)
    assert "第001社区 50" in capfd.readouterr().err
