"""Every state meets every action on a real case: it moves as the table says, or nothing happens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gis.cluster import Cluster
from gis.errors import Conflict, Forbidden, GovernanceError
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.work_orders import ACTIONS, LIFE, STATES, TRANSITIONS
from gis.services import dispatch, intake
from gis.services.case_file import CaseFile
from gis.services.dispatch import Command
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store.unit_of_work import Database
from tests.conftest import cloned
from tests.factories import SmallCity, add_upper_levels, small_city

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
CENTRE = Actor("token:d1", "dispatcher")
WORKER = Actor("token:w1", "grid_worker", None, 1)
PLANNER = Actor("token:p1", "planner")
ACTORS = (WORKER, CENTRE, Actor("token:d2", "dispatcher"), Actor("token:a1", "admin"), SYSTEM)

Step = tuple[Actor, str]
ROADS: dict[str, tuple[str, tuple[Step, ...]]] = {
    "review": ("corner", ()),
    "unrouted": ("nobody", ()),
    "outside": ("away", ()),
    "registered": ("corner", ((CENTRE, "register"),)),
    "rejected": ("corner", ((CENTRE, "reject"),)),
    "dispatched": ("grid", ()),
    "handling": ("grid", ((WORKER, "accept"),)),
    "suspended": ("grid", ((WORKER, "accept"), (CENTRE, "suspend"))),
    "returned": ("grid", ((WORKER, "send_back"),)),
    "ruling": ("grid", ((WORKER, "send_back"), (CENTRE, "escalate"))),
    "resolved": ("grid", ((WORKER, "accept"), (WORKER, "resolve"))),
    "verified": ("grid", ((WORKER, "accept"), (WORKER, "resolve"), (CENTRE, "verify"))),
    "closed": (
        "grid",
        ((WORKER, "accept"), (WORKER, "resolve"), (CENTRE, "verify"), (CENTRE, "close")),
    ),
    "duplicate": ("grid", ((CENTRE, "mark_duplicate"),)),
    "void": ("grid", ((CENTRE, "void"),)),
}
"""State -> where it begins, and the actions that lead there."""


class _Enough(Exception):
    """It was seen: take it back."""


class Desk:
    """Cases in every state, and a way to try an action on one and take it back."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.city: SmallCity = small_city(database)
        self.boundaries = Boundaries(database)
        places = {
            "corner": Location(*self.city.corner, accuracy_m=100),
            "nobody": Location(*self.city.inside(4)),
            "away": Location(118.5, 32.25),
            "grid": Location(*self.city.inside(1)),
        }
        nobody = self._report(places["nobody"])  # before the upper levels have anybody
        with database.transaction(SYSTEM) as work:
            add_upper_levels(work)
        self.root = self._report(places["grid"])
        self.cases = {}
        for state, (place, steps) in ROADS.items():
            case = nobody if place == "nobody" else self._report(places[place])
            for actor, action in steps:
                with database.transaction(actor) as work:
                    dispatch.act(self._open(work, case), self.command(action))
            self.cases[state] = case

    def _report(self, location: Location) -> uuid.UUID:
        request = MatchRequest(location=location, category="event-exposed-rubbish", source="snap")
        answer = intake.report_event(
            self.database,
            self.boundaries,
            SYSTEM,
            intake.Report(request=request),
            now=lambda: NOW,
            auto_threshold=0.95,
        )
        body: Any = answer.body
        return uuid.UUID(body["id"])

    def _open(self, work: Any, case: uuid.UUID) -> CaseFile:  # noqa: ANN401 - a unit of work
        return CaseFile.open(work, self.boundaries, case, NOW + timedelta(minutes=1))

    def command(self, action: str) -> Command:
        """Return an action with everything that any action may need."""
        to = {"person": "P2"} if action == "transfer" else {"grid": self.city.grids[1]}
        return Command(
            action=action,
            note="因故",
            ground="unclear-owner",
            to=to if action in ("transfer", "rule", "dispatch") else None,
            amount=1,
            unit="work_hours",
            until=NOW + timedelta(days=3),
            satisfied=True,
            grid=self.city.grids[1],
            of=str(self.root),
            location=Location(*self.city.inside(2)),
            category="event-dirty-road",
        )

    @contextmanager
    def taken_back(self, state: str, actor: Actor) -> Iterator[CaseFile]:
        """The case of a state in a transaction of an actor that ends with nothing written."""
        with suppress(_Enough), self.database.transaction(actor) as work:
            yield self._open(work, self.cases[state])
            raise _Enough

    def entries(self, file: CaseFile, since: int) -> list[str]:
        rows = file.work.rows(
            sa.text("select action from log_entries where event_id = :case and id > :since"),
            case=file.event["id"],
            since=since,
        )
        return [row["action"] for row in rows]

    def fingerprint(self) -> str:
        with self.database.reading(SYSTEM) as work:
            told: str = work.scalar(
                sa.text(
                    "select md5((select string_agg(e::text, '|' order by e.id) from events e) || "
                    "(select string_agg(w::text, '|' order by w.code) from work_orders w) || "
                    "(select string_agg(c::text, '|' order by c.id) from clocks c) || "
                    "(select count(*) from log_entries) || (select count(*) from outbox))"
                )
            )
            return told


@pytest.fixture(scope="module")
def desk(cluster: Cluster, template: str) -> Iterator[Desk]:
    with cloned(cluster, template) as database:
        yield Desk(database)


def test_there_is_a_case_in_every_state(desk: Desk) -> None:
    assert set(ROADS) == set(STATES)
    for state in STATES:
        with desk.taken_back(state, SYSTEM) as file:
            assert (file.state, file.event["status"]) == (state, state)


@pytest.mark.parametrize("state", STATES)
def test_every_action_moves_or_refuses(desk: Desk, state: str) -> None:
    before = desk.fingerprint()
    for action in ACTIONS:
        step, moved = TRANSITIONS.get((state, action)), 0
        for actor in ACTORS if step else (CENTRE,):  # the pure sweep refuses it to all the others
            with desk.taken_back(state, actor) as file:
                mine = file.relations()
                if step is None or not mine & set(step.who) or mine & set(step.not_by):
                    with pytest.raises(GovernanceError) as refused:
                        dispatch.act(file, desk.command(action))
                    assert isinstance(refused.value, Conflict | Forbidden)
                    assert refused.value.facts["allowed"] == list(LIFE.allowed(state, mine))
                    continue
                since = file.work.scalar(sa.text("select max(id) from log_entries"))
                dispatch.act(file, desk.command(action))
                assert file.state in step.after, (state, action)
                assert desk.entries(file, since) == [action]
                assert file.order is None or file.order["assignee_id"] is not None
                moved += 1
        assert (moved > 0) == (step is not None), (state, action)
    assert desk.fingerprint() == before, "what was refused or taken back left nothing behind"
