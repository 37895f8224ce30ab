"""The history on other boundaries: what moves is shown, nothing is written."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from gis import clock
from gis.governance.actors import SYSTEM, Actor
from gis.services import intake
from gis.services.lookup import Boundaries, Snapshots
from gis.services.match_request import Location, MatchRequest
from gis.services.rematch import rematch
from gis.store.unit_of_work import Database
from tests.factories import small_city


def test_events_on_ground_that_changed_hands_move_and_nothing_else(database: Database) -> None:
    city = small_city(database)
    boundaries = Boundaries(database)
    for place in (city.inside(1), city.inside(2), city.inside(2), None):
        request = MatchRequest(
            None if place is None else Location(*place),
            address="南门口" if place is None else None,
            source="snap",
        )
        intake.report_event(
            database, boundaries, SYSTEM,
            intake.Report(request=request, source_ref=uuid.uuid4().hex),
            now=clock.now, auto_threshold=0.9,
        )  # fmt: skip

    def again(actor: Actor = SYSTEM) -> dict[str, int]:
        found = rematch(database, Snapshots(), actor, threshold=0.9, now=clock.now())
        moves.append(found)
        return dict(found.counts)

    moves: list[object] = []
    assert again() == {"events": 4, "same": 3, "without-pin": 1}
    first, second = city.grids[:2]
    with database.transaction(SYSTEM) as work:  # the two grids change their ground
        work.execute(
            sa.text(
                "update area_versions v set geometry = o.geometry from area_versions o where "
                "(v.area_code, o.area_code) in ((:a, :b), (:b, :a))"
            ),
            a=first,
            b=second,
        )
        before = work.rows(sa.text("select id, version, grid_code from events order by id"))
    assert again() == {"events": 4, "moved": 3, "without-pin": 1}
    found = rematch(database, Snapshots(), SYSTEM, threshold=0.9, now=clock.now())
    assert found.pairs() == [((second, first), 2), ((first, second), 1)]
    assert again(Actor("token:1", "planner", first))["events"] == 1, "only those of its own area"
    with database.reading(SYSTEM) as work:
        assert before == work.rows(sa.text("select id, version, grid_code from events order by id"))
