"""Open work orders 工单 follow their place: when its area changes, so does who answers for it.

They follow at publication, or on the day from which a revision is in force: then a job of the queue
does it, put there by the publication, with a look every minute behind it. Each revision is followed
once: its row says when.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from gis.errors import CategoryUnknown
from gis.governance.actors import SYSTEM, Actor
from gis.governance.categories import Category
from gis.governance.duty import Assignment, TeamMember, Unrouted
from gis.governance.reasons import Reason
from gis.services import jobs
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.exceptions import ExceptionIndex
from gis.services.responsibility import choose
from gis.store import areas as area_store
from gis.store import boundaries, categories, duty, editions
from gis.store import follow as store
from gis.store.unit_of_work import Database, UnitOfWork

TASK: Final = "follow-boundaries"
LATE: Final = timedelta(seconds=30)
"""After a revision comes into force; no event is being taken in for longer."""

_GIVEN: Final = ("level", "area_code", "unit_code", "assignee_id", "assignee_role")


@dataclass(frozen=True, slots=True)
class MovedOrder:
    """A work order whose place changed hands; ``stays``: nobody new was there to take it."""

    code: str
    old_area: str | None
    new_area: str | None
    old_assignee: int
    new_assignee: int
    version: int
    reason: Reason

    @property
    def stays(self) -> bool:
        """True when it is still with the same person."""
        return self.old_assignee == self.new_assignee


@jobs.task(TASK, every=timedelta(minutes=1))  # no lock of the queue: those waiting would hold it
def follow_on_the_day(context: jobs.Context, *, revision: int | None = None) -> None:
    """Let open work orders follow what has come into force, late ones a revision named."""
    follow_due(context.database)
    if revision is not None:
        with context.database.transaction(SYSTEM) as work:
            boundaries.lock(work)
            move_open_orders(work, revision, late=True)


def follow_due(database: Database, actor: Actor = SYSTEM) -> list[int]:
    """Let open work orders follow every revision in force that they have not followed; return them.

    Safe to call at any time and from several processes: they wait for each other, and each
    revision is followed once.
    """
    with database.reading(actor) as work:
        if not store.unfollowed(work):
            return []
    with database.transaction(actor) as work:
        boundaries.lock(work)
        due = store.unfollowed(work)
        for revision in due:
            move_open_orders(work, revision)
    return due


def follow_or_wait(work: UnitOfWork, revision: int, valid_from: datetime) -> list[MovedOrder]:
    """Move orders in the transaction that publishes a revision, or on its day.

    An event that is being taken in at that moment is matched at the revision before and seen by
    nobody yet; a second look finds its order.
    """
    jobs.defer(work, TASK, {"revision": revision}, at=valid_from + LATE, key=f"{TASK}:{revision}")
    if store.is_in_force(work, revision):
        return move_open_orders(work, revision)
    jobs.defer(work, TASK, at=valid_from, key=f"{TASK}:on:{revision}")
    return []


def move_open_orders(work: UnitOfWork, revision: int, *, late: bool = False) -> list[MovedOrder]:
    """Give open work orders to whoever answers for their place under a revision in force.

    The caller holds the lock of boundaries. An order moves when the general grid that covers its
    event's point (the finest area without grids) is another than in the revision before; one that
    stands with a community or higher, when its area of that level is. Where a boundary exception
    decides, the line does not. Who was away or is nobody at all: it stays with the present person,
    and the log says why. Limits and status stay as they are. All of it is one statement, however
    many there are.

    With ``late`` those that were not seen when the revision was followed, in their turn.

    Returns
    -------
    list of MovedOrder
        By code of the work order; empty when the revision was followed before.
    """
    if store.mark_followed(work, revision) is late:
        return []
    orders = store.orders_on_changed_ground(work, revision)
    if not orders:
        return []
    places = np.array([(order["lon"], order["lat"]) for order in orders])
    (west, south), (east, north) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    box = (west, south, east, north)
    before, after = (
        BoundarySnapshot(number, store.areas_around(work, number, box))
        for number in (revision - 1, revision)
    )
    now = boundaries.clock(work)
    ruled = ExceptionIndex.load(work, area_store.in_force(work)[1])
    deciding = {one.area_code for one in ruled.exceptions}
    standing = editions.standing_codes(work, sorted(deciding))
    leaving = []
    for order in orders:
        ruling = ruled.deciding(order["lon"], order["lat"], order["category"], now)
        if ruling is not None and ruling.area_code in standing:
            continue
        old, new = _owner(before, order), _owner(after, order)
        if old != new and not (late and (new is None or new in order["path_codes"])):
            leaving.append((order, old, new))
    return _give(work, after, leaving, now)


def _owner(snapshot: BoundarySnapshot, order: sa.RowMapping) -> str | None:
    """Return the area of an order's place: the finest, or that of the level where it stands."""
    area = snapshot.finest_covering(order["lon"], order["lat"])
    if area is None:
        return None
    if order["level"] in ("city", "county", "subdistrict", "community"):
        at_level = [one.code for one in snapshot.path(area.code) if one.level == order["level"]]
        return at_level[0] if at_level else area.code
    return area.code


