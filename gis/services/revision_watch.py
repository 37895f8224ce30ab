"""Hear of a publication and load it before anybody asks: LISTEN/NOTIFY with a poll behind it.

Look-ups that use the database never need this to be right: they ask for the revision inside their
own transaction. The watch loads the new snapshot in the background, so that they need not wait,
and keeps :meth:`gis.services.lookup.Boundaries.current` at most :data:`POLL_S` behind when every
notice is lost.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from gis.errors import DatabaseUnavailable, NoPublishedBoundary
from gis.services.lookup import Boundaries
from gis.store.notices import listening

CHANNEL: Final = "gridward_boundaries"
POLL_S: Final = 1.0
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 10.0
"""Between two attempts to reach a database that went away."""
_FORESEEN: Final = (psycopg.Error, DBAPIError, DatabaseUnavailable)

_log = structlog.get_logger(__name__)


class RevisionWatch:
    """A thread with a connection of its own, from :meth:`start` to :meth:`stop`.

    ``also`` is refreshed with the boundaries: what else a process keeps in memory.
    """

    def __init__(
        self,
        url: str,
        boundaries: Boundaries,
        *,
        poll_s: float = POLL_S,
        channel: str = CHANNEL,
        also: Callable[[], object] | None = None,
    ) -> None:
        self._url = url
        self._channel = channel
        self._boundaries = boundaries
        self._also = also
        self._poll_s = poll_s
        self._wait_s = FIRST_WAIT_S
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wake, self._woken = socket.socketpair()

    def start(self) -> Self:
        """Begin to watch; returns at once, also when the database is not there yet."""
        self._thread = threading.Thread(target=self._run, name="revision-watch", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the watch and wait until its connection is closed."""
        self._stopping.set()
        self._wake.send(b"x")
        if self._thread is not None:
            self._thread.join()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with listening(self._url, self._channel) as connection:
                    self._watch(connection)
            except Exception as error:  # noqa: BLE001 - no file left, a bug: nobody would go on
                if self._stopping.is_set():
                    return
                _log.warning(
                    "boundary_watch_lost",
                    reason=str(error),
                    next_try_s=self._wait_s,
                    exc_info=not isinstance(error, _FORESEEN),
                )
                self._stopping.wait(self._wait_s)
                self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    def _watch(self, connection: psycopg.Connection[Any]) -> None:
        """Refresh at the start, at each notice and at each poll, until told to stop."""
        while not self._stopping.is_set():
            with suppress(NoPublishedBoundary):  # an empty city: the first one sends a notice
                self._boundaries.refresh()
            if self._also is not None:
                self._also()
            self._wait_s = FIRST_WAIT_S
            # A notice that came meanwhile makes the socket readable or is drained below: what
            # it tells is in the next refresh in either case.
            waited = select.poll()  # not select(): a busy server has files beyond its 1024
            waited.register(connection.fileno(), select.POLLIN)
            waited.register(self._woken.fileno(), select.POLLIN)
            waited.poll(self._poll_s * 1000)
            for _notice in connection.notifies(timeout=0):
                pass
