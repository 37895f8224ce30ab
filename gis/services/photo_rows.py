"""Photos of a case: added with it or later, and shown to those who may see the case."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gis.errors import AttachmentUnknown, EventUnknown, Language, PhotosTooMany
from gis.governance.actors import Actor
from gis.services import cases
from gis.services.photos import Photo
from gis.store import access, attachments
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork

PHOTOS_OF_A_CASE: Final = 60


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it may be shown, and when it came."""

    content: bytes
    received_at: datetime


def write(
    work: UnitOfWork, event_id: uuid.UUID, photos: Sequence[Photo], log_entry_id: int | None = None
) -> list[uuid.UUID]:
    """Write photos of an event inside an open unit of work; known ones are left out."""
    return attachments.add(
        work, event_id, [_row(photo) for photo in photos], log_entry_id=log_entry_id
    )


def add_photos(
    database: Database,
    actor: Actor,
    event_id: uuid.UUID,
    photos: Sequence[Photo],
    *,
    language: Language = "zh",
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Add photos to an event, with a line in its log; commit before returning.

    A photo that the event has already is not added again: 201 when at least one is new, else 200.

    Raises
    ------
    gis.errors.EventUnknown
        There is none, or it lies outside the actor's area.
    gis.errors.PhotosTooMany
        The event would have more than :data:`PHOTOS_OF_A_CASE`.
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        cases.view(work, event_id, language)
        there = attachments.known(work, event_id)
        new = [photo for photo in photos if photo.sha256 not in there]
        if len(there) + len(new) > PHOTOS_OF_A_CASE:
            raise PhotosTooMany(count=len(there) + len(new), limit=PHOTOS_OF_A_CASE)
        if new:
            entry = attachments.note(work, event_id, action="attach", after={"photos": len(new)})
            write(work, event_id, new, entry)
        items = cases.attachments_of(work, [event_id]).get(event_id, [])
        body = {"items": items, "next": None}
        return access.remember(work, keyed, status=201 if new else 200, body=body)


def picture(
    database: Database, actor: Actor, attachment_id: uuid.UUID, *, thumbnail: bool
) -> Picture:
    """Return a picture of a case that the actor may see.

    Raises
    ------
    gis.errors.AttachmentUnknown
        There is none, or its case lies outside the actor's area.
    """
    with database.reading(actor) as work:
        found = attachments.picture(work, attachment_id, thumbnail=thumbnail)
        if found is None:
            raise AttachmentUnknown(id=str(attachment_id))
        try:
            cases.view(work, found[0], "zh")
        except EventUnknown as error:
            raise AttachmentUnknown(id=str(attachment_id)) from error
        return Picture(found[1], found[2])


def _row(photo: Photo) -> Mapping[str, Any]:
    return {
        "media_type": photo.media_type,
        "sha256": photo.sha256,
        "byte_size": len(photo.content),
        "content": photo.content,
        "shown": photo.shown,
        "thumbnail": photo.thumbnail,
        "width": photo.width,
        "height": photo.height,
        "file_name": photo.file_name,
        "exif": dict(photo.facts),
        "lon": None if photo.place is None else photo.place.lon,
        "lat": None if photo.place is None else photo.place.lat,
    }
