"""Routes that are answered from memory where they can be, on the event loop and without pydantic.

A :class:`QuickRoute` is an ordinary route to everybody else: the same path, callers, OpenAPI entry
and metrics. :class:`api.middleware.RequestContext`, the outermost middleware, asks it first; a
request that it does not answer (another kind of body, a caller who is not remembered, an error to
explain) goes the long way to the endpoint as if nothing had been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Message, Scope

from api.language import preferred
from api.runtime import Runtime
from api.security import Allow
from gis.errors import Language

MOST_BYTES: Final = 4096
"""A longer body goes the long way, where its length is judged."""


class QuickRoute(APIRoute):
    """A route with a short way; subclasses say who may take it and what it answers."""

    allowed: Allow

    def quick(self, runtime: Runtime, body: bytes, language: Language) -> bytes | None:
        """Return the JSON of a 200, None for the long way. Must not block."""
        raise NotImplementedError

    def answer(self, scope: Scope, message: Message) -> bytes | None:
        """Return what :meth:`quick` answers to a signed-in program that sends JSON.

        No guard has looked at the body yet: :meth:`quick` answers only what it has read strictly.
        """
        body: bytes = message.get("body", b"")
        if (
            message["type"] != "http.request"
            or message.get("more_body", False)
            or len(body) > MOST_BYTES
            or scope["query_string"]
        ):
            return None
        secret, is_json, spoken = None, False, b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, rest = value.partition(b" ")
                secret = rest.strip() if secret is None and scheme.lower() == b"bearer" else None
            elif name == b"content-type":
                is_json = value == b"application/json"
            elif name == b"accept-language":
                spoken = value
        if secret is None or not is_json:
            return None
        runtime: Runtime = scope["app"].state.runtime
        admitted = runtime.doorkeeper.remembered(secret.decode("latin-1"), "token")
        if admitted is None or admitted.actor.role not in self.allowed.roles:
            return None
        language = preferred(spoken.decode("latin-1")) if spoken else None
        if language is None:
            language = "en" if runtime.settings.language == "en" else "zh"
        answer = self.quick(runtime, body, language)
        if answer is not None:
            scope["state"]["actor_id"] = admitted.actor.id
        return answer


QuickRoutes = Mapping[tuple[str, str], QuickRoute]
"""Quick routes by method and path."""


def quick_routes(routes: Iterable[BaseRoute]) -> QuickRoutes:
    """Return the routes among others that have a short way."""
    return {
        (method, route.path): route
        for route in routes
        if isinstance(route, QuickRoute)
        for method in route.methods or ()
    }
