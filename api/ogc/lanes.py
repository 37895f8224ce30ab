"""Lanes 通道: how many questions to layers run at once, and how long one waits for its turn.

Tiles, pages and heavy questions (filters, whole layers) have places of their own, so that a hostile
filter keeps nobody but other filters waiting. Their connections are not those of the pool: cases
are taken in and handled whatever happens here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import anyio
from anyio.to_thread import run_sync
from sqlalchemy.exc import DBAPIError

from gis.errors import LayersBusy
from gis.governance.actors import Actor
from gis.store.constraints import translate
from gis.store.features import explained
from gis.store.unit_of_work import Database, UnitOfWork

Answer = TypeVar("Answer")

LONGEST_QUEUE: Final = 64
RETRY_AFTER_S: Final = 2


class Turns:
    """Some places, and a queue before them with a deadline and an end.

    ``wait_s`` is the longest wait for a place; then, and when :data:`LONGEST_QUEUE` wait already,
    the caller gets :class:`gis.errors.LayersBusy`.
    """

    def __init__(self, places: int, wait_s: float) -> None:
        self.places = places
        self.wait_s = wait_s
        self._free = asyncio.Semaphore(places)
        self._waiting = 0

    async def take(self) -> None:
        """Take a place, which :meth:`leave` gives back."""
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting >= LONGEST_QUEUE:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self.wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise self._busy() from error
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()

    def _busy(self) -> LayersBusy:
        return LayersBusy(waited_s=self.wait_s, retry_after_s=RETRY_AFTER_S)


class Lane(Turns):
    """Some places for questions, each in a thread with a connection that only reads.

    Parameters
    ----------
    places, wait_s
        As in :class:`Turns`.
    limit_s
        Longest time of one statement; then :class:`gis.errors.LayerQueryTooLong`.
    """

    def __init__(self, database: Database, places: int, *, wait_s: float, limit_s: float) -> None:
        super().__init__(places, wait_s)
        self.limit_s = limit_s
        self._reader = database.reader(places=places, limit_s=limit_s)
        self._threads = anyio.CapacityLimiter(places)
        self.writers = asyncio.Semaphore(places)
        """Places for files that grow while many questions are asked, each in its turn."""

    async def ask(self, actor: Actor, question: Callable[[UnitOfWork], Answer]) -> Answer:
        """Return what a question gets from the database, in the actor's name."""
        await self.take()
        try:
            return await run_sync(partial(self._asked, actor, question), limiter=self._threads)
        finally:
            self.leave()

    def _asked(self, actor: Actor, question: Callable[[UnitOfWork], Answer]) -> Answer:
        with self._reader.reading(actor) as work, explained(self.limit_s):
            return question(work)

    def close(self) -> None:
        """Close the lane's connections."""
        self._reader.close()


class StatementLane(Turns):
    """Some places for single statements, whose answers the event loop awaits.

    For tiles: all are of one size, so that their plans are kept, and most take less time than the
    way to a thread and back. Parameters as in :class:`Lane`.
    """

    def __init__(self, database: Database, places: int, *, wait_s: float, limit_s: float) -> None:
        super().__init__(places, wait_s)
        self.limit_s = limit_s
        self._reader = database.async_reader(limit_s=limit_s)

    async def ask(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement in the driver's words; who may see what stands in it."""
        await self.take()
        try:
            with explained(self.limit_s):
                return await self._reader.prepared(statement, values)
        except DBAPIError as error:
            raise translate(error) from error
        finally:
            self.leave()

    def close(self) -> None:
        """Close the lane's connections."""
        self._reader.close()


class Once:
    """Work that many ask for at the same time and that is done once, for all of them."""

    def __init__(self) -> None:
        self._going: dict[str, asyncio.Task[bytes]] = {}

    async def once(self, key: str, begin: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        """Return what the work under a key gives; it goes on when one who waits leaves."""
        task = self._going.get(key)
        if task is None:
            task = self._going[key] = asyncio.create_task(begin())
            task.add_done_callback(partial(self._done, key))
        return await asyncio.shield(task)

    def _done(self, key: str, task: asyncio.Task[bytes]) -> None:
        del self._going[key]
        if not task.cancelled():
            task.exception()  # seen, though all who waited may have left


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of one process."""

    tiles: StatementLane
    pages: Lane
    heavy: Lane

    @classmethod
    def on(cls, database: Database, pool_size: int) -> Lanes:
        """Return lanes with connections of their own, a quarter of a pool's number each."""
        places = max(1, pool_size // 4)
        return cls(
            tiles=StatementLane(database, places, wait_s=4.0, limit_s=6.0),
            pages=Lane(database, places, wait_s=4.0, limit_s=6.0),
            heavy=Lane(database, places, wait_s=8.0, limit_s=10.0),
        )

    def close(self) -> None:
        """Close all connections."""
        self.tiles.close()
        self.pages.close()
        self.heavy.close()
