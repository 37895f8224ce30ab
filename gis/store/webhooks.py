"""Webhooks and their deliveries: registered, claimed, recorded."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.store.tables import outbox, outbox_sequence, webhook_deliveries, webhooks
from gis.store.unit_of_work import UnitOfWork

_SHOWN: Final = tuple(
    column
    for column in webhooks.c
    if column.name not in {"secret", "former_secret", "heard_until", "created_by"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this worker may send until its claim ends."""

    id: int
    position: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one try; ``retry_at`` None: delivered. ``error`` says why not."""

    delivery: Claimed
    status: int | None
    error: str | None
    retry_after: timedelta | None


def add(
    work: UnitOfWork,
    *,
    url: str,
    title: str,
    topics: Sequence[str],
    area_code: str | None,
    secret: str,
) -> uuid.UUID:
    """Register a webhook: it hears of every message that gets its position after the commit."""
    webhook_id = uuid.uuid4()
    work.execute(
        sa.insert(webhooks).values(
            id=webhook_id,
            url=url,
            title=title,
            topics=list(topics),
            area_code=area_code,
            secret=secret,
            state="active",
            created_by=work.actor.id,
        )
    )
    return webhook_id


def listing(work: UnitOfWork, area_code: str | None) -> list[dict[str, Any]]:
    """Return the webhooks that are not deleted, of an area only, with what waits for each."""
    waiting = (
        sa.select(sa.func.count())
        .where(
            webhook_deliveries.c.webhook_id == webhooks.c.id,
            webhook_deliveries.c.state == "pending",
        )
        .scalar_subquery()
    )
    chosen = sa.select(*_SHOWN, waiting.label("waiting")).where(webhooks.c.state != "deleted")
    if area_code is not None:
        chosen = chosen.where(webhooks.c.area_code == area_code)
    return [dict(row) for row in work.rows(chosen.order_by(webhooks.c.created_at, webhooks.c.id))]


def state_of(work: UnitOfWork, webhook_id: uuid.UUID) -> sa.RowMapping | None:
    """Return state, scope, address and secrets of a webhook, locked against other changes."""
    columns = webhooks.c
    return work.row(
        sa.select(
            columns.state,
            columns.area_code,
            columns.url,
            columns.secret,
            columns.heard_until,
            sa.case((columns.former_until > sa.func.now(), columns.former_secret)).label("former"),
        )
        .where(columns.id == webhook_id)
        .with_for_update(key_share=True)  # deliveries may still be queued for it
    )


def delete(work: UnitOfWork, webhook_id: uuid.UUID) -> None:
    """End a webhook; what still waited is dropped. Its row stays for the record."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(state="deleted", secret="", former_secret=None)
    )
    work.execute(
        sa.update(webhook_deliveries)
        .where(
            webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.state == "pending"
        )
        .values(state="dropped", last_error="the webhook was deleted")
    )


def rotate(work: UnitOfWork, webhook_id: uuid.UUID, secret: str, overlap: timedelta) -> None:
    """Sign with a new secret; the one before signs as well for a while."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(
            former_secret=webhooks.c.secret,
            former_until=sa.func.now() + overlap,
            secret=secret,
        )
    )


def disable(work: UnitOfWork, webhook_id: uuid.UUID, reason: str, heard_until: int) -> None:
    """Stop sending; ``heard_until`` is the last position that is in its queue."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id, webhooks.c.state == "active")
        .values(
            state="disabled",
            disabled_reason=reason,
            disabled_at=sa.func.now(),
            heard_until=heard_until,
        )
    )


