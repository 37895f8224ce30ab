"""Photos of a case: added to it, and shown as they may be shown."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from api.idempotency import Keyed, respond
from api.language import language_of
from api.routes.areas import Open
from api.security import allow
from api.uploads import is_form, opened_form, sent_by_form
from gis.governance.actors import Actor
from gis.services import photo_rows
from gis.services.photos import SHOWN_TYPE, read_photos

router = APIRouter(prefix="/v1", tags=["events"])

Sender = Annotated[Actor, Depends(allow("reporter", "grid_worker", "dispatcher"))]
Onlooker = Annotated[Actor, Depends(allow("reporter", "grid_worker", "dispatcher", "planner"))]

FILES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["photos"],
                    "properties": {
                        "photos": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "JPEG, PNG 或 WebP / JPEG, PNG or WebP",
                        }
                    },
                }
            }
        },
    }
}


async def uploaded(request: Request) -> AsyncIterator[list[tuple[str | None, bytes]]]:
    """Give the files of a form (a FastAPI dependency); refuse a request without any."""
    if not is_form(request):
        raise _without_photos()
    async with opened_form(request) as form:
        files = (await sent_by_form(form)).files
        if not files:
            raise _without_photos()
        yield files


Uploaded = Annotated[list[tuple[str | None, bytes]], Depends(uploaded)]


@router.post(
    "/events/{event_id}/attachments",
    status_code=201,
    summary="Add photos to an event",
    openapi_extra=FILES,
)
def add(
    request: Request, app: Open, actor: Sender, event_id: uuid.UUID, files: Uploaded, keyed: Keyed
) -> Response:
    """Add photos (multipart, any number of file parts); the answer lists all of the event."""
    answer = photo_rows.add_photos(
        app.database,
        actor,
        event_id,
        read_photos(files),
        language=language_of(request),
        keyed=keyed,
    )
    return respond(answer)


@router.get(
    "/attachments/{attachment_id}",
    summary="A photo as it may be shown",
    response_class=Response,
    responses={200: {"content": {SHOWN_TYPE: {}}}},
)
def picture(
    app: Open,
    actor: Onlooker,
    attachment_id: uuid.UUID,
    size: Annotated[Literal["full", "thumbnail"], Query()] = "full",
) -> Response:
    """Return the photo upright and without metadata, to those who may see its case."""
    found = photo_rows.picture(app.database, actor, attachment_id, thumbnail=size == "thumbnail")
    return Response(
        found.content,
        media_type=SHOWN_TYPE,
        headers={
            "Cache-Control": "private, max-age=3600",
            "Content-Disposition": f'inline; filename="{attachment_id}.jpg"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def _without_photos() -> RequestValidationError:
    return RequestValidationError([{"type": "missing", "loc": ("body", "photos"), "input": None}])
