"""The history of a case as a story: one sentence for each entry of the log, in both languages.

Texts are read from what the entry keeps, never from the present: who had it then, what was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gis.governance.actors import ROLES
from gis.governance.calendar import SHANGHAI, UNITS
from gis.governance.duty import ROLES as DUTIES
from gis.governance.work_orders import ACTIONS, NOTES, STAGES, STATES

_ZH: Final[dict[str, str]] = {
    "report": "{by}上报案件，{outcome}。",
    "register": "{by}受理立案。",
    "reject": "{by}不予受理：{note}",
    "confirm_grid": "{by}确认案件属于网格 {grid}，{outcome}。",
    "move": "{by}更正了案件位置，{outcome}。",
    "recategorise": "{by}将类别由 {category_before} 改为 {category}，{outcome}。",
    "mark_duplicate": "{by}将本案标为 {of} 的重复件。",
    "dispatch": "{by}将案件派给{to}{due}。",
    "accept": "{by}签收，开始办理。",
    "send_back": "{by}以“{ground_zh}”退单{noted}。{rule_zh}{outcome_back}",
    "rule": "{by}终审裁定由{to}办理{noted}{due}。裁定已存档，同类案件不再退转。",
    "transfer": "{by}改派给{to}{noted}{due}。",
    "escalate": "{by}将案件升级，{to}接办{noted}{due}。",
    "escalate:ruling": "{by}提请上一级终审{noted}。",
    "escalate_overdue": "超期未办结，系统将案件升级，由{to}接办。",
    "extend": "{by}批准延期 {amount:g} {unit_zh}{due}{noted}。",
    "suspend": "{by}挂账至 {until}{noted}。",
    "resume": "{by}恢复办理{due}。",
    "resolve": "{by}反馈：{note}",
    "verify": "{by}核查通过{noted}。",
    "rework": "{by}核查不通过，退回返工{noted}{due}。",
    "close": "{by}结案{noted}。",
    "follow_up": "{by}回访，上报人{satisfaction}{noted}。",
    "reopen": "{by}重新办理（第 {round} 轮），{to}接办{noted}{due}。",
    "supervise": "{by}督办{noted}。",
    "void": "{by}作废：{note}",
    "warn": "系统提醒：{stage}时限将到（{due_at}），责任人{assignee}。",
    "overdue": "系统提示：{stage}已超期（时限 {due_at}），责任人{assignee}。",
    "remind": "系统提醒：应进行{stage}（{due_at}）。",
    "follow_boundary": "边界调整，案件随之由{to}接办{noted}。",
    "unmarked": "{by}撤销重复件标记。",
    "attach": "{by}补充照片 {photos} 张。",
}

_EN: Final[dict[str, str]] = {
    "report": "{by} reported the case; {outcome}.",
    "register": "{by} filed the case.",
    "reject": "{by} rejected it: {note}",
    "confirm_grid": "{by} confirmed grid {grid}; {outcome}.",
    "move": "{by} corrected the place; {outcome}.",
    "recategorise": "{by} changed the category from {category_before} to {category}; {outcome}.",
    "mark_duplicate": "{by} marked it as a duplicate of {of}.",
    "dispatch": "{by} sent it to {to}{due}.",
    "accept": "{by} signed for it.",
    "send_back": "{by} sent it back as “{ground_en}”{noted}. {rule_en}{outcome_back}",
    "rule": "{by} ruled that {to} handles it{noted}{due}. The ruling is kept for later cases.",
    "transfer": "{by} transferred it to {to}{noted}{due}.",
    "escalate": "{by} escalated it to {to}{noted}{due}.",
    "escalate:ruling": "{by} asked the level above for the final ruling{noted}.",
    "escalate_overdue": "It is overdue; Gridward escalated it to {to}.",
    "extend": "{by} granted {amount:g} more {unit_en}{due}{noted}.",
    "suspend": "{by} suspended it until {until}{noted}.",
    "resume": "{by} resumed it{due}.",
    "resolve": "{by} reported it as handled: {note}",
    "verify": "{by} verified it{noted}.",
    "rework": "{by} sent it to rework{noted}{due}.",
    "close": "{by} closed it{noted}.",
    "follow_up": "{by} followed up; the reporter is {satisfaction}{noted}.",
    "reopen": "{by} reopened it (round {round}) with {to}{noted}{due}.",
    "supervise": "{by} put it under supervision{noted}.",
    "void": "{by} made it void: {note}",
    "warn": "The limit of {stage} is near ({due_at}); {assignee} has it.",
    "overdue": "{stage} is overdue since {due_at}; {assignee} has it.",
    "remind": "{stage} is due ({due_at}).",
    "follow_boundary": "Boundaries changed; it went to {to}{noted}.",
    "unmarked": "{by} took the mark of a duplicate back.",
    "attach": "{by} added {photos} photos.",
}


class _Known(dict[str, Any]):
    """What a sentence may name; what an old entry does not know is left out."""

    def __missing__(self, key: str) -> str:
        return ""


def sentence(entry: Mapping[str, Any], language: str) -> str:
    """Return one entry of the log as a sentence.

    Parameters
    ----------
    entry
        ``action``, ``actor_role``, ``after``, ``note`` as the log keeps them.
    language
        ``zh`` or ``en``.

    Examples
    --------
    >>> entry = {"action": "accept", "actor_role": "grid_worker", "after": {"by": "曹凯倩"},
    ...          "note": None}
    >>> sentence(entry, "zh")
    '曹凯倩签收，开始办理。'
    """
    zh = language == "zh"
    after = entry["after"] or {}
    texts = _ZH if zh else _EN
    text = texts.get(f"{entry['action']}:{after.get('status')}") or texts.get(entry["action"])
    facts = _facts(entry, after, zh=zh)
    if text is None:
        title = (
            ACTIONS[entry["action"]].title if entry["action"] in ACTIONS else None
        ) or NOTES.get(entry["action"], (entry["action"], entry["action"]))
        return f"{facts['by']}{title[0]}。" if zh else f"{facts['by']}: {title[1]}."
    told = text.format_map(facts).strip()
    photos = len(after.get("attachments") or ())
    if not photos:
        return told
    return f"{told}附照片 {photos} 张。" if zh else f"{told} With photos: {photos}."


def _facts(entry: Mapping[str, Any], after: Mapping[str, Any], *, zh: bool) -> _Known:
    note = (entry["note"] or "").strip()
    state = STATES.get(after.get("status", ""))
    stage = STAGES.get(after.get("stage", ""), ("", ""))
    rule = after.get("rule") or {}
    due = _time(after.get("due_at"))
    facts = _Known(after)
    facts |= {
        "by": _by(entry, after, zh=zh),
        "note": note,
        "noted": (f"（{note.rstrip('。')}）" if zh else f" ({note.rstrip('.')})") if note else "",
        "to": _to(after, zh=zh),
        "outcome": _outcome(after, state, zh=zh),
        "due": (f"，时限 {due}" if zh else f", due {due}") if due else "",
        "due_at": due,
        "until": _time(after.get("until")),
        "stage": stage[0 if zh else 1],
        "rule_zh": rule.get("zh", ""),
        "rule_en": rule.get("en", ""),
        "amount": float(after.get("amount") or 0),
        "unit_en": UNITS.get(after.get("unit", ""), ("", ""))[1],
        "satisfaction": _satisfaction(after.get("satisfied"), zh=zh),
        "outcome_back": _back(after, zh=zh),
        "assignee": after.get("assignee") or "",
    }
    return facts


def _by(entry: Mapping[str, Any], after: Mapping[str, Any], *, zh: bool) -> str:
    named = after.get("by") if zh else after.get("by_en", after.get("by"))
    if not named and entry.get("actor_id") == "system":
        named = "系统" if zh else "Gridward"
    if not named:
        role = str(entry["actor_role"])
        named = ROLES.get(role, (role, role))[0 if zh else 1]
    is_role = not zh and any(named == title for _, title in ROLES.values())
    return f"The {named}" if is_role else str(named)


def _to(after: Mapping[str, Any], *, zh: bool) -> str:
    name = str(after.get("assignee") or "")
    role = DUTIES.get(str(after.get("role") or ""))
    unit = str(after.get("unit_name") or "")
    title = "" if role is None else role.title_zh if zh else role.title_en
    if zh:
        return f"{unit}{title}{name}"
    return (
        f"{name} ({', '.join(part for part in (title, unit) if part)})" if title or unit else name
    )


def _outcome(after: Mapping[str, Any], state: Any, *, zh: bool) -> str:  # noqa: ANN401 - a State
    if after.get("status") == "dispatched" and after.get("assignee"):
        return ("派给" if zh else "it went to ") + _to(after, zh=zh)
    if after.get("status") == "dispatched":
        return "系统自动分派" if zh else "it was routed automatically"
    if state is None:
        return "已登记" if zh else "it was taken in"
    if zh:
        return str(state.title[0])
    return _OUTCOMES_EN.get(str(after["status"]), f"it is now “{state.title[1]}”")


_OUTCOMES_EN: Final[dict[str, str]] = {
    "review": "it waits for a dispatcher",
    "unrouted": "nobody was found to send it to",
    "outside": "it lies outside the city",
    "registered": "it is filed and waits to be sent on",
    "returned": "it waits to be sent on",
}
"""Where a case stands after it came in or was moved; the others keep their title."""


def _back(after: Mapping[str, Any], *, zh: bool) -> str:
    if after.get("status") == "ruling":
        return (
            "同一理由再次退单，提交上一级终审。"
            if zh
            else " Sent back again: the level above rules."
        )
    return "等待重新派遣。" if zh else " It waits to be sent on."


def _satisfaction(satisfied: object, *, zh: bool) -> str:
    if zh:
        return "表示满意" if satisfied else "表示不满意"
    return "satisfied" if satisfied else "not satisfied"


def _time(text: object) -> str:
    """Return an instant as people of the city write it."""
    if not isinstance(text, str):
        return ""
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
