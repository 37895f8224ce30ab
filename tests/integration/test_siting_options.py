"""Every option of a siting question in a small city: no plan that keeps to it is better."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from gis.cluster import Cluster
from gis.coverage import reach
from gis.errors import NoPlan
from gis.governance.actors import SYSTEM
from gis.services import siting
from gis.services.coverage_question import StationChange
from gis.services.siting import SitingQuestion
from gis.services.siting_question import OwnCandidate
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import cloned

HOMES = [row for row in small_city.BUILDINGS if row[2] and row[0] > 118.0]
AT = np.array([row[:2] for row in HOMES])
PEOPLE = np.array([row[2] for row in HOMES])
STATIONS = np.array([row[3:] for row in small_city.STATIONS])
OWN = [  # code, lon, lat, cost
    ("south", 118.29, 32.289, 4.0),
    ("north", 118.251, 32.349, 2.0),
    ("middle", 118.30, 32.30, 5.0),
    ("first", 118.25, 32.252, 1.0),
    ("east", 118.349, 32.349, 3.0),
]
SPOTS = np.array([row[1:3] for row in OWN])
RADIUS_M = 2500.0
Plan = Sequence[int]


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        yield database


def asked(database: Database, **question: Any) -> dict[str, Any]:  # noqa: ANN401 - any question
    own = tuple(OwnCandidate(code, lon, lat, cost=cost) for code, lon, lat, cost in OWN)
    given = {"candidates": "own", "own": own, "radius_m": RADIUS_M, "keep_existing": False}
    return siting.site(database, SYSTEM, SitingQuestion(**{**given, **question}))


def within(plan: Plan, others: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """Which home is within reach of which site of a plan, and of other stations."""
    sites = SPOTS[list(plan)]
    return reach.within(AT, sites if others is None else np.vstack([sites, others]), RADIUS_M)


def covered(plan: Plan, others: np.ndarray[Any, Any] | None = None) -> int:
    return int(PEOPLE[within(plan, others).sum(axis=1) > 0].sum())


def best(k: int, worth: Callable[[Plan], float], keeps: Callable[[Plan], bool]) -> float:
    plans = itertools.chain(*(itertools.combinations(range(5), n) for n in range(k + 1)))
    return max(worth(plan) for plan in plans if keeps(plan))


def codes(answer: dict[str, Any]) -> list[str]:
    return sorted(str(site["id"]) for site in answer["sites"]["features"])


def proven(answer: dict[str, Any], value: float) -> None:
    assert (answer["proof"]["status"], answer["proof"]["value"]) == ("optimal", value)


def test_a_budget_is_kept(town: Database) -> None:
    costs = np.array([row[3] for row in OWN])
    for budget in (0.0, 1.0, 3.0, 4.5, 6.0, 15.0):
        answer = asked(town, k=5, budget=budget)
        proven(answer, best(5, covered, lambda plan, most=budget: costs[list(plan)].sum() <= most))
        spent = sum(site["properties"]["cost"] for site in answer["sites"]["features"])
        assert spent <= budget


def test_forced_and_forbidden_candidates_are_kept(town: Database) -> None:
    for k, forced, forbidden in ((1, 2, None), (2, 2, 3), (2, None, 3), (3, 4, 0)):
        answer = asked(
            town,
            k=k,
            forced=[] if forced is None else [f"own:{OWN[forced][0]}"],
            forbidden=[] if forbidden is None else [f"own:{OWN[forbidden][0]}"],
        )

        def keeps(plan: Plan, forced: int | None = forced, never: int | None = forbidden) -> bool:
            return (forced is None or forced in plan) and never not in plan

        proven(answer, best(k, covered, keeps))


@pytest.mark.parametrize("level", ["county", "community", "grid"])
def test_every_area_gets_its_share(town: Database, level: str) -> None:
    area = np.array(
        [
            {"county": code[:6], "community": code[:12], "grid": code}[level]
            for code in (
                row[3] or "341102001002001" if row[0] != 118.31 else "341103001002001"
                for row in HOMES
            )
        ]
    )
    whole = {code: int(PEOPLE[area == code].sum()) for code in area}
    for k, share in ((1, 0.5), (2, 0.5), (3, 0.5), (3, 0.9), (4, 0.7), (5, 1.0)):

        def keeps(plan: Plan, share: float = share) -> bool:
            got = within(plan).sum(axis=1) > 0
            sums = {code: int(PEOPLE[(area == code) & got].sum()) for code in whole}
            return all(sums[code] >= whole[code] * share for code in whole)

        question = {"k": k, "equity_level": level, "equity_ratio": share}
        plans = itertools.chain(*(itertools.combinations(range(5), n) for n in range(k + 1)))
        if not any(keeps(plan) for plan in plans):
            with pytest.raises(NoPlan):
                asked(town, **question)
            continue
        proven(asked(town, **question), best(k, covered, keeps))


def test_people_reached_twice_are_counted(town: Database) -> None:
    def twice(plan: Plan) -> float:
        return float(PEOPLE[within(plan, STATIONS).sum(axis=1) > 1].sum())

    for k in (1, 2, 5):
        answer = asked(town, k=k, times=2, keep_existing=True)
        proven(answer, best(k, twice, lambda _: True))


def test_a_new_station_serves_no_more_than_it_can(town: Database) -> None:
    for k, room in ((1, 30), (2, 60), (3, 40), (5, 500)):

        def served(plan: Plan, room: int = room) -> float:
            table = within(plan).toarray()
            cuts = [
                room * len(cut) + PEOPLE[np.delete(table, list(cut), axis=1).any(axis=1)].sum()
                for size in range(len(plan) + 1)
                for cut in itertools.combinations(range(len(plan)), size)
            ]
            return float(min(cuts))

        answer = asked(town, k=k, capacity=room)
        proven(answer, best(k, served, lambda _: True))
        assert all(row["load"] <= room for row in answer["served"]["stations"])


def test_stations_move_close_and_come_in_thought(town: Database) -> None:
    """S1 may move, so one of k + 1 sites; its present place is one of the candidates."""
    s1, s2, s3 = STATIONS
    answer = asked(town, k=1, keep_existing=True, relocate=["S1"])

    def moved(plan: Plan) -> float:
        stays = covered(plan[:1], np.vstack([s1, s2, s3]))
        return float(max(stays, covered(plan, np.vstack([s2, s3]))))

    proven(answer, best(2, moved, lambda _: True))
    shut = asked(town, k=1, keep_existing=True, changes=(StationChange("close", code="S1"),))
    proven(shut, best(1, lambda plan: covered(plan, np.vstack([s2, s3])), lambda _: True))
    there = {"lon": 118.25, "lat": 32.3499}
    other = asked(town, k=1, keep_existing=True, changes=(StationChange("move", "S1", **there),))
    at = np.array([[118.25, 32.3499], s2, s3], dtype=np.float64)
    proven(other, best(1, lambda plan: covered(plan, at), lambda _: True))
    more = asked(town, k=1, keep_existing=True, changes=(StationChange("add", **there),))
    both = np.vstack([at, s1]).astype(np.float64)
    proven(more, best(1, lambda plan: covered(plan, both), lambda _: True))
