"""To whom a case goes 派遣对象: found by what an action names, else by the case's own place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gis.errors import OutsideScope, TargetInvalid
from gis.governance.duty import Assignment, Unrouted
from gis.services.case_file import CaseFile, level_above
from gis.services.responsibility import of_level, of_people, responsible
from gis.store import duty


def target(
    case: CaseFile, to: Mapping[str, str] | None, *, exclude: Collection[int] = ()
) -> Assignment:
    """Return who a case goes to.

    Raises
    ------
    gis.errors.TargetInvalid
        Nobody is found; the reason of the search is in it.
    gis.errors.OutsideScope
        The one named works outside the actor's area.
    """
    snapshot, now = case.in_force.snapshot, case.now
    named = {key: value for key, value in (to or {}).items() if value}
    area = named.get("grid") or named.get("area")
    if area is not None and area not in snapshot.areas:
        raise TargetInvalid(
            target=area,
            reason_zh="现行边界中没有这个区域。",
            reason_en="no such area stands today.",
        )
    if "unit" in named and not duty.has_unit(case.work, named["unit"]):
        raise TargetInvalid(
            target=named["unit"],
            reason_zh="没有这个单位。",
            reason_en="there is no such unit.",
        )
    if "person" in named or ("unit" in named and area is None):
        chosen: Assignment | Unrouted | None = _named(case, named, exclude)
    else:
        code = area or own_area(case)
        chosen = responsible(
            case.work,
            snapshot,
            code,
            case.category,
            now,
            unit_code=named.get("unit"),
            exclude=exclude,
            place=None if named else case.place,
        )
    if not isinstance(chosen, Assignment):
        text = None if chosen is None else chosen.reason
        raise TargetInvalid(
            target=next(iter(named.values()), "—"),
            reason_zh=text.text_zh if text else "该单位或人员当前没有在岗值守。",
            reason_en=text.text_en if text else "nobody of that name is on duty now.",
        )
    if not case.work.actor.covers(chosen.member.area_code):
        raise OutsideScope(scope=case.work.actor.area_code, code=chosen.member.area_code)
    return chosen


def own_area(case: CaseFile) -> str | None:
    """Return the area whose team a case asks: its grid, else its community."""
    grid: str | None = case.event["grid_code"]
    known = case.in_force.snapshot.areas
    if grid in known:
        return grid
    return case.path.get("grid") or case.path.get("community")


def _named(case: CaseFile, named: Mapping[str, str], exclude: Collection[int]) -> Assignment | None:
    person_id = None
    if "person" in named:
        found = duty.person(case.work, named["person"])
        if found is None:
            raise TargetInvalid(
                target=named["person"],
                reason_zh="没有这个人员。",
                reason_en="there is no such person.",
            )
        if found["id"] in exclude:
            raise TargetInvalid(
                target=found["name"],
                reason_zh="工单已在其手中。",
                reason_en="they have it in hand already.",
            )
        person_id = found["id"]
    areas = duty.areas_of(case.work, named.get("unit"), person_id, case.now)
    levels = {code: area.level for code, area in case.in_force.snapshot.areas.items()}
    inside = [code for code in areas if code in case.path.values()] or areas
    return of_people(
        case.work,
        inside,
        levels,
        case.now,
        unit_code=named.get("unit"),
        person_id=person_id,
        exclude=exclude,
    )


def give(case: CaseFile, chosen: Assignment, to: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give the case to the one chosen; a grid that was named becomes the event's."""
    grid = (to or {}).get("grid")
    case.assign(chosen.member, chosen.level, grid or own_area(case))
    return {} if grid is None else in_grid(case, grid)


def in_grid(case: CaseFile, grid: str) -> dict[str, Any]:
    """Return what the event keeps of a grid: those who saw it before go on seeing it."""
    path = [area.code for area in case.in_force.snapshot.path(grid)]
    seen = list(dict.fromkeys((*case.event["path_codes"], *path)))
    return {"grid_code": grid, "path_codes": seen}


def above(case: CaseFile) -> Assignment | None:
    """Return who takes the case at the next level that has anybody on duty."""
    level: str | None = (case.order or {}).get("level")
    while level is not None:
        level = level_above(level)
        code = None if level is None else case.path.get(level)
        if level is not None and code is not None:
            chosen = of_level(case.work, level, code, case.now)
            if isinstance(chosen, Assignment):
                return chosen
    return None
