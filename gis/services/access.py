"""Who may come in 登录与凭证: tokens, one-time links, sessions.

A secret is 256 random bits, shown once and stored as its SHA-256. Looking one up by its hash needs
no constant-time comparison: timing tells at most something about a hash that nobody can invert.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from gis.errors import (
    AreaUnknown,
    CredentialInvalid,
    LinkInvalid,
    OutsideScope,
    PersonUnknown,
    RoleUnknown,
)
from gis.governance.actors import NOWHERE, ROLES, SYSTEM, Actor
from gis.store import access as store
from gis.store import duty
from gis.store.access import Credential
from gis.store.unit_of_work import Database, UnitOfWork

Kind = Literal["token", "session", "link"]

PREFIXES: Final[dict[Kind, str]] = {"token": "gwt_", "session": "gws_", "link": "gwl_"}
"""What a secret begins with: says its kind, and lets secret scanners find a leaked one."""

_LENGTH: Final = 4 + 43  # prefix + base64url of 32 bytes


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential; ``secret`` is readable here and never again."""

    secret: str = field(repr=False)
    credential_id: int
    kind: Kind
    role: str
    area_code: str | None
    label: str
    expires_at: datetime
    person_id: int | None = None

    @property
    def reaches_nowhere(self) -> bool:
        """Tell whether it is a grid worker's that names neither a person nor an area."""
        return self.role == "grid_worker" and self.area_code is None and self.person_id is None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whom a secret lets in, and until when."""

    actor: Actor
    label: str
    expires_at: datetime


def issue_token(
    database: Database,
    actor: Actor,
    *,
    role: str,
    area: str | None = None,
    days: float = 30,
    label: str = "",
    person_id: int | None = None,
    person: str | None = None,
) -> Issued:
    """Issue a bearer token 令牌 for a role, limited to an area where one is named.

    ``person`` (code or number) makes it the token of one person: their cases are theirs to handle.
    A grid worker's token that names no area reaches as far as that person's duties do on the day:
    the smallest area that holds all of them. One that names neither sees no case at all
    (:attr:`Issued.reaches_nowhere`); it may report, as everybody may.

    Raises
    ------
    gis.errors.RoleUnknown
        The role does not exist.
    gis.errors.AreaUnknown
        No area of that code is valid today.
    gis.errors.OutsideScope
        The issuing actor is itself limited to an area, and the token would reach beyond it.
    gis.errors.PersonUnknown
        Nobody has that code or number.
    """
    if person is not None:
        with database.reading(actor) as work:
            found = duty.person(work, person)
        if found is None:
            raise PersonUnknown(person=person)
        person_id = found["id"]
    offer = _Offer("token", role, area, timedelta(days=days), label, person_id)
    return _issue(database, actor, offer)


def issue_link(
    database: Database,
    actor: Actor,
    *,
    role: str = "admin",
    area: str | None = None,
    minutes: float = 30,
    label: str = "",
) -> Issued:
    """Issue a one-time sign-in link 一次性登录链接; its page is ``/sign-in?link=<secret>``.

    Raises what :func:`issue_token` raises.
    """
    return _issue(database, actor, _Offer("link", role, area, timedelta(minutes=minutes), label))


def consume_link(database: Database, secret: str, *, hours: float) -> Issued:
    """Spend a link and open a session with its role and area, in one transaction.

    Raises
    ------
    gis.errors.LinkInvalid
        Unknown, expired, revoked or used before.
    """
    if not _plausible(secret, "link"):
        raise LinkInvalid
    with database.transaction(SYSTEM) as work:
        link = store.spend_link(work, secret_hash=_hash(secret))
        if link is None:
            raise LinkInvalid
        return _session(work, link, hours)


def open_session(database: Database, token: str, *, hours: float) -> Issued:
    """Open a console session with a bearer token; it ends with the token at the latest.

    Raises
    ------
    gis.errors.CredentialInvalid
        The token is unknown, expired or revoked.
    """
    if not _plausible(token, "token"):
        raise CredentialInvalid
    with database.transaction(SYSTEM) as work:
        found = store.credential_of(work, kind="token", secret_hash=_hash(token))
        if found is None:
            raise CredentialInvalid
        left = _left(work, found)
        return _session(work, found, min(hours, left.total_seconds() / 3600))


def actor_of_secret(database: Database, secret: str, kind: Kind) -> Admitted:
    """Return whom a secret of that kind lets in.

    A link is no token, and a token is no session: each is taken only where it belongs.

    Raises
    ------
    gis.errors.CredentialInvalid
        Malformed, unknown, expired or revoked.
    """
    if not _plausible(secret, kind):
        raise CredentialInvalid
    with database.reading(SYSTEM) as work:
        found = store.credential_of(work, kind=kind, secret_hash=_hash(secret))
        if found is None:
            raise CredentialInvalid
        actor = _actor_of(work, found)
    return Admitted(actor, found.label, found.expires_at)


def _actor_of(work: UnitOfWork, found: Credential) -> Actor:
    """Return whom a sign-in stands for; a worker without an area acts where their duties lie."""
    area, person = found.area_code, found.person_id
    by_duty = area is None and found.role == "grid_worker"
    if by_duty:
        area = (None if person is None else duty.area_of_person(work, person)) or NOWHERE
    return Actor(f"{found.kind}:{found.id}", found.role, area, person, by_duty)


def revoke(database: Database, actor: Actor, credential_id: int) -> int:
    """Revoke a credential and the sessions opened with it; return how many ended.

    A server that saw the secret in the last seconds may still admit it for the lifetime of its
    cache (``api.security.CACHE_SECONDS``).
    """
    with database.transaction(actor) as work:
        return store.revoke_credential(work, credential_id)


def tidy(database: Database) -> int:
    """Forget first answers older than 7 days and credentials that ended 90 days ago."""
    with database.transaction(SYSTEM) as work:
        return store.forget_old(
            work, keys_older_than=timedelta(days=7), dead_longer_than=timedelta(days=90)
        )


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a new credential is to be."""

    kind: Kind
    role: str
    area: str | None
    lasts: timedelta
    label: str
    person_id: int | None = None


