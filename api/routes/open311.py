"""Open311 GeoReport v2: services and requests for any client of that standard, JSON and XML."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from api.idempotency import Keyed
from api.language import language_of
from api.open311_door import AllowKey, Open311Route, refusal
from api.open311_format import answer
from api.routes.areas import Open
from api.runtime import Runtime
from api.schemas import Line
from api.uploads import is_form, opened_form, sent_by_form
from gis import clock
from gis.errors import Open311FormInvalid
from gis.governance.actors import ROLES, Actor
from gis.services import intake, open311, open311_intake
from gis.services.open311 import SHANGHAI
from gis.services.photos import read_photos

router = APIRouter(prefix="/open311/v2", tags=["open311"], route_class=Open311Route)

Reader = Annotated[Actor, Depends(AllowKey(frozenset(ROLES), anonymous="if-public"))]
Sender = Annotated[
    Actor, Depends(AllowKey(frozenset({"reporter", "grid_worker", "dispatcher", "admin"})))
]
Form = Literal["json", "xml"]
Text = Annotated[Line | None, Query()]
Many = Annotated[str | None, Query(max_length=20_000)]

CHANGESET: Final = "2026-11-25T00:00:00+08:00"
_ATTRIBUTE: Final = re.compile(r"attribute\[([^\]]{1,100})\](?:\[\])?")
_LENGTHS: Final = {"description": 4000, "address_string": 4000, "media_url": 500}
_ENDPOINTS: Final = ["text/xml", "application/json"]


FIELDS: Final = (
    "service_code", "lat", "long", "address_string", "address_id", "description", "email", "phone",
    "first_name", "last_name", "device_id", "account_id", "media_url", "api_key",
    "jurisdiction_id", "crs", "accuracy_m",
)  # fmt: skip
"""Fields of a posted form; ``crs`` and ``accuracy_m`` are Gridward's own."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted form as it came."""

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, list[str]] = field(default_factory=dict)
    files: list[tuple[str | None, bytes]] = field(default_factory=list)


async def posted(request: Request) -> AsyncIterator[Posted]:
    """Give the form of a request (a FastAPI dependency); an empty field counts as absent."""
    if not is_form(request):
        yield Posted()
        return
    async with opened_form(request) as form:
        found = Posted()
        for name, value in form.multi_items():
            if isinstance(value, str) and value.strip():
                matched = _ATTRIBUTE.fullmatch(name)
                if matched:
                    found.attributes.setdefault(matched[1], []).append(_checked(name, value))
                else:
                    found.fields[name] = _checked(name, value)
        found.files.extend((await sent_by_form(form)).files)
        yield found


def _checked(name: str, value: str) -> str:
    longest = _LENGTHS.get(name, 500)
    flawed = "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)
    if flawed or len(value) > longest:
        raise Open311FormInvalid(
            field=name[:100],
            expected_zh=f"至多 {longest} 个字符，不含空字符",
            expected_en=f"at most {longest} characters, no NUL",
        )
    return value.strip()


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _instant(name: str, text: str | None) -> datetime | None:
    """Return a moment of a query: without an offset it is the city's time."""
    if not text or not text.strip():
        return None
    # a plus that was not escaped arrives as a blank
    written = re.sub(r" (\d\d:?\d\d)$", r"+\1", text.strip())
    try:
        found = datetime.fromisoformat(written)
    except ValueError as error:
        raise _no_instant(name) from error
    found = found if found.tzinfo is not None else found.replace(tzinfo=SHANGHAI)
    if not 1900 <= found.year <= 2999:
        raise _no_instant(name)
    return found


def _no_instant(name: str) -> Open311FormInvalid:
    return Open311FormInvalid(
        field=name,
        expected_zh="应为 W3C 时间，如 2026-11-23T10:00:00+08:00",
        expected_en="it is a W3C time, as 2026-11-23T10:00:00+08:00",
    )


@router.get("/discovery.{form}", summary="Open311: where this endpoint is")
def discovery(request: Request, form: Form, _actor: Reader) -> Response:
    """Endpoints, their formats, and how to get a key."""
    url = f"{str(request.base_url).rstrip('/')}/open311/v2"
    content = {
        "changeset": CHANGESET,
        "contact": "请联系本市城市治理中心 / ask the city's governance centre",
        "key_service": "api_key 即 Gridward 令牌 / the api_key is a Gridward token: "
        "gridward token --role reporter",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": url,
                "changeset": CHANGESET,
                "type": "production",
                "formats": _ENDPOINTS,
            }
        ],
    }
    return answer(form, "discovery", content)


@router.get("/services.{form}", summary="Open311: the categories")
def services(
    request: Request, app: Open, actor: Reader, form: Form, jurisdiction_id: Text = None
) -> Response:
    """List the categories that can be reported."""
    _check(app, actor, jurisdiction_id)
    found = open311.services(app.database, actor, language_of(request))
    return answer(form, "services", found)


@router.get("/services/{code}.{form}", summary="Open311: what a category asks")
def definition(
    request: Request, app: Open, actor: Reader, code: str, form: Form, jurisdiction_id: Text = None
) -> Response:
    """Return the extended attributes of a category."""
    _check(app, actor, jurisdiction_id)
    found = open311.definition(app.database, actor, code, language_of(request))
    return answer(form, "service_definition", found)


