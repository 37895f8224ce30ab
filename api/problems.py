"""Problems 问题详情 (RFC 9457): the one place that knows which error has which HTTP status.

Every refusal leaves as ``application/problem+json`` with ``type`` ``/problems/<code>``, a title, a
sentence that says what to do, and ``facts``. A browser that navigates gets the same as a page.
Nothing of the input is ever echoed by the validation problems: it may hold a password or a name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from api.language import language_of, page_language, tag_of
from api.rendering import page, wants_page
from api.security import SECURITY_HEADERS
from api.validation_words import errors_in_words
from gis.errors import (
    Conflict,
    Forbidden,
    GovernanceError,
    Language,
    Malformed,
    NotFound,
    NotSignedIn,
    Rejected,
    SignInRequired,
    TooMany,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2


class RouteUnknown(NotFound):
    """No route has that path."""

    code = "route-unknown"
    title_zh, title_en = "没有这个地址", "No such address"
    detail_zh = "没有地址 {path}。接口清单见 /docs，首页见 /。"
    detail_en = "There is nothing at {path}. /docs lists the interface, / is the start page."


class MethodNotAllowed(Rejected):
    """The route exists, the method does not."""

    code = "method-not-allowed"
    title_zh, title_en = "不支持的方法", "Method not allowed"
    detail_zh = "该地址不支持方法 {method}。支持：{allowed}。"
    detail_en = "This address does not take {method}. It takes: {allowed}."


class RequestInvalid(Rejected):
    """Parameters or a body that do not fit the interface."""

    code = "request-invalid"
    title_zh, title_en = "请求内容无效", "Invalid request"
    detail_zh = "请求有 {count} 处错误，未写入任何内容。逐条说明见 facts.errors。"
    detail_en = (
        "The request has {count} error(s); nothing was written. facts.errors names each of them."
    )


class BodyUnreadable(Rejected):
    """A body that is no well-formed JSON or form, or holds what cannot be stored."""

    code = "body-unreadable"
    title_zh, title_en = "请求体无法读取", "Unreadable body"
    detail_zh = "请求体无法读取：{reason_zh}。JSON 应为 UTF-8 编码，不得含 NaN、Infinity 或空字符。"
    detail_en = (
        "The body cannot be read: {reason_en}. JSON must be UTF-8, without NaN, Infinity or NUL "
        "characters."
    )


class PayloadTooLarge(Rejected):
    """A body beyond the limit."""

    code = "payload-too-large"
    title_zh, title_en = "请求体过大", "Body too large"
    detail_zh = (
        "请求体超过 {limit_mb} MB 的上限。请拆分后再提交，或由管理员调整 GRIDWARD_MAX_UPLOAD_MB。"
    )
    detail_en = (
        "The body is larger than {limit_mb} MB. Send it in parts, or have GRIDWARD_MAX_UPLOAD_MB "
        "raised."
    )


class HttpRefusal(Rejected):
    """Any other refusal of the web framework."""

    code = "http-refusal"
    title_zh, title_en = "请求被拒绝", "Request refused"
    detail_zh = "请求被拒绝（HTTP {status}）。请对照 /docs 检查请求。"
    detail_en = "The request was refused (HTTP {status}). Compare it with /docs."


class InternalError(GovernanceError):
    """A bug of ours. The log has the rest, under the request id."""

    code = "internal-error"
    title_zh, title_en = "内部错误", "Internal error"
    detail_zh = "服务器内部错误，请求可能未完成。请把请求编号 {request_id} 告诉管理员。"
    detail_en = (
        "Something failed inside; the request may not have been carried out. Give the request id "
        "{request_id} to an administrator."
    )


STATUS: Final[dict[type[GovernanceError], int]] = {
    Malformed: 400,
    NotSignedIn: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    PayloadTooLarge: 413,
    Rejected: 422,
    TooMany: 429,
    InternalError: 500,
    Unavailable: 503,
}
"""Error class -> status; the nearest class in an error's ancestry counts."""


