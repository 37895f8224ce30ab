"""Driver errors, translated once: by constraint name, else by SQLSTATE class."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from sqlalchemy.exc import DBAPIError

from gis.errors import Conflict, DatabaseUnavailable, GovernanceError


class AreaPeriodTaken(Conflict):
    """Two geometries of one area at one time."""

    code = "area-period-taken"
    title_zh, title_en = "该时段已有边界", "The area already has a geometry then"
    detail_zh = "同一区域在同一时段只能有一个边界，未写入。请先停用旧边界或改变生效日期。"
    detail_en = (
        "One area has one geometry at a time; nothing was written. Retire the old geometry or "
        "change the date from which the new one is valid."
    )


class DutyTaken(Conflict):
    """The same person, role and area twice at one time."""

    code = "duty-taken"
    title_zh, title_en = "值守重复", "Duty already given"
    detail_zh = "同一人员在同一时段、同一区域已担任该角色，未写入。"
    detail_en = "That person already holds that role in that area then; nothing was written."


class ScenarioNameTaken(Conflict):
    """Two scenarios of one name."""

    code = "scenario-name-taken"
    title_zh, title_en = "已有同名方案", "A scenario of that name exists"
    detail_zh = "已有同名方案，未保存。请换一个名称，或先删除原来的方案。"
    detail_en = (
        "There is a scenario of that name already; nothing was saved. Take another name, or "
        "delete the old one first."
    )


class AlreadyThere(Conflict):
    """Some other uniqueness rule of the database."""

    code = "already-there"
    title_zh, title_en = "已存在", "Already there"
    detail_zh = "违反唯一性规则 {constraint}，未写入。"
    detail_en = "The uniqueness rule {constraint} is broken; nothing was written."


BY_CONSTRAINT: Final[dict[str, type[GovernanceError]]] = {
    "ex_area_versions_one_geometry_at_a_time": AreaPeriodTaken,
    "ex_duties_once_at_a_time": DutyTaken,
    "uq_scenarios_name": ScenarioNameTaken,
}

_UNAVAILABLE: Final = (
    psycopg.OperationalError,  # server gone, statement timeout, too many connections, disk full
    psycopg.InterfaceError,
)


def translate(error: DBAPIError) -> Exception:
    """Return the domain error of a driver error, or the error itself when it is a bug of ours."""
    original: Any = error.orig
    if isinstance(original, psycopg.errors.IntegrityError):
        constraint = original.diag.constraint_name or ""
        if constraint in BY_CONSTRAINT:
            return BY_CONSTRAINT[constraint]()
        if isinstance(original, psycopg.errors.UniqueViolation | psycopg.errors.ExclusionViolation):
            return AlreadyThere(constraint=constraint)
        return error
    if isinstance(original, _UNAVAILABLE):
        return DatabaseUnavailable()
    return error
