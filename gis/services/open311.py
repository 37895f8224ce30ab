"""Open311 GeoReport v2: Gridward's events in the words of that interface.

A request id is the event's number, a token the event's id, a service code the category's key: all
strings. Reading shows no person: names and phones never, phone numbers inside texts are masked,
and texts of other sources than Open311 and snap reports only to those who handle cases.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from gis.errors import AreaUnknown, CategoryUnknown, EventUnknown, Language
from gis.governance import service_attributes
from gis.governance.actors import Actor
from gis.governance.categories import Category
from gis.governance.service_attributes import Attribute
from gis.services.lookup import Boundaries
from gis.store import categories, open311
from gis.store.open311 import Wanted
from gis.store.unit_of_work import Database

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
WINDOW: Final = timedelta(days=90)
MOST: Final = 1000
FINAL: Final = ("closed", "rejected", "duplicate", "void")
"""States of an event that Open311 calls closed; every other one is open."""

PUBLIC_SOURCES: Final = frozenset({"open311", "snap"})
"""Sources whose reporters know that others read their words."""

READS_TEXTS: Final = frozenset({"grid_worker", "dispatcher", "planner", "admin"})

NOTES: Final[dict[str, tuple[str, str]]] = {
    "review": ("待受理", "waits for a dispatcher"),
    "unrouted": ("待派遣", "waits for somebody to send it to"),
    "outside": ("辖区外待定", "outside the city, to be decided"),
    "registered": ("已立案", "filed"),
    "rejected": ("不予受理", "rejected"),
    "dispatched": ("已派遣，待签收", "sent to the one who handles it"),
    "handling": ("处理中", "being handled"),
    "suspended": ("挂账", "suspended"),
    "returned": ("已退单，待再派", "sent back, to be sent on"),
    "ruling": ("待终审", "waits for the final ruling"),
    "resolved": ("已处理，待核查", "handled, to be checked"),
    "verified": ("已核查，待结案", "checked, to be closed"),
    "closed": ("已结案", "closed"),
    "duplicate": ("与其他诉求重复", "the same as another request"),
    "void": ("已作废", "void"),
}
"""State -> what a reporter is told of it (zh, en)."""

_PHONE: Final = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_IDENTITY: Final = re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader asks for; None and empty mean no restriction."""

    numbers: Sequence[str] = ()
    services: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    open: bool | None = None
    jurisdiction: str | None = None
    page: int = 1
    page_size: int = MOST


def check_jurisdiction(
    database: Database, boundaries: Boundaries, actor: Actor, code: str | None
) -> None:
    """Refuse an area that the city does not have (:class:`~gis.errors.AreaUnknown`)."""
    if code is None:
        return
    with database.reading(actor) as work:
        if code not in boundaries.snapshot(work).areas:
            raise AreaUnknown(code=code)


def services(database: Database, actor: Actor, language: Language) -> list[dict[str, Any]]:
    """Return the categories as services."""
    with database.reading(actor) as work:
        found = categories.all_active(work)
    return [_service(category, language) for category in found]


def definition(database: Database, actor: Actor, code: str, language: Language) -> dict[str, Any]:
    """Return the questions of a service (:class:`~gis.errors.CategoryUnknown`: there is none)."""
    with database.reading(actor) as work:
        if code not in {category.key for category in categories.all_active(work)}:
            raise CategoryUnknown(key=code)
    spoken = 0 if language == "zh" else 1
    return {
        "service_code": code,
        "attributes": [_attribute(each, spoken) for each in service_attributes.of_service(code)],
    }


def requests(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    asked: Asked,
    *,
    now: datetime,
    language: Language,
) -> list[dict[str, Any]]:
    """Return requests, newest first: by their ids, or of at most 90 days and 1,000 rows."""
    check_jurisdiction(database, boundaries, actor, asked.jurisdiction)
    wanted = Wanted(area=asked.jurisdiction, scope=actor.area_code, final=FINAL, limit=MOST)
    if asked.numbers:
        wanted = replace(wanted, numbers=list(asked.numbers), area=None)
    else:
        since, until = window(asked.since, asked.until, now)
        size = min(asked.page_size, MOST)
        wanted = replace(
            wanted,
            since=since,
            until=until,
            categories=list(asked.services) or None,
            open=asked.open,
            limit=size,
            offset=(asked.page - 1) * size,
        )
    with database.reading(actor) as work:
        rows = open311.requests(work, wanted)
    return [_request(row, actor, language) for row in rows]


