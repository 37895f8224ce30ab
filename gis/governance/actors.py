"""Who acts: roles 角色 and the scope they act in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from gis.errors import RoleNotAllowed

ROLES: Final[dict[str, tuple[str, str]]] = {
    "viewer": ("浏览者", "map viewer"),
    "reporter": ("上报人", "reporter"),
    "grid_worker": ("网格员", "grid worker"),
    "dispatcher": ("调度员", "dispatcher"),
    "planner": ("规划员", "planner"),
    "admin": ("管理员", "administrator"),
}
"""Role key -> (title_zh, title_en)."""


NOWHERE: Final = "-"
"""The area of a worker who has a duty nowhere: no code, so nothing lies in it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: written into the log and into the database session.

    ``area_code`` limits what the actor may see and do to that area and what lies below it;
    None means the whole city. ``by_duty``: it is where a worker's duties lie, which limits what
    they see and handle, not what they may report on the other side of the street.

    >>> Actor("token:7", "dispatcher", "341102").covers("341102001001003")
    True
    >>> Actor("token:7", "dispatcher", "341102").covers("341103")
    False
    """

    id: str
    role: str
    area_code: str | None = None
    person_id: int | None = None
    by_duty: bool = False

    def sees(self, codes: Collection[str], assignee_id: int | None = None) -> bool:
        """Tell whether a case that lies in these areas is the actor's to see.

        A case in hand is, wherever it lies: somebody sent it to a worker of another grid.

        >>> worker = Actor("token:7", "grid_worker", "341102001001003", person_id=9)
        >>> worker.sees(["341102001001004"]), worker.sees(["341102001001004"], assignee_id=9)
        (False, True)
        """
        if self.area_code is None or self.area_code in codes:
            return True
        return assignee_id is not None and assignee_id == self.person_id

    def covers(self, code: str) -> bool:
        """Tell whether an area code lies in the actor's scope (codes nest by prefix)."""
        return self.area_code is None or code.startswith(self.area_code.removesuffix("00"))


ANONYMOUS: Final = Actor("anonymous", "anonymous")
"""A visitor without sign-in: public layers, maps, look-ups, health."""

SYSTEM: Final = Actor("system", "admin")
"""Gridward itself: migrations, demo load, command line."""


def role_refused(role: str, allowed: Iterable[str]) -> RoleNotAllowed:
    """Return the refusal of a role, which calls roles by their titles.

    >>> print(role_refused("viewer", {"planner", "admin"}).detail("zh"))
    当前角色浏览者无权执行此操作。有权限的角色：管理员、规划员。
    """
    keys = sorted(allowed)
    (mine_zh, mine_en), *titles = [ROLES.get(key, (key, key)) for key in (role, *keys)]
    return RoleNotAllowed(
        role=role,
        allowed=", ".join(keys),
        role_zh=mine_zh,
        role_en=mine_en,
        allowed_zh="、".join(zh for zh, _ in titles),
        allowed_en=", ".join(en for _, en in titles),
    )
