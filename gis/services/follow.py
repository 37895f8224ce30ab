"""Open work orders 工单 follow their place: when its grid changes, so does who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from gis.errors import CategoryUnknown
from gis.governance.categories import Category
from gis.governance.duty import Assignment, Unrouted
from gis.governance.reasons import Reason
from gis.services.lookup import BoundarySnapshot
from gis.services.responsibility import responsible
from gis.store import boundaries, categories
from gis.store import follow as store
from gis.store.unit_of_work import UnitOfWork


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


def move_open_orders(work: UnitOfWork, revision: int) -> list[MovedOrder]:
    """Give open work orders to whoever answers for their place under a new revision.

    To be called in the transaction that publishes the revision, after it is written. An order
    moves when the general grid that covers its event's point (the finest area without grids) is
    another than in the revision before. Who was away or is nobody at all: it stays with the
    present person, and the log says why. Limits and status stay as they are.

    A revision that is not in force yet moves nothing: its day has to come first.

    Returns
    -------
    list of MovedOrder
        By code of the work order.
    """
    if not store.is_in_force(work, revision):
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
    moved = []
    for order in orders:
        old, new = _owner(before, order), _owner(after, order)
        if old != new:
            moved.append(_move(work, after, order, old, new))
    return moved


def _owner(snapshot: BoundarySnapshot, order: sa.RowMapping) -> str | None:
    area = snapshot.finest_covering(order["lon"], order["lat"])
    return None if area is None else area.code


def _move(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    order: sa.RowMapping,
    old: str | None,
    new: str | None,
) -> MovedOrder:
    revision, now = snapshot.revision, boundaries.clock(work)
    chosen = responsible(work, snapshot, new, _category(work, order["category"]), now)
    path = [area.code for area in snapshot.path(new)] if new else list(order["path_codes"])
    before = _told(order["area_code"], order, order["assignee_name"])
    changed: dict[str, Any] = {
        key: order[key]
        for key in ("level", "area_code", "unit_code", "assignee_id", "assignee_role")
    }
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
    after = _told(changed["area_code"], changed, name) | {"grid": new, "reason": reason.to_json()}
    version = store.give(
        work,
        order,
        revision=revision,
        changed={**changed, "path_codes": path},
        seen_by=list(dict.fromkeys((*order["path_codes"], *path))),
        before=before | {"grid": old},
        after=after,
        note=reason.text_zh,
    )
    if version is None:
        message = f"work order {order['code']} changed under its lock"
        raise ValueError(message)
    return MovedOrder(
        order["code"], old, new, order["assignee_id"], changed["assignee_id"], version, reason
    )


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
    zh = f"边界版本 {revision} 起,该位置由 {from_zh} 划入 {to_zh}"
    en = f"From boundary revision {revision} on the place belongs to {to_en}, not {from_en}"
    if isinstance(chosen, Assignment):
        return Reason(
            "follows-boundary",
            f"{zh},工单随之转交。{chosen.reason.text_zh}",
            f"{en}; the work order goes with it. {chosen.reason.text_en}",
            facts,
        )
    return Reason(
        "follows-boundary-nobody",
        f"{zh},但新区域暂无可接办人员,工单仍由{name}办理。{chosen.reason.text_zh}",
        f"{en}, where nobody can take it yet; it stays with {name}. {chosen.reason.text_en}",
        facts,
    )
