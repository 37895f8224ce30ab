"""The feed 事件流: what happened, in one order, to everybody who listens to this process.

One thread per process gives committed messages their positions and hands them to the listeners;
a listener costs an entry in a list, not a thread. It is woken by a commit of this process, by a
notice of another one that gave positions, and looks by itself every :data:`POLL_S` seconds.
"""

from __future__ import annotations

import select
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Self

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from gis.errors import DatabaseUnavailable, StreamFull
from gis.governance.actors import SYSTEM
from gis.services import jobs
from gis.store import feed
from gis.store.feed import Message as Message  # noqa: PLC0414 - what listeners are given
from gis.store.notices import listening
from gis.store.unit_of_work import Database, UnitOfWork

TOPICS: Final[dict[str, tuple[str, str]]] = {
    "event.created": ("事件受理", "event taken in"),
    "event.routed": ("事件派遣", "event routed"),
    "work_order.changed": ("工单变更", "work order changed"),
    "deliberation.changed": ("议事进展", "deliberation changed"),
}
"""What can be listened to: topic -> (title_zh, title_en)."""

DELIVER: Final = "deliver-webhook"
POLL_S: Final = 0.25
BATCH: Final = 1000
_BREATH_S: Final = 0.01
"""Between two passes, so that a burst of commits is taken together."""

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
_FORESEEN: Final = (psycopg.Error, DBAPIError, DatabaseUnavailable)

_log = structlog.get_logger(__name__)


class Listener:
    """One who listens; ``offer`` is called in the feed's thread and must not block.

    ``position`` is the last message that was offered. ``offer`` answers False to be let go.
    """

    def __init__(self, position: int, offer: Callable[[Sequence[Message]], bool]) -> None:
        self.position = position
        self.offer = offer


class Feed:
    """The thread that reads the outbox, from :meth:`start` to :meth:`stop`."""

    def __init__(self, database: Database, *, limit: int, poll_s: float = POLL_S) -> None:
        self.limit = limit
        self._database = database
        self._poll_s = poll_s
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._letting_go = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._hinted = False
        self._wait_s = _FIRST_WAIT_S

    def start(self) -> Self:
        """Begin; returns at once, also when the database is not there yet."""
        self._stopping.clear()
        self._letting_go = False
        self._hinted = False
        self._ends = socket.socketpair()
        self._database.committed = self.hint
        self._thread = threading.Thread(
            target=self._run, args=(self._ends[1],), name="feed", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let every listener go, end the thread and close its connection."""
        self._database.committed = None
        self._stopping.set()
        self.hint()
        self.let_go()
        if self._thread is not None:
            self._thread.join()
        for end in self._ends or ():
            end.close()

    def let_go(self) -> None:
        """End every listener's stream: the server is about to stop."""
        with self._lock:
            self._letting_go = True
            leaving, self._listeners = self._listeners, []
        for listener in leaving:
            listener.offer(())

    def hint(self) -> None:
        """Say that something was committed. Cheap, from any thread; never fails.

        What is told is committed: the worst that a lost hint costs is one poll.
        """
        if not self._hinted and self._ends is not None:
            self._hinted = True
            with suppress(OSError):  # stopped meanwhile
                self._ends[0].send(b"x")

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def refuse_when_full(self) -> None:
        """Refuse one listener too many.

        Raises
        ------
        gis.errors.StreamFull
            As many listen as may.
        """
        if len(self._listeners) >= self.limit:
            raise StreamFull(limit=self.limit, retry_after_s=10)

    def join(self, listener: Listener) -> None:
        """Offer a listener everything after its position from now on."""
        with self._lock:
            self.refuse_when_full()
            is_late = self._letting_go
            if not is_late:
                self._listeners.append(listener)
        if is_late:  # it was on its way when the server began to stop
            listener.offer(())
        else:
            self.hint()

    def leave(self, listener: Listener) -> None:
        """Forget a listener; one that is gone already is no error."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def last_position(self) -> int:
        """Return where somebody starts who wants only what comes (blocking)."""
        with self._database.reading(SYSTEM) as work:
            return feed.last_position(work)

    def after(self, position: int, *, limit: int = BATCH) -> list[Message]:
        """Return the messages after a position (blocking)."""
        with self._database.reading(SYSTEM) as work:
            return feed.after(work, position, limit=limit)

    def _run(self, woken: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                with listening(self._database.url, feed.CHANNEL) as connection:
                    self._watch(connection, woken)
            except Exception as error:  # noqa: BLE001 - no file left, a bug: nobody would go on
                if self._stopping.is_set():
                    return
                _log.warning(
                    "feed_lost",
                    reason=str(error),
                    next_try_s=self._wait_s,
                    exc_info=not isinstance(error, _FORESEEN),
                )
                self._stopping.wait(self._wait_s)
                self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    def _watch(self, connection: psycopg.Connection[Any], woken: socket.socket) -> None:
        while not self._stopping.is_set():
            self._hinted = False
            sequence_outbox(self._database)
            self._hand_out()
            self._wait_s = _FIRST_WAIT_S
            waited = select.poll()  # not select(): a busy server has files beyond its 1024
            waited.register(connection.fileno(), select.POLLIN)
            waited.register(woken.fileno(), select.POLLIN)
            ready = [number for number, _ in waited.poll(self._poll_s * 1000)]
            if woken.fileno() in ready:
                woken.recv(4096)
                time.sleep(_BREATH_S)
            for _notice in connection.notifies(timeout=0):
                pass

    def _hand_out(self) -> None:
        """Offer every listener what it has not heard, reading each message once."""
        while True:
            with self._lock:
                listeners = list(self._listeners)
            if not listeners:
                return
            messages = self.after(min(listener.position for listener in listeners))
            for listener in listeners:
                fresh = [m for m in messages if m.position > listener.position]
                if fresh:
                    listener.position = fresh[-1].position
                    if not listener.offer(fresh):
                        self.leave(listener)
            if len(messages) < BATCH:
                return


def sequence_outbox(database: Database) -> None:
    """Give positions to all committed messages, and wake the deliveries of webhooks.

    Any number of processes may do it at once: one does, the others go on.
    """
    while True:
        with database.reading(SYSTEM) as work:
            if not feed.is_pending(work):
                return
        with database.transaction(SYSTEM) as work:
            numbered, webhooks = feed.sequence(work, most=BATCH)
            for webhook in webhooks:
                wake_delivery(work, webhook)
        if numbered < BATCH:
            return


def wake_delivery(work: UnitOfWork, webhook: uuid.UUID) -> None:
    """Put the job that delivers to a webhook into the queue, unless it waits there already."""
    name = f"{DELIVER}:{webhook}"
    jobs.defer(work, DELIVER, {"webhook": str(webhook)}, lock=name, key=name)
