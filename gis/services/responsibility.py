"""Who answers for an area at an instant, by the 1+5+N team valid then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from gis.governance.categories import Category
from gis.governance.duty import Assignment, TeamMember, Unrouted, next_in_line
from gis.governance.reasons import Reason
from gis.services.lookup import BoundarySnapshot
from gis.store import duty
from gis.store.unit_of_work import UnitOfWork

DEFAULT_HANDLERS: Final = ("grid_worker",)
"""Who handles a case without a category."""


def responsible(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    code: str | None,
    category: Category | None,
    at: datetime,
    *,
    unit_code: str | None = None,
) -> Assignment | Unrouted:
    """Return the person who answers for an area, or why there is none.

    With a unit its people come first; the others of the team stand in when it has none there.
    """
    path = {area.level: area.code for area in snapshot.path(code)} if code else {}
    team = [TeamMember(**row) for row in duty.team_of(work, list(path.values()), at)]
    return choose(team, path, category, at, unit_code=unit_code)


def choose(
    team: Sequence[TeamMember],
    path: Mapping[str, str],
    category: Category | None,
    at: datetime,
    *,
    unit_code: str | None = None,
) -> Assignment | Unrouted:
    """Return the person of a team who answers for a path (level -> code), or why there is none."""
    of_unit = [member for member in team if unit_code and member.unit_code == unit_code]
    if of_unit:
        chosen = _of(of_unit, path, category, at)
        if isinstance(chosen, Assignment):
            return chosen
    return _of(team, path, category, at)


def _of(
    team: Sequence[TeamMember], path: Mapping[str, str], category: Category | None, at: datetime
) -> Assignment | Unrouted:
    handlers = DEFAULT_HANDLERS if category is None else category.handler_roles
    chosen = next_in_line(team, path, handlers, at)
    if isinstance(chosen, Assignment) and chosen.member.unit_code is None:
        return Unrouted(
            Reason(
                "no-unit",
                f"{chosen.member.person_name}没有所属单位,请补充后再派遣。",
                f"{chosen.member.person_name} belongs to no unit: register one, then dispatch.",
                {"person_id": chosen.member.person_id},
            )
        )
    return chosen
