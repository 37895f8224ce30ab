"""Deliberation 议事: a community's six steps, and people's proposals 人民建议, by the same engine.

点事 raise, 定事 set the topic, 议事 discuss, 决事 decide, 办事 carry out, 评事 assess. A proposal
is first found valid, then adopted, then carried out; the shares of these are conversion rates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gis.governance.actors import Actor
from gis.governance.categories import Limit
from gis.governance.life import Action, LifeCycle, State, Title, Transition

KINDS: Final[dict[str, Title]] = {
    "matter": ("社区事项", "community matter"),
    "proposal": ("人民建议", "people's proposal"),
}
"""Kind -> titles."""

STATES: Final[dict[str, State]] = {
    "raised": State(("已点事", "was raised")),
    "valid": State(("有效建议", "was found valid")),
    "set": State(("已定事", "is on the agenda")),
    "discussing": State(("议事中", "is being discussed")),
    "decided": State(("已决事", "was decided")),
    "doing": State(("办事中", "is being carried out")),
    "done": State(("待评事", "was carried out")),
    "assessed": State(("已评事", "was assessed"), final=True),
    "declined": State(("未采纳", "was declined"), final=True),
    "withdrawn": State(("已撤回", "was withdrawn"), final=True),
}
"""State -> titles."""

ACTIONS: Final[dict[str, Action]] = {
    key: Action(title)
    for key, title in {
        "validate": ("认定有效", "find valid"),
        "set_topic": ("定事", "set the topic"),
        "discuss": ("议事", "discuss"),
        "decide": ("决事", "decide"),
        "carry_out": ("办事", "carry out"),
        "finish": ("办结", "finish"),
        "assess": ("评事", "assess"),
        "decline": ("不予采纳", "decline"),
        "withdraw": ("撤回", "withdraw"),
        "move": ("更正位置", "move"),
    }.items()
}
"""Action -> titles; the first step, raising 点事, makes the item."""

RELATIONS: Final[dict[str, Title]] = {
    "organiser": ("社区工作人员", "somebody of the community"),
    "centre": ("治理中心", "the governance centre"),
    "proposer": ("提出人", "whoever raised it"),
}
"""What an actor may be to an item."""

LIMITS: Final[dict[str, Limit]] = {
    "raised": Limit(5, "work_days"),
    "valid": Limit(10, "work_days"),
    "set": Limit(10, "work_days"),
    "discussing": Limit(10, "work_days"),
    "decided": Limit(5, "work_days"),
    "doing": Limit(60, "work_days"),
    "done": Limit(10, "work_days"),
}
"""State -> how long it may last."""

_OPEN: Final = tuple(state for state, about in STATES.items() if not about.final)
_ANY: Final = ("organiser", "centre")


def _step(
    after: str, who: tuple[str, ...], *needs: str, not_by: tuple[str, ...] = ()
) -> Transition:
    return Transition(after=(after,), who=who, needs=needs, not_by=not_by)


def _table() -> dict[tuple[str, str], Transition]:
    rows: list[tuple[Iterable[str], str, Transition]] = [
        (("raised",), "validate", _step("valid", _ANY)),
        (("raised", "valid"), "set_topic", _step("set", _ANY)),
        (("set", "discussing"), "discuss", _step("discussing", _ANY, "note")),
        (("discussing",), "decide", _step("decided", _ANY, "decision")),
        (("decided",), "carry_out", _step("doing", _ANY)),
        (("doing",), "finish", _step("done", _ANY, "note")),
        (("done",), "assess", _step("assessed", ("proposer", "centre"), "score")),
        (("raised", "valid", "set", "discussing"), "decline", _step("declined", _ANY, "note")),
        (("raised", "valid", "set"), "withdraw", _step("withdrawn", ("proposer",))),
        *(((state,), "move", _step(state, _ANY, "location")) for state in _OPEN),
    ]
    return {(state, action): step for states, action, step in rows for state in states}


TRANSITIONS: Final = _table()
"""(state, action) -> what it does."""

LIFE: Final = LifeCycle("deliberation", STATES, ACTIONS, RELATIONS, (), TRANSITIONS)


def relations(actor: Actor, created_by: str) -> frozenset[str]:
    """Return what an actor is to an item that lies in their scope.

    >>> sorted(relations(Actor("token:1", "reporter"), "token:1"))
    ['proposer']
    """
    found = set()
    if actor.role in ("dispatcher", "admin"):
        found |= {"centre", "organiser"}
    if actor.role == "grid_worker":
        found.add("organiser")
    if actor.id == created_by:
        found.add("proposer")
    return frozenset(found)


def ratio(part: int, whole: int) -> float | None:
    """Return a share, None when there is nothing to share.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, None)
    """
    return None if whole == 0 else part / whole
