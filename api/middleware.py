"""What every request passes, as plain ASGI: request id, log line, metrics, headers, body guard."""

from __future__ import annotations

import codecs
import json
import logging
import re
import time
from random import getrandbits
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import ACCESS
from api.metrics import UNMATCHED, Metrics
from api.open311_door import OPEN311, refused
from api.problems import BodyUnreadable, PayloadTooLarge, RequestInvalid, problem_response
from api.security import SECURITY_HEADERS
from api.validation_words import errors_in_words
from gis.errors import GovernanceError

if TYPE_CHECKING:
    from api.quick import QuickRoutes

REQUEST_ID_HEADER: Final = "X-Request-ID"
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_JSON_LIMIT: Final = 16 * 1024 * 1024
"""A JSON body is parsed whole, in memory: it may be at most that long, whatever uploads may be."""


class RequestContext:
    """Outermost: gives the request its id, and logs, counts and times the answer.

    Sets the security headers that a response does not set itself (folium pages bring their own
    content security policy). A sane ``X-Request-ID`` of the caller is kept. What a quick route
    answers goes out from here: the layers between would cost more than the answer.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, quick: QuickRoutes) -> None:
        self.app = app
        self.metrics = metrics
        self._quick = quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        # Never unbound: the server handles each request in a task, and logs a failure in it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 500

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                _dress(headers, request_id.encode())
            await send(message)

        try:
            quick = self._quick.get((scope["method"], scope["path"]))
            if quick is not None:
                message = await receive()
                answer = quick.answer(scope, message)
                if answer is not None:
                    scope["route"], status = quick, 200
                    await _send_json(send, answer, request_id)
                    return
                receive = replay(message, receive)
            if scope["method"] == "HEAD":
                await self._head(scope, receive, send_dressed)
            else:
                await self.app(scope, receive, send_dressed)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as to GET, without the body; a stream ends as if its reader had gone."""
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})

        asked = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive, send_head)
        finally:
            scope["route"] = asked.get("route")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        self.metrics.observe(scope["method"], route, status, seconds)
        if ACCESS.isEnabledFor(logging.INFO):
            ACCESS.info(
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"] if route == UNMATCHED else route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "actor": scope["state"].get("actor_id", "anonymous"),
                },
            )


_ID_NAME: Final = REQUEST_ID_HEADER.lower().encode()
_SECURITY: Final = tuple(
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
)


