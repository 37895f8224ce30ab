"""Final rulings 终审: kept so that the same case, and the next one like it, never bounce again.

A ruling about ground becomes a boundary exception around the place; one about whose work it is, a
correction of duty for the category in that area. Both expire, and both name their author.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import shapely

from gis.errors import RulingFinal
from gis.geometry.circles import circles
from gis.governance.duty import Assignment
from gis.governance.work_orders import GROUNDS
from gis.services.case_file import CaseFile
from gis.store import duty, exceptions

if TYPE_CHECKING:
    from gis.services.dispatch import Command

LASTS: Final = timedelta(days=730)
"""A ruling is looked at again after two years."""

RADIUS_M: Final = 30.0
"""Around the place of the case the ruling holds; an action may name another radius."""

DECIDED: Final = frozenset({"not-my-territory", "unclear-owner", "overlapping-duties"})
"""Grounds that a ruling settles; that nothing was found there is no matter of duty."""


def refuse_if_ruled(case: CaseFile, ground: str) -> None:
    """Refuse a return for a ground that was ruled on, for this case or for its place.

    Raises
    ------
    gis.errors.RulingFinal
    """
    if ground not in DECIDED:
        return
    found = _in_force(case, ground)
    if found is not None:
        title = GROUNDS[ground].title
        raise RulingFinal(
            ruling=found["id"],
            by=found["created_by"],
            reason=found["reason"],
            ground=ground,
            ground_zh=title[0],
            ground_en=title[1],
        )


def _in_force(case: CaseFile, ground: str) -> Any:  # noqa: ANN401 - a row
    assert case.order is not None  # noqa: S101 - only orders are sent back
    own = duty.ruling_of_order(case.work, case.order["code"], case.now)
    if own is not None:
        return own
    key = None if case.category is None else case.category.key
    if GROUNDS[ground].territorial:
        if case.place is None:
            return None
        deciding = case.in_force.exceptions.deciding(*case.place, key, case.now)
        return None if deciding is None else duty.ruling_of_exception(case.work, deciding.id)
    return duty.ruling_for(case.work, list(case.path.values()), key, case.now)


def keep(case: CaseFile, command: Command, chosen: Assignment) -> dict[str, Any]:
    """Keep a ruling that gives a case to somebody; return what the log says of it."""
    assert case.order is not None  # noqa: S101 - only orders are ruled on
    ground = case.returns[-1]["ground"] if case.returns else "not-my-territory"
    to, key = command.to or {}, None if case.category is None else case.category.key
    area = to.get("grid") or to.get("area")
    values: dict[str, Any] = {
        "category": key,
        "ground": ground,
        "reason": command.note,
        "work_order_code": case.order["code"],
        "expires_at": case.now + LASTS,
    }
    told: dict[str, Any] = {"ground": ground, "until": values["expires_at"].isoformat()}
    if area is not None and case.place is not None:
        written = exceptions.add(
            case.work,
            exceptions.NewException(
                _circle(case.place, command.radius_m or RADIUS_M),
                key,
                area,
                to.get("unit"),
                f"终审裁定（工单 {case.order['code']}）：{command.note}",
                values["expires_at"],
            ),
        )
        told["exception"] = written["id"]
        values |= {"area_code": area, "exception_id": written["id"]}
    else:
        values |= {
            "area_code": area or case.event["grid_code"] or chosen.member.area_code,
            "unit_code": chosen.member.unit_code,
            "person_id": chosen.member.person_id if to.get("person") else None,
        }
    told["id"] = duty.add_ruling(case.work, **values)
    return told


def _circle(place: tuple[float, float], radius_m: float) -> str:
    around = circles([place], radius_m)[0]
    shape = shapely.MultiPolygon([around])
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))