@dataclass(slots=True)
class _Teams:
    """The teams of all areas concerned, read once; loads change as orders are given."""

    members: Mapping[str, Sequence[TeamMember]]
    extra: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, work: UnitOfWork, codes: Sequence[str], now: datetime) -> _Teams:
        members: dict[str, list[TeamMember]] = defaultdict(list)
        for row in duty.team_of(work, codes, now):
            members[row["area_code"]].append(TeamMember(**row))
        return cls(members)

    def choose(
        self, path: Mapping[str, str], category: Category | None, now: datetime
    ) -> Assignment | Unrouted:
        team = [
            replace(member, open_orders=member.open_orders + self.extra[member.person_id])
            for code in sorted(path.values())
            for member in self.members.get(code, ())
        ]
        return choose(team, path, category, now)

    def handed(self, old: int, new: int) -> None:
        self.extra[old] -= 1
        self.extra[new] += 1


Leaving = Sequence[tuple[sa.RowMapping, str | None, str | None]]
"""Orders with the old and the new area of their place."""


def _give(
    work: UnitOfWork, snapshot: BoundarySnapshot, leaving: Leaving, now: datetime
) -> list[MovedOrder]:
    if not leaving:
        return []
    paths = {new: snapshot.path(new) if new else [] for _, _, new in leaving}
    concerned = sorted({area.code for path in paths.values() for area in path})
    teams = _Teams.of(work, concerned, now)
    known = {order["category"]: _category(work, order["category"]) for order, _, _ in leaving}
    seen: dict[Any, list[str]] = defaultdict(list)
    moves, told = [], []
    for order, old, new in leaving:
        path = {area.level: area.code for area in paths[new]}
        chosen = teams.choose(path, known[order["category"]], now)
        move, reason = _move(snapshot.revision, order, old, new, chosen)
        move["path_codes"] = list(path.values()) if new else list(order["path_codes"])
        teams.handed(order["assignee_id"], move["assignee_id"])
        shared = seen[order["event_id"]]
        shared += [
            code for code in (*order["path_codes"], *move["path_codes"]) if code not in shared
        ]
        move["seen_by"] = shared
        moves.append(move)
        told.append((order, old, new, move["assignee_id"], reason))
    versions = store.give_all(work, moves, revision=snapshot.revision)
    if len(versions) != len(moves):
        message = "a work order changed under its lock"
        raise ValueError(message)
    return [
        MovedOrder(
            order["code"], old, new, order["assignee_id"], to, versions[order["code"]], reason
        )
        for order, old, new, to, reason in told
    ]


def _move(
    revision: int,
    order: sa.RowMapping,
    old: str | None,
    new: str | None,
    chosen: Assignment | Unrouted,
) -> tuple[dict[str, Any], Reason]:
    """Return what becomes of an order, but for its paths, and why."""
    changed: dict[str, Any] = {key: order[key] for key in _GIVEN}
    name = order["assignee_name"]
    if isinstance(chosen, Assignment):
        member = chosen.member
        changed = {
            "level": chosen.level,
            "area_code": member.area_code,
            "unit_code": member.unit_code,
            "assignee_id": member.person_id,
            "assignee_role": member.role,
        }
        name = member.person_name
    reason = _why(revision, old, new, chosen, name)
    before = _told(order["area_code"], order, order["assignee_name"]) | {"grid": old}
    after = _told(changed["area_code"], changed, name) | {"grid": new, "reason": reason.to_json()}
    return {
        **changed,
        "code": order["code"],
        "version": order["version"],
        "event_id": str(order["event_id"]),
        "received_at": order["received_at"].isoformat(),
        "lon": order["lon"],
        "lat": order["lat"],
        "before": before,
        "after": after,
        "note": reason.text_zh,
    }, reason


def _category(work: UnitOfWork, key: str | None) -> Category | None:
    try:
        return None if key is None else categories.by_key(work, key)
    except CategoryUnknown:  # switched off since: the case goes on by the standard chain
        return None


def _told(area: str, values: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - a row or a dict
    """Return who has an order, as the log tells it."""
    return {
        "area": area,
        "level": values["level"],
        "unit": values["unit_code"],
        "assignee_id": values["assignee_id"],
        "assignee": name,
        "role": values["assignee_role"],
    }


def _why(
    revision: int, old: str | None, new: str | None, chosen: Assignment | Unrouted, name: str
) -> Reason:
    from_zh, to_zh = old or "无归属", new or "无归属"
    from_en, to_en = old or "no area", new or "no area"
    facts = {"revision": revision, "old": old, "new": new, "why": chosen.reason.code}
    zh = f"边界版本 {revision} 起，该位置由 {from_zh} 划入 {to_zh}"
    en = f"From boundary revision {revision} on the place belongs to {to_en}, not {from_en}"
    if isinstance(chosen, Assignment):
        return Reason(
            "follows-boundary",
            f"{zh}，工单随之转交。{chosen.reason.text_zh}",
            f"{en}; the work order goes with it. {chosen.reason.text_en}",
            facts,
        )
    return Reason(
        "follows-boundary-nobody",
        f"{zh}，但新区域暂无可接办人员，工单仍由{name}办理。{chosen.reason.text_zh}",
        f"{en}, where nobody can take it yet; it stays with {name}. {chosen.reason.text_en}",
        facts,
    )
