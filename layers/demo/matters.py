"""Community matters 议事 and people's proposals 人民建议 of the demo city, in every state."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import numpy as np

from gis.errors import CalendarMissing
from gis.governance.calendar import due_at
from gis.governance.deliberation import LIMITS, STATES, TRANSITIONS
from gis.store.bulk import as_json
from layers.demo import names
from layers.demo.areas import Areas
from layers.demo.batches import Batch, points

LOCAL_TIME: Final = timezone(timedelta(hours=8))
_ROAD: Final = ("set_topic", "discuss", "decide", "carry_out", "finish", "assess")
_LATE: Final = frozenset({("matter", "raised"), ("matter", "discussing"), ("proposal", "valid")})
"""What has waited too long, so that the desk has something to be reminded of."""

_TOPICS: Final = (
    ("小区东门加装充电桩", "电动自行车充电常排队。", "东门装两组十口充电桩，物业看护。"),
    ("老旧单元楼加装扶手", "三号楼老人多，楼梯没有扶手。", "居委会用为民资金安装，每层一段。"),
    ("广场夜间噪声约定时段", "广场舞音响到晚上十点以后。", "约定晚九点关音响，楼栋长轮流提醒。"),
    ("楼下早餐车占道", "早上人行道走不过去，孩子只能走车道。", "划定摊位线，七点半摆，九点收。"),
    ("增设儿童活动角", "孩子放学没有地方玩。", "改造闲置花坛，铺软地面，由志愿者看护。"),
    ("雨天门前积水", "下水口低，雨后积水一整天。", "与市政一起重做雨水口，雨季前完工。"),
    ("活动室周末开放", "上班的人只有周末有空。", "周末由志愿者值班，九点到十七点开放。"),
    ("楼道堆物清理", "消防通道堆满旧家具。", "集中清理一次，以后每月巡查。"),
    ("快递柜位置调整", "快递柜挡住盲道。", "移到物业办公室旁，留出盲道。"),
    ("口袋公园增加座椅", "老人走累了没有地方坐。", "增设六张带靠背座椅。"),
    ("公交站名改用小区名", "站名与小区不一致，访客常走错。", "向公交公司提出，秋季换牌时更换。"),
    ("楼顶光伏共享试点", "楼顶空着，电费又高。", "先在两栋楼试点，收益抵公摊电费。"),
    ("午间老年助餐点", "独居老人中午吃饭难。", "在社区食堂设助餐窗口，送餐上门。"),
)  # fmt: skip
"""Title, what whoever raised it says, and what is decided where it comes to that."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step of an item: who did what, when, and what it said."""

    at: datetime
    actor_id: str
    role: str
    action: str
    before: dict[str, str] | None
    after: dict[str, Any]
    note: str | None


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter or a proposal with its place (EPSG:4326) and its history, oldest first."""

    id: uuid.UUID
    kind: str
    title: str
    description: str
    status: str
    area_code: str
    path_codes: list[str]
    lonlat: tuple[float, float]
    proposer: dict[str, str]
    due_at: datetime | None
    steps: tuple[Taken, ...]

    def instant(self, *actions: str) -> datetime | None:
        """Return when the first of some steps was taken, None for never."""
        return next((step.at for step in self.steps if step.action in actions), None)

    def said(self, member: str) -> Any:  # noqa: ANN401 - a decision or a score
        """Return what the steps decided or scored."""
        return next((step.after[member] for step in self.steps if member in step.after), None)


def build_matters(areas: Areas, reference: datetime, rng: np.random.Generator) -> list[Matter]:
    """Return matters and proposals in every state that each kind can be in, oldest first."""
    urban = {
        code for code, is_urban in zip(areas.community_codes, areas.community_urban, strict=True)
        if is_urban
    }  # fmt: skip
    grids = [k for k, code in enumerate(areas.grid_codes) if code[:12] in urban]
    chosen = rng.permutation(grids or range(len(areas.grid_codes)))
    lives = [
        (kind, state)
        for kind in ("matter", "proposal")
        for state in STATES
        if (kind, state) != ("matter", "valid")  # only proposals are found valid first
    ]
    made = [
        _matter(
            areas,
            int(chosen[n % len(chosen)]),
            kind=kind,
            state=state,
            number=n,
            reference=reference,
            rng=rng,
        )
        for n, (kind, state) in enumerate(lives)
    ]
    return sorted(made, key=lambda one: (one.steps[0].at, one.id))


def _matter(
    areas: Areas,
    grid: int,
    *,
    kind: str,
    state: str,
    number: int,
    reference: datetime,
    rng: np.random.Generator,
) -> Matter:
    title, description, decision = _TOPICS[number % len(_TOPICS)]
    code = areas.grid_codes[grid]
    place = areas.grid_polygons[grid].representative_point()
    actions = _way(kind, state)
    days = 24 if (kind, state) in _LATE else int(rng.integers(1, 4))
    instants = [_office(reference - timedelta(days=days), rng)]
    for _ in actions:
        instants.insert(0, _office(instants[0] - timedelta(days=int(rng.integers(3, 9))), rng))
    resident = f"demo-resident-{number + 1}"
    steps = [Taken(instants[0], resident, "reporter", "raise", None, {"status": "raised"}, title)]
    stands = "raised"
    for at, action in zip(instants[1:], actions, strict=True):
        (after,) = TRANSITIONS[stands, action].after
        told: dict[str, Any] = {"status": after}
        if action == "decide":
            told["decision"] = decision
        if action == "assess":
            told["score"] = int(rng.integers(3, 6))
        own = action in ("assess", "withdraw")
        who = (resident, "reporter") if own else ("demo-community", "grid_worker")
        before = {"status": stands, "area_code": code}
        steps.append(Taken(at, *who, action, before, told, _NOTES.get(action)))
        stands = after
    return Matter(
        id=uuid.UUID(bytes=rng.bytes(16), version=4),
        kind=kind,
        title=title,
        description=description,
        status=stands,
        area_code=code,
        path_codes=areas.path(code),
        lonlat=(float(place.x), float(place.y)),
        proposer={"name": names.people(1, rng)[0], "phone": names.phone(700_000 + number)},
        due_at=_due(stands, steps[-1].at),
        steps=tuple(steps),
    )


_NOTES: Final = {
    "discuss": "召开居民议事会，到会二十三人，听取了楼栋长、物业和住户的意见。",
    "finish": "已按决议完成，现场公示七天。",
    "decline": "不属于社区可以决定的事项，已书面答复并转有关部门。",
    "withdraw": "已自行解决。",
}


def _way(kind: str, state: str) -> tuple[str, ...]:
    """Return the steps that lead from raising an item to a state."""
    first = ("validate",) if kind == "proposal" else ()
    ends = {"raised": (), "valid": first, "declined": (*first, "decline"),
            "withdrawn": ("withdraw",)}  # fmt: skip
    if state in ends:
        return ends[state]
    reached = ("set", "discussing", "decided", "doing", "done", "assessed").index(state)
    return (*first, *_ROAD[: reached + 1])


def _office(day: datetime, rng: np.random.Generator) -> datetime:
    local = day.astimezone(LOCAL_TIME)
    return local.replace(hour=int(rng.integers(9, 17)), minute=int(rng.integers(60)), second=0)


def _due(state: str, at: datetime) -> datetime | None:
    limit = LIMITS.get(state)
    if limit is None:
        return None
    try:
        return due_at(at, limit.amount, limit.unit)
    except CalendarMissing:
        return None


def matter_batches(matters: list[Matter], numbers: list[int]) -> Iterator[Batch]:
    """Yield the items and their history, in writing order."""
    places = points(np.array([one.lonlat for one in matters]))
    yield Batch(
        "deliberations",
        ("id", "number", "kind", "title", "description", "status", "version", "geometry",
         "area_code", "path_codes", "proposer", "due_at", "decision", "score", "validated_at",
         "adopted_at", "carried_out_at", "created_by", "created_at", "closed_at"),
        [
            (one.id, f"YS{one.steps[0].at:%Y%m%d}-{number:06d}", one.kind, one.title,
             one.description, one.status, len(one.steps), place, one.area_code, one.path_codes,
             as_json(one.proposer), one.due_at, one.said("decision"), one.said("score"),
             one.instant("validate", "set_topic"), one.instant("set_topic"),
             one.instant("finish"), one.steps[0].actor_id, one.steps[0].at,
             one.steps[-1].at if STATES[one.status].final else None)
            for one, number, place in zip(matters, numbers, places, strict=True)
        ],
        len(matters),
    )  # fmt: skip
    history = sorted(
        ((one.id, step) for one in matters for step in one.steps),
        key=lambda pair: (pair[1].at, pair[0].bytes),
    )
    yield Batch(
        "deliberation_entries",
        ("deliberation_id", "at", "actor_id", "actor_role", "action", "before", "after", "note"),
        [
            (item, step.at, step.actor_id, step.role, step.action,
             None if step.before is None else as_json(step.before), as_json(step.after), step.note)
            for item, step in history
        ],
        len(history),
    )  # fmt: skip
