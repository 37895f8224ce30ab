"""Duty 值守: the 1+5+N team of an area, and who of it is next.

The order is grid worker, their deputy, grid lead, then the community's cadre and party secretary;
a category may put other roles first. Nobody gets a case while absent, and a case never gets an
empty assignee: the answer is a person, or says in words why there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from gis.governance.reasons import Fact, Reason

Share: TypeAlias = Literal["1", "5", "N"]
Level: TypeAlias = Literal["grid", "community", "subdistrict", "county", "city"]


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the 1+5+N team: its part of the formula, and its titles."""

    share: Share | None
    title_zh: str
    title_en: str


ROLES: Final[dict[str, Role]] = {
    "party_secretary": Role("1", "党组织书记", "party secretary"),
    "township_lead": Role("5", "乡镇街道包保领导", "township lead"),
    "cadre": Role("5", "村（社区）干部", "community cadre"),
    "peace_officer": Role("5", "综治专干", "peace-and-governance officer"),
    "police_officer": Role("5", "社区民警", "police officer"),
    "grid_worker": Role("5", "网格员", "grid worker"),
    "grid_lead": Role(None, "网格长", "grid lead"),
    "legal_worker": Role("N", "法律工作者", "legal worker"),
    "elder": Role("N", "五老人员", "respected elder"),
    "social_worker": Role("N", "社会工作者", "social worker"),
    "volunteer": Role("N", "志愿者", "volunteer"),
    "organisation": Role("N", "社会组织", "social organisation"),
    "new_employment": Role("N", "新就业群体", "new-employment group member"),
}
"""Role key -> its part of 1+5+N; the grid lead heads the grid and is counted beside the formula."""

COMMUNITY_CHAIN: Final = ("cadre", "party_secretary")
"""Who answers in the community when nobody in the grid does."""

LEADING: Final = ("township_lead", "party_secretary", "cadre", "peace_officer")
"""Who answers above the community, in this order; then whoever else holds a duty there."""


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One duty row: a person in a role of an area, with what is known at the instant asked for.

    ``valid_from`` and ``valid_to`` bound the duty as [from, to), None meaning unbounded; ``absent``
    and ``open_orders`` (open work orders in hand) are those of that instant.
    """

    person_id: int
    person_name: str
    role: str
    area_code: str
    deputy: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    absent: bool = False
    open_orders: int = 0
    unit_code: str | None = None
    unit_name: str | None = None

    def valid_at(self, at: datetime) -> bool:
        """Tell whether the duty holds at an instant; the end does not belong to it."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is next: the duty row chosen, the level it belongs to, and why it is theirs."""

    member: TeamMember
    level: Level
    reason: Reason


@dataclass(frozen=True, slots=True)
class Unrouted:
    """Nobody is there: the case belongs into the visible queue, with this reason."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class _Step:
    level: Level
    role: str
    deputy: bool


def next_in_line(
    team: Iterable[TeamMember],
    path: Mapping[str, str],
    handler_roles: Sequence[str],
    at: datetime,
    *,
    exclude: Collection[int] = (),
) -> Assignment | Unrouted:
    """Choose who gets a case: the right role, present, with the least in hand.

    Parameters
    ----------
    team
        Duty rows of the areas of the path, in any order; rows of other areas are ignored.
    path
        Level -> area code, at least of ``community``; without ``grid`` the community is asked.
    handler_roles
        Roles that the category puts first, in order; they are sought in the grid, then in the
        community. The standard chain follows in any case.
    at
        The instant: the responsible person is the one whose duty holds then.
    exclude
        Person ids that must not get it, such as whoever has sent it back.

    Returns
    -------
    Assignment or Unrouted
        Ties go to the lower load, then to the lower person id: never to row order.

    Raises
    ------
    ValueError
        A handler role that is not in :data:`ROLES`, or a naive instant.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 23, tzinfo=UTC)
    >>> path = {"community": "341102001001", "grid": "341102001001003"}
    >>> worker = TeamMember(7, "王芳", "grid_worker", path["grid"], absent=True)
    >>> lead = TeamMember(3, "李军", "grid_lead", path["grid"])
    >>> answer = next_in_line([worker, lead], path, ("grid_worker",), now)
    >>> answer.member.person_name, answer.reason.code
    ('李军', 'next-in-line')
    >>> answer.reason.text_en
    '李军, grid lead of the grid: 王芳 (grid worker) is absent.'
    """
    unknown = [role for role in handler_roles if role not in ROLES]
    if unknown or at.tzinfo is None:
        message = f"unknown roles {unknown}" if unknown else "an instant with an offset is needed"
        raise ValueError(message)
    codes = {level: path[level] for level in ("grid", "community") if path.get(level)}
    rows = [row for row in team if row.area_code in codes.values() and row.valid_at(at)]
    missed: list[TeamMember] = []
    for step in _steps(handler_roles):
        holders = [
            row
            for row in rows
            if row.area_code == codes.get(step.level)
            and (row.role, row.deputy) == (step.role, step.deputy)
            and row.person_id not in exclude
        ]
        present = [row for row in holders if not row.absent]
        if present:
            member = min(present, key=lambda row: (row.open_orders, row.person_id))
            return Assignment(member, step.level, _why(member, step.level, missed))
        missed += sorted(holders, key=lambda row: row.person_id)
    return Unrouted(_why_nobody(codes, rows, missed))


def at_level(
    team: Iterable[TeamMember],
    code: str,
    level: Level,
    at: datetime,
    *,
    exclude: Collection[int] = (),
) -> Assignment | Unrouted:
    """Choose who takes a case at one level, such as the one that it was escalated to 升级.

    The grid's worker and lead, the community's cadre and secretary, the lead of a subdistrict;
    where none of these is present, anybody else on duty there. Deputies come after the holders.

    Examples
    --------
    >>> from datetime import UTC
    >>> lead = TeamMember(3, "李军", "township_lead", "341102001", unit_code="U1")
    >>> now = datetime(2026, 11, 23, tzinfo=UTC)
    >>> at_level([lead], "341102001", "subdistrict", now).reason.text_en
    '李军, township lead of the subdistrict, is on duty.'
    """
    order = {
        "grid": ("grid_worker", "grid_lead"),
        "community": COMMUNITY_CHAIN,
    }.get(level, LEADING)
    rows = [row for row in team if row.area_code == code and row.valid_at(at)]
    present = [row for row in rows if not row.absent and row.person_id not in exclude]
    if not present:
        return Unrouted(_why_nobody({level: code}, rows, [row for row in rows if row.absent]))
    member = min(
        present,
        key=lambda row: (
            order.index(row.role) if row.role in order else len(order),
            row.deputy,
            row.open_orders,
            row.person_id,
        ),
    )
    return Assignment(member, level, _why(member, level, []))


def _steps(handler_roles: Sequence[str]) -> Iterator[_Step]:
    """Yield every step once: the category's roles, then the standard chain, deputies after each."""
    asked: set[_Step] = set()
    for level, role in _order(handler_roles):
        for deputy in (False, True):
            step = _Step(level, role, deputy)
            if step not in asked:
                asked.add(step)
                yield step