async def _send_json(send: Send, content: bytes, request_id: str) -> None:
    """Send a 200 that wears what :func:`_dress` puts on others."""
    headers = [
        (b"content-length", b"%d" % len(content)),
        (b"content-type", b"application/json"),
        (_ID_NAME, request_id.encode()),
        *_SECURITY,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _dress(headers: list[tuple[bytes, bytes]], request_id: bytes) -> None:
    """Add the request's id and the security headers that are not there; names are lower case."""
    names = {name for name, _ in headers}
    if _ID_NAME in names:
        headers[:] = [one for one in headers if one[0] != _ID_NAME]
    headers.append((_ID_NAME, request_id))
    headers.extend(one for one in _SECURITY if one[0] not in names)


class BodyGuard:
    """Refuses what no route could take: NUL characters, broken text, bodies beyond the limit.

    A JSON body is read whole here, checked, and handed on: NaN, infinities (``1e999`` too), NUL
    characters and lone surrogates would pass Python's parser and fail in the database.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        media_type, declared = b"", b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                media_type = value
            elif name == b"content-length":
                declared = value
        is_json = b"json" in media_type
        limit = min(self.limit, _JSON_LIMIT) if is_json else self.limit
        error = _address_flaw(scope) or _length_flaw(declared, limit)
        if error is None and is_json:
            message, error = await _whole_body(receive, limit)
            receive = replay(message, receive)
        elif error is None:
            receive = _limited(receive, limit)
        if error is None:
            await self.app(scope, receive, send)
        else:
            await _refusal(Request(scope), error)(scope, receive, send)


def _refusal(request: Request, error: GovernanceError) -> Response:
    """Return a refusal in the words of the interface that was called."""
    if request.url.path.startswith(OPEN311):
        return refused(request, error)
    return problem_response(request, error)


def json_flaw(body: bytes) -> GovernanceError | None:
    r"""Return what makes a JSON body unfit to be stored, or None.

    Malformed JSON is None as well: the route's own parser says where it breaks.

    >>> json_flaw(b'{"a": NaN}').facts["reason_en"]
    'it holds NaN or an infinite number'
    >>> json_flaw('{"名": "NaN"}'.encode()) is None
    True
    """
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        return BodyUnreadable(reason_zh="不是 UTF-8 编码", reason_en="it is not UTF-8")
    if not _is_suspicious(body):
        return None
    try:
        return _value_flaw(json.loads(text, parse_constant=float))
    except (ValueError, RecursionError):
        return None


_EXPONENT: Final = re.compile(rb"[eE]\+?\d{3}")
_SURROGATE: Final = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]")
_HALF_RUN: Final = 150


def _is_suspicious(body: bytes) -> bool:
    """Tell whether a body may hold what must be looked for; one pass of memory for most."""
    if b"NaN" in body or b"Infinity" in body or _EXPONENT.search(body):
        return True
    if b"\\u" in body and _SURROGATE.search(body):
        return True
    # 300 digits in a row make an infinite number: they fill one of the windows of half as many.
    return any(
        body[at : at + 1].isdigit() and body[at : at + _HALF_RUN].isdigit()
        for at in range(0, len(body) - _HALF_RUN + 1, _HALF_RUN)
    )


def _value_flaw(value: Any) -> GovernanceError | None:  # noqa: ANN401 - any JSON
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, float) and item - item != 0:
            return BodyUnreadable(
                reason_zh="含有 NaN 或无穷大", reason_en="it holds NaN or an infinite number"
            )
        elif isinstance(item, str) and ("\x00" in item or _has_surrogate(item)):
            return BodyUnreadable(
                reason_zh="含有空字符或不成对的代理字符",
                reason_en="it holds a NUL character or half of a surrogate pair",
            )
    return None


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _address_flaw(scope: Scope) -> GovernanceError | None:
    if "\x00" not in scope["path"] and b"%00" not in scope["query_string"]:
        return None
    place = "path" if "\x00" in scope["path"] else "query"
    found = [{"type": "nul_character", "loc": (place,), "input": ""}]
    return RequestInvalid(count=1, errors=errors_in_words(found, "en"))


def _length_flaw(declared: bytes, limit: int) -> GovernanceError | None:
    if declared.isdigit() and int(declared) > limit:
        return _too_large(limit)
    return None


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(limit_mb=round(limit / 1024 / 1024, 3))


async def _whole_body(receive: Receive, limit: int) -> tuple[Message, GovernanceError | None]:
    """Read a body to its end, as one message; stop at the limit, or when the client leaves."""
    message = await receive()
    if message["type"] != "http.request":
        return message, None  # gone: nobody waits for an answer
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks = [body]
        length = len(body)
        while message.get("more_body", False) and length <= limit:
            message = await receive()
            if message["type"] != "http.request":
                return message, None  # gone in the middle: half a body is nobody's request
            chunks.append(message.get("body", b""))
            length += len(chunks[-1])
        body = b"".join(chunks)
        message = {"type": "http.request", "body": body, "more_body": False}
    if len(body) > limit:
        return message, _too_large(limit)
    return message, json_flaw(body)


def replay(first: Message, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the message read before, then what the client does next."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return first

    return replayed


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a ``receive`` that refuses a body once it outgrows the limit."""
    length = 0

    async def counted() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > limit:
            raise HTTPException(413)
        return message

    return counted


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _ID_NAME:
            given = value.decode("latin-1")
            return given if _SANE_ID.fullmatch(given) else _new_id()
    return _new_id()


def _new_id() -> str:
    """Return an id that no other request has; it need not be hard to guess."""
    return f"{getrandbits(128):032x}"