def one(database: Database, actor: Actor, numbers: Sequence[str], language: Language) -> Any:  # noqa: ANN401
    """Return the requests of some ids (:class:`~gis.errors.EventUnknown`: one is none)."""
    wanted = Wanted(numbers=list(numbers), scope=actor.area_code, final=FINAL, limit=MOST)
    with database.reading(actor) as work:
        rows = {row["number"]: row for row in open311.requests(work, wanted)}
    for number in numbers:
        if number not in rows:
            raise EventUnknown(id=number)
    return [_request(rows[number], actor, language) for number in dict.fromkeys(numbers)]


def number_of_token(database: Database, actor: Actor, token: str) -> str:
    """Return the request id of a token (:class:`~gis.errors.EventUnknown`: there is none)."""
    try:
        event_id = uuid.UUID(token)
    except ValueError as error:
        raise EventUnknown(id=token) from error
    with database.reading(actor) as work:
        number = open311.number_of(work, event_id)
    if number is None:
        raise EventUnknown(id=token)
    return number


def window(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """Return the span of a list: the last 90 days, and 90 days at most of what is asked for.

    >>> from datetime import UTC
    >>> day = datetime(2026, 11, 23, tzinfo=UTC)
    >>> window(None, None, day)[0].date(), window(day - timedelta(days=200), None, day)[1].date()
    (datetime.date(2026, 8, 25), datetime.date(2026, 8, 5))
    """
    if since is None:
        last = until or now + timedelta(minutes=1)
        return (last if until else now) - WINDOW, last
    return since, min(until or since + WINDOW, since + WINDOW)


def masked(text: str | None) -> str | None:
    """Return a text with mobile and identity numbers masked.

    >>> masked("请联系张三 13812345678")
    '请联系张三 138****5678'
    """
    if text is None:
        return None
    return _IDENTITY.sub(r"\1********\2", _PHONE.sub(r"\1****\2", text))


def _service(category: Category, language: Language) -> dict[str, Any]:
    zh = language == "zh"
    kind = ("事件", "event") if category.kind == "event" else ("部件", "component")
    return {
        "service_code": category.key,
        "service_name": category.title_zh if zh else category.title_en,
        "description": f"{category.major_zh}：{category.title_zh}" if zh else category.title_en,
        "metadata": bool(service_attributes.of_service(category.key)),
        "type": "realtime",
        "keywords": ",".join((category.title_zh, category.title_en, kind[0 if zh else 1])),
        "group": category.major_zh,
    }


def _attribute(attribute: Attribute, spoken: int) -> dict[str, Any]:
    return {
        "variable": True,
        "code": attribute.code,
        "datatype": attribute.datatype,
        "required": attribute.required,
        "datatype_description": attribute.help[spoken],
        "order": attribute.order,
        "description": attribute.description[spoken],
        "values": [{"key": key, "name": title[spoken]} for key, title in attribute.values.items()],
    }


def _request(row: Mapping[str, Any], actor: Actor, language: Language) -> dict[str, Any]:
    spoken = 0 if language == "zh" else 1
    handles = actor.role in READS_TEXTS
    told = handles or row["source"] in PUBLIC_SOURCES
    description = row["description"] or row["title"]
    media = row["media_url"] if told else None
    if handles and media is None and row["attachment"] is not None:
        media = f"/v1/attachments/{row['attachment']}"
    note = NOTES.get(row["status"], (row["status"], row["status"]))[spoken]
    return {
        "service_request_id": row["number"],
        "status": "closed" if row["status"] in FINAL else "open",
        "status_notes": note,
        "service_name": row["title_zh"] if spoken == 0 else row["title_en"],
        "service_code": row["category"],
        "description": masked(description) if told else None,
        "agency_responsible": row["unit_name"],
        "service_notice": None,
        "requested_datetime": _told(row["received_at"]),
        "updated_datetime": _told(row["updated_at"]),
        "expected_datetime": _told(row["due_at"]),
        "address": masked(row["address"]) if told else None,
        "address_id": row["address_id"] if told else None,
        "zipcode": None,
        "lat": row["lat"],
        "long": row["lon"],
        "media_url": media,
    }


def _told(instant: datetime | None) -> str | None:
    """Return an instant in the city's time, whole seconds, with its offset."""
    if instant is None:
        return None
    return instant.astimezone(SHANGHAI).replace(microsecond=0).isoformat()
