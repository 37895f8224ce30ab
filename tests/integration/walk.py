"""A random walk through the life of cases, and what must hold after it.

``python -m tests.integration.walk`` runs the long one (10,000 actions, four walkers at once on the
same cases) on a database of its own.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gis.errors import GovernanceError
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.work_orders import ACTIONS, GROUNDS, LIFE, STATES, TRANSITIONS
from gis.services import clock_work, dispatch, intake
from gis.services.dispatch import Command
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store.unit_of_work import Database
from tests.factories import SmallCity

WALKERS = 4
START = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)


def walk(
    database: Database,
    boundaries: Boundaries,
    city: SmallCity,
    dice: random.Random,
    *,
    steps: int,
    shared: list[uuid.UUID] | None = None,
) -> Counter[str]:
    """Take so many actions by four roles on a handful of cases, which walkers may share."""
    with database.reading(SYSTEM) as work:
        people = [row["id"] for row in work.rows(sa.text("select id from persons order by id"))]
    actors = [
        *(Actor(f"token:w{n}", "grid_worker", None, n) for n in people),
        Actor("token:d1", "dispatcher"),
        Actor("token:d2", "dispatcher"),
        Actor("token:d3", "dispatcher", city.grids[0]),
        Actor("token:a1", "admin"),
        Actor("token:p1", "planner"),
    ]
    events = [] if shared is None else shared
    seen: Counter[str] = Counter()
    now = START
    for step in range(steps):
        now += timedelta(minutes=dice.choice((1, 7, 30, 90)))
        if now > START + timedelta(days=200):
            now = START  # a clock that is set back half a year must not break anything either
        if len(events) < 3 or step % 40 == 0:
            events.append(_report(database, boundaries, city, dice, now))
            del events[:-5]
        known = list(events)
        event = dice.choice(known)
        actor, command = dice.choice(actors), _command(dice, city, known, now)
        if dice.random() < 0.75:  # else hardly anything ever gets far
            actor, command = _fitting(database, dice, event, actor, command)
        try:
            answer = dispatch.act_on_event(
                database,
                boundaries,
                actor,
                event,
                command,
                now=lambda at=now: at,
                auto_threshold=0.95,
            )
        except GovernanceError as error:
            seen["refused"] += 1
            seen[f"refused {error.code}"] += 1
        else:
            seen["done"] += 1
            seen[f"done {command.action}"] += 1
            assert answer.status == 200
        if step % 25 == 0:
            clock_work.tick(database, boundaries, lambda at=now: at)
    return seen


def _report(
    database: Database, boundaries: Boundaries, city: SmallCity, dice: random.Random, now: datetime
) -> uuid.UUID:
    place = dice.choice([city.inside(1), city.inside(2), city.inside(4), (118.5, 32.25)])
    answer = intake.report_event(
        database,
        boundaries,
        SYSTEM,
        intake.Report(
            request=MatchRequest(
                location=Location(*place), category="event-exposed-rubbish", source="snap"
            )
        ),
        now=lambda: now,
        auto_threshold=0.95,
    )
    body: Any = answer.body
    return uuid.UUID(body["id"])


def _fitting(
    database: Database,
    dice: random.Random,
    event: uuid.UUID,
    actor: Actor,
    command: Command,
) -> tuple[Actor, Command]:
    """Return an action that the state knows, and somebody who may do it."""
    with database.reading(SYSTEM) as work:
        row = work.rows(
            sa.text(
                "select e.status, w.assignee_id from event_registry r join events e on "
                "e.id = r.id and e.received_at = r.received_at left join work_orders w on "
                "w.event_id = r.id where r.id = :event order by w.closed_at is null desc limit 1"
            ),
            event=event,
        )[0]
    known = [name for name in LIFE.possible(row["status"]) if name not in RARE]
    known += LIFE.possible(row["status"]) if dice.random() < 0.1 else ()
    if not known:
        return actor, command
    action = dice.choice(known)
    if "assignee" in TRANSITIONS[row["status"], action].who:
        actor = Actor(f"token:w{row['assignee_id']}", "grid_worker", None, row["assignee_id"])
    elif actor.role != "dispatcher":
        actor = Actor(f"token:d{dice.randint(1, 2)}", "dispatcher")
    return actor, replace(command, action=action)


RARE = ("void", "mark_duplicate", "reject", "escalate_overdue")


def _command(
    dice: random.Random, city: SmallCity, events: list[uuid.UUID], now: datetime
) -> Command:
    """Return an action with fields that mostly fit: a walk of refusals shows little."""
    weighted = [*ACTIONS, "accept", "resolve", "verify", "close", "send_back", "dispatch"] * 2
    weighted += ["accept", "resolve", "verify", "close"] * 6
    weighted = [name for name in weighted if name not in ("void", "mark_duplicate", "reject")]
    weighted += ["void", "mark_duplicate", "reject"]
    return Command(
        action=dice.choice(weighted),
        note=dice.choice(["因故", "因故", "因故", None]),
        ground=dice.choice(list(GROUNDS)),
        to=dice.choice([None, {"grid": dice.choice(city.grids)}, {"person": "P2"}, {"unit": "U3"}]),
        amount=dice.choice([1, 2, 99]),
        unit="work_hours",
        until=now + timedelta(days=3),
        satisfied=dice.random() < 0.5,
        grid=dice.choice(city.grids),
        of=str(dice.choice(events)),
        location=Location(*city.inside(dice.randint(1, 3))),
        category=dice.choice(["event-dirty-road", "event-exposed-rubbish", "nothing"]),
    )


def check(database: Database) -> None:
    """Assert what must hold of every case, whatever was done to it."""
    with database.reading(SYSTEM) as work:

        def none(sql: str) -> None:
            assert [dict(row) for row in work.rows(sa.text(sql))] == [], sql

        none(
            "select event_id from work_orders where closed_at is null group by 1 "
            "having count(*) > 1"
        )
        none("select code from work_orders where assignee_id is null or unit_code is null")
        final = ", ".join(f"'{state}'" for state, about in STATES.items() if about.final)
        none(f"select code from work_orders where (closed_at is not null) <> (status in ({final}))")
        none("select id from clocks where stopped_at < started_at or due_at < started_at")
        none("select event_id, stage from clocks where stopped_at is null group by 1, 2 "
             "having count(*) > 1")  # fmt: skip
        none(
            "select a.id from clocks a join clocks b on a.event_id = b.event_id and "
            "a.stage = b.stage and a.id < b.id where a.stopped_at is null or "
            "b.started_at < a.started_at"
        )
        none(
            "select w.code from work_orders w join event_registry r on r.id = w.event_id join "
            "events e on e.id = r.id and e.received_at = r.received_at "
            "where w.closed_at is null and w.status <> e.status"
        )
        # the log is complete: every entry begins where the one before ended, and every version
        # of an order has its entry
        none(
            "select * from (select id, action, before ->> 'status' as before, lag(after ->> "
            "'status') over (partition by event_id order by id) as last from log_entries) s "
            "where last is not null and before is not null and before <> last"
        )
        none(
            "select w.code from work_orders w where w.version > (select count(*) from "
            "log_entries l where l.work_order_code = w.code)"
        )
        # nobody checks their own work
        none(
            "select v.id from log_entries v join lateral (select actor_id from log_entries r "
            "where r.event_id = v.event_id and r.action = 'resolve' and r.id < v.id "
            "order by r.id desc limit 1) r on true "
            "where v.action in ('verify', 'close') and v.actor_id = r.actor_id"
        )
        none(
            "select id from clocks where (overdue and due_at is null) or "
            "escalations > 2 or extensions > 2"
        )


def main() -> None:
    """Run the long walk."""
    import sys
    import tempfile
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from gis.cluster import Cluster
    from gis.store import schema
    from tests.factories import add_upper_levels, small_city

    home = Path(tempfile.mkdtemp(prefix="gridward-walk-"))
    home.chmod(0o755)
    with Cluster(home).lease() as cluster:
        cluster.create_database("walk")
        owner = Database(cluster.url("owner", "walk"), role=None)
        schema.upgrade(owner)
        with owner.transaction(SYSTEM) as work:  # what is thrown away need not reach the disk
            work.execute(sa.text("alter database walk set synchronous_commit = off"))
        owner.close()
        database = Database(cluster.url("app", "walk"))
        city = small_city(database)
        with database.transaction(SYSTEM) as work:
            add_upper_levels(work)
        steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
        boundaries, shared = Boundaries(database), list[uuid.UUID]()

        def one(seed: int) -> Counter[str]:
            dice = random.Random(seed)  # noqa: S311
            return walk(database, boundaries, city, dice, steps=steps // WALKERS, shared=shared)

        with ThreadPoolExecutor(WALKERS) as pool:
            seen = sum(pool.map(one, range(WALKERS)), Counter[str]())
        check(database)
        for name, count in sorted(seen.items(), key=lambda pair: -pair[1]):
            sys.stdout.write(f"{count:6} {name}\n")
        database.close()
    Cluster(home).reset()


if __name__ == "__main__":
    main()
