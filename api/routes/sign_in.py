"""Sign-in 登录: one-time links, tokens turned into sessions, sign-out, and who one is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.language import page_language
from api.problems import problem, problem_response
from api.rendering import page, wants_page
from api.runtime import Runtime, runtime
from api.schemas import Line
from api.security import (
    CSRF_COOKIE,
    PUBLIC,
    SESSION_COOKIE,
    allow,
    allow_signed_in,
    allow_visitor,
    csrf_token,
    refuse_cross_site,
    refuse_forged,
)
from gis.clock import now
from gis.errors import GovernanceError, NotSignedIn, RoleNotAllowed, TooMany
from gis.governance.actors import ROLES, Actor
from gis.services.access import Issued, consume_link, open_session

router = APIRouter(tags=["sign-in"])

Here = Annotated[Runtime, Depends(runtime)]
_Secret = Annotated[Line, Form()]


class Me(BaseModel):
    """Who the caller is to Gridward."""

    id: str = Field(description="Stands in the log of everything that the caller does.")
    role: str
    role_title_zh: str
    role_title_en: str
    area: str | None = Field(description="Acts only inside this area; null: the whole city.")
    person_id: int | None
    signed_in_by: Literal["token", "session"]
    label: str
    expires_at: datetime


@router.get("/v1/me", summary="Who am I")
async def me(request: Request, actor: Annotated[Actor, Depends(allow_signed_in)]) -> Me:
    """Return role, area scope and end of the caller's sign-in."""
    admitted = request.state.admitted
    zh, en = ROLES[actor.role]
    return Me(
        id=actor.id,
        role=actor.role,
        role_title_zh=zh,
        role_title_en=en,
        area=actor.area_code,
        person_id=actor.person_id,
        signed_in_by="session" if actor.id.startswith("session:") else "token",
        label=admitted.label,
        expires_at=admitted.expires_at,
    )


@router.get("/sign-in", summary="Sign-in page", response_class=Response, include_in_schema=False)
async def sign_in_page(
    request: Request,
    actor: Annotated[Actor, Depends(allow_visitor)],
    link: Line = "",
    next_: Annotated[Line, Query(alias="next")] = "",
) -> Response:
    """Show a button for a one-time link, or a field for a token.

    Opening the page does not spend the link: previews of mail and chat programs open pages too.
    """
    return page(
        request, "sign_in.html", link=link, failure=None, actor=actor, next=local_path(next_)
    )


@router.post("/sign-in", summary="Open a session", response_class=Response, include_in_schema=False)
async def sign_in(
    request: Request,
    here: Here,
    _actor: Annotated[Actor, Depends(allow(PUBLIC))],
    link: _Secret = "",
    token: _Secret = "",
    next_: Annotated[Line, Form(alias="next")] = "",
) -> Response:
    """Spend a one-time link or take a token, set the session cookie, and go where one wanted to."""
    client = request.client.host if request.client else ""
    attempts = here.doorkeeper.attempts
    try:
        refuse_cross_site(request)
        attempts.check(client)
        session = await run_in_threadpool(_open, here, link.strip(), token.strip())
    except (NotSignedIn, TooMany, RoleNotAllowed) as error:
        if isinstance(error, NotSignedIn):
            attempts.failed(client)
        return _failure(request, error, link=link, wanted=local_path(next_))
    response = RedirectResponse(local_path(next_), 303)
    _keep(response, here, session)
    return response


@router.post(
    "/sign-out", summary="End the session", response_class=Response, include_in_schema=False
)
async def sign_out(
    request: Request,
    here: Here,
    _actor: Annotated[Actor, Depends(allow(PUBLIC))],
    csrf: _Secret = "",
) -> Response:
    """Revoke the session, remove its cookies, and go to the start page."""
    secret = request.cookies.get(SESSION_COOKIE)
    response = RedirectResponse("/", 303)
    if secret is not None:
        refuse_forged(request, secret, csrf or None)
        await run_in_threadpool(here.doorkeeper.end_session, secret)
    for cookie in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(cookie)
    return response


def _open(here: Runtime, link: str, token: str) -> Issued:
    hours = here.settings.session_hours
    if link:
        return consume_link(here.database, link, hours=hours)
    return open_session(here.database, token, hours=hours)


def _keep(response: Response, here: Runtime, session: Issued) -> None:
    """Set the session cookie and, readable by scripts of this site, its CSRF token."""
    seconds = max(1, int((session.expires_at - now()).total_seconds()))
    secure = here.settings.cookie_secure
    response.set_cookie(
        SESSION_COOKIE,
        session.secret,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    response.set_cookie(
        CSRF_COOKIE,
        csrf_token(session.secret),
        max_age=seconds,
        httponly=False,
        samesite="lax",
        secure=secure,
    )


def local_path(address: str) -> str:
    r"""Return a path of this site; anything else becomes the start page.

    >>> [local_path(text) for text in ("/plan?k=3", "//elsewhere.example", "/\\elsewhere", "x:y")]
    ['/plan?k=3', '/', '/', '/']
    """
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and address.isprintable() else "/"


def _failure(request: Request, error: GovernanceError, *, link: str, wanted: str) -> Response:
    """Return the sign-in page with the reason, or the problem to a program."""
    plain_answer = problem_response(request, error)
    if not wants_page(request):
        return plain_answer
    words = problem(error, language=page_language(request), instance="/sign-in")
    # a link that failed is spent: offer the token field instead
    left = link if isinstance(error, TooMany) else ""
    response = page(
        request,
        "sign_in.html",
        status=words["status"],
        link=left,
        failure=words,
        actor=None,
        next=wanted,
    )
    if "retry-after" in plain_answer.headers:
        response.headers["Retry-After"] = plain_answer.headers["retry-after"]
    return response