def _order(handler_roles: Sequence[str]) -> Iterator[tuple[Level, str]]:
    for role in (*handler_roles, "grid_worker"):
        yield "grid", role
        if role == "grid_worker":  # the lead of their grid stands in before another role is asked
            yield "grid", "grid_lead"
        yield "community", role
    for role in COMMUNITY_CHAIN:
        yield "community", role


_LEVELS: Final[dict[Level, tuple[str, str]]] = {
    "grid": ("网格", "grid"),
    "community": ("社区", "community"),
    "subdistrict": ("街道", "subdistrict"),
    "county": ("区县", "county"),
    "city": ("市", "city"),
}


def _why(member: TeamMember, level: Level, missed: Sequence[TeamMember]) -> Reason:
    role, (level_zh, level_en) = ROLES[member.role], _LEVELS[level]
    title_zh = ("副" if member.deputy else "") + role.title_zh
    title_en = ("deputy " if member.deputy else "") + role.title_en
    who_zh = f"{member.person_name}是本{level_zh}{title_zh}"
    who_en = f"{member.person_name}, {title_en} of the {level_en}"
    facts: dict[str, Fact] = {
        "person_id": member.person_id,
        "role": member.role,
        "deputy": member.deputy,
        "level": level,
        "area_code": member.area_code,
        "open_orders": member.open_orders,
        "absent": [row.person_name for row in missed],
    }
    if not missed:
        return Reason("on-duty", f"{who_zh}，当前在岗。", f"{who_en}, is on duty.", facts)
    away_zh = "、".join(f"{ROLES[r.role].title_zh}{r.person_name}" for r in missed)
    away_en = ", ".join(f"{r.person_name} ({ROLES[r.role].title_en})" for r in missed)
    verb = "is" if len(missed) == 1 else "are"
    return Reason(
        "next-in-line",
        f"{away_zh}不在岗，顺位由{who_zh}接办。",
        f"{who_en}: {away_en} {verb} absent.",
        facts,
    )


def _why_nobody(
    codes: Mapping[str, str], rows: Sequence[TeamMember], missed: Sequence[TeamMember]
) -> Reason:
    areas = list(codes.values())
    named = "、".join(areas) or "?"
    if missed:
        return Reason(
            "everybody-absent",
            f"{named} 的值守人员均不在岗，请人工派遣。",
            f"Everybody on duty in {', '.join(areas)} is absent: assign it by hand.",
            {"areas": areas, "absent": [row.person_name for row in missed]},
        )
    if rows:
        return Reason(
            "no-suitable-role",
            f"{named} 没有可接办此类案件的人员，请补充值守表或人工派遣。",
            f"Nobody in {', '.join(areas)} holds a role that takes such a case.",
            {"areas": areas, "roles": sorted({row.role for row in rows})},
        )
    return Reason(
        "no-team",
        f"{named} 在该时点没有值守人员，请补充值守表或人工派遣。",
        f"No duty is registered for {', '.join(areas) or 'this place'} at that time.",
        {"areas": areas},
    )