def status_of(error: GovernanceError | type[GovernanceError]) -> int:
    """Return the HTTP status of an error.

    >>> status_of(RouteUnknown)
    404
    """
    kind = error if isinstance(error, type) else type(error)
    return next((STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS), 500)


def kinds() -> dict[str, type[GovernanceError]]:
    """Return every error class that is loaded, by code, sorted: what ``/problems`` lists."""
    return {
        kind.code: kind for kind in sorted(_leaves(GovernanceError), key=lambda kind: kind.code)
    }


def problem(error: GovernanceError, *, language: Language, instance: str) -> dict[str, Any]:
    """Return the members of a problem document."""
    return {
        "type": f"/problems/{error.code}",
        "title": error.title(language),
        "status": error.facts.get("status") if isinstance(error, HttpRefusal) else status_of(error),
        "detail": error.detail(language),
        "instance": instance,
        "facts": plain(error.facts),
    }


def problem_response(
    request: Request, error: GovernanceError, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response of an error: a problem document, or a page for a navigating browser."""
    as_page = wants_page(request)
    if as_page and isinstance(error, SignInRequired) and request.method == "GET":
        wanted = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="/")
        return RedirectResponse(f"/sign-in?next={wanted}", 303)
    language = page_language(request) if as_page else language_of(request)
    content = problem(error, language=language, instance=request.url.path)
    if as_page:
        response: Response = page(
            request, "problem.html", status=content["status"], problem=content
        )
    else:
        response = Response(dumped(content), content["status"], media_type=MEDIA_TYPE)
        response.headers["Vary"] = "Accept-Language"
    response.headers["Content-Language"] = tag_of(language)
    _add_headers(response.headers, content["status"], error.facts)
    response.headers.update(headers or {})
    return response


def install(app: FastAPI) -> None:
    """Let every exception of an application leave as a problem."""
    app.add_exception_handler(GovernanceError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)


def plain(value: Any) -> Any:  # noqa: ANN401 - facts are whatever was at hand
    """Return a value that JSON can carry: NaN and infinities become text, the unknown its str."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def dumped(content: object) -> bytes:
    r"""Return JSON in UTF-8; a lone surrogate leaves as its ``\uXXXX`` escape."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


async def _expected(request: Request, error: Exception) -> Response:
    if not isinstance(error, GovernanceError):
        raise TypeError
    return problem_response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        position = found[0]["loc"][-1]
        return problem_response(
            request,
            BodyUnreadable(
                reason_zh=f"第 {position} 个字符处不是有效的 JSON",
                reason_en=f"it is not valid JSON at character {position}",
                position=position,
            ),
        )
    words = errors_in_words(found, language_of(request))
    return problem_response(request, RequestInvalid(count=len(words), errors=words))


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError
    return problem_response(request, _of_http(request, error), error.headers)


async def _unexpected(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, and the server logs it with its trace.
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    # The server closes the connection after a bug; without the header the client's next request
    # on it would be lost.
    headers = {**SECURITY_HEADERS, "X-Request-ID": request_id, "Connection": "close"}
    return problem_response(request, InternalError(request_id=request_id), headers)


def _of_http(request: Request, error: HTTPException) -> GovernanceError:
    """Return the error of a refusal by the framework (router, form parser)."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return RouteUnknown(path=request.url.path)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(method=request.method, allowed=allowed)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit_mb = request.app.state.runtime.settings.max_upload_mb
        return PayloadTooLarge(limit_mb=limit_mb)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return BodyUnreadable(reason_zh="格式不正确", reason_en="it is malformed")
    return HttpRefusal(status=error.status_code)


def _add_headers(headers: MutableHeaders, status: int, facts: Mapping[str, Any]) -> None:
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="gridward"'
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = str(facts.get("retry_after_s", RETRY_AFTER_S))
    headers["Cache-Control"] = "no-store"


def _leaves(kind: type[GovernanceError]) -> Iterator[type[GovernanceError]]:
    for child in kind.__subclasses__():
        if "code" in child.__dict__:
            yield child
        yield from _leaves(child)
