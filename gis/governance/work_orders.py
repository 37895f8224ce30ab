"""The life of a case 案卷: every state, every action, and the one table that joins them.

Seven national steps: collect 信息采集, file 案卷建立, dispatch 任务派遣, handle 任务处理, feed back
处理反馈, check and close 核查结案, evaluate 综合评价. A case begins as an event that waits or goes
its its way by itself; from the first dispatch on it has a work order, always with an assignee.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gis.errors import GroundUnknown
from gis.governance.actors import Actor
from gis.governance.categories import Limit
from gis.governance.life import Action, LifeCycle, State, Title, Transition

STATES: Final[dict[str, State]] = {
    "review": State(("待受理", "waits for a dispatcher")),
    "unrouted": State(("待派遣（暂无责任人）", "nobody to send it to")),
    "outside": State(("辖区外待定", "outside the city")),
    "registered": State(("已立案", "filed")),
    "rejected": State(("不予受理", "rejected"), final=True),
    "dispatched": State(("待签收", "sent, not signed for")),
    "handling": State(("处理中", "being handled")),
    "suspended": State(("挂账", "suspended")),
    "returned": State(("已退单待再派", "sent back")),
    "ruling": State(("待终审", "waits for the final ruling")),
    "resolved": State(("待核查", "handled, not checked")),
    "verified": State(("待结案", "checked")),
    "closed": State(("已结案", "closed"), final=True),
    "duplicate": State(("重复件", "duplicate"), final=True),
    "void": State(("已作废", "void"), final=True),
}
"""State -> titles; a final one has nobody who must act."""

WAITING: Final = ("review", "unrouted", "outside", "registered")
"""States of an event without a work order that somebody must look at."""

OPEN: Final = tuple(state for state, about in STATES.items() if not about.final)

ACTIONS: Final[dict[str, Action]] = {
    key: Action(title)
    for key, title in {
        "register": ("受理立案", "file"),
        "reject": ("不予受理", "reject"),
        "confirm_grid": ("确认网格", "confirm the grid"),
        "move": ("移动位置", "move the pin"),
        "recategorise": ("更改类别", "change the category"),
        "mark_duplicate": ("标为重复件", "mark as a duplicate"),
        "dispatch": ("派遣", "dispatch"),
        "accept": ("签收", "sign for"),
        "send_back": ("退单", "send back"),
        "rule": ("终审裁定", "rule"),
        "transfer": ("改派", "transfer"),
        "escalate": ("升级", "escalate"),
        "escalate_overdue": ("超期升级", "escalate as overdue"),
        "extend": ("延期", "extend"),
        "suspend": ("挂账", "suspend"),
        "resume": ("恢复办理", "resume"),
        "resolve": ("反馈", "report as handled"),
        "verify": ("核查", "verify"),
        "rework": ("返工", "send to rework"),
        "close": ("结案", "close"),
        "follow_up": ("回访", "follow up"),
        "reopen": ("重新办理", "reopen"),
        "supervise": ("督办", "supervise"),
        "void": ("作废", "make void"),
    }.items()
}
"""Action -> titles, in the order in which lists show them."""

NOTES: Final[dict[str, Title]] = {
    "report": ("上报", "reported"),
    "warn": ("临期预警", "warned before the limit"),
    "overdue": ("超期", "overdue"),
    "remind": ("提醒", "reminded"),
    "unmarked": ("撤销重复件", "no longer a duplicate"),
    "attach": ("补充照片", "photos added"),
    "follow_boundary": ("随边界调整转交", "followed its boundary"),
}
"""Log entries that are no action of a person, with their titles."""

RELATIONS: Final[dict[str, Title]] = {
    "assignee": ("责任人本人", "the assignee"),
    "dispatcher": ("调度员", "a dispatcher"),
    "superior": ("上一级调度员", "a dispatcher of the level above"),
    "checker": ("处置人以外的核查人", "a checker who did not handle it"),
    "handler": ("处置人", "the handler"),
    "system": ("系统", "Gridward itself"),
}
"""What an actor may be to a case."""

STAGES: Final[dict[str, Title]] = {
    "register": ("受理", "filing"),
    "accept": ("签收", "signing for it"),
    "handle": ("处置", "handling"),
    "redispatch": ("派遣", "sending it on"),
    "rule": ("终审", "the final ruling"),
    "suspension": ("挂账复核", "review of the suspension"),
    "verify": ("核查", "checking"),
    "close": ("结案", "closing"),
    "follow_up": ("回访", "following up"),
}
"""Stages with a clock of their own, in the order of the life."""

DEFAULT_LIMITS: Final[dict[str, Limit]] = {
    "register": Limit(2, "work_hours"),
    "accept": Limit(1.5, "work_hours"),
    "handle": Limit(5, "work_days"),
    "redispatch": Limit(2, "work_hours"),
    "rule": Limit(1, "work_days"),
    "verify": Limit(1, "work_days"),
    "close": Limit(1, "work_days"),
    "follow_up": Limit(3, "work_days"),
}
"""Limits of stages for which the category says nothing (its file may: ``limit_<stage>``)."""

ESCALATING: Final = frozenset({"accept", "handle"})
"""Stages whose end without result moves the case up; the others only tell."""

WARN_SHARE: Final = 0.75
"""Share of a limit after which the warning comes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Why an order is sent back; a territorial one is decided by the map."""

    title: Title
    territorial: bool


GROUNDS: Final[dict[str, Ground]] = {
    "not-my-territory": Ground(("属地不符", "not my territory"), territorial=True),
    "unclear-owner": Ground(("权属不清", "unclear owner"), territorial=False),
    "overlapping-duties": Ground(("职能交叉", "overlapping duties"), territorial=False),
    "wrong-category": Ground(("类别不符", "wrong category"), territorial=False),
    "not-found": Ground(("现场未发现", "nothing there"), territorial=False),
    "beyond-means": Ground(("超出处置能力", "beyond my means"), territorial=False),
}
"""Grounds of a return, by key; the Chinese title is understood as well."""

RETURNS_BEFORE_RULING: Final = 2
"""The second return of one ground goes to the level above, for good."""

LONGEST_CHAIN: Final = 3
"""So many returns of any grounds end the same way."""

_ALL_STAGES: Final = tuple(STAGES)
IN_HAND: Final = ("accept", "handle")
"""Stages whose clocks begin with the dispatch, not when somebody signs for it."""

_AT_WORK: Final = ("dispatched", "handling", "returned")
_DISPATCHER: Final = ("dispatcher",)
_ASSIGNEE: Final = ("assignee",)
_ROUTED: Final = ("dispatched", "review", "unrouted", "outside", "registered", "returned")


def _table() -> dict[tuple[str, str], Transition]:
    rows: list[tuple[Iterable[str], str, Transition]] = [
        # --- filed or not, and to whom
        (("review", "unrouted", "outside"), "register", Transition(
            after=("registered",), who=_DISPATCHER, stops=("register",), starts=("redispatch",))),
        ((*WAITING, "returned"), "reject", Transition(
            after=("rejected",), who=_DISPATCHER, needs=("note",), stops=_ALL_STAGES)),
        ((*WAITING, "returned"), "dispatch", Transition(
            after=("dispatched",), who=_DISPATCHER,
            stops=("register", "redispatch", *IN_HAND), starts=IN_HAND)),
        ((*WAITING, *_AT_WORK), "confirm_grid", Transition(
            after=("dispatched", "unrouted", "registered", "returned"), who=_DISPATCHER,
            needs=("grid",),
            stops=("register", "redispatch", *IN_HAND), starts=IN_HAND)),
        ((*WAITING, *_AT_WORK), "move", Transition(
            after=_ROUTED, who=_DISPATCHER, needs=("location",),
            stops=("register", "redispatch", *IN_HAND), starts=IN_HAND)),
        ((*WAITING, *_AT_WORK), "recategorise", Transition(
            after=_ROUTED, who=_DISPATCHER, needs=("category",),
            stops=("register", "redispatch", *IN_HAND), starts=IN_HAND)),
        ((*WAITING, *_AT_WORK, "suspended"), "mark_duplicate", Transition(
            after=("duplicate",), who=_DISPATCHER, needs=("of",), stops=_ALL_STAGES)),
        # --- in the hands of the assignee
        (("dispatched",), "accept", Transition(
            after=("handling",), who=_ASSIGNEE, stops=("accept",))),
        (("dispatched", "handling"), "send_back", Transition(
            after=("returned", "ruling"), who=_ASSIGNEE, needs=("ground",),
            stops=IN_HAND, starts=("redispatch",))),
        (("dispatched", "handling", "suspended"), "transfer", Transition(
            after=("dispatched",), who=_DISPATCHER, needs=("to",),
            stops=(*IN_HAND, "suspension"), starts=IN_HAND)),
        (("dispatched", "handling"), "escalate", Transition(
            after=("dispatched",), who=("assignee", "dispatcher"), needs=("note",),
            stops=IN_HAND, starts=IN_HAND)),
        # the limit that passed stays as it was: the level above gets the case, not more time
        (("dispatched", "handling"), "escalate_overdue", Transition(
            after=(), who=("system",))),
        (("returned",), "escalate", Transition(
            after=("ruling",), who=_DISPATCHER, needs=("note",),
            stops=("redispatch",), starts=("rule",))),
        (("ruling",), "rule", Transition(
            after=("dispatched",), who=("superior",), needs=("to", "note"),
            stops=("rule",), starts=IN_HAND)),
        (("handling",), "extend", Transition(
            after=("handling",), who=_DISPATCHER, needs=("amount", "unit", "note"))),
        (("handling",), "suspend", Transition(
            after=("suspended",), who=_DISPATCHER, needs=("note", "until"),
            pauses=("handle",), starts=("suspension",))),
        (("suspended",), "resume", Transition(
            after=("handling",), who=("assignee", "dispatcher"),
            stops=("suspension",), resumes=("handle",))),
        (("handling",), "resolve", Transition(
            after=("resolved",), who=_ASSIGNEE, needs=("note",),
            stops=("handle",), starts=("verify",))),
        # --- checked and closed by others
        (("resolved",), "verify", Transition(
            after=("verified",), who=("checker", "dispatcher"), not_by=("handler",),
            stops=("verify",), starts=("close",))),
        (("resolved", "verified"), "rework", Transition(
            after=("handling",), who=("checker", "dispatcher"), not_by=("handler",),
            needs=("note",), stops=("verify", "close"), starts=("handle",))),
        (("verified",), "close", Transition(
            after=("closed",), who=_DISPATCHER, not_by=("handler",),
            stops=("close",), starts=("follow_up",))),
        (("closed",), "follow_up", Transition(
            after=("closed",), who=_DISPATCHER, not_by=("handler",), needs=("satisfied",),
            stops=("follow_up",))),
        (("closed",), "reopen", Transition(
            after=("dispatched",), who=_DISPATCHER, needs=("note",),
            stops=("follow_up",), starts=IN_HAND)),
        (("rejected",), "reopen", Transition(
            after=("registered", "returned"), who=_DISPATCHER, needs=("note",))),
        # --- at any time
        (OPEN, "supervise", Transition(after=(), who=("dispatcher", "system"), needs=("note",))),
        (OPEN, "void", Transition(
            after=("void",), who=_DISPATCHER, needs=("note",), stops=_ALL_STAGES)),
    ]  # fmt: skip
    table: dict[tuple[str, str], Transition] = {}
    for states, action, step in rows:
        for state in states:
            after = step.after or (state,)
            table[state, action] = Transition(
                after=after,
                who=step.who,
                not_by=step.not_by,
                needs=step.needs,
                stops=step.stops,
                starts=step.starts,
                pauses=step.pauses,
                resumes=step.resumes,
            )
    return table


TRANSITIONS: Final = _table()
"""(state, action) -> what it does: the whole life of a case."""

LIFE: Final = LifeCycle("work order", STATES, ACTIONS, RELATIONS, STAGES, TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a case in hand, and who handled it: what relations depend on."""

    area_code: str | None
    assignee_id: int | None
    handler_id: str | None = None
    handler_person_id: int | None = None
    ruling_area: str | None = None


