"""A server that is told to stop ends its endless answers first: it need not wait for them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from gis.services.feed import Feed

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def let_go_on_signal(feed: Feed) -> Iterator[None]:
    """Let listeners go when a signal stops the server, then do what it did before.

    Only the main thread may set handlers; in another one (tests) nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def leave(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=feed.let_go, daemon=True).start()  # its lock may be held right here
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _SIGNALS:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