def _issue(database: Database, actor: Actor, offer: _Offer) -> Issued:
    if offer.role not in ROLES:
        raise RoleUnknown(role=offer.role, roles=", ".join(ROLES))
    if actor.area_code is not None and (offer.area is None or not actor.covers(offer.area)):
        raise OutsideScope(scope=actor.area_code, code=offer.area or "*")
    with database.transaction(actor) as work:
        if offer.area is not None and not store.area_is_valid_now(work, offer.area):
            raise AreaUnknown(code=offer.area)
        return _add(work, offer)


def _session(work: UnitOfWork, source: Credential, hours: float) -> Issued:
    """Open a session in the name of the credential that it came from."""
    opener = Actor(f"{source.kind}:{source.id}", source.role, source.area_code, source.person_id)
    offer = _Offer(
        "session",
        source.role,
        source.area_code,
        timedelta(hours=hours),
        source.label,
        source.person_id,
    )
    return _add(UnitOfWork(work.connection, opener), offer)


def _add(work: UnitOfWork, offer: _Offer) -> Issued:
    secret = PREFIXES[offer.kind] + secrets.token_urlsafe(32)
    made = store.add_credential(
        work,
        kind=offer.kind,
        secret_hash=_hash(secret),
        role=offer.role,
        area_code=offer.area,
        person_id=offer.person_id,
        label=offer.label,
        lasts=offer.lasts,
    )
    return Issued(
        secret, made.id, offer.kind, offer.role, offer.area, offer.label, made.expires_at,
        offer.person_id,
    )  # fmt: skip


def _left(work: UnitOfWork, credential: Credential) -> timedelta:
    """Return how long a credential still lives, by the database's clock."""
    return credential.expires_at - store.database_now(work)


def _plausible(secret: str, kind: Kind) -> bool:
    """Tell whether a text can be a secret of that kind, before the database is asked."""
    return len(secret) == _LENGTH and secret.startswith(PREFIXES[kind]) and secret.isascii()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
