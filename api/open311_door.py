"""Open311's manners at the door: the api_key, and refusals as an array of code and description."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.language import language_of
from api.open311_format import answer
from api.problems import status_of
from api.security import Allow
from api.uploads import form_of, is_form
from api.validation_words import errors_in_words
from gis.errors import CategoryUnknown, EventCategoryInvalid, GovernanceError
from gis.governance.actors import Actor

OPEN311: Final = "/open311/"
_STATUS: Final = {401: 403, 422: 400}
"""Gridward's status -> Open311's: a missing key is 403, a bad form 400."""


class AllowKey(Allow):
    """Like :class:`api.security.Allow`, with the token in ``api_key`` as well as in a header."""

    refusal = 403

    async def __call__(self, request: Request) -> Actor:
        """Return the actor, or raise ``NotSignedIn`` or ``Forbidden``."""
        key = request.query_params.get("api_key")
        if not key and request.method == "POST" and is_form(request):
            given = (await form_of(request)).get("api_key")
            key = given if isinstance(given, str) else None
        if key and "authorization" not in request.headers:
            request.state.api_key = key.strip()
        return await super().__call__(request)


class Open311Route(APIRoute):
    """A route whose every refusal leaves as Open311 wants it, in the format of the path."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler of the framework."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                lines = errors_in_words(error.errors(), language_of(request))
                told = [f"{line['path']}: {line['message']}" for line in lines]
                return refusal(request, 400, told)
            except HTTPException as error:
                return refusal(request, error.status_code, [HTTPStatus(error.status_code).phrase])
            except GovernanceError as error:
                return refused(request, error)

        return handled


def refusal(request: Request, status: int, told: list[str]) -> Response:
    """Return an Open311 error: an array of code and description."""
    form = "xml" if request.url.path.endswith(".xml") else "json"
    return answer(form, "errors", [{"code": status, "description": text} for text in told], status)


def refused(request: Request, error: GovernanceError) -> Response:
    """Return the Open311 error of one of ours."""
    status = status_of(error)
    if isinstance(error, EventCategoryInvalid | CategoryUnknown):
        status = 404
    response = refusal(request, _STATUS.get(status, status), [error.detail(language_of(request))])
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(error.facts.get("retry_after_s", 2))
    return response
