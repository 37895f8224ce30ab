"""Deliveries of webhooks 推送: at least once, with back-off, each recipient for itself.

A worker claims some deliveries, sends them without holding a transaction, and writes down what
became of them. When it dies in between, its job goes to another one, which sends them again, with
the same id. A host that does not answer is left alone for a while, growing from seconds to an hour;
one that fails for :data:`DISABLED_AFTER` is disabled with the reason; nothing is lost meanwhile.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import structlog

from gis.errors import Unavailable, WebhookTargetRefused
from gis.governance.actors import SYSTEM
from gis.services import jobs, webhook_messages
from gis.services.feed import DELIVER, sequence_outbox, wake_delivery
from gis.services.webhook_targets import Targets, post
from gis.store import feed, webhooks
from gis.store.feed import Message
from gis.store.unit_of_work import Database, UnitOfWork
from gis.store.webhooks import Claimed, Result

AT_ONCE: Final = 4
CLAIMED_AT_ONCE: Final = 48
LEASE: Final = timedelta(seconds=120)
TURN_S: Final = 20.0
"""After so long a job makes room for others; what is left goes on in the next one."""

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
DISABLED_AFTER: Final = timedelta(days=3)
_WELL: Final = range(200, 300)
_GONE: Final = 410
_TOO_MANY: Final = 429
_TIMEOUT: Final = 408

_log = structlog.get_logger(__name__)


def back_off(tries: int) -> timedelta:
    """Return how long to wait after so many failed tries: 5 s, doubled, at most an hour.

    >>> [int(back_off(n).total_seconds()) for n in (1, 2, 3, 10, 11, 500)]
    [5, 10, 20, 2560, 3600, 3600]
    """
    doublings = min(max(tries, 1) - 1, 20)
    return min(FIRST_PAUSE * float(1 << doublings), LONGEST_PAUSE)


@jobs.task(DELIVER, queue="outgoing", attempts=3)
def deliver(context: jobs.Context, *, webhook: str) -> None:
    """Send what is due for one webhook, until nothing is or the turn is over.

    Without a database it just ends: :func:`wake` comes again, and no retry stands in the way of
    the job that waits already.
    """
    try:
        _deliver(context, webhook)
    except Unavailable as error:
        _log.warning("webhook_delivery_interrupted", webhook=webhook, reason=str(error))


def _deliver(context: jobs.Context, webhook: str) -> None:
    webhook_id = uuid.UUID(webhook)
    turn = _Turn(context.database, Targets(context.settings.webhook_hosts), webhook_id)
    with context.database.transaction(SYSTEM) as work:
        # jobs of one webhook run one after the other: who claimed something before is dead
        webhooks.end_claims(work, webhook_id)
    ends = time.monotonic() + TURN_S
    while turn.send_some(ends):
        if context.stopping() or time.monotonic() > ends:
            break
    with context.database.transaction(SYSTEM) as work:
        if webhook_id in webhooks.with_due_deliveries(work):
            wake_delivery(work, webhook_id)


@jobs.task("wake-webhooks", queue="outgoing", every=timedelta(seconds=5))
def wake(context: jobs.Context) -> None:
    """Wake what is due: retries, and what a process that died left undone."""
    sequence_outbox(context.database)
    with context.database.transaction(SYSTEM) as work:
        for webhook_id in webhooks.with_due_deliveries(work):
            wake_delivery(work, webhook_id)


class _Turn:
    """One job's turn at one webhook."""

    def __init__(self, database: Database, targets: Targets, webhook_id: uuid.UUID) -> None:
        self._database = database
        self._targets = targets
        self._id = webhook_id
        self._broken = threading.Event()

    def send_some(self, ends: float) -> bool:
        """Claim, send and record some deliveries; return whether it is worth going on."""
        with self._database.transaction(SYSTEM) as work:
            claimed = webhooks.claim(work, self._id, limit=CLAIMED_AT_ONCE, lease=LEASE)
            if not claimed:
                return False
            row = webhooks.state_of(work, self._id)
            messages = feed.at(work, [each.position for each in claimed])
        if row is None:
            return False
        url = str(row["url"])
        known = [str(one) for one in (row["secret"], row["former"]) if one is not None]

        def one(delivery: Claimed) -> Result | None:
            if self._broken.is_set() or time.monotonic() > ends:
                return None
            return self._send(url, known, delivery, messages[delivery.position])

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            found = list(pool.map(one, claimed))
        tried = [result for result in found if result is not None]
        untried = [claimed[i] for i, result in enumerate(found) if result is None]
        with self._database.transaction(SYSTEM) as work:
            webhooks.record(work, tried)
            webhooks.release(work, untried)
            _judge_host(work, self._id, tried, broken=self._broken.is_set())
        return not self._broken.is_set()

    def _send(
        self, url: str, secrets: Sequence[str], delivery: Claimed, message: Message
    ) -> Result:
        body = webhook_messages.cloud_event(message)
        identity = webhook_messages.message_id(message.position)
        headers = webhook_messages.headers(secrets, identity, int(time.time()), body)
        status, error = None, None
        try:
            status, said = post(self._targets, url, headers, body)
            if status not in _WELL:
                error = f"HTTP {status}: {said[:300]}"
        except WebhookTargetRefused as refused:
            error = refused.detail("en")
        except (OSError, http.client.HTTPException, ssl.SSLError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:300]
        if error is None:
            return Result(delivery=delivery, status=status, error=None, retry_after=None)
        if status is None or status >= 500 or status in {_TOO_MANY, _TIMEOUT, _GONE}:
            self._broken.set()
        return Result(
            delivery=delivery,
            status=status,
            error=error.replace("\x00", ""),
            retry_after=back_off(delivery.attempts + 1),
        )


def _judge_host(
    work: UnitOfWork, webhook_id: uuid.UUID, results: Sequence[Result], *, broken: bool
) -> None:
    """Write down how the host is: well, to be left alone for a while, or to be disabled."""
    bad = [result for result in results if result.retry_after is not None]
    if len(bad) < len(results):
        webhooks.succeeded(work, webhook_id)
    if not bad:
        return
    failures, since, now = webhooks.failed(work, webhook_id)
    gone = any(result.status == _GONE for result in bad)
    if broken:
        webhooks.pause(work, webhook_id, back_off(failures))
    if gone or now - since >= DISABLED_AFTER:
        why = bad[-1].error or ""
        reason = (
            f"接收方返回 410，不再接收 / the receiver answered 410 Gone; {why}"
            if gone
            else f"自 {since.isoformat()} 起连续失败 {failures} 次 / "
            f"failing {failures} times since then; {why}"
        )
        heard_until = feed.hold_still(work)
        webhooks.disable(work, webhook_id, reason[:1000], heard_until)
        _log.error("webhook_disabled", webhook=str(webhook_id), reason=why)
