"""Server-sent events 实时推送: what happens, as it happens, resumable by ``Last-Event-ID``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.runtime import Runtime, runtime
from api.schemas import AreaCode
from api.security import Allow
from gis.errors import (
    CredentialInvalid,
    DatabaseUnavailable,
    OutsideScope,
    RoleNotAllowed,
    StreamFull,
    TopicUnknown,
)
from gis.governance.actors import Actor
from gis.services.feed import BATCH, TOPICS, Feed, Listener, Message

router = APIRouter(prefix="/v1", tags=["events"])

_MAY_LISTEN: Final = Allow(frozenset({"grid_worker", "dispatcher", "planner", "admin"}))
Hearer = Annotated[Actor, Depends(_MAY_LISTEN)]
Running = Annotated[Runtime, Depends(runtime)]

HEARTBEAT_S: Final = 15.0
"""A silent stream says so this often: proxies keep it open, and a revoked sign-in ends it."""

WAITING_AT_MOST: Final = 5000
"""Messages that wait for a slow listener; with more, its stream ends and it resumes from there."""

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _Mailbox:
    """What the feed's thread hands to one stream; read in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: asyncio.Queue[Sequence[Message] | None] = asyncio.Queue()
        self._size = 0

    def offer(self, messages: Sequence[Message]) -> bool:
        """Take messages from the feed's thread; nothing at all means that it stops."""
        self._size += len(messages)
        full = self._size > WAITING_AT_MOST
        given = None if full or not messages else messages
        try:
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, given)
        except RuntimeError:  # the loop is closed: nobody reads any more
            return False
        return given is not None

    async def next(self, patience_s: float) -> Sequence[Message] | None:
        """Return the next messages, none after the patience; None: the stream ends."""
        try:
            found = await asyncio.wait_for(self._waiting.get(), patience_s)
        except TimeoutError:
            return ()
        self._size -= len(found or ())
        return found


@router.get(
    "/stream",
    summary="Events and work orders as they change (server-sent events)",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream(
    request: Request,
    app: Running,
    actor: Hearer,
    topics: Annotated[
        str | None, Query(max_length=200, description="逗号分隔 / comma-separated; all without")
    ] = None,
    area: AreaCode | None = None,
    last_seen: Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)] = None,
    last_event_id: Annotated[str | None, Query(max_length=40)] = None,
    once: Annotated[
        bool, Query(description="只取积压,随即结束 / what was missed, then end")
    ] = False,
) -> StreamingResponse:
    """Stream ``event.created``, ``event.routed`` and ``work_order.changed`` of the caller's area.

    With ``Last-Event-ID`` everything since that message comes first, without a gap.
    """
    feed: Feed = app.feed
    if area is not None and not actor.covers(area):
        raise OutsideScope(scope=actor.area_code, code=area)
    wanted = _Wanted(_topics(topics), frozenset(filter(None, (area, actor.area_code))))
    feed.refuse_when_full()
    last = await run_in_threadpool(feed.last_position)
    position = _resume_at(last_seen or last_event_id, last)
    return StreamingResponse(
        _lines(request, feed, wanted, position, once=once),
        media_type="text/event-stream",
        headers=_HEADERS,
    )


class _Wanted:
    """Which messages a listener may and wants to hear."""

    def __init__(self, topics: frozenset[str], areas: frozenset[str]) -> None:
        self.topics = topics
        self.areas = areas

    def __call__(self, message: Message) -> bool:
        return message.topic in self.topics and self.areas.issubset(message.path_codes)


def _topics(text: str | None) -> frozenset[str]:
    named = [part.strip() for part in (text or "").split(",") if part.strip()]
    for topic in named:
        if topic not in TOPICS:
            raise TopicUnknown(topic=topic, known=", ".join(TOPICS))
    return frozenset(named or TOPICS)


def _resume_at(seen: str | None, last: int) -> int:
    """Return the position to go on from: an id that nobody gave means from now on."""
    if seen is not None and seen.isascii() and seen.isdigit() and int(seen) <= last:
        return int(seen)
    return last


async def _lines(
    request: Request, feed: Feed, wanted: _Wanted, position: int, *, once: bool
) -> AsyncIterator[str]:
    """Yield the stream: first what was missed, page by page, then what comes."""
    yield f"retry: 2000\nid: {position}\n: gridward\n\n"
    mailbox = _Mailbox(asyncio.get_running_loop())
    try:
        while True:
            missed = await run_in_threadpool(feed.after, position)
            if missed:
                position = missed[-1].position
                yield "".join(_event(message) for message in missed if wanted(message))
            if len(missed) < BATCH:
                break
        if once:
            return
        listener = Listener(position, mailbox.offer)
        feed.join(listener)
    except (DatabaseUnavailable, StreamFull):
        return  # the listener comes again, from where it stopped
    try:
        while (messages := await mailbox.next(HEARTBEAT_S)) is not None:
            text = "".join(_event(message) for message in messages if wanted(message))
            if text:
                yield text
            elif not messages:
                if not await _still_admitted(request):
                    return
                yield ": heartbeat\n\n"
    finally:
        feed.leave(listener)


async def _still_admitted(request: Request) -> bool:
    try:
        await _MAY_LISTEN(request)
    except (CredentialInvalid, RoleNotAllowed):
        return False
    except DatabaseUnavailable:
        return True  # who was let in stays until it can be asked again
    return True


def _event(message: Message) -> str:
    body: dict[str, Any] = {**message.body, "at": message.at.isoformat()}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"id: {message.position}\nevent: {message.topic}\ndata: {text}\n\n"
