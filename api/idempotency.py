"""The route's side of ``Idempotency-Key``: read it, and answer again what was answered before.

A route that writes takes ``keyed: Keyed`` and passes it to its use case, which calls
:func:`gis.store.access.first_answer` first and :func:`gis.store.access.remember` last inside its
own transaction; the route turns the :class:`~gis.store.access.Answer` into a response with
:func:`respond`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from gis.errors import IdempotencyKeyInvalid
from gis.store.access import Answer, KeyedRequest

REPLAYED_HEADER: Final = "Idempotency-Replayed"
_LONGEST: Final = 255
_FORMS: Final = ("multipart/", "application/x-www-form-urlencoded")


async def keyed_request(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters; the same key and body gives the "
            "first answer again.",
        ),
    ] = None,
) -> KeyedRequest | None:
    """Return the key and the hash of the request (a FastAPI dependency); None without a key.

    The hash covers method, path, query and body. Of a multipart body it covers names, file names
    and contents, not the boundary, which a client draws anew on every try.

    Raises
    ------
    gis.errors.IdempotencyKeyInvalid
        Empty, longer than 255 characters, or not visible ASCII.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST or not all("!" <= character <= "~" for character in key):
        raise IdempotencyKeyInvalid
    digest = hashlib.sha256()
    _feed(digest, request.method, request.url.path, request.url.query)
    if request.headers.get("content-type", "").startswith(_FORMS):
        # read as a form, which a route may have done before: its bytes are gone then
        for name, value in (await request.form()).multi_items():
            if isinstance(value, UploadFile):
                _feed(digest, name, value.filename or "", value.content_type or "")
                _feed(digest, hashlib.sha256(await value.read()).hexdigest())
                await value.seek(0)
            else:
                _feed(digest, name, value)
    else:
        digest.update(await request.body())
    return KeyedRequest(key, digest.digest())


Keyed = Annotated[KeyedRequest | None, Depends(keyed_request)]
"""Annotation of a route's parameter: the keyed request, or None when no key came."""


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer as JSON; a replayed one says so in ``Idempotency-Replayed: true``."""
    extra = dict(headers or {})
    if answer.replayed:
        extra[REPLAYED_HEADER] = "true"
    return JSONResponse(answer.body, status_code=answer.status, headers=extra)


def _feed(digest: hashlib._Hash, *parts: str) -> None:
    """Add texts with their lengths, so that no two lists of texts give the same bytes."""
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