@router.get("/requests.{form}", summary="Open311: requests")
def requests(
    request: Request,
    app: Open,
    actor: Reader,
    form: Form,
    jurisdiction_id: Text = None,
    service_request_id: Many = None,
    service_code: Many = None,
    start_date: Text = None,
    end_date: Text = None,
    status: Text = None,
    page: Annotated[str | None, Query(max_length=6)] = None,
    page_size: Annotated[str | None, Query(max_length=6)] = None,
) -> Response:
    """List requests, newest first: by ids, or of 90 days and 1,000 rows at most."""
    states = set(_listed(status))
    if not states <= {"open", "closed"}:
        raise Open311FormInvalid(
            field="status", expected_zh="应为 open 或 closed", expected_en="it is open or closed"
        )
    asked = open311.Asked(
        numbers=_listed(service_request_id)[: open311.MOST],
        services=_listed(service_code),
        since=_instant("start_date", start_date),
        until=_instant("end_date", end_date),
        open=None if len(states) != 1 else states == {"open"},
        jurisdiction=jurisdiction_id or None,
        page=_page("page", page, 1, 100_000),
        page_size=_page("page_size", page_size, open311.MOST, 100_000),
    )
    found = open311.requests(
        app.database,
        app.boundaries,
        actor,
        asked,
        now=clock.now(),
        language=language_of(request),
    )
    return answer(form, "service_requests", [_absolute(request, row) for row in found])


@router.get("/requests/{service_request_id}.{form}", summary="Open311: one request")
def one(
    request: Request,
    app: Open,
    actor: Reader,
    service_request_id: str,
    form: Form,
    jurisdiction_id: Text = None,
) -> Response:
    """Return one request (or several, comma-separated)."""
    _check(app, actor, jurisdiction_id)
    numbers = _listed(service_request_id)[: open311.MOST] or [service_request_id]
    found = open311.one(app.database, actor, numbers, language_of(request))
    return answer(form, "service_requests", [_absolute(request, row) for row in found])


@router.get("/tokens/{token}.{form}", summary="Open311: the request of a token")
def of_token(
    app: Open, actor: Reader, token: str, form: Form, jurisdiction_id: Text = None
) -> Response:
    """Return the id of the request that a token stands for."""
    _check(app, actor, jurisdiction_id)
    number = open311.number_of_token(app.database, actor, token)
    found = [{"service_request_id": number, "token": token}]
    return answer(form, "service_requests", found)


@router.post(
    "/requests.{form}",
    status_code=201,
    summary="Open311: report",
    openapi_extra={
        "requestBody": {
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["service_code"],
                        "properties": {name: {"type": "string"} for name in FIELDS},
                    }
                }
            }
        }
    },
)
def report(
    request: Request,
    app: Open,
    actor: Sender,
    form: Form,
    sent: Annotated[Posted, Depends(posted)],
    keyed: Keyed,
) -> Response:
    """Take a request in; the answer holds its token, and /tokens tells the id at once."""
    _check(
        app,
        actor,
        sent.fields.get("jurisdiction_id") or request.query_params.get("jurisdiction_id"),
    )
    filled = open311_intake.Form(
        fields=sent.fields, attributes=sent.attributes, photos=read_photos(sent.files)
    )
    taken = intake.report_event(
        app.database,
        app.boundaries,
        actor,
        open311_intake.report_of(filled),
        now=clock.now,
        auto_threshold=app.settings.auto_threshold,
        language=language_of(request),
        keyed=keyed,
        rosters=app.rosters,
    )
    event: Any = taken.body
    content = [{"token": event["id"], "service_notice": _notice(event), "account_id": None}]
    return answer(form, "service_requests", content, 201)


@router.api_route(
    "/{rest:path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    include_in_schema=False,
    summary="Open311: nothing",
)
def nothing(request: Request, _actor: Reader, rest: str) -> Response:
    """Refuse what the interface does not have, in its own words."""
    told = f"/open311/v2/{rest}: 没有这个资源 / no such resource; see discovery.json"
    return refusal(request, 404, [told])


def _check(app: Runtime, actor: Actor, jurisdiction: str | None) -> None:
    """Refuse a jurisdiction (an area's code) that the city does not have; empty is none."""
    open311.check_jurisdiction(app.database, app.boundaries, actor, jurisdiction or None)


def _notice(event: dict[str, Any]) -> str:
    orders = event["work_orders"]
    if orders:
        return f"已派遣至{orders[0]['unit']['name']} / sent to the one who handles it"
    return "已受理，待调度员派遣 / taken in, waits for a dispatcher"


def _absolute(request: Request, row: dict[str, Any]) -> dict[str, Any]:
    media = row["media_url"]
    if media is not None and media.startswith("/"):
        return {**row, "media_url": str(request.base_url).rstrip("/") + media}
    return row


def _page(name: str, text: str | None, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        found = {"type": "int_parsing", "loc": ("query", name), "input": text}
        raise RequestValidationError([found])
    return int(text)