def enable(work: UnitOfWork, webhook_id: uuid.UUID, heard_until: int) -> None:
    """Send again, first what waited, then what happened while it was disabled."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(
            state="active",
            disabled_reason=None,
            disabled_at=None,
            heard_until=None,
            failures=0,
            failing_since=None,
            paused_until=None,
        )
    )
    missed = (
        sa.select(webhooks.c.id, outbox_sequence.c.position, sa.literal("pending"))
        .select_from(outbox_sequence)
        .join(outbox, outbox.c.id == outbox_sequence.c.outbox_id)
        .join(webhooks, webhooks.c.id == webhook_id)
        .where(
            outbox_sequence.c.position > heard_until,
            sa.or_(
                sa.func.cardinality(webhooks.c.topics) == 0,
                outbox.c.topic == sa.any_(webhooks.c.topics),
            ),
            sa.or_(
                webhooks.c.area_code.is_(None),
                webhooks.c.area_code == sa.any_(outbox.c.path_codes),
            ),
        )
        .order_by(outbox_sequence.c.position)
    )
    work.execute(
        insert(webhook_deliveries)
        .from_select(["webhook_id", "position", "state"], missed)
        .on_conflict_do_nothing()
    )
    work.execute(
        sa.update(webhook_deliveries)
        .where(
            webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.state == "pending"
        )
        .values(next_attempt_at=sa.func.now())
    )


def deliveries(
    work: UnitOfWork,
    webhook_id: uuid.UUID,
    *,
    state: str | None,
    before: int | None,
    limit: int,
) -> list[sa.RowMapping]:
    """Return the deliveries of a webhook, newest message first."""
    columns = webhook_deliveries.c
    chosen = (
        sa.select(
            columns.id,
            columns.position,
            columns.state,
            columns.attempts,
            columns.next_attempt_at,
            columns.last_status,
            columns.last_error,
            columns.last_attempt_at,
            columns.delivered_at,
            outbox.c.topic,
            outbox.c.subject,
        )
        .join(outbox_sequence, outbox_sequence.c.position == columns.position)
        .join(outbox, outbox.c.id == outbox_sequence.c.outbox_id)
        .where(columns.webhook_id == webhook_id)
    )
    if state is not None:
        chosen = chosen.where(columns.state == state)
    if before is not None:
        chosen = chosen.where(columns.position < before)
    return work.rows(chosen.order_by(columns.position.desc()).limit(limit))


def redeliver(work: UnitOfWork, webhook_id: uuid.UUID, delivery_id: int) -> bool:
    """Send a delivery once more, at once; False when the webhook has none of that id."""
    columns = webhook_deliveries.c
    return bool(
        work.execute(
            sa.update(webhook_deliveries)
            .where(columns.id == delivery_id, columns.webhook_id == webhook_id)
            .values(state="pending", next_attempt_at=sa.func.now(), claimed_until=None)
        )
    )


_DUE: Final = sa.and_(
    webhook_deliveries.c.state == "pending",
    webhook_deliveries.c.next_attempt_at <= sa.func.now(),
    sa.or_(
        webhook_deliveries.c.claimed_until.is_(None),
        webhook_deliveries.c.claimed_until < sa.func.now(),
    ),
)
_SENDS: Final = sa.and_(
    webhooks.c.state == "active",
    sa.or_(webhooks.c.paused_until.is_(None), webhooks.c.paused_until <= sa.func.now()),
)


def with_due_deliveries(work: UnitOfWork) -> list[uuid.UUID]:
    """Return the webhooks that something is due for."""
    due = sa.exists().where(webhook_deliveries.c.webhook_id == webhooks.c.id, _DUE)
    return [row["id"] for row in work.rows(sa.select(webhooks.c.id).where(_SENDS, due))]


def claim(
    work: UnitOfWork, webhook_id: uuid.UUID, *, limit: int, lease: timedelta
) -> list[Claimed]:
    """Claim the next deliveries of a webhook; none while it is paused, disabled or deleted.

    Rows that another worker is just claiming are passed over.
    """
    columns = webhook_deliveries.c
    chosen = (
        sa.select(columns.id)
        .where(
            columns.webhook_id == webhook_id,
            _DUE,
            sa.exists().where(webhooks.c.id == webhook_id, _SENDS),
        )
        .order_by(columns.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = work.rows(
        sa.update(webhook_deliveries)
        .where(columns.id.in_(chosen.scalar_subquery()))
        .values(claimed_until=sa.func.now() + lease)
        .returning(columns.id, columns.position, columns.attempts)
    )
    return sorted((Claimed(**row) for row in rows), key=lambda each: each.position)


def end_claims(work: UnitOfWork, webhook_id: uuid.UUID) -> None:
    """End every claim on deliveries of a webhook, for whoever alone may send to it now."""
    columns = webhook_deliveries.c
    work.execute(
        sa.update(webhook_deliveries)
        .where(
            columns.webhook_id == webhook_id,
            columns.state == "pending",
            columns.claimed_until.is_not(None),
        )
        .values(claimed_until=None)
    )


def release(work: UnitOfWork, claimed: Sequence[Claimed]) -> None:
    """Give claims back that were not tried."""
    if claimed:
        work.execute(
            sa.update(webhook_deliveries)
            .where(webhook_deliveries.c.id.in_([each.id for each in claimed]))
            .values(claimed_until=None)
        )


def record(work: UnitOfWork, results: Sequence[Result]) -> None:
    """Write down what became of deliveries."""
    for result in results:
        delivered = result.retry_after is None
        values: dict[str, Any] = {
            "attempts": result.delivery.attempts + 1,
            "claimed_until": None,
            "last_attempt_at": sa.func.now(),
            "last_status": result.status,
            "last_error": result.error,
        }
        if delivered:
            values |= {"state": "delivered", "delivered_at": sa.func.now()}
        else:
            values["next_attempt_at"] = sa.func.now() + result.retry_after
        work.execute(
            sa.update(webhook_deliveries)
            .where(
                webhook_deliveries.c.id == result.delivery.id,
                webhook_deliveries.c.state == "pending",
            )
            .values(**values)
        )


def succeeded(work: UnitOfWork, webhook_id: uuid.UUID) -> None:
    """Note that the host took something: it counts as well again."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(failures=0, failing_since=None, paused_until=None, last_success_at=sa.func.now())
    )


def failed(work: UnitOfWork, webhook_id: uuid.UUID) -> tuple[int, datetime, datetime]:
    """Count a failure; return how many in a row, since when, and the database's now."""
    row = work.rows(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(
            failures=webhooks.c.failures + 1,
            failing_since=sa.func.coalesce(webhooks.c.failing_since, sa.func.now()),
        )
        .returning(webhooks.c.failures, webhooks.c.failing_since, sa.func.now().label("now"))
    )[0]
    return row["failures"], row["failing_since"], row["now"]


def pause(work: UnitOfWork, webhook_id: uuid.UUID, pause_for: timedelta) -> None:
    """Send nothing to a host for a while."""
    work.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(paused_until=sa.func.now() + pause_for)
    )