def relations(actor: Actor, holder: Holder) -> frozenset[str]:
    """Return what an actor is to a case that lies in their scope.

    A grid worker's token that names a person acts for that person; one without a person acts for
    whoever is assigned in its area. ``ruling_area`` is the area of the level that may rule.

    Examples
    --------
    >>> holder = Holder("341102001001003", 7, handler_id="token:1", handler_person_id=7)
    >>> sorted(relations(Actor("token:2", "grid_worker", "341102001001003", 7), holder))
    ['assignee', 'handler']
    >>> sorted(relations(Actor("token:3", "dispatcher"), holder))
    ['checker', 'dispatcher', 'superior']
    """
    found = set()
    if actor.role in ("dispatcher", "admin"):
        found.add("dispatcher")
        if actor.area_code is None or (
            holder.ruling_area is not None and actor.covers(holder.ruling_area)
        ):
            found.add("superior")
    if actor.id == "system":
        found.add("system")
    if actor.role == "grid_worker" and holder.assignee_id is not None:
        mine = actor.person_id == holder.assignee_id
        if actor.person_id is None:
            mine = holder.area_code is not None and actor.covers(holder.area_code)
        if mine:
            found.add("assignee")
    handled = actor.id == holder.handler_id
    if actor.person_id is not None and actor.person_id == holder.handler_person_id:
        handled = True
    if handled:
        found.add("handler")
    elif actor.role in ("grid_worker", "dispatcher", "admin"):
        found.add("checker")
    return frozenset(found)


def ground_of(named: str) -> str:
    """Return the key of a ground, named by key or by its title.

    Raises
    ------
    gis.errors.GroundUnknown

    Examples
    --------
    >>> ground_of("属地不符")
    'not-my-territory'
    """
    wanted = named.strip()
    for key, ground in GROUNDS.items():
        if wanted in (key, *ground.title):
            return key
    known = [f"{key}({ground.title[0]})" for key, ground in GROUNDS.items()]
    raise GroundUnknown(ground=named, known="、".join(known), known_keys=", ".join(GROUNDS))


def next_state(action: str, state: str, ground: str | None, earlier: Iterable[str]) -> str:
    """Return where a return leads: to be sent on, or to the level above for the final ruling.

    ``earlier`` are the grounds of the returns before, of this case.

    >>> next_state("send_back", "handling", "not-my-territory", ["not-my-territory"])
    'ruling'
    >>> next_state("send_back", "handling", "unclear-owner", ["not-my-territory"])
    'returned'
    """
    if action != "send_back":
        return TRANSITIONS[state, action].after[0]
    before = list(earlier)
    again = before.count(ground or "") + 1 >= RETURNS_BEFORE_RULING
    return "ruling" if again or len(before) + 1 >= LONGEST_CHAIN else "returned"
