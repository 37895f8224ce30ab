"""Webhooks 订阅推送: who is told of what, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gis.errors import OutsideScope, TopicUnknown, WebhookDeleted, WebhookUnknown
from gis.governance.actors import Actor
from gis.services.feed import TOPICS, wake_delivery
from gis.services.webhook_messages import TYPE_PREFIX, message_id, new_secret
from gis.services.webhook_targets import Targets
from gis.store import access, feed, webhooks
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork

STATES: Final = ("pending", "delivered", "dropped")
"""What may have become of a delivery."""

OVERLAP: Final = timedelta(hours=24)
"""So long a former secret signs as well, unless another time is asked for."""


def register(
    database: Database,
    actor: Actor,
    *,
    url: str,
    title: str,
    topics: Sequence[str],
    area: str | None,
    targets: Targets,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Register a webhook; the answer holds its secret, which no later one does.

    Raises
    ------
    gis.errors.WebhookTargetRefused, gis.errors.TopicUnknown
    gis.errors.OutsideScope
        The actor acts in an area, and asked for another one or the whole city.
    """
    targets.target(url)
    for topic in topics:
        if topic not in TOPICS:
            raise TopicUnknown(topic=topic, known=", ".join(TOPICS))
    wanted = area or actor.area_code
    if actor.area_code is not None and (wanted is None or not actor.covers(wanted)):
        raise OutsideScope(scope=actor.area_code, code=wanted or "-")
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        secret = new_secret()
        webhook_id = webhooks.add(
            work, url=url, title=title, topics=topics, area_code=wanted, secret=secret
        )
        body = {**_one(work, webhook_id), "secret": secret}
        return access.remember(work, keyed, status=201, body=body)


def every(database: Database, actor: Actor) -> list[dict[str, Any]]:
    """Return the webhooks that the actor may see, oldest first, without their secrets."""
    with database.reading(actor) as work:
        return [_shown(row) for row in webhooks.listing(work, actor.area_code)]


def one(database: Database, actor: Actor, webhook_id: uuid.UUID) -> dict[str, Any]:
    """Return one webhook; :class:`~gis.errors.WebhookUnknown` when there is none."""
    with database.reading(actor) as work:
        return _one(work, webhook_id)


def delete(database: Database, actor: Actor, webhook_id: uuid.UUID) -> None:
    """End a webhook; what waited for it is dropped. Again: the same."""
    with database.transaction(actor) as work:
        if _owned(work, webhook_id)["state"] != "deleted":
            webhooks.delete(work, webhook_id)


def enable(database: Database, actor: Actor, webhook_id: uuid.UUID) -> dict[str, Any]:
    """Let a disabled webhook go on; what happened meanwhile is sent, too.

    Raises
    ------
    gis.errors.WebhookUnknown, gis.errors.WebhookDeleted
    """
    with database.transaction(actor) as work:
        last = feed.hold_still(work)
        row = _alive(work, webhook_id)
        if row["state"] == "disabled":
            webhooks.enable(
                work, webhook_id, last if row["heard_until"] is None else row["heard_until"]
            )
            wake_delivery(work, webhook_id)
        return _one(work, webhook_id)


def rotate_secret(
    database: Database,
    actor: Actor,
    webhook_id: uuid.UUID,
    *,
    overlap: timedelta = OVERLAP,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Give a webhook a new secret, which only this answer holds.

    Until the overlap ends each delivery carries two signatures, of the new and the former secret:
    a recipient that knows either takes it. With no overlap the former one ends at once (it leaked).

    Raises
    ------
    gis.errors.WebhookUnknown, gis.errors.WebhookDeleted
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        _alive(work, webhook_id)
        secret = new_secret()
        webhooks.rotate(work, webhook_id, secret, overlap)
        body = {**_one(work, webhook_id), "secret": secret}
        return access.remember(work, keyed, status=200, body=body)


def deliveries(
    database: Database,
    actor: Actor,
    webhook_id: uuid.UUID,
    *,
    state: str | None,
    before: int | None,
    limit: int,
) -> tuple[list[dict[str, Any]], bool]:
    """Return what became of a webhook's messages, newest first, and whether more follow."""
    with database.reading(actor) as work:
        _one(work, webhook_id)
        rows = webhooks.deliveries(work, webhook_id, state=state, before=before, limit=limit + 1)
    return [_delivery(dict(row)) for row in rows[:limit]], len(rows) > limit


def redeliver(
    database: Database, actor: Actor, webhook_id: uuid.UUID, delivery_id: int
) -> dict[str, Any]:
    """Send a message once more, with the same id.

    Raises
    ------
    gis.errors.WebhookUnknown, gis.errors.WebhookDeleted
    """
    with database.transaction(actor) as work:
        _alive(work, webhook_id)
        if not webhooks.redeliver(work, webhook_id, delivery_id):
            raise WebhookUnknown(id=str(delivery_id))
        wake_delivery(work, webhook_id)
        return {"id": str(delivery_id), "state": "pending"}


def _owned(work: UnitOfWork, webhook_id: uuid.UUID) -> Mapping[str, Any]:
    row = webhooks.state_of(work, webhook_id)
    scope = work.actor.area_code
    if row is None or (scope is not None and row["area_code"] != scope):
        raise WebhookUnknown(id=str(webhook_id))
    return dict(row)


def _alive(work: UnitOfWork, webhook_id: uuid.UUID) -> Mapping[str, Any]:
    row = _owned(work, webhook_id)
    if row["state"] == "deleted":
        raise WebhookDeleted(id=str(webhook_id))
    return row


def _one(work: UnitOfWork, webhook_id: uuid.UUID) -> dict[str, Any]:
    found = [row for row in webhooks.listing(work, work.actor.area_code) if row["id"] == webhook_id]
    if not found:
        raise WebhookUnknown(id=str(webhook_id))
    return _shown(found[0])


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: _plain(value) for key, value in row.items() if key != "area_code"}
    return {**shown, "area": row["area_code"]}


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: _plain(value) for key, value in row.items() if key not in {"position", "topic"}}
    return {
        **shown,
        "id": str(row["id"]),
        "message_id": message_id(row["position"]),
        "type": TYPE_PREFIX + row["topic"],
        "position": row["position"],
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - a column of any kind
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
