"""Who may call a route, declared on the route: ``Depends(allow("dispatcher", "planner"))``.

Every route declares exactly one of

* ``allow("role", ...)``: these roles and ``admin``;
* ``allow_signed_in``: every role;
* ``allow_public_read``: everybody, or, with ``GRIDWARD_PUBLIC_READ=false``, every role;
* ``allow_visitor``: everybody; a valid sign-in is recognised, an invalid one ignored (pages);
* ``allow(PUBLIC)``: everybody; credentials are not even looked at (health, problems, assets).

The dependency returns the :class:`~gis.governance.actors.Actor`; a test sweeps all routes and
fails on one that declares nothing. Area scope is enforced by the use cases, through the actor.

A sign-in is looked up at most once per :data:`CACHE_SECONDS` and process: a revoked token or
session works for at most that long in a process that has just seen it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gis.errors import (
    CredentialInvalid,
    CrossSiteRequest,
    SignInRequired,
    TooManyAttempts,
)
from gis.governance.actors import ANONYMOUS, ROLES, Actor, role_refused
from gis.services.access import Admitted, Kind, actor_of_secret, revoke
from gis.settings import Settings
from gis.store.unit_of_work import Database

PUBLIC: Final = "public"
SESSION_COOKIE: Final = "gridward_session"
CSRF_COOKIE: Final = "gridward_csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
CACHE_SECONDS: Final = 5.0
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""What every answer carries, unless it sets its own (folium pages bring their own policy)."""

_CACHE_SIZE: Final = 4096
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

SCHEMES: Final[dict[str, dict[str, str]]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from `gridward token`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The console's session; writes also need the header X-CSRF-Token.",
    },
}
"""The two ways to sign in, as the OpenAPI document names them."""


class Doorkeeper:
    """Admits secrets: a small cache in front of the ``credentials`` table.

    Safe to use from many threads. Only hashes are kept in memory as well.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.public_read = settings.public_read
        self.attempts = Attempts(clock=clock)
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[Kind, bytes], tuple[float, Admitted]] = OrderedDict()

    def remembered(self, secret: str, kind: Kind) -> Admitted | None:
        """Return whom the secret let in a moment ago; None: ask :meth:`admit`. Never blocks."""
        entry = self._seen.get((kind, _digest(secret)))
        if entry is None or self._clock() >= entry[0]:
            return None
        return entry[1]

    def admit(self, secret: str, kind: Kind) -> Admitted:
        """Look the secret up in the database (blocking) and remember whom it lets in.

        Raises
        ------
        gis.errors.CredentialInvalid
            Unknown, expired or revoked. Refusals are not remembered.
        """
        admitted = actor_of_secret(self._database, secret, kind)
        with self._lock:
            self._seen[kind, _digest(secret)] = (self._clock() + CACHE_SECONDS, admitted)
            while len(self._seen) > _CACHE_SIZE:
                self._seen.popitem(last=False)
        return admitted

    def end_session(self, secret: str) -> None:
        """Revoke a session (blocking) and forget it here at once; an unknown one is no error."""
        try:
            admitted = actor_of_secret(self._database, secret, "session")
        except CredentialInvalid:
            return
        revoke(self._database, admitted.actor, int(admitted.actor.id.partition(":")[2]))
        with self._lock:
            self._seen.pop(("session", _digest(secret)), None)


class Attempts:
    """Counts failed sign-ins per client address: at most ``limit`` in ``window_s`` seconds.

    Counted per process; addresses live in memory only and leave with the window.
    """

    def __init__(
        self,
        *,
        limit: int = 10,
        window_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Refuse a client that failed too often (:class:`gis.errors.TooManyAttempts`)."""
        with self._lock:
            failures = self._recent(client)
            if len(failures) >= self._limit:
                wait = failures[0] + self._window_s - self._clock()
                raise TooManyAttempts(retry_after_s=max(1, int(wait) + 1))

    def failed(self, client: str) -> None:
        """Count one failure."""
        with self._lock:
            failures = self._recent(client)
            failures.append(self._clock())
            self._failures[client] = failures
            self._failures.move_to_end(client)
            while len(self._failures) > _CACHE_SIZE:
                self._failures.popitem(last=False)

    def _recent(self, client: str) -> deque[float]:
        failures = self._failures.get(client, deque())
        horizon = self._clock() - self._window_s
        while failures and failures[0] <= horizon:
            failures.popleft()
        return failures


