"""The short way of a tile: from its address to bytes, in front of the router.

The same answers as the endpoint's, which documents them and takes every request that needs words:
an unknown parameter, a layer or tile that is not there, a caller who is not remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import cookie_parser
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.ogc.links import MATRIX_SET
from api.ogc.tile_answers import Answer, Terms, addressed, one_layer
from api.problems import problem_response
from api.runtime import Runtime
from api.security import SESSION_COOKIE, Doorkeeper, allow_public_read
from gis.errors import GovernanceError, TileUnknown
from gis.governance.actors import ANONYMOUS, Actor
from gis.store.layer_tiles import Tile
from layers.catalogue import LAYERS, Layer
from layers.tiles import checked

PATH: Final = f"/ogc/collections/{{key}}/tiles/{MATRIX_SET}/{{z}}/{{y}}/{{x}}"
_HEAD, _MIDDLE = "/ogc/collections/", ("tiles", MATRIX_SET)
_VERSION: Final = re.compile(rb"v=[0-9A-Za-z]{1,64}")


class TileLane:
    """Middleware that answers tiles of one layer; everything else goes on as if it were not there.

    Stands outside the body guard: the only things read are the address and six headers.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self._route = next(
            route for route in routes if isinstance(route, APIRoute) and route.path == PATH
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI call."""
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET":
            found = _found(scope["path"])
            if found is not None:
                try:
                    answer = await _answer(scope, *found)
                except GovernanceError as error:
                    scope["route"] = self._route
                    await problem_response(Request(scope), error)(scope, receive, send)
                    return
        if answer is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = self._route
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": answer.headers,
            }
        )
        await send({"type": "http.response.body", "body": answer.body})


def _found(path: str) -> tuple[Layer, Tile] | None:
    """Return the layer and the tile that an address names, when both are there."""
    if not path.startswith(_HEAD):
        return None
    parts = path[len(_HEAD) :].split("/")
    if len(parts) != 6 or (parts[1], parts[2]) != _MIDDLE:
        return None
    layer = LAYERS.get(parts[0])
    if layer is None:
        return None
    try:
        return layer, checked(addressed(parts[3], parts[4], parts[5]), layer.zooms)
    except TileUnknown:
        return None


async def _answer(scope: Scope, layer: Layer, wanted: Tile) -> Answer | None:
    query = scope["query_string"]
    if query and not _VERSION.fullmatch(query):
        return None
    runtime: Runtime = scope["app"].state.runtime
    secret, cookies, tags, encodings = None, None, [], b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            secret = value
        elif name == b"cookie":
            cookies = value if cookies is None else cookies + b"; " + value
        elif name == b"if-none-match":
            tags.append(value)
        elif name == b"accept-encoding":
            encodings = value
    actor = _actor(runtime.doorkeeper, secret, cookies)
    state = runtime.layers.state.known()
    if actor is None or state is None or not layer.seen_by(actor.role):
        return None
    if actor is not ANONYMOUS:
        scope["state"]["actor_id"] = actor.id
    terms = Terms(bool(query), b",".join(tags).decode("latin-1"), b"gzip" in encodings)
    return await one_layer(runtime, actor, layer, state, wanted, terms=terms)


def _actor(doorkeeper: Doorkeeper, secret: bytes | None, cookies: bytes | None) -> Actor | None:
    """Return who asks; None when somebody has to be asked about that."""
    if secret is not None:
        scheme, _, rest = secret.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        admitted = doorkeeper.remembered(rest.strip().decode("latin-1"), "token")
    else:
        cookie = None
        if cookies is not None and SESSION_COOKIE.encode() in cookies:
            cookie = cookie_parser(cookies.decode("latin-1")).get(SESSION_COOKIE)
        if cookie is None:
            return ANONYMOUS if doorkeeper.public_read else None
        admitted = doorkeeper.remembered(cookie, "session")
    if admitted is None or admitted.actor.role not in allow_public_read.roles:
        return None
    return admitted.actor
