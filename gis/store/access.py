"""SQL of credentials and of first answers to keyed writes.

Secrets never reach the database: only their SHA-256 does. Times are the database's, so that two
servers with different clocks agree on when a sign-in ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.errors import IdempotencyKeyReused
from gis.store.tables.access import credentials, idempotency_keys
from gis.store.tables.areas import area_versions
from gis.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Credential:
    """A live token, session or link, as stored; the secret is not in it."""

    id: int
    kind: str
    role: str
    area_code: str | None
    person_id: int | None
    label: str
    expires_at: datetime


_LIVE = sa.and_(credentials.c.revoked_at.is_(None), credentials.c.expires_at > sa.func.now())
_COLUMNS = (
    credentials.c.id,
    credentials.c.kind,
    credentials.c.role,
    credentials.c.area_code,
    credentials.c.person_id,
    credentials.c.label,
    credentials.c.expires_at,
)


def add_credential(
    work: UnitOfWork,
    *,
    kind: str,
    secret_hash: bytes,
    role: str,
    area_code: str | None,
    person_id: int | None,
    label: str,
    lasts: timedelta,
) -> Credential:
    """Store a new credential, made by the actor of the unit of work."""
    statement = (
        insert(credentials)
        .values(
            kind=kind,
            secret_hash=secret_hash,
            role=role,
            area_code=area_code,
            person_id=person_id,
            label=label,
            created_by=work.actor.id,
            expires_at=sa.func.now() + lasts,
        )
        .returning(*_COLUMNS)
    )
    return Credential(**work.rows(statement)[0])


def credential_of(work: UnitOfWork, *, kind: str, secret_hash: bytes) -> Credential | None:
    """Return the live credential of that kind and hash, or None when there is none."""
    row = work.row(
        sa.select(*_COLUMNS).where(
            credentials.c.secret_hash == secret_hash, credentials.c.kind == kind, _LIVE
        )
    )
    return None if row is None else Credential(**row)


def spend_link(work: UnitOfWork, *, secret_hash: bytes) -> Credential | None:
    """Mark a link as used and return it; None when it is not live or was used before.

    The row lock of the update decides between two that come at once: one gets it.
    """
    row = work.row(
        sa.update(credentials)
        .where(
            credentials.c.secret_hash == secret_hash,
            credentials.c.kind == "link",
            credentials.c.used_at.is_(None),
            _LIVE,
        )
        .values(used_at=sa.func.now())
        .returning(*_COLUMNS)
    )
    return None if row is None else Credential(**row)


def revoke_credential(work: UnitOfWork, credential_id: int) -> int:
    """Revoke a credential and every session that was opened with it; return how many."""
    kind = sa.select(credentials.c.kind).where(credentials.c.id == credential_id).scalar_subquery()
    return work.execute(
        sa.update(credentials)
        .where(
            credentials.c.revoked_at.is_(None),
            sa.or_(
                credentials.c.id == credential_id,
                sa.and_(
                    credentials.c.kind == "session",
                    credentials.c.created_by == kind + f":{credential_id}",
                ),
            ),
        )
        .values(revoked_at=sa.func.now())
    )


def database_now(work: UnitOfWork) -> datetime:
    """Return the instant at which the transaction began, by the database's clock."""
    instant: datetime = work.scalar(sa.select(sa.func.now()))
    return instant


def area_is_valid_now(work: UnitOfWork, code: str) -> bool:
    """Tell whether an area of that code has a published geometry today."""
    statement = sa.select(sa.literal(1)).where(
        area_versions.c.area_code == code, area_versions.c.valid.op("@>")(sa.func.now())
    )
    return work.scalar(statement.limit(1)) is not None


# --- Idempotency-Key ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """An Idempotency-Key and the SHA-256 of what came with it (method, path, query, body)."""

    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of an answer; ``replayed`` when it was given before."""

    status: int
    body: Any
    replayed: bool = False


def first_answer(work: UnitOfWork, request: KeyedRequest | None) -> Answer | None:
    """Claim a key for this transaction, or return what was answered to it before.

    Call it first in the transaction that writes, and :func:`remember` last. Keys belong to the
    actor. A second request with the same key waits here until the first one has committed (and
    then gets its answer) or rolled back (and then writes itself): no write happens twice.

    Returns
    -------
    Answer or None
        None: nobody wrote yet, go on. Also None when the request carries no key.

    Raises
    ------
    gis.errors.IdempotencyKeyReused
        The key came with another request before.
    """
    if request is None:
        return None
    claimed = work.row(
        insert(idempotency_keys)
        .values(actor_id=work.actor.id, key=request.key, request_hash=request.request_hash)
        .on_conflict_do_nothing(constraint="pk_idempotency_keys")
        .returning(idempotency_keys.c.key)
    )
    if claimed is not None:
        return None
    # Read committed: this statement sees the row that the insert above ran into.
    row = work.rows(
        sa.select(
            idempotency_keys.c.request_hash,
            idempotency_keys.c.status,
            idempotency_keys.c.response,
        ).where(idempotency_keys.c.actor_id == work.actor.id, idempotency_keys.c.key == request.key)
    )[0]
    if bytes(row["request_hash"]) != request.request_hash:
        raise IdempotencyKeyReused
    if row["status"] is None:
        message = "a write claimed its Idempotency-Key and never called remember()"
        raise ValueError(message)
    return Answer(row["status"], json.loads(row["response"]), replayed=True)


def remember(
    work: UnitOfWork, request: KeyedRequest | None, *, status: int, body: object
) -> Answer:
    """Keep the first answer to a claimed key, in the same transaction as the write.

    ``body`` must be what JSON can carry. It is kept as JSON *text* (a jsonb string), so that the
    order of its members survives. Without a key nothing is stored.
    """
    if request is not None:
        work.execute(
            sa.update(idempotency_keys)
            .where(
                idempotency_keys.c.actor_id == work.actor.id,
                idempotency_keys.c.key == request.key,
            )
            .values(status=status, response=json.dumps(body, ensure_ascii=False, allow_nan=False))
        )
    return Answer(status, body)


def release(work: UnitOfWork, request: KeyedRequest) -> None:
    """Give a key back that :func:`first_answer` claimed in this transaction."""
    work.execute(
        sa.delete(idempotency_keys).where(
            idempotency_keys.c.actor_id == work.actor.id,
            idempotency_keys.c.key == request.key,
            idempotency_keys.c.status.is_(None),
        )
    )


def forget_old(work: UnitOfWork, *, keys_older_than: timedelta, dead_longer_than: timedelta) -> int:
    """Delete old idempotency keys and credentials that ended long ago; return how many rows."""
    keys = work.execute(
        sa.delete(idempotency_keys).where(
            idempotency_keys.c.created_at < sa.func.now() - keys_older_than
        )
    )
    dead = work.execute(
        sa.delete(credentials).where(credentials.c.expires_at < sa.func.now() - dead_longer_than)
    )
    return keys + dead