class Allow:
    """The dependency that decides whether a request may go on, and in whose name.

    ``roles`` are the roles that may, ``anonymous`` whether a visitor without sign-in may:
    ``"never"``, ``"if-public"`` (by the setting), ``"always"``; ``lenient`` turns an invalid
    credential into no credential.
    """

    refusal = 401
    """The status for one who brings no sign-in where one is needed."""

    def __init__(
        self, roles: frozenset[str], *, anonymous: str = "never", lenient: bool = False
    ) -> None:
        self.roles = roles
        self.anonymous = anonymous
        self.lenient = lenient

    async def __call__(self, request: Request) -> Actor:
        """Return the actor, or raise ``NotSignedIn`` or ``Forbidden``."""
        bearer = _bearer_secret(request)
        cookie = request.cookies.get(SESSION_COOKIE) if bearer is None else None
        doorkeeper: Doorkeeper = request.app.state.runtime.doorkeeper
        admitted = await self._admitted(doorkeeper, bearer, cookie)
        if admitted is None:
            if self.anonymous == "always" or (
                self.anonymous == "if-public" and doorkeeper.public_read
            ):
                return ANONYMOUS
            if bearer is not None or cookie is not None:
                raise CredentialInvalid
            raise SignInRequired
        if cookie is not None:
            refuse_forged(request, cookie)
        request.state.actor_id = admitted.actor.id
        request.state.admitted = admitted
        if admitted.actor.role not in self.roles:
            raise role_refused(admitted.actor.role, self.roles)
        return admitted.actor

    async def _admitted(
        self,
        doorkeeper: Doorkeeper,
        bearer: str | None,
        cookie: str | None,
    ) -> Admitted | None:
        if bearer is not None:
            try:
                return await _lookup(doorkeeper, bearer, "token")
            except CredentialInvalid:
                if self.lenient:
                    return None
                raise
        if cookie is not None:
            try:
                return await _lookup(doorkeeper, cookie, "session")
            except CredentialInvalid:
                return None  # an old cookie is no reason to refuse what a visitor may do
        return None


class AllowPublic:
    """Everybody may; credentials are not looked at, so it works without the database."""

    roles: Final = frozenset(ROLES)
    anonymous: Final = "always"

    async def __call__(self) -> Actor:
        """Return the anonymous actor."""
        return ANONYMOUS


def allow(*roles: str) -> Allow | AllowPublic:
    """Return the dependency that admits these roles (``admin`` always) or everybody (PUBLIC).

    Raises
    ------
    ValueError
        No role, or one that ``gis.governance.actors.ROLES`` does not know.
    """
    if roles == (PUBLIC,):
        return AllowPublic()
    if not roles or not set(roles) <= set(ROLES):
        message = f"roles must be some of {', '.join(ROLES)}, not {roles!r}"
        raise ValueError(message)
    return Allow(frozenset({*roles, "admin"}))


allow_signed_in: Final = Allow(frozenset(ROLES))
allow_public_read: Final = Allow(frozenset(ROLES), anonymous="if-public")
allow_visitor: Final = Allow(frozenset(ROLES), anonymous="always", lenient=True)


def csrf_token(session_secret: str) -> str:
    """Return the CSRF token of a session: an HMAC keyed by its secret.

    >>> csrf_token("a") == csrf_token("a") != csrf_token("b")
    True
    """
    return hmac.new(session_secret.encode(), b"gridward csrf", hashlib.sha256).hexdigest()


def refuse_forged(request: Request, session_secret: str, token: str | None = None) -> None:
    """Refuse a write by cookie that did not come from a page of this site.

    The token comes in the header ``X-CSRF-Token``, or (plain forms) as ``token``.

    Raises
    ------
    gis.errors.CrossSiteRequest
        Wrong or missing token, foreign origin. Safe methods pass.
    """
    if request.method in _SAFE_METHODS:
        return
    refuse_cross_site(request)
    given = token if token is not None else request.headers.get(CSRF_HEADER, "")
    # bytes: compare_digest refuses text that is not ASCII, and a header may hold any
    if not hmac.compare_digest(given.encode(), csrf_token(session_secret).encode()):
        raise CrossSiteRequest


def refuse_cross_site(request: Request) -> None:
    """Refuse a request that the browser says comes from another site.

    Programs send neither ``Sec-Fetch-Site`` nor ``Origin`` and pass.

    Raises
    ------
    gis.errors.CrossSiteRequest
        The browser names another site or origin.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise CrossSiteRequest
    origin = request.headers.get("origin")
    # Scheme is not compared: behind a TLS proxy this process sees http.
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise CrossSiteRequest


def _bearer_secret(request: Request) -> str | None:
    """Return what stands after ``Bearer``; other schemes are not ours and count as none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    found: str | None = getattr(request.state, "api_key", None)  # where an interface has its own
    return found


async def _lookup(doorkeeper: Doorkeeper, secret: str, kind: Kind) -> Admitted:
    known = doorkeeper.remembered(secret, kind)
    if known is not None:
        return known
    return await run_in_threadpool(doorkeeper.admit, secret, kind)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
