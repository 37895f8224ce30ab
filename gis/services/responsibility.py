"""Who answers for an area at an instant, by the 1+5+N team valid then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from gis.governance.categories import Category
from gis.governance.duty import Assignment, Level, TeamMember, Unrouted, at_level, next_in_line
from gis.governance.reasons import Reason
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.store import city_files, duty
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
    exclude: Collection[int] = (),
    place: tuple[float, float] | None = None,
) -> Assignment | Unrouted:
    """Return the person who answers for an area, or why there is none.

    With a unit its people come first; the others of the team stand in when it has none there.
    Persons in ``exclude`` do not get it. A final ruling 终审 for the area (or one that it lies in)
    and the category decides before everything else. Then, with a ``place`` (EPSG:4326), the owner
    属主 of what stands there, for the categories that the asset names; then the territory 属地. An
    event for which the territory has nobody goes to the owner of whatever stands there.
    """
    path = {area.level: area.code for area in snapshot.path(code)} if code else {}
    team = [TeamMember(**row) for row in duty.team_of(work, list(path.values()), at)]
    ruled = _ruled(work, path, category, at)
    if ruled is not None:
        return ruled
    if place is not None and category is not None and unit_code is None:
        owner = _owner(work, place, category.key, path, at=at, exclude=exclude)
        if owner is not None:
            return owner
    chosen = choose(team, path, category, at, unit_code=unit_code, exclude=exclude)
    if isinstance(chosen, Unrouted) and place is not None and path:
        return _owner(work, place, None, path, at=at, exclude=exclude) or chosen
    return chosen


def _owner(
    work: UnitOfWork,
    place: tuple[float, float],
    category: str | None,
    path: Mapping[str, str],
    *,
    at: datetime,
    exclude: Collection[int],
) -> Assignment | None:
    asset = city_files.owner_near(work, place, category)
    if asset is None:
        return None
    areas = duty.areas_of(work, asset["owner_unit"], None, at)
    levels = {code: level for level, code in path.items()}
    inside = [code for code in areas if code in levels] or areas
    chosen = of_people(work, inside, levels, at, unit_code=asset["owner_unit"], exclude=exclude)
    if chosen is None:
        return None  # the owner has nobody on duty: the territory acts first
    metres = round(float(asset["distance_m"]), 1)
    reason = Reason(
        "owner-answers",
        f"{asset['name']}（{asset['code']}，距 {metres} 米）的权属单位是{asset['unit_name']}，"
        f"由{chosen.member.person_name}办理。",
        f"{asset['unit_name']} owns {asset['name']} ({asset['code']}, {metres} m away); "
        f"{chosen.member.person_name} handles it.",
        {"asset": asset["code"], "unit": asset["owner_unit"], "distance_m": metres},
    )
    return Assignment(chosen.member, chosen.level, reason)


def choose(
    team: Sequence[TeamMember],
    path: Mapping[str, str],
    category: Category | None,
    at: datetime,
    *,
    unit_code: str | None = None,
    exclude: Collection[int] = (),
) -> Assignment | Unrouted:
    """Return who of a team answers; see :func:`responsible`. Pure.

    ``path`` maps levels to the codes of the area and its ancestors.
    """
    of_unit = [member for member in team if unit_code and member.unit_code == unit_code]
    if of_unit:
        chosen = _of(of_unit, path, category, at, exclude)
        if isinstance(chosen, Assignment):
            return chosen
    return _of(team, path, category, at, exclude)


def of_level(
    work: UnitOfWork,
    level: str,
    code: str,
    at: datetime,
    *,
    exclude: Collection[int] = (),
) -> Assignment | Unrouted:
    """Return who takes a case at one level of its path."""
    team = [TeamMember(**row) for row in duty.team_of(work, [code], at)]
    return _with_unit(at_level(team, code, cast("Level", level), at, exclude=exclude))


def of_people(
    work: UnitOfWork,
    areas: Sequence[str],
    levels: Mapping[str, str],
    at: datetime,
    *,
    unit_code: str | None = None,
    person_id: int | None = None,
    exclude: Collection[int] = (),
) -> Assignment | None:
    """Return the person of a unit, or the person named, who has a duty in one of the areas.

    Present ones before absent ones are never mixed: absent is out. The finest area first, then
    the lower load, then the lower number. ``levels`` maps the code of an area to its level.
    """
    members = [
        TeamMember(**row)
        for row in duty.team_of(work, areas, at)
        if (unit_code is None or row["unit_code"] == unit_code)
        and (person_id is None or row["person_id"] == person_id)
    ]
    present = [
        one for one in members if not one.absent and one.unit_code and one.person_id not in exclude
    ]
    if not present:
        return None
    member = min(
        present, key=lambda one: (-len(one.area_code), one.deputy, one.open_orders, one.person_id)
    )
    level = cast("Level", levels.get(member.area_code, "community"))
    reason = Reason(
        "named",
        f"指定由{member.unit_name}{member.person_name}办理。",
        f"{member.person_name} of {member.unit_name} was named for it.",
        {"person_id": member.person_id, "unit": member.unit_code, "area_code": member.area_code},
    )
    return Assignment(member, level, reason)


def _ruled(
    work: UnitOfWork, path: Mapping[str, str], category: Category | None, at: datetime
) -> Assignment | None:
    key = None if category is None else category.key
    ruling = duty.ruling_for(work, list(path.values()), key, at) if path else None
    if ruling is None:
        return None
    areas = duty.areas_of(work, ruling["unit_code"], ruling["person_id"], at)
    levels = {code: level for level, code in path.items()}
    inside = [code for code in areas if code in levels] or areas
    chosen = of_people(
        work,
        inside,
        levels,
        at,
        unit_code=ruling["unit_code"],
        person_id=ruling["person_id"],
    )
    if chosen is None:
        return None  # nobody of the unit is there today: the team stands in
    reason = Reason(
        "final-ruling",
        f"按终审裁定（第 {ruling['id']} 号：{ruling['reason']}），由{chosen.member.unit_name}"
        f"{chosen.member.person_name}办理。",
        f"By final ruling {ruling['id']} ({ruling['reason']}) it is for "
        f"{chosen.member.person_name} of {chosen.member.unit_name}.",
        {"ruling": ruling["id"], "person_id": chosen.member.person_id},
    )
    return Assignment(chosen.member, chosen.level, reason)


def _of(
    team: Sequence[TeamMember],
    path: Mapping[str, str],
    category: Category | None,
    at: datetime,
    exclude: Collection[int],
) -> Assignment | Unrouted:
    handlers = DEFAULT_HANDLERS if category is None else category.handler_roles
    return _with_unit(next_in_line(team, path, handlers, at, exclude=exclude))


def _with_unit(chosen: Assignment | Unrouted) -> Assignment | Unrouted:
    if isinstance(chosen, Assignment) and chosen.member.unit_code is None:
        return Unrouted(
            Reason(
                "no-unit",
                f"{chosen.member.person_name}没有所属单位，请补充后再派遣。",
                f"{chosen.member.person_name} belongs to no unit: register one, then dispatch.",
                {"person_id": chosen.member.person_id},
            )
        )
    return chosen
