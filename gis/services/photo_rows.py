"""Photos of a case: added with it or later, and shown to those who may see the case."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gis.errors import AttachmentUnknown, EventUnknown, Language, PhotosTooMany
from gis.governance.actors import Actor
from gis.services import case_actions, cases
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


@dataclass(frozen=True, slots=True)
class Proof:
    """Photos that an action is shown with: the case has some of them, the others come with it."""

    ids: tuple[uuid.UUID, ...] = ()
    new: tuple[tuple[uuid.UUID, Photo], ...] = ()

    def told(self) -> dict[str, Any]:
        """Return what the log keeps of them."""
        return {"attachments": [str(one) for one in self.ids]} if self.ids else {}

    def write(self, work: UnitOfWork, event_id: uuid.UUID, log_entry_id: int) -> None:
        """Write those that came with the action, as of its entry in the log."""
        rows = [{**_row(photo), "id": number} for number, photo in self.new]
        attachments.add(work, event_id, rows, log_entry_id=log_entry_id)


def proof(
    work: UnitOfWork,
    event_id: uuid.UUID,
    named: Sequence[uuid.UUID] = (),
    photos: Sequence[Photo] = (),
) -> Proof:
    """Return the photos of an action: ``named`` ones of the event, and those that came with it.

    Raises
    ------
    gis.errors.AttachmentUnknown
        One of those named is no photo of this event.
    gis.errors.PhotosTooMany
        The event would have more than :data:`PHOTOS_OF_A_CASE`.
    """
    if not named and not photos:
        return Proof()
    there = attachments.known(work, event_id)
    for one in named:
        if one not in there.values():
            raise AttachmentUnknown(id=str(one))
    new = tuple((uuid.uuid4(), photo) for photo in photos if photo.sha256 not in there)
    if len(there) + len(new) > PHOTOS_OF_A_CASE:
        raise PhotosTooMany(count=len(there) + len(new), limit=PHOTOS_OF_A_CASE)
    ids = there | {photo.sha256: number for number, photo in new}
    shown = (*named, *(ids[photo.sha256] for photo in photos))
    return Proof(tuple(dict.fromkeys(shown)), new)


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
            after = case_actions.by_whom(work) | {"photos": len(new)}
            entry = attachments.note(work, event_id, action="attach", after=after)
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
